//! A request as its templates make it. Pure.
//!
//! What a message brings (brand, sender, text …) is other people's words. Each place escapes them by itself: a URL
//! percent-encodes, a body escapes as its content type asks, a header refuses what would end its line. A filter that has
//! done so already is not done over again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, ErrorKind, Output, State, UndefinedBehavior, Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;
use zeroize::Zeroizing;

/// Steps of one template: a request's takes some dozens.
const FUEL: u64 = 20_000;

/// RFC 3986 §2.3: what needs no encoding anywhere.
const UNRESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Headers that belong to the connection, which the client keeps.
const OWN_HEADERS: [&str; 7] =
    ["host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "proxy-authorization"];

/// The templates of one request as the operator wrote them.
#[derive(Clone)]
pub struct TemplateSource {
    pub method: Method,
    pub url: Zeroizing<String>,
    pub headers: BTreeMap<String, Zeroizing<String>>,
    /// Empty: none.
    pub content_type: String,
    pub body: Zeroizing<String>,
    pub secret: Option<Zeroizing<String>>,
    pub variables: BTreeMap<String, Zeroizing<String>>,
}

/// Without values: any of them may hold a secret.
impl fmt::Debug for TemplateSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TemplateSource").field("method", &self.method).finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
}

/// What a request is made of.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    pub method: Method,
    pub url: Url,
    pub headers: Vec<(String, String)>,
    pub body: Option<String>,
}

/// Which key cannot be rendered, and why: never with a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct TemplateFault {
    /// As the table has it: `url`, `headers.Authorization`, `body`.
    pub key: String,
    /// A clause that begins with "must".
    pub reason: String,
}

/// What a message gives the templates, beside the operator's own variables.
#[derive(Default)]
pub struct Values(pub(super) BTreeMap<&'static str, Value>);

impl Values {
    /// The texts of a message and of its provider that no reason may repeat.
    pub(super) fn hidden<'a>(&'a self, secrets: impl Iterator<Item = &'a str>) -> Vec<String> {
        let own = ["text", "spoken", "pin", "number", "digits", "reference"].into_iter();
        let own = own.filter_map(|name| self.0.get(name)?.as_str().map(str::to_owned));
        own.chain(secrets.map(str::to_owned)).filter(|text| !text.is_empty()).collect()
    }
}

/// The templates of one request, known to render.
pub struct Templates {
    environment: Environment<'static>,
    method: Method,
    headers: Vec<String>,
    content_type: Option<String>,
    secret: Option<Zeroizing<String>>,
    variables: BTreeMap<String, Zeroizing<String>>,
    sample_url: Url,
}

/// How a place escapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    Nothing,
    Percent,
    /// The inside of a JSON string.
    Json,
    Xml,
}

impl Escape {
    fn of_content(content_type: &str) -> Self {
        let content_type = content_type.to_ascii_lowercase();
        match content_type {
            _ if content_type.contains("json") => Self::Json,
            _ if content_type.contains("x-www-form-urlencoded") => Self::Percent,
            _ if content_type.contains("xml") => Self::Xml,
            _ => Self::Nothing,
        }
    }

    fn to_auto_escape(self) -> AutoEscape {
        match self {
            Self::Nothing => AutoEscape::None,
            Self::Percent => AutoEscape::Custom("percent".into()),
            Self::Json => AutoEscape::Custom("json".into()),
            Self::Xml => AutoEscape::Html,
        }
    }

    fn of_state(state: &State) -> Self {
        match state.auto_escape() {
            AutoEscape::Html => Self::Xml,
            AutoEscape::Custom(name) if name == "percent" => Self::Percent,
            AutoEscape::Custom(_) => Self::Json,
            _ => Self::Nothing,
        }
    }
}

