//! Every example of the document, sent to a daemon or brought about in it: what it replies is what the example says.

use serde_json::{Map, Value};

use crate::harness::{NUMBER, Options, Reply, TestApp, spawn_app};

/// The ids and the account of the examples.
const REQUEST: &str = "935bd55df0fa505f4ddcc4d0fa8981e0";
const ACCOUNT: &str = "abcd1234";
const PIN: &str = "7391";
const OTHER_NUMBER: &str = "447700900456";

/// Replies that this test cannot bring about. Their texts are those of the one list that every refusal is written from.
const OUT_OF_REACH: &[&str] = &[
    "internal_error",    // a fault of ours would be in the log, where the harness looks for none
    "body_too_slow",     // ten seconds
    "body_cut_off",      // nobody is left to read the reply
    "providers_failing", // needs a provider
    "overloaded",        // these four: tests/behaviour/hostile_callers.rs
    "too_many_failures",
    "uri_too_long",
    "head_too_large",
];

fn document() -> Value {
    let text = simverify::api::docs::openapi().to_json().expect("a document");
    serde_json::from_str(&text).expect("JSON")
}

/// An example of a reply, with the request that it belongs to.
struct Example {
    method: String,
    path: String,
    http: u16,
    content_type: String,
    name: String,
    value: Value,
}

/// All examples of replies, those of the same name at the same service together.
fn examples() -> Vec<Vec<Example>> {
    let mut groups: std::collections::BTreeMap<(String, String), Vec<Example>> = Default::default();
    for (path, methods) in object(&document()["paths"]) {
        for (method, operation) in object(methods) {
            for (http, response) in object(&operation["responses"]) {
                for (content_type, content) in object(&response["content"]) {
                    for (name, example) in object(&content["examples"]) {
                        let example = Example {
                            method: method.clone(),
                            path: path.clone(),
                            http: http.parse().expect("a status"),
                            content_type: content_type.clone(),
                            name: name.clone(),
                            value: example["value"].clone(),
                        };
                        groups.entry((service(path).to_owned(), name.clone())).or_default().push(example);
                    }
                }
            }
        }
    }
    groups.into_values().collect()
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap_or_else(|| panic!("no object: {value}"))
}

