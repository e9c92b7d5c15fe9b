//! The official Python client, `vonage` 4.9.1, with its host changed. It insists on HTTPS.

use std::process::Command;

use insta::assert_snapshot;
use serde_json::json;

use crate::client::{Client, beside, installed};
use crate::service::Service;

const NUMBER: &str = "447700900123";

fn client(service: &Service, secret: &str) -> Client {
    let mut program = Command::new(installed().join("python/bin/python"));
    program
        .arg(beside("python/calls.py"))
        .env("HOST", &service.host)
        .env("REQUESTS_CA_BUNDLE", service.authority())
        .env("API_KEY", &service.key)
        .env("API_SECRET", secret)
        .env("NO_PROXY", "*");
    Client::start(program)
}

struct Session {
    service: Service,
    client: Client,
}

impl Session {
    fn start() -> Self {
        let service = Service::https();
        let client = client(&service, &service.secret);
        Self { service, client }
    }

    fn told(&mut self, call: &str, arguments: serde_json::Value) -> String {
        let outcome = self.client.call(call, &arguments).to_string();
        self.service.masked(&outcome)
    }

    fn started(&mut self, number: &str, workflow: u8) -> String {
        let arguments = json!({ "number": number, "brand": "Acme", "workflow_id": workflow });
        self.client.field("start", &arguments, "request_id")
    }
}

