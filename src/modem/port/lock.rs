//! Who has a port: UUCP lock files, the kernel's table of locks, the open files of other processes.
//!
//! A lock file `LCK..ttyUSB0` holds its owner's process id in ten columns (HDB format, Filesystem Hierarchy Standard
//! 3.0 §5.9.3). One whose owner is gone, or that cannot be read as a process id, is stale and replaced.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::sys::stat::{major, minor};
use nix::unistd::Pid;

/// Where programs leave lock files (Filesystem Hierarchy Standard 3.0 §5.9; `/var/lock` is a link to it).
pub const DIRECTORY: &str = "/run/lock";

/// Stale files that are replaced before giving up: others may be trying the same.
const TRIES_MAX: usize = 3;

/// A process id and a line end, with room for a name after it.
const LOCK_FILE_BYTES_MAX: u64 = 256;

/// Programs named at most.
const USERS_MAX: usize = 3;

/// Major numbers of the slaves of Unix98 ptys (Linux, Documentation/admin-guide/devices.txt).
const PTY_MAJORS: std::ops::RangeInclusive<u64> = 136..=143;

/// Our lock file; removed when dropped.
#[derive(Debug)]
pub struct LockFile(PathBuf);

impl Drop for LockFile {
    fn drop(&mut self) {
        // Another may have found it stale, by its own reckoning, and replaced it.
        if owner(&self.0) == Some(Pid::this()) {
            let _ = fs::remove_file(&self.0);
        }
    }
}

pub enum Taken {
    Ours(LockFile),
    By(String),
    /// No place for lock files, or none of ours: the other marks must do.
    Impossible,
}

/// Makes the lock file for `device` unless a living process has one.
pub fn take(directory: &Path, device: &Path) -> Taken {
    let path = path(directory, device);
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", Pid::this()));
    let beside = PathBuf::from(beside);
    if write_new(&beside, &format!("{:>10}\n", Pid::this())).is_err() {
        return Taken::Impossible;
    }
    let taken = link(&beside, &path);
    // In a place where a file can be made it can be removed too.
    let _ = fs::remove_file(&beside);
    taken
}

/// Makes the lock file for a server's port, which two programs of this machine could both connect to.
pub fn take_network(address: SocketAddr) -> Taken {
    take(Path::new(DIRECTORY), Path::new(&format!("tcp_{}_{}", address.ip(), address.port())))
}

