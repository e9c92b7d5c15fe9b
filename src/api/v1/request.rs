//! The operation that starts a verification: parameters to [`StartRequest`], and its result to a reply. Pure.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::app::StartError;
use crate::fraud::address::EndUserAddress;
use crate::phone::{Country, PhoneNumber, PhoneNumberError};
use crate::verification::{
    Amount, Brand, CodeLength, Language, Payee, Pin, Purpose, RequestId, SenderId, StartRequest, Workflow,
};

use super::document::{Document, Fields};
use super::params::Parameters;
use super::reply::{Failure, Reply};
use super::status::Status;

/// Seconds that a request may ask for; the configuration may go further.
pub const PIN_EXPIRY: RangeInclusive<u32> = 60..=3600;
pub const NEXT_EVENT_WAIT: RangeInclusive<u32> = 60..=900;

/// Reads the parameters of a request, in the order in which they are refused.
///
/// # Errors
///
/// [`Status::Missing`] for the first mandatory parameter that is not there, else [`Status::Invalid`] for the first
/// that is wrong.
pub fn parse(parameters: &Parameters) -> Result<StartRequest, Status> {
    parameters.require(&["number", "brand"])?;
    let number = number(parameters)?;
    let brand = Brand::new(parameters.mandatory("brand")?).ok_or(Status::Invalid("brand"))?;
    country(parameters)?;
    let sender_id = optional(parameters, "sender_id", SenderId::new)?;
    let usual = |language: &Language| !language.is_psd2_only();
    let further = Further::read(parameters, |text| text.parse().ok().filter(usual))?;
    Ok(further.into_request(number, Purpose::Number { brand }, sender_id))
}

/// Reads the parameters of a payment to be confirmed (PSD2), as [`parse`]: payee and amount take the place of brand and
/// sender.
///
/// # Errors
///
/// As [`parse`].
pub fn parse_psd2(parameters: &Parameters) -> Result<StartRequest, Status> {
    parameters.require(&["number", "payee", "amount"])?;
    let number = number(parameters)?;
    let payee = Payee::new(parameters.mandatory("payee")?).ok_or(Status::Invalid("payee"))?;
    let amount = Amount::parse(parameters.mandatory("amount")?).ok_or(Status::Invalid("amount"))?;
    country(parameters)?;
    let mut further = Further::read(parameters, |text| text.parse().ok())?;
    further.language = further.language.or(Some(Language::BRITISH_ENGLISH));
    Ok(further.into_request(number, Purpose::Payment { payee, amount }, None))
}

/// The parameters that both kinds of request take.
struct Further {
    code_length: Option<CodeLength>,
    language: Option<Language>,
    pin_expiry: Option<Duration>,
    next_event_wait: Option<Duration>,
    workflow: Option<Workflow>,
    pin: Option<Pin>,
    end_user: Option<EndUserAddress>,
}

impl Further {
    fn read(parameters: &Parameters, language: impl Fn(&str) -> Option<Language>) -> Result<Self, Status> {
        Ok(Self {
            code_length: optional(parameters, "code_length", code_length)?,
            language: optional(parameters, "lg", language)?,
            pin_expiry: optional(parameters, "pin_expiry", |text| seconds(text, &PIN_EXPIRY))?,
            next_event_wait: optional(parameters, "next_event_wait", |text| seconds(text, &NEXT_EVENT_WAIT))?,
            workflow: optional(parameters, "workflow_id", workflow)?,
            pin: optional(parameters, "pin_code", Pin::new)?,
            // Clients of the Nexmo API may send anything under a name that it does not know.
            end_user: parameters.text("ip_address").ok().flatten().and_then(|text| text.parse().ok()),
        })
    }

    fn into_request(self, number: PhoneNumber, purpose: Purpose, sender_id: Option<SenderId>) -> StartRequest {
        StartRequest {
            number,
            purpose,
            sender_id,
            code_length: self.code_length,
            language: self.language,
            pin_expiry: self.pin_expiry,
            next_event_wait: self.next_event_wait,
            workflow: self.workflow,
            pin: self.pin,
            end_user: self.end_user,
        }
    }
}

/// The reply to a request that was accepted.
pub fn reply(request: RequestId) -> Reply {
    let fields =
        Fields::new().text("request_id", request.to_string()).text("status", Status::Done.number().to_string());
    Reply::made(request, Document::Object { root: "verify_response", fields })
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Barred => Status::Barred.into(),
            StartError::UnsupportedNetwork => Status::UnsupportedNetwork.into(),
            StartError::Blocked => Status::Blocked.into(),
            StartError::Held { retry_after } => Status::Held { retry_after }.into(),
            StartError::ShortPin(parameter) => Status::Invalid(parameter).into(),
            StartError::InProgress { request } => Status::InProgress { request }.into(),
            StartError::QuotaExceeded => Status::QuotaExceeded.into(),
            StartError::NoRoute(no_route) => Status::NoRoute(no_route).into(),
            StartError::Internal(internal) => internal.into(),
        }
    }
}

