//! A serial device, opened raw (8N1, no flow control) and for this program alone.
//!
//! Three marks keep others away, because each is ignored by somebody: `TIOCEXCL` (root passes it), `flock` and a UUCP
//! lock file (known to those who look for them). All stand on the device itself, whichever link named it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::OFlag;
use nix::unistd::{Gid, Group, geteuid};
use tokio_serial::{ClearBuffer, DataBits, ErrorKind, FlowControl, Parity, SerialPort, SerialStream, StopBits};

use super::PortError;
use super::lock::{self, LockFile, Taken};

/// An open device. Its fields are dropped in this order: closed before it is free for others.
#[derive(Debug)]
pub struct Device {
    pub(super) stream: SerialStream,
    /// The first opening, held so that no close is seen before the last.
    _file: File,
    _lock: Option<LockFile>,
}

pub fn open(path: &Path, baud_rate: u32) -> Result<Device, PortError> {
    let device = fs::canonicalize(path).map_err(|error| refused(path, path, &error))?;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags((OFlag::O_NOCTTY | OFlag::O_NONBLOCK).bits())
        .open(&device)
        .map_err(|error| refused(path, &device, &error))?;
    if !file.is_terminal() {
        return Err(PortError::NotATerminal { path: path.to_owned() });
    }
    let held = |holder| PortError::Held { path: path.to_owned(), holder };
    match file.try_lock() {
        // The stream takes the lock for itself.
        Ok(()) => file.unlock().map_err(|error| io_error(path, &error))?,
        Err(fs::TryLockError::WouldBlock) => return Err(held(holder(&device))),
        Err(fs::TryLockError::Error(error)) => return Err(io_error(path, &error)),
    }
    // To root `TIOCEXCL` says nothing, so it looks who else has the device. A virtual modem holds its own pty.
    if geteuid().is_root() && !lock::is_pty(&device) {
        let users = lock::users(&device);
        if !users.is_empty() {
            return Err(held(Some(users.join(", "))));
        }
    }
    let lock = match lock::take(Path::new(lock::DIRECTORY), &device) {
        Taken::Ours(lock) => Some(lock),
        Taken::Impossible => None,
        Taken::By(holder) => return Err(held(Some(holder))),
    };
    let stream = stream(path, &device, baud_rate)?;
    // What came while nobody listened is of no use; a device that cannot drop it may keep it.
    let _ = stream.clear(ClearBuffer::Input);
    Ok(Device { stream, _file: file, _lock: lock })
}

fn stream(path: &Path, device: &Path, baud_rate: u32) -> Result<SerialStream, PortError> {
    let Some(name) = device.to_str() else {
        return Err(PortError::Io { path: path.to_owned(), reason: "its path is not UTF-8".to_owned() });
    };
    let builder = tokio_serial::new(name, baud_rate)
        .data_bits(DataBits::Eight)
        .parity(Parity::None)
        .stop_bits(StopBits::One)
        .flow_control(FlowControl::None)
        .exclusive(true);
    SerialStream::open(&builder).map_err(|error| match error.kind() {
        // The crate's word for a lock that another holds.
        ErrorKind::NoDevice => PortError::Held { path: path.to_owned(), holder: holder(device) },
        ErrorKind::InvalidInput | ErrorKind::Unknown | ErrorKind::Io(_) => {
            PortError::Io { path: path.to_owned(), reason: error.description }
        }
    })
}

fn refused(path: &Path, device: &Path, error: &io::Error) -> PortError {
    use nix::errno::Errno;
    let path = path.to_owned();
    match error.raw_os_error().map(Errno::from_raw) {
        // A device node may outlive its device.
        Some(Errno::ENOENT | Errno::ENOTDIR | Errno::ENXIO | Errno::ENODEV) => PortError::NotFound { path },
        Some(Errno::EACCES | Errno::EPERM) => PortError::Permission { advice: advice(device), path },
        Some(Errno::EBUSY) => PortError::Held { path, holder: holder(device) },
        Some(Errno::EISDIR) => PortError::NotATerminal { path },
        _ => io_error(&path, error),
    }
}

fn io_error(path: &Path, error: &io::Error) -> PortError {
    PortError::Io { path: path.to_owned(), reason: error.to_string() }
}

/// Who has the device, as well as can be told: by the lock file, the kernel's locks, the open files.
fn holder(device: &Path) -> Option<String> {
    lock::named_in_file(Path::new(lock::DIRECTORY), device).or_else(|| lock::flock_holder(device)).or_else(|| {
        let users = lock::users(device);
        (!users.is_empty()).then(|| users.join(", "))
    })
}

/// How this user comes to the permission.
fn advice(device: &Path) -> String {
    let group = fs::metadata(device)
        .ok()
        .filter(|metadata| metadata.mode() & 0o060 == 0o060)
        .and_then(|metadata| Group::from_gid(Gid::from_raw(metadata.gid())).ok()?);
    match group {
        Some(group) => format!("add this user to the group {0} (usermod -aG {0} USER) and log in again", group.name),
        None => "change its owner or mode, with a udev rule if it is to last".to_owned(),
    }
}

#[cfg(test)]
pub(super) fn lock_file_of(device: &Path) -> std::path::PathBuf {
    lock::path(Path::new(lock::DIRECTORY), device)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_missing_permission_names_the_group_that_has_it() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let device = directory.path().join("device");
        let file = File::create(&device).expect("a file");
        let group = Group::from_gid(nix::unistd::getegid()).expect("a look-up").expect("a group").name;
        let denied = io::Error::from_raw_os_error(nix::errno::Errno::EACCES as i32);
        let mut said = String::new();
        for mode in [0o660, 0o600] {
            file.set_permissions(fs::Permissions::from_mode(mode)).expect("permissions");
            said += &format!("{}\n", refused(Path::new("/dev/modem"), &device, &denied));
        }
        insta::assert_snapshot!(said.replace(&group, "GROUP"), @r"
        no permission to open /dev/modem: add this user to the group GROUP (usermod -aG GROUP USER) and log in again
        no permission to open /dev/modem: change its owner or mode, with a udev rule if it is to last
        ");
    }
}
