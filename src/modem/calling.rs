//! A call as a modem carries it out: the conversation, what is rendered for it, and the sound on its way.
//!
//! ```text
//!  rendering ──────────────────────────┐
//!  Call ─► answered ─► sound path opens ├─► playing ─► readings, end ─► Call hangs up
//! ```
//!
//! Nothing is played before the call is answered, the modem has switched its sound path on, and the speech is rendered:
//! the phone rings for longer than that takes. A speech that cannot be rendered or played ends the call.
//!
//! It never waits: the driver hears of speech and sound as it hears of the line.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::task::AbortOnDropHandle;

use super::at::{AtError, CommandId, Reply};
use super::audio::Played;
use super::call::{self, Call, CallEnd, CallOutcome, CallStand, CallStep, Unanswered};
use super::line::Line;
use super::own_speech::{Recital, Sentences, SpeechStep};
use super::port::PortAddress;
use super::profile::Calls;
use super::sending;
use crate::channel::{CallScript, Outcome, RefusalClass};
use crate::phone::PhoneNumber;
use crate::simulator::Simulators;
use crate::speech::{self, Pcm, Speech};
use crate::verification::{Language, Texts};

mod path;
mod player;

use path::Path;
use player::{Player, Progress};

/// From the dialling to the hang-up where nobody answers: before most voice mailboxes do.
pub const RING_TIMEOUT: Duration = Duration::from_secs(45);
/// Times that a person may hear the PIN's part again.
const REPEATS_MAX: u8 = 2;

/// How the sound of a modem's calls is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Voice {
    /// No calls.
    None,
    /// A port that takes 8 kHz mono S16LE.
    Port(PortAddress),
    /// A sound card by its ALSA name.
    Card(String),
    /// The modem's own speech.
    Own,
}

/// What a call works with beside its line.
#[derive(Clone)]
pub struct Studio {
    pub speech: Arc<Speech>,
    pub simulators: Simulators,
}

/// What is to be said.
pub enum Said {
    /// The PIN, so many times.
    Pin { script: CallScript, readings: u8 },
    /// A sentence by hand, once.
    Text { text: String, language: Language, texts: Arc<Texts> },
}

/// A call in hand.
pub struct Calling {
    call: Call,
    calls: &'static Calls,
    voice: Voice,
    studio: Studio,
    asked: BTreeMap<CommandId, Asked>,
    /// The last command of the conversation.
    last: Option<CommandId>,
    path: Path,
    speech: Rendering,
    player: Option<Player>,
    answered: bool,
    /// Key 1 was pressed.
    again: bool,
    repeats: u8,
    fault: Option<String>,
    /// Nothing is played any more.
    is_over: bool,
    /// How late the latest frame of sound was.
    latest: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Call,
    Path,
    Speech,
}

enum Rendering {
    Under(AbortOnDropHandle<Result<Pcm, speech::SpeechError>>),
    Done(Arc<Pcm>),
    /// By the modem itself.
    Own(Recital),
    Failed,
}

/// What speech and sound tell.
pub enum News {
    Rendered(Result<Pcm, String>),
    Reading,
    Played(Result<Played, String>),
}

/// What the call wants of its driver.
pub enum CallingStep {
    /// Answer with [`Calling::permitted`].
    AskPermission,
    Wait(Option<Duration>),
    /// The end, and why nothing could be said.
    Done(CallEnd, Option<String>),
}

impl Calling {
    /// Begins to render at once.
    pub fn new(number: PhoneNumber, calls: &'static Calls, voice: Voice, said: Said, studio: Studio) -> Self {
        if voice == Voice::Own {
            return Self::by_itself(number, calls, &said, studio);
        }
        let hears_keys = !calls.keys.begins.is_empty() && matches!(said, Said::Pin { .. });
        let speech = Arc::clone(&studio.speech);
        let rendering = tokio::spawn(async move {
            match said {
                Said::Pin { script, readings } => {
                    let CallScript { purpose, pin, language, texts } = script;
                    let call = speech::Call { purpose: &purpose, pin: &pin, readings, hears_keys };
                    speech.render(&speech::Script::Call(call), language, &texts).await
                }
                Said::Text { text, language, texts } => {
                    speech.render(&speech::Script::Text(&text), language, &texts).await
                }
            }
        });
        let lines = path::begin_lines(&calls.sound, &voice);
        let speech = Rendering::Under(AbortOnDropHandle::new(rendering));
        Self::with(number, calls, voice, studio, lines, speech)
    }

