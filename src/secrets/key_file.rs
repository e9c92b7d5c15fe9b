//! The master key and the file that holds it.
//!
//! One line: `simverify-master-key-1 ` and 64 lower-case hex digits. The file is made complete or not at all, and
//! readable by its owner only.
//!
//! While a key takes another's place there are two lines, the new key first. Which of them a database is under, the
//! database says.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{Digest, KeyId, Keys, key_id};
use crate::random::Random;

const PREFIX: &str = "simverify-master-key-1 ";

/// 32 octets from which every other key is derived.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

/// Why the key file cannot be used. No variant holds anything of its content.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    #[error("key file {path}: {cause}")]
    Io { path: PathBuf, cause: io::Error },
    #[error(
        "key file {path} is missing, but the database beside it was sealed with it; \
         put the file back from a backup (a new key cannot open the database)"
    )]
    Missing { path: PathBuf },
    #[error("key file {path} cannot be replaced ({cause}): the keys stay as they are")]
    Replace { path: PathBuf, cause: io::Error },
    #[error(
        "key file {path} is malformed: expected one line of `simverify-master-key-1` and 64 hex digits; \
         put the file back from a backup"
    )]
    Malformed { path: PathBuf },
    #[error("key file {path} may be read by others (mode {mode:03o}); run: chmod 600 {path}")]
    Exposed { path: PathBuf, mode: u32 },
}

impl MasterKey {
    pub fn generate(random: &Random) -> Self {
        Self(Zeroizing::new(random.bytes()))
    }

    pub(super) fn octets(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// Reads the key file; of several keys the newest.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::Missing`] if there is none.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let KeyRing(keys) = KeyRing::read(path)?;
        Ok(keys.into_iter().next().expect("a ring has a key"))
    }

    /// Says which key it is, and nothing about it.
    pub fn check_value(&self) -> Digest {
        Keys::new(self).check
    }

    pub fn id(&self) -> KeyId {
        key_id(&self.check_value())
    }

    /// Makes a new key file with mode 0600, whole or not at all; never replaces one.
    pub fn create(path: &Path, random: &Random) -> Result<Self, KeyFileError> {
        let io = |cause| KeyFileError::Io { path: path.to_owned(), cause };
        let key = Self::generate(random);
        KeyRing::new(vec![key.clone()]).create(path, random).map_err(io)?;
        Ok(key)
    }

    fn to_text(&self) -> Zeroizing<String> {
        use fmt::Write as _;
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + 65));
        text.push_str(PREFIX);
        for octet in self.0.iter() {
            write!(text, "{octet:02x}").expect("a string takes everything");
        }
        text.push('\n');
        text
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(***)")
    }
}

/// The keys of a key file: at least one, the newest first.
#[derive(Clone)]
pub struct KeyRing(Vec<MasterKey>);

/// Keys of a file: the newest, the one before it, and one of a backup that was put back meanwhile.
const KEYS_MAX: usize = 3;

impl KeyRing {
    /// # Panics
    ///
    /// If there is no key.
    pub fn new(keys: Vec<MasterKey>) -> Self {
        assert!(!keys.is_empty(), "a ring has a key");
        Self(keys)
    }

    pub fn keys(&self) -> &[MasterKey] {
        &self.0
    }

    /// The key that the installation is to be under.
    pub fn newest(&self) -> &MasterKey {
        &self.0[0]
    }

    pub fn check_values(&self) -> Vec<Digest> {
        self.0.iter().map(MasterKey::check_value).collect()
    }

    /// With another key, before or behind the others; `None` if there are as many as there may be.
    pub fn with_newest(&self, key: MasterKey) -> Option<Self> {
        (self.0.len() < KEYS_MAX).then(|| Self([vec![key], self.0.clone()].concat()))
    }

    pub fn with_older(&self, key: MasterKey) -> Option<Self> {
        (self.0.len() < KEYS_MAX).then(|| Self([self.0.clone(), vec![key]].concat()))
    }

    /// Reads the key file.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::Missing`] if there is none.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let io = |cause| KeyFileError::Io { path: path.to_owned(), cause };
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(KeyFileError::Missing { path: path.to_owned() });
            }
            Err(error) => return Err(io(error)),
        };
        let mode = metadata.mode() & 0o777;
        // systemd hands credentials out as 0440 in a directory of the service's own.
        if mode & 0o027 != 0 {
            return Err(KeyFileError::Exposed { path: path.to_owned(), mode });
        }
        let text = Zeroizing::new(fs::read(path).map_err(io)?);
        parse_ring(&text).ok_or_else(|| KeyFileError::Malformed { path: path.to_owned() })
    }

    /// Makes a new file with mode 0600, whole or not at all; never replaces one.
    pub fn create(&self, path: &Path, random: &Random) -> io::Result<()> {
        let temporary = beside(path, random);
        let made = write_new(&temporary, &self.to_text())
            .and_then(|()| fs::hard_link(&temporary, path))
            .and_then(|()| File::open(directory_of(path))?.sync_all());
        let removed = fs::remove_file(&temporary);
        made.and(removed)
    }

    /// Puts this ring in the place of the file's, which keeps its owner: the one or the other is there, whenever the
    /// power goes.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::Replace`]: the file is as it was.
    pub fn replace(&self, path: &Path, random: &Random) -> Result<(), KeyFileError> {
        // Where the file is a link, what it points to is replaced.
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let temporary = beside(&real, random);
        let replaced = write_new(&temporary, &self.to_text())
            .and_then(|()| keep_owner(&real, &temporary))
            .and_then(|()| fs::rename(&temporary, &real));
        if let Err(cause) = replaced {
            let _ = fs::remove_file(&temporary);
            return Err(KeyFileError::Replace { path: path.to_owned(), cause });
        }
        let synced = File::open(directory_of(&real)).and_then(|directory| directory.sync_all());
        synced.map_err(|cause| KeyFileError::Io { path: path.to_owned(), cause })
    }

    /// Whether [`Self::replace`] has a chance: systemd hands credentials out in a directory that nobody can write to.
    pub fn can_be_replaced(path: &Path) -> bool {
        use nix::unistd::{AccessFlags, eaccess};
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        eaccess(directory_of(&real), AccessFlags::W_OK).is_ok()
    }

    fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(self.0.len() * (PREFIX.len() + 65)));
        for key in &self.0 {
            text.push_str(&key.to_text());
        }
        text
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing({} keys)", self.0.len())
    }
}

