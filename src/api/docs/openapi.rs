//! The OpenAPI document: info, security, and each service at each of its paths.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use serde_json::Value;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathItemBuilder};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{Components, ComponentsBuilder, Object, ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Content, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathItem, Paths, RefOr, Required, Response,
    ResponseBuilder, Responses, SecurityRequirement, Server,
};

use crate::api::v1::endpoint::{Endpoint, Face, Format};
use crate::api::v1::status::Status;

use super::schema;
use super::service::Service;
use super::{parameter, refusal};

const PORTAL: &str = "Verify";
const NEXMO: &str = "Nexmo clients";
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// The OpenAPI document of this program.
pub fn document() -> OpenApi {
    let services = Service::all();
    let tag = |name, description| TagBuilder::new().name(name).description(Some(description)).build();
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Simverify")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(introduction(&services)))
                .license(Some(LicenseBuilder::new().name(env!("CARGO_PKG_LICENSE")).build())),
        )
        // Of the host that serves the document, whichever it is.
        .servers(Some([Server::new("/")]))
        .tags(Some([
            tag(PORTAL, "An HTTP status tells the outcome. POST only, JSON out."),
            tag(
                NEXMO,
                "What the client libraries for the Nexmo Verify API speak: GET and POST, JSON and XML. The HTTP status \
                 is 200 whatever the outcome; `status` in the reply tells.",
            ),
        ]))
        .components(Some(components(&services)))
        .security(Some([
            SecurityRequirement::new("basic", [] as [&str; 0]),
            SecurityRequirement::new("api_key", [] as [&str; 0]).add("api_secret", [] as [&str; 0]),
        ]))
        .paths(paths(&services))
        .build()
}

fn introduction(services: &[Service]) -> String {
    let endpoint = |service: &Service| Endpoint { operation: service.operation, face: Face::Portal };
    let mut rows = BTreeMap::new();
    for service in services {
        for status in refusal::of(service.operation, "…", "…") {
            let http = status.http(endpoint(service)).as_u16();
            let row = format!("| {} | {} | {http} | {} |\n", status.number(), status.text(), refusal::words(&status).1);
            rows.entry((status.number(), http, refusal::words(&status).0)).or_insert(row);
        }
    }
    let rows: String = rows.into_values().collect();
    format!(
        "Phone verification on your own SIM card. Ask for a verification: the user gets a PIN by SMS or call. Check the \
         PIN that the user typed. The service speaks the Nexmo Verify API.\n\n\
         **Parameters** come as a form, as JSON or in the query, on every path; the body wins. In JSON a number may be \
         written as a number or as a text. An empty value is a missing one, and unknown parameters are ignored.\n\n\
         **Credentials** are those of an account (`simverify account add`): `Authorization: Basic`, or the parameters \
         `api_key` and `api_secret`, which may stand in the body too. An address ends up in logs: prefer the header or \
         the body to the query.\n\n\
         **Replies** carry texts only, numbers too. A success has `status` \"0\" and no `error_text`; anything else is:\n\n\
         | status | error_text | HTTP (Verify) | when |\n| --- | --- | --- | --- |\n{rows}\n\
         Every reply has the header `X-Trace-Id`; the service's log has the same id."
    )
}

fn components(services: &[Service]) -> Components {
    let query_key = |name: &str, description: &str| {
        SecurityScheme::ApiKey(ApiKey::Query(ApiKeyValue::with_description(name, description)))
    };
    let basic = HttpBuilder::new()
        .scheme(HttpAuthScheme::Basic)
        .description(Some("Username: the account's `api_key`. Password: its `api_secret`."));
    let components = ComponentsBuilder::new()
        .security_scheme("basic", SecurityScheme::Http(basic.build()))
        .security_scheme("api_key", query_key("api_key", "With `api_secret`. Both may stand in the body too."))
        .security_scheme("api_secret", query_key("api_secret", "With `api_key`."));
    let schemas = schema::components(services).into_iter();
    schemas.fold(components, |components, (name, schema)| components.schema(name, schema)).build()
}

