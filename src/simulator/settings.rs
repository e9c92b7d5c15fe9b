//! What can be set on a virtual modem: its make, its network, its faults.
//!
//! One table, [`KEYS`], names each setting once: `simulate` makes a flag of each row, the control line `set KEY VALUE`
//! changes the same at run time, and tests write `Settings::default().with("report-delay", "0")`.

use std::collections::VecDeque;
use std::time::Duration;

use super::profile::{PROFILES, Profile, profile};

/// 2026-01-01 00:00:00 UTC: where the modem's clock stands unless a front end sets it.
pub(super) const DEFAULT_EPOCH: i64 = 1_767_225_600;

#[derive(Clone)]
pub struct Settings {
    pub profile: &'static Profile,
    /// The SIM's own number.
    pub number: String,
    pub imsi: String,
    pub iccid: String,
    pub sim_present: bool,
    /// Say nothing when the card is taken out or put in.
    pub quiet_sim: bool,
    /// Empty: the SIM asks for no PIN.
    pub sim_pin: String,
    pub sim_puk: String,
    pub pin_tries: u8,
    /// `stat` of `+CREG` once the radio is on (3GPP TS 27.007 §7.2).
    pub registration: u8,
    /// `rssi` of `+CSQ`: 0–31, or 99 for unknown.
    pub signal: u8,
    /// Seconds since 1970 at the virtual modem's instant zero; none leaves it to the front end.
    pub epoch: Option<i64>,

    /// From the end of a command line to its answer.
    pub latency: Duration,
    /// From Ctrl-Z to `+CMGS`.
    pub submit_latency: Duration,
    /// From the network's acceptance to the delivery report.
    pub report_delay: Duration,
    pub reports: bool,
    /// How long a phone rings before it is answered.
    pub answer_after: Duration,
    /// From reset to the first sign of life.
    pub boot: Duration,

    pub echo: Echo,
    pub line_end: LineEnd,
    pub prompt: Prompt,
    /// Largest write in bytes; 0 writes each answer whole.
    pub chunk: usize,
    /// Pause between chunks.
    pub chunk_gap: Duration,

    pub reference: Reference,
    /// Refuse PDUs with a validity period by `+CMS ERROR: 304`.
    pub refuse_validity: bool,
    /// Say nothing after Ctrl-Z; the message goes out all the same.
    pub silent_after_submit: bool,
    pub escape: bool,
    /// Commands that answer `ERROR`: `AT` for the bare one, else names as `+CNMI`.
    pub refused: Vec<String>,
    /// Delivery report before the `+CMGS` answer.
    pub report_first: bool,
    /// Messages that each storage holds.
    pub slots: usize,
    /// Where what comes in is stored once this is set: `SM` or `ME`.
    pub stores_in: usize,
    /// Messages and reports go to the line, never into a storage.
    pub direct_only: bool,
    /// `AT+CMGD` works; otherwise it is refused by `+CMS ERROR: 500`.
    pub deletes: bool,
    /// Interval of unsolicited noise; zero is none.
    pub flood: Duration,
    /// Random bytes before each answer.
    pub garbage: usize,
    /// Fall silent after so many command lines; 0 is never.
    pub hang_after: u32,
    /// How long that silence lasts; zero is for ever.
    pub hang_for: Duration,
    /// What happens to the next submissions, one entry each.
    pub submit_faults: VecDeque<SubmitFault>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Echo {
    /// As `ATE` says.
    Commanded,
    Always,
    Never,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineEnd {
    CrLf,
    Lf,
    Cr,
    CrCrLf,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Prompt {
    /// `\r\n> `
    Standard,
    /// `>`
    Bare,
    /// `> \r`
    Cr,
}

/// What `+CMGS` tells as message reference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reference {
    Counting,
    Zero,
    /// `OK` without `+CMGS`.
    Missing,
}

/// What happens to one submission in place of the network's answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SubmitFault {
    Cms(u16),
    Cme(u16),
    Error,
    /// No prompt, no answer.
    NoPrompt,
    /// No answer after Ctrl-Z, nothing sent.
    Silence,
    /// No answer after Ctrl-Z, although the message went out.
    ReplyLost,
    /// The modem restarts on Ctrl-Z, nothing sent.
    Reboot,
    /// The modem vanishes on Ctrl-Z, although the message went out.
    Unplug,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            profile: &PROFILES[0],
            number: "+491710000099".into(),
            imsi: "001010123456789".into(),
            iccid: "8949001234567890123".into(),
            sim_present: true,
            quiet_sim: false,
            sim_pin: String::new(),
            sim_puk: "12345678".into(),
            pin_tries: 3,
            registration: 1,
            signal: 20,
            epoch: None,
            latency: Duration::ZERO,
            submit_latency: Duration::ZERO,
            report_delay: Duration::from_secs(1),
            reports: true,
            answer_after: Duration::from_secs(2),
            boot: Duration::from_secs(2),
            echo: Echo::Commanded,
            line_end: LineEnd::CrLf,
            prompt: Prompt::Standard,
            chunk: 0,
            chunk_gap: Duration::ZERO,
            reference: Reference::Counting,
            refuse_validity: false,
            silent_after_submit: false,
            escape: true,
            refused: Vec::new(),
            report_first: false,
            slots: 30,
            stores_in: 0,
            direct_only: false,
            deletes: true,
            flood: Duration::ZERO,
            garbage: 0,
            hang_after: 0,
            hang_for: Duration::ZERO,
            submit_faults: VecDeque::new(),
        }
    }
}

