//! Callbacks as the providers' public documentation shows them.

use super::*;

const OURS: &str = "0123456789abcdef";

fn reading(id: &str, status: &str, delivered: &[&str], failed: &[&str]) -> Reading {
    let message = Places::new(id, status)
        .with(Fate::Failed, failed.iter().copied())
        .with(Fate::Delivered, delivered.iter().copied());
    Reading { message, ..Reading::default() }
}

/// The reports of a callback as lines: reference, message id, fate.
fn lines(reading: &Reading, query: &str, body: &str) -> String {
    let reports = match read(reading, query.as_bytes(), body.as_bytes()) {
        Ok(reports) => reports,
        Err(malformed) => return malformed.to_string(),
    };
    let line = |report: &ProviderReport| {
        let reference = report.reference.map_or("-".to_owned(), |reference| reference.to_string());
        let id = report.message_id.as_deref().unwrap_or("-");
        let fate = report.fate.map_or("-".to_owned(), |fate| format!("{fate:?}"));
        format!("{reference} {id} {fate}")
    };
    reports.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn ours(rest: &str) -> String {
    format!("secret=s3cret&reference={OURS}{rest}")
}

/// Twilio, "Track the Message Status of Outbound Messages": a form with MessageSid and MessageStatus; "Call Resource":
/// CallSid and CallStatus.
#[test]
fn twilio_sends_forms() {
    let mut twilio = reading("/MessageSid", "/MessageStatus", &["delivered"], &["failed", "undelivered"]);
    twilio.message = twilio.message.with(Fate::Accepted, ["sent"]);
    twilio.call = Places::new("/CallSid", "/CallStatus")
        .with(Fate::Unanswered, ["busy", "no-answer"])
        .with(Fate::Failed, ["failed", "canceled"])
        .with(Fate::Delivered, ["in-progress", "completed"]);
    let sms = |status: &str| {
        format!(
            "SmsSid=SM2&SmsStatus={status}&MessageStatus={status}&To=%2B15558675310&MessageSid=SM2&AccountSid=AC1\
             &From=%2B15017122661&ApiVersion=2010-04-01"
        )
    };
    let call = |status: &str| format!("CallSid=CA7&AccountSid=AC1&To=%2B15558675310&CallStatus={status}");
    let all: Vec<_> = [sms("queued"), sms("sent"), sms("delivered"), sms("undelivered")]
        .into_iter()
        .chain(["ringing", "in-progress", "completed", "busy", "no-answer", "failed"].map(call))
        .map(|body| lines(&twilio, &ours(""), &body))
        .collect();
    insta::assert_snapshot!(all.join("\n"), @r"
    0123456789abcdef SM2 -
    0123456789abcdef SM2 Accepted
    0123456789abcdef SM2 Delivered
    0123456789abcdef SM2 Failed
    0123456789abcdef CA7 -
    0123456789abcdef CA7 Delivered
    0123456789abcdef CA7 Delivered
    0123456789abcdef CA7 Unanswered
    0123456789abcdef CA7 Unanswered
    0123456789abcdef CA7 Failed
    ");
}

/// Vonage, "SMS API: Delivery Receipts": GET, form or JSON as the account's settings say.
#[test]
fn vonage_sends_a_query_or_json() {
    let vonage = Reading {
        reference: "/client-ref".to_owned(),
        ..reading("/messageId", "/status", &["delivered"], &["expired", "failed", "rejected"])
    };
    let query = format!(
        "msisdn=447700900000&to=AcmeInc&network-code=12345&messageId=0A0000001234567B&price=0.03330000\
         &status=delivered&scts=2001011400&err-code=0&api-key=abcd1234&client-ref={OURS}\
         &message-timestamp=2020-01-01+12%3A00%3A00"
    );
    insta::assert_snapshot!(lines(&vonage, &query, ""), @"0123456789abcdef 0A0000001234567B Delivered");
    let json = |status: &str| {
        format!(
            r#"{{"msisdn":"447700900000","to":"AcmeInc","messageId":"0A0000001234567B","status":"{status}",
                "err-code":"0","api-key":"abcd1234","client-ref":"{OURS}"}}"#
        )
    };
    insta::assert_snapshot!(lines(&vonage, "secret=s", &json("rejected")), @"0123456789abcdef 0A0000001234567B Failed");
    insta::assert_snapshot!(lines(&vonage, "secret=s", &json("buffered")), @"0123456789abcdef 0A0000001234567B -");
}

/// Plivo, "Message status callbacks": a form.
#[test]
fn plivo_sends_forms() {
    let plivo = reading("/MessageUUID", "/Status", &["delivered"], &["undelivered", "failed", "rejected"]);
    let body = "From=12025550000&To=12025551111&Status=undelivered&MessageUUID=5b40a428-bfc7&ErrorCode=30&Units=1";
    insta::assert_snapshot!(lines(&plivo, &ours(""), body), @"0123456789abcdef 5b40a428-bfc7 Failed");
}