fn paths(services: &[Service]) -> Paths {
    let mut paths = Paths::new();
    for face in [Face::Portal, Face::Nexmo(Format::Json), Face::Nexmo(Format::Xml)] {
        for service in services {
            if let Some(path) = service.path(face) {
                paths.paths.insert(path.to_owned(), path_item(service, face));
            }
        }
    }
    paths
}

fn path_item(service: &Service, face: Face) -> PathItem {
    let (tag, suffix) = match face {
        Face::Portal => (PORTAL, ""),
        Face::Nexmo(Format::Json) => (NEXMO, "Json"),
        Face::Nexmo(Format::Xml) => (NEXMO, "Xml"),
    };
    let operation = |prefix: &str| {
        OperationBuilder::new()
            .tag(tag)
            .summary(Some(service.summary))
            .description(Some(service.description))
            .operation_id(Some(format!("{prefix}{}{suffix}", service.id)))
            .responses(responses(service, face))
    };
    let post = operation("verify").request_body(Some(
        RequestBodyBuilder::new()
            .required(Some(Required::True))
            .content(FORM, asked(service, true))
            .content(JSON, asked(service, false))
            .build(),
    ));
    let item = PathItemBuilder::new();
    let item = match face {
        Face::Portal => item,
        Face::Nexmo(_) => {
            let parameters = service.parameters.iter().map(query);
            item.operation(HttpMethod::Get, operation("get").parameters(Some(parameters)))
        }
    };
    item.operation(HttpMethod::Post, post).build()
}

fn asked(service: &Service, as_form: bool) -> Content {
    let content = ContentBuilder::new().schema(Some(schema::named(service.schema)));
    // The page fills a form in from the schema, and would show these beside it.
    if as_form {
        return content.build();
    }
    let examples = service.asked.iter().map(|asked| {
        (asked.name, ExampleBuilder::new().summary(asked.summary).value(Some(asked.body.clone())).build())
    });
    content.examples_from_iter(examples).build()
}

fn query(parameter: &parameter::Parameter) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(parameter.name)
        .parameter_in(ParameterIn::Query)
        .required(if parameter.required { Required::True } else { Required::False })
        .schema(Some(parameter.schema.clone()))
}