/// Moves the complete file to its place: a link never replaces.
fn link(beside: &Path, path: &Path) -> Taken {
    for _ in 0..TRIES_MAX {
        match fs::hard_link(beside, path) {
            Ok(()) => return Taken::Ours(LockFile(path.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(_) => return Taken::Impossible,
        }
        // Our own number is that of a process before us, as after a container's restart: `flock` tells us apart.
        match owner(path).filter(|&owner| owner != Pid::this() && is_alive(owner)) {
            Some(owner) => return Taken::By(describe(owner)),
            None if fs::remove_file(path).is_err() => return Taken::Impossible,
            None => {}
        }
    }
    Taken::Impossible
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    // Left over only by a process of the same number.
    let _ = fs::remove_file(path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(path)?;
    file.write_all(text.as_bytes())
}

/// `/dev/ttyUSB0` → `LCK..ttyUSB0`, `/dev/pts/3` → `LCK..pts_3`.
pub fn path(directory: &Path, device: &Path) -> PathBuf {
    let name = device.strip_prefix("/dev").unwrap_or(device).to_string_lossy();
    directory.join(format!("LCK..{}", name.trim_start_matches('/').replace('/', "_")))
}

/// The living process, other than this one, that a lock file names.
pub fn named_in_file(directory: &Path, device: &Path) -> Option<String> {
    let owner = owner(&path(directory, device))?;
    (owner != Pid::this() && is_alive(owner)).then(|| describe(owner))
}

fn owner(path: &Path) -> Option<Pid> {
    use std::io::Read;
    let mut content = Vec::new();
    fs::File::open(path).ok()?.take(LOCK_FILE_BYTES_MAX).read_to_end(&mut content).ok()?;
    let number = match std::str::from_utf8(&content).ok().and_then(|text| text.split_whitespace().next()?.parse().ok())
    {
        Some(number) => number,
        // The older, binary form.
        None => i32::from_ne_bytes(content.try_into().ok()?),
    };
    // Zero and below mean groups of processes.
    (number > 0).then(|| Pid::from_raw(number))
}

fn is_alive(process: Pid) -> bool {
    // No permission to signal it: it lives.
    kill(process, None) != Err(Errno::ESRCH) && !is_zombie(process)
}

/// It has ended and holds nothing any more, but whoever started it has not asked how.
fn is_zombie(process: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // proc(5): the fields after the name, which stands in brackets, begin with the state; the 18th is the number of threads.
    let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.next() == Some("Z") && fields.nth(16).is_some_and(|threads| matches!(threads, "0" | "1"))
}

/// The process that holds an exclusive `flock` on a device or file, if the kernel's table is readable.
pub fn flock_holder(path: &Path) -> Option<String> {
    let metadata = fs::metadata(path).ok()?;
    let file = format!("{:02x}:{:02x}:{}", major(metadata.dev()), minor(metadata.dev()), metadata.ino());
    let locks = fs::read_to_string("/proc/locks").ok()?;
    // The one who took it may have left it to another process.
    holder_in(&locks, &file).filter(|&process| is_alive(process)).map(describe)
}

/// Lines read `1: FLOCK  ADVISORY  WRITE 4711 00:06:123 0 EOF`.
fn holder_in(locks: &str, file: &str) -> Option<Pid> {
    locks.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, _, process, place, ..] = fields[..] else { return None };
        let process = process.parse().ok().filter(|&process| process > 0)?;
        (place == file).then(|| Pid::from_raw(process))
    })
}

/// Other programs that have the device open, as far as this user may see.
pub fn users(device: &Path) -> Vec<String> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok().map(Pid::from_raw))
        .filter(|&process| process != Pid::this() && has_open(process, device))
        .take(USERS_MAX)
        .map(describe)
        .collect()
}

fn has_open(process: Pid, device: &Path) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{process}/fd")) else { return false };
    files.flatten().any(|file| fs::read_link(file.path()).is_ok_and(|target| target == device))
}

pub fn is_pty(device: &Path) -> bool {
    fs::metadata(device).is_ok_and(|metadata| PTY_MAJORS.contains(&major(metadata.rdev())))
}

