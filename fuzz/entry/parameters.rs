//! What a caller of the API could break: query, body and `Authorization` header.

use secrecy::{ExposeSecret, SecretString};
use simverify::api::v1::credentials::{Credentials, Proof};
use simverify::api::v1::params::{Parameters, REQUEST_IDS};
use simverify::api::v1::{check, control, request, search, signature};
use simverify::clock::Timestamp;
use simverify::verification::{Brand, Payee, Pin, Purpose, StartRequest};

/// The instant at which the signed inputs of the corpus were signed, and two accounts' secrets: the first's made them.
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const SECRETS: [&str; 2] = ["s3cret", "another"];

/// Every single parameter that an operation asks for.
const NAMES: [&str; 19] = [
    "number",
    "brand",
    "payee",
    "amount",
    "country",
    "sender_id",
    "code_length",
    "lg",
    "pin_expiry",
    "next_event_wait",
    "workflow_id",
    "pin_code",
    "request_id",
    "code",
    "ip_address",
    "cmd",
    "api_key",
    "timestamp",
    "sig",
];

/// Parts: header, query, body.
pub fn parameters(bytes: &[u8]) {
    let [header, query, body] = super::parts(bytes);
    let query = String::from_utf8_lossy(query);
    reads_a_form_as_others_do(&query);
    let parameters = Parameters::gather(&query, body);
    let _ = format!("{parameters:?} {:?}", parameters.unreadable());
    credentials(header, &parameters);
    signature(&parameters);
    for started in [request::parse(&parameters), request::parse_psd2(&parameters)].into_iter().flatten() {
        start(&started);
    }
    if let Ok(tried) = check::parse(&parameters) {
        if let Some(pin) = tried.code.as_pin() {
            assert!(!format!("{tried:?}").contains(&format!("\"{}\"", pin.reveal())));
        }
        let address = tried.ip_address.unwrap_or_default();
        assert!(address.chars().count() <= check::IP_ADDRESS_CHARACTERS_MAX && !address.contains(char::is_control));
    }
    if let Ok(search) = search::parse(&parameters) {
        assert!(search.requests().len() <= 10);
    }
    if let Ok((_, command)) = control::parse(&parameters) {
        assert_eq!(parameters.text("cmd"), Ok(Some(command.as_str())));
    }
}

/// The first value that is not empty, if it is text, is what another reader of forms finds.
fn reads_a_form_as_others_do(query: &str) {
    let parameters = Parameters::gather(query, b"");
    for name in NAMES {
        let other = form_urlencoded::parse(query.as_bytes()).find(|(key, value)| key == name && !value.is_empty());
        if let Ok(own) = parameters.text(name) {
            assert_eq!(own, other.as_ref().map(|(_, value)| &**value), "{name}");
        }
    }
    if let Ok(own) = parameters.list(REQUEST_IDS) {
        let others = form_urlencoded::parse(query.as_bytes());
        let others = others.filter(|(key, value)| key == REQUEST_IDS && !value.is_empty());
        assert!(others.map(|(_, value)| value.into_owned()).eq(own));
    }
}

fn credentials(header: &[u8], parameters: &Parameters) {
    for authorization in [None, Some(header)] {
        let Some(credentials) = Credentials::find(authorization, parameters) else { continue };
        assert!(!credentials.api_key.is_empty());
        let shown = format!("{credentials:?}");
        match credentials.proof {
            Proof::Secret(secret) => {
                assert!(!secret.expose_secret().is_empty());
                assert_eq!(shown, "Credentials(key and secret)");
            }
            Proof::Signature => assert!(parameters.is_given("sig")),
        }
    }
}

fn signature(parameters: &Parameters) {
    let [own, others] = SECRETS.map(|secret| signature::verify(parameters, &SecretString::from(secret), NOW));
    assert!(others.is_err(), "signed by who does not know the secret");
    if own.is_ok() {
        assert!(parameters.is_given("sig") && parameters.is_given("timestamp"));
    }
}

/// What is accepted is what the contract allows.
fn start(request: &StartRequest) {
    let digits = request.number.digits();
    assert!((1..=15).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit()), "{digits}");
    assert!(!format!("{:?}", request.number).contains(digits));
    let (name, longest) = match &request.purpose {
        Purpose::Number { brand } => (brand.as_str(), Brand::CHARACTERS_MAX),
        Purpose::Payment { payee, .. } => (payee.as_str(), Payee::CHARACTERS_MAX),
    };
    assert!((1..=longest).contains(&name.chars().count()) && !name.contains(char::is_control), "{name:?}");
    assert!(request.pin_expiry.is_none_or(|expiry| (60..=3600).contains(&expiry.as_secs())));
    assert!(request.next_event_wait.is_none_or(|wait| (60..=900).contains(&wait.as_secs())));
    if let Some(pin) = &request.pin {
        assert_eq!(Pin::new(pin.reveal()).as_ref(), Some(pin));
        assert_eq!(format!("{pin:?}"), "Pin(***)");
    }
}
