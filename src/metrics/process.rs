//! What the process itself takes, as the kernel tells it.

use std::io;

use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage};
use nix::sys::time::TimeValLike;

/// What the kernel does not tell is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Process {
    pub cpu_seconds: f64,
    pub resident_bytes: Option<f64>,
    pub virtual_bytes: Option<f64>,
    pub open_fds: Option<f64>,
    pub max_fds: Option<f64>,
    pub threads: Option<f64>,
}

impl Process {
    /// # Errors
    ///
    /// Where there is no `/proc`.
    pub fn read() -> io::Result<Self> {
        let usage = getrusage(UsageWho::RUSAGE_SELF)?;
        let status = std::fs::read_to_string("/proc/self/status")?;
        // One of them lists the others.
        let open = std::fs::read_dir("/proc/self/fd")?.count().saturating_sub(1);
        let (max, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
        Ok(Self {
            cpu_seconds: (usage.user_time() + usage.system_time()).num_microseconds() as f64 / 1e6,
            open_fds: Some(open as f64),
            max_fds: Some(max as f64),
            ..Self::of_status(&status)
        })
    }

    /// Of the lines of `/proc/self/status`.
    fn of_status(status: &str) -> Self {
        let field = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            value.split_whitespace().next()?.parse::<f64>().ok()
        };
        let kib = |name: &str| field(name).map(|value| value * 1024.0);
        Self {
            resident_bytes: kib("VmRSS"),
            virtual_bytes: kib("VmSize"),
            threads: field("Threads"),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_in_bytes_and_what_is_not_told_is_absent() {
        let status =
            "Name:\tsimverify\nVmPeak:\t  150000 kB\nVmSize:\t  149000 kB\nVmRSS:\t   21000 kB\nThreads:\t12\n";
        let process = Process::of_status(status);
        assert_eq!(process.resident_bytes, Some(21_504_000.0));
        assert_eq!(process.virtual_bytes, Some(152_576_000.0));
        assert_eq!(process.threads, Some(12.0));
        assert_eq!(Process::of_status("Name:\tx\n"), Process::default());
    }

    #[test]
    fn this_process_has_memory_and_files() {
        let process = Process::read().expect("/proc");
        assert!(process.resident_bytes.is_some_and(|bytes| bytes > 1e5));
        assert!(process.open_fds <= process.max_fds);
    }
}
