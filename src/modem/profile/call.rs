//! How a family makes calls: what `OK` to a dialled number means, which lines tell the states of a call, where its sound
//! goes, how pressed keys are told.
//!
//! `+CLCC` is read the same everywhere (3GPP TS 27.007 §7.18); only what differs stands here.

#[derive(Debug, PartialEq, Eq)]
pub struct Calls {
    pub ability: VoiceAbility,
    /// Make the modem tell what a call does. Sent before each call, because a restart forgets them; may be refused.
    pub prepare: &'static [&'static str],
    pub dialled: Dialled,
    /// Lines that come unasked, besides the result codes of ITU-T V.250 (`NO CARRIER`, `BUSY` …).
    pub states: &'static [StateLine],
    /// Ends or refuses a call; the next is tried where one is refused.
    pub hang_up: &'static [&'static str],
    pub sound: Sound,
    /// Its own speech into a call; none: it has none.
    pub speech: Option<OwnSpeech>,
    pub keys: Keys,
}

/// How a modem is made to speak. All of them speak English; what else depends on the firmware.
#[derive(Debug, PartialEq, Eq)]
pub struct OwnSpeech {
    /// Lead its speech into the call.
    pub prepare: &'static [&'static str],
    /// Says an ASCII text, which stands for `{text}`.
    pub say: &'static str,
    /// The line that tells that all is said.
    pub said: &'static str,
}

/// Whether a modem of the family can make calls at all.
#[derive(Debug, PartialEq, Eq)]
pub enum VoiceAbility {
    Able,
    Unable,
    /// Depends on the firmware: `yes` begins the answer to `line` where calls are possible.
    Asked {
        line: &'static str,
        yes: &'static str,
    },
}

/// What the `OK` to `ATD…;` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialled {
    /// The command was understood; nothing about the other side.
    Accepted,
    /// The other side has answered.
    Answered,
}

/// What a line tells about the call that this side made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallProgress {
    /// It rings at the other side.
    Ringing,
    Answered,
    Ended,
    /// Something that differs between firmwares: the list of calls says what.
    Changed,
}

/// A line of the family's own: its beginning and, where that is not enough, one of the values after it.
#[derive(Debug, PartialEq, Eq)]
pub struct StateLine {
    begins: &'static str,
    /// Place of the value among those after the beginning, and the value.
    value: Option<(usize, &'static str)>,
    state: CallProgress,
}

/// Where the sound of a call goes.
#[derive(Debug, PartialEq, Eq)]
pub enum Sound {
    /// Nowhere that can be reached.
    Nowhere,
    /// Wires for microphone and loudspeaker: a sound card must be soldered on.
    Wires,
    /// 8 kHz samples on a serial port of the modem, between `begin` (once the call is answered) and `end`.
    Port { begin: &'static [&'static str], end: &'static [&'static str] },
    /// A sound card that the modem shows on USB, if that is switched on; else as [`Sound::Port`] on the port for
    /// positions. `asked` tells which: its value at `place` is 1.
    Card {
        asked: &'static str,
        place: usize,
        begin: &'static [&'static str],
        begin_on_port: &'static [&'static str],
        end: &'static [&'static str],
    },
}

/// Keys that the other side presses, and ours.
#[derive(Debug, PartialEq, Eq)]
pub struct Keys {
    /// Make the modem tell them; empty: it cannot.
    pub listen: &'static [&'static str],
    /// The line that tells one; empty: none does.
    pub begins: &'static str,
    pub form: KeyForm,
    /// Sends one; `{key}` stands for it.
    pub send: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyForm {
    /// `5`
    Key,
    /// `53`, its number in ASCII.
    Number,
}

impl Calls {
    /// What an unsolicited line tells about the state of the call; `None` for any other line.
    pub fn state_told(&self, line: &str) -> Option<CallProgress> {
        let told = self.states.iter().find(|state| state.fits(line)).map(|state| state.state);
        let is_end = || matches!(line.trim(), "NO CARRIER" | "BUSY" | "NO ANSWER" | "NO DIALTONE");
        told.or_else(|| is_end().then_some(CallProgress::Ended))
    }
}

impl StateLine {
    fn fits(&self, line: &str) -> bool {
        let Some(rest) = after(self.begins, line) else { return false };
        match self.value {
            None => true,
            Some((place, value)) => {
                let rest = rest.trim_start_matches([':', ',']);
                rest.split(',').nth(place).is_some_and(|told| told.trim_matches('"') == value)
            }
        }
    }
}

impl Keys {
    /// The key that an unsolicited line tells.
    pub fn told(&self, line: &str) -> Option<char> {
        if self.begins.is_empty() {
            return None;
        }
        let text = after(self.begins, line)?;
        let value = text.trim_start_matches(':').split(',').next()?.trim_matches('"');
        let key = match self.form {
            KeyForm::Key => value.parse().ok()?,
            KeyForm::Number => char::from(value.parse::<u8>().ok()?),
        };
        matches!(key, '0'..='9' | 'A'..='D' | '*' | '#').then_some(key)
    }
}

/// What follows a line's beginning. Blanks count nowhere: the same firmware writes them and leaves them out.
fn after(begins: &str, line: &str) -> Option<String> {
    let compact = |text: &str| text.split_whitespace().collect::<String>();
    compact(line).strip_prefix(&compact(begins)).map(str::to_owned)
}

/// The state is told by a line that begins so.
pub(super) const fn told(begins: &'static str, state: CallProgress) -> StateLine {
    StateLine { begins, value: None, state }
}

/// The same, by the value at `place` after the beginning.
pub(super) const fn told_at(begins: &'static str, place: usize, value: &'static str, state: CallProgress) -> StateLine {
    StateLine { begins, value: Some((place, value)), state }
}

pub(super) const NO_KEYS: Keys = Keys { listen: &[], begins: "", form: KeyForm::Key, send: "AT+VTS=\"{key}\"" };

/// Told by `+CLCC` alone, through wires.
pub(super) const fn generic() -> Calls {
    Calls {
        ability: VoiceAbility::Able,
        prepare: &[],
        dialled: Dialled::Accepted,
        states: &[],
        hang_up: &["AT+CHUP", "ATH"],
        sound: Sound::Wires,
        speech: None,
        keys: NO_KEYS,
    }
}

/// No calls at all.
pub(super) const fn none() -> Calls {
    Calls { ability: VoiceAbility::Unable, sound: Sound::Nowhere, ..generic() }
}
