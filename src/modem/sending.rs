//! From a message to the parts that a modem is given, and from its outcome to the product's words.

use crate::channel::{Message, Outcome, RefusalClass};

use super::at::{ErrorClass, Pdu};
use super::pdu::{self, SubmitOptions};
use super::sms::{self, Part};

/// Encodes a message. The reason of an error names no text and no number.
pub fn parts(message: &Message, delivery_reports: bool, concat_reference: u8) -> Result<Vec<Part>, String> {
    let options = SubmitOptions {
        status_report: delivery_reports,
        validity: Some(message.validity),
        concat_reference,
        ..SubmitOptions::default()
    };
    let without = SubmitOptions { validity: None, ..options };
    let encode = |options: &SubmitOptions| {
        pdu::encode_submit(message.number.digits(), message.text.reveal(), options).map_err(|error| error.to_string())
    };
    encode(&options)?
        .iter()
        .zip(encode(&without)?)
        .map(|(with, without)| {
            let pdu = Pdu::from_hex(&with.hex).ok_or("its PDU is malformed")?;
            Ok(Part { pdu, without_validity: Pdu::from_hex(&without.hex) })
        })
        .collect()
}

/// Whether the modem sent nothing by no fault of the message: several in a row mean that it is broken.
pub fn is_futile(outcome: &sms::Outcome) -> bool {
    match outcome {
        sms::Outcome::Refused { futile, .. } | sms::Outcome::Uncertain { futile, .. } => *futile,
        sms::Outcome::Accepted { .. } | sms::Outcome::Returned => false,
    }
}

/// The outcome in the channel's words; whether the modem is good for nothing else either.
pub fn outcome(outcome: sms::Outcome) -> (Outcome, bool) {
    match outcome {
        sms::Outcome::Accepted { references } => (Outcome::Accepted { references }, false),
        sms::Outcome::Uncertain { references, reason, .. } => (Outcome::Uncertain { references, reason }, false),
        sms::Outcome::Returned => (Outcome::Returned, false),
        sms::Outcome::Refused { class, reason, .. } => {
            let not_ready = class == ErrorClass::NotReady;
            (Outcome::Refused { class: refusal(class), reason }, not_ready)
        }
    }
}

pub(super) fn refusal(class: ErrorClass) -> RefusalClass {
    match class {
        ErrorClass::Temporary | ErrorClass::Busy | ErrorClass::WithoutValidity => RefusalClass::Temporary,
        // The fault is the SIM's: the same route may work again once the SIM does, another route works now.
        ErrorClass::NotReady => RefusalClass::Temporary,
        ErrorClass::OtherRoute => RefusalClass::OtherRoute,
        // The machine turns these into outcomes of their own; a refusal never carries them.
        ErrorClass::Sent | ErrorClass::Uncertain => RefusalClass::Temporary,
        ErrorClass::Final => RefusalClass::Final,
    }
}