/// A setting as flag, control line and test name it.
pub struct Key {
    pub name: &'static str,
    /// What stands for the value in help texts.
    pub value: &'static str,
    pub help: &'static str,
    apply: fn(&mut Settings, &str) -> Result<(), String>,
}

pub const KEYS: &[Key] = &[
    key(
        "profile",
        "NAME",
        "make of the modem: generic, sim800 (or simcom), sim7600, sim7000, a7670, quectel, quectel-ec200, quectel-m, quectel-bg, huawei, huawei-lte, u-blox, u-blox-r, telit, zte, wavecom, sierra",
        |s, v| {
            s.profile = profile(v).ok_or_else(|| one_of("profile", v, &PROFILES.each_ref().map(|p| p.name)))?;
            Ok(())
        },
    ),
    key("number", "NUMBER", "the SIM's own number", |s, v| assign(&mut s.number, text(v))),
    key("imsi", "DIGITS", "the SIM's subscriber identity", |s, v| assign(&mut s.imsi, digits(v, 14, 15))),
    key("iccid", "DIGITS", "the SIM card's own number", |s, v| assign(&mut s.iccid, digits(v, 18, 20))),
    key("sim", "STATE", "ready or missing", |s, v| {
        assign(&mut s.sim_present, choice(v, &[("ready", true), ("missing", false)]))
    }),
    key("quiet-sim", "on|off", "say nothing when the card is taken out or put in", |s, v| {
        assign(&mut s.quiet_sim, switch(v))
    }),
    key("pin", "DIGITS", "the SIM asks for this PIN; none: it asks for nothing", |s, v| {
        assign(&mut s.sim_pin, if v == "none" { Ok(String::new()) } else { digits(v, 4, 8) })
    }),
    key("puk", "DIGITS", "the SIM's PUK", |s, v| assign(&mut s.sim_puk, digits(v, 8, 8))),
    key("pin-tries", "N", "tries left for the PIN, 0 to 3", |s, v| assign(&mut s.pin_tries, number(v, 0, 3))),
    key("registration", "STAT", "+CREG state: 0 none, 1 home, 2 searching, 3 denied, 5 roaming …", |s, v| {
        assign(&mut s.registration, number(v, 0, 11))
    }),
    key("signal", "N", "+CSQ: 0 to 31, or 99 for unknown", |s, v| {
        assign(&mut s.signal, if v == "99" { Ok(99) } else { number(v, 0, 31) })
    }),
    key("latency", "TIME", "from a command to its answer (5ms, 2s; a bare number is seconds)", |s, v| {
        assign(&mut s.latency, duration(v))
    }),
    key("submit-latency", "TIME", "from Ctrl-Z to +CMGS", |s, v| assign(&mut s.submit_latency, duration(v))),
    key("report-delay", "TIME", "from acceptance to the delivery report", |s, v| {
        assign(&mut s.report_delay, duration(v))
    }),
    key("reports", "on|off", "send the delivery reports that are asked for", |s, v| assign(&mut s.reports, switch(v))),
    key("answer-after", "TIME", "how long a phone rings before it is answered", |s, v| {
        assign(&mut s.answer_after, duration(v))
    }),
    key("boot", "TIME", "silence after a reset", |s, v| assign(&mut s.boot, duration(v))),
    key("echo", "HOW", "commanded (as ATE says), always or never", |s, v| {
        let choices = [("commanded", Echo::Commanded), ("always", Echo::Always), ("never", Echo::Never)];
        assign(&mut s.echo, choice(v, &choices))
    }),
    key("line-end", "HOW", "crlf, lf, cr or crcrlf", |s, v| {
        let choices = [("crlf", LineEnd::CrLf), ("lf", LineEnd::Lf), ("cr", LineEnd::Cr), ("crcrlf", LineEnd::CrCrLf)];
        assign(&mut s.line_end, choice(v, &choices))
    }),
    key("prompt", "HOW", "standard (CR LF > blank), bare (>) or cr (> blank CR)", |s, v| {
        let choices = [("standard", Prompt::Standard), ("bare", Prompt::Bare), ("cr", Prompt::Cr)];
        assign(&mut s.prompt, choice(v, &choices))
    }),
    key("chunk", "BYTES", "largest single write; 0 writes each answer whole", |s, v| {
        assign(&mut s.chunk, number(v, 0, 4096))
    }),
    key("chunk-gap", "TIME", "pause between chunks", |s, v| assign(&mut s.chunk_gap, duration(v))),
    key("reference", "HOW", "counting, zero (always +CMGS: 0) or missing (OK without +CMGS)", |s, v| {
        let choices = [("counting", Reference::Counting), ("zero", Reference::Zero), ("missing", Reference::Missing)];
        assign(&mut s.reference, choice(v, &choices))
    }),
    key("refuse-validity", "on|off", "+CMS ERROR: 304 to PDUs with a validity period", |s, v| {
        assign(&mut s.refuse_validity, switch(v))
    }),
    key("silent-after-submit", "on|off", "no answer after Ctrl-Z, although the message goes out", |s, v| {
        assign(&mut s.silent_after_submit, switch(v))
    }),
    key("escape", "on|off", "whether ESC leaves the prompt", |s, v| assign(&mut s.escape, switch(v))),
    key("refuse", "LIST", "commands answered by ERROR, e.g. AT,+CNMI,+CSMS; none: no such command", |s, v| {
        let names = v.split(',').map(|name| name.trim().to_ascii_uppercase());
        s.refused = names.filter(|name| !name.is_empty() && name != "NONE").collect();
        Ok(())
    }),
    key("report-first", "on|off", "delivery report before the +CMGS answer", |s, v| {
        assign(&mut s.report_first, switch(v))
    }),
    key("slots", "N", "messages that each storage holds", |s, v| assign(&mut s.slots, number(v, 0, 255))),
    key("stores-in", "MEMORY", "SM or ME: the storage of what comes in, whatever AT+CPMS chose", |s, v| {
        assign(&mut s.stores_in, choice(v, &[("SM", 0), ("ME", 1)]))
    }),
    key("direct-only", "on|off", "messages and reports go to the line (+CMT, +CDS), never into a storage", |s, v| {
        assign(&mut s.direct_only, switch(v))
    }),
    key("deletes", "on|off", "off: AT+CMGD is refused by +CMS ERROR: 500", |s, v| assign(&mut s.deletes, switch(v))),
    key("flood", "TIME", "interval of unsolicited lines; 0 is none", |s, v| {
        let interval = duration(v)?;
        if !interval.is_zero() && interval < Duration::from_millis(1) {
            return Err(format!("'{v}' is too short; give 1ms or more, or 0"));
        }
        assign(&mut s.flood, Ok(interval))
    }),
    key("garbage", "N", "random bytes before each answer", |s, v| assign(&mut s.garbage, number(v, 0, 1024))),
    key("hang-after", "N", "fall silent after so many command lines; 0 is never", |s, v| {
        assign(&mut s.hang_after, number(v, 0, u32::MAX))
    }),
    key("hang-for", "TIME", "how long that silence lasts; 0 is for ever", |s, v| assign(&mut s.hang_for, duration(v))),
    key(
        "fault",
        "FAULT",
        "what the next submissions meet: 'cms N', 'cme N', error, no-prompt, silence, reply-lost, reboot, unplug; 'cms 500 x2' is two",
        |s, v| {
            let (fault, times) = submit_fault(v)?;
            s.submit_faults.extend(std::iter::repeat_n(fault, times));
            Ok(())
        },
    ),
];

