//! What is said to a modem and what comes back: [`Command`], [`Wire`], [`Reply`].
//!
//! A command knows its time-out, its priority and which lines can be its answer; the engine knows nothing about any
//! particular command. The `Debug` of these types never shows a PIN, a number or a message.

use std::fmt;
use std::time::Duration;

/// Time for an answer where the command's own page names none.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Time for the `> ` of a submit; then one ESC and one more try.
const PROMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// Who goes first when several commands wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Dial, hang up: somebody listens.
    Call,
    /// Start-up and messages.
    Sms,
    /// Signal, registration, storage.
    Poll,
}

/// How a command's exchange ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exchange {
    /// Line out, information lines in, final result.
    Plain,
    /// The same, but some modems forget the final result: an answer followed by silence is enough.
    FinalOptional,
    /// Line out, `> ` in, permission, body and Ctrl-Z out, final result.
    Prompted { submit_timeout: Duration },
    /// Bytes out; whatever comes back until it is quiet is thrown away.
    Noise { quiet: Duration },
}

/// One command line, without its carriage return.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    pub(super) line: String,
    pub(super) answers: Vec<String>,
    pub(super) exchange: Exchange,
    pub(super) secret: bool,
    pub(super) any_line: bool,
    pub priority: Priority,
    pub timeout: Duration,
}

impl Command {
    /// A command with the usual time-out (5 s) and the priority of a message. The prefix of its answer follows from the
    /// line: `AT+CREG?` is answered by `+CREG:`.
    pub fn new(line: impl Into<String>) -> Self {
        let line = line.into();
        let answers = answer_prefix(&line).into_iter().collect();
        Self {
            line,
            answers,
            exchange: Exchange::Plain,
            secret: false,
            any_line: false,
            priority: Priority::Sms,
            timeout: TIMEOUT,
        }
    }

    /// `AT+CMGS=<octets>`: the engine reports [`super::Output::Prompt`] and waits for `proceed` or `abandon`.
    ///
    /// `octets` is the length of the TPDU without its service centre part (3GPP TS 27.005 §4.3). `submit_timeout` runs
    /// from the Ctrl-Z; what is silent after it is uncertain, not failed.
    pub fn submit(octets: usize, submit_timeout: Duration) -> Self {
        Self {
            exchange: Exchange::Prompted { submit_timeout },
            timeout: PROMPT_TIMEOUT,
            ..Self::new(format!("AT+CMGS={octets}"))
        }
    }

    /// `AT+CPIN="…"`; the PIN shows up in no `Debug`.
    pub fn enter_pin(pin: &str) -> Self {
        Self { secret: true, timeout: Duration::from_secs(30), ..Self::new(format!("AT+CPIN=\"{pin}\"")) }
    }

    /// A command that makes the modem say something; what it is shows up in no `Debug`.
    pub fn say(line: String) -> Self {
        Self { secret: true, ..Self::new(line) }
    }

    #[cfg(test)]
    pub(crate) fn line_for_tests(&self) -> &str {
        &self.line
    }

    /// ESC, CR, LF: leaves a prompt or half a line that an earlier program left behind. ESC is safe there, Ctrl-Z is
    /// not: it could send a truncated message. Always succeeds once the line is quiet.
    pub fn wake() -> Self {
        Self {
            exchange: Exchange::Noise { quiet: Duration::from_millis(50) },
            timeout: Duration::from_secs(1),
            ..Self::new("\x1b\r\n")
        }
    }

    /// Time from the last byte of the command to its final result (for a submit: to its prompt).
    pub fn within(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    pub fn at_priority(self, priority: Priority) -> Self {
        Self { priority, ..self }
    }

    /// Adds an answer prefix that does not follow from the line: `AT+CCID` is answered by `+ICCID:` on some modems.
    pub fn answered_by(mut self, prefix: &str) -> Self {
        self.answers.push(prefix.to_owned());
        self
    }

    /// Every line that is no known unsolicited one is part of the answer, whatever it begins with (`ATI`).
    pub fn answered_by_any_line(self) -> Self {
        Self { any_line: true, ..self }
    }

    /// An answer followed by a second of silence counts as `OK`: Wavecom ends `+CPIN: READY` with nothing.
    pub fn with_optional_final(self) -> Self {
        Self { exchange: Exchange::FinalOptional, ..self }
    }

    /// The command line as it may be shown: a PIN or a dialled number is masked.
    pub fn shown(&self) -> String {
        if self.secret {
            let name = self.line.split('=').next().unwrap_or_default();
            return format!("{name}=***");
        }
        masked(&self.line)
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

/// Bytes for the port, with a `Debug` that may be logged: commands are shown masked, message bodies as their length.
#[derive(Clone, PartialEq, Eq)]
pub struct Wire {
    pub bytes: Vec<u8>,
    shown: String,
    secret: bool,
}

impl Wire {
    pub(super) fn command(command: &Command) -> Self {
        let mut bytes = command.line.clone().into_bytes();
        if !matches!(command.exchange, Exchange::Noise { .. }) {
            bytes.push(b'\r');
        }
        Self { bytes, shown: command.shown(), secret: command.secret }
    }

    pub(super) fn body(body: &str) -> Self {
        let mut bytes = body.as_bytes().to_vec();
        bytes.push(super::line::CTRL_Z);
        Self { shown: format!("<{} octets, Ctrl-Z>", body.len() / 2), bytes, secret: false }
    }

    pub(super) fn control(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), shown: masked(&String::from_utf8_lossy(bytes)), secret: false }
    }

    /// Whether the bytes are to be shown to nobody: they hold a SIM's PIN.
    pub fn is_secret(&self) -> bool {
        self.secret
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// The information lines of a command that ended well.
///
/// Line ends, echo and unsolicited lines are gone; the rest is as the modem sent it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Reply {
    pub lines: Vec<String>,
}

impl Reply {
    /// What stands after `prefix` and its colon, for every line that begins so: `values("+CSQ")` of `+CSQ: 17,99` is
    /// `17,99`.
    pub fn values<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.lines.iter().filter_map(move |line| value(line, prefix))
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.lines.iter().map(|line| masked_line(line)).collect();
        write!(f, "[{}]", lines.join(" | "))
    }
}

/// What stands after `prefix` and its colon.
pub(super) fn value<'a>(line: &'a str, prefix: &str) -> Option<&'a str> {
    let line = line.trim_start();
    let (head, rest) = line.split_at_checked(prefix.len())?;
    if !head.eq_ignore_ascii_case(prefix) {
        return None;
    }
    rest.trim_start().strip_prefix(':').map(str::trim)
}

