use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_772_366_400_000);

fn rules() -> ReplyRules {
    let codes = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect();
    ReplyRules {
        success_status: BTreeSet::from([200, 202]),
        refusal_path: "/error/code".to_owned(),
        final_codes: codes(&["21211", "bad number", "422"]),
        temporary_codes: codes(&["busy", "420"]),
        retry_after_path: "/error/wait".to_owned(),
        ..ReplyRules::default()
    }
}

fn answer(status: u16, body: &str) -> Exchange {
    Exchange::Answered(Answer { status, retry_after: None, body: body.as_bytes().to_vec(), end: BodyEnd::Whole })
}

fn broken(status: u16, body: &str, end: BodyEnd) -> Exchange {
    Exchange::Answered(Answer { status, retry_after: None, body: body.as_bytes().to_vec(), end })
}

fn told(rules: &ReplyRules, exchange: Exchange) -> String {
    let hidden = ["4711".to_owned(), "447700900123".to_owned(), "geheim".to_owned()];
    let Verdict { outcome, bearing, pause } = rules.judge(exchange, &hidden, NOW);
    let outcome = match outcome {
        Outcome::Taken { message_id } => format!("taken {}", message_id.as_deref().unwrap_or("-")),
        Outcome::Refused { class, reason } => format!("{class:?} ({reason})"),
        Outcome::Uncertain { reason, .. } => format!("uncertain ({reason})"),
        outcome => panic!("{outcome:?}"),
    };
    let pause = pause.map(|pause| format!(", pause {} s", pause.as_secs_f64())).unwrap_or_default();
    format!("{outcome}, {bearing:?}{pause}")
}

fn table(rules: &ReplyRules, exchanges: impl IntoIterator<Item = Exchange>) -> String {
    exchanges.into_iter().map(|exchange| told(rules, exchange) + "\n").collect()
}

