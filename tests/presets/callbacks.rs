//! What each provider says of a delivery, as its documentation shows it.

use simverify::channel::callback;
use simverify::daemon::reading;

use crate::bench::{REFERENCE, settings};

/// Query and body as the provider sends them, and what is made of them: the message's names and its fate.
fn told(preset: &str, variables: &str, callbacks: &[(&str, &str)]) -> String {
    let settings = settings(preset, "", variables).expect("a valid configuration");
    let reading = reading(&settings.providers[0].callback);
    let mut told = String::new();
    for (query, body) in callbacks {
        for report in callback::read(&reading, query.as_bytes(), body.as_bytes()).expect("a readable callback") {
            let reference = report.reference.map_or("-".to_owned(), |reference| reference.to_string());
            let fate = report.fate.map_or("-".to_owned(), |fate| format!("{fate:?}"));
            told += &format!("{reference} {} {fate}\n", report.message_id.as_deref().unwrap_or("-"));
        }
    }
    told
}

/// The query of an address that a message's request named.
fn own(more: &str) -> String {
    format!("secret=unguessable-secret&reference={REFERENCE}{more}")
}

/// Twilio Docs, "Messages resource": Twilio's request to the StatusCallback URL; "Call resource": StatusCallback parameters.
#[test]
fn twilio_posts_a_form() {
    let account = "AccountSid=AC1&ApiVersion=2010-04-01";
    let message =
        |status: &str| format!("SmsSid=SM1001&MessageSid=SM1001&MessageStatus={status}&To=%2B44&From=%2B1&{account}");
    let call = |status: &str| format!("CallSid=CA3001&CallStatus={status}&Direction=outbound-api&{account}");
    let forms = [
        message("queued"),
        message("sent"),
        message("delivered"),
        message("undelivered") + "&ErrorCode=30006",
        message("failed"),
        call("completed"),
        call("busy"),
        call("no-answer"),
        call("failed"),
    ];
    let query = own("");
    let callbacks: Vec<(&str, &str)> = forms.iter().map(|form| (query.as_str(), form.as_str())).collect();
    insta::assert_snapshot!(told("twilio", "account = 'AC1'\nsender = '+14155550100'", &callbacks), @"
    cdcdcdcdcdcdcdcd SM1001 -
    cdcdcdcdcdcdcdcd SM1001 Accepted
    cdcdcdcdcdcdcdcd SM1001 Delivered
    cdcdcdcdcdcdcdcd SM1001 Failed
    cdcdcdcdcdcdcdcd SM1001 Failed
    cdcdcdcdcdcdcdcd CA3001 Delivered
    cdcdcdcdcdcdcdcd CA3001 Unanswered
    cdcdcdcdcdcdcdcd CA3001 Unanswered
    cdcdcdcdcdcdcdcd CA3001 Failed
    ");
}

/// Vonage, "Delivery Receipts": DLR format, DLR status messages. GET unless the account says otherwise.
#[test]
fn vonage_asks_with_a_query() {
    let query = |status: &str| {
        own(&format!(
            "&msisdn=447700900000&to=AcmeInc&network-code=12345&messageId=0A0000001234567B&price=0.03330000&status={status}\
             &scts=2001011400&err-code=0&api-key=abcd1234&client-ref={REFERENCE}&message-timestamp=2020-01-01+12%3A00%3A00"
        ))
    };
    let queries = ["delivered", "expired", "failed", "rejected", "accepted", "buffered", "unknown"].map(query);
    let callbacks: Vec<(&str, &str)> = queries.iter().map(|query| (query.as_str(), "")).collect();
    insta::assert_snapshot!(told("vonage", "account = 'abcd1234'", &callbacks), @"
    cdcdcdcdcdcdcdcd 0A0000001234567B Delivered
    cdcdcdcdcdcdcdcd 0A0000001234567B Failed
    cdcdcdcdcdcdcdcd 0A0000001234567B Failed
    cdcdcdcdcdcdcdcd 0A0000001234567B Failed
    cdcdcdcdcdcdcdcd 0A0000001234567B Accepted
    cdcdcdcdcdcdcdcd 0A0000001234567B Accepted
    cdcdcdcdcdcdcdcd 0A0000001234567B -
    ");
    let posted = format!(r#"{{"messageId": "0A01", "status": "delivered", "client-ref": "{REFERENCE}"}}"#);
    insta::assert_snapshot!(told("vonage", "account = 'abcd1234'", &[("secret=x", &posted)]), @"cdcdcdcdcdcdcdcd 0A01 Delivered");
}

/// MessageBird, "I am missing my delivery reports" and "SMS Messaging": Status reports.
#[test]
fn messagebird_asks_with_a_query() {
    let query = |status: &str| {
        own(&format!(
            "&id=e8077d803532c0b5937c639b60216938&reference={REFERENCE}&recipient=31612345678&status={status}\
             &statusDatetime=2016-05-03T08%3A58%3A10%2B00%3A00"
        ))
    };
    let statuses = ["sent", "buffered", "delivered", "expired", "delivery_failed", "answered", "busy", "failed"];
    let queries = statuses.map(query);
    let callbacks: Vec<(&str, &str)> = queries.iter().map(|query| (query.as_str(), "")).collect();
    insta::assert_snapshot!(told("messagebird", "", &callbacks), @"
    cdcdcdcdcdcdcdcd e8077d803532c0b5937c639b60216938 Accepted
    cdcdcdcdcdcdcdcd e8077d803532c0b5937c639b60216938 Accepted
    cdcdcdcdcdcdcdcd e8077d803532c0b5937c639b60216938 Delivered
    cdcdcdcdcdcdcdcd e8077d803532c0b5937c639b60216938 Failed
    cdcdcdcdcdcdcdcd e8077d803532c0b5937c639b60216938 Failed
    cdcdcdcdcdcdcdcd e8077d803532c0b5937c639b60216938 Delivered
    cdcdcdcdcdcdcdcd e8077d803532c0b5937c639b60216938 Unanswered
    cdcdcdcdcdcdcdcd e8077d803532c0b5937c639b60216938 Failed
    ");
}

/// Bird, "Channels API": Message status and interactions, event sms.outbound.
#[test]
fn bird_posts_an_event() {
    let event = |status: &str| {
        format!(
            r#"{{"service": "channels", "event": "sms.outbound", "payload": {{"id": "3fa85f64", "reference": "{REFERENCE}",
            "status": "{status}", "direction": "outgoing"}}}}"#
        )
    };
    let events = ["accepted", "processing", "sent", "delivered", "sending_failed", "delivery_failed"].map(event);
    let callbacks: Vec<(&str, &str)> = events.iter().map(|event| ("secret=x", event.as_str())).collect();
    insta::assert_snapshot!(told("bird", "workspace = 'w'\nchannel = 'c'", &callbacks), @"
    cdcdcdcdcdcdcdcd 3fa85f64 -
    cdcdcdcdcdcdcdcd 3fa85f64 -
    cdcdcdcdcdcdcdcd 3fa85f64 Accepted
    cdcdcdcdcdcdcdcd 3fa85f64 Delivered
    cdcdcdcdcdcdcdcd 3fa85f64 Failed
    cdcdcdcdcdcdcdcd 3fa85f64 Failed
    ");
}

/// Plivo, "Message status callbacks".
#[test]
fn plivo_posts_a_form() {
    let form = |status: &str| {
        format!(
            "To=447700900123&From=14155550100&Status={status}&MessageUUID=db3ce55a&ParentMessageUUID=db3ce55a&PartInfo=1%20of%201&ErrorCode=000"
        )
    };
    let (query, forms) = (own(""), ["queued", "sent", "delivered", "undelivered", "failed"].map(form));
    let callbacks: Vec<(&str, &str)> = forms.iter().map(|form| (query.as_str(), form.as_str())).collect();
    insta::assert_snapshot!(told("plivo", "account = 'MA1'\nsender = '1'", &callbacks), @"
    cdcdcdcdcdcdcdcd db3ce55a -
    cdcdcdcdcdcdcdcd db3ce55a Accepted
    cdcdcdcdcdcdcdcd db3ce55a Delivered
    cdcdcdcdcdcdcdcd db3ce55a Failed
    cdcdcdcdcdcdcdcd db3ce55a Failed
    ");
}

/// Telnyx, "Receiving webhooks": message.sent, message.finalized.
#[test]
fn telnyx_posts_an_event() {
    let event = |event: &str, status: &str| {
        format!(
            r#"{{"data": {{"event_type": "message.{event}", "id": "b301ed3f", "record_type": "event", "payload":
            {{"id": "40385f64-5717-4562-b3fc", "to": [{{"phone_number": "+44", "status": "{status}", "carrier": "T"}}]}}}}}}"#
        )
    };
    let events = [
        event("sent", "sent"),
        event("finalized", "delivered"),
        event("finalized", "delivery_failed"),
        event("finalized", "sending_failed"),
        event("finalized", "delivery_unconfirmed"),
    ];
    let query = own("");
    let callbacks: Vec<(&str, &str)> = events.iter().map(|event| (query.as_str(), event.as_str())).collect();
    insta::assert_snapshot!(told("telnyx", "sender = '+1'", &callbacks), @"
    cdcdcdcdcdcdcdcd 40385f64-5717-4562-b3fc Accepted
    cdcdcdcdcdcdcdcd 40385f64-5717-4562-b3fc Delivered
    cdcdcdcdcdcdcdcd 40385f64-5717-4562-b3fc Failed
    cdcdcdcdcdcdcdcd 40385f64-5717-4562-b3fc Failed
    cdcdcdcdcdcdcdcd 40385f64-5717-4562-b3fc -
    ");
}