fn describe(process: Pid) -> String {
    match fs::read_to_string(format!("/proc/{process}/comm")) {
        // A program names itself; the name goes to terminals and logs.
        Ok(name) => {
            format!("{} (process {process})", name.trim().replace(|character: char| character.is_control(), "?"))
        }
        Err(_) => format!("process {process}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Bystander;
    use super::*;

    const DEVICE: &str = "/dev/ttyUSB9";

    fn directory() -> tempfile::TempDir {
        tempfile::tempdir().expect("a temporary directory")
    }

    #[test]
    fn a_lock_file_names_this_process_and_goes_with_the_lock() {
        let directory = directory();
        let Taken::Ours(lock) = take(directory.path(), Path::new(DEVICE)) else { panic!("not taken") };
        let path = directory.path().join("LCK..ttyUSB9");
        let text = fs::read_to_string(&path).expect("a lock file");
        assert_eq!(text, format!("{:>10}\n", std::process::id()));
        assert_eq!(fs::read_dir(directory.path()).expect("a directory").count(), 1);
        drop(lock);
        assert!(!path.exists());
    }

    #[test]
    fn the_lock_file_of_a_living_process_is_respected_and_named() {
        let directory = directory();
        let other = Bystander::start("true", directory.path());
        let path = directory.path().join("LCK..ttyUSB9");
        for content in [format!("{:>10}\n", other.id()).into_bytes(), other.id().to_ne_bytes().to_vec()] {
            fs::write(&path, &content).expect("a lock file");
            let Taken::By(holder) = take(directory.path(), Path::new(DEVICE)) else { panic!("not respected") };
            assert_eq!(holder, format!("sh (process {})", other.id()));
            assert_eq!(named_in_file(directory.path(), Path::new(DEVICE)), Some(holder));
            assert_eq!(fs::read(&path).expect("the lock file"), content);
        }
        drop(other);
        assert!(matches!(take(directory.path(), Path::new(DEVICE)), Taken::Ours(_)), "its owner is gone");
    }

    #[test]
    fn a_process_that_was_killed_and_not_yet_waited_for_holds_nothing() {
        use nix::sys::wait::{Id, WaitPidFlag, waitid};

        let directory = directory();
        let mut killed = std::process::Command::new("sleep").arg("600").spawn().expect("sleep");
        let id = Pid::from_raw(killed.id().cast_signed());
        fs::write(directory.path().join("LCK..ttyUSB9"), format!("{id:>10}\n")).expect("a lock file");
        assert!(matches!(take(directory.path(), Path::new(DEVICE)), Taken::By(_)));
        killed.kill().expect("a child");
        waitid(Id::Pid(id), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).expect("its end");
        assert!(matches!(take(directory.path(), Path::new(DEVICE)), Taken::Ours(_)));
        killed.wait().expect("a child");
    }

    #[test]
    fn a_lock_file_that_names_nobody_is_replaced() {
        let directory = directory();
        let ours = format!("{:>10} simverify\n", std::process::id());
        for content in ["", "garbage", "0", "-1", "99999999999", "\0\0\0\0", &ours] {
            fs::write(directory.path().join("LCK..ttyUSB9"), content).expect("a lock file");
            assert!(matches!(take(directory.path(), Path::new(DEVICE)), Taken::Ours(_)), "{content:?}");
        }
    }

    #[test]
    fn a_lock_file_that_another_replaced_is_left_to_it() {
        let directory = directory();
        let Taken::Ours(lock) = take(directory.path(), Path::new(DEVICE)) else { panic!("not taken") };
        let path = directory.path().join("LCK..ttyUSB9");
        fs::write(&path, "         1\n").expect("a lock file");
        drop(lock);
        assert!(path.exists());
    }

    #[test]
    fn without_a_place_for_lock_files_there_is_none() {
        assert!(matches!(take(Path::new("/nonexistent"), Path::new(DEVICE)), Taken::Impossible));
        assert_eq!(path(Path::new("/run/lock"), Path::new("/dev/pts/3")), Path::new("/run/lock/LCK..pts_3"));
    }

    #[test]
    fn the_kernel_tells_who_holds_a_lock() {
        let locks = "1: POSIX  ADVISORY  WRITE 12 00:06:123 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 4711 00:06:123 0 EOF\n\
                     2: -> FLOCK  ADVISORY  WRITE 4712 00:06:124 0 EOF\n\
                     3: FLOCK  ADVISORY  WRITE -1 00:06:125 0 EOF\n";
        assert_eq!(holder_in(locks, "00:06:123"), Some(Pid::from_raw(4711)));
        assert_eq!(holder_in(locks, "00:06:124"), None);
        assert_eq!(holder_in(locks, "00:06:125"), None);
    }

    #[test]
    fn a_program_that_has_a_file_open_is_found() {
        let directory = directory();
        let file = directory.path().join("device");
        fs::write(&file, "").expect("a file");
        let other = Bystander::start("exec 3<\"$0\"", &file);
        let name = format!("sh (process {})", other.id());
        assert!(users(&file).contains(&name));
        drop(other);
        assert!(!users(&file).contains(&name));
        assert!(!is_pty(&file));
    }
}