impl Settings {
    /// Sets `name` as flags and control lines do; the error says what is allowed.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let Some(key) = KEYS.iter().find(|key| key.name == name) else {
            return Err(format!("unknown setting '{name}'; one of {}", names().join(", ")));
        };
        (key.apply)(self, value.trim()).map_err(|error| format!("{name}: {error}"))
    }

    /// [`Settings::set`] for values that the caller wrote down.
    ///
    /// # Panics
    ///
    /// If the table does not allow the value.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.set(name, value).expect("the setting is one of the table's");
        self
    }
}

fn names() -> Vec<&'static str> {
    KEYS.iter().map(|key| key.name).collect()
}

/// Reads `250ms`, `3s`, `2m` or plain seconds.
pub(super) fn duration(value: &str) -> Result<Duration, String> {
    let number_at = value.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(value.len());
    let (number, unit) = value.split_at(number_at);
    let factor = match unit.trim() {
        "ms" => Some(0.001),
        "" | "s" => Some(1.0),
        "m" | "min" => Some(60.0),
        _ => None,
    };
    let seconds = number.parse::<f64>().ok().zip(factor).map(|(number, factor)| number * factor);
    seconds
        .filter(|seconds| *seconds <= 86_400.0)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| format!("'{value}' is no time; write 250ms, 3s or 2m, at most a day"))
}

