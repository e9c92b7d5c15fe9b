//! One provider, made from a preset and a few settings, and the fake that it asks.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use simverify::channel::provider::Provider;
use simverify::channel::{CallScript, Message, MessageText, Outcome, Particulars, RefusalClass, Script};
use simverify::clock::Timestamp;
use simverify::config::{Configuration, Settings, Sources};
use simverify::daemon::provider_config;
use simverify::modem::pdu;
use simverify::phone::PhoneNumber;
use simverify::verification::{AttemptId, Brand, EventKind, Language, Pin, Purpose, Reference, RequestId, Texts};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

pub const REFERENCE: &str = "cdcdcdcdcdcdcdcd";
pub const CALLBACK_SECRET: &str = "unguessable-secret";

/// What a fake thinks of a request: the documented reply, or what the documentation does not allow.
pub type Fake = fn(&Asked) -> Result<Reply, String>;

/// Status, content type, body.
pub type Reply = (u16, &'static str, String);

/// A request as the fake received it.
pub struct Asked {
    pub method: String,
    pub path: String,
    pub query: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// Headers of the HTTP client itself.
const OF_CLIENT: [&str; 6] = ["host", "content-length", "accept", "accept-encoding", "user-agent", "connection"];

impl Asked {
    fn new(request: &Request) -> Self {
        let text = |value: &wiremock::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Self {
            method: request.method.to_string(),
            path: request.url.path().to_owned(),
            query: request.url.query().unwrap_or_default().to_owned(),
            headers: request.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
            body: String::from_utf8(request.body.clone()).expect("a body of UTF-8"),
        }
    }

    pub fn posted_to(&self, path: &str) -> Result<(), String> {
        let asked = format!("{} {}", self.method, self.path);
        if asked == format!("POST {path}") { Ok(()) } else { Err(format!("asked: {asked}")) }
    }

    pub fn header(&self, name: &str) -> Result<&str, String> {
        self.headers.get(name).map(String::as_str).ok_or_else(|| format!("no header {name}"))
    }

    /// RFC 7617.
    pub fn basic(&self, user: &str, password: &str) -> Result<(), String> {
        let credentials = STANDARD.encode(format!("{user}:{password}"));
        self.authorized(&format!("Basic {credentials}"))
    }

    pub fn authorized(&self, expected: &str) -> Result<(), String> {
        let given = self.header("authorization")?;
        if given == expected { Ok(()) } else { Err(format!("authorization: {given}")) }
    }

    pub fn json(&self) -> Result<Value, String> {
        if self.header("content-type")? != "application/json" {
            return Err("content type".to_owned());
        }
        serde_json::from_str(&self.body).map_err(|error| error.to_string())
    }

    /// Each field once.
    pub fn form(&self) -> Result<BTreeMap<String, String>, String> {
        if self.header("content-type")? != "application/x-www-form-urlencoded" {
            return Err("content type".to_owned());
        }
        let mut fields = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(self.body.as_bytes()) {
            if fields.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                return Err(format!("{name} stands twice"));
            }
        }
        Ok(fields)
    }

    /// As a person reads it: a form field by field.
    fn shown(&self, server: &str) -> String {
        let query = if self.query.is_empty() { String::new() } else { format!("?{}", self.query) };
        let mut text = format!("{} {}{query}\n", self.method, self.path);
        for (name, value) in self.headers.iter().filter(|(name, _)| !OF_CLIENT.contains(&name.as_str())) {
            text += &format!("{name}: {value}\n");
        }
        text.push('\n');
        match self.form() {
            Ok(fields) => fields.iter().for_each(|(name, value)| text += &format!("{name} = {value}\n")),
            Err(_) => text += &self.body,
        }
        text.replace(server, "http://server")
    }
}

/// What was asked, and what the fake had against it.
#[derive(Default)]
struct Record {
    asked: Vec<Asked>,
    complaints: Vec<String>,
    /// Instead of the fake's own.
    reply: Option<Reply>,
}

struct Responder {
    fake: Fake,
    record: Arc<Mutex<Record>>,
}

impl Respond for Responder {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let asked = Asked::new(request);
        let mut record = self.record.lock().expect("no poison");
        let judged = (self.fake)(&asked);
        record.asked.push(asked);
        let (status, content_type, body) = match judged {
            Ok(reply) => record.reply.clone().unwrap_or(reply),
            Err(complaint) => {
                record.complaints.push(complaint.clone());
                (400, "text/plain", complaint)
            }
        };
        ResponseTemplate::new(status).set_body_raw(body, content_type)
    }
}