#[test]
fn a_number_is_verified_with_the_pin_that_the_phone_shows() {
    let mut session = Session::start();
    let request = session.started(NUMBER, 6);
    let pin = session.service.pin(NUMBER);
    let wrong = if pin == "0000" { "1111" } else { "0000" };
    assert_snapshot!(session.told("check", json!({ "request_id": request, "code": wrong })), @r#"{"raised":"VerifyError: Error with the following details: {'request_id': '', 'status': '16', 'error_text': 'The code inserted does not match the expected value'}"}"#);
    assert_snapshot!(session.told("check", json!({ "request_id": request, "code": pin })), @r#"{"returned":{"currency":"USD","estimated_price_messages_sent":"0.00000000","event_id":"<event>","price":"0.12050000","request_id":"<request>","status":"0"}}"#);
    assert_snapshot!(session.told("search", json!({ "request": request })), @r#"{"returned":{"account_id":"<key>","checks":[{"code":"****","date_received":"<date>","ip_address":"","status":"INVALID"},{"code":"****","date_received":"<date>","ip_address":"","status":"VALID"}],"currency":"USD","date_finalized":"<date>","date_submitted":"<date>","estimated_price_messages_sent":"0.00000000","events":[{"id":"<event>","type":"sms"}],"first_event_date":"<date>","last_event_date":"<date>","number":"447700900123","price":"0.12050000","request_id":"<request>","sender_id":"VERIFY","status":"SUCCESS"}}"#);
    assert_snapshot!(session.told("check", json!({ "request_id": request, "code": pin })), @r#"{"raised":"VerifyError: Error with the following details: {'request_id': '', 'status': '6', 'error_text': \"The Nexmo platform was unable to process this message for the following reason: Request '<request>' was not found or it has been verified already.\"}"}"#);
}

#[test]
fn every_parameter_of_the_client_is_taken() {
    let mut session = Session::start();
    let arguments = json!({
        "number": "7700900123", "country": "GB", "brand": "Acme & Söhne", "sender_id": "ACME", "lg": "en-gb",
        "code_length": 6, "pin_expiry": 300, "next_event_wait": 60, "workflow_id": 4,
    });
    let request = session.client.field("start", &arguments, "request_id");
    let pin = session.service.pin(NUMBER);
    assert_eq!(pin.len(), 6);
    assert_eq!(session.client.field("check", &json!({ "request_id": request, "code": pin }), "status"), "0");
    let arguments = json!({ "number": NUMBER, "brand": "Acme", "pin_code": "aB3dE5" });
    let request = session.client.field("start", &arguments, "request_id");
    assert_eq!(session.client.field("check", &json!({ "request_id": request, "code": "aB3dE5" }), "status"), "0");
}

#[test]
fn several_requests_are_found_at_once() {
    let mut session = Session::start();
    let requests = ["447700900123", "447700900124"].map(|number| {
        let request = session.started(number, 6);
        session.service.pin(number);
        request
    });
    let found = session.client.call("search", &json!({ "request": requests }));
    let list = found["returned"].as_array().expect("a list");
    let ids: Vec<_> = list.iter().map(|one| one["request_id"].as_str().expect("an id")).collect();
    assert_eq!(ids, requests);
    let numbers: Vec<_> = list.iter().map(|one| one["number"].as_str().expect("a number")).collect();
    assert_eq!(numbers, ["447700900123", "447700900124"]);
    let unknown = "ab".repeat(16);
    assert_snapshot!(session.told("search", json!({ "request": unknown })), @r#"{"raised":"VerifyError: Error with the following details: {'request_id': '', 'status': '101', 'error_text': 'No request found'}"}"#);
}

#[test]
fn a_verification_is_hurried_and_cancelled() {
    let mut session = Session::start();
    let request = session.started(NUMBER, 4);
    let pin = session.service.pin(NUMBER);
    assert_snapshot!(session.told("trigger", json!({ "request_id": request })), @r#"{"returned":{"command":"trigger_next_event","status":"0"}}"#);
    assert_eq!(session.service.pin(NUMBER), pin, "the second SMS carries the same PIN");
    assert_snapshot!(session.told("trigger", json!({ "request_id": request })), @r#"{"raised":"VerifyError: Error with the following details: {'request_id': '', 'status': '19', 'error_text': \"No more events are left to execute for the request ['<request>']\"}"}"#);
    assert_snapshot!(session.told("cancel", json!({ "request_id": request })), @r#"{"raised":"VerifyError: Error with the following details: {'request_id': '', 'status': '19', 'error_text': \"Verification request ['<request>'] can't be cancelled now. Too many attempts to re-deliver have already been made.\"}"}"#);
    let other = session.started("447700900124", 6);
    session.service.pin("447700900124");
    assert_snapshot!(session.told("cancel", json!({ "request_id": other })), @r#"{"returned":{"command":"cancel","status":"0"}}"#);
    assert_snapshot!(session.told("cancel", json!({ "request_id": other })), @r#"{"raised":"VerifyError: Error with the following details: {'request_id': '', 'status': '6', 'error_text': \"The Nexmo platform was unable to process this message for the following reason: Request '<request>' was not found or it has been verified already.\"}"}"#);
}

#[test]
fn errors_reach_the_caller_as_errors() {
    let mut session = Session::start();
    session.started(NUMBER, 6);
    assert_snapshot!(session.told("start", json!({ "number": NUMBER, "brand": "Acme" })), @r#"{"raised":"VerifyError: Error with the following details: {'request_id': '<request>', 'status': '10', 'error_text': 'Concurrent verifications to the same number are not allowed'}"}"#);
    assert_snapshot!(session.told("start", json!({ "number": "447700900124", "brand": "" })), @r#"{"raised":"VerifyError: Error with the following details: {'request_id': '', 'status': '2', 'error_text': 'Your request is incomplete and missing the mandatory parameter: brand'}"}"#);
    assert_snapshot!(session.told("start", json!({ "number": "4477009", "brand": "Acme" })), @r#"{"raised":"VerifyError: Error with the following details: {'request_id': '', 'status': '3', 'error_text': 'Invalid value for parameter: number'}"}"#);
    session.client = client(&session.service, "wrong");
    assert_snapshot!(session.told("start", json!({ "number": NUMBER, "brand": "Acme" })), @r#"{"raised":"VerifyError: Error with the following details: {'request_id': '', 'status': '4', 'error_text': 'Invalid credentials were provided'}"}"#);
}

#[test]
fn a_payment_is_confirmed() {
    let mut session = Session::start();
    let arguments = json!({ "number": NUMBER, "payee": "Acme", "amount": 12.5, "workflow_id": 6 });
    let request = session.client.field("start_psd2", &arguments, "request_id");
    let pin = session.service.pin(NUMBER);
    assert_eq!(session.client.field("check", &json!({ "request_id": request, "code": pin }), "status"), "0");
}

#[test]
fn a_certificate_that_is_not_trusted_is_refused() {
    let service = Service::https();
    let mut program = Command::new(installed().join("python/bin/python"));
    program.arg(beside("python/calls.py")).env("HOST", &service.host).env("API_KEY", "k").env("API_SECRET", "s");
    let outcome = Client::start(program).call("start", &json!({ "number": NUMBER, "brand": "Acme" }));
    let raised = outcome["raised"].as_str().expect("an error");
    assert!(raised.starts_with("SSLError") && raised.contains("CERTIFICATE_VERIFY_FAILED"), "{raised}");
}
