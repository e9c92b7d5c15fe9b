//! The schemas of the document: what is asked, and what is replied. Every value of a reply is a text.

use utoipa::openapi::schema::{
    AdditionalProperties, AllOfBuilder, ArrayBuilder, Object, ObjectBuilder, OneOfBuilder, Schema, Type,
};
use utoipa::openapi::{Ref, RefOr};

use crate::api::v1::control::Command;
use crate::api::v1::search::MASKED_CODE;
use crate::app::Progress;
use crate::verification::EventKind;

use super::service::Service;

/// The schemas of every service, each with its name.
pub(super) fn components(services: &[Service]) -> Vec<(&'static str, Schema)> {
    let mut components: Vec<_> = services.iter().map(|service| (service.schema, asked(service).into())).collect();
    components.extend([
        ("Started", started().into()),
        ("Checked", checked().into()),
        ("Verification", verification().into()),
        ("VerificationList", list().into()),
        ("Controlled", controlled(object()).into()),
        ("ControlledPortal", controlled(object().field("request_id", request_id())).into()),
        ("Refusal", refusal().into()),
        ("Fault", fault().into()),
    ] as [(&str, Schema); 8]);
    components
}

pub(super) fn named(name: &str) -> RefOr<Schema> {
    Ref::from_schema_name(name).into()
}

/// A refusal with one of these numbers.
pub(super) fn refusal_with(numbers: &[String]) -> RefOr<Schema> {
    let numbers = ObjectBuilder::new().property("status", one_of(numbers));
    Schema::AllOf(AllOfBuilder::new().item(named("Refusal")).item(numbers).build()).into()
}

/// Any of these, or the one.
pub(super) fn either(mut schemas: Vec<RefOr<Schema>>) -> RefOr<Schema> {
    if schemas.len() == 1 {
        return schemas.remove(0);
    }
    let alternatives = schemas.into_iter().fold(OneOfBuilder::new(), OneOfBuilder::item);
    Schema::OneOf(alternatives.build()).into()
}

fn asked(service: &Service) -> Object {
    let parameters = service.parameters.iter().fold(ObjectBuilder::new(), |object, parameter| {
        let object = object.property(parameter.name, parameter.schema.clone());
        if parameter.required { object.required(parameter.name) } else { object }
    });
    parameters.build()
}

fn started() -> ObjectBuilder {
    object().field("request_id", request_id()).field("status", success())
}

fn checked() -> ObjectBuilder {
    started()
        .field("event_id", event_id().description(Some("The event whose PIN it was.")))
        .field("price", money().description(Some("What the verification costs.")))
        .field("currency", currency())
        .field("estimated_price_messages_sent", money())
}

fn verification() -> ObjectBuilder {
    let progress = [Progress::InProgress, Progress::Success, Progress::Failed, Progress::Expired, Progress::Cancelled];
    let check = object()
        .field("date_received", date("^", "$"))
        .field("code", one_of(&[MASKED_CODE]))
        .field("status", one_of(&["VALID", "INVALID"]))
        .field("ip_address", text());
    let event = object()
        .field("type", one_of(&[EventKind::Sms, EventKind::Tts].map(EventKind::as_str)))
        .field("id", event_id());
    object()
        .field("request_id", request_id())
        .field("account_id", text().description(Some("The `api_key`.")))
        .field("status", one_of(&progress.map(crate::api::v1::search::progress)))
        .field("number", text().pattern(Some("^[0-9]{1,15}$")).description(Some("In E.164, without `+`.")))
        .field("price", money())
        .field("currency", currency())
        .field("sender_id", text())
        .field("date_submitted", date("^", "$").description(Some("UTC, as every date.")))
        .field("date_finalized", date("^(", ")?$").description(Some("Empty until the verification has ended.")))
        .field("first_event_date", date("^(", ")?$").description(Some("Empty until something was sent.")))
        .field("last_event_date", date("^(", ")?$"))
        .field("checks", ArrayBuilder::new().items(check.build()))
        .field("events", ArrayBuilder::new().items(event.build()))
        .field("estimated_price_messages_sent", money())
}

fn list() -> ObjectBuilder {
    object().field("verification_requests", ArrayBuilder::new().items(Ref::from_schema_name("Verification")))
}

fn controlled(object: ObjectBuilder) -> ObjectBuilder {
    object.field("status", success()).field("command", one_of(&Command::ALL.map(Command::as_str)))
}

fn refusal() -> ObjectBuilder {
    object()
        .field(
            "request_id",
            text()
                .pattern(Some("^([0-9a-f]{32})?$"))
                .description(Some("Empty, but with status 10 the verification that is in progress.")),
        )
        .field("status", text().pattern(Some("^[1-9][0-9]*$")).description(Some("See the table at the top.")))
        .field("error_text", text().min_length(Some(1)))
}

fn fault() -> ObjectBuilder {
    object()
        .field("request_id", one_of(&[""]))
        .field("status", one_of(&["5"]))
        .field("error_text", text().min_length(Some(1)))
        .field(
            "trace_id",
            text().pattern(Some("^[0-9a-f]{16}$")).description(Some("The log of the service has the same.")),
        )
}

/// Fields that are all there, and no others.
trait Fields {
    fn field(self, name: &str, schema: impl Into<RefOr<Schema>>) -> Self;
}

impl Fields for ObjectBuilder {
    fn field(self, name: &str, schema: impl Into<RefOr<Schema>>) -> Self {
        self.property(name, schema).required(name)
    }
}

fn object() -> ObjectBuilder {
    ObjectBuilder::new().additional_properties(Some(AdditionalProperties::FreeForm(false)))
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn one_of(values: &[impl AsRef<str>]) -> ObjectBuilder {
    text().enum_values(Some(values.iter().map(|value| value.as_ref().to_owned()).collect::<Vec<_>>()))
}

fn success() -> ObjectBuilder {
    one_of(&["0"])
}

fn request_id() -> ObjectBuilder {
    text().pattern(Some("^[0-9a-f]{32}$"))
}

fn event_id() -> ObjectBuilder {
    text().pattern(Some("^[0-9a-f]{16}$"))
}

fn money() -> ObjectBuilder {
    text().pattern(Some("^[0-9]+\\.[0-9]{8}$"))
}

fn currency() -> ObjectBuilder {
    text().pattern(Some("^[A-Z]{3}$"))
}

fn date(begin: &str, end: &str) -> ObjectBuilder {
    text().pattern(Some(format!("{begin}[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}} [0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}{end}")))
}
