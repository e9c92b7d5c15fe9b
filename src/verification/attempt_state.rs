//! Where an attempt stands.

use std::str::FromStr;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptState {
    Due,
    Claimed,
    Sending,
    Sent,
    Unanswered,
    Uncertain,
    Temporary,
    OtherRoute,
    Final,
    Unroutable,
    Withdrawn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a state of an attempt")]
pub struct UnknownState;

impl AttemptState {
    pub const ALL: [Self; 11] = [
        Self::Due,
        Self::Claimed,
        Self::Sending,
        Self::Sent,
        Self::Unanswered,
        Self::Uncertain,
        Self::Temporary,
        Self::OtherRoute,
        Self::Final,
        Self::Unroutable,
        Self::Withdrawn,
    ];

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Claimed => "claimed",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Unanswered => "unanswered",
            Self::Uncertain => "uncertain",
            Self::Temporary => "temporary",
            Self::OtherRoute => "other_route",
            Self::Final => "final",
            Self::Unroutable => "unroutable",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl FromStr for AttemptState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(UnknownState)
    }
}
