//! SMS through services.

use crate::bench::Bench;
use crate::fakes;

const CODE: &str = "4711 is your \"A&B\" code";

#[tokio::test]
async fn twilio_takes_an_sms() {
    let variables = "account = 'AC00000000000000000000000000000001'\nsender = '+14155550100'";
    let bench = Bench::new("twilio", "", variables, fakes::twilio).await;
    insta::assert_snapshot!(bench.sms(CODE).await, @"taken as SM1001");
    insta::assert_snapshot!(bench.request(), @r#"
    POST /2010-04-01/Accounts/AC00000000000000000000000000000001/Messages.json
    authorization: Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTpnZWhlaW0=
    content-type: application/x-www-form-urlencoded

    Body = 4711 is your "A&B" code
    From = +14155550100
    StatusCallback = https://verify.example/callbacks/it?secret=unguessable-secret&reference=cdcdcdcdcdcdcdcd
    To = +447700900123
    ValidityPeriod = 300
    "#);
}

#[tokio::test]
async fn twilio_sends_from_a_messaging_service() {
    let service = "MG00000000000000000000000000000002";
    let variables = format!("account = 'AC00000000000000000000000000000001'\nsender = '{service}'");
    let bench = Bench::new("twilio", "", &variables, fakes::twilio).await;
    bench.sms("fünf 漢").await;
    let request = bench.request();
    assert!(
        request.contains(&format!("MessagingServiceSid = {service}\n")) && !request.contains("From ="),
        "{request}"
    );
    assert!(request.contains("Body = fünf 漢\n"), "{request}");
}

/// Twilio Docs, "Error and Warning Dictionary"; the shape of an error from "Twilio's response".
#[tokio::test]
async fn what_twilio_refuses() {
    let variables = "account = 'AC00000000000000000000000000000001'\nsender = '+14155550100'";
    let bench = Bench::new("twilio", "", variables, fakes::twilio).await;
    let mut told = String::new();
    for (status, code, message) in [
        (400, 21211, "Invalid 'To' Phone Number"),
        (400, 21614, "'To' number is not a valid mobile number"),
        (400, 21635, "'To' number cannot be a landline"),
        (400, 21610, "Attempt to send to unsubscribed recipient"),
        (400, 21408, "Permission to send an SMS has not been enabled for the region indicated by the 'To' number"),
        (400, 21611, "This 'From' number has exceeded the maximum number of queued messages"),
        (401, 20003, "Authenticate"),
        (429, 20429, "Too Many Requests"),
        (500, 20500, "Internal Server Error"),
    ] {
        let body = format!(
            r#"{{"code": {code}, "message": "{message}", "more_info": "https://www.twilio.com/docs/errors/{code}", "status": {status}}}"#
        );
        told += &format!("{code} {}\n", bench.answered(status, &body).await);
    }
    insta::assert_snapshot!(told, @"
    21211 never: HTTP 400: 21211
    21614 never: HTTP 400: 21614
    21635 never: HTTP 400: 21635
    21610 other route: HTTP 400: 21610
    21408 other route: HTTP 400: 21408
    21611 later: HTTP 400: 21611
    20003 other route: HTTP 401: 20003
    20429 later: HTTP 429: 20429
    20500 later: HTTP 500: 20500
    ");
}

#[tokio::test]
async fn vonage_takes_an_sms() {
    let bench = Bench::new("vonage", "", "account = 'abcd1234'", fakes::vonage).await;
    insta::assert_snapshot!(bench.sms(CODE).await, @"taken as 0C000000217B7F02");
    insta::assert_snapshot!(bench.request(), @r#"
    POST /sms/json
    authorization: Basic YWJjZDEyMzQ6Z2VoZWlt
    content-type: application/x-www-form-urlencoded

    callback = https://verify.example/callbacks/it?secret=unguessable-secret&reference=cdcdcdcdcdcdcdcd
    client-ref = cdcdcdcdcdcdcdcd
    from = VERIFY
    text = 4711 is your "A&B" code
    to = 447700900123
    ttl = 300000
    type = text
    "#);
    bench.sms("fünf 漢").await;
    assert!(bench.request().contains("type = unicode\n"));
}

/// Vonage, "Troubleshooting SMS": SMS API error codes.
#[tokio::test]
async fn what_vonage_refuses() {
    let bench = Bench::new("vonage", "", "account = 'abcd1234'", fakes::vonage).await;
    let mut told = String::new();
    for (code, text) in [
        (1, "Throttled"),
        (2, "Missing Parameters"),
        (4, "Invalid Credentials"),
        (5, "Internal Error"),
        (7, "Number Barred"),
        (9, "Partner Quota Violation"),
        (15, "Invalid Sender Address"),
        (29, "Non-Whitelisted Destination"),
        (33, "Number De-activated"),
    ] {
        let body = format!(r#"{{"message-count": "1", "messages": [{{"status": "{code}", "error-text": "{text}"}}]}}"#);
        told += &format!("{code} {text}: {}\n", bench.answered(200, &body).await);
    }
    insta::assert_snapshot!(told, @"
    1 Throttled: later: HTTP 200: 1
    2 Missing Parameters: other route: HTTP 200: 2
    4 Invalid Credentials: other route: HTTP 200: 4
    5 Internal Error: later: HTTP 200: 5
    7 Number Barred: other route: HTTP 200: 7
    9 Partner Quota Violation: other route: HTTP 200: 9
    15 Invalid Sender Address: other route: HTTP 200: 15
    29 Non-Whitelisted Destination: other route: HTTP 200: 29
    33 Number De-activated: never: HTTP 200: 33
    ");
}

#[tokio::test]
async fn messagebird_takes_an_sms() {
    let bench = Bench::new("messagebird", "", "sender = 'Acme'", fakes::messagebird).await;
    insta::assert_snapshot!(bench.sms(CODE).await, @"taken as e8077d803532c0b5937c639b60216938");
    insta::assert_snapshot!(bench.request(), @r#"
    POST /messages
    authorization: AccessKey geheim
    content-type: application/json

    {"originator": "Acme", "recipients": ["447700900123"], "body": "4711 is your \"A&B\" code", "datacoding": "plain", "validity": 300, "reference": "cdcdcdcdcdcdcdcd", "reportUrl": "https://verify.example/callbacks/it?secret=unguessable-secret&reference=cdcdcdcdcdcdcdcd"}
    "#);
}

/// MessageBird, "API errors".
#[tokio::test]
async fn what_messagebird_refuses() {
    let bench = Bench::new("messagebird", "", "", fakes::messagebird).await;
    let mut told = String::new();
    for (status, code, description) in [
        (401, 2, "Request not allowed (incorrect access_key)"),
        (422, 9, "no (correct) recipients found"),
        (422, 10, "originator is invalid"),
        (402, 25, "Not enough balance"),
        (500, 99, "Internal error"),
    ] {
        let body = format!(r#"{{"errors": [{{"code": {code}, "description": "{description}", "parameter": null}}]}}"#);
        told += &format!("{code} {}\n", bench.answered(status, &body).await);
    }
    insta::assert_snapshot!(told, @"
    2 other route: HTTP 401: 2
    9 other route: HTTP 422: 9
    10 other route: HTTP 422: 10
    25 other route: HTTP 402: 25
    99 later: HTTP 500: 99
    ");
}

#[tokio::test]
async fn bird_takes_an_sms() {
    let variables =
        "workspace = 'a1405560-c8d3-4b1a-877d-3f449ad95352'\nchannel = 'b2405560-c8d3-4b1a-877d-3f449ad95352'";
    let bench = Bench::new("bird", "", variables, fakes::bird).await;
    insta::assert_snapshot!(bench.sms(CODE).await, @"taken as 3fa85f64-5717-4562-b3fc-2c963f66afa6");
    insta::assert_snapshot!(bench.request(), @r#"
    POST /workspaces/a1405560-c8d3-4b1a-877d-3f449ad95352/channels/b2405560-c8d3-4b1a-877d-3f449ad95352/messages
    authorization: AccessKey geheim
    content-type: application/json

    {"receiver": {"contacts": [{"identifierKey": "phonenumber", "identifierValue": "+447700900123"}]}, "body": {"type": "text", "text": {"text": "4711 is your \"A&B\" code"}}, "reference": "cdcdcdcdcdcdcdcd"}
    "#);
    // "Common API usage": an error has a code and a message.
    let body = r#"{"code": "InvalidPayload", "message": "One or more fields do not have the correct format"}"#;
    insta::assert_snapshot!(bench.answered(422, body).await, @"other route: HTTP 422: InvalidPayload");
}

#[tokio::test]
async fn plivo_takes_an_sms() {
    let bench = Bench::new("plivo", "", "account = 'MA1'\nsender = '+14155550100'", fakes::plivo).await;
    insta::assert_snapshot!(bench.sms(CODE).await, @"taken as db3ce55a-7f1d-11e1-8ea7-1231380bc196");
    insta::assert_snapshot!(bench.request(), @r#"
    POST /v1/Account/MA1/Message/
    authorization: Basic TUExOmdlaGVpbQ==
    content-type: application/json

    {"src": "+14155550100", "dst": "+447700900123", "text": "4711 is your \"A&B\" code", "type": "sms", "log": false, "message_expiry": 300, "url": "https://verify.example/callbacks/it?secret=unguessable-secret&reference=cdcdcdcdcdcdcdcd", "method": "POST"}
    "#);
    // "Response codes": 400 with an error text, 401 for wrong credentials, 429 for too many requests.
    let body = r#"{"api_id": "97ceeb52-58b6-11e1-86da-77300b68f8bb", "error": "invalid 'dst' number"}"#;
    insta::assert_snapshot!(bench.answered(400, body).await, @"other route: HTTP 400: invalid 'dst' number");
    insta::assert_snapshot!(bench.answered(401, "Could not verify your access level for that URL.").await, @"other route: HTTP 401");
    insta::assert_snapshot!(bench.answered(429, "").await, @"later: HTTP 429");
}

#[tokio::test]
async fn telnyx_takes_an_sms() {
    let bench = Bench::new("telnyx", "", "sender = '+14155550100'\nprofile = '4001'", fakes::telnyx).await;
    insta::assert_snapshot!(bench.sms(CODE).await, @"taken as 40385f64-5717-4562-b3fc");
    insta::assert_snapshot!(bench.request(), @r#"
    POST /v2/messages
    authorization: Bearer geheim
    content-type: application/json

    {"from": "+14155550100", "to": "+447700900123", "text": "4711 is your \"A&B\" code", "type": "SMS", "messaging_profile_id": "4001", "webhook_url": "https://verify.example/callbacks/it?secret=unguessable-secret&reference=cdcdcdcdcdcdcdcd", "use_profile_webhooks": false}
    "#);
}

/// Telnyx, "Messaging Error Code Reference" and "API error codes".
#[tokio::test]
async fn what_telnyx_refuses() {
    let bench = Bench::new("telnyx", "", "sender = '+14155550100'", fakes::telnyx).await;
    let mut told = String::new();
    for (status, code, title) in [
        (422, "40310", "Invalid 'to' address"),
        (422, "40305", "Invalid 'from' address"),
        (400, "40318", "Message queue full"),
        (401, "10009", "Authentication failed"),
        (403, "10010", "Authorization failed"),
        (429, "10011", "Too many requests"),
        (500, "10007", "Unexpected error"),
    ] {
        let body = format!(r#"{{"errors": [{{"code": "{code}", "title": "{title}", "detail": "…"}}]}}"#);
        told += &format!("{title}: {}\n", bench.answered(status, &body).await);
    }
    insta::assert_snapshot!(told, @"
    Invalid 'to' address: never: HTTP 422: 40310
    Invalid 'from' address: other route: HTTP 422: 40305
    Message queue full: later: HTTP 400: 40318
    Authentication failed: other route: HTTP 401: 10009
    Authorization failed: other route: HTTP 403: 10010
    Too many requests: later: HTTP 429: 10011
    Unexpected error: later: HTTP 500: 10007
    ");
}

#[tokio::test]
async fn sinch_takes_an_sms() {
    let variables = "plan = 'jd63jf88477ll123ab4567cd89012ef3'\nsender = '14155550100'";
    let bench = Bench::new("sinch", "", variables, fakes::sinch).await;
    insta::assert_snapshot!(bench.sms(CODE).await, @"taken as 01FC66621XXXXX119Z8PMV1QPQ");
    insta::assert_snapshot!(bench.request(), @r#"
    POST /xms/v1/jd63jf88477ll123ab4567cd89012ef3/batches
    authorization: Bearer geheim
    content-type: application/json

    {"from": "14155550100", "to": ["447700900123"], "body": "4711 is your \"A&B\" code", "expire_at": "2023-11-14T22:18:20Z", "client_reference": "cdcdcdcdcdcdcdcd", "delivery_report": "per_recipient", "callback_url": "https://verify.example/callbacks/it?secret=unguessable-secret&reference=cdcdcdcdcdcdcdcd"}
    "#);
    // "Status codes".
    let body = r#"{"code": "syntax_invalid_parameter_format", "text": "Invalid recipient: [44]"}"#;
    insta::assert_snapshot!(bench.answered(400, body).await, @"other route: HTTP 400: syntax_invalid_parameter_format");
    insta::assert_snapshot!(bench.answered(401, "").await, @"other route: HTTP 401");
}
