use super::*;

fn source() -> TemplateSource {
    let text = |text: &str| Zeroizing::new(text.to_owned());
    TemplateSource {
        method: Method::Post,
        url: text("https://sms.example/send"),
        headers: BTreeMap::new(),
        content_type: "application/json".to_owned(),
        body: text(r#"{"to": {{ number | json }}, "text": {{ text | json }}}"#),
        secret: None,
        variables: BTreeMap::new(),
    }
}

fn with_url(url: &str) -> TemplateSource {
    TemplateSource { url: Zeroizing::new(url.to_owned()), ..source() }
}

fn with_body(content_type: &str, body: &str) -> TemplateSource {
    TemplateSource { content_type: content_type.to_owned(), body: Zeroizing::new(body.to_owned()), ..source() }
}

fn with_header(name: &str, value: &str) -> TemplateSource {
    let headers = BTreeMap::from([(name.to_owned(), Zeroizing::new(value.to_owned()))]);
    TemplateSource { headers, secret: Some(Zeroizing::new("geheim".to_owned())), ..source() }
}

fn with_variable(source: TemplateSource, name: &str, value: &str) -> TemplateSource {
    let variables = BTreeMap::from([(name.to_owned(), Zeroizing::new(value.to_owned()))]);
    TemplateSource { variables, ..source }
}

/// The request for a message whose brand is hostile.
fn request(source: &TemplateSource) -> Request {
    let templates = Templates::new(source).unwrap_or_else(|fault| panic!("{fault}"));
    templates.render(&sample("sms")).unwrap_or_else(|fault| panic!("{fault}"))
}

fn refusal(source: TemplateSource) -> String {
    Templates::new(&source).map(|_| ()).expect_err("a template that cannot be rendered").to_string()
}

#[test]
fn the_default_body_is_json_whatever_the_text_holds() {
    let request = request(&source());
    let body: serde_json::Value = serde_json::from_str(&request.body.expect("a body")).expect("JSON");
    assert_eq!(body["to"], "+447700900123");
    assert_eq!(body["text"], "4711 is your \"A&B <i>\" code.\n\\ {{ 100% }} é 漢");
    assert_eq!(request.headers, [("Content-Type".to_owned(), "application/json".to_owned())]);
}

#[test]
fn what_a_message_brings_is_escaped_where_it_stands_and_once() {
    let bodies = [
        (
            "application/json",
            r#"{"a": "{{ brand }}", "b": {{ brand | json }}, "n": {{ validity_seconds }}, "u": {{ unicode }}}"#,
        ),
        ("application/x-www-form-urlencoded", "a={{ brand }}&b={{ brand | urlencode }}&c={{ digits }}"),
        ("text/xml", "<a>{{ brand }}</a>"),
        ("text/plain", "{{ brand }} {{ brand | json }} {{ unicode }}"),
        ("application/json", r#"{"a": {{ [number, digits] | json }}, "b": "{{ brand | urlencode }}"}"#),
        ("application/json", r#"{"a": "{{ (digits ~ ':' ~ pin) | base64 }}"}"#),
        ("application/json", r#"{"a": {{ ('<Say>' ~ (brand | xml) ~ '</Say>') | json }}}"#),
        ("text/xml", "<a>{{ brand | xml }}</a>"),
        ("text/plain", "{{ brand | ucs2_hex }} {{ locale }} {{ valid_until }}"),
    ];
    let rendered: Vec<String> =
        bodies.iter().map(|(kind, body)| request(&with_body(kind, body)).body.expect("a body")).collect();
    insta::assert_snapshot!(rendered.join("\n"), @r#"
    {"a": "A & \"B\" <é>", "b": "A & \"B\" <é>", "n": 300, "u": true}
    a=A%20%26%20%22B%22%20%3C%C3%A9%3E&b=A%20%26%20%22B%22%20%3C%C3%A9%3E&c=447700900123
    <a>A &amp; &quot;B&quot; &lt;é&gt;</a>
    A & "B" <é> "A & \"B\" <é>" true
    {"a": ["+447700900123","447700900123"], "b": "A%20%26%20%22B%22%20%3C%C3%A9%3E"}
    {"a": "NDQ3NzAwOTAwMTIzOjQ3MTE="}
    {"a": "<Say>A &amp; &quot;B&quot; &lt;é&gt;</Say>"}
    <a>A &amp; &quot;B&quot; &lt;é&gt;</a>
    00410020002600200022004200220020003c00e9003e en-GB 2030-01-01T00:00:00Z
    "#);
    let urls = [
        "https://sms.example/{{ digits }}?text={{ brand }}&again={{ brand | urlencode }}&n={{ number }}",
        "https://sms.example/send?callback={{ callback_url }}",
    ];
    let rendered: Vec<String> = urls.iter().map(|url| request(&with_url(url)).url.to_string()).collect();
    insta::assert_snapshot!(rendered.join("\n"), @"
    https://sms.example/447700900123?text=A%20%26%20%22B%22%20%3C%C3%A9%3E&again=A%20%26%20%22B%22%20%3C%C3%A9%3E&n=%2B447700900123
    https://sms.example/send?callback=https%3A%2F%2Fverify.example%2Fcallbacks%2Fx%3Fsecret%3Dy%26reference%3D0000000000000000
    ");
}

#[test]
fn a_variable_of_the_operators_is_part_of_the_address_as_it_is_written() {
    let source = with_variable(with_url("{{ base }}/messages"), "base", "http://192.0.2.7:8080/api");
    assert_eq!(request(&source).url.as_str(), "http://192.0.2.7:8080/api/messages");
    let source = with_variable(with_url("https://sms.example/{{ account | urlencode }}"), "account", "a/b c");
    assert_eq!(request(&source).url.as_str(), "https://sms.example/a%2Fb%20c");
    let source = with_variable(with_body("application/json", r#"{"a": "{{ account }}"}"#), "account", "\"");
    assert_eq!(request(&source).body.as_deref(), Some(r#"{"a": "\""}"#));
}

#[test]
fn a_variable_called_sender_stands_for_the_requests_own() {
    let body = r#"{"from": {{ sender | json }}}"#;
    assert_eq!(request(&with_body("application/json", body)).body.as_deref(), Some(r#"{"from": "A & \"B\""}"#));
    let own = with_variable(with_body("application/json", body), "sender", "Acme");
    assert_eq!(request(&own).body.as_deref(), Some(r#"{"from": "Acme"}"#));
}

#[test]
fn no_value_can_end_a_header_or_add_one() {
    assert_eq!(
        request(&with_header("Authorization", "Basic {{ ('me:' ~ secret) | base64 }}")).headers[0].1,
        "Basic bWU6Z2VoZWlt"
    );
    let templates = Templates::new(&with_header("X-Brand", "{{ brand }}")).unwrap_or_else(|fault| panic!("{fault}"));
    for brand in ["a\r\nX-Evil: 1", "a\nb", "a\0b", "a\u{7f}b"] {
        let mut values = sample("sms");
        values.0.insert("brand", Value::from(brand));
        let fault = templates.render(&values).err().map(|fault| fault.to_string());
        assert_eq!(fault.as_deref(), Some("headers.X-Brand: must make a value without line breaks"), "{brand:?}");
    }
}

#[test]
fn no_value_can_change_where_a_request_goes() {
    let templates = Templates::new(&with_url("https://sms.example/{{ brand }}/send?to={{ digits }}"));
    let templates = templates.unwrap_or_else(|fault| panic!("{fault}"));
    for brand in ["..", "../../x", "@evil.example", "//evil.example/", "?x#y", "\\\\evil", "a\nb", "%2e%2e"] {
        let mut values = sample("sms");
        values.0.insert("brand", Value::from(brand));
        values.0.insert("digits", Value::from("1&secret=2#"));
        let url = templates.render(&values).unwrap_or_else(|fault| panic!("{fault}")).url;
        assert_eq!((url.host_str(), url.fragment()), (Some("sms.example"), None), "{brand}");
        assert_eq!(url.query_pairs().count(), 1, "{brand}");
    }
}

#[test]
fn a_request_that_has_a_body_says_its_type_unless_a_header_does() {
    let get = TemplateSource { method: Method::Get, ..source() };
    assert_eq!((request(&get).body, request(&get).headers), (None, vec![]));
    assert_eq!(request(&with_body("application/json", "")).headers, [], "an empty body is none");
    let own = request(&with_header("content-type", "application/vnd.api+json"));
    assert_eq!(own.headers, [("content-type".to_owned(), "application/vnd.api+json".to_owned())]);
}

#[test]
fn a_template_that_makes_no_request_stops_the_start_with_key_and_reason() {
    let said = [
        refusal(with_url("https://sms.example/{{ acount }}")),
        refusal(with_url("https://sms.example/{{ secret }}")),
        refusal(with_url("https://sms.example/{{ number")),
        refusal(with_variable(with_url("{{ base }}/send"), "base", "sms.example")),
        refusal(with_variable(with_url("{{ base }}/send"), "base", "ftp://sms.example")),
        refusal(with_body("application/json", "{\"to\": {{ number }}}")),
        refusal(with_body("application/json", "to={{ number }}")),
        refusal(with_body("text/plain", "{{ text | jsn }}")),
        refusal(with_body("text/plain", "\n{% if number %}")),
        refusal(with_body(
            "text/plain",
            "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
        )),
        refusal(with_body("text/plain", "{{ number + 1 }}")),
        refusal(with_body("text/plain", "{{ brand.name }}")),
        refusal(with_header("X-Text", "{{ text }}")),
        refusal(with_header("Host", "sms.example")),
        refusal(with_header("X", "{{ nothing }} {{ less }}")),
    ];
    insta::assert_snapshot!(said.join("\n"), @"
    url: must name what there is: acount is neither built in nor under variables
    url: must stand with secret or secret_file, which it names
    url: must be a template: unexpected end of input, expected end of variable block
    url: must make an address of http or https with a host
    url: must make an address of http or https with a host
    body: must make JSON, as content_type says: expected value at line 1 column 8
    body: must make JSON, as content_type says: expected ident at line 1 column 2
    body: must be renderable: filter jsn is unknown
    body: must be a template: unexpected end of input, expected end of block (line 2)
    body: must be renderable: it takes too many steps
    body: must be renderable: invalid operation
    body: must be renderable: undefined value
    headers.X-Text: must make a value without line breaks
    headers.Host: must be left out: the connection's own header
    headers.X: must name what there is: less, nothing is neither built in nor under variables
    ");
}

#[test]
fn a_condition_may_ask_for_what_is_not_there() {
    let body = "{% if sender %}{{ sender }}{% endif %}{% if account is defined %}x{% endif %}{{ kind }}";
    assert_eq!(request(&with_body("text/plain", body)).body.as_deref(), Some("A & \"B\"sms"));
}

#[test]
fn a_template_shows_nothing_of_its_values() {
    let source = with_variable(with_header("Authorization", "Bearer geheim"), "token", "geheim");
    assert!(!format!("{source:?}").contains("geheim"));
}

proptest::proptest! {
    #[test]
    fn any_words_make_one_json_and_one_query(brand in "\\PC*", text in ".*") {
        let body = r#"{"a": "{{ brand }}", "b": {{ text | json }}}"#;
        let url = "https://sms.example/send?a={{ brand }}&b={{ text | urlencode }}";
        let source = TemplateSource { url: Zeroizing::new(url.to_owned()), ..with_body("application/json", body) };
        let mut values = sample("sms");
        values.0.insert("brand", Value::from(brand.as_str()));
        values.0.insert("text", Value::from(text.as_str()));
        let request = Templates::new(&source).expect("templates").render(&values).expect("a request");
        let json: serde_json::Value = serde_json::from_str(&request.body.expect("a body")).expect("JSON");
        proptest::prop_assert_eq!((json["a"].as_str(), json["b"].as_str()), (Some(brand.as_str()), Some(text.as_str())));
        let query: Vec<(String, String)> = request.url.query_pairs().into_owned().collect();
        proptest::prop_assert_eq!(query, vec![("a".to_owned(), brand), ("b".to_owned(), text)]);
    }
}

#[test]
fn a_header_that_a_message_has_nothing_for_is_left_out() {
    let names = |value: &str| {
        let request = request(&with_header("X-Unit", value));
        request.headers.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };
    assert_eq!(names("{% if kind == 'call' %}1{% endif %}"), ["Content-Type"]);
    assert_eq!(names("{% if kind == 'sms' %}1{% endif %}"), ["X-Unit", "Content-Type"]);
}
