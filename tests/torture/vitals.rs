//! Memory and open files of the daemon while it lives.

use std::fs;

use nix::unistd::Pid;

/// What the resident memory may grow by between the middle and the end of a stretch: pages that the allocator keeps.
const GROWTH_MAX_KIB: i64 = 4 * 1024;

/// Connections that are open just then.
const FILES_MAX: i64 = 16;

#[derive(Clone, Copy)]
pub struct Vitals {
    pub resident_kib: i64,
    pub files: i64,
}

/// `None`: the process has ended.
pub fn read(id: Pid) -> Option<Vitals> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let resident_kib = line.trim().trim_end_matches(" kB").parse().ok()?;
    let files = fs::read_dir(format!("/proc/{id}/fd")).ok()?.count();
    Some(Vitals { resident_kib, files: i64::try_from(files).ok()? })
}

/// Files that an idle process has open, by kind.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenFiles {
    pub sockets: usize,
    pub database: usize,
    pub terminals: usize,
    pub others: usize,
}

/// Of one writer and four readers, each with the write-ahead log; the index of the log; and the lock. SQLite closes a
/// file of which another connection holds a lock only when that one lets go.
const DATABASE_FILES_MAX: usize = 16;

/// Of a modem: to read and to write.
pub const TERMINALS: usize = 2;

impl OpenFiles {
    pub fn of(id: Pid) -> Self {
        let mut files = Self::default();
        // A process that has ended has none.
        for entry in fs::read_dir(format!("/proc/{id}/fd")).into_iter().flatten().flatten() {
            let Ok(target) = fs::read_link(entry.path()) else { continue };
            let target = target.to_string_lossy();
            let kind = match &*target {
                target if target.starts_with("socket:") => &mut files.sockets,
                target if target.contains("simverify.db") => &mut files.database,
                target if target.starts_with("/dev/pts/") => &mut files.terminals,
                _ => &mut files.others,
            };
            *kind += 1;
        }
        files
    }

    /// Whether more is open than an idle daemon needs that had so much open when it was new.
    pub fn is_too_much_after(&self, new: Self, modems: usize) -> bool {
        self.sockets > new.sockets + 1
            || self.database > DATABASE_FILES_MAX
            || self.terminals > modems * TERMINALS
            || self.others > new.others + 1
    }
}

/// What one daemon had, second by second, during a stretch without kills.
#[derive(Default)]
pub struct Stretch(Vec<Vitals>);

/// Between the middle of a stretch and its end.
pub struct Growth {
    pub seconds: usize,
    pub before: Vitals,
    pub after: Vitals,
}

impl Stretch {
    pub fn note(&mut self, vitals: Vitals) {
        self.0.push(vitals);
    }

    /// `None`: too short to tell.
    pub fn growth(&self) -> Option<Growth> {
        let tenth = self.0.len() / 10;
        if tenth < 3 {
            return None;
        }
        let before = median(&self.0[4 * tenth..6 * tenth]);
        let after = median(&self.0[self.0.len() - 2 * tenth..]);
        Some(Growth { seconds: self.0.len(), before, after })
    }
}

impl Growth {
    pub fn resident_kib(&self) -> i64 {
        self.after.resident_kib - self.before.resident_kib
    }

    pub fn is_too_much(&self) -> bool {
        self.resident_kib() > GROWTH_MAX_KIB || self.after.files - self.before.files > FILES_MAX
    }
}

fn median(of: &[Vitals]) -> Vitals {
    let middle = |mut values: Vec<i64>| {
        values.sort_unstable();
        values[values.len() / 2]
    };
    Vitals {
        resident_kib: middle(of.iter().map(|vitals| vitals.resident_kib).collect()),
        files: middle(of.iter().map(|vitals| vitals.files).collect()),
    }
}
