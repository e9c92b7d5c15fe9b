//! What may be asked, one parameter at a time, with the bounds that the parsers use.

use std::ops::RangeInclusive;

use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};

use crate::api::v1::check::IP_ADDRESS_CHARACTERS_MAX;
use crate::api::v1::control::Command;
use crate::api::v1::request::{NEXT_EVENT_WAIT, PIN_EXPIRY};
use crate::api::v1::search::REQUEST_IDS_MAX;
use crate::verification::{Brand, CodeLength, EventKind, LANGUAGES, PSD2_LANGUAGES, Payee, Pin, SenderId, Workflow};

/// A number that belongs to nobody: Ofcom keeps it for films and examples.
pub(super) const NUMBER: &str = "447700900123";

pub(super) struct Parameter {
    pub name: &'static str,
    pub required: bool,
    pub schema: Schema,
}

impl Parameter {
    fn required(name: &'static str, schema: impl Into<Schema>) -> Self {
        Self { name, required: true, schema: schema.into() }
    }

    fn optional(name: &'static str, schema: impl Into<Schema>) -> Self {
        Self { name, required: false, schema: schema.into() }
    }
}

/// Of a request, in the order in which they are refused.
pub(super) fn request() -> Vec<Parameter> {
    let brand = text("The name in front of the PIN in the message. Any script, no control characters.")
        .min_length(Some(1))
        .max_length(Some(Brand::CHARACTERS_MAX))
        .examples(["Acme"]);
    let sender_id = text(&format!(
        "The sender that HTTP providers show: up to 11 letters and digits, or up to 15 digits; {} if it is not given. A \
         SIM sends under its own number.",
        SenderId::default().as_str()
    ))
    .pattern(Some("^([A-Za-z0-9]{1,11}|[0-9]{1,15})$"));
    let mut parameters =
        vec![number(), Parameter::required("brand", brand), country(), Parameter::optional("sender_id", sender_id)];
    parameters.extend(course(&LANGUAGES, "By the number's country if it is not given."));
    parameters
}

/// Of a request to confirm a payment.
pub(super) fn payment() -> Vec<Parameter> {
    let payee = text("Whom the payment goes to, as the message says it. Any script, no control characters.")
        .min_length(Some(1))
        .max_length(Some(Payee::CHARACTERS_MAX))
        .examples(["Acme Ltd"]);
    let amount = text("Euros, with a point and at most two decimals; more than nothing.")
        .pattern(Some("^[0-9]{1,9}(\\.[0-9]{1,2})?$"))
        .examples(["48.00"]);
    let languages: Vec<&str> = LANGUAGES.iter().chain(&PSD2_LANGUAGES).copied().collect();
    let mut parameters =
        vec![number(), Parameter::required("payee", payee), Parameter::required("amount", amount), country()];
    parameters.extend(course(&languages, "en-gb if it is not given."));
    parameters
}

pub(super) fn check() -> Vec<Parameter> {
    let code =
        text("What the user typed. Letters and digits; upper and lower case differ.").pattern(Some("^[A-Za-z0-9]+$"));
    let ip_address =
        text("The user's address. It is recorded, and shown by a search.").max_length(Some(IP_ADDRESS_CHARACTERS_MAX));
    vec![request_id(), Parameter::required("code", code), Parameter::optional("ip_address", ip_address)]
}

pub(super) fn search() -> Vec<Parameter> {
    let request_ids = ArrayBuilder::new()
        .items(ObjectBuilder::new().schema_type(Type::String).build())
        .max_items(Some(REQUEST_IDS_MAX))
        .description(Some(format!(
            "Several request ids, at most {REQUEST_IDS_MAX}. They are not looked at beside `request_id`."
        )));
    let one = text("A request id. Either this or `request_ids` is needed.");
    vec![Parameter::optional("request_id", one), Parameter::optional("request_ids", request_ids)]
}

pub(super) fn control() -> Vec<Parameter> {
    let cmd = text(
        "`cancel` stops the request; the first 30 seconds, and once its second event has started, it is refused. \
         `trigger_next_event` starts the next event at once.",
    )
    .enum_values(Some(Command::ALL.map(Command::as_str)));
    vec![request_id(), Parameter::required("cmd", cmd)]
}

fn number() -> Parameter {
    let number = text(
        "The phone number, in E.164 with or without `+` or `00`; spaces, dashes and brackets do no harm. In national \
         format if `country` is given.",
    )
    .examples([NUMBER]);
    Parameter::required("number", number)
}

fn country() -> Parameter {
    let country = text("ISO 3166-1 alpha-2, such as `GB`: the country of a number in national format.")
        .pattern(Some("^[A-Za-z]{2}$"));
    Parameter::optional("country", country)
}

fn request_id() -> Parameter {
    Parameter::required("request_id", text("The `request_id` of the reply to the request."))
}

