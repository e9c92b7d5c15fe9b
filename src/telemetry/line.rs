//! One line of the log: a flat list of fields, gathered from an event and the spans that it stands in.
//!
//! A field stands once: the event's own hides that of a span, and an inner span's hides an outer one's. What is too long
//! is cut, so that a line is bounded whatever a modem or a provider says.

use std::error::Error;
use std::fmt;

use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::clock::Timestamp;

use super::form::Form;

/// Characters of one value. The longest of ours is a modem's line as the trace shows it.
const VALUE_MAX: usize = 4096;

/// Keys that are the line's own: no field may have such a name.
pub const OWN_KEYS: [&str; 5] = ["timestamp", "level", "name", "target", "message"];

/// What is said of something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub time: Timestamp,
    pub level: Level,
    /// Stable, for machines: `attempt.sent`. Lines of other crates have none.
    pub name: Option<&'static str>,
    /// The module that said it.
    pub target: String,
    pub message: String,
    pub fields: Vec<(&'static str, Value)>,
}

/// Makes a line of each event and gives it away, written down.
pub struct Lines<Give> {
    form: Form,
    now: fn() -> Timestamp,
    give: Give,
}

impl<Give: Fn(Vec<u8>)> Lines<Give> {
    pub fn new(form: Form, now: fn() -> Timestamp, give: Give) -> Self {
        Self { form, now, give }
    }
}

impl<S, Give> Layer<S> for Lines<Give>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    Give: Fn(Vec<u8>) + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().replace(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                of_span.0.iter().for_each(|(key, value)| fields.set(key, value.clone()));
            }
        }
        event.record(&mut fields);
        (self.give)(self.form.write(&line(event, fields, (self.now)())));
    }
}

fn line(event: &Event<'_>, mut fields: Fields, time: Timestamp) -> Line {
    let metadata = event.metadata();
    // The crate `log` hands its target on as a field.
    let target = fields.take("log.target").map_or_else(|| metadata.target().to_owned(), text_of);
    fields.0.retain(|(key, _)| !key.starts_with("log."));
    Line {
        time,
        level: *metadata.level(),
        // Without a name of its own an event is called after its place.
        name: Some(metadata.name()).filter(|name| !name.contains(' ')),
        target,
        message: fields.take("message").map(text_of).unwrap_or_default(),
        fields: fields.0.into_iter().filter(|(key, _)| !OWN_KEYS.contains(key)).collect(),
    }
}

fn text_of(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// The fields of a span or an event, in the order of their first appearance.
#[derive(Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    fn set(&mut self, key: &'static str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = value,
            None => self.0.push((key, value)),
        }
    }

    fn set_text(&mut self, field: &Field, mut text: String) {
        if let Some((end, _)) = text.char_indices().nth(VALUE_MAX) {
            text.truncate(end);
            text.push('…');
        }
        self.set(field.name(), Value::String(text));
    }

    fn take(&mut self, key: &str) -> Option<Value> {
        let place = self.0.iter().position(|(known, _)| *known == key)?;
        Some(self.0.remove(place).1)
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set_text(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set_text(field, value.to_owned());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field.name(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field.name(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field.name(), value.into());
    }

    /// With its causes, each of them that its own text does not name already.
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause {
            let said = error.to_string();
            if !text.contains(&said) {
                text = format!("{text}: {said}");
            }
            cause = error.source();
        }
        self.set_text(field, text);
    }
}