    /// Nothing is rendered: the modem speaks, and English.
    fn by_itself(number: PhoneNumber, calls: &'static Calls, said: &Said, studio: Studio) -> Self {
        let Some(own) = &calls.speech else {
            let mut calling = Self::with(number, calls, Voice::Own, studio, &[], Rendering::Failed);
            calling.call.refuse_as("this make of modem has no speech of its own", Duration::ZERO);
            return calling;
        };
        let recital = match said {
            Said::Pin { script, readings } => {
                let spoken = script.texts.speech(&script.purpose, Language::ENGLISH);
                let sentences = Sentences {
                    greeting: spoken.greeting,
                    code_is: spoken.code_is,
                    again: spoken.again,
                    goodbye: spoken.goodbye,
                };
                Recital::new(own, &sentences, script.pin.reveal(), *readings)
            }
            Said::Text { text, .. } => Recital::sentence(own, text),
        };
        Self::with(number, calls, Voice::Own, studio, own.prepare, Rendering::Own(recital))
    }

    fn with(
        number: PhoneNumber,
        calls: &'static Calls,
        voice: Voice,
        studio: Studio,
        lines: &'static [&'static str],
        speech: Rendering,
    ) -> Self {
        Self {
            call: Call::new(number, calls, RING_TIMEOUT),
            calls,
            voice,
            studio,
            asked: BTreeMap::new(),
            last: None,
            path: Path::new(lines),
            speech,
            player: None,
            answered: false,
            again: false,
            repeats: 0,
            fault: None,
            is_over: false,
            latest: Duration::ZERO,
        }
    }

    /// Does what can be done now.
    pub fn poll<P>(&mut self, line: &mut Line<P>) -> CallingStep
    where
        P: AsyncRead + AsyncWrite + Unpin,
    {
        loop {
            match self.call.poll() {
                CallStep::AskPermission => return CallingStep::AskPermission,
                CallStep::Submit(command) => {
                    let id = line.submit(command);
                    self.last = Some(id);
                    self.asked.insert(id, Asked::Call);
                }
                CallStep::Interrupt => {
                    // A command that is over already needs no interruption.
                    let _ = self.last.is_some_and(|id| line.interrupt(id));
                }
                CallStep::Answered => {
                    self.answered = true;
                    self.path.open(line.now());
                }
                CallStep::Key('1') => self.again = true,
                CallStep::Key(_) => {}
                CallStep::Done(end) => {
                    self.player = None;
                    if self.answered {
                        for text in path::end_lines(&self.calls.sound, &self.voice) {
                            line.submit(path::command(text));
                        }
                    }
                    return CallingStep::Done(end, self.fault.take());
                }
                CallStep::Wait(due) => {
                    self.open_path(line);
                    self.play_when_ready();
                    let speech_due = match self.recite(line) {
                        Some(due) => due,
                        // It told the call something.
                        None => continue,
                    };
                    let dues = [due, self.path.due(), speech_due];
                    return CallingStep::Wait(dues.into_iter().flatten().min());
                }
            }
        }
    }

    pub fn permitted(&mut self, granted: bool, now: Duration) {
        if granted { self.call.permit(now) } else { self.call.refuse(now) }
    }

    /// Takes the reply to one of its commands; `Some`: it was another's.
    pub fn replied(
        &mut self,
        id: CommandId,
        result: Result<Reply, AtError>,
        now: Duration,
    ) -> Option<Result<Reply, AtError>> {
        match self.asked.remove(&id) {
            Some(Asked::Call) => self.call.replied(result, now),
            Some(Asked::Path) => {
                if let Err(fault) = self.path.replied(&result, now) {
                    self.fail(fault, now);
                }
            }
            Some(Asked::Speech) => {
                if let Rendering::Own(recital) = &mut self.speech {
                    recital.replied(&result, now);
                }
            }
            None => return Some(result),
        }
        None
    }

    /// A line that came unasked.
    pub fn unsolicited(&mut self, line: &str, now: Duration) {
        if let Rendering::Own(recital) = &mut self.speech {
            recital.unsolicited(line, now);
        }
        if let Some(sign) = call::sign(line, self.calls) {
            self.call.sign(sign, now);
        }
    }

    pub fn handle_timeout(&mut self, now: Duration) {
        self.call.handle_timeout(now);
        if let Rendering::Own(recital) = &mut self.speech {
            recital.handle_timeout(now);
        }
    }

    /// It is of no more use.
    pub fn withdraw(&mut self, now: Duration) {
        self.is_over = true;
        self.player = None;
        self.call.withdraw(now);
    }

    /// The port is gone, and the call with it.
    pub fn port_lost(&mut self, now: Duration) {
        self.call.port_lost(now);
    }

    /// Nothing is said yet: a stop need not wait for it.
    pub fn is_unanswered(&self) -> bool {
        !self.answered
    }

    pub fn stand(&self) -> CallStand {
        self.call.stand()
    }

    /// How late the latest frame of sound left.
    pub fn latest_frame(&self) -> Duration {
        self.latest
    }

    /// Waits for speech and sound. Nothing is lost if the future is dropped.
    pub async fn news(&mut self) -> News {
        if let Rendering::Under(rendering) = &mut self.speech {
            return match rendering.await {
                Ok(rendered) => News::Rendered(rendered.map_err(|error| error.to_string())),
                Err(_) => News::Rendered(Err("the speech could not be rendered: its task failed".to_owned())),
            };
        }
        let Some(player) = &mut self.player else { return std::future::pending().await };
        match player.progress().await {
            Progress::Reading => News::Reading,
            Progress::Ended(ended) => News::Played(ended),
        }
    }

    pub fn hear(&mut self, news: News, now: Duration) {
        match news {
            News::Rendered(Ok(pcm)) => self.speech = Rendering::Done(Arc::new(pcm)),
            News::Rendered(Err(fault)) => {
                self.speech = Rendering::Failed;
                self.fail(fault, now);
            }
            News::Reading => self.call.read_out(),
            News::Played(Ok(played)) => {
                self.player = None;
                self.latest = self.latest.max(played.latest);
                if std::mem::take(&mut self.again) && self.repeats < REPEATS_MAX {
                    self.repeats += 1;
                } else {
                    self.is_over = true;
                    self.call.spoken(now);
                }
            }
            News::Played(Err(fault)) => {
                self.player = None;
                self.fail(fault, now);
            }
        }
    }

    fn fail(&mut self, fault: String, now: Duration) {
        self.fault = Some(fault);
        self.is_over = true;
        self.call.mute(now);
    }

    /// Lets the modem speak. Gives when it wants to be asked again; `None`: the call has heard of it.
    fn recite<P>(&mut self, line: &mut Line<P>) -> Option<Option<Duration>>
    where
        P: AsyncRead + AsyncWrite + Unpin,
    {
        let (is_open, now) = (self.path.is_open(), line.now());
        let Rendering::Own(recital) = &mut self.speech else { return Some(None) };
        if is_open {
            recital.begin(now);
        }
        match recital.poll() {
            SpeechStep::Submit(command) => {
                self.asked.insert(line.submit(command), Asked::Speech);
                return Some(None);
            }
            SpeechStep::ReadOut => self.call.read_out(),
            SpeechStep::Done => self.call.spoken(now),
            SpeechStep::Failed(fault) => self.fail(fault, now),
            SpeechStep::Wait(due) => return Some(due),
        }
        None
    }

    fn open_path<P>(&mut self, line: &mut Line<P>)
    where
        P: AsyncRead + AsyncWrite + Unpin,
    {
        if let Some(command) = self.path.command(line.now()) {
            self.asked.insert(line.submit(command), Asked::Path);
        }
    }

    fn play_when_ready(&mut self) {
        let Rendering::Done(pcm) = &self.speech else { return };
        if self.player.is_some() || self.is_over || !self.path.is_open() {
            return;
        }
        let from = if self.repeats == 0 { 0 } else { pcm.code_at() };
        self.player = Some(Player::start(Arc::clone(pcm), from, self.voice.clone(), self.studio.clone()));
    }
}

/// The end of a call in the channel's words.
pub fn outcome(end: &CallEnd, fault: Option<String>) -> Outcome {
    match &end.outcome {
        CallOutcome::Spoken => Outcome::Spoken { rang: end.rang, talked: end.talked.unwrap_or_default() },
        CallOutcome::Unanswered(Unanswered::Mute) => Outcome::Refused {
            class: RefusalClass::OtherRoute,
            reason: fault.unwrap_or_else(|| Unanswered::Mute.to_string()),
        },
        CallOutcome::Unanswered(why) => Outcome::Unanswered { reason: why.to_string() },
        CallOutcome::Refused { class, reason } => {
            Outcome::Refused { class: sending::refusal(*class), reason: reason.clone() }
        }
        CallOutcome::Uncertain { reason } => Outcome::Uncertain { references: vec![], reason: reason.clone() },
        CallOutcome::Returned => Outcome::Returned,
    }
}