/// Sinch, "SMS": Delivery report statuses; "Voice": Disconnected Call Event.
#[test]
fn sinch_posts_reports() {
    let report = |status: &str| {
        format!(
            r#"{{"type": "recipient_delivery_report_sms", "batch_id": "01FC66621XXXXX119Z8PMV1QPQ", "recipient": "44770",
            "code": 0, "status": "{status}", "at": "2022-08-30T08:16:08.930Z", "client_reference": "{REFERENCE}"}}"#
        )
    };
    let statuses = ["Queued", "Dispatched", "Delivered", "Rejected", "Failed", "Expired", "Unknown"];
    let reports = statuses.map(report);
    let callbacks: Vec<(&str, &str)> = reports.iter().map(|report| ("secret=x", report.as_str())).collect();
    insta::assert_snapshot!(told("sinch", "plan = 'p'\nsender = '1'", &callbacks), @"
    cdcdcdcdcdcdcdcd 01FC66621XXXXX119Z8PMV1QPQ -
    cdcdcdcdcdcdcdcd 01FC66621XXXXX119Z8PMV1QPQ Accepted
    cdcdcdcdcdcdcdcd 01FC66621XXXXX119Z8PMV1QPQ Delivered
    cdcdcdcdcdcdcdcd 01FC66621XXXXX119Z8PMV1QPQ Failed
    cdcdcdcdcdcdcdcd 01FC66621XXXXX119Z8PMV1QPQ Failed
    cdcdcdcdcdcdcdcd 01FC66621XXXXX119Z8PMV1QPQ Failed
    cdcdcdcdcdcdcdcd 01FC66621XXXXX119Z8PMV1QPQ -
    ");
    let event = |result: &str| {
        format!(
            r#"{{"event": "dice", "callid": "4398599d", "reason": "N/A", "result": "{result}", "custom": "{REFERENCE}", "version": 1}}"#
        )
    };
    let events = ["ANSWERED", "BUSY", "NOANSWER", "FAILED"].map(event);
    let callbacks: Vec<(&str, &str)> = events.iter().map(|event| ("secret=x", event.as_str())).collect();
    insta::assert_snapshot!(told("sinch-voice", "account = 'a'\ncaller = '+1'", &callbacks), @"
    cdcdcdcdcdcdcdcd 4398599d Delivered
    cdcdcdcdcdcdcdcd 4398599d Unanswered
    cdcdcdcdcdcdcdcd 4398599d Unanswered
    cdcdcdcdcdcdcdcd 4398599d Failed
    ");
}

/// SMS Gateway for Android, "Webhooks": Supported events.
#[test]
fn smsgate_posts_an_event() {
    let event = |event: &str| {
        format!(
            r#"{{"deviceId": "ffff", "event": "{event}", "id": "Ey6ECgOkVVFjz3CL48B8C", "webhookId": "w",
            "payload": {{"messageId": "{REFERENCE}", "phoneNumber": "+44", "simNumber": 1}}}}"#
        )
    };
    let events = ["sms:sent", "sms:delivered", "sms:failed"].map(event);
    let callbacks: Vec<(&str, &str)> = events.iter().map(|event| ("secret=x", event.as_str())).collect();
    insta::assert_snapshot!(told("smsgate", "account = 'sms'", &callbacks), @"
    cdcdcdcdcdcdcdcd cdcdcdcdcdcdcdcd Accepted
    cdcdcdcdcdcdcdcd cdcdcdcdcdcdcdcd Delivered
    cdcdcdcdcdcdcdcd cdcdcdcdcdcdcdcd Failed
    ");
    let local = told("smsgate-local", "account = 'sms'\nbase_url = 'http://192.168.1.20:8080'", &callbacks);
    assert_eq!(local, told("smsgate", "account = 'sms'", &callbacks));
}

