//! The official Node.js client, `@vonage/server-sdk` 3.25.1, with its host changed. It posts JSON and searches by query.

use std::process::Command;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::client::{Client, beside, installed};
use crate::service::Service;

const NUMBER: &str = "447700900123";

struct Session {
    service: Service,
    client: Client,
}

fn client(service: &Service, secret: &str) -> Client {
    let mut program = Command::new("node");
    program
        .arg(beside("node/calls.mjs"))
        .env("PACKAGES", installed().join("node"))
        .env("URL", &service.url)
        .env("API_KEY", &service.key)
        .env("API_SECRET", secret);
    if service.authority().exists() {
        program.env("NODE_EXTRA_CA_CERTS", service.authority());
    }
    Client::start(program)
}

impl Session {
    fn start(service: Service) -> Self {
        let client = client(&service, &service.secret);
        Self { service, client }
    }

    fn told(&mut self, call: &str, arguments: Value) -> String {
        let outcome = self.client.call(call, &arguments).to_string();
        self.service.masked(&outcome)
    }

    fn started(&mut self, number: &str, workflow: u8) -> String {
        let arguments = json!({ "number": number, "brand": "Acme", "workflowId": workflow });
        self.client.field("start", &arguments, "requestId")
    }
}

#[test]
fn a_number_is_verified_with_the_pin_that_the_phone_shows() {
    let mut session = Session::start(Service::http());
    let request = session.started(NUMBER, 6);
    let pin = session.service.pin(NUMBER);
    let wrong = if pin == "0000" { "1111" } else { "0000" };
    assert_snapshot!(session.told("check", json!({ "requestId": request, "code": wrong })), @r#"{"returned":{"errorText":"The code inserted does not match the expected value","error_text":"The code inserted does not match the expected value","requestId":"","request_id":"","status":"16"}}"#);
    assert_snapshot!(session.told("check", json!({ "requestId": request, "code": pin })), @r#"{"returned":{"currency":"USD","estimatedPriceMessagesSent":"0.00000000","estimated_price_messages_sent":"0.00000000","eventId":"<event>","event_id":"<event>","price":"0.12050000","requestId":"<request>","request_id":"<request>","status":"0"}}"#);
    assert_snapshot!(session.told("search", json!({ "requestId": request })), @r#"{"returned":{"accountId":"<key>","account_id":"<key>","checks":[{"code":"****","dateReceived":"<date>","date_received":"<date>","ipAddress":"","ip_address":"","status":"INVALID"},{"code":"****","dateReceived":"<date>","date_received":"<date>","ipAddress":"","ip_address":"","status":"VALID"}],"currency":"USD","dateFinalized":"<date>","dateSubmitted":"<date>","date_finalized":"<date>","date_submitted":"<date>","estimatedPriceMessagesSent":"0.00000000","estimated_price_messages_sent":"0.00000000","events":[{"id":"<event>","type":"sms"}],"firstEventDate":"<date>","first_event_date":"<date>","lastEventDate":"<date>","last_event_date":"<date>","number":"447700900123","price":"0.12050000","requestId":"<request>","request_id":"<request>","senderId":"VERIFY","sender_id":"VERIFY","status":"SUCCESS"}}"#);
    assert_snapshot!(session.told("check", json!({ "requestId": request, "code": pin })), @r#"{"returned":{"errorText":"The Nexmo platform was unable to process this message for the following reason: Request '<request>' was not found or it has been verified already.","error_text":"The Nexmo platform was unable to process this message for the following reason: Request '<request>' was not found or it has been verified already.","requestId":"","request_id":"","status":"6"}}"#);
}

#[test]
fn every_parameter_of_the_client_is_taken_over_https_too() {
    let mut session = Session::start(Service::https());
    let arguments = json!({
        "number": "7700900123", "country": "GB", "brand": "Acme & Söhne", "senderId": "ACME", "lg": "en-gb",
        "codeLength": 6, "pinExpiry": 300, "nextEventWait": 60, "workflowId": 4, "language": "en-gb",
    });
    let request = session.client.field("start", &arguments, "requestId");
    let pin = session.service.pin(NUMBER);
    assert_eq!(pin.len(), 6);
    assert_eq!(session.client.field("check", &json!({ "requestId": request, "code": pin }), "status"), "0");
    let arguments = json!({ "number": NUMBER, "brand": "Acme", "pinCode": "aB3dE5" });
    let request = session.client.field("start", &arguments, "requestId");
    assert_eq!(session.client.field("check", &json!({ "requestId": request, "code": "aB3dE5" }), "status"), "0");
}

#[test]
fn a_verification_is_hurried_and_cancelled() {
    let mut session = Session::start(Service::http());
    let request = session.started(NUMBER, 4);
    let pin = session.service.pin(NUMBER);
    assert_snapshot!(session.told("trigger", json!({ "requestId": request })), @r#"{"returned":{"command":"trigger_next_event","status":"0"}}"#);
    assert_eq!(session.service.pin(NUMBER), pin, "the second SMS carries the same PIN");
    assert_snapshot!(session.told("trigger", json!({ "requestId": request })), @r#"{"returned":{"errorText":"No more events are left to execute for the request ['<request>']","error_text":"No more events are left to execute for the request ['<request>']","requestId":"","request_id":"","status":"19"}}"#);
    let other = session.started("447700900124", 6);
    session.service.pin("447700900124");
    assert_snapshot!(session.told("cancel", json!({ "requestId": other })), @r#"{"returned":{"command":"cancel","status":"0"}}"#);
    assert_snapshot!(session.told("cancel", json!({ "requestId": other })), @r#"{"returned":{"errorText":"The Nexmo platform was unable to process this message for the following reason: Request '<request>' was not found or it has been verified already.","error_text":"The Nexmo platform was unable to process this message for the following reason: Request '<request>' was not found or it has been verified already.","requestId":"","request_id":"","status":"6"}}"#);
}

#[test]
fn errors_are_told_by_status_and_text() {
    let mut session = Session::start(Service::http());
    session.started(NUMBER, 6);
    assert_snapshot!(session.told("start", json!({ "number": NUMBER, "brand": "Acme" })), @r#"{"returned":{"errorText":"Concurrent verifications to the same number are not allowed","error_text":"Concurrent verifications to the same number are not allowed","requestId":"<request>","request_id":"<request>","status":"10"}}"#);
    assert_snapshot!(session.told("start", json!({ "brand": "Acme" })), @r#"{"returned":{"errorText":"Your request is incomplete and missing the mandatory parameter: number","error_text":"Your request is incomplete and missing the mandatory parameter: number","requestId":"","request_id":"","status":"2"}}"#);
    assert_snapshot!(session.told("start", json!({ "number": "4477009", "brand": "Acme" })), @r#"{"returned":{"errorText":"Invalid value for parameter: number","error_text":"Invalid value for parameter: number","requestId":"","request_id":"","status":"3"}}"#);
    assert_snapshot!(session.told("search", json!({ "requestId": "ab".repeat(16) })), @r#"{"returned":{"errorText":"No request found","error_text":"No request found","requestId":"","request_id":"","status":"101"}}"#);
    session.client = client(&session.service, "wrong");
    assert_snapshot!(session.told("start", json!({ "number": NUMBER, "brand": "Acme" })), @r#"{"returned":{"errorText":"Invalid credentials were provided","error_text":"Invalid credentials were provided","requestId":"","request_id":"","status":"4"}}"#);
}

#[test]
fn a_payment_is_confirmed() {
    let mut session = Session::start(Service::http());
    let arguments = json!({ "number": NUMBER, "payee": "Acme", "amount": 12.5, "workflowId": 6 });
    let request = session.client.field("start", &arguments, "requestId");
    let pin = session.service.pin(NUMBER);
    assert_eq!(session.client.field("check", &json!({ "requestId": request, "code": pin }), "status"), "0");
}
