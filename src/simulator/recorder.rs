//! Writes the recordings of calls into a directory: `call-1.wav`, `call-2.wav` …, each whole or not at all.
//!
//! A task of its own, so that the modem waits for no disk. The files are for their owner alone: they speak a PIN.

use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use tokio::sync::{broadcast, mpsc};
use tokio::task::{JoinHandle, spawn_blocking};

use super::event::PhoneEvent;
use super::recording::RecordedCall;

/// Calls that wait for the disk; the modem waits for room.
const CALLS_MAX: usize = 4;

pub(super) struct Recorder {
    calls: mpsc::Sender<RecordedCall>,
    task: JoinHandle<io::Result<()>>,
}

impl Recorder {
    /// Makes the directory if it is not there.
    pub(super) async fn start(directory: PathBuf, events: broadcast::Sender<PhoneEvent>) -> io::Result<Self> {
        let directory = spawn_blocking(|| make_directory(directory)).await.map_err(io::Error::other)??;
        let (calls, received) = mpsc::channel(CALLS_MAX);
        Ok(Self { calls, task: tokio::spawn(write_all(directory, received, events)) })
    }

    pub(super) async fn write(&mut self, call: RecordedCall) -> io::Result<()> {
        match self.calls.send(call).await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.failed().await),
        }
    }

    /// Returns when a file could not be written.
    pub(super) async fn failed(&mut self) -> io::Error {
        match (&mut self.task).await {
            Ok(Err(error)) => error,
            Ok(Ok(())) => io::Error::other("recording ended unexpectedly"),
            Err(error) => io::Error::other(error),
        }
    }

    /// Writes what waits.
    pub(super) async fn finish(self) -> io::Result<()> {
        drop(self.calls);
        self.task.await.map_err(io::Error::other)?
    }
}

fn make_directory(directory: PathBuf) -> io::Result<PathBuf> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory);
    made.map_err(|error| told(&error, "make the directory", &directory))?;
    Ok(directory)
}

async fn write_all(
    directory: PathBuf,
    mut calls: mpsc::Receiver<RecordedCall>,
    events: broadcast::Sender<PhoneEvent>,
) -> io::Result<()> {
    let mut number = 0;
    while let Some(RecordedCall { number: called, seconds, wav }) = calls.recv().await {
        let place = directory.clone();
        let written = spawn_blocking(move || write(&place, number, &wav)).await.map_err(io::Error::other)?;
        let (file, written_as) = written?;
        number = written_as;
        // Without listeners an event has nobody to reach.
        let _ = events.send(PhoneEvent::Recorded { number: called, file: file.display().to_string(), seconds });
    }
    Ok(())
}

/// Writes the file with the next free number after `last`; files of an earlier run stay.
fn write(directory: &Path, last: u64, wav: &[u8]) -> io::Result<(PathBuf, u64)> {
    let free = (last + 1..).map(|number| (directory.join(format!("call-{number}.wav")), number));
    let (file, number) = free
        .into_iter()
        .find(|(file, _)| std::fs::symlink_metadata(file).is_err())
        .ok_or_else(|| io::Error::other("no number is left for a recording"))?;
    let beside = directory.join(format!(".call-{number}.wav.{}.new", std::process::id()));
    let written = write_beside(&beside, wav).and_then(|()| std::fs::rename(&beside, &file));
    written.map_err(|error| {
        let _ = std::fs::remove_file(&beside);
        told(&error, "write the recording", &file)
    })?;
    Ok((file, number))
}

fn write_beside(beside: &Path, wav: &[u8]) -> io::Result<()> {
    // Left over only by a process of the same number that was killed here.
    let _ = std::fs::remove_file(beside);
    std::fs::File::options().write(true).create_new(true).mode(0o600).open(beside)?.write_all(wav)
}

fn told(error: &io::Error, what: &str, path: &Path) -> io::Error {
    io::Error::new(error.kind(), format!("cannot {what} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_recording_is_whole_for_its_owner_alone_and_overwrites_nothing() {
        let directory = tempfile::TempDir::new().unwrap();
        std::fs::write(directory.path().join("call-2.wav"), "precious").unwrap();
        let (file, number) = write(directory.path(), 0, b"one").unwrap();
        assert_eq!((file, number), (directory.path().join("call-1.wav"), 1));
        let (file, number) = write(directory.path(), 1, b"three").unwrap();
        assert_eq!((&file, number), (&directory.path().join("call-3.wav"), 3));
        assert_eq!(std::fs::read(&file).unwrap(), b"three");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read(directory.path().join("call-2.wav")).unwrap(), b"precious");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 3, "nothing is left beside the files");
    }

    #[test]
    fn a_directory_that_cannot_be_is_named() {
        let directory = tempfile::TempDir::new().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = make_directory(file.join("calls")).unwrap_err().to_string();
        assert!(error.contains("cannot make the directory") && error.contains("file/calls"), "{error}");
        let error = write(&directory.path().join("gone"), 0, b"").unwrap_err().to_string();
        assert!(error.contains("cannot write the recording") && error.contains("gone/call-1.wav"), "{error}");
    }
}