/// How a verification goes: the parameters that any kind of request takes.
fn course(languages: &[&str], language_default: &str) -> Vec<Parameter> {
    let code_length = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .enum_values(Some([CodeLength::Four, CodeLength::Six].map(CodeLength::digits)))
        .description(Some("How many digits the PIN has. Four unless the service is configured otherwise."));
    let lg = text(&format!("The language of SMS and call. {language_default}")).enum_values(Some(languages.to_vec()));
    let workflow_id = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(*Workflow::IDS.start()))
        .maximum(Some(*Workflow::IDS.end()))
        .description(Some(workflows()));
    let end_user_address = text(
        "The address of your user, for the operator's limits. The header `X-End-User-IP` says the same. What is no IP \
         address is ignored.",
    );
    let pin_code = text("Your own PIN. Without it one is drawn.").pattern(Some(pin_pattern()));
    vec![
        Parameter::optional("code_length", code_length),
        Parameter::optional("lg", lg),
        Parameter::optional(
            "pin_expiry",
            seconds(
                &PIN_EXPIRY,
                "How long the PIN is right, in seconds from the moment it was handed to the network. 300 unless the \
                 service is configured otherwise. Unless it is a multiple of `next_event_wait`, that takes its place.",
            ),
        ),
        Parameter::optional(
            "next_event_wait",
            seconds(
                &NEXT_EVENT_WAIT,
                "How long each event waits for an answer before the next one, in seconds. The workflow's own waits if \
                 it is not given.",
            ),
        ),
        Parameter::optional("workflow_id", workflow_id),
        Parameter::optional("pin_code", pin_code),
        Parameter::optional("ip_address", end_user_address),
    ]
}

fn workflows() -> String {
    let events = |id: u8| {
        let workflow = Workflow::new(id).expect("an id of the range");
        let kinds: Vec<&str> = workflow.events().iter().map(|kind| EventKind::as_str(*kind)).collect();
        format!("{id}: {}", kinds.join(", "))
    };
    let list: Vec<String> = Workflow::IDS.map(events).collect();
    format!("Which events come in which order: {}. 1 unless the service is configured otherwise.", list.join("; "))
}

pub(super) fn pin_pattern() -> String {
    format!("^[A-Za-z0-9]{{{},{}}}$", Pin::LENGTH_MIN, Pin::LENGTH_MAX)
}

fn seconds(range: &RangeInclusive<u32>, description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(*range.start()))
        .maximum(Some(*range.end()))
        .description(Some(description))
}

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::api::v1::params::Parameters;
    use crate::api::v1::request;

    fn is_accepted(name: &str, value: &Value) -> bool {
        let mut body = json!({"number": NUMBER, "brand": "Acme"});
        body[name] = value.clone();
        request::parse(&Parameters::gather("", body.to_string().as_bytes())).is_ok()
    }

    /// Values at the bounds of a schema, and beyond them.
    fn at_the_bounds(schema: &Value) -> (Vec<Value>, Vec<Value>) {
        let number = |key: &str| schema[key].as_i64();
        let (mut within, mut beyond) = (vec![], vec![]);
        if let (Some(minimum), Some(maximum)) = (number("minimum"), number("maximum")) {
            within.extend([json!(minimum), json!(maximum)]);
            beyond.extend([json!(minimum - 1), json!(maximum + 1)]);
        }
        if let Some(length) = schema["maxLength"].as_u64().and_then(|length| usize::try_from(length).ok()) {
            within.push(json!("é".repeat(length)));
            beyond.push(json!("é".repeat(length + 1)));
        }
        if let Some(values) = schema["enum"].as_array() {
            within.extend(values.iter().cloned());
            beyond.push(json!("none"));
        }
        (within, beyond)
    }

    #[test]
    fn what_the_document_allows_is_what_is_accepted() {
        let mut bounded = vec![];
        for parameter in super::request() {
            let schema = serde_json::to_value(&parameter.schema).expect("a schema");
            let (within, beyond) = at_the_bounds(&schema);
            bounded.extend((!within.is_empty()).then_some(parameter.name));
            within.iter().for_each(|value| assert!(is_accepted(parameter.name, value), "{}: {value}", parameter.name));
            beyond.iter().for_each(|value| assert!(!is_accepted(parameter.name, value), "{}: {value}", parameter.name));
        }
        assert_eq!(bounded, ["brand", "code_length", "lg", "pin_expiry", "next_event_wait", "workflow_id"]);
    }

    #[test]
    fn what_the_patterns_say_of_lengths_is_what_is_accepted() {
        assert_eq!(pin_pattern(), "^[A-Za-z0-9]{4,10}$");
        for (name, accepted, refused) in [
            ("pin_code", ["aB12", "0123456789"], ["123", "01234567890"]),
            ("sender_id", ["ABCDEFGHIJK", "123456789012345"], ["ABCDEFGHIJKL", "1234567890123456"]),
            ("country", ["GB", "gb"], ["G", "GBR"]),
        ] {
            for value in accepted {
                assert!(is_accepted(name, &json!(value)), "{name}: {value}");
            }
            for value in refused {
                assert!(!is_accepted(name, &json!(value)), "{name}: {value}");
            }
        }
    }
}