/// What is replied with one HTTP status.
#[derive(Default)]
struct Outcomes {
    meanings: Vec<String>,
    schemas: Vec<&'static str>,
    numbers: Vec<String>,
    faults: bool,
    examples: Vec<(&'static str, String, Value)>,
}

fn responses(service: &Service, face: Face) -> Responses {
    let endpoint = Endpoint { operation: service.operation, face };
    let mut outcomes: BTreeMap<u16, Outcomes> = BTreeMap::new();
    let written = |reply: &crate::api::v1::reply::Reply| {
        let text = reply.document.write(endpoint.format());
        match endpoint.format() {
            Format::Json => serde_json::from_str(&text).expect("a reply is JSON"),
            Format::Xml => Value::String(text),
        }
    };
    for done in service.done(face) {
        let outcome = outcomes.entry(done.reply.http(endpoint).as_u16()).or_default();
        outcome.meanings.push(done.summary.to_owned());
        outcome.schemas.push(done.schema);
        outcome.examples.push((done.name, done.summary.to_owned(), written(&done.reply)));
    }
    for status in refusal::of(service.operation, service.missing, service.invalid) {
        let (name, meaning) = refusal::words(&status);
        let outcome = outcomes.entry(status.http(endpoint).as_u16()).or_default();
        match status {
            Status::Internal => outcome.faults = true,
            _ => outcome.numbers.push(status.number().to_string()),
        }
        let summary = format!("Status {}: {meaning}", status.number());
        outcome.meanings.push(summary.clone());
        outcome.examples.push((name, summary, written(&refusal::body(service.operation, &status))));
    }
    let mut responses = Responses::new();
    for (http, outcome) in outcomes {
        responses.responses.insert(http.to_string(), RefOr::T(response(http, outcome, endpoint)));
    }
    responses
}

fn response(http: u16, mut outcome: Outcomes, endpoint: Endpoint) -> Response {
    let status = StatusCode::from_u16(http).expect("a status of ours");
    let description = match endpoint.face {
        Face::Portal => format!("- {}", outcome.meanings.join("\n- ")),
        Face::Nexmo(_) if http == 200 => "The outcome is the reply's `status`.".to_owned(),
        Face::Nexmo(_) => status.canonical_reason().unwrap_or_default().to_owned(),
    };
    outcome.numbers.dedup();
    outcome.schemas.dedup();
    let examples: Vec<_> = outcome
        .examples
        .iter()
        .map(|(name, summary, value)| {
            (*name, ExampleBuilder::new().summary(summary).value(Some(value.clone())).build())
        })
        .collect();
    let content = ContentBuilder::new().examples_from_iter(examples);
    let content = match endpoint.format() {
        Format::Json => content.schema(Some(schema_of(&outcome))).build(),
        // The one schema language of the document does not tell XML's elements apart: examples do.
        Format::Xml => content.build(),
    };
    let content_type = endpoint.format().content_type().split(';').next().expect("a first part");
    let response = ResponseBuilder::new().description(description).content(content_type, content);
    headers(status, endpoint)
        .into_iter()
        .fold(response, |response, (name, description)| {
            let text: Object = ObjectBuilder::new().schema_type(Type::String).build();
            let header = HeaderBuilder::new().schema(Some(Schema::Object(text))).description(Some(description));
            response.header(name, header.build())
        })
        .build()
}

fn schema_of(outcome: &Outcomes) -> RefOr<Schema> {
    let mut schemas: Vec<_> = outcome.schemas.iter().map(|name| schema::named(name)).collect();
    if !outcome.numbers.is_empty() {
        schemas.push(schema::refusal_with(&outcome.numbers));
    }
    if outcome.faults {
        schemas.push(schema::named("Fault"));
    }
    schema::either(schemas)
}

fn headers(status: StatusCode, endpoint: Endpoint) -> Vec<(&'static str, &'static str)> {
    let mut headers = vec![("X-Trace-Id", "Names this request; the service's log has the same id.")];
    if endpoint.face == Face::Portal {
        match status {
            StatusCode::CREATED => headers.push(("Location", "Where the verification can be looked up.")),
            StatusCode::UNAUTHORIZED => headers.push(("WWW-Authenticate", "The scheme `Basic`.")),
            StatusCode::TOO_MANY_REQUESTS => headers.push(("Retry-After", "In how many seconds to try again.")),
            _ => {}
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_endpoint_is_described_with_its_methods() {
        let document = document();
        for endpoint in Endpoint::all() {
            let path = endpoint.paths()[0];
            let item = document.paths.get_path_item(path).unwrap_or_else(|| panic!("{path} is not described"));
            let methods = [item.get.as_ref().map(|_| "GET"), item.post.as_ref().map(|_| "POST")];
            let methods: Vec<&str> = methods.into_iter().flatten().collect();
            assert_eq!(methods.join(", "), endpoint.methods(), "{path}");
        }
    }

    #[test]
    fn the_table_has_every_number_of_the_contract() {
        let introduction = introduction(&Service::all());
        let rows = introduction.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok());
        let numbers: BTreeSet<u8> = rows.collect();
        assert_eq!(Vec::from_iter(numbers), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 16, 17, 18, 19, 101]);
    }

    #[test]
    fn every_operation_has_an_id_of_its_own() {
        let document = document();
        let operations = document.paths.paths.values().flat_map(|item| [&item.get, &item.post]).flatten();
        let ids: Vec<&str> = operations.map(|operation| operation.operation_id.as_deref().expect("an id")).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
    }
}
