//! Whatever a caller sends: no fault of ours, and never more than one verification.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use crate::harness::{Options, Reply, TestApp, spawn_app};

const CASES: u32 = 400;

const PATHS: [&str; 14] = [
    "/verify",
    "/verify/json",
    "/verify/xml",
    "/verify/psd2/json",
    "/verify/psd2/xml",
    "/verify/check",
    "/verify/check/json",
    "/verify/check/xml",
    "/verify/search",
    "/verify/search/json",
    "/verify/search/xml",
    "/verify/control",
    "/verify/control/json",
    "/verify/yaml",
];

const NAMES: [&str; 21] = [
    "number",
    "number",
    "number",
    "brand",
    "brand",
    "country",
    "sender_id",
    "code_length",
    "lg",
    "pin_expiry",
    "next_event_wait",
    "workflow_id",
    "pin_code",
    "payee",
    "amount",
    "request_id",
    "request_ids",
    "code",
    "ip_address",
    "cmd",
    "sig",
];

const VALUES: [&str; 17] = [
    "",
    "0",
    "1",
    "4",
    "6",
    "60",
    "300",
    "Acme",
    "12.5",
    "GB",
    "de-de",
    "sk-sk",
    "cancel",
    "trigger_next_event",
    "abababababababababababababababab",
    "99999999999999999999",
    "\u{661}\u{662}",
];

#[derive(Clone, Debug)]
struct Said {
    path: &'static str,
    get: bool,
    query: Vec<(&'static str, String)>,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    Form(Vec<(&'static str, String)>),
    Json(Vec<(&'static str, String)>),
    Octets(Vec<u8>),
}

fn pairs() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let number = (100_u32..1000).prop_map(|ending| format!("447700900{ending}"));
    let value = prop_oneof![3 => select(&VALUES[..]).prop_map(str::to_owned), 2 => number, 1 => any::<String>()];
    prop::collection::vec((select(&NAMES[..]), value), 0..5)
}

fn said() -> impl Strategy<Value = Said> {
    let body = prop_oneof![
        4 => pairs().prop_map(Body::Form),
        3 => pairs().prop_map(Body::Json),
        1 => prop::collection::vec(any::<u8>(), 0..200).prop_map(Body::Octets),
    ];
    // Half of them might be taken, were it not for the soup.
    let query = (any::<bool>(), 100_u32..1000, pairs()).prop_map(|(whole, ending, mut pairs)| {
        if whole {
            let basis = [("number", format!("447700900{ending}")), ("brand", "Acme".to_owned())];
            pairs = basis.into_iter().chain(pairs.into_iter().take(1)).collect();
        }
        pairs
    });
    (select(&PATHS[..]), any::<bool>(), query, body).prop_map(|(path, get, query, body)| Said {
        path,
        get,
        query,
        body,
    })
}

async fn send(app: &TestApp, said: &Said) -> Reply {
    let url = app.url(said.path);
    let request = if said.get { app.http().get(url) } else { app.http().post(url) };
    let request = request.basic_auth(&app.account.key, Some(&app.account.secret)).query(&said.query);
    let request = match &said.body {
        Body::Form(pairs) => request.form(pairs),
        Body::Json(pairs) => {
            let object: serde_json::Value = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
            request.json(&object)
        }
        Body::Octets(octets) => request.body(octets.clone()),
    };
    app.send(request).await
}

#[tokio::test]
async fn a_soup_of_parameters_is_no_fault_of_ours_and_starts_one_verification_at_most() {
    let app = spawn_app(Options::one_modem()).await;
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(CASES) });
    let mut verifications = 0;
    for _ in 0..CASES {
        let said = said().new_tree(&mut runner).expect("a value").current();
        let reply = send(&app, &said).await;
        let count = app.value::<i64>("select count(*) from verification");
        let started = count - verifications;
        verifications = count;
        let accepted =
            matches!(said.path, "/verify" | "/verify/json" | "/verify/xml" | "/verify/psd2/json" | "/verify/psd2/xml")
                && (reply.text.contains("\"status\":\"0\"") || reply.text.contains("<status>0</status>"));
        assert_eq!(started, i64::from(accepted), "{said:?}: {}", reply.text);
        // 503 is the portal's word for a number that no route takes.
        assert!(reply.http < 500 || reply.http == 503, "{said:?}: {} {}", reply.http, reply.text);
        assert!(!reply.text.contains("Internal Error"), "{said:?}: {}", reply.text);
    }
    assert!(verifications > 0, "some of it was a request");
    app.at_rest().await;
    app.finish().await;
}
