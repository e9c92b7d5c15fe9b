//! What a provider, whoever configures one, or whoever gives a message its brand and sender could break.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;
use serde_json::Value;
use simverify::channel::callback::{self, Fate, Places, Reading};
use simverify::channel::provider::template::{Method, Request, TemplateSource, Templates, Values};
use simverify::channel::provider::{Answer, BodyEnd, Exchange, ReplyRules, Surrounding, Verdict};
use simverify::channel::{Message, MessageText, Outcome, Particulars};
use simverify::clock::Timestamp;
use simverify::phone::PhoneNumber;
use simverify::verification::{AttemptId, Brand, EventKind, Language, Pin, Purpose, Reference, RequestId};
use zeroize::Zeroizing;

const NUMBER: &str = "447700900123";
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const SECRET: &str = "Zq83xW7u4K";

/// The first byte chooses method and content type. Parts: address, header, body, and the message's brand, sender and
/// text.
pub fn template(bytes: &[u8]) {
    let Some((&choice, bytes)) = bytes.split_first() else { return };
    let [url, header, body, brand, sender, text] =
        super::parts::<6>(bytes).map(|part| String::from_utf8_lossy(part).into_owned());
    let message = message(&brand, &sender, &text);
    let surrounding = Surrounding {
        callback_address: Some(Zeroizing::new("https://verify.example/callbacks/backup?secret=x".to_owned())),
        readings: 2,
    };
    let values = surrounding.values(&message, NOW);
    shipped_templates_hold_any_message(&values, &sender, &text);

    let source = TemplateSource {
        method: [Method::Get, Method::Post, Method::Put][usize::from(choice % 3)],
        url: Zeroizing::new(url.clone()),
        headers: BTreeMap::from([("X-Header".to_owned(), Zeroizing::new(header))]),
        content_type: CONTENT_TYPES[usize::from(choice / 3) % CONTENT_TYPES.len()].to_owned(),
        body: Zeroizing::new(body),
        secret: Some(Zeroizing::new(SECRET.to_owned())),
        variables: BTreeMap::from([("account".to_owned(), Zeroizing::new("AC1".to_owned()))]),
    };
    let templates = match Templates::new(&source) {
        Ok(templates) => templates,
        Err(fault) => return assert!(!fault.to_string().is_empty()),
    };
    match templates.render(&values) {
        Ok(request) => one_request(&request, &templates, &url),
        Err(fault) => assert!(!fault.reason.contains(SECRET) && !fault.reason.contains(NUMBER), "{fault}"),
    }
}

const CONTENT_TYPES: [&str; 5] =
    ["application/json", "application/x-www-form-urlencoded", "text/xml", "text/plain", ""];

fn message(brand: &str, sender: &str, text: &str) -> Message {
    let brand = Brand::new(brand).or_else(|| Brand::new("Acme")).expect("a brand");
    Message {
        attempt: AttemptId::new(7),
        request: Some(RequestId::from_bytes([0xab; 16])),
        kind: EventKind::Sms,
        number: PhoneNumber::parse(NUMBER, None).expect("a number"),
        text: MessageText::new(text.to_owned()),
        call: None,
        particulars: Some(Box::new(Particulars {
            reference: Reference::from_bytes([0xcd; 8]),
            sender_id: sender.to_owned(),
            purpose: Purpose::Number { brand },
            pin: Pin::new("4711").expect("a PIN"),
            language: "en-gb".parse::<Language>().expect("a language"),
        })),
        pin_end: Some(NOW),
        validity: Duration::from_secs(300),
    }
}

