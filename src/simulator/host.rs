//! Runs a [`VirtualModem`]: carries its bytes, keeps its time, passes its events on.
//!
//! One task owns the modem and its ports. It waits for bytes, sound, controls or the instant that the modem asked for,
//! and for nothing else: no polling, so that an answer leaves as soon as the command is in.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::DuplexStream;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::control::Control;
use super::event::{PhoneEvent, ReportEvent};
use super::line::{Line, READ_BYTES, Turn};
use super::pty::Pty;
use super::recorder::Recorder;
use super::screen::{Screen, Shown, ShownWhat};
use super::settings::Settings;
use super::sound::WIDE;
use super::virtual_modem::{Output, PortChange, VirtualModem};
use crate::clock::Clock;

/// Events that a slow listener may lag behind before it misses some.
const EVENTS_MAX: usize = 4096;
const REQUESTS_MAX: usize = 256;
/// Answers that wait for a reader.
const UNREAD_MAX: usize = 64 * 1024;
/// Sound that waits for a reader, 100 ms of it or more: a call has no use for what comes later still.
const UNHEARD_MAX: usize = 5 * WIDE;
/// How far ahead an idle modem sleeps; any request wakes it.
const IDLE: Duration = Duration::from_secs(24 * 3600);

/// A running virtual modem. Clones speak to the same one; it ends when the last is dropped.
#[derive(Clone)]
pub struct Simulator {
    requests: mpsc::Sender<Request>,
    events: broadcast::Sender<PhoneEvent>,
    reports: broadcast::Sender<ReportEvent>,
    screen: Screen,
}

/// What becomes of a simulator on a pty: its devices, and its end.
pub struct PtyTask {
    /// The device that the link names at start.
    pub device: String,
    /// The same of the link for sound.
    pub sound_device: Option<String>,
    task: JoinHandle<io::Result<()>>,
}

enum Request {
    Control(Control),
    Open(oneshot::Sender<io::Result<DuplexStream>>),
    OpenAudio(oneshot::Sender<io::Result<DuplexStream>>),
    Record(PathBuf, oneshot::Sender<io::Result<()>>),
    Settings(oneshot::Sender<BTreeMap<String, String>>),
    Stop,
}

impl Simulator {
    /// Starts a modem whose ports are opened with [`Simulator::open`] and [`Simulator::open_audio`]. Call it within a
    /// tokio runtime.
    pub fn start(settings: Settings) -> Self {
        let (simulator, host) = Self::prepare(settings, Line::in_process(UNREAD_MAX), Line::in_process(UNHEARD_MAX));
        tokio::spawn(host.run());
        simulator
    }

    /// Starts a modem on a new pty, with a symbolic link at `link` that names it.
    ///
    /// # Errors
    ///
    /// If there is no pty left, or `link` cannot be made; the error names it.
    pub fn start_on_pty(settings: Settings, link: &Path) -> io::Result<(Self, PtyTask)> {
        let pty = Pty::open(link)?;
        let device = pty.device().display().to_string();
        let commands = Line::on_pty(pty, UNREAD_MAX)?;
        let (simulator, host) = Self::prepare(settings, commands, Line::in_process(UNHEARD_MAX));
        let task = tokio::spawn(host.run());
        Ok((simulator, PtyTask { device, sound_device: None, task }))
    }

