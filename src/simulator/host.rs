//! Runs a [`VirtualModem`]: carries its bytes, keeps its time, passes its events on.
//!
//! One task owns the modem and its port. It waits for bytes, controls or the instant that the modem asked for, and for
//! nothing else: no polling, so that an answer leaves as soon as the command is in.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::control::Control;
use super::event::{PhoneEvent, ReportEvent};
use super::pty::Pty;
use super::settings::Settings;
use super::virtual_modem::{Output, PortChange, VirtualModem};
use crate::clock::Clock;

/// Events that a slow listener may lag behind before it misses some.
const EVENTS_MAX: usize = 4096;
const REQUESTS_MAX: usize = 256;
/// Bytes that one end of an in-process port may be ahead of the other.
const DUPLEX_BYTES: usize = 16 * 1024;
/// Bytes that wait for a reader; what comes while they wait is lost, as on a line without flow control.
const UNREAD_MAX: usize = 64 * 1024;
const READ_BYTES: usize = 4096;
/// How far ahead an idle modem sleeps; any request wakes it.
const IDLE: Duration = Duration::from_secs(24 * 3600);

/// A running virtual modem. Clones speak to the same one; it ends when the last is dropped.
#[derive(Clone)]
pub struct Simulator {
    requests: mpsc::Sender<Request>,
    events: broadcast::Sender<PhoneEvent>,
    reports: broadcast::Sender<ReportEvent>,
}

/// What becomes of a simulator on a pty: its device, and its end.
pub struct PtyTask {
    /// The device that the link names at start.
    pub device: String,
    task: JoinHandle<io::Result<()>>,
}

enum Request {
    Control(Control),
    Open(oneshot::Sender<io::Result<DuplexStream>>),
    Settings(oneshot::Sender<BTreeMap<String, String>>),
    Stop,
}

impl Simulator {
    /// Starts a modem whose port is opened with [`Simulator::open`]. Call it within a tokio runtime.
    pub fn start(settings: Settings) -> Self {
        let (simulator, host) = Self::prepare(settings, None);
        tokio::spawn(host.run());
        simulator
    }

    /// Starts a modem on a new pty, with a symbolic link at `link` that names it.
    ///
    /// # Errors
    ///
    /// If there is no pty left, or `link` cannot be made; the error names it.
    pub fn start_on_pty(settings: Settings, link: &Path) -> io::Result<(Self, PtyTask)> {
        let mut pty = Pty::open(link)?;
        let device = pty.device().display().to_string();
        let port = pty.port()?;
        let (simulator, mut host) = Self::prepare(settings, Some(pty));
        host.port = Some(port);
        let task = tokio::spawn(host.run());
        Ok((simulator, PtyTask { device, task }))
    }

    /// Opens the port of a modem in process; whoever had it open finds it closed.
    ///
    /// # Errors
    ///
    /// `NotFound` while the modem is unplugged, `Unsupported` if it is on a pty.
    pub async fn open(&self) -> io::Result<DuplexStream> {
        let (reply, opened) = oneshot::channel();
        self.requests.send(Request::Open(reply)).await.map_err(|_| gone())?;
        opened.await.map_err(|_| gone())?
    }

    /// Opens the port that carries the sound of calls (stub).
    pub async fn open_audio(&self) -> io::Result<DuplexStream> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "no sound"))
    }

    /// What the phone shows from here on.
    pub fn events(&self) -> broadcast::Receiver<PhoneEvent> {
        self.events.subscribe()
    }

    /// What becomes of delivery reports from here on.
    pub fn reports(&self) -> broadcast::Receiver<ReportEvent> {
        self.reports.subscribe()
    }

    /// Does something to the modem, its network or the phone.
    pub async fn control(&self, control: Control) {
        // A modem that has ended is beyond control; whoever holds its port sees that.
        let _ = self.requests.send(Request::Control(control)).await;
    }

    /// What programs have set on the modem, by command; empty once it has ended.
    pub async fn settings_in_force(&self) -> BTreeMap<String, String> {
        let (reply, told) = oneshot::channel();
        let _ = self.requests.send(Request::Settings(reply)).await;
        told.await.unwrap_or_default()
    }

    /// Ends the modem: its port closes, its link goes.
    pub async fn stop(&self) {
        let _ = self.requests.send(Request::Stop).await;
    }

    fn prepare(mut settings: Settings, pty: Option<Pty>) -> (Self, Host) {
        settings.epoch.get_or_insert(Clock::System.now().as_millis() / 1000);
        let (requests, received) = mpsc::channel(REQUESTS_MAX);
        let (events, _) = broadcast::channel(EVENTS_MAX);
        let (reports, _) = broadcast::channel(EVENTS_MAX);
        let host = Host {
            modem: VirtualModem::new(settings),
            started: Instant::now(),
            requests: received,
            events: events.clone(),
            reports: reports.clone(),
            pty,
            port: None,
            unplugged: false,
            unsent: Vec::new(),
        };
        (Self { requests, events, reports }, host)
    }
}

