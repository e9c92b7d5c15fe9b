//! The operation that checks a code: its parameters and its reply. Pure.

use crate::app::{CheckError, Checked};
use crate::verification::{Code, RequestId};

use super::document::{Document, Fields};
use super::params::Parameters;
use super::reply::{Failure, Reply};
use super::status::Status;

/// The longest `ip_address` that is recorded: an IPv6 address with a zone, and room to spare. It is what the caller
/// says and nothing hangs on it, so that its form is not checked.
pub const IP_ADDRESS_CHARACTERS_MAX: usize = 64;

/// A code to be checked.
#[derive(Clone, Debug)]
pub struct Try {
    pub request: RequestId,
    pub code: Code,
    pub ip_address: Option<String>,
}

/// Reads the parameters of a check.
///
/// # Errors
///
/// [`Status::Missing`], [`Status::Invalid`], or [`Status::RequestNotFound`] for a text that is no request id.
pub fn parse(parameters: &Parameters) -> Result<Try, Status> {
    parameters.require(&["request_id", "code"])?;
    let request = parameters.mandatory("request_id")?;
    let code = Code::new(parameters.mandatory("code")?).ok_or(Status::Invalid("code"))?;
    let ip_address = match parameters.text("ip_address")? {
        Some(text) if text.chars().count() > IP_ADDRESS_CHARACTERS_MAX || text.chars().any(char::is_control) => {
            return Err(Status::Invalid("ip_address"));
        }
        text => text.map(str::to_owned),
    };
    let request = request_id(request)?;
    Ok(Try { request, code, ip_address })
}

/// Characters of a caller's text that a reply repeats: a request id and as much again.
const ECHOED_MAX: usize = 64;

/// A text that is no request id names no request.
///
/// # Errors
///
/// [`Status::RequestNotFound`].
pub fn request_id(text: &str) -> Result<RequestId, Status> {
    text.parse().map_err(|_| Status::RequestNotFound { request: text.chars().take(ECHOED_MAX).collect() })
}

/// The reply to a right code.
pub fn reply(request: RequestId, checked: Checked) -> Reply {
    let fields = Fields::new()
        .text("request_id", request.to_string())
        .text("status", Status::Done.number().to_string())
        .text("event_id", checked.event.to_string())
        .text("price", checked.price.to_string())
        .text("currency", checked.currency)
        .text("estimated_price_messages_sent", checked.estimated_price_messages_sent.to_string());
    Reply::done(Document::Object { root: "verify_response", fields })
}

/// Why the code for `request` was not taken.
pub fn failure(request: RequestId, error: CheckError) -> Failure {
    match error {
        CheckError::NotFound => Status::RequestNotFound { request: request.to_string() }.into(),
        CheckError::Wrong => Status::WrongCode.into(),
        CheckError::WrongTooOften | CheckError::Held { retry_after: None } => Status::WrongTooOften.into(),
        CheckError::Held { retry_after: Some(retry_after) } => Status::CheckHeld { retry_after }.into(),
        CheckError::Internal(internal) => internal.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::endpoint::Format;
    use super::*;
    use crate::verification::{EventId, Money};

    const ID: &str = "abababababababababababababababab";

    fn refusal(query: &str) -> Status {
        parse(&Parameters::gather(query, b"")).expect_err("a refusal")
    }

    #[test]
    fn a_check_needs_a_request_and_a_code() {
        assert_eq!(refusal("code=1234"), Status::Missing("request_id"));
        assert_eq!(refusal(&format!("request_id={ID}")), Status::Missing("code"));
        assert_eq!(refusal(""), Status::Missing("request_id"));
    }

    #[test]
    fn a_code_of_letters_and_digits_is_tried_whatever_its_length() {
        for code in ["1", "123", "1234", "aBc123", "12345678901"] {
            let parameters = Parameters::gather(&format!("request_id={ID}&code={code}"), b"");
            assert!(parse(&parameters).is_ok(), "{code}");
        }
        let parameters = Parameters::gather("", format!(r#"{{"request_id":"{ID}","code":1234}}"#).as_bytes());
        assert!(parse(&parameters).is_ok(), "a JSON number");
        for code in ["12-4", "12%2034", "%D9%A1%D9%A2%D9%A3%D9%A4", "%ff"] {
            assert_eq!(refusal(&format!("request_id={ID}&code={code}")), Status::Invalid("code"), "{code}");
        }
    }

    #[test]
    fn a_text_that_is_no_request_id_is_not_found() {
        let status = refusal("request_id=1267899&code=1234");
        assert_eq!(status, Status::RequestNotFound { request: "1267899".to_owned() });
        assert_eq!(refusal("request_id=1267899&code=12-4"), Status::Invalid("code"));
    }

    #[test]
    fn an_ip_address_is_taken_as_it_is_said() {
        let said = |address: &str| {
            parse(&Parameters::gather(&format!("request_id={ID}&code=1234&ip_address={address}"), b""))
                .map(|tried| tried.ip_address)
        };
        assert_eq!(said("123.0.0.255"), Ok(Some("123.0.0.255".to_owned())));
        assert_eq!(said(""), Ok(None));
        assert_eq!(said(&"1".repeat(65)), Err(Status::Invalid("ip_address")));
        assert_eq!(said("1%0A2"), Err(Status::Invalid("ip_address")));
    }

    #[test]
    fn a_right_code_is_told_with_its_event_and_its_price() {
        let checked = Checked {
            currency: "USD".to_owned(),
            event: EventId::from_bytes([0xcd; 8]),
            price: Money::from_units(12_050_000),
            estimated_price_messages_sent: Money::ZERO,
        };
        let reply = reply(RequestId::from_bytes([0xab; 16]), checked);
        insta::assert_snapshot!(reply.document.write(Format::Json), @r#"{"request_id":"abababababababababababababababab","status":"0","event_id":"cdcdcdcdcdcdcdcd","price":"0.12050000","currency":"USD","estimated_price_messages_sent":"0.00000000"}"#);
        insta::assert_snapshot!(reply.document.write(Format::Xml), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <verify_response><request_id>abababababababababababababababab</request_id><status>0</status><event_id>cdcdcdcdcdcdcdcd</event_id><price>0.12050000</price><currency>USD</currency><estimated_price_messages_sent>0.00000000</estimated_price_messages_sent></verify_response>
        "#);
    }

    #[test]
    fn every_refusal_of_a_check_has_its_status() {
        let request = RequestId::from_bytes([0xab; 16]);
        for (error, number) in [(CheckError::NotFound, 6), (CheckError::Wrong, 16), (CheckError::WrongTooOften, 17)] {
            let text = format!("{error:?}");
            let Failure::Refused(status) = failure(request, error) else { panic!("{text} is no fault of ours") };
            assert_eq!(status.number(), number, "{text}");
        }
    }
}
