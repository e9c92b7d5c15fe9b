//! A pty that looks like a modem's serial port, and the symbolic link that names it.
//!
//! The slave side is kept open here too, so that programs may open and close the port as often as they like. A program
//! that was killed leaves its exclusive use (TIOCEXCL) behind on a terminal that stays open; it is taken back whenever
//! a program closes the port. The link is made beside its place and moved there, so that nobody finds half of it.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::pty::openpty;
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::ttyname;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::termios::ioctl_tiocnxcl;
use tokio::net::unix::pipe;

use super::line::Port;

pub(super) struct Pty {
    link: PathBuf,
    /// None while unplugged.
    open: Option<OpenPty>,
}

struct OpenPty {
    master: OwnedFd,
    /// Held so that the master never sees a hang-up.
    slave: OwnedFd,
    device: PathBuf,
    /// Readable when a program has closed the device; none if the system has no watch left.
    closings: Option<pipe::Receiver>,
}

impl Pty {
    pub(super) fn open(link: &Path) -> io::Result<Self> {
        let mut pty = Self { link: link.to_owned(), open: None };
        pty.plug_in()?;
        Ok(pty)
    }

    /// The slave's path, or the link's while unplugged.
    pub(super) fn device(&self) -> &Path {
        self.open.as_ref().map_or(&self.link, |open| &open.device)
    }

    /// Makes a new pty and points the link at it.
    pub(super) fn plug_in(&mut self) -> io::Result<()> {
        let pair = openpty(None, None)?;
        let mut settings = tcgetattr(&pair.slave)?;
        cfmakeraw(&mut settings);
        tcsetattr(&pair.slave, SetArg::TCSANOW, &settings)?;
        fcntl(&pair.master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let device = ttyname(&pair.slave)?;
        make_link(&device, &self.link)?;
        let closings = watch_closings(&device).ok();
        self.open = Some(OpenPty { master: pair.master, slave: pair.slave, device, closings });
        Ok(())
    }

    /// Returns once a program has closed the port and the next may open it.
    pub(super) async fn released(&self) {
        let Some((open, closings)) = self.open.as_ref().and_then(|open| Some((open, open.closings.as_ref()?))) else {
            return std::future::pending().await;
        };
        let mut events = [0; 1024];
        if closings.readable().await.is_err() {
            return std::future::pending().await;
        }
        while closings.try_read(&mut events).is_ok_and(|count| count > 0) {}
        // Fails only on what is no terminal.
        let _ = ioctl_tiocnxcl(&open.slave);
    }

    /// Takes the link away and closes the pty: whoever has it open meets a hang-up.
    pub(super) fn unplug(&mut self) {
        let Some(open) = self.open.take() else { return };
        // Another program may have put its own link there.
        if std::fs::read_link(&self.link).is_ok_and(|target| target == open.device) {
            let _ = std::fs::remove_file(&self.link);
        }
    }

    /// The master's two directions.
    pub(super) fn port(&mut self) -> io::Result<Port> {
        let open = self.open.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        let reader = File::from(open.master.try_clone()?);
        let writer = File::from(open.master.try_clone()?);
        // A pty is no pipe, but is read, written and waited for as one.
        let reader = pipe::Receiver::from_file_unchecked(reader)?;
        let writer = pipe::Sender::from_file_unchecked(writer)?;
        Ok(Port { reader: Box::new(reader), writer: Box::new(writer) })
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        self.unplug();
    }
}

fn watch_closings(device: &Path) -> io::Result<pipe::Receiver> {
    let watch = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    inotify::add_watch(&watch, device, WatchFlags::CLOSE_WRITE | WatchFlags::CLOSE_NOWRITE)?;
    // An inotify descriptor is no pipe either, but is waited for as one.
    pipe::Receiver::from_file_unchecked(File::from(watch))
}

/// Points `link` at `device`, in place of an older link but of nothing else.
fn make_link(device: &Path, link: &Path) -> io::Result<()> {
    let told =
        |error: io::Error| io::Error::new(error.kind(), format!("cannot make the link {}: {error}", link.display()));
    if let Ok(existing) = std::fs::symlink_metadata(link)
        && !existing.file_type().is_symlink()
    {
        let reason = format!("{} exists and is no symbolic link; remove it or choose another path", link.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, reason));
    }
    let mut beside = link.as_os_str().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    let beside = PathBuf::from(beside);
    // Left over only by a process of the same number that was killed here.
    let _ = std::fs::remove_file(&beside);
    symlink(device, &beside).map_err(told)?;
    std::fs::rename(&beside, link).map_err(|error| {
        let _ = std::fs::remove_file(&beside);
        told(error)
    })
}