fn keep_owner(of: &Path, to: &Path) -> io::Result<()> {
    let (old, new) = (fs::metadata(of)?, fs::metadata(to)?);
    if (old.uid(), old.gid()) == (new.uid(), new.gid()) {
        return Ok(());
    }
    std::os::unix::fs::chown(to, Some(old.uid()), Some(old.gid()))
}

fn beside(path: &Path, random: &Random) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", random.token(8)));
    PathBuf::from(name)
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn parse_ring(text: &[u8]) -> Option<KeyRing> {
    let text = std::str::from_utf8(text).ok()?;
    let lines: Vec<_> = text.strip_suffix('\n').unwrap_or(text).split('\n').collect();
    if lines.len() > KEYS_MAX {
        return None;
    }
    lines.into_iter().map(parse).collect::<Option<_>>().map(KeyRing)
}

fn parse(line: &str) -> Option<MasterKey> {
    let digits = line.strip_prefix(PREFIX)?.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut octets = Zeroizing::new([0; 32]);
    for (octet, pair) in octets.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = [pair[0], pair[1]].map(|digit| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        });
        *octet = high? << 4 | low?;
    }
    Some(MasterKey(octets))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn directory() -> tempfile::TempDir {
        tempfile::tempdir().expect("a temporary directory")
    }

    #[test]
    fn a_new_key_file_is_private_and_reads_back() {
        let directory = directory();
        let path = directory.path().join("master.key");
        let key = MasterKey::create(&path, &Random::seeded(1)).expect("a key file");
        assert_eq!(MasterKey::read(&path).expect("the key").octets(), key.octets());
        assert_eq!(fs::metadata(&path).expect("the file").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).expect("a directory").count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_key_file_is_never_replaced() {
        let directory = directory();
        let path = directory.path().join("master.key");
        let key = MasterKey::create(&path, &Random::seeded(1)).expect("a key file");
        assert!(matches!(MasterKey::create(&path, &Random::seeded(2)), Err(KeyFileError::Io { .. })));
        assert_eq!(MasterKey::read(&path).expect("the key").octets(), key.octets());
        assert_eq!(fs::read_dir(directory.path()).expect("a directory").count(), 1);
    }

    #[test]
    fn a_ring_takes_the_files_place_and_leaves_nothing_behind() {
        let directory = directory();
        let path = directory.path().join("master.key");
        let random = Random::seeded(1);
        let old = MasterKey::create(&path, &random).expect("a key file");
        let ring = KeyRing::read(&path).expect("a ring").with_newest(MasterKey::generate(&random)).expect("room");
        ring.replace(&path, &random).expect("replaced");
        let read = KeyRing::read(&path).expect("two keys");
        assert_eq!(read.check_values(), ring.check_values());
        assert_eq!(read.keys()[1].octets(), old.octets());
        assert_ne!(read.newest().octets(), old.octets());
        assert_eq!(fs::metadata(&path).expect("the file").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).expect("a directory").count(), 1);
        let full = ring.with_older(old.clone()).expect("room for a third");
        assert!(full.with_newest(old.clone()).is_none() && full.with_older(old).is_none());
        assert!(ring.replace(&directory.path().join("none/master.key"), &random).is_err());
    }

    #[test]
    fn a_missing_malformed_or_exposed_key_file_is_refused_with_advice() {
        let directory = directory();
        let path = directory.path().join("master.key");
        assert!(matches!(MasterKey::read(&path), Err(KeyFileError::Missing { .. })));
        let good = MasterKey::generate(&Random::seeded(1)).to_text();
        let bad = ["", "x", &good[..20], &good.to_uppercase(), &format!("{}0\n", good.trim_end()), "\u{fffd}"];
        for text in bad {
            fs::write(&path, text).expect("a file");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("permissions");
            let error = MasterKey::read(&path).expect_err("malformed");
            assert!(matches!(error, KeyFileError::Malformed { .. }), "{text:?}: {error}");
        }
        fs::write(&path, good.as_bytes()).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("permissions");
        let error = MasterKey::read(&path).expect_err("exposed").to_string();
        assert!(error.contains("mode 644") && error.contains("chmod 600"), "{error}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).expect("permissions");
        assert!(MasterKey::read(&path).is_ok(), "a credential of systemd");
    }
}