/// The path of the portal for any face's.
fn service(path: &str) -> &str {
    path.strip_suffix("/json").or(path.strip_suffix("/xml")).unwrap_or(path)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reply_of_the_document_is_replied() {
    let mut replayed = 0;
    for group in examples() {
        if OUT_OF_REACH.contains(&group[0].name.as_str()) {
            continue;
        }
        // A search tells the time, which stands still unless it has been moved for another one.
        let apart = service(&group[0].path) == "/verify/search";
        let mut app = spawn_app(options(&group[0].name)).await;
        prepare(&app, &group[0].name).await;
        for (index, example) in group.iter().enumerate() {
            if apart && index > 0 {
                app.finish().await;
                app = spawn_app(options(&example.name)).await;
            }
            let number = format!("4477009001{index:02}");
            let sent = provoke(&mut app, service(&example.path), &example.name, &number).await;
            let reply = send(&app, example, sent).await;
            check(&app, example, &number, &reply);
            replayed += 1;
        }
        app.finish().await;
    }
    assert!(replayed > 150, "{replayed} examples");
}

fn check(app: &TestApp, example: &Example, number: &str, reply: &Reply) {
    let whose = format!("{} of {} {}", example.name, example.method, example.path);
    assert_eq!(reply.http, example.http, "{whose}: {}", reply.text);
    let text = reply.text.replace(number, NUMBER).replace(&app.account.key, ACCOUNT);
    let shown = |text: String| Reply { http: 200, text }.to_string();
    match &example.value {
        Value::String(xml) => {
            assert_eq!(example.content_type, "text/xml");
            assert_eq!(shown(text), shown(xml.clone()), "{whose}");
        }
        json => {
            assert_eq!(example.content_type, "application/json");
            let parsed = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
            assert_eq!(parsed(&shown(text)), parsed(&shown(json.to_string())), "{whose}");
        }
    }
}

/// What a daemon is like in which this can happen.
fn options(name: &str) -> Options {
    match name {
        "no_route" => Options::without_modem(),
        "quota_exceeded" => Options::one_modem().credits(0),
        "throttled" => Options::one_modem().rate(1),
        "budget_spent" => Options::one_modem().keys("sim1", "sms_per_day = 1"),
        _ => Options::one_modem(),
    }
}

/// Brings about what is true of the whole service.
async fn prepare(app: &TestApp, name: &str) {
    match name {
        "account_barred" => app.bar(true).await,
        "number_blocked" => app.block("4477009*").await,
        "routes_down" => {
            app.modem("sim1", "unplug 3600").await;
            app.down("sim1").await;
            app.advance(241);
        }
        "budget_spent" => {
            app.start("447700900200", &[]).await;
            app.at_rest().await;
        }
        "queue_too_long" => {
            app.modem("sim1", "register 0").await;
            app.down("sim1").await;
            for index in 0..61 {
                app.start(&format!("4477009002{index:02}"), &[]).await;
            }
        }
        _ => {}
    }
}

/// A request's body, as text.
type Sent = String;

fn form(parameters: &[(&str, &str)]) -> Sent {
    let pairs: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={}", value.replace('+', "%2B").replace(' ', "+")))
        .collect();
    pairs.join("&")
}

/// Brings about what the example tells of one verification, and gives what is to be sent.
async fn provoke(app: &mut TestApp, service: &str, name: &str, number: &str) -> Sent {
    match (service, name) {
        (_, "invalid_credentials") => String::new(),
        (_, "throttled") => {
            // This one may be the second's first; the next is not.
            app.search(REQUEST).await;
            String::new()
        }
        (_, "malformed_json") => "{\"api_key\":\"k\",".to_owned(),
        (_, "body_too_large") => "a".repeat(64 * 1024 + 1),
        ("/verify", _) => provoke_request(app, name, number).await,
        ("/verify/check", _) => provoke_check(app, name, number).await,
        ("/verify/search", _) => provoke_search(app, name, number).await,
        ("/verify/control", _) => provoke_control(app, name, number).await,
        ("/verify/psd2", "missing_parameter") => form(&[("number", number), ("amount", "48.00")]),
        ("/verify/psd2", _) => {
            provoke_request(app, name, number).await.replace("&brand=Acme", "&payee=Acme&amount=48.00")
        }
        _ => panic!("nobody knows how to bring about {name} at {service}"),
    }
}

async fn provoke_request(app: &TestApp, name: &str, number: &str) -> Sent {
    let asked = |number: &str| form(&[("number", number), ("brand", "Acme")]);
    match name {
        "accepted" | "no_route" | "routes_down" | "budget_spent" | "queue_too_long" | "account_barred"
        | "quota_exceeded" | "number_blocked" => asked(number),
        "missing_parameter" => form(&[("number", number)]),
        "invalid_parameter" => asked("12"),
        // A premium-rate number.
        "unsupported_network" => asked("449098790000"),
        "in_progress" => {
            app.start(number, &[]).await;
            asked(number)
        }
        _ => panic!("nobody knows how to bring about {name}"),
    }
}

async fn provoke_check(app: &mut TestApp, name: &str, number: &str) -> Sent {
    let asked = |request: &str, code: &str| form(&[("request_id", request), ("code", code)]);
    match name {
        "missing_parameter" => form(&[("request_id", REQUEST)]),
        "invalid_parameter" => asked(REQUEST, "12-4"),
        "request_not_found" => asked(REQUEST, PIN),
        "right" | "wrong_code" | "wrong_too_often" => {
            let request = started(app, number, "1").await;
            if name == "wrong_too_often" {
                app.check(&request, "0000").await;
                app.check(&request, "0000").await;
            }
            asked(&request, if name == "right" { PIN } else { "0000" })
        }
        _ => panic!("nobody knows how to bring about {name}"),
    }
}

async fn provoke_search(app: &mut TestApp, name: &str, number: &str) -> Sent {
    match name {
        "missing_parameter" => String::new(),
        // No UTF-8.
        "invalid_parameter" => "request_id=%ff".to_owned(),
        "nothing_found" => form(&[("request_id", REQUEST)]),
        "too_many_request_ids" => form(&[("request_ids", REQUEST); 11]),
        "one" | "several" => {
            let request = started(app, number, "1").await;
            let other = if name == "several" { Some(started(app, OTHER_NUMBER, "1").await) } else { None };
            app.advance(42);
            let try_of = [("request_id", request.as_str()), ("code", "0000"), ("ip_address", "192.0.2.7")];
            app.post("/verify/check/json", &try_of).await;
            match other {
                None => form(&[("request_id", &request)]),
                Some(other) => form(&[("request_ids", &request), ("request_ids", &other)]),
            }
        }
        _ => panic!("nobody knows how to bring about {name}"),
    }
}

async fn provoke_control(app: &mut TestApp, name: &str, number: &str) -> Sent {
    let asked = |request: &str, command: &str| form(&[("request_id", request), ("cmd", command)]);
    match name {
        "missing_parameter" => form(&[("request_id", REQUEST)]),
        "invalid_parameter" => asked(REQUEST, "stop"),
        "request_not_found" => asked(REQUEST, "cancel"),
        "cancel_too_soon" => asked(&started(app, number, "1").await, "cancel"),
        "next_event" => asked(&started(app, number, "4").await, "trigger_next_event"),
        "no_event_left" => asked(&started(app, number, "6").await, "trigger_next_event"),
        "cancelled" => {
            let request = started(app, number, "1").await;
            app.advance(31);
            asked(&request, "cancel")
        }
        "cancel_too_late" => {
            let request = started(app, number, "4").await;
            app.control(&request, "trigger_next_event").await;
            app.phone.sms().await;
            app.at_rest().await;
            app.advance(31);
            asked(&request, "cancel")
        }
        _ => panic!("nobody knows how to bring about {name}"),
    }
}

/// A verification whose first SMS has arrived.
async fn started(app: &mut TestApp, number: &str, workflow: &str) -> String {
    let request = app.start(number, &[("pin_code", PIN), ("workflow_id", workflow)]).await;
    while app.phone.sms().await.number.trim_start_matches('+') != number {}
    app.at_rest().await;
    request
}

async fn send(app: &TestApp, example: &Example, sent: Sent) -> Reply {
    let fits_query = sent.len() < 1024 && !sent.starts_with('{');
    let url = app.url(&example.path);
    let request = match example.method.as_str() {
        "get" if fits_query => app.http().get(format!("{url}?{sent}")),
        "get" => app.http().get(url).body(sent),
        "post" => app.http().post(url).body(sent),
        method => panic!("{method}"),
    };
    let anonymous = example.name == "invalid_credentials";
    let request = if anonymous { request } else { request.basic_auth(&app.account.key, Some(&app.account.secret)) };
    app.send(request).await
}

/// Sends the examples of what may be asked, as JSON and as a form.
#[tokio::test]
async fn every_request_of_the_document_succeeds() {
    let mut sent = 0;
    for (path, methods) in object(&document()["paths"]) {
        let content = &methods["post"]["requestBody"]["content"]["application/json"];
        for (name, example) in object(&content["examples"]) {
            for as_form in [true, false] {
                let mut app = spawn_app(Options::one_modem()).await;
                let body = with_real_ids(&mut app, path, &example["value"]).await;
                let request = app.http().post(app.url(path));
                let request = request.basic_auth(&app.account.key, Some(&app.account.secret));
                let request = if as_form { request.body(as_pairs(&body)) } else { request.json(&body) };
                let reply = app.send(request).await;
                assert!((200..300).contains(&reply.http), "{name} of {path}: {reply}");
                assert!(!reply.text.contains("error_text"), "{name} of {path}: {reply}");
                app.finish().await;
                sent += 1;
            }
        }
    }
    assert!(sent >= 40, "{sent} examples");
}

/// The example with request ids of verifications that are in progress, and old enough to be cancelled.
async fn with_real_ids(app: &mut TestApp, path: &str, example: &Value) -> Value {
    if service(path) == "/verify" || service(path) == "/verify/psd2" {
        return example.clone();
    }
    let request = started(app, NUMBER, "4").await;
    app.advance(31);
    serde_json::from_str(&example.to_string().replace(REQUEST, &request)).expect("JSON")
}

fn as_pairs(body: &Value) -> String {
    let mut pairs = vec![];
    for (name, value) in object(body) {
        match value {
            Value::Array(values) => pairs.extend(values.iter().map(|value| (name.as_str(), text(value)))),
            value => pairs.push((name.as_str(), text(value))),
        }
    }
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
    form(&pairs)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
