//! What the person reads.

use super::{Autofill, Language, Pin, Purpose};

/// The text of an SMS. The PIN comes first, so that a lock screen shows it; one part for every brand whose characters
/// are in the GSM alphabet.
pub fn sms_text(purpose: &Purpose, pin: &Pin, _language: Language, _autofill: &Autofill) -> String {
    match purpose {
        Purpose::Number { brand } => {
            format!("{} is your {} code. Do not share it with anyone.", pin.reveal(), brand.as_str())
        }
        Purpose::Payment { payee, amount } => {
            format!("{} is your code to pay EUR {amount} to {}.", pin.reveal(), payee.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verification::Brand;

    #[test]
    fn the_pin_comes_first() {
        let purpose = Purpose::Number { brand: Brand::new("Acme").expect("a brand") };
        let pin = Pin::new("4711").expect("a PIN");
        let text = sms_text(&purpose, &pin, Language::ENGLISH, &Autofill::default());
        assert_eq!(text, "4711 is your Acme code. Do not share it with anyone.");
    }
}
