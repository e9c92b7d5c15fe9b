//! What a call says, as samples: a PIN's phrase, a synthesiser, the telephone's band.
//!
//! The synthesiser is a program of its own: espeak-ng, or the operator's command. Rendering takes from a tenth of a second to
//! half a minute, so it is never in the way of a request: whoever calls renders before dialling. No PIN is an argument of
//! a process, stands in an error or stays in the cache.

mod audio;
mod cache;
mod phrase;
mod synthesiser;
mod utterance;
mod voice;
mod wav;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::verification::{Language, Pin, Purpose, Texts};
use audio::Clip;
use cache::{Cache, Key};
use phrase::{Lengths, Part, Segment};
use synthesiser::{Limits, Utterance, synthesise};

pub use audio::Pcm;
pub use synthesiser::{Engine, SpeechError};

/// Programs at the same time: a Raspberry Pi has cores left for the modems then, and memory for two neural voices.
const PROGRAMS_MAX: usize = 2;
/// A greeting with a brand; who hears a longer one hangs up. What names a payment is said whole: the payer has to be told
/// payee and amount (Delegated Regulation (EU) 2018/389, article 5).
const GREETING_MAX: Duration = Duration::from_secs(3);

/// What is to be said.
#[derive(Clone, Copy)]
pub enum Script<'a> {
    Call(Call<'a>),
    /// A sentence by hand, once.
    Text(&'a str),
}

/// A call that tells a PIN.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    pub purpose: &'a Purpose,
    pub pin: &'a Pin,
    /// Readings of the PIN; fewer where the call would take too long.
    pub readings: u8,
    /// The modem reports the keys that are pressed: "press 1 to hear it again" is said.
    pub hears_keys: bool,
}

/// Renders calls, and keeps what many of them say.
pub struct Speech {
    synthesiser: Arc<Synthesiser>,
    cache: Mutex<Cache>,
}

struct Synthesiser {
    engine: Engine,
    limits: Limits,
    programs: Semaphore,
}

/// One or more utterances that are rendered together, and where the cache has them.
struct Wanted {
    key: Option<Key>,
    utterances: Vec<Utterance>,
}

/// A piece of speech from what a synthesiser wrote: samples in the telephone's band and at its level.
///
/// # Errors
///
/// Why it cannot be played, as it reads on behind the synthesiser's name.
pub fn read(wav: &[u8]) -> Result<Vec<i16>, String> {
    Clip::from_wav(wav).map(|clip| clip.samples().to_vec()).map_err(|reason| reason.to_string())
}

impl Speech {
    pub fn new(engine: Engine) -> Self {
        Self::with_limits(engine, Limits::DEFAULT)
    }

    fn with_limits(engine: Engine, limits: Limits) -> Self {
        let programs = Semaphore::new(PROGRAMS_MAX);
        Self { synthesiser: Arc::new(Synthesiser { engine, limits, programs }), cache: Mutex::default() }
    }

    pub fn engine(&self) -> &Engine {
        &self.synthesiser.engine
    }

    /// Renders what a call says in `language`, or in the one that the engine speaks instead of it.
    ///
    /// Dropping the future kills the programs that it waits for.
    ///
    /// # Errors
    ///
    /// The first thing that fails, in words that hold nothing of what was to be said.
    pub async fn render(&self, script: &Script<'_>, language: Language, texts: &Texts) -> Result<Pcm, SpeechError> {
        let language = self.engine().speaks(language);
        match script {
            Script::Call(call) => self.call(call, language, texts).await,
            Script::Text(text) => self.text(text, language).await,
        }
    }

    async fn text(&self, text: &str, language: Language) -> Result<Pcm, SpeechError> {
        let wanted = Wanted { key: None, utterances: vec![utterance::sentence(language, text)] };
        let clips = self.clips(vec![wanted]).await?;
        let clip = &clips[0][0];
        let silence = phrase::AROUND_TEXT;
        let length = clip.length() + 2 * silence;
        within_a_call(length)?;
        let mut pcm = Pcm::with_room(length);
        pcm.add_silence(silence);
        pcm.add(clip);
        pcm.add_silence(silence);
        Ok(pcm)
    }

