//! How a command ends: exit codes of sysexits.h, and the one line that says why.

use std::fmt;
use std::io;
use std::process::ExitCode;

use crate::config::ConfigError;

/// The exit codes that scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Ok = 0,
    /// The command line is wrong.
    Usage = 64,
    /// The input is wrong: a PDU, a number.
    Data = 65,
    /// A modem, a daemon, a provider is not there.
    Unavailable = 69,
    /// A file, a device, a terminal fails.
    Io = 74,
    /// The user may not do this.
    Permission = 77,
    /// The configuration is wrong.
    Config = 78,
}

impl Exit {
    /// What each code says, for the manual.
    pub const MEANINGS: [(Self, &str); 7] = [
        (Self::Ok, "It did what it was asked for."),
        (Self::Usage, "The command line is wrong."),
        (Self::Data, "The input is wrong: a PDU, a number."),
        (Self::Unavailable, "A modem, a daemon or a provider is not there, or is not ready."),
        (Self::Io, "A file, a device or a terminal fails."),
        (Self::Permission, "The user may not do this."),
        (Self::Config, "The configuration is wrong."),
    ];

    /// Ends with this code because of `error`.
    pub fn because(self, error: impl Into<anyhow::Error>) -> Failure {
        Failure { exit: self, error: error.into() }
    }

    /// 77 if the user lacks a permission, otherwise 74.
    pub fn of_io(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::PermissionDenied { Self::Permission } else { Self::Io }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What a command returns.
pub type Outcome = Result<(), Failure>;

/// Why a command did not do what it was asked for.
pub struct Failure {
    pub exit: Exit,
    pub error: anyhow::Error,
}

/// The causes from the outermost to the innermost on one line.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{:#}", self.error).replace('\n', " "))
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.exit)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Exit::Config.because(error)
    }
}

/// Gives an error its exit code and says what failed.
pub trait OrExit<T> {
    /// `what` reads on with the cause: "cannot open /dev/ttyUSB2".
    fn or_exit(self, exit: Exit, what: impl fmt::Display + Send + Sync + 'static) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrExit<T> for Result<T, E> {
    fn or_exit(self, exit: Exit, what: impl fmt::Display + Send + Sync + 'static) -> Result<T, Failure> {
        self.map_err(|error| exit.because(error.into().context(what)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_with_its_causes() {
        let cause = io::Error::other("no such\ndevice");
        let failure = Err::<(), _>(cause).or_exit(Exit::Io, "cannot open /dev/ttyUSB2").expect_err("an error");
        assert_eq!(failure.to_string(), "cannot open /dev/ttyUSB2: no such device");
        assert_eq!(failure.exit, Exit::Io);
    }
}