pub struct Bench {
    provider: Provider,
    server: MockServer,
    record: Arc<Mutex<Record>>,
}

impl Bench {
    /// `keys` stand in the provider's table, `variables` in its own.
    pub async fn new(preset: &str, keys: &str, variables: &str, fake: Fake) -> Self {
        let server = MockServer::start().await;
        let record = Arc::default();
        let responder = Responder { fake, record: Arc::clone(&record) };
        Mock::given(any()).respond_with(responder).mount(&server).await;
        let variables = format!("base_url = '{}/'\n{variables}", server.uri());
        let settings = settings(preset, keys, &variables).expect("a valid configuration");
        let config = provider_config(&settings.providers[0], &settings);
        Self { provider: Provider::new(&config).expect("a provider"), server, record }
    }

    /// What comes of an SMS.
    pub async fn sms(&self, text: &str) -> String {
        self.send(&message(EventKind::Sms, text, "en-us")).await
    }

    /// What comes of a call.
    pub async fn call(&self, language: &str) -> String {
        self.send(&message(EventKind::Tts, "4711 is your code", language)).await
    }

    /// What comes of an SMS that is answered so.
    pub async fn answered(&self, status: u16, body: &str) -> String {
        let content_type = if body.starts_with('{') { "application/json" } else { "text/plain" };
        self.record.lock().expect("no poison").reply = Some((status, content_type, body.to_owned()));
        let told = self.sms("4711 is your code").await;
        self.record.lock().expect("no poison").reply = None;
        told
    }

    async fn send(&self, message: &Message) -> String {
        let verdict = self.provider.send(message, Timestamp::from_millis(1_700_000_000_000)).await;
        let record = self.record.lock().expect("no poison");
        assert!(record.complaints.is_empty(), "against the documentation: {}", record.complaints.join("; "));
        told(&verdict.outcome)
    }

    /// The last request.
    pub fn request(&self) -> String {
        let record = self.record.lock().expect("no poison");
        record.asked.last().expect("a request").shown(&self.server.uri())
    }
}

/// The settings with one provider of the preset.
pub fn settings(preset: &str, keys: &str, variables: &str) -> Result<Settings, String> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("simverify.toml");
    let secret = if keys.contains("secret =") { "" } else { "secret = 'geheim'\n" };
    let text = format!(
        "[server]\npublic_url = 'https://verify.example'\n\
         [[providers]]\nname = 'it'\npreset = '{preset}'\n{secret}callback_secret = '{CALLBACK_SECRET}'\n{keys}\n\
         [providers.variables]\n{variables}"
    );
    fs::write(&file, text).expect("a written file");
    let sources =
        Sources { file: Some(file), directory: directory.path().to_owned(), environment: vec![], flags: vec![] };
    Configuration::load(&sources).map(|configuration| configuration.settings).map_err(|error| error.to_string())
}

fn message(kind: EventKind, text: &str, language: &str) -> Message {
    let purpose = Purpose::Number { brand: Brand::new("Acme & Söhne <i>").expect("a brand") };
    let pin = Pin::new("4711").expect("a PIN");
    let language: Language = language.parse().expect("a language");
    let script = CallScript {
        purpose: purpose.clone(),
        pin: pin.clone(),
        language,
        texts: Arc::new(Texts::built_in(pdu::part_count)),
    };
    let call = (kind == EventKind::Tts).then_some(Script::Pin(script));
    Message {
        attempt: AttemptId::new(7),
        request: Some(RequestId::from_bytes([0xab; 16])),
        kind,
        number: PhoneNumber::parse("447700900123", None).expect("a number"),
        text: MessageText::new(text.to_owned()),
        call,
        particulars: Some(Box::new(Particulars {
            reference: Reference::from_bytes([0xcd; 8]),
            sender_id: "VERIFY".to_owned(),
            purpose,
            pin,
            language,
        })),
        pin_end: None,
        validity: Duration::from_secs(300),
    }
}

fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Taken { message_id: Some(id) } => format!("taken as {id}"),
        Outcome::Taken { message_id: None } => "taken".to_owned(),
        Outcome::Refused { class, reason } => {
            let class = match class {
                RefusalClass::Temporary => "later",
                RefusalClass::OtherRoute => "other route",
                RefusalClass::Final => "never",
            };
            format!("{class}: {reason}")
        }
        other => format!("{other:?}"),
    }
}
