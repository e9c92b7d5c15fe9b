//! Logs: where they go, in which form, and what a panic leaves in them. docs/logs.md lists what they say.
//!
//! ```text
//!  event ─► filter ─► line (with the fields of its spans) ─► form ─► outlet ─► standard error or the journal
//! ```
//!
//! Called once, by the commands that run for long. Never decides what is logged: each module says that at its place, and
//! the types redact. The types of other crates do not: from those only `warn` and above is taken, whatever the level.

mod form;
mod line;
mod outlet;

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::panic::PanicHookInfo;
use std::path::Path;

use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt, ParseError, filter_fn};
use tracing_subscriber::layer::{Filter, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::clock::{Clock, Timestamp};
use crate::config::{LogFormat, LogSettings};

pub use form::Form;
pub use line::{Lines, OWN_KEYS};
use outlet::{Journal, Outlet};

/// Where systemd's journal listens (systemd.io, Native Journal Protocol).
const JOURNAL: &str = "/run/systemd/journal/socket";

/// Keeps the log open; what was said is written when it is dropped.
#[must_use]
pub struct Log(Outlet);

impl Drop for Log {
    fn drop(&mut self) {
        self.0.flush();
    }
}

/// Sends events to where `[log]` says and panics to the log.
///
/// # Errors
///
/// If the journal was asked for and does not listen, or if logs were sent elsewhere before.
pub fn start(settings: &LogSettings) -> anyhow::Result<Log> {
    let filter = filter(settings.level.as_str())?;
    let output = output(settings.format, journal_reads(std::env::var("JOURNAL_STREAM").ok().as_deref(), &io::stderr()));
    let text = Form::Text { coloured: io::stderr().is_terminal() };
    let (form, outlet) = match output {
        Output::Journal => match Journal::at(Path::new(JOURNAL)) {
            Ok(journal) => (Form::Journal, Outlet::start(Form::Journal, now, journal)?),
            Err(_) if settings.format == LogFormat::Auto => (text, Outlet::start(text, now, outlet::standard_error())?),
            Err(error) => return Err(anyhow::Error::new(error).context("cannot reach journald (log.format)")),
        },
        Output::Text => (text, Outlet::start(text, now, outlet::standard_error())?),
        Output::Json => (Form::Json, Outlet::start(Form::Json, now, outlet::standard_error())?),
    };
    let log = Log(outlet.clone());
    let lines = Lines::new(form, now, move |line| outlet.give(line));
    tracing_subscriber::registry().with(lines.with_filter(filter)).try_init()?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(log)
}

fn now() -> Timestamp {
    Clock::System.now()
}

/// The crates that read what callers send.
const OF_CALLERS: [&str; 4] = ["actix_http", "actix_tls", "h2", "rustls"];

/// What is logged at `level`, in the syntax of `EnvFilter`. Other crates are silent below `warn`, whatever the level: there
/// they show what they work on, whole numbers and headers. Those that callers speak to are silent altogether: what they
/// call an error is what cannot be read as HTTP or TLS, which anybody may send as often as they like, and they answer it.
///
/// # Errors
///
/// If `level` is not in that syntax.
pub fn filter<S: Subscriber>(level: &str) -> Result<impl Filter<S> + use<S>, ParseError> {
    let allowed = |event: &Metadata<'_>| {
        let crate_name = event.target().split("::").next().unwrap_or_default();
        crate_name == env!("CARGO_CRATE_NAME") || (*event.level() <= Level::WARN && !OF_CALLERS.contains(&crate_name))
    };
    // The hint keeps the level of the filter the highest that anybody computes a line for.
    Ok(EnvFilter::try_new(level)?.and(filter_fn(allowed).with_max_level_hint(LevelFilter::TRACE)))
}

#[derive(Debug, PartialEq, Eq)]
enum Output {
    Journal,
    Text,
    Json,
}