    /// The same with a second pty for the sound of calls, named by `sound_link`.
    ///
    /// # Errors
    ///
    /// If there is no pty left, a link cannot be made, or both are the same; the error names it.
    pub fn start_on_ptys(settings: Settings, link: &Path, sound_link: &Path) -> io::Result<(Self, PtyTask)> {
        if link == sound_link {
            let reason = format!("{} cannot be the link for commands and for sound", link.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        let (commands, sound) = (Pty::open(link)?, Pty::open(sound_link)?);
        let device = commands.device().display().to_string();
        let sound_device = Some(sound.device().display().to_string());
        let lines = (Line::on_pty(commands, UNREAD_MAX)?, Line::on_pty(sound, UNHEARD_MAX)?);
        let (simulator, host) = Self::prepare(settings, lines.0, lines.1);
        let task = tokio::spawn(host.run());
        Ok((simulator, PtyTask { device, sound_device, task }))
    }

    /// Opens the port of a modem in process; whoever had it open finds it closed.
    ///
    /// # Errors
    ///
    /// `NotFound` while the modem is unplugged, `Unsupported` if it is on a pty.
    pub async fn open(&self) -> io::Result<DuplexStream> {
        self.ask(Request::Open).await?
    }

    /// Opens the sound port beside it, in the same way: 8 kHz, signed 16 bit, little-endian, mono, in frames of 320
    /// octets each 20 ms while the modem's command for it is in force. Silent otherwise, and always where the make
    /// has no such command.
    ///
    /// # Errors
    ///
    /// `NotFound` while the modem is unplugged, `Unsupported` if its sound is on a pty.
    pub async fn open_audio(&self) -> io::Result<DuplexStream> {
        self.ask(Request::OpenAudio).await?
    }

    /// Writes the sound of each call that is answered from here on as `call-1.wav`, `call-2.wav` … into a directory,
    /// which is made if it is not there. [`PhoneEvent::Recorded`] tells each. A modem that cannot write one ends.
    ///
    /// # Errors
    ///
    /// If there is no such directory and it cannot be made; the error names it.
    pub async fn record(&self, directory: PathBuf) -> io::Result<()> {
        self.ask(|reply| Request::Record(directory, reply)).await?
    }

    /// What the phone shows from here on.
    pub fn events(&self) -> broadcast::Receiver<PhoneEvent> {
        self.events.subscribe()
    }

    /// What becomes of delivery reports from here on.
    pub fn reports(&self) -> broadcast::Receiver<ReportEvent> {
        self.reports.subscribe()
    }

    /// What the phone shows, the latest last.
    pub fn screen(&self) -> Vec<Shown> {
        self.screen.shown()
    }

    /// Does something to the modem, its network or the phone.
    pub async fn control(&self, control: Control) {
        // A modem that has ended is beyond control; whoever holds its port sees that.
        let _ = self.requests.send(Request::Control(control)).await;
    }

    /// What programs have set on the modem, by command; empty once it has ended.
    pub async fn settings_in_force(&self) -> BTreeMap<String, String> {
        self.ask(Request::Settings).await.unwrap_or_default()
    }

    /// Ends the modem: its call ends, its ports close, its links go.
    pub async fn stop(&self) {
        let _ = self.requests.send(Request::Stop).await;
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> io::Result<T> {
        let (reply, told) = oneshot::channel();
        self.requests.send(request(reply)).await.map_err(|_| gone())?;
        told.await.map_err(|_| gone())
    }

    fn prepare(mut settings: Settings, commands: Line, sound: Line) -> (Self, Host) {
        settings.epoch.get_or_insert(Clock::System.now().as_millis() / 1000);
        let (requests, received) = mpsc::channel(REQUESTS_MAX);
        let (events, _) = broadcast::channel(EVENTS_MAX);
        let (reports, _) = broadcast::channel(EVENTS_MAX);
        let screen = Screen::default();
        let host = Host {
            modem: VirtualModem::new(settings),
            started: Instant::now(),
            requests: received,
            events: events.clone(),
            reports: reports.clone(),
            screen: screen.clone(),
            commands,
            sound,
            recorder: None,
        };
        (Self { requests, events, reports, screen }, host)
    }
}

impl PtyTask {
    /// Waits for the modem's end; an error if its pty failed or a recording could not be written.
    pub async fn ended(&mut self) -> io::Result<()> {
        (&mut self.task).await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

struct Host {
    modem: VirtualModem,
    started: Instant,
    requests: mpsc::Receiver<Request>,
    events: broadcast::Sender<PhoneEvent>,
    reports: broadcast::Sender<ReportEvent>,
    screen: Screen,
    commands: Line,
    sound: Line,
    recorder: Option<Recorder>,
}

/// What the task woke for.
enum Wake {
    Commands(Turn),
    Sound(Turn),
    Request(Option<Request>),
    Due,
    NotRecorded(io::Error),
}

impl Host {
    async fn run(mut self) -> io::Result<()> {
        let mut bytes = vec![0; READ_BYTES];
        let mut octets = vec![0; READ_BYTES];
        loop {
            let deadline = self.drain().await?;
            match self.wait(&mut bytes, &mut octets, deadline).await {
                Wake::Commands(turn) => {
                    let count = self.commands.settle(turn)?;
                    self.modem.receive(&bytes[..count], self.started.elapsed());
                }
                Wake::Sound(turn) => {
                    let count = self.sound.settle(turn)?;
                    self.modem.hear(&octets[..count], self.started.elapsed());
                }
                Wake::Request(None | Some(Request::Stop)) => return self.end().await,
                Wake::Request(Some(request)) => self.answer(request).await?,
                Wake::Due => self.modem.handle_timeout(self.started.elapsed()),
                Wake::NotRecorded(error) => return Err(error),
            }
        }
    }

    async fn answer(&mut self, request: Request) -> io::Result<()> {
        let now = self.started.elapsed();
        // Whoever asked may have given up waiting.
        match request {
            Request::Control(control) => {
                if let Control::Incoming { number, text } = &control {
                    self.screen.show(ShownWhat::Sent { number: number.clone(), text: text.clone() });
                }
                self.modem.control(control, now);
            }
            Request::Open(reply) => {
                self.catch_up(now).await?;
                let _ = reply.send(self.commands.open());
            }
            Request::OpenAudio(reply) => {
                self.catch_up(now).await?;
                let _ = reply.send(self.sound.open());
            }
            Request::Record(directory, reply) => {
                let _ = reply.send(self.record(directory).await);
            }
            Request::Settings(reply) => {
                let _ = reply.send(self.modem.settings_in_force());
            }
            Request::Stop => {}
        }
        Ok(())
    }

    /// What is due by this time, as a port that is plugged in again, comes before a port is opened.
    async fn catch_up(&mut self, now: Duration) -> io::Result<()> {
        self.modem.handle_timeout(now);
        self.drain().await.map(|_| ())
    }

    async fn record(&mut self, directory: PathBuf) -> io::Result<()> {
        let recorder = Recorder::start(directory, self.events.clone()).await?;
        self.modem.records = true;
        match self.recorder.replace(recorder) {
            Some(before) => before.finish().await,
            None => Ok(()),
        }
    }

    async fn end(mut self) -> io::Result<()> {
        self.modem.switch_off(self.started.elapsed());
        self.drain().await?;
        match self.recorder.take() {
            Some(recorder) => recorder.finish().await,
            None => Ok(()),
        }
    }

    /// Takes all outputs of the modem, up to the instant that it wants to be woken at.
    async fn drain(&mut self) -> io::Result<Option<Duration>> {
        loop {
            match self.modem.poll() {
                Output::Write(bytes) => self.commands.send(&bytes),
                Output::Sound(octets) => self.sound.send(&octets),
                Output::Phone(event) => {
                    self.screen.show(ShownWhat::Event(event.clone()));
                    // Without listeners an event has nobody to reach.
                    drop(self.events.send(event));
                }
                Output::Report(event) => drop(self.reports.send(event)),
                Output::Recorded(call) => {
                    if let Some(recorder) = &mut self.recorder {
                        recorder.write(call).await?;
                    }
                }
                Output::Port(PortChange::Unplugged) => {
                    self.commands.unplug();
                    self.sound.unplug();
                }
                Output::Port(PortChange::PluggedIn) => {
                    self.commands.plug_in()?;
                    self.sound.plug_in()?;
                }
                Output::Wait(deadline) => return Ok(deadline),
            }
        }
    }

    async fn wait(&mut self, bytes: &mut [u8], octets: &mut [u8], deadline: Option<Duration>) -> Wake {
        let wake_at = deadline.map_or_else(|| Instant::now() + IDLE, |deadline| self.started + deadline);
        tokio::select! {
            biased;
            turn = self.commands.turn(bytes) => Wake::Commands(turn),
            request = self.requests.recv() => Wake::Request(request),
            () = sleep_until(wake_at) => Wake::Due,
            // Last: a program that writes without end holds up nothing.
            turn = self.sound.turn(octets) => Wake::Sound(turn),
            error = not_recorded(self.recorder.as_mut()) => Wake::NotRecorded(error),
        }
    }
}

async fn not_recorded(recorder: Option<&mut Recorder>) -> io::Error {
    match recorder {
        Some(recorder) => recorder.failed().await,
        None => std::future::pending().await,
    }
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the virtual modem has ended")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use tempfile::TempDir;
    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
    use tokio_serial::{SerialPortBuilderExt, SerialStream};

    use super::*;

    async fn ask(port: &mut (impl AsyncRead + AsyncWrite + Unpin), command: &str) -> String {
        port.write_all(command.as_bytes()).await.unwrap();
        read_until(port, "OK\r\n").await
    }

    async fn read_until(port: &mut (impl AsyncRead + Unpin), end: &str) -> String {
        let mut read = Vec::new();
        while !read.ends_with(end.as_bytes()) {
            read.push(port.read_u8().await.unwrap());
        }
        String::from_utf8(read).unwrap()
    }

    fn quiet() -> Settings {
        Settings::default().with("echo", "never").with("boot", "0")
    }

    fn on_pty() -> (Simulator, PtyTask, TempDir, std::path::PathBuf) {
        let directory = TempDir::new().unwrap();
        let link = directory.path().join("modem");
        let (simulator, task) = Simulator::start_on_pty(quiet(), &link).unwrap();
        (simulator, task, directory, link)
    }

    fn open(link: &Path) -> SerialStream {
        tokio_serial::new(link.to_str().unwrap(), 115_200).open_native_async().unwrap()
    }

    /// Returns once all controls sent before have been carried out.
    async fn settle(simulator: &Simulator) {
        assert_eq!(simulator.open().await.unwrap_err().kind(), io::ErrorKind::Unsupported);
    }

    #[tokio::test]
    async fn programs_may_open_and_close_the_pty_as_often_as_they_like() {
        let (simulator, mut task, _directory, link) = on_pty();
        for _ in 0..3 {
            let mut port = open(&link);
            assert_eq!(ask(&mut port, "AT+CSQ\r").await, "\r\n+CSQ: 20,99\r\n\r\nOK\r\n");
        }
        simulator.stop().await;
        task.ended().await.unwrap();
        assert!(link.symlink_metadata().is_err(), "the link goes with the modem");
    }

    #[tokio::test]
    async fn an_unplugged_pty_hangs_up_and_comes_back_under_its_name() {
        let (simulator, _task, _directory, link) = on_pty();
        let mut port = open(&link);
        ask(&mut port, "AT\r").await;
        simulator.control(Control::Unplug(Duration::from_secs(3600))).await;
        settle(&simulator).await;
        assert!(link.symlink_metadata().is_err(), "the link is gone while unplugged");
        let mut rest = Vec::new();
        assert!(port.read_to_end(&mut rest).await.is_err() || rest.is_empty());
        drop(port);
        simulator.control(Control::Unplug(Duration::ZERO)).await;
        settle(&simulator).await;
        let mut port = open(&link);
        assert!(ask(&mut port, "AT\r").await.ends_with("OK\r\n"));
    }

    /// Whether a program of an ordinary user can open the device; to root exclusive use means nothing.
    async fn an_ordinary_user_can_open(device: &str) -> bool {
        let mut command = tokio::process::Command::new("sh");
        command.args(["-c", "exec 3<>\"$0\"", device]).stderr(std::process::Stdio::null());
        if nix::unistd::geteuid().is_root() {
            command.uid(65_534);
        }
        command.status().await.unwrap().success()
    }

    #[tokio::test]
    async fn a_killed_program_does_not_lock_the_port_for_ever() {
        let (_simulator, task, _directory, link) = on_pty();
        std::fs::set_permissions(&task.device, std::fs::Permissions::from_mode(0o666)).unwrap();
        let killed = std::fs::File::options().read(true).write(true).open(&link).unwrap();
        rustix::termios::ioctl_tiocexcl(&killed).unwrap();
        assert!(!an_ordinary_user_can_open(&task.device).await);
        drop(killed);
        let mut tries = 0;
        while !an_ordinary_user_can_open(&task.device).await {
            tries += 1;
            assert!(tries < 100, "the port stays locked");
        }
    }

    #[tokio::test]
    async fn a_stale_link_is_replaced_and_anything_else_is_left_alone() {
        let directory = TempDir::new().unwrap();
        let link = directory.path().join("modem");
        std::os::unix::fs::symlink("/dev/pts/99999", &link).unwrap();
        let (simulator, mut task) = Simulator::start_on_pty(quiet(), &link).unwrap();
        ask(&mut open(&link), "AT\r").await;
        simulator.stop().await;
        task.ended().await.unwrap();
        std::fs::write(&link, "precious").unwrap();
        let error = Simulator::start_on_pty(quiet(), &link).err().unwrap().to_string();
        assert!(error.ends_with("modem exists and is no symbolic link; remove it or choose another path"), "{error}");
        assert_eq!(std::fs::read_to_string(&link).unwrap(), "precious");
        let nowhere = directory.path().join("none/modem");
        let error = Simulator::start_on_pty(quiet(), &nowhere).err().unwrap().to_string();
        assert!(error.contains("none/modem"), "{error}");
    }

    #[tokio::test]
    async fn a_pty_that_nobody_reads_neither_blocks_nor_stops_the_modem() {
        let (simulator, _task, _directory, link) = on_pty();
        let mut port = open(&link);
        for _ in 0..200 {
            simulator.control(Control::Garbage(4096)).await;
        }
        settle(&simulator).await;
        port.write_all(b"AT\r").await.unwrap();
        let mut events = simulator.events();
        simulator.control(Control::Call { number: "+491701234567".into() }).await;
        assert!(matches!(events.recv().await.unwrap(), PhoneEvent::Call { .. }));
    }

    #[tokio::test(start_paused = true)]
    async fn an_in_process_port_is_told_apart_from_an_unplugged_one() {
        let simulator = Simulator::start(quiet());
        let mut events = simulator.events();
        let mut port = simulator.open().await.unwrap();
        ask(&mut port, "AT+CMGF=1\r").await;
        port.write_all(b"AT+CMGS=\"+491701234567\"\r").await.unwrap();
        read_until(&mut port, "> ").await;
        assert_eq!(ask(&mut port, "1234\u{1a}").await, "\r\n+CMGS: 1\r\n\r\nOK\r\n");
        let sms = events.recv().await.unwrap();
        assert_eq!(sms.to_string(), "SMS to +491701234567 (reference 1, 1 part): 1234");
        simulator.control(Control::Unplug(Duration::from_secs(5))).await;
        assert_eq!(port.read(&mut [0]).await.unwrap(), 0, "an unplugged port ends");
        assert_eq!(simulator.open().await.unwrap_err().kind(), io::ErrorKind::NotFound);
        tokio::time::advance(Duration::from_secs(6)).await;
        let mut port = simulator.open().await.unwrap();
        ask(&mut port, "AT\r").await;
    }

    #[tokio::test]
    async fn the_second_who_opens_an_in_process_port_has_it() {
        let simulator = Simulator::start(quiet());
        let mut first = simulator.open().await.unwrap();
        let mut second = simulator.open().await.unwrap();
        assert_eq!(first.read(&mut [0]).await.unwrap(), 0);
        ask(&mut second, "AT\r").await;
        simulator.stop().await;
        assert_eq!(second.read(&mut [0]).await.unwrap(), 0);
        assert_eq!(simulator.open().await.unwrap_err().kind(), io::ErrorKind::NotConnected);
    }

    /// A modem in process in an answered call, and its two ports.
    async fn in_call(simulator: &Simulator) -> (DuplexStream, DuplexStream) {
        let (mut port, sound) = (simulator.open().await.unwrap(), simulator.open_audio().await.unwrap());
        ask(&mut port, "ATD+491701234567;\r").await;
        read_until(&mut port, "VOICE CALL: BEGIN\r\n").await;
        (port, sound)
    }

    #[tokio::test(start_paused = true)]
    async fn the_sound_port_has_a_frame_each_20_ms_and_takes_what_is_written() {
        let directory = TempDir::new().unwrap();
        let simulator = Simulator::start(quiet().with("profile", "sim7600"));
        simulator.record(directory.path().join("calls")).await.unwrap();
        let mut events = simulator.events();
        let (mut port, mut sound) = in_call(&simulator).await;
        ask(&mut port, "AT+CPCMREG=1\r").await;
        let began = Instant::now();
        for frame in 1..=50 {
            sound.write_all(&[frame; 320]).await.unwrap();
            let mut silence = [1; 320];
            sound.read_exact(&mut silence).await.unwrap();
            assert_eq!(silence, [0; 320]);
            assert_eq!(began.elapsed(), Duration::from_millis(20) * u32::from(frame));
        }
        ask(&mut port, "AT+CHUP\r").await;
        let recorded = loop {
            if let PhoneEvent::Recorded { number, file, seconds } = events.recv().await.unwrap() {
                break (number, file, seconds);
            }
        };
        let file = directory.path().join("calls/call-1.wav");
        assert_eq!(recorded, ("+491701234567".to_owned(), file.display().to_string(), 1));
        let expected: Vec<u8> = (1..=50).flat_map(|frame| [frame; 320]).collect();
        assert!(std::fs::read(&file).unwrap()[44..] == expected, "what was said, without a gap");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[tokio::test(start_paused = true)]
    async fn a_sound_port_is_unplugged_with_the_modem_and_opened_anew() {
        let simulator = Simulator::start(quiet().with("profile", "sim7600"));
        let (_port, mut sound) = in_call(&simulator).await;
        simulator.control(Control::Unplug(Duration::from_secs(5))).await;
        assert_eq!(sound.read(&mut [0]).await.unwrap(), 0);
        assert_eq!(simulator.open_audio().await.unwrap_err().kind(), io::ErrorKind::NotFound);
        tokio::time::advance(Duration::from_secs(6)).await;
        let mut first = simulator.open_audio().await.unwrap();
        let (mut port, mut sound) = in_call(&simulator).await;
        assert_eq!(first.read(&mut [0]).await.unwrap(), 0, "the second who opens it has it");
        ask(&mut port, "AT+CPCMREG=1\r").await;
        sound.read_exact(&mut [0; 320]).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_program_that_never_reads_its_sound_loses_it_and_nothing_else() {
        let simulator = Simulator::start(quiet().with("profile", "sim7600"));
        let (mut port, mut sound) = in_call(&simulator).await;
        ask(&mut port, "AT+CPCMREG=1\r").await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        ask(&mut port, "AT+CHUP\r").await;
        simulator.stop().await;
        let mut heard = Vec::new();
        sound.read_to_end(&mut heard).await.unwrap();
        assert!((16_000..=DUPLEX_MAX).contains(&heard.len()), "{} octets", heard.len());
    }

    /// What a port in process and its queue hold.
    const DUPLEX_MAX: usize = 16 * 1024 + UNHEARD_MAX;

    #[tokio::test(start_paused = true)]
    async fn a_call_that_the_modems_end_cuts_off_is_recorded() {
        let directory = TempDir::new().unwrap();
        let simulator = Simulator::start(quiet().with("profile", "sim7600"));
        simulator.record(directory.path().to_owned()).await.unwrap();
        let mut events = simulator.events();
        let _ports = in_call(&simulator).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        simulator.stop().await;
        let mut shown = Vec::new();
        while shown.len() < 4 {
            shown.push(events.recv().await.unwrap().to_string().replace(directory.path().to_str().unwrap(), "DIR"));
        }
        insta::assert_snapshot!(shown.join("\n"), @"
        call to +491701234567: ringing
        call to +491701234567: answered
        call to +491701234567: ended after 3 s
        call to +491701234567: 3 s recorded in DIR/call-1.wav
        ");
        let length = std::fs::metadata(directory.path().join("call-1.wav")).unwrap().len();
        assert_eq!(length, 44 + 3 * 16_000);
    }

    #[tokio::test]
    async fn recordings_that_cannot_be_written_are_told_and_end_the_modem() {
        let directory = TempDir::new().unwrap();
        let link = directory.path().join("modem");
        let (simulator, mut task) = Simulator::start_on_pty(quiet().with("answer-after", "0"), &link).unwrap();
        std::fs::write(directory.path().join("file"), "").unwrap();
        let error = simulator.record(directory.path().join("file/calls")).await.unwrap_err().to_string();
        assert!(error.contains("file/calls"), "{error}");
        let calls = directory.path().join("calls");
        simulator.record(calls.clone()).await.unwrap();
        std::fs::remove_dir(&calls).unwrap();
        let mut events = simulator.events();
        simulator.control(Control::Call { number: "+491701234567".into() }).await;
        events.recv().await.unwrap();
        ask(&mut open(&link), "ATA\r").await;
        simulator.control(Control::HangUp).await;
        let error = task.ended().await.unwrap_err().to_string();
        assert!(error.contains("cannot write the recording") && error.contains("calls/call-1.wav"), "{error}");
    }

    #[tokio::test]
    async fn sound_goes_over_a_pty_of_its_own_that_vanishes_and_returns_with_the_other() {
        let directory = TempDir::new().unwrap();
        let (link, sound_link) = (directory.path().join("modem"), directory.path().join("sound"));
        let settings = quiet().with("profile", "huawei").with("answer-after", "0");
        let (simulator, mut task) = Simulator::start_on_ptys(settings, &link, &sound_link).unwrap();
        assert_eq!(task.sound_device.clone().unwrap(), std::fs::read_link(&sound_link).unwrap().display().to_string());
        assert_eq!(simulator.open_audio().await.unwrap_err().kind(), io::ErrorKind::Unsupported);
        let calls = directory.path().join("calls");
        simulator.record(calls.clone()).await.unwrap();
        let mut port = open(&link);
        let mut sound = open(&sound_link);
        ask(&mut port, "ATD+491701234567;\r").await;
        ask(&mut port, "AT^DDSETEX=2\r").await;
        let mut frame = [1; 320];
        sound.read_exact(&mut frame).await.unwrap();
        assert_eq!(frame, [0; 320]);
        // All octets, so that a line discipline that is not raw shows.
        let said: Vec<u8> = (0..=255).chain(0..64).collect();
        sound.write_all(&said).await.unwrap();
        for _ in 0..10 {
            sound.read_exact(&mut frame).await.unwrap();
        }
        simulator.control(Control::Unplug(Duration::from_secs(3600))).await;
        settle(&simulator).await;
        assert!(sound_link.symlink_metadata().is_err(), "the link is gone while unplugged");
        drop((port, sound));
        simulator.control(Control::Unplug(Duration::ZERO)).await;
        settle(&simulator).await;
        let mut port = open(&link);
        let mut sound = open(&sound_link);
        ask(&mut port, "ATD+491701234567;\r").await;
        ask(&mut port, "AT^DDSETEX=2\r").await;
        sound.read_exact(&mut frame).await.unwrap();
        simulator.stop().await;
        task.ended().await.unwrap();
        assert!(sound_link.symlink_metadata().is_err(), "the link goes with the modem");
        let first = std::fs::read(calls.join("call-1.wav")).unwrap();
        assert!(first.windows(said.len()).any(|part| part == said), "the phone heard what was written");
        assert!(calls.join("call-2.wav").exists());
    }

    #[tokio::test]
    async fn one_link_cannot_be_both_ports() {
        let directory = TempDir::new().unwrap();
        let link = directory.path().join("modem");
        let error = Simulator::start_on_ptys(quiet(), &link, &link).err().unwrap();
        assert!(error.to_string().ends_with("modem cannot be the link for commands and for sound"), "{error}");
        assert!(link.symlink_metadata().is_err());
    }
}
