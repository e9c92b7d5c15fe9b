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
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::at::{AtError, Command, CommandId, Priority, Reply};
use super::audio::{self, Card, Played};
use super::call::{self, Call, CallEnd, CallOutcome, CallStep, Unanswered};
use super::line::Line;
use super::own_speech::{Recital, Sentences, SpeechStep};
use super::port::{self, PortAddress};
use super::profile::{Calls, Sound};
use super::sending;
use crate::channel::{CallScript, Outcome, RefusalClass};
use crate::phone::PhoneNumber;
use crate::simulator::Simulators;
use crate::speech::{self, Pcm, Speech};
use crate::verification::{Language, Texts};

/// From the dialling to the hang-up where nobody answers: before most voice mailboxes do.
pub const RING_TIMEOUT: Duration = Duration::from_secs(45);
/// Some modems open their sound path only some seconds after the answer.
const PATH_OPENS_WITHIN: Duration = Duration::from_secs(12);
const PATH_INTERVAL: Duration = Duration::from_millis(500);
const PATH_TIMEOUT: Duration = Duration::from_secs(3);
/// Times that a person may hear the PIN's part again.
const REPEATS_MAX: u8 = 2;
/// What the player may be ahead of the driver.
const NEWS_MAX: usize = 64;

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

/// The modem's own switch for the sound.
struct Path {
    lines: &'static [&'static str],
    next: usize,
    out: bool,
    again_at: Option<Duration>,
    deadline: Duration,
}

enum Rendering {
    Under(AbortOnDropHandle<Result<Pcm, speech::SpeechError>>),
    Done(Arc<Pcm>),
    /// By the modem itself.
    Own(Recital),
    Failed,
}

struct Player {
    news: mpsc::Receiver<Progress>,
    _task: AbortOnDropHandle<()>,
}

#[derive(Debug)]
enum Progress {
    Reading,
    Ended(Result<Played, String>),
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
        let lines = begin_lines(&calls.sound, &voice);
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
            path: Path { lines, next: 0, out: false, again_at: None, deadline: Duration::ZERO },
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
                    self.path.deadline = line.now() + PATH_OPENS_WITHIN;
                    self.path.again_at = Some(line.now());
                }
                CallStep::Key('1') => self.again = true,
                CallStep::Key(_) => {}
                CallStep::Done(end) => {
                    self.player = None;
                    if self.answered {
                        for text in end_lines(&self.calls.sound, &self.voice) {
                            line.submit(Command::new(*text).within(PATH_TIMEOUT).at_priority(Priority::Call));
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
                    let dues = [due, self.path.again_at, speech_due];
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
            Some(Asked::Path) => self.path_replied(&result, now),
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
        match player.news.recv().await {
            Some(Progress::Reading) => News::Reading,
            Some(Progress::Ended(ended)) => News::Played(ended),
            None => News::Played(Err("the player failed".to_owned())),
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
        let (is_open, now) = (self.path_is_open(), line.now());
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

    fn path_is_open(&self) -> bool {
        self.answered && self.path.next >= self.path.lines.len()
    }

    fn open_path<P>(&mut self, line: &mut Line<P>)
    where
        P: AsyncRead + AsyncWrite + Unpin,
    {
        if !self.answered || self.path.out || self.path.again_at.is_none_or(|at| line.now() < at) {
            return;
        }
        self.path.again_at = None;
        if let Some(text) = self.path.lines.get(self.path.next) {
            self.path.out = true;
            let command = Command::new(*text).within(PATH_TIMEOUT).at_priority(Priority::Call);
            self.asked.insert(line.submit(command), Asked::Path);
        }
    }

    fn path_replied(&mut self, result: &Result<Reply, AtError>, now: Duration) {
        self.path.out = false;
        match result {
            Ok(_) => {
                self.path.next += 1;
                self.path.again_at = Some(now);
            }
            // Only the last one opens it; what stands before may be unknown to a firmware.
            Err(_) if self.path.next + 1 < self.path.lines.len() => {
                self.path.next += 1;
                self.path.again_at = Some(now);
            }
            Err(_) if now < self.path.deadline => self.path.again_at = Some(now + PATH_INTERVAL),
            Err(error) => self.fail(format!("the modem's sound path does not open: {error}"), now),
        }
    }

    fn play_when_ready(&mut self) {
        let Rendering::Done(pcm) = &self.speech else { return };
        if self.player.is_some() || self.is_over || !self.path_is_open() {
            return;
        }
        let (sender, news) = mpsc::channel(NEWS_MAX);
        let (pcm, voice, studio) = (Arc::clone(pcm), self.voice.clone(), self.studio.clone());
        let from = if self.repeats == 0 { 0 } else { pcm.code_at() };
        let task = tokio::spawn(async move {
            let mut said = pcm.readings().iter().filter(|end| **end > from).count();
            let ended = play(&voice, &studio, &pcm, from, |reached| {
                let left = pcm.readings().iter().filter(|end| **end > reached).count();
                while said > left {
                    said -= 1;
                    // The driver counts readings; with a full queue it has enough of them.
                    let _ = sender.try_send(Progress::Reading);
                }
            });
            let ended = ended.await.map_err(|error| format!("the sound cannot be played: {error}"));
            // Without a reader the call is over.
            let _ = sender.send(Progress::Ended(ended)).await;
        });
        self.player = Some(Player { news, _task: AbortOnDropHandle::new(task) });
    }
}

async fn play(
    voice: &Voice,
    studio: &Studio,
    pcm: &Pcm,
    from: usize,
    mut reached: impl FnMut(usize),
) -> std::io::Result<Played> {
    let samples = &pcm.samples()[from..];
    let mark = |count: usize| reached(from + count);
    match voice {
        Voice::None | Voice::Own => Err(std::io::Error::other("no sound goes to this modem")),
        Voice::Port(address) => {
            let mut port = port::open_sound(address, &studio.simulators).await.map_err(std::io::Error::other)?;
            audio::play(&mut port, samples, mark).await
        }
        Voice::Card(device) => {
            let mut card = Card::open(device)?;
            let played = audio::play(&mut card, samples, mark).await;
            // What the player complains about says more than a broken pipe.
            match (played, card.finish().await) {
                (Ok(played), Ok(())) => Ok(played),
                (_, Err(error)) | (Err(error), Ok(())) => Err(error),
            }
        }
    }
}

fn begin_lines(sound: &Sound, voice: &Voice) -> &'static [&'static str] {
    match (sound, voice) {
        (Sound::Port { begin, .. }, Voice::Port(_)) => begin,
        (Sound::Card { begin_on_port, .. }, Voice::Port(_)) => begin_on_port,
        (Sound::Card { begin, .. }, Voice::Card(_)) => begin,
        // Wires, or what the operator knows better than the table.
        (Sound::Nowhere | Sound::Wires, _) | (Sound::Port { .. }, Voice::Card(_)) | (_, Voice::None | Voice::Own) => {
            &[]
        }
    }
}

fn end_lines(sound: &Sound, voice: &Voice) -> &'static [&'static str] {
    match (sound, voice) {
        (Sound::Port { end, .. }, Voice::Port(_)) | (Sound::Card { end, .. }, Voice::Port(_) | Voice::Card(_)) => end,
        (Sound::Nowhere | Sound::Wires, _) | (Sound::Port { .. }, Voice::Card(_)) | (_, Voice::None | Voice::Own) => {
            &[]
        }
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