impl PtyTask {
    /// Waits for the modem's end; an error if its pty failed.
    pub async fn ended(&mut self) -> io::Result<()> {
        (&mut self.task).await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

/// Both ends of whatever the bytes go over.
pub(super) struct Port {
    pub reader: Box<dyn AsyncRead + Send + Unpin>,
    pub writer: Box<dyn AsyncWrite + Send + Unpin>,
}

struct Host {
    modem: VirtualModem,
    started: Instant,
    requests: mpsc::Receiver<Request>,
    events: broadcast::Sender<PhoneEvent>,
    reports: broadcast::Sender<ReportEvent>,
    /// None for a port in process.
    pty: Option<Pty>,
    port: Option<Port>,
    unplugged: bool,
    unsent: Vec<u8>,
}

/// What the task woke for.
enum Wake {
    Read(io::Result<usize>),
    Written(io::Result<usize>),
    Request(Option<Request>),
    Due,
    /// A program has closed the pty.
    Released,
}

impl Host {
    async fn run(mut self) -> io::Result<()> {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let deadline = self.drain()?;
            match self.wait(&mut buffer, deadline).await {
                Wake::Read(Ok(count)) if count > 0 => {
                    let now = self.started.elapsed();
                    self.modem.receive(&buffer[..count], now);
                }
                Wake::Written(Ok(count)) if count > 0 => {
                    self.unsent.drain(..count);
                }
                // The other side of a port in process was dropped; a pty's own end stays open.
                Wake::Read(_) | Wake::Written(_) => {
                    self.port = None;
                    self.unsent.clear();
                    if self.pty.is_some() && !self.unplugged {
                        return Err(io::Error::other("pty closed unexpectedly"));
                    }
                }
                Wake::Request(Some(Request::Control(control))) => {
                    let now = self.started.elapsed();
                    self.modem.control(control, now);
                }
                Wake::Request(Some(Request::Open(reply))) => {
                    // What is due by this time, as a port that is plugged in again, comes first.
                    self.modem.handle_timeout(self.started.elapsed());
                    self.drain()?;
                    let opened = self.open();
                    // Whoever asked may have given up waiting.
                    let _ = reply.send(opened);
                }
                Wake::Request(Some(Request::Settings(reply))) => {
                    // Whoever asked may have given up waiting.
                    let _ = reply.send(self.modem.settings_in_force());
                }
                Wake::Request(None | Some(Request::Stop)) => return Ok(()),
                Wake::Released => {}
                Wake::Due => {
                    let now = self.started.elapsed();
                    self.modem.handle_timeout(now);
                }
            }
        }
    }

    /// Takes all outputs of the modem, up to the instant that it wants to be woken at.
    fn drain(&mut self) -> io::Result<Option<Duration>> {
        loop {
            match self.modem.poll() {
                Output::Write(bytes) => {
                    if self.port.is_some() && self.unsent.len() + bytes.len() <= UNREAD_MAX {
                        self.unsent.extend(bytes);
                    }
                }
                // Without listeners an event has nobody to reach.
                Output::Phone(event) => drop(self.events.send(event)),
                Output::Report(event) => drop(self.reports.send(event)),
                Output::Port(PortChange::Unplugged) => {
                    self.unplugged = true;
                    self.port = None;
                    self.unsent.clear();
                    if let Some(pty) = &mut self.pty {
                        pty.unplug();
                    }
                }
                Output::Port(PortChange::PluggedIn) => {
                    self.unplugged = false;
                    if let Some(pty) = &mut self.pty {
                        pty.plug_in()?;
                        self.port = Some(pty.port()?);
                    }
                }
                Output::Wait(deadline) => return Ok(deadline),
            }
        }
    }

    async fn wait(&mut self, buffer: &mut [u8], deadline: Option<Duration>) -> Wake {
        let wake_at = deadline.map_or_else(|| Instant::now() + IDLE, |deadline| self.started + deadline);
        let due = sleep_until(wake_at);
        let Some(port) = &mut self.port else {
            return tokio::select! {
                request = self.requests.recv() => Wake::Request(request),
                () = due => Wake::Due,
            };
        };
        tokio::select! {
            biased;
            written = port.writer.write(&self.unsent), if !self.unsent.is_empty() => Wake::Written(written),
            read = port.reader.read(buffer) => Wake::Read(read),
            request = self.requests.recv() => Wake::Request(request),
            () = due => Wake::Due,
            () = released(self.pty.as_ref()) => Wake::Released,
        }
    }

    fn open(&mut self) -> io::Result<DuplexStream> {
        if self.pty.is_some() {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "this virtual modem is on a pty; open its link"));
        }
        if self.unplugged {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the virtual modem is unplugged"));
        }
        let (ours, theirs) = tokio::io::duplex(DUPLEX_BYTES);
        let (reader, writer) = tokio::io::split(ours);
        self.unsent.clear();
        self.port = Some(Port { reader: Box::new(reader), writer: Box::new(writer) });
        Ok(theirs)
    }
}

async fn released(pty: Option<&Pty>) {
    match pty {
        Some(pty) => pty.released().await,
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
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
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
}