#[test]
fn each_status_has_its_meaning() {
    let statuses = [
        200, 201, 202, 204, 301, 302, 307, 400, 401, 402, 403, 404, 405, 407, 408, 409, 413, 418, 420, 422, 425, 429,
        500, 501, 502, 503, 504, 505, 520, 524, 599, 103, 700,
    ];
    insta::assert_snapshot!(table(&rules(), statuses.map(|status| answer(status, ""))), @"
    taken -, Works
    OtherRoute (HTTP 201), SaysNo
    taken -, Works
    OtherRoute (HTTP 204), SaysNo
    OtherRoute (HTTP 301: it redirects, and the message is not sent after it), Fails(Reply)
    OtherRoute (HTTP 302: it redirects, and the message is not sent after it), Fails(Reply)
    OtherRoute (HTTP 307: it redirects, and the message is not sent after it), Fails(Reply)
    OtherRoute (HTTP 400), SaysNo
    OtherRoute (HTTP 401), Fails(Reply)
    OtherRoute (HTTP 402), SaysNo
    OtherRoute (HTTP 403), Fails(Reply)
    OtherRoute (HTTP 404), SaysNo
    OtherRoute (HTTP 405), SaysNo
    OtherRoute (HTTP 407), Fails(Reply)
    Temporary (HTTP 408), Fails(Reply)
    OtherRoute (HTTP 409), SaysNo
    OtherRoute (HTTP 413), SaysNo
    OtherRoute (HTTP 418), SaysNo
    Temporary (HTTP 420), SaysNo
    Final (HTTP 422), SaysNo
    Temporary (HTTP 425), Fails(Reply)
    Temporary (HTTP 429), SaysNo
    Temporary (HTTP 500), Fails(Reply)
    Temporary (HTTP 501), Fails(Reply)
    Temporary (HTTP 502), Fails(Reply)
    Temporary (HTTP 503), Fails(Reply)
    uncertain (HTTP 504), Fails(Reply)
    Temporary (HTTP 505), Fails(Reply)
    Temporary (HTTP 520), Fails(Reply)
    uncertain (HTTP 524), Fails(Reply)
    Temporary (HTTP 599), Fails(Reply)
    OtherRoute (HTTP 103), SaysNo
    OtherRoute (HTTP 700), SaysNo
    ");
}

#[test]
fn no_connection_and_no_reply_are_not_the_same() {
    let reason = || "connection refused".to_owned();
    insta::assert_snapshot!(
        table(&rules(), [Exchange::Unsent { reason: reason() }, Exchange::Lost { reason: reason() }]),
        @"
    Temporary (connection refused), Fails(Connection)
    uncertain (connection refused), Fails(Reply)
    "
    );
}

#[test]
fn a_word_of_the_lists_decides_what_a_refusal_means() {
    let said = |code: &str| format!(r#"{{"error": {{"code": {code}}}}}"#);
    insta::assert_snapshot!(table(&rules(), [
        answer(400, &said("21211")),
        answer(400, &said("\"21211\"")),
        answer(500, &said("\"bad number\"")),
        answer(400, &said("\"busy\"")),
        answer(401, &said("\"busy\"")),
        answer(504, &said("\"bad number\"")),
        answer(400, &said("\"unheard of\"")),
        answer(400, &said("null")),
        answer(400, &said("[1]")),
        answer(400, "<html>"),
        broken(400, &said("21211"), BodyEnd::Lost),
    ]), @"
    Final (HTTP 400: 21211), SaysNo
    Final (HTTP 400: 21211), SaysNo
    Final (HTTP 500: bad number), SaysNo
    Temporary (HTTP 400: busy), SaysNo
    Temporary (HTTP 401: busy), Fails(Reply)
    Final (HTTP 504: bad number), SaysNo
    OtherRoute (HTTP 400: unheard of), SaysNo
    OtherRoute (HTTP 400), SaysNo
    OtherRoute (HTTP 400), SaysNo
    OtherRoute (HTTP 400), SaysNo
    Final (HTTP 400: 21211), SaysNo
    ");
}

#[test]
fn a_reply_of_success_counts_only_if_it_says_so() {
    let path = ReplyRules { success_path: "/messages/0/status".to_owned(), ..rules() };
    let value = ReplyRules { success_value: "0".to_owned(), ..path.clone() };
    let status =
        |status: &str| answer(200, &format!(r#"{{"messages": [{{"status": {status}}}], "error": {{"code": 9}}}}"#));
    insta::assert_snapshot!(table(&path, [status("\"0\""), status("null"), answer(200, "{}"), answer(200, "no JSON")]), @"
    taken -, Works
    OtherRoute (HTTP 200: 9), SaysNo
    OtherRoute (HTTP 200, and the reply says no), SaysNo
    OtherRoute (HTTP 200, and the reply says no), SaysNo
    ");
    insta::assert_snapshot!(table(&value, [
        status("\"0\""),
        status("0"),
        status("\"1\""),
        status("[0]"),
        answer(200, r#"{"error": {"code": "bad number"}}"#),
    ]), @"
    taken -, Works
    taken -, Works
    OtherRoute (HTTP 200: 9), SaysNo
    OtherRoute (HTTP 200: 9), SaysNo
    Final (HTTP 200: bad number), SaysNo
    ");
    let pattern = |pattern: &str| ReplyRules { success_pattern: Regex::new(pattern).ok(), ..rules() };
    insta::assert_snapshot!(table(&pattern("^0: Accepted"), [answer(202, "0: Accepted for delivery"), answer(202, "3: Queued")]), @"
    taken -, Works
    OtherRoute (HTTP 202, and the reply says no), SaysNo
    ");
    insta::assert_snapshot!(table(&pattern("Success \"(?<id>[^\"]+)\""), [answer(200, "Success \"07033084\"")]), @"taken 07033084, Works");
}

#[test]
fn the_message_id_is_text_or_a_number() {
    let rules = ReplyRules { message_id_path: "/id".to_owned(), ..rules() };
    let long = format!(r#"{{"id": "{}"}}"#, "x".repeat(201));
    insta::assert_snapshot!(table(&rules, [
        answer(200, r#"{"id": "SM1"}"#),
        answer(200, r#"{"id": 12345678901234567}"#),
        answer(200, r#"{"id": ""}"#),
        answer(200, r#"{"id": {"a": 1}}"#),
        answer(200, &long),
        answer(200, "no JSON"),
        broken(200, r#"{"id": "SM"#, BodyEnd::Lost),
    ]), @"
    taken SM1, Works
    taken 12345678901234567, Works
    taken -, Works
    taken -, Works
    taken -, Works
    taken -, Works
    taken -, Works
    ");
}

#[test]
fn a_reply_that_breaks_off_is_uncertain_only_where_its_body_decides() {
    let decided = ReplyRules { success_path: "/ok".to_owned(), ..rules() };
    let found = ReplyRules { success_pattern: Regex::new("OK").ok(), ..rules() };
    insta::assert_snapshot!(
        table(&decided, [broken(200, "{\"ok", BodyEnd::Lost), broken(200, "{\"ok", BodyEnd::TooLong)])
            + &table(&found, [broken(200, "OK, and", BodyEnd::TooLong), broken(200, "K", BodyEnd::Lost)])
            + &table(&rules(), [broken(200, "", BodyEnd::Lost), broken(503, "", BodyEnd::Lost)]),
        @"
    uncertain (HTTP 200, and the reply broke off), Fails(Reply)
    uncertain (HTTP 200, and the reply is too long to be read), Fails(Reply)
    taken -, Works
    uncertain (HTTP 200, and the reply broke off), Fails(Reply)
    taken -, Works
    Temporary (HTTP 503), Fails(Reply)
    "
    );
}

#[test]
fn a_body_is_read_only_where_something_is_looked_for() {
    assert!(!ReplyRules { success_status: BTreeSet::from([200]), ..ReplyRules::default() }.need_body(200));
    assert!(!rules().need_body(200));
    assert!(rules().need_body(400));
    assert!(ReplyRules { message_id_path: "/id".to_owned(), ..rules() }.need_body(200));
    assert!(ReplyRules { success_pattern: Regex::new("OK").ok(), ..rules() }.need_body(202));
}

#[test]
fn a_provider_says_when_it_wants_to_be_asked_again() {
    let header = |status: u16, header: &str, body: &str| {
        let retry_after = Some(header.to_owned());
        Exchange::Answered(Answer { status, retry_after, body: body.as_bytes().to_vec(), end: BodyEnd::Whole })
    };
    insta::assert_snapshot!(table(&rules(), [
        header(429, "30", ""),
        header(503, "7", ""),
        header(429, "Sun, 01 Mar 2026 12:00:45 GMT", ""),
        header(429, "Sun, 01 Mar 2026 11:00:00 GMT", ""),
        header(429, "99999", ""),
        header(429, "-1", ""),
        header(429, "soon", ""),
        header(429, "2", r#"{"error": {"wait": 3.5}}"#),
        answer(429, r#"{"error": {"wait": "12"}}"#),
        answer(429, r#"{"error": {"wait": 1e300}}"#),
        header(400, "30", ""),
        header(200, "30", ""),
    ]), @"
    Temporary (HTTP 429), SaysNo, pause 30 s
    Temporary (HTTP 503), Fails(Reply), pause 7 s
    Temporary (HTTP 429), SaysNo, pause 45 s
    Temporary (HTTP 429), SaysNo
    Temporary (HTTP 429), SaysNo, pause 600 s
    Temporary (HTTP 429), SaysNo
    Temporary (HTTP 429), SaysNo
    Temporary (HTTP 429), SaysNo, pause 3.5 s
    Temporary (HTTP 429), SaysNo, pause 12 s
    Temporary (HTTP 429), SaysNo
    OtherRoute (HTTP 400), SaysNo
    taken -, Works
    ");
}

#[test]
fn a_reason_repeats_nothing_of_the_message() {
    let said = |said: &str| answer(400, &serde_json::json!({ "error": { "code": said } }).to_string());
    insta::assert_snapshot!(table(&rules(), [
        said("cannot send '4711 is your code' to +447700900123"),
        said("number 07700900123 is bad, code 30003"),
        said("key geheim is wrong"),
        said("two\nlines\u{1b}[31m"),
        said(&"long ".repeat(40)),
    ]), @"
    OtherRoute (HTTP 400: cannot send '*** is your code' to +***), SaysNo
    OtherRoute (HTTP 400: number *** is bad, code 30003), SaysNo
    OtherRoute (HTTP 400: key *** is wrong), SaysNo
    OtherRoute (HTTP 400: two lines [31m), SaysNo
    OtherRoute (HTTP 400: long long long long long long long long long long long long long long long long), SaysNo
    ");
}

proptest::proptest! {
    #[test]
    fn no_reply_makes_it_panic_or_shows_more_than_a_line(status in 100u16..1000, body in ".{0,300}", header in ".{0,40}") {
        let exchange = Exchange::Answered(Answer { status, retry_after: Some(header), body: body.into_bytes(), end: BodyEnd::Whole });
        let verdict = ReplyRules { refusal_path: "/0".to_owned(), ..rules() }.judge(exchange, &[], NOW);
        proptest::prop_assert!(verdict.pause.is_none_or(|pause| pause <= PAUSE_MAX));
        if let Outcome::Refused { reason, .. } = verdict.outcome {
            proptest::prop_assert!(!reason.contains('\n') && reason.chars().count() <= SAID_MAX + 20);
        }
    }
}