/// A modem's line fit for a log. Free text may be a message or an echo, so only its length is shown.
pub(super) fn masked_line(line: &str) -> String {
    let is_value = super::classify::has_sigil(line) && !line.trim_start().starts_with("+CUSD");
    let is_known = super::classify::unasked(line).is_some() && !line.contains(':');
    if is_value || is_known { masked(line) } else { format!("<{} characters>", line.chars().count()) }
}

/// Any line of a modem fit for a trace: masked as in the log, but final results and the prompt stand as they are.
pub fn shown_line(line: &str) -> String {
    let line = line.trim();
    if line == ">" {
        return "> ".to_owned();
    }
    if is_final_result(line) { masked(line) } else { masked_line(line) }
}

/// Whether a line ends a command, whichever it is.
pub fn is_final_result(line: &str) -> bool {
    super::classify::final_result(line, false).is_some()
}

/// Whether a line is the echo of a command that carries a PIN or a password (3GPP TS 27.007 §7.4, §7.5, §8.3), or what a
/// modem is to say in a call.
pub fn names_a_secret(line: &str) -> bool {
    const COMMANDS: [&str; 5] = ["+CPIN=", "+CLCK=", "+CPWD=", "+CTTS=", "+QTTS="];
    let line = line.to_ascii_uppercase();
    COMMANDS.iter().any(|command| line.contains(command))
}

/// A text fit for a log: runs of five and more digits, also of hex digits, and quoted texts longer than a keyword are
/// shown as their length.
pub(super) fn masked(text: &str) -> String {
    const QUOTED_SHOWN_MAX: usize = 4;
    let mut shown = String::new();
    for (index, piece) in text.split('"').enumerate() {
        if index > 0 {
            shown.push('"');
        }
        let is_quoted = index % 2 == 1;
        if is_quoted && piece.chars().count() > QUOTED_SHOWN_MAX {
            shown.push_str(&format!("<{}>", piece.chars().count()));
        } else {
            shown.push_str(&masked_runs(piece));
        }
    }
    shown
}

fn masked_runs(text: &str) -> String {
    const RUN_SHOWN_MAX: usize = 4;
    let mut shown = String::new();
    let mut run = String::new();
    for character in text.chars().map(Some).chain([None]) {
        if let Some(digit) = character.filter(char::is_ascii_hexdigit) {
            run.push(digit);
            continue;
        }
        if run.len() > RUN_SHOWN_MAX && run.bytes().any(|byte| byte.is_ascii_digit()) {
            shown.push_str(&format!("<{}>", run.len()));
        } else {
            shown.push_str(&run);
        }
        run.clear();
        shown.extend(character.into_iter().flat_map(char::escape_debug));
    }
    shown
}

/// `AT+CREG?` → `+CREG`; nothing for `ATI`, `AT`, `ATD…`.
fn answer_prefix(line: &str) -> Option<String> {
    let name = line.strip_prefix("AT")?;
    let end = name.find(['=', '?', ';']).unwrap_or(name.len());
    let name = &name[..end];
    name.starts_with(['+', '^', '*', '#', '$', '%']).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_shows_in_debug() {
        let shown = format!(
            "{:?} {:?} {:?} {:?}",
            Command::enter_pin("1234"),
            Command::new("ATD+420123456789;"),
            Wire::command(&Command::enter_pin("1234")),
            Wire::body("0011000B9124"),
        );
        insta::assert_snapshot!(shown, @"AT+CPIN=*** ATD+<12>; AT+CPIN=*** <6 octets, Ctrl-Z>");
        let lines = [
            "+CLIP: \"+420123456789\",145,\"Alice\"",
            "07914306073011F0",
            "Your code is 1234",
            "+CUSD: 0,\"Hi\"",
            "RING",
        ];
        let reply = Reply { lines: lines.map(str::to_owned).to_vec() };
        insta::assert_snapshot!(format!("{reply:?}"), @r#"[+CLIP: "<13>",145,"<5>" | <16 characters> | <17 characters> | <13 characters> | RING]"#);
    }

    #[test]
    fn a_zero_character_among_digits_joins_no_runs() {
        assert_eq!(masked("8\u{0}2345"), "8\\02345");
        assert_eq!(masked("12345\u{0}12345"), "<5>\\0<5>");
    }

    #[test]
    fn an_answers_prefix_follows_from_the_command() {
        assert_eq!(Command::new("AT+CNMI=?").answers, ["+CNMI"]);
        assert_eq!(Command::new("AT^SYSINFO").answers, ["^SYSINFO"]);
        assert_eq!(Command::new("ATI").answers, [""; 0]);
        assert_eq!(value("+CSQ: 17,99", "+CSQ"), Some("17,99"));
        assert_eq!(value("+CSQN: 17,99", "+CSQ"), None);
    }
}
