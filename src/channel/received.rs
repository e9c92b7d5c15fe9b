//! A message that came in, as a channel hands it over. `Debug` shows neither sender nor text.

use std::fmt;

use crate::clock::Timestamp;
use crate::phone::PhoneNumber;

/// One part of a message, or all of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Received {
    pub kind: ReceivedKind,
    /// As a person writes it: a number, a short code or a name; empty if it could not be read.
    pub sender: String,
    /// The sender, if it is a number that can be written to.
    pub number: Option<PhoneNumber>,
    /// By the service centre's clock.
    pub sent: Option<Timestamp>,
    /// Its place in a long message.
    pub part: Option<PartOf>,
    /// What it says, as far as this part is text.
    pub text: Option<String>,
    /// As the modem printed it, for reading once more: parts are joined from what they were sent as.
    pub raw: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceivedKind {
    Text,
    /// Class 0: for the display, not to be kept by a phone (3GPP TS 23.038 §4).
    Flash,
    /// 8-bit data.
    Data,
    /// For an application's port, as WAP pushes are; not for a person.
    Application,
    /// Nobody can read it: kept as it came.
    Unreadable,
}

/// Which part of which long message: what the parts have in common, beside their sender, and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartOf {
    pub reference: u16,
    /// Whether the reference was written with 16 bits; the same value with 8 bits is another message.
    pub wide: bool,
    pub parts: u8,
    /// 1 to `parts`.
    pub part: u8,
}

impl ReceivedKind {
    pub const ALL: [Self; 5] = [Self::Text, Self::Flash, Self::Data, Self::Application, Self::Unreadable];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Flash => "flash",
            Self::Data => "data",
            Self::Application => "application",
            Self::Unreadable => "unreadable",
        }
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received").field("kind", &self.kind).field("part", &self.part).finish_non_exhaustive()
    }
}