/// Reads `cms 500 x2` and the like: the fault and how often.
pub(super) fn submit_fault(value: &str) -> Result<(SubmitFault, usize), String> {
    let mut words: Vec<&str> = value.split_whitespace().collect();
    let times = match words.last().and_then(|word| word.strip_prefix('x')).map(|times| number(times, 1, 1000)) {
        Some(times) => {
            words.pop();
            times?
        }
        None => 1,
    };
    let fault = match words[..] {
        ["cms", code] => SubmitFault::Cms(number(code, 0, 999)?),
        ["cme", code] => SubmitFault::Cme(number(code, 0, 999)?),
        ["error"] => SubmitFault::Error,
        ["no-prompt"] => SubmitFault::NoPrompt,
        ["silence"] => SubmitFault::Silence,
        ["reply-lost"] => SubmitFault::ReplyLost,
        ["reboot"] => SubmitFault::Reboot,
        ["unplug"] => SubmitFault::Unplug,
        _ => {
            return Err(one_of(
                "fault",
                value,
                &["cms N", "cme N", "error", "no-prompt", "silence", "reply-lost", "reboot", "unplug"],
            ));
        }
    };
    Ok((fault, times))
}

pub(super) fn number<T: std::str::FromStr + PartialOrd + std::fmt::Display>(
    value: &str,
    least: T,
    most: T,
) -> Result<T, String> {
    match value.parse::<T>() {
        Ok(number) if number >= least && number <= most => Ok(number),
        _ => Err(format!("'{value}' is no number from {least} to {most}")),
    }
}

const fn key(
    name: &'static str,
    value: &'static str,
    help: &'static str,
    apply: fn(&mut Settings, &str) -> Result<(), String>,
) -> Key {
    Key { name, value, help, apply }
}

fn assign<T>(place: &mut T, value: Result<T, String>) -> Result<(), String> {
    *place = value?;
    Ok(())
}

fn text(value: &str) -> Result<String, String> {
    let plain = value.chars().all(|c| c.is_ascii_digit() || c == '+') && !value.is_empty();
    if plain {
        Ok(value.into())
    } else {
        Err("no phone number; write digits, with + for the international form".into())
    }
}

fn digits(value: &str, least: usize, most: usize) -> Result<String, String> {
    let fits = value.len() >= least && value.len() <= most && value.bytes().all(|byte| byte.is_ascii_digit());
    if fits { Ok(value.into()) } else { Err(format!("not {least} to {most} digits")) }
}

fn switch(value: &str) -> Result<bool, String> {
    choice(value, &[("on", true), ("off", false)])
}

fn choice<T: Copy>(value: &str, choices: &[(&str, T)]) -> Result<T, String> {
    let found = choices.iter().find(|(name, _)| *name == value).map(|(_, choice)| *choice);
    found.ok_or_else(|| one_of("value", value, &choices.iter().map(|(name, _)| *name).collect::<Vec<_>>()))
}

fn one_of(what: &str, value: &str, allowed: &[&str]) -> String {
    format!("unknown {what} '{value}'; one of {}", allowed.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_outside_its_range_is_refused_with_what_is_allowed() {
        let error = |name: &str, value: &str| Settings::default().set(name, value).unwrap_err();
        insta::assert_snapshot!(error("profile", "nokia"), @"profile: unknown profile 'nokia'; one of generic, sim800, sim7600, sim7000, a7670, quectel, quectel-ec200, quectel-m, quectel-bg, huawei, huawei-lte, u-blox, u-blox-r, telit, zte, wavecom, sierra");
        insta::assert_snapshot!(error("signal", "50"), @"signal: '50' is no number from 0 to 31");
        insta::assert_snapshot!(error("latency", "soon"), @"latency: 'soon' is no time; write 250ms, 3s or 2m, at most a day");
        insta::assert_snapshot!(error("pin", "12ab"), @"pin: not 4 to 8 digits");
        insta::assert_snapshot!(error("fault", "cms x2"), @"fault: unknown fault 'cms x2'; one of cms N, cme N, error, no-prompt, silence, reply-lost, reboot, unplug");
    }

    #[test]
    fn times_are_read_in_each_unit() {
        let cases = [("250ms", 250), ("3s", 3000), ("2m", 120_000), ("0.5", 500), ("0", 0)];
        for (value, millis) in cases {
            assert_eq!(duration(value), Ok(Duration::from_millis(millis)), "{value}");
        }
    }

    #[test]
    fn a_fault_may_be_asked_for_several_times() {
        let settings = Settings::default().with("fault", "cms 500 x2").with("fault", "reboot");
        assert_eq!(settings.submit_faults, [SubmitFault::Cms(500), SubmitFault::Cms(500), SubmitFault::Reboot]);
    }
}
