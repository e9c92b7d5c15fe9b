//! How a request arrives, and the way from it to the right code.

use insta::assert_snapshot;

use crate::harness::{NUMBER, Options, Reply, TestApp, spawn_app};

#[tokio::test]
async fn a_number_is_verified() {
    let mut app = spawn_app(Options::one_modem()).await;
    let reply = app.request(NUMBER, &[]).await;
    assert_snapshot!(reply, @r#"{"request_id":"<request>","status":"0"}"#);
    let request = reply.field("request_id");
    let sms = app.phone.sms().await;
    assert_eq!(sms.number, format!("+{NUMBER}"));
    assert_eq!(sms.text, format!("{} is your Acme code. Do not share it with anyone.", sms.pin()));
    assert_eq!(sms.pin().len(), 4);
    assert_snapshot!(app.check(&request, sms.pin()).await, @r#"{"request_id":"<request>","status":"0","event_id":"<event>","price":"0.12050000","currency":"USD","estimated_price_messages_sent":"0.00000000"}"#);
    assert_snapshot!(app.check(&request, sms.pin()).await.field("status"), @"6");
    app.finish().await;
}

#[tokio::test]
async fn a_pin_keeps_its_leading_zeros() {
    let mut app = spawn_app(Options::one_modem()).await;
    let request = app.start(NUMBER, &[("pin_code", "0042")]).await;
    let sms = app.phone.sms().await;
    assert_snapshot!(sms.text, @"0042 is your Acme code. Do not share it with anyone.");
    assert_eq!(app.check(&request, "42").await.field("status"), "16");
    assert_eq!(app.check(&request, "0042").await.field("status"), "0");
    app.finish().await;
}

#[tokio::test]
async fn a_pin_of_the_callers_own_overrides_the_code_length_and_keeps_its_case() {
    let mut app = spawn_app(Options::one_modem()).await;
    let request = app.start(NUMBER, &[("pin_code", "aB3dE5g"), ("code_length", "6")]).await;
    assert_eq!(app.phone.sms().await.pin(), "aB3dE5g");
    assert_eq!(app.check(&request, "AB3DE5G").await.field("status"), "16");
    assert_eq!(app.check(&request, "aB3dE5g").await.field("status"), "0");
    app.finish().await;
}

#[tokio::test]
async fn a_code_may_have_six_digits() {
    let mut app = spawn_app(Options::one_modem()).await;
    let request = app.start(NUMBER, &[("code_length", "6")]).await;
    let sms = app.phone.sms().await;
    assert_eq!(sms.pin().len(), 6);
    assert!(sms.pin().bytes().all(|byte| byte.is_ascii_digit()));
    assert_eq!(app.check(&request, sms.pin()).await.field("status"), "0");
    app.finish().await;
}

/// One way to say the same thing, with `number` as its parameter.
async fn said(app: &TestApp, form: &str, number: &str) -> Reply {
    let (key, secret) = (&app.account.key, &app.account.secret);
    let url = app.url("/verify/json");
    let pairs =
        [("api_key", key.as_str()), ("api_secret", secret), ("number", number), ("brand", "Acme"), ("lg", "de-de")];
    let bare = &pairs[2..];
    let json = serde_json::json!({
        "api_key": key, "api_secret": secret, "number": number, "brand": "Acme", "code_length": 4,
    });
    let encoded: String = pairs.iter().map(|(name, value)| format!("{name}={value}&")).collect();
    let http = app.http();
    let request = match form {
        "query of a GET" => http.get(url).query(&pairs),
        "query of a POST" => http.post(url).query(&pairs),
        "form" => http.post(url).form(&pairs),
        "form with a trailing &" => http.post(url).body(encoded),
        "form labelled as JSON" => http.post(url).header("content-type", "application/json").body(encoded),
        "JSON" => http.post(url).json(&json),
        "JSON with the number as a number" => {
            let mut json = json;
            json["number"] = number.parse::<u64>().expect("digits").into();
            http.post(url).json(&json)
        }
        "JSON labelled as a form" => {
            http.post(url).header("content-type", "application/x-www-form-urlencoded").body(format!(" \n{json}"))
        }
        "JSON without a label" => http.post(url).body(json.to_string()),
        "JSON of a GET" => http.get(url).json(&json),
        "Basic and form" => http.post(url).basic_auth(key, Some(secret)).form(bare),
        "Basic and query" => http.get(url).basic_auth(key, Some(secret)).query(bare),
        "Basic before wrong parameters" => {
            let wrong: Vec<_> = bare.iter().copied().chain([("api_key", "x"), ("api_secret", "y")]).collect();
            http.post(url).basic_auth(key, Some(secret)).form(&wrong)
        }
        "body before query" => http.post(url).query(&[("number", "1"), ("brand", "")]).form(&pairs),
        _ => unreachable!("{form}"),
    };
    app.send(request).await
}

#[tokio::test]
async fn parameters_arrive_in_every_form() {
    let forms = [
        "query of a GET",
        "query of a POST",
        "form",
        "form with a trailing &",
        "form labelled as JSON",
        "JSON",
        "JSON with the number as a number",
        "JSON labelled as a form",
        "JSON without a label",
        "JSON of a GET",
        "Basic and form",
        "Basic and query",
        "Basic before wrong parameters",
        "body before query",
    ];
    let mut app = spawn_app(Options::one_modem()).await;
    for (index, form) in forms.iter().enumerate() {
        let number = format!("4477009001{index:02}");
        let reply = said(&app, form, &number).await;
        assert_eq!(reply.to_string(), r#"{"request_id":"<request>","status":"0"}"#, "{form}");
        let sms = app.phone.sms().await;
        assert_eq!(sms.number, format!("+{number}"), "{form}");
        assert_eq!(app.check(&reply.field("request_id"), sms.pin()).await.field("status"), "0", "{form}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_request_that_cannot_be_accepted_says_why() {
    let app = spawn_app(Options::one_modem()).await;
    assert_snapshot!(app.post("/verify/json", &[("brand", "Acme")]).await, @r#"{"request_id":"","status":"2","error_text":"Your request is incomplete and missing the mandatory parameter: number"}"#);
    assert_snapshot!(app.post("/verify/json", &[("number", NUMBER), ("brand", "")]).await, @r#"{"request_id":"","status":"2","error_text":"Your request is incomplete and missing the mandatory parameter: brand"}"#);
    assert_snapshot!(app.request("4477", &[]).await, @r#"{"request_id":"","status":"3","error_text":"Invalid value for parameter: number"}"#);
    assert_snapshot!(app.request(NUMBER, &[("code_length", "5")]).await, @r#"{"request_id":"","status":"3","error_text":"Invalid value for parameter: code_length"}"#);
    assert_snapshot!(app.request(NUMBER, &[("workflow_id", "8")]).await, @r#"{"request_id":"","status":"3","error_text":"Invalid value for parameter: workflow_id"}"#);
    assert_snapshot!(app.request(NUMBER, &[("pin_expiry", "59")]).await, @r#"{"request_id":"","status":"3","error_text":"Invalid value for parameter: pin_expiry"}"#);
    let mut stranger = app.account.clone();
    stranger.secret.push('x');
    assert_snapshot!(app.request_as(&stranger, NUMBER, &[]).await, @r#"{"request_id":"","status":"4","error_text":"Invalid credentials were provided"}"#);
    assert_eq!(app.lines("select * from verification"), Vec::<String>::new());
    app.finish().await;
}

#[tokio::test]
async fn a_number_is_verified_once_at_a_time_however_it_is_written() {
    let mut app = spawn_app(Options::one_modem()).await;
    let request = app.start(NUMBER, &[]).await;
    let ways: [(&str, &[(&str, &str)]); 5] = [
        (NUMBER, &[]),
        ("+44 7700 900123", &[]),
        ("0044 (7700) 900-123", &[]),
        ("07700 900123", &[("country", "GB")]),
        (NUMBER, &[("workflow_id", "6")]),
    ];
    for (number, further) in ways {
        let reply = app.request(number, further).await;
        assert_eq!(reply.field("status"), "10", "{number}");
        assert_eq!(reply.field("request_id"), request, "{number}");
    }
    let other = app.add_account("other", None).await;
    assert_eq!(app.request_as(&other, NUMBER, &[]).await.field("status"), "0", "another account's number is its own");
    let sms = app.phone.sms().await;
    app.check(&request, sms.pin()).await;
    assert_eq!(app.request(NUMBER, &[]).await.field("status"), "0", "and it is free again once verified");
    app.finish().await;
}

#[tokio::test]
async fn the_country_of_a_number_that_has_its_calling_code_changes_nothing() {
    let mut app = spawn_app(Options::one_modem()).await;
    let request = app.start("4915112345678", &[("country", "DE"), ("lg", "en-us")]).await;
    assert_eq!(app.phone.sms().await.number, "+4915112345678");
    assert_eq!(app.search(&request).await.field("number"), "4915112345678");
    for number in ["015112345678", "15112345678", "+4915112345678"] {
        let reply = app.request(number, &[("country", "DE")]).await;
        assert_eq!(reply.field("request_id"), request, "{number}");
    }
    app.at_rest().await;
    app.finish().await;
}

#[tokio::test]
async fn a_barred_account_starts_nothing_and_finishes_what_it_started() {
    let mut app = spawn_app(Options::one_modem()).await;
    let request = app.start(NUMBER, &[]).await;
    let sms = app.phone.sms().await;
    app.bar(true).await;
    assert_snapshot!(app.request("447700900124", &[]).await, @r#"{"request_id":"","status":"8","error_text":"The api_key you supplied is for an account that has been barred from submitting messages"}"#);
    assert_eq!(app.status(&request).await, "IN PROGRESS");
    assert_eq!(app.check(&request, sms.pin()).await.field("status"), "0");
    app.bar(false).await;
    assert_eq!(app.request("447700900124", &[]).await.field("status"), "0");
    app.finish().await;
}

#[tokio::test]
async fn the_portal_tells_the_outcome_by_its_http_status() {
    let mut app = spawn_app(Options::one_modem()).await;
    let reply = app.post("/verify", &[("number", NUMBER), ("brand", "Acme")]).await;
    assert_snapshot!(reply, @r#"HTTP 201 {"request_id":"<request>","status":"0"}"#);
    let request = reply.field("request_id");
    assert_snapshot!(app.post("/verify", &[("number", NUMBER), ("brand", "Acme")]).await, @r#"HTTP 412 {"request_id":"<request>","status":"10","error_text":"Concurrent verifications to the same number are not allowed"}"#);
    assert_snapshot!(app.post("/verify/control", &[("request_id", &request), ("cmd", "cancel")]).await, @r#"HTTP 412 {"request_id":"","status":"19","error_text":"Verification request ['<request>'] can't be cancelled within the first 30 seconds."}"#);
    let sms = app.phone.sms().await;
    let wrong = sms.wrong_code();
    assert_snapshot!(app.post("/verify/check", &[("request_id", &request), ("code", &wrong)]).await, @r#"HTTP 400 {"request_id":"","status":"16","error_text":"The code inserted does not match the expected value"}"#);
    assert_snapshot!(app.post("/verify/check", &[("request_id", &request), ("code", sms.pin())]).await, @r#"{"request_id":"<request>","status":"0","event_id":"<event>","price":"0.12050000","currency":"USD","estimated_price_messages_sent":"0.00000000"}"#);
    assert_snapshot!(app.post("/verify/check", &[("request_id", &request), ("code", sms.pin())]).await, @r#"HTTP 404 {"request_id":"","status":"6","error_text":"The Nexmo platform was unable to process this message for the following reason: Request '<request>' was not found or it has been verified already."}"#);
    assert_snapshot!(app.post("/verify/search", &[("request_id", "no such request")]).await, @r#"HTTP 404 {"request_id":"","status":"101","error_text":"No request found"}"#);
    app.finish().await;
}

#[tokio::test]
async fn what_is_no_utf_8_is_refused_even_where_nobody_asks_for_it() {
    let app = spawn_app(Options::one_modem()).await;
    let (key, secret) = (&app.account.key, &app.account.secret);
    let form = format!("api_key={key}&api_secret={secret}&number={NUMBER}&brand=Acme&other=%ff");
    let reply = app.send(app.http().post(app.url("/verify/json")).body(form)).await;
    assert_snapshot!(reply, @r#"{"request_id":"","status":"3","error_text":"Invalid value for parameter: body"}"#);
    let missing = format!("api_key={key}&api_secret={secret}&number={NUMBER}&other=%ff");
    let reply = app.send(app.http().post(app.url("/verify/json")).body(missing)).await;
    assert_eq!(reply.field("status"), "2", "what is missing comes first");
    app.finish().await;
}

#[tokio::test]
async fn a_reply_repeats_no_more_of_a_wrong_id_than_tells_it() {
    let app = spawn_app(Options::one_modem()).await;
    let reply = app.check(&"x".repeat(5000), "1234").await;
    assert_eq!(reply.field("status"), "6");
    assert!(reply.text.len() < 400, "{} octets", reply.text.len());
    app.finish().await;
}
