//! The Postman collection and its environment.
//!
//! Sent in its order, the collection starts a verification with a PIN of its own, looks it up, starts its next event and
//! checks the PIN: each reply is a success, and each test says so. Sent one by one, each request uses what the
//! environment holds: its user edits `number` and `brand`, `code`, `cmd` there. A test claims no more than what is true
//! of any use.

use serde_json::{Value, json};

use crate::api::v1::control::Command;
use crate::api::v1::endpoint::{Face, Operation};

use super::parameter::NUMBER;
use super::service::{PIN, Service};

/// Postman asks each of them for an id that stays the same.
const COLLECTION_ID: &str = "6d2c1f0e-5b7a-4c39-9a41-7be5a0d1c2f3";
const ENVIRONMENT_ID: &str = "a1f4e7d2-3c58-4b96-8d07-2e9b6c5f0a14";

const SCHEMA: &str = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";

/// The order of a run in which each request is a success.
const ORDER: [Operation; 4] = [Operation::Request, Operation::Search, Operation::Control, Operation::Check];

/// The collection, in Postman's format 2.1.
pub fn collection() -> Value {
    let services = Service::all();
    let of = |operation| services.iter().find(|service| service.operation == operation);
    let items: Vec<Value> = ORDER.into_iter().filter_map(of).map(item).collect();
    json!({
        "info": {
            "_postman_id": COLLECTION_ID,
            "name": "Verify",
            "description": "Phone verification with Simverify. Select the environment Verify-Nexmo, fill in api_key and \
                            api_secret of an account and a number of yours, and send the requests one by one, or run \
                            the collection.",
            "schema": SCHEMA,
        },
        "auth": {
            "type": "basic",
            "basic": [
                {"key": "username", "value": "{{api_key}}", "type": "string"},
                {"key": "password", "value": "{{api_secret}}", "type": "string"},
            ],
        },
        "item": items,
    })
}

/// The environment `Verify-Nexmo`, for a service on this machine.
pub fn environment() -> Value {
    let value = |key: &str, value: &str, kind: &str| json!({"key": key, "value": value, "type": kind, "enabled": true});
    json!({
        "id": ENVIRONMENT_ID,
        "name": "Verify-Nexmo",
        "values": [
            value("base_url", "http://127.0.0.1:8080", "default"),
            value("api_key", "", "default"),
            value("api_secret", "", "secret"),
            value("number", NUMBER, "default"),
            value("brand", "Acme", "default"),
            value("pin_code", PIN, "default"),
            value("request_id", "", "default"),
            value("code", "", "default"),
            value("cmd", Command::TriggerNextEvent.as_str(), "default"),
        ],
        "_postman_variable_scope": "environment",
    })
}

fn item(service: &Service) -> Value {
    let path = service.path(Face::Portal).expect("the portal has these four");
    let (variables, note, test) = sent(service.operation);
    let form: Vec<Value> =
        variables.iter().map(|name| json!({"key": name, "value": format!("{{{{{name}}}}}"), "type": "text"})).collect();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    json!({
        "name": service.title,
        "event": [{
            "listen": "test",
            "script": {"type": "text/javascript", "exec": test.lines().collect::<Vec<_>>()},
        }],
        "request": {
            "method": "POST",
            "header": [],
            "body": {"mode": "urlencoded", "urlencoded": form},
            "url": {"raw": format!("{{{{base_url}}}}{path}"), "host": ["{{base_url}}"], "path": segments},
            "description": format!("{} {note}", service.description),
        },
        "response": [],
    })
}

/// The variables that go out as parameters of the same names, what the user is told, and the test.
fn sent(operation: Operation) -> (&'static [&'static str], &'static str, &'static str) {
    match operation {
        // The portal has no payments; were they there, they would be sent as a request is.
        Operation::Request | Operation::Psd2 => (
            &["number", "brand", "pin_code"],
            "With pin_code empty in the environment, the service draws a PIN.",
            include_str!("postman/request.js"),
        ),
        Operation::Search => (&["request_id"], "", include_str!("postman/search.js")),
        Operation::Control => (
            &["request_id", "cmd"],
            "Set cmd in the environment: cancel or trigger_next_event.",
            include_str!("postman/control.js"),
        ),
        Operation::Check => (
            &["request_id", "code"],
            "Set code in the environment to what the phone shows. Verify Request has filled in its own PIN.",
            include_str!("postman/check.js"),
        ),
    }
}