/// A text that is given must be one that `parse` takes.
fn optional<T>(
    parameters: &Parameters,
    name: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Status> {
    parameters.text(name)?.map(|text| parse(text).ok_or(Status::Invalid(name))).transpose()
}

fn country(parameters: &Parameters) -> Result<Option<Country>, Status> {
    optional(parameters, "country", |text| text.parse().ok())
}

/// What a number means may hang on its country: with a wrong one, only what is wrong in any country is the number's.
fn number(parameters: &Parameters) -> Result<PhoneNumber, Status> {
    let text = parameters.mandatory("number")?;
    let country = country(parameters);
    PhoneNumber::parse(text, country.clone().unwrap_or_default()).map_err(|error| match (error, country) {
        (PhoneNumberError::Impossible, Err(country)) => country,
        _ => Status::Invalid("number"),
    })
}

fn code_length(text: &str) -> Option<CodeLength> {
    match whole(text)? {
        4 => Some(CodeLength::Four),
        6 => Some(CodeLength::Six),
        _ => None,
    }
}

fn seconds(text: &str, range: &RangeInclusive<u32>) -> Option<Duration> {
    whole(text).filter(|seconds| range.contains(seconds)).map(|seconds| Duration::from_secs(seconds.into()))
}

fn workflow(text: &str) -> Option<Workflow> {
    Workflow::new(u8::try_from(whole(text)?).ok()?)
}

/// Digits only; leading zeros are fine.
fn whole(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::super::endpoint::Format;
    use super::*;
    use crate::channel::admission::NoRoute;

    fn refusal(query: &str) -> Status {
        parse(&Parameters::gather(query, b"")).expect_err("a refusal")
    }

    fn accepted(query: &str) -> StartRequest {
        parse(&Parameters::gather(query, b"")).expect("a request")
    }

    /// Number and brand in order, and something more.
    fn with(rest: &str) -> String {
        format!("number=447400123456&brand=Acme&{rest}")
    }

    #[test]
    fn number_and_brand_are_enough() {
        let request = accepted("number=447400123456&brand=Acme");
        let brand = Brand::new("Acme").expect("a brand");
        assert_eq!((request.number.digits(), request.purpose), ("447400123456", Purpose::Number { brand }));
        assert!(request.sender_id.is_none() && request.code_length.is_none() && request.language.is_none());
        assert!(request.pin_expiry.is_none() && request.next_event_wait.is_none());
        assert!(request.workflow.is_none() && request.pin.is_none());
    }

    #[test]
    fn everything_that_is_given_arrives() {
        let request = accepted(
            "number=07400+123456&brand=Acme&country=gb&sender_id=ACME&code_length=06&lg=DE-de&pin_expiry=0600\
             &next_event_wait=300&workflow_id=4&pin_code=aB12&other=ignored",
        );
        assert_eq!(request.number.digits(), "447400123456");
        assert_eq!(request.sender_id, SenderId::new("ACME"));
        assert_eq!(request.code_length, Some(CodeLength::Six));
        assert_eq!(request.language.map(Language::as_str), Some("de-de"));
        assert_eq!(request.pin_expiry, Some(Duration::from_secs(600)));
        assert_eq!(request.next_event_wait, Some(Duration::from_secs(300)));
        assert_eq!(request.workflow, Workflow::new(4));
        assert_eq!(request.pin, Pin::new("aB12"));
    }

    #[test]
    fn json_numbers_do_where_a_number_is_meant() {
        let body = br#"{"number":447400123456,"brand":"Acme","code_length":6,"pin_expiry":300,"pin_code":1234}"#;
        let request = parse(&Parameters::gather("", body)).expect("a request");
        assert_eq!(request.number.digits(), "447400123456");
        assert_eq!(request.code_length, Some(CodeLength::Six));
        assert_eq!(request.pin, Pin::new("1234"));
    }

    #[test]
    fn missing_parameters_come_before_invalid_ones() {
        assert_eq!(refusal(""), Status::Missing("number"));
        assert_eq!(refusal("brand=Acme"), Status::Missing("number"));
        assert_eq!(refusal("number=x"), Status::Missing("brand"));
        assert_eq!(refusal("number=x&brand=&code_length=5"), Status::Missing("brand"));
    }

    #[test]
    fn each_invalid_value_names_its_parameter() {
        for (query, parameter) in [
            ("number=abc&brand=Acme".to_owned(), "number"),
            ("number=4474001234567890&brand=Acme".to_owned(), "number"),
            ("number=07400123456&brand=Acme".to_owned(), "number"),
            ("number=447400123456&brand=1234567890123456789".to_owned(), "brand"),
            ("number=447400123456&brand=a%0Ab".to_owned(), "brand"),
            (with("country=XX"), "country"),
            (with("country=GBR"), "country"),
            (with("sender_id=ABCDEFGHIJKL"), "sender_id"),
            (with("sender_id=A-B"), "sender_id"),
            (with("code_length=5"), "code_length"),
            (with("code_length=4.0"), "code_length"),
            (with("code_length=%2B4"), "code_length"),
            (with("code_length=+4"), "code_length"),
            (with("code_length=99999999999"), "code_length"),
            (with("lg=xx-xx"), "lg"),
            (with("lg=sk-sk"), "lg"),
            (with("pin_expiry=59"), "pin_expiry"),
            (with("pin_expiry=3601"), "pin_expiry"),
            (with("next_event_wait=59"), "next_event_wait"),
            (with("next_event_wait=901"), "next_event_wait"),
            (with("workflow_id=0"), "workflow_id"),
            (with("workflow_id=8"), "workflow_id"),
            (with("workflow_id=257"), "workflow_id"),
            (with("pin_code=123"), "pin_code"),
            (with("pin_code=12345678901"), "pin_code"),
            (with("pin_code=12%2034"), "pin_code"),
        ] {
            assert_eq!(refusal(&query), Status::Invalid(parameter), "{query}");
        }
    }

    #[test]
    fn of_several_invalid_values_the_first_in_the_contracts_order_is_named() {
        assert_eq!(refusal("number=x&brand=1234567890123456789&country=XX"), Status::Invalid("number"));
        assert_eq!(refusal("number=447400123456&brand=a%0Ab&country=XX"), Status::Invalid("brand"));
        assert_eq!(refusal(&with("pin_code=1&country=XX&lg=x")), Status::Invalid("country"));
        assert_eq!(refusal(&with("pin_code=1&workflow_id=9")), Status::Invalid("workflow_id"));
    }

    #[test]
    fn a_national_number_in_an_unknown_country_is_the_countrys_fault() {
        assert_eq!(refusal("number=07400123456&brand=Acme&country=XX"), Status::Invalid("country"));
    }

    #[test]
    fn a_payment_has_payee_and_amount_and_speaks_the_languages_of_europe() {
        let read = |query: &str| parse_psd2(&Parameters::gather(&format!("number=447700900123&{query}"), b""));
        let request = read("payee=Acme&amount=25.5&brand=ignored&sender_id=%2B&lg=sk-sk&pin_code=4711").expect("valid");
        let payee = Payee::new("Acme").expect("a payee");
        let amount = Amount::from_cents(2550).expect("an amount");
        assert_eq!(request.purpose, Purpose::Payment { payee, amount });
        assert_eq!(request.language.map(Language::as_str), Some("sk-sk"));
        assert!(request.sender_id.is_none() && request.pin.is_some());
        let request = read("payee=Acme&amount=1").expect("valid");
        assert_eq!(request.language.map(Language::as_str), Some("en-gb"));
        for (query, status) in [
            ("", Status::Missing("payee")),
            ("payee=Acme", Status::Missing("amount")),
            ("amount=1", Status::Missing("payee")),
            ("payee=1234567890123456789&amount=x", Status::Invalid("payee")),
            ("payee=Acme&amount=0", Status::Invalid("amount")),
            ("payee=Acme&amount=1,50", Status::Invalid("amount")),
            ("payee=Acme&amount=1&lg=xx", Status::Invalid("lg")),
        ] {
            assert_eq!(read(query).expect_err("a refusal"), status, "{query}");
        }
    }

    #[test]
    fn a_success_carries_no_error_text() {
        let reply = reply(RequestId::from_bytes([0xab; 16]));
        insta::assert_snapshot!(reply.document.write(Format::Json), @r#"{"request_id":"abababababababababababababababab","status":"0"}"#);
        insta::assert_snapshot!(reply.document.write(Format::Xml), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <verify_response><request_id>abababababababababababababababab</request_id><status>0</status></verify_response>
        "#);
    }

    #[test]
    fn every_refusal_of_a_start_has_its_status() {
        let request = RequestId::from_bytes([0xab; 16]);
        for (error, number) in [
            (StartError::Blocked, 7),
            (StartError::Held { retry_after: None }, 7),
            (StartError::ShortPin("code_length"), 3),
            (StartError::Barred, 8),
            (StartError::QuotaExceeded, 9),
            (StartError::InProgress { request }, 10),
            (StartError::UnsupportedNetwork, 15),
            (StartError::NoRoute(NoRoute::Down), 6),
        ] {
            let text = format!("{error:?}");
            let Failure::Refused(status) = error.into() else { panic!("{text} is no fault of ours") };
            assert_eq!(status.number(), number, "{text}");
        }
    }
}