/// Telnyx, "Receiving Webhooks for Messaging": nested JSON, the state with the recipient.
#[test]
fn telnyx_sends_nested_json() {
    let telnyx = reading(
        "/data/payload/id",
        "/data/payload/to/0/status",
        &["delivered"],
        &["sending_failed", "delivery_failed", "delivery_unconfirmed"],
    );
    let body = |status: &str| {
        format!(
            r#"{{"data":{{"event_type":"message.finalized","id":"4ee8c3a6-4995","payload":{{"completed_at":
                "2019-12-09T21:32:14.148+00:00","id":"834f3d53-8a3c","parts":1,"to":[{{"carrier":"T-MOBILE USA, INC.",
                "phone_number":"+15550001111","status":"{status}"}}],"type":"SMS"}},"record_type":"event"}},
                "meta":{{"attempt":1}}}}"#
        )
    };
    insta::assert_snapshot!(lines(&telnyx, "secret=s", &body("delivered")), @"- 834f3d53-8a3c Delivered");
    insta::assert_snapshot!(lines(&telnyx, "secret=s", &body("delivery_failed")), @"- 834f3d53-8a3c Failed");
    insta::assert_snapshot!(lines(&telnyx, "secret=s", &body("sent")), @"- 834f3d53-8a3c -");
}

/// Sinch, "SMS API: Delivery reports", type per_recipient: words with a capital, a code beside them.
#[test]
fn sinch_sends_json_with_words_and_numbers() {
    let body = |status: &str, code: u16| {
        format!(
            r#"{{"type":"recipient_delivery_report_sms","batch_id":"01FC66621XXXXX119Z8PMV1QPQ","recipient":
                "447700900000","code":{code},"status":"{status}","at":"2022-08-30T08:16:08.930Z"}}"#
        )
    };
    let sinch = reading("/batch_id", "/status", &["Delivered"], &["Failed", "Expired", "Rejected", "Aborted"]);
    insta::assert_snapshot!(lines(&sinch, "", &body("Delivered", 0)), @"- 01FC66621XXXXX119Z8PMV1QPQ Delivered");
    insta::assert_snapshot!(lines(&sinch, "", &body("DELIVERED", 0)), @"- 01FC66621XXXXX119Z8PMV1QPQ Delivered");
    insta::assert_snapshot!(lines(&sinch, "", &body("Dispatched", 400)), @"- 01FC66621XXXXX119Z8PMV1QPQ -");
    let by_code = reading("/batch_id", "/code", &["0"], &["402", "406"]);
    insta::assert_snapshot!(lines(&by_code, "", &body("Rejected", 402)), @"- 01FC66621XXXXX119Z8PMV1QPQ Failed");
}

/// SMS Gateway for Android, "Webhooks": the event's name is the state.
#[test]
fn smsgate_names_the_event() {
    let mut smsgate = reading("/payload/messageId", "/event", &["sms:delivered"], &["sms:failed"]);
    smsgate.message = smsgate.message.with(Fate::Accepted, ["sms:sent"]);
    let body = |event: &str| {
        format!(
            r#"{{"deviceId":"ffffffffceb0b1db","event":"{event}","id":"Ey6ECgOkVVFjz3CL48B8C","payload":{{"messageId":
                "abc123","phoneNumber":"+447700900000","simNumber":1}},"webhookId":"LreFUt-Z3sSq0JufY9uWB"}}"#
        )
    };
    let all = ["sms:sent", "sms:delivered", "sms:failed", "system:ping"].map(|event| lines(&smsgate, "", &body(event)));
    insta::assert_snapshot!(all.join("\n"), @r"
    - abc123 Accepted
    - abc123 Delivered
    - abc123 Failed
    - abc123 -
    ");
}

