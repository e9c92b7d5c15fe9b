//! What the person reads.

use super::{Brand, Language, Pin};

/// The text of an SMS. The PIN comes first, so that a lock screen shows it; one part for every brand whose characters
/// are in the GSM alphabet.
pub fn sms_text(brand: &Brand, pin: &Pin, _language: Language) -> String {
    format!("{} is your {} code. Do not share it with anyone.", pin.reveal(), brand.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pin_comes_first() {
        let brand = Brand::new("Acme").expect("a brand");
        let pin = Pin::new("4711").expect("a PIN");
        assert_eq!(sms_text(&brand, &pin, Language::ENGLISH), "4711 is your Acme code. Do not share it with anyone.");
    }
}
