//! The master key and the file that holds it.
//!
//! One line: `simverify-master-key-1 ` and 64 lower-case hex digits. The file is made once, complete or not at all, and
//! readable by its owner only.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

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
        parse(&text).ok_or_else(|| KeyFileError::Malformed { path: path.to_owned() })
    }

    /// Makes a new key file with mode 0600, whole or not at all; never replaces one.
    pub fn create(path: &Path, random: &Random) -> Result<Self, KeyFileError> {
        let io = |cause| KeyFileError::Io { path: path.to_owned(), cause };
        let key = Self::generate(random);
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(format!(".{}", random.token(8)));
        let temporary = PathBuf::from(temporary);
        let made = write_new(&temporary, &key.to_text())
            .and_then(|()| fs::hard_link(&temporary, path))
            .and_then(|()| File::open(directory)?.sync_all());
        let removed = fs::remove_file(&temporary);
        made.map_err(io)?;
        removed.map_err(io)?;
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

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn parse(text: &[u8]) -> Option<MasterKey> {
    let text = std::str::from_utf8(text).ok()?;
    let digits = text.strip_suffix('\n').unwrap_or(text).strip_prefix(PREFIX)?.as_bytes();
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