/// Whether `stream` is the one that systemd connected to the journal: `JOURNAL_STREAM` holds its device and inode
/// (systemd.exec(5)). Programs inherit the variable with a terminal of their own, so its presence alone says nothing.
fn journal_reads(journal_stream: Option<&str>, stream: &impl AsFd) -> bool {
    match (journal_stream, nix::sys::stat::fstat(stream)) {
        (Some(journal), Ok(found)) => journal == format!("{}:{}", found.st_dev, found.st_ino),
        (None, _) | (_, Err(_)) => false,
    }
}

fn output(format: LogFormat, under_journal: bool) -> Output {
    match format {
        LogFormat::Auto if under_journal => Output::Journal,
        LogFormat::Auto | LogFormat::Text => Output::Text,
        LogFormat::Json => Output::Json,
        LogFormat::Journald => Output::Journal,
    }
}

/// The location and, if it stands in the source, the message. A formatted message may hold what it was formatted from:
/// `expect` on a result prints the error's `Debug`.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let message = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(a formatted message)");
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    tracing::error!(name: "daemon.panic", panic = message, location, thread, "panic: a defect in simverify");
}

#[cfg(test)]
mod list_tests;

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::registry::LookupSpan;

    use super::*;

    #[test]
    fn only_auto_looks_for_the_journal() {
        assert_eq!(output(LogFormat::Auto, true), Output::Journal);
        assert_eq!(output(LogFormat::Auto, false), Output::Text);
        assert_eq!(output(LogFormat::Text, true), Output::Text);
        assert_eq!(output(LogFormat::Json, true), Output::Json);
        assert_eq!(output(LogFormat::Journald, false), Output::Journal);
    }

    #[test]
    fn an_inherited_journal_variable_does_not_make_a_terminal_the_journal() {
        let stream = tempfile::tempfile().expect("a file");
        let found = nix::sys::stat::fstat(&stream).expect("a status");
        assert!(journal_reads(Some(&format!("{}:{}", found.st_dev, found.st_ino)), &stream));
        assert!(!journal_reads(Some("1:1"), &stream));
        assert!(!journal_reads(None, &stream));
    }

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<String>>);

    impl Captured {
        fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(&self) -> impl Layer<S> + use<S> {
            let text = Arc::clone(&self.0);
            Lines::new(Form::Text { coloured: false }, Timestamp::default, move |line| {
                text.lock().expect("a lock").push_str(std::str::from_utf8(&line).expect("text"));
            })
        }

        fn text(&self) -> String {
            self.0.lock().expect("a lock").clone()
        }
    }

    #[test]
    fn the_libraries_do_not_log_what_they_work_on() {
        let captured = Captured::default();
        let filter = filter("trace,rlibphonenumber=trace").expect("a filter");
        let subscriber = tracing_subscriber::registry().with(captured.layer().with_filter(filter));
        tracing::subscriber::with_default(subscriber, || {
            tracing::trace!(target: "rlibphonenumber::phonenumberutil", "no prefix in 4915112340100");
            tracing::debug!(target: "simverifyx", "4915112340100");
            tracing::warn!(target: "rlibphonenumber", "a warning");
            tracing::error!(target: "actix_http::h1::dispatcher", "4915112340100 is no header");
            tracing::warn!(target: "h2::proto::streams::recv", "4915112340100");
            tracing::trace!(target: "simverify::modem", "ours");
        });
        let text = captured.text();
        assert!(!text.contains("4915112340100"), "{text}");
        assert!(text.contains("a warning") && text.contains("ours"), "{text}");
    }

    #[test]
    fn a_panic_leaves_its_place_but_not_what_was_formatted_into_it() {
        let captured = Captured::default();
        let subscriber = tracing_subscriber::registry().with(captured.layer());
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(log_panic));
        tracing::subscriber::with_default(subscriber, || {
            let pin = String::from("4711");
            let _ = std::panic::catch_unwind(|| panic!("the PIN is {pin}"));
            let _ = std::panic::catch_unwind(|| panic!("a plain message"));
        });
        std::panic::set_hook(previous);
        let text = captured.text();
        assert!(!text.contains("4711"), "{text}");
        assert!(text.contains("(a formatted message)") && text.contains("a plain message"), "{text}");
        assert_eq!(text.matches("src/telemetry/mod.rs:").count(), 2, "{text}");
    }
}
