//! The daemon is killed while requests stream in; nothing that was accepted is lost.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use simverify::random::Random;

use crate::client::{Client, number};
use crate::daemon::{Daemon, START};
use crate::installation::{Installation, OPEN_ATTEMPTS};
use crate::modem::settle;

const KILLS: usize = 21;

/// The last log line before a kill is one of the first so many, from those of the start on.
const LINES: usize = 220;

const CALLERS: usize = 2;

/// Log lines between two requests: about what the sending of one SMS writes, so that no great backlog grows.
const PACE: usize = 20;

/// A daemon that has said nothing for so long gets another request.
const QUIET: Duration = Duration::from_millis(100);

/// What the callers have asked for.
#[derive(Default)]
struct Asked {
    numbers: AtomicUsize,
    accepted: Mutex<BTreeSet<String>>,
}

impl Asked {
    /// Asks once for each turn, until the daemon is gone.
    fn stream(&self, client: Client, turns: &Receiver<()>) {
        for () in turns {
            let number = number(self.numbers.fetch_add(1, Ordering::Relaxed));
            let Ok(reply) = client.request(&number) else { return };
            assert_eq!(reply["status"], "0", "{reply}");
            self.accepted.lock().expect("no panic").insert(number);
        }
    }
}

/// A caller that has not ended its turn gets no other.
fn give_turns(callers: &[SyncSender<()>]) {
    for caller in callers {
        let _ = caller.try_send(());
    }
}

/// Kills the daemon when it has written so many lines to its log, while requests are on their way.
fn kill_after(lines: usize, mut daemon: Daemon, asked: &Asked) {
    std::thread::scope(|scope| {
        let mut callers: Vec<SyncSender<()>> = vec![];
        for index in 1..=lines {
            // Before it listens nobody can ask: its lines alone count.
            match daemon.next(if callers.is_empty() { START } else { QUIET }) {
                Ok(line) if callers.is_empty() => {
                    let Some(client) = daemon.note_address(&line) else { continue };
                    callers.extend((0..CALLERS).map(|_| {
                        let (turn, turns) = mpsc::sync_channel(1);
                        scope.spawn(move || asked.stream(client, &turns));
                        turn
                    }));
                }
                Ok(_) if index % PACE != 0 => continue,
                Err(RecvTimeoutError::Timeout) if callers.is_empty() => panic!("it is quiet:\n{}", daemon.transcript()),
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => panic!("it has ended by itself:\n{}", daemon.transcript()),
            }
            give_turns(&callers);
        }
        give_turns(&callers);
        daemon.kill();
    });
}

#[test]
fn every_accepted_request_is_sent_however_often_the_daemon_is_killed() {
    let installation = Installation::new();
    installation.configure("", "simverify=trace,info", &installation.link());
    let mut modem = installation.modem(&[]);
    let asked = Asked::default();
    let seed = u64::from_le_bytes(Random::System.bytes());
    println!("seed {seed}");
    let random = Random::seeded(seed);
    for _ in 0..KILLS {
        let lines = 1 + usize::from(u16::from_le_bytes(random.bytes())) % LINES;
        kill_after(lines, Daemon::spawn(installation.serve()), &asked);
    }

    let accepted = asked.accepted.into_inner().expect("no panic");
    assert!(accepted.len() > KILLS, "only {} requests were accepted", accepted.len());
    let mut daemon = installation.daemon();
    settle(&installation, &mut daemon);
    daemon.stop();
    modem.stop();

    let lost: Vec<_> = accepted.iter().filter(|number| !modem.shown.contains_key(&format!("+{number}"))).collect();
    assert!(lost.is_empty(), "{lost:?}");
    let most = modem.shown.values().map(|(times, _)| *times).max();
    assert!(most <= Some(2), "an SMS came {most:?} times");
    assert_eq!(installation.count(OPEN_ATTEMPTS), 0);
    let stuck = "select count(*) from verification where state not in ('waiting', 'closing')";
    assert_eq!(installation.count(stuck), 0);
    installation.assert_intact();
}