    async fn call(&self, call: &Call<'_>, language: Language, texts: &Texts) -> Result<Pcm, SpeechError> {
        let spoken = texts.speech(call.purpose, language);
        let kept = |text: &str| Wanted {
            key: Some(Key::Sentence(language, text.to_owned())),
            utterances: vec![utterance::sentence(language, text)],
        };
        let letters = utterance::letters(call.pin, language, texts);
        let mut wanted = vec![
            Wanted { key: Some(Key::Digits(language)), utterances: utterance::digits(language) },
            // The letters of one PIN tell of it: they are rendered for each call.
            Wanted { key: None, utterances: letters.values().cloned().collect() },
            kept(&spoken.code_is),
            kept(&spoken.again),
            kept(&spoken.goodbye),
        ];
        if call.hears_keys {
            wanted.push(kept(&spoken.hear_again));
        }
        let (greeting, clips) =
            tokio::try_join!(self.greeting(call.purpose, &spoken.greeting, language), self.clips(wanted))?;
        let letters: BTreeMap<char, &Clip> = letters.into_keys().zip(clips[1].iter()).collect();
        let character = |character: char| match character.to_digit(10) {
            Some(digit) => &clips[0][digit as usize],
            None => letters[&character],
        };
        let characters: Vec<&Clip> = call.pin.reveal().chars().map(character).collect();
        let clip = |part: Part| match part {
            Part::Greeting => &greeting,
            Part::CodeIs => &clips[2][0],
            Part::Character(place) => characters[place],
            Part::Again => &clips[3][0],
            Part::Goodbye => &clips[4][0],
            Part::HearAgain => &clips[5][0],
        };
        let lengths = Lengths {
            greeting: greeting.length(),
            code_is: clip(Part::CodeIs).length(),
            characters: characters.iter().map(|clip| clip.length()).collect(),
            again: clip(Part::Again).length(),
            hear_again: call.hears_keys.then(|| clip(Part::HearAgain).length()),
            goodbye: clip(Part::Goodbye).length(),
        };
        let segments = phrase::call(&lengths, call.readings);
        let length = phrase::length(&lengths, &segments);
        within_a_call(length)?;
        let mut pcm = Pcm::with_room(length);
        let last = Part::Character(characters.len() - 1);
        for segment in segments {
            match segment {
                Segment::Silence(length) => pcm.add_silence(length),
                Segment::Said(part) => {
                    if part == Part::CodeIs {
                        pcm.begins_code();
                    }
                    pcm.add(clip(part));
                    if part == last {
                        pcm.ends_reading();
                    }
                }
            }
        }
        Ok(pcm)
    }

    async fn greeting(&self, purpose: &Purpose, text: &str, language: Language) -> Result<Clip, SpeechError> {
        let utterance = utterance::sentence(language, text);
        let is_payment = match purpose {
            Purpose::Number { .. } => false,
            Purpose::Payment { .. } => true,
        };
        if is_payment {
            // Amount and payee are of one person alone.
            let clips = self.clips(vec![Wanted { key: None, utterances: vec![utterance] }]).await?;
            return Ok(clips[0][0].clone());
        }
        let key = Key::Sentence(language, text.to_owned());
        let clips = self.clips(vec![Wanted { key: Some(key.clone()), utterances: vec![utterance.clone()] }]).await?;
        let mut clip = clips[0][0].clone();
        if clip.length() <= GREETING_MAX {
            return Ok(clip);
        }
        if let Some(faster) = utterance.to_last(clip.length(), GREETING_MAX, self.engine()) {
            let clips = self.clips(vec![Wanted { key: None, utterances: vec![faster] }]).await?;
            clip = clips[0][0].clone();
        }
        let clip = clip.cut(GREETING_MAX);
        self.lock().put(key, Arc::new([clip.clone()]));
        Ok(clip)
    }

    /// The clips of each, from the cache or rendered.
    async fn clips(&self, wanted: Vec<Wanted>) -> Result<Vec<Arc<[Clip]>>, SpeechError> {
        let mut found: Vec<Option<Arc<[Clip]>>> =
            wanted.iter().map(|wanted| wanted.key.as_ref().and_then(|key| self.lock().get(key))).collect();
        let missing = |place: &usize| found[*place].is_none();
        let places: Vec<usize> = (0..wanted.len()).filter(missing).collect();
        let utterances = places.iter().flat_map(|&place| wanted[place].utterances.iter().cloned());
        let mut rendered = self.rendered(utterances).await?.into_iter();
        for place in places {
            let clips: Arc<[Clip]> = rendered.by_ref().take(wanted[place].utterances.len()).collect();
            if let Some(key) = &wanted[place].key {
                self.lock().put(key.clone(), Arc::clone(&clips));
            }
            found[place] = Some(clips);
        }
        Ok(found.into_iter().flatten().collect())
    }

    /// The clips of `utterances` in their order, rendered side by side.
    async fn rendered(&self, utterances: impl Iterator<Item = Utterance>) -> Result<Vec<Clip>, SpeechError> {
        let mut programs = JoinSet::new();
        for (place, utterance) in utterances.enumerate() {
            let synthesiser = Arc::clone(&self.synthesiser);
            programs.spawn(async move { synthesiser.said(&utterance).await.map(|clip| (place, clip)) });
        }
        let mut clips = BTreeMap::new();
        while let Some(ended) = programs.join_next().await {
            match ended {
                Ok(rendered) => clips.extend([rendered?]),
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                // The runtime ends.
                Err(_) => return Err(SpeechError::stopped(self.engine())),
            }
        }
        Ok(clips.into_values().collect())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Synthesiser {
    async fn said(&self, utterance: &Utterance) -> Result<Clip, SpeechError> {
        let _permit = self.programs.acquire().await.map_err(|_| SpeechError::stopped(&self.engine))?;
        synthesise(&self.engine, self.limits, utterance).await
    }
}

fn within_a_call(length: Duration) -> Result<(), SpeechError> {
    let limit = phrase::CALL_MAX;
    if length <= limit { Ok(()) } else { Err(SpeechError::TooLong { length, limit }) }
}

#[cfg(test)]
mod tests;
