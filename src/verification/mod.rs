//! What the product is about: a verification's life as a pure state machine, and the values it is made of.
//!
//! Nothing in this folder reads a clock, draws a random value, waits, or touches a database, a modem or the network.

mod attempt_state;
mod autofill;
mod cause;
mod country_languages;
mod course;
mod explanation;
mod id;
mod language;
mod machine;
mod opt_out;
mod pin;
mod price;
mod purpose;
mod request;
mod texts;
mod timeline;
mod words;
mod workflow;

pub use attempt_state::{AttemptState, UnknownState};
pub use autofill::{AppHash, Autofill, InvalidAutofill, OriginDomain};
pub use cause::{Cause, cause};
pub use course::{Course, Outage, PastEvent, PastTry, Sending, Upcoming};
pub use explanation::{Explanation, Verdict};
pub use id::{AccountId, AttemptId, EventId, InvalidId, Reference, RequestId, VerificationId};
pub use language::{LANGUAGES, Language, PSD2_LANGUAGES, UnknownLanguage};
pub use machine::Verification;
pub use opt_out::{OptOutWords, Wish};
pub use pin::{Code, CodeLength, Pin};
pub use price::{Credits, Money};
pub use purpose::{Amount, Brand, Payee, Purpose};
pub use request::{SenderId, StartRequest};
pub use texts::{Parts, Spoken, TextFault, Texts};
pub use timeline::{Entry, Tone};
pub use words::{Answer, Effect, End, Event, Outcome, Plan, Refusal, State};
pub use workflow::{EventKind, Workflow};