/// textbee, "Webhooks": MESSAGE_SENT, MESSAGE_DELIVERED, MESSAGE_FAILED.
#[test]
fn textbee_posts_an_event() {
    let event = |status: &str| {
        format!(
            r#"{{"smsId": "67a1f1", "smsBatchId": "67a1f0", "status": "{status}", "recipient": "+44", "deviceId": "65f0",
            "webhookEvent": "MESSAGE_{}"}}"#,
            status.to_uppercase()
        )
    };
    let events = ["sent", "delivered", "failed"].map(event);
    let callbacks: Vec<(&str, &str)> = events.iter().map(|event| ("secret=x", event.as_str())).collect();
    insta::assert_snapshot!(told("textbee", "device = '65f0'", &callbacks), @"
    - 67a1f0 Accepted
    - 67a1f0 Delivered
    - 67a1f0 Failed
    ");
}

/// Kannel User's Guide, "Delivery Reports": the states of dlr-mask, %d in dlr-url.
#[test]
fn kannel_asks_with_the_address_that_it_was_given() {
    let queries = [1, 2, 4, 8, 16].map(|state| own(&format!("&status={state}")));
    let callbacks: Vec<(&str, &str)> = queries.iter().map(|query| (query.as_str(), "")).collect();
    insta::assert_snapshot!(told("kannel", "account = 'a'\nbase_url = 'http://127.0.0.1:13013'", &callbacks), @"
    cdcdcdcdcdcdcdcd - Delivered
    cdcdcdcdcdcdcdcd - Failed
    cdcdcdcdcdcdcdcd - -
    cdcdcdcdcdcdcdcd - Accepted
    cdcdcdcdcdcdcdcd - Failed
    ");
}

/// Jasmin, "HTTP API": Receiving DLR.
#[test]
fn jasmin_posts_a_form() {
    let id = "id=16fd2706-8baf-433b-82eb-8c7fada847da&connector=demo_cid";
    let forms = [
        format!("{id}&message_status=ESME_ROK&level=1"),
        format!("{id}&message_status=ESME_RINVDSTADR&level=1"),
        format!("{id}&message_status=DELIVRD&level=3&id_smsc=2567&sub=001&dlvrd=001&err=000"),
        format!("{id}&message_status=UNDELIV&level=3&id_smsc=2567&sub=001&dlvrd=000&err=001"),
    ];
    let query = own("");
    let callbacks: Vec<(&str, &str)> = forms.iter().map(|form| (query.as_str(), form.as_str())).collect();
    let variables = "account = 'foo'\nbase_url = 'http://127.0.0.1:1401'";
    insta::assert_snapshot!(told("jasmin", variables, &callbacks), @"
    cdcdcdcdcdcdcdcd 16fd2706-8baf-433b-82eb-8c7fada847da Accepted
    cdcdcdcdcdcdcdcd 16fd2706-8baf-433b-82eb-8c7fada847da Failed
    cdcdcdcdcdcdcdcd 16fd2706-8baf-433b-82eb-8c7fada847da Delivered
    cdcdcdcdcdcdcdcd 16fd2706-8baf-433b-82eb-8c7fada847da Failed
    ");
    let settings = settings("jasmin", "", variables).expect("a valid configuration");
    assert_eq!(settings.providers[0].callback.reply, "ACK/Jasmin");
}