impl Templates {
    /// Reads the templates and renders them once, with values as bad as other people's words get.
    ///
    /// # Errors
    ///
    /// The first template that is none, names what is not there, or makes no request.
    pub fn new(source: &TemplateSource) -> Result<Self, TemplateFault> {
        let content_type = (!source.content_type.is_empty()).then(|| source.content_type.clone());
        let mut environment = environment(Escape::of_content(&source.content_type));
        let headers: Vec<String> = source.headers.keys().cloned().collect();
        let header = |name: &String| (header_key(name), &source.headers[name]);
        let texts = [("url".to_owned(), &source.url), ("body".to_owned(), &source.body)];
        for (key, text) in texts.into_iter().chain(headers.iter().map(header)) {
            let broken = |error: minijinja::Error| fault(&key, format!("must be a template: {}", told(&error)));
            environment.add_template_owned(key.clone(), text.to_string()).map_err(broken)?;
        }
        if let Some(name) = headers.iter().find(|name| OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str())) {
            return Err(fault(&header_key(name), "must be left out: the connection's own header".to_owned()));
        }
        let mut templates = Self {
            environment,
            method: source.method,
            headers,
            content_type,
            secret: source.secret.clone(),
            variables: source.variables.clone(),
            sample_url: Url::parse("http://unknown").expect("an address"),
        };
        for sample in [sample("sms"), sample("call")] {
            let request = templates.render(&sample)?;
            templates.check_body(request.body.as_deref())?;
            templates.sample_url = request.url;
        }
        Ok(templates)
    }

    /// The address of a request with sample values: host and port are those of every request, as a rule.
    pub fn sample_url(&self) -> &Url {
        &self.sample_url
    }

    /// What no reason may repeat.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        let sounds_secret = |name: &str| ["secret", "pass", "token", "key"].iter().any(|word| name.contains(word));
        let variables = self.variables.iter().filter(move |(name, _)| sounds_secret(name));
        self.secret.iter().map(|secret| secret.as_str()).chain(variables.map(|(_, value)| value.as_str()))
    }

    /// Fills the templates in.
    ///
    /// # Errors
    ///
    /// What these values do not allow.
    pub fn render(&self, values: &Values) -> Result<Request, TemplateFault> {
        let own = |value: &Zeroizing<String>| Value::from(value.as_str());
        // Part of the address as the operator wrote it: a host with its port, a path.
        let as_written = |value: &Zeroizing<String>| Value::from_safe_string(value.to_string());
        let url = self.fill("url", &self.context(values, as_written))?;
        let url = Url::parse(url.trim())
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| fault("url", "must make an address of http or https with a host".to_owned()))?;
        let context = self.context(values, own);
        let mut headers = vec![];
        for name in &self.headers {
            let key = header_key(name);
            let value = self.fill(&key, &context)?;
            if value.chars().any(|character| character.is_control() && character != '\t') {
                return Err(fault(&key, "must make a value without line breaks".to_owned()));
            }
            // One that this message has nothing for is left out.
            if !value.trim().is_empty() {
                headers.push((name.clone(), value.trim().to_owned()));
            }
        }
        let body = match self.method {
            Method::Get => None,
            Method::Post | Method::Put => Some(self.fill("body", &context)?).filter(|body| !body.is_empty()),
        };
        let names_type = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if let Some(content_type) = self.content_type.as_ref().filter(|_| body.is_some() && !names_type) {
            headers.push(("Content-Type".to_owned(), content_type.clone()));
        }
        Ok(Request { method: self.method, url, headers, body })
    }

    fn context(&self, values: &Values, own: impl Fn(&Zeroizing<String>) -> Value) -> Value {
        let built_in = values.0.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let secret = self.secret.iter().map(|secret| ("secret".to_owned(), Value::from(secret.as_str())));
        let variables = self.variables.iter().map(|(name, value)| (name.clone(), own(value)));
        built_in.chain(secret).chain(variables).collect::<BTreeMap<String, Value>>().into()
    }

    fn fill(&self, key: &str, context: &Value) -> Result<String, TemplateFault> {
        let template = self.environment.get_template(key).expect("it was added");
        template.render(context.clone()).map_err(|error| {
            let unknown = self.unknown(&template.undeclared_variables(false).into_iter().collect(), context);
            let reason = match error.kind() {
                ErrorKind::UndefinedError if unknown.contains("secret") => {
                    "must stand with secret or secret_file, which it names".to_owned()
                }
                ErrorKind::UndefinedError if !unknown.is_empty() => {
                    let names: Vec<&str> = unknown.iter().map(String::as_str).collect();
                    format!("must name what there is: {} is neither built in nor under variables", names.join(", "))
                }
                _ => format!("must be renderable: {}", told(&error)),
            };
            fault(key, reason)
        })
    }

    fn unknown(&self, named: &BTreeSet<String>, context: &Value) -> BTreeSet<String> {
        let known = |name: &String| {
            context.get_attr(name).is_ok_and(|value| !value.is_undefined())
                || self.environment.globals().any(|(global, _)| global == name.as_str())
        };
        named.iter().filter(|name| !known(name)).cloned().collect()
    }

    fn check_body(&self, body: Option<&str>) -> Result<(), TemplateFault> {
        let is_json = |content_type: &String| Escape::of_content(content_type) == Escape::Json;
        let (Some(body), true) = (body, self.content_type.as_ref().is_some_and(is_json)) else { return Ok(()) };
        match serde_json::from_str::<serde::de::IgnoredAny>(body) {
            Ok(_) => Ok(()),
            Err(error) => Err(fault("body", format!("must make JSON, as content_type says: {error}"))),
        }
    }
}

fn header_key(name: &str) -> String {
    format!("headers.{name}")
}

fn fault(key: &str, reason: String) -> TemplateFault {
    TemplateFault { key: key.to_owned(), reason }
}

