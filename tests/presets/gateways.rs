//! SMS through gateways of one's own.

use crate::bench::Bench;
use crate::fakes;

const CODE: &str = "4711 is your \"A&B\" code";

#[tokio::test]
async fn smsgate_takes_an_sms() {
    let bench =
        Bench::new("smsgate", "", "account = 'sms'\nsim = 2\ndevice = 'yVULogr4Y1ksRfnos1Dsw'", fakes::smsgate).await;
    insta::assert_snapshot!(bench.sms(CODE).await, @"taken as cdcdcdcdcdcdcdcd");
    insta::assert_snapshot!(bench.request(), @r#"
    POST /3rdparty/v1/messages
    authorization: Basic c21zOmdlaGVpbQ==
    content-type: application/json

    {"id": "cdcdcdcdcdcdcdcd", "textMessage": {"text": "4711 is your \"A&B\" code"}, "phoneNumbers": ["+447700900123"], "ttl": 300, "priority": 100, "withDeliveryReport": true, "deviceId": "yVULogr4Y1ksRfnos1Dsw", "simNumber": 2}
    "#);
    // "Message Queue Limits".
    let body =
        r#"{"error": "QueueLimitExceeded", "message": "queue limits exceeded: too many pending messages: 5 / 5"}"#;
    insta::assert_snapshot!(bench.answered(503, body).await, @"later: HTTP 503: QueueLimitExceeded");
    insta::assert_snapshot!(bench.answered(401, "").await, @"other route: HTTP 401");
}

#[tokio::test]
async fn smsgate_takes_an_sms_on_the_telephone_itself() {
    let bench = Bench::new("smsgate-local", "", "account = 'sms'", fakes::smsgate_local).await;
    insta::assert_snapshot!(bench.sms(CODE).await, @"taken as cdcdcdcdcdcdcdcd");
    insta::assert_snapshot!(bench.request(), @r#"
    POST /message
    authorization: Basic c21zOmdlaGVpbQ==
    content-type: application/json

    {"id": "cdcdcdcdcdcdcdcd", "textMessage": {"text": "4711 is your \"A&B\" code"}, "phoneNumbers": ["+447700900123"], "ttl": 300, "priority": 100, "withDeliveryReport": true}
    "#);
}

#[tokio::test]
async fn textbee_takes_an_sms() {
    let bench = Bench::new("textbee", "", "device = '65f0000000000000000000aa'\nsim = '2'", fakes::textbee).await;
    insta::assert_snapshot!(bench.sms(CODE).await, @"taken as 67a1f0");
    insta::assert_snapshot!(bench.request(), @r#"
    POST /api/v1/gateway/devices/65f0000000000000000000aa/send-sms
    content-type: application/json
    x-api-key: geheim

    {"recipients": ["+447700900123"], "message": "4711 is your \"A&B\" code", "simSubscriptionId": 2}
    "#);
    let body = r#"{"success": false, "error": "Device does not exist or is not enabled"}"#;
    insta::assert_snapshot!(bench.answered(400, body).await, @"other route: HTTP 400: Device does not exist or is not enabled");
    insta::assert_snapshot!(bench.answered(429, "").await, @"later: HTTP 429");
}

#[tokio::test]
async fn kannel_takes_an_sms() {
    let bench = Bench::new("kannel", "", "account = 'tester'\nsender = 'Acme'", fakes::kannel).await;
    insta::assert_snapshot!(bench.sms(CODE).await, @"taken");
    insta::assert_snapshot!(bench.request(), @r#"
    POST /cgi-bin/sendsms
    content-type: text/plain; charset=UTF-8
    x-kannel-coding: 0
    x-kannel-dlr-mask: 27
    x-kannel-dlr-url: https://verify.example/callbacks/it?secret=unguessable-secret&reference=cdcdcdcdcdcdcdcd&status=%d
    x-kannel-from: Acme
    x-kannel-password: geheim
    x-kannel-to: +447700900123
    x-kannel-username: tester
    x-kannel-validity: 5

    4711 is your "A&B" code
    "#);
    bench.sms("fünf 漢").await;
    let request = bench.request();
    assert!(request.contains("x-kannel-coding: 2\n") && request.ends_with("\n\nfünf 漢"), "{request}");
}

/// Kannel User's Guide, "SMS push reply codes".
#[tokio::test]
async fn what_kannel_refuses() {
    let bench = Bench::new("kannel", "", "account = 'tester'", fakes::kannel).await;
    let mut told = String::new();
    for (status, body) in [
        (202, "0: Accepted for delivery"),
        (202, "3: Queued for later delivery"),
        (403, "Authorization failed for sendsms"),
        (400, "Sender missing and no global set, rejected"),
        (503, "Temporal failure, try again later."),
    ] {
        told += &format!("{body}: {}\n", bench.answered(status, body).await);
    }
    insta::assert_snapshot!(told, @"
    0: Accepted for delivery: taken
    3: Queued for later delivery: taken
    Authorization failed for sendsms: other route: HTTP 403
    Sender missing and no global set, rejected: other route: HTTP 400
    Temporal failure, try again later.: later: HTTP 503
    ");
}

#[tokio::test]
async fn jasmin_takes_an_sms() {
    let bench = Bench::new("jasmin", "", "account = 'foo'\nsender = 'Acme'", fakes::jasmin).await;
    insta::assert_snapshot!(bench.sms(CODE).await, @"taken as 07033084-5cfd-4812-90a4-e4d24ffb6e3d");
    insta::assert_snapshot!(bench.request(), @r#"
    POST /send
    content-type: application/x-www-form-urlencoded

    coding = 0
    content = 4711 is your "A&B" code
    dlr = yes
    dlr-level = 3
    dlr-method = POST
    dlr-url = https://verify.example/callbacks/it?secret=unguessable-secret&reference=cdcdcdcdcdcdcdcd
    from = Acme
    password = geheim
    to = 447700900123
    username = foo
    validity-period = 5
    "#);
    bench.sms("é 漢😀").await;
    let request = bench.request();
    assert!(request.contains("coding = 8\n"), "{request}");
    assert!(request.contains("hex-content = 00e900206f22d83dde00\n"), "{request}");
}

/// Jasmin, "HTTP API": HTTP response code details.
#[tokio::test]
async fn what_jasmin_refuses() {
    let bench = Bench::new("jasmin", "", "account = 'foo'", fakes::jasmin).await;
    let mut told = String::new();
    for (status, body) in [
        (400, "Error \"Argument to has an invalid value: 4.\""),
        (403, "Error \"Authentication failure for username:foo\""),
        (412, "Error \"No route found\""),
        (500, "Error \"Cannot send submit_sm, check SMPPClientManagerPB log file for details\""),
        (200, "Error \"of a proxy's own\""),
    ] {
        told += &format!("{body}: {}\n", bench.answered(status, body).await);
    }
    insta::assert_snapshot!(told, @r#"
    Error "Argument to has an invalid value: 4.": other route: HTTP 400
    Error "Authentication failure for username:foo": other route: HTTP 403
    Error "No route found": other route: HTTP 412
    Error "Cannot send submit_sm, check SMPPClientManagerPB log file for details": later: HTTP 500
    Error "of a proxy's own": other route: HTTP 200, and the reply says no
    "#);
}

#[tokio::test]
async fn playsms_takes_an_sms() {
    let bench = Bench::new("playsms", "", "account = 'anton'", fakes::playsms).await;
    insta::assert_snapshot!(bench.sms(CODE).await, @"taken as 30");
    insta::assert_snapshot!(bench.request(), @r#"
    POST /index.php?app=ws
    content-type: application/x-www-form-urlencoded

    format = json
    from = VERIFY
    h = geheim
    msg = 4711 is your "A&B" code
    nofooter = 1
    op = pv
    to = +447700900123
    u = anton
    unicode = 0
    "#);
    // "Return codes".
    let body = r#"{"status": "ERR", "error": "100", "error_string": "authentication failed", "timestamp": 1700000000}"#;
    insta::assert_snapshot!(bench.answered(200, body).await, @"other route: HTTP 200: 100");
    let body = r#"{"data": [{"status": "ERR", "error": "200", "to": "447700900123"}], "error_string": null}"#;
    insta::assert_snapshot!(bench.answered(200, body).await, @"other route: HTTP 200, and the reply says no");
}

#[tokio::test]
async fn gammu_takes_an_sms() {
    let bench = Bench::new("gammu", "", "account = 'admin'", fakes::gammu).await;
    insta::assert_snapshot!(bench.sms(CODE).await, @"taken");
    insta::assert_snapshot!(bench.request(), @r#"
    POST /sms
    authorization: Basic YWRtaW46Z2VoZWlt
    content-type: application/json

    {"text": "4711 is your \"A&B\" code", "number": "+447700900123"}
    "#);
    bench.sms("fünf 漢").await;
    assert!(bench.request().contains(r#""unicode": true"#));
    insta::assert_snapshot!(bench.answered(500, r#"{"message": "Internal Server Error"}"#).await, @"later: HTTP 500: Internal Server Error");
    insta::assert_snapshot!(bench.answered(401, "Unauthorized Access").await, @"other route: HTTP 401");
}