/// Kannel User's Guide, "Delivery reports": GET of `dlr-url`, in which %d is a number of the mask.
#[test]
fn kannel_gets_an_address_with_a_number() {
    let mut kannel = reading("", "/status", &["1"], &["2", "16"]);
    kannel.message = kannel.message.with(Fate::Accepted, ["8"]);
    let all = ["1", "2", "4", "8", "16"].map(|number| lines(&kannel, &ours(&format!("&status={number}")), ""));
    insta::assert_snapshot!(all.join("\n"), @r"
    0123456789abcdef - Delivered
    0123456789abcdef - Failed
    0123456789abcdef - -
    0123456789abcdef - Accepted
    0123456789abcdef - Failed
    ");
}

/// Jasmin, "HTTP API: Receiving DLR": GET or POST with the same parameters; level 1 tells of the SMSC alone.
#[test]
fn jasmin_gets_or_posts_the_same() {
    let mut jasmin = reading("/id", "/message_status", &["DELIVRD"], &["UNDELIV", "REJECTD", "EXPIRED"]);
    jasmin.message = jasmin.message.with(Fate::Accepted, ["ESME_ROK"]);
    let level_1 = "id=16fd2706-8baf-433b-82eb-8c7fada847da&message_status=ESME_ROK&level=1";
    let level_2 = "id=16fd2706-8baf-433b-82eb-8c7fada847da&id_smsc=2567&message_status=UNDELIV&level=2\
                   &subdate=1311022338&donedate=1311022338&sub=1&dlvrd=1&err=0&text=Hello+foo+bar";
    insta::assert_snapshot!(lines(&jasmin, &ours(&format!("&{level_1}")), ""), @"0123456789abcdef 16fd2706-8baf-433b-82eb-8c7fada847da Accepted");
    insta::assert_snapshot!(lines(&jasmin, &ours(""), level_2), @"0123456789abcdef 16fd2706-8baf-433b-82eb-8c7fada847da Failed");
}

#[test]
fn a_list_holds_one_report_an_element() {
    let top = reading("/MessageId", "/Status", &["1"], &["2"]);
    let body = r#"[{"MessageId":"a","Status":"1"},{"MessageId":7,"Status":2},{"MessageId":"c"},"odd"]"#;
    insta::assert_snapshot!(lines(&top, &ours(""), body), @r"
    - a Delivered
    - 7 Failed
    - c -
    - - -
    ");
    let nested = reading("/results/*/messageId", "/results/*/status/name", &["DELIVERED"], &["REJECTED"]);
    let body = r#"{"results":[{"messageId":"a","status":{"name":"DELIVERED"}},{"messageId":"b","status":{"name":"REJECTED"}}]}"#;
    insta::assert_snapshot!(lines(&nested, "", body), @r"
    - a Delivered
    - b Failed
    ");
    assert_eq!(lines(&nested, "", "{}"), "", "no list, no report");
    let single = r#"{"results":[{"messageId":"a","status":{"name":"DELIVERED"}}]}"#;
    insta::assert_snapshot!(lines(&nested, &ours(""), single), @"0123456789abcdef a Delivered");
}

#[test]
fn the_body_is_looked_into_before_the_query() {
    let both = reading("/id", "/status", &["ok"], &["bad"]);
    insta::assert_snapshot!(lines(&both, "id=q&status=bad", "id=b&status=ok"), @"- b Delivered");
    insta::assert_snapshot!(lines(&both, "id=q&status=bad", r#"{"status":"ok"}"#), @"- q Delivered");
    insta::assert_snapshot!(lines(&both, "id=q&status=bad&status=ok", "\u{feff} {}"), @"- q Failed");
}

#[test]
fn a_providers_own_reference_does_not_hide_ours() {
    let named = Reading { reference: "/reference".to_owned(), ..reading("/id", "/status", &["ok"], &[]) };
    insta::assert_snapshot!(lines(&named, &ours(""), "reference=campaign+7&id=a&status=ok"), @"0123456789abcdef a Delivered");
}

#[test]
fn what_tells_nothing_is_no_report_of_anything() {
    let usual = reading("/id", "/status", &["delivered"], &["failed"]);
    for (query, body) in [("", ""), ("x=%ff", "%"), ("", "{}"), ("", "null"), ("status=", "id=")] {
        assert_eq!(lines(&usual, query, body), "- - -", "{query} {body}");
    }
    assert_eq!(lines(&usual, "", "[]"), "");
    let long = format!("id={}&status=delivered", "x".repeat(ID_OCTETS_MAX + 1));
    assert_eq!(lines(&usual, "", &long), "- - Delivered", "a name that is no name");
    assert_eq!(lines(&Reading::default(), &ours("&status=delivered"), ""), format!("{OURS} - -"));
    assert!(!Reading::default().message.is_of_use() && usual.message.is_of_use());
}

#[test]
fn malformed_json_is_told_with_its_place() {
    let usual = reading("/id", "/status", &["delivered"], &["failed"]);
    insta::assert_snapshot!(lines(&usual, "", "{\"id\":\n  \"a\","), @"no JSON at line 2, column 6");
    insta::assert_snapshot!(lines(&usual, "", &"[".repeat(200)), @"no JSON at line 1, column 128");
}

proptest::proptest! {
    #[test]
    fn any_octets_are_read_without_panic(
        query in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60),
        body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60),
        pointer in "(/[a-z*0-9]{0,3}){0,4}",
    ) {
        let odd = Reading { reference: pointer.clone(), ..reading(&pointer, &pointer, &["1"], &["2"]) };
        let _ = read(&odd, &query, &body);
        let _ = read(&odd, &query, &[b"{\"a\":[".as_slice(), &body, b"]}"].concat());
    }
}
