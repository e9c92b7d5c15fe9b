//! The playing of a call's samples: a task of its own, which tells how far it has come.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::super::audio::{self, Card, Played};
use super::super::port;
use super::{Studio, Voice};
use crate::speech::Pcm;

/// What the task may be ahead of the driver.
const NEWS_MAX: usize = 64;

/// Dropped, it plays no more.
pub(super) struct Player {
    news: mpsc::Receiver<Progress>,
    _task: AbortOnDropHandle<()>,
}

#[derive(Debug)]
pub(super) enum Progress {
    /// The PIN was read out once more.
    Reading,
    Ended(Result<Played, String>),
}

impl Player {
    /// Plays from the sample at `from` on.
    pub(super) fn start(pcm: Arc<Pcm>, from: usize, voice: Voice, studio: Studio) -> Self {
        let (sender, news) = mpsc::channel(NEWS_MAX);
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
        Self { news, _task: AbortOnDropHandle::new(task) }
    }

    /// Nothing is lost if the future is dropped.
    pub(super) async fn progress(&mut self) -> Progress {
        self.news.recv().await.unwrap_or_else(|| Progress::Ended(Err("the player failed".to_owned())))
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