/// What is wrong, without the values that it is wrong with.
fn told(error: &minijinja::Error) -> String {
    let what = match (error.kind(), error.detail()) {
        (
            ErrorKind::SyntaxError | ErrorKind::UnknownFilter | ErrorKind::UnknownFunction | ErrorKind::UnknownTest,
            Some(detail),
        ) => detail.to_owned(),
        (ErrorKind::OutOfFuel, _) => "it takes too many steps".to_owned(),
        (kind, _) => kind.to_string(),
    };
    match error.line() {
        Some(line) if line > 1 => format!("{what} (line {line})"),
        Some(_) | None => what,
    }
}

fn environment(body: Escape) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_auto_escape_callback(move |key| {
        let escape = match key {
            "url" => Escape::Percent,
            "body" => body,
            _ => Escape::Nothing,
        };
        escape.to_auto_escape()
    });
    environment.set_formatter(write_escaped);
    environment.add_filter("json", json);
    environment.add_filter("urlencode", urlencode);
    environment.add_filter("base64", |text: &Value| STANDARD.encode(text.to_string()));
    environment.add_filter("xml", xml);
    environment.add_filter("ucs2_hex", |text: &Value| ucs2_hex(&text.to_string()));
    environment
}

fn write_escaped(out: &mut Output, state: &mut State, value: &Value) -> Result<(), minijinja::Error> {
    let written = match Escape::of_state(state) {
        _ if value.is_none() => Ok(()),
        _ if matches!(value.kind(), ValueKind::Bool) => write!(out, "{}", value.is_true()),
        _ if value.is_safe() => write!(out, "{value}"),
        Escape::Nothing => write!(out, "{value}"),
        Escape::Percent => write!(out, "{}", percent_encoded(&value.to_string())),
        Escape::Json if value.as_str().is_some() => out.write_str(inside(&quoted(value)?)),
        Escape::Json => out.write_str(&quoted(value)?),
        Escape::Xml => return minijinja::escape_formatter(out, state, value),
    };
    written.map_err(minijinja::Error::from)
}

/// A JSON string without its quotes.
fn inside(quoted: &str) -> &str {
    quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(quoted)
}

fn quoted(value: &Value) -> Result<String, minijinja::Error> {
    serde_json::to_string(value)
        .map_err(|_| minijinja::Error::new(ErrorKind::BadSerialization, "a value that JSON cannot hold"))
}

fn percent_encoded(text: &str) -> String {
    utf8_percent_encode(text, &UNRESERVED).to_string()
}

fn json(state: &mut State, value: &Value) -> Result<Value, minijinja::Error> {
    Ok(finished(quoted(value)?, Escape::of_state(state) == Escape::Json))
}

fn urlencode(state: &mut State, value: &Value) -> Value {
    finished(percent_encoded(&value.to_string()), Escape::of_state(state) == Escape::Percent)
}

/// Text inside XML that a form or JSON carries, where the place itself asks for another escape.
fn xml(state: &mut State, value: &Value) -> Value {
    let mut escaped = String::new();
    for character in value.to_string().chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            // XML 1.0 §2.2 has no way to write any other control character.
            '\t' | '\n' | '\r' => escaped.push(character),
            _ if character.is_control() => {}
            _ => escaped.push(character),
        }
    }
    finished(escaped, Escape::of_state(state) == Escape::Xml)
}

/// UTF-16, the first octet the higher one, in hexadecimal: what SMPP calls UCS-2.
fn ucs2_hex(text: &str) -> String {
    text.encode_utf16().fold(String::new(), |hex, unit| hex + &format!("{unit:04x}"))
}

/// What a filter made; `escaped`: as the place around it asks.
fn finished(text: String, escaped: bool) -> Value {
    if escaped { Value::from_safe_string(text) } else { Value::from(text) }
}

/// Values to try the templates with: quotes, line breaks and signs that mean something to each kind of place. A header
/// holds no line break, so that only what a message is free in has one.
fn sample(kind: &'static str) -> Values {
    let text = "4711 is your \"A&B <i>\" code.\n\\ {{ 100% }} é 漢";
    let strings = [
        ("number", "+447700900123"),
        ("digits", "447700900123"),
        ("text", text),
        ("spoken", text),
        ("pin", "4711"),
        ("language", "en-gb"),
        ("locale", "en-GB"),
        ("valid_until", "2030-01-01T00:00:00Z"),
        ("sender", "A & \"B\""),
        ("brand", "A & \"B\" <é>"),
        ("country", "GB"),
        ("request_id", "00000000000000000000000000000000"),
        ("reference", "0000000000000000"),
        ("callback_url", "https://verify.example/callbacks/x?secret=y&reference=0000000000000000"),
        ("kind", kind),
    ];
    let mut values: BTreeMap<&'static str, Value> =
        strings.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
    values.insert("validity_seconds", Value::from(300));
    values.insert("unicode", Value::from(true));
    values.insert("parts", Value::from(1));
    Values(values)
}

#[cfg(test)]
mod tests;
