//! What systemd hears from the daemon: ready, stopping, a line of status, and signs of life (sd_notify(3)).
//!
//! A sign of life says that the parts that matter answered, not that a timer ran. Does nothing where no service manager
//! listens, and never fails the daemon: a lost notification is systemd's to notice.

use std::ffi::OsString;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use sd_notify::NotifyState;

/// The service manager's socket, if it gave one.
#[derive(Debug, Clone)]
pub struct Service {
    socket: Option<OsString>,
}

impl Service {
    /// The socket of `NOTIFY_SOCKET`.
    pub fn of_environment() -> Self {
        Self::at(std::env::var_os("NOTIFY_SOCKET"))
    }

    /// The socket at a path, or, after `@`, of an abstract name.
    pub fn at(socket: Option<OsString>) -> Self {
        Self { socket: socket.filter(|socket| !socket.is_empty()) }
    }

    /// Requests are accepted.
    pub fn ready(&self) {
        self.send(&[NotifyState::Ready]);
    }

    /// The configuration is read again; [`Self::ready`] ends it.
    pub fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.send(&[NotifyState::Reloading, now]),
            Err(_) => self.send(&[NotifyState::Reloading]),
        }
    }

    /// What was begun is finished, then the daemon ends.
    pub fn stopping(&self) {
        self.send(&[NotifyState::Stopping]);
    }

    /// The line that `systemctl status` shows. Never a number or a PIN.
    pub fn status(&self, line: &str) {
        // The protocol has one assignment a line.
        self.send(&[NotifyState::Status(&line.replace('\n', " "))]);
    }

    /// Feeds the watchdog for as long as `probe` says in time that all is well.
    ///
    /// `period` is the time within which systemd wants a sign of life; [`watchdog_period`] knows it. The probe is asked
    /// twice a period and has a quarter of it to answer. A late or bad answer is logged and not fed, so that systemd
    /// restarts a daemon that stays so, and one that recovers lives on.
    pub async fn feed_watchdog<Probe>(&self, period: Duration, probe: Probe)
    where
        Probe: AsyncFn() -> bool,
    {
        let mut ticks = tokio::time::interval(period / 2);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match tokio::time::timeout(period / 4, probe()).await {
                Ok(true) => self.send(&[NotifyState::Watchdog]),
                Ok(false) => {
                    tracing::error!(name: "watchdog.unwell", "watchdog not fed: a part of the daemon is not well")
                }
                Err(_) => {
                    tracing::error!(
                        name: "watchdog.silent",
                        waited_ms = crate::clock::millis(period / 4),
                        "watchdog not fed: a part of the daemon does not answer"
                    )
                }
            }
        }
    }

    fn send(&self, states: &[NotifyState<'_>]) {
        let Some(socket) = &self.socket else { return };
        let lines: Vec<String> = states.iter().map(ToString::to_string).collect();
        if let Err(error) = send_to(socket, lines.join("\n").as_bytes()) {
            tracing::warn!(name: "service.not_notified", %error, "cannot notify the service manager");
        }
    }
}

/// The time within which systemd wants a sign of life from this process; none without a watchdog.
pub fn watchdog_period() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|period| !period.is_zero())
}

/// The crate's own `notify` reads the socket's name from the environment alone and knows no abstract names.
fn send_to(socket: &OsString, message: &[u8]) -> io::Result<()> {
    let address = match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(socket)?,
    };
    let sender = UnixDatagram::unbound()?;
    // A service manager that does not read must not hold the daemon up.
    sender.set_nonblocking(true)?;
    sender.send_to_addr(message, &address).map(|_| ())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// A service manager that writes down what it hears.
    struct Listener {
        socket: UnixDatagram,
        _directory: tempfile::TempDir,
    }

    impl Listener {
        fn start() -> (Self, Service) {
            let directory = tempfile::tempdir().expect("a temporary directory");
            let path = directory.path().join("notify");
            let socket = UnixDatagram::bind(&path).expect("a socket");
            socket.set_nonblocking(true).expect("a socket that does not block");
            (Self { socket, _directory: directory }, Service::at(Some(path.into())))
        }

        fn heard(&self) -> Vec<String> {
            let mut buffer = [0; 512];
            std::iter::from_fn(|| self.socket.recv(&mut buffer).ok().map(|length| buffer[..length].to_vec()))
                .map(|message| String::from_utf8(message).expect("text"))
                .collect()
        }
    }

    #[test]
    fn a_life_is_told_to_the_service_manager() {
        let (listener, service) = Listener::start();
        service.status("starting\nmodem sim1");
        service.ready();
        service.stopping();
        assert_eq!(listener.heard(), ["STATUS=starting modem sim1", "READY=1", "STOPPING=1"]);
    }

    #[test]
    fn a_reload_carries_its_time() {
        let (listener, service) = Listener::start();
        service.reloading();
        let heard = listener.heard().join("|");
        assert!(heard.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{heard}");
    }

    #[test]
    fn an_abstract_socket_is_reached() {
        let name = format!("simverify-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        let socket = UnixDatagram::bind_addr(&address).expect("a socket");
        Service::at(Some(format!("@{name}").into())).ready();
        let mut buffer = [0; 64];
        let length = socket.recv(&mut buffer).expect("a message");
        assert_eq!(&buffer[..length], b"READY=1");
    }

    #[test]
    fn without_a_service_manager_nothing_happens() {
        Service::at(None).ready();
        Service::at(Some("/nonexistent/notify".into())).ready();
    }

    #[tokio::test(start_paused = true)]
    async fn the_watchdog_is_fed_only_when_the_probe_answers_in_time() {
        let (listener, service) = Listener::start();
        let asked = Cell::new(0);
        let probe = async || {
            asked.set(asked.get() + 1);
            match asked.get() {
                2 => false,
                3 => std::future::pending().await,
                _ => true,
            }
        };
        // Well at 0 s, unwell at 5 s, silent at 10 s, well again at 15 s.
        let feeding = service.feed_watchdog(Duration::from_secs(10), probe);
        let _ = tokio::time::timeout(Duration::from_secs(16), feeding).await;
        assert_eq!(asked.get(), 4);
        assert_eq!(listener.heard(), ["WATCHDOG=1", "WATCHDOG=1"]);
    }
}