/// Whatever a message says, it makes one request to the place that the operator wrote.
fn one_request(request: &Request, templates: &Templates, template: &str) {
    let is_one_line = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    assert!(is_one_line(request.url.as_str()), "{}", request.url);
    assert!(matches!(request.url.scheme(), "http" | "https") && request.url.has_host());
    for (name, value) in &request.headers {
        assert!(!value.contains(|character: char| character.is_control() && character != '\t'), "{name}: {value:?}");
    }
    let sample = templates.sample_url();
    let template = template.trim();
    let authority =
        template.split_once("://").map_or("", |(_, rest)| rest.split(['/', '\\', '?', '#']).next().unwrap_or(""));
    if !authority.is_empty() && !template.split("://").next().unwrap_or("").contains('{') && !authority.contains('{') {
        assert_eq!(request.url.origin(), sample.origin(), "{}", request.url);
        assert_eq!(request.url.username(), sample.username());
    }
    if names_values_only(template) {
        let shape = |url: &url::Url| {
            let segments = url.path_segments().map_or(0, Iterator::count);
            (segments, url.query().map(|query| query.matches(['&', '=']).count()), url.fragment().is_some())
        };
        assert_eq!(shape(&request.url), shape(sample), "{} {sample}", request.url);
    }
}

/// Whether a template is text and plain names in braces.
fn names_values_only(template: &str) -> bool {
    let mut pieces = template.split("{{");
    let text = |text: &str| !text.contains(['{', '}']);
    pieces.next().is_some_and(text)
        && pieces.all(|piece| {
            piece.split_once("}}").is_some_and(|(name, rest)| {
                let name = name.trim();
                !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_') && text(rest)
            })
        })
}

/// Templates as operators write them: what is read at the other end is what the message says.
fn shipped_templates_hold_any_message(values: &Values, sender: &str, text: &str) {
    let request = |content_type: &str, url: &str, body: &str| {
        let owned = |text: &str| Zeroizing::new(text.to_owned());
        let source = TemplateSource {
            method: Method::Post,
            url: owned(url),
            headers: BTreeMap::from([("Authorization".to_owned(), owned("Bearer {{ secret }}"))]),
            content_type: content_type.to_owned(),
            body: owned(body),
            secret: Some(owned(SECRET)),
            variables: BTreeMap::new(),
        };
        let templates = Templates::new(&source).unwrap_or_else(|fault| panic!("{fault}"));
        templates.render(values).unwrap_or_else(|fault| panic!("{fault}"))
    };
    let said = [("to", NUMBER), ("from", sender), ("text", text)];
    let pairs = "to={{ digits }}&from={{ sender }}&text={{ text }}";
    let expected = |pairs: form_urlencoded::Parse<'_>| {
        let read: Vec<(String, String)> = pairs.into_owned().collect();
        assert!(read.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(said), "{read:?}");
    };
    let address = format!("https://sms.example/send?{pairs}");
    expected(request("", &address, "").url.query_pairs());
    let form = request(CONTENT_TYPES[1], "https://sms.example/send", pairs).body.expect("a body");
    expected(form_urlencoded::parse(form.as_bytes()));
    for body in [
        r#"{"to": {{ digits | json }}, "from": {{ sender | json }}, "text": {{ text | json }}}"#,
        r#"{"to": "{{ digits }}", "from": "{{ sender }}", "text": "{{ text }}"}"#,
    ] {
        let json = request(CONTENT_TYPES[0], "https://sms.example/send", body).body.expect("a body");
        let json: BTreeMap<String, String> =
            serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}"));
        assert_eq!(json, said.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect());
    }
    let xml = request("text/xml", "https://sms.example/send", "<sms to='{{ digits }}'>{{ text }}</sms>");
    let xml = xml.body.expect("a body");
    assert_eq!((xml.matches('<').count(), xml.matches('>').count(), xml.matches('\'').count()), (2, 2, 2), "{xml}");
}

/// The first two bytes make the status, the third how the body ends. Parts: `Retry-After`, body.
pub fn verdict(bytes: &[u8]) {
    let Some((&[high, low, end], rest)) = bytes.split_first_chunk::<3>() else { return };
    let [retry_after, body] = super::parts(rest);
    let status = u16::from_be_bytes([high, low]) % 1000;
    let end = [BodyEnd::Whole, BodyEnd::TooLong, BodyEnd::Lost][usize::from(end % 3)];
    let retry_after = (!retry_after.is_empty()).then(|| String::from_utf8_lossy(retry_after).into_owned());
    let hidden: Vec<String> = ["4711 is your\ncode", "4711", NUMBER, SECRET].map(str::to_owned).to_vec();
    // A pattern takes longer to make than anything to read.
    static RULES: LazyLock<[ReplyRules; 3]> = LazyLock::new(rules);
    for rules in &*RULES {
        let answer = Answer { status, retry_after: retry_after.clone(), body: body.to_vec(), end };
        judged(&rules.judge(Exchange::Answered(answer), &hidden, NOW), &hidden);
    }
}

