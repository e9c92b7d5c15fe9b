//! How soon a person who answers hears something, and how evenly the sound of a call comes while the API is under load.
//!
//! Sound goes to a second pty, whose far end notes when each frame came. What is measured is what a modem would see: its
//! lateness holds that of the far end's own thread.

use std::io::Read;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use anyhow::Context;
use simverify::modem::profile::{Profile, Sound};
use simverify::simulator::{PROFILES, Settings, SoundCommands};

use crate::client::{Client, flood_until};
use crate::modem::{Modem, What, raw_pty};
use crate::service::{CHEAP_HASH, DEFAULT_HASH, Installation};
use crate::table::{Against, Sample, Table, millis, rounded};

/// Calls to each make.
const CALLS: u32 = 10;
/// A real modem takes so long for an answer.
const LATENCY: &str = "30ms";
/// Of the virtual modem's numbers: answered and hung up after 2 s; answered by somebody who presses 1 after 5 s.
const ANSWERED_BRIEFLY: &str = "0018";
const PRESSES_KEY: &str = "0019";
/// 20 ms of 8 kHz and 16 bits.
const FRAME_OCTETS: usize = 320;
const FRAME: Duration = Duration::from_millis(20);
const CONNECTIONS: u32 = 32;
/// Nothing is played for so long: the call is over, or has not begun.
const SILENT: Duration = Duration::from_secs(30);

/// The modem's port for sound.
struct Ear {
    path: PathBuf,
    /// When octets came, and how many.
    heard: Receiver<(Instant, usize)>,
    _slave: std::os::fd::OwnedFd,
}

impl Ear {
    fn open() -> anyhow::Result<Self> {
        let (mut master, slave, path) = raw_pty()?;
        let (sender, heard) = mpsc::channel();
        std::thread::Builder::new().name("ear".to_owned()).spawn(move || {
            let mut octets = [0; 16 * FRAME_OCTETS];
            while let Ok(count @ 1..) = master.read(&mut octets) {
                if sender.send((Instant::now(), count)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { path, heard, _slave: slave })
    }
}

/// From the answer at the phone to the first frame at the modem, for each make that calls, all of them at the same time.
pub fn answer_to_sound(table: &mut Table) -> anyhow::Result<()> {
    let makes = PROFILES.iter().filter(|make| {
        let sound = &Profile::of(make.maker, make.model).calls.sound;
        let has_switch = matches!(sound, Sound::Nowhere | Sound::Wires) || make.sound != SoundCommands::None;
        !make.lacks.contains(&"D") && has_switch
    });
    let threads: Vec<_> = makes.map(|make| (make.name, std::thread::spawn(move || answers_of(make.name)))).collect();
    for (name, thread) in threads {
        let millis = thread.join().map_err(|_| anyhow::anyhow!("{name} panicked"))?.with_context(|| name)?;
        let sample = Sample::new(millis)?;
        let what = format!(
            "answer to the first frame of sound, {name}, n = {CALLS}: median {} ms, longest",
            rounded(sample.quantile(0.5))
        );
        table.figure(what, sample.quantile(1.0), "ms", Against::AtMost(300.0));
    }
    Ok(())
}

fn answers_of(make: &str) -> anyhow::Result<Vec<f64>> {
    // No multiple of the interval in which a list of calls is asked, so that answers fall on each of its moments.
    let settings = Settings::default().with("profile", make).with("boot", "0").with("latency", LATENCY);
    let modem = Modem::start(settings.with("answer-after", "1037ms"))?;
    let ear = Ear::open()?;
    let installation = Installation::calling(&modem.path, &ear.path, CHEAP_HASH)?;
    let service = installation.start()?;
    service.wait_for_modem()?;
    let mut client = Client::connect(service.address)?;
    let mut waits = vec![];
    // The first call is none that counts: a dozen daemons render their speech for it at the same time.
    for _ in 0..=CALLS {
        client.call(ANSWERED_BRIEFLY, "4711")?;
        let answered = modem.wait(What::Answered)?;
        let (first, _) = ear.heard.recv_timeout(SILENT).context("no sound")?;
        waits.push(millis(first - answered));
        modem.wait(What::Ended)?;
        service.wait_for_log("the call is over")?;
        while ear.heard.try_recv().is_ok() {}
    }
    waits.remove(0);
    Ok(waits)
}

/// How late each frame of a long call is, against the first one, while the API takes all requests that it can.
pub fn sound_under_load(table: &mut Table) -> anyhow::Result<()> {
    let modem = Modem::start(Settings::default().with("profile", "sim7600").with("boot", "0"))?;
    let ear = Ear::open()?;
    let installation = Installation::calling(&modem.path, &ear.path, DEFAULT_HASH)?;
    let service = installation.start()?;
    service.wait_for_modem()?;
    // The longest PIN, and a key that asks to hear it again.
    Client::connect(service.address)?.call(PRESSES_KEY, "4711302814")?;
    let enough = AtomicBool::new(false);
    let (frames, requests, log) = std::thread::scope(|scope| -> anyhow::Result<_> {
        let flood = scope.spawn(|| flood_until(service.address, CONNECTIONS, &enough));
        let heard = frames(&ear, &modem);
        let log = service.wait_for_log("the call is over");
        enough.store(true, Ordering::Relaxed);
        let requests = flood.join().map_err(|_| anyhow::anyhow!("the clients panicked"))??;
        Ok((heard?, requests, log?))
    })?;
    let sample = Sample::new(lateness(&frames))?;
    let seconds = (frames[frames.len() - 1] - frames[0]).as_secs_f64();
    let rate = requests as f64 / seconds;
    let told = log.split("latest_frame=").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap_or("?");
    let what = format!(
        "late for the ear, latest frame of a call of {} s at {} requests/s (half of them by {} ms, 99 of 100 by {} ms; sent late by {told})",
        rounded(seconds.round()),
        rounded(rate),
        rounded(sample.quantile(0.5)),
        rounded(sample.quantile(0.99))
    );
    table.figure(what, sample.quantile(1.0), "ms", Against::AtMost(40.0));
    Ok(())
}

/// How much too late each frame came for a modem that plays one after the other from the first on; below zero: it waited.
fn lateness(frames: &[Instant]) -> Vec<f64> {
    let mut due = frames[0];
    let late = |came: &Instant| {
        let late = millis(came.saturating_duration_since(due)) - millis(due.saturating_duration_since(*came));
        due = due.max(*came) + FRAME;
        late
    };
    frames.iter().map(late).collect()
}

/// When each frame of a call was there whole.
fn frames(ear: &Ear, modem: &Modem) -> anyhow::Result<Vec<Instant>> {
    modem.wait(What::Answered)?;
    let (mut frames, mut octets) = (vec![], 0);
    // The call ends with the sound, or is long enough.
    while let Ok((at, count)) = ear.heard.recv_timeout(Duration::from_secs(5)) {
        octets += count;
        while frames.len() < octets / FRAME_OCTETS {
            frames.push(at);
        }
    }
    anyhow::ensure!(!frames.is_empty(), "no sound");
    Ok(frames)
}