fn rules() -> [ReplyRules; 3] {
    let codes = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect::<BTreeSet<_>>();
    let by_path = ReplyRules {
        success_status: BTreeSet::from([200, 201, 202]),
        success_path: "/status".to_owned(),
        success_value: "0".to_owned(),
        message_id_path: "/id".to_owned(),
        refusal_path: "/error".to_owned(),
        final_codes: codes(&["21614", "invalid"]),
        temporary_codes: codes(&["20429", "busy"]),
        retry_after_path: "/retry_after".to_owned(),
        ..ReplyRules::default()
    };
    let nested = ReplyRules {
        success_path: "/messages/0/status".to_owned(),
        success_value: String::new(),
        message_id_path: "/messages/0/message-id".to_owned(),
        refusal_path: "/messages/0/error-text".to_owned(),
        ..by_path.clone()
    };
    let pattern = Regex::new("(?i)^ok[: ]*(?<id>[a-z0-9-]*)").expect("a pattern");
    let by_pattern = ReplyRules { success_path: String::new(), success_pattern: Some(pattern), ..by_path.clone() };
    [by_path, nested, by_pattern]
}

/// No reason repeats the message, nor what may be a number; nothing is longer than an operator reads.
fn judged(verdict: &Verdict, hidden: &[String]) {
    match &verdict.outcome {
        Outcome::Taken { message_id } => {
            assert!(message_id.as_ref().is_none_or(|id| (1..=200).contains(&id.chars().count())));
        }
        Outcome::Refused { reason, .. } | Outcome::Uncertain { reason, .. } => {
            assert!((1..=120).contains(&reason.chars().count()) && !reason.contains(char::is_control), "{reason:?}");
            for text in hidden {
                assert!(!reason.contains(text) && !reason.contains(&text.replace('\n', " ")), "{reason:?}");
            }
            assert!(!reason.as_bytes().windows(7).any(|window| window.iter().all(u8::is_ascii_digit)), "{reason:?}");
        }
        other => panic!("a reply came, and it is {other:?}"),
    }
    assert!(verdict.pause.is_none_or(|pause| !pause.is_zero() && pause <= Duration::from_secs(600)));
}

/// Parts: query, body.
pub fn callback(bytes: &[u8]) {
    let [query, body] = super::parts(bytes);
    let flat = Reading {
        reference: "/client-ref".to_owned(),
        message: Places::new("/messageId", "/status")
            .with(Fate::Delivered, ["delivered"])
            .with(Fate::Failed, ["failed"]),
        call: Places::new("/CallSid", "/CallStatus").with(Fate::Unanswered, ["busy"]),
    };
    let listed = Reading {
        message: Places::new("/results/*/messageId", "/results/*/status/groupName")
            .with(Fate::Delivered, ["DELIVERED"])
            .with(Fate::Accepted, ["PENDING"]),
        ..flat.clone()
    };
    let _ = (callback::parameter(query, callback::SECRET), callback::parameter(query, callback::REFERENCE));
    for reading in [flat, listed, Reading::default()] {
        match callback::read(&reading, query, body) {
            Ok(reports) => {
                // Each has a comma or a bracket of its own.
                assert!(reports.len() <= body.len() + 1);
                for report in reports {
                    assert!(report.message_id.is_none_or(|id| (1..=256).contains(&id.len())));
                    assert!(report.fate.is_none() || reading.message.is_of_use());
                }
            }
            Err(malformed) => {
                assert!(serde_json::from_slice::<Value>(body).is_err() && malformed.line >= 1);
            }
        }
    }
}
