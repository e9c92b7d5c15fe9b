//! The texts of a language, by their names in its file.

use std::fmt;

use super::template::Placeholder;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TextKey {
    Sms,
    SmsShort,
    Payment,
    PaymentShort,
    Greeting,
    GreetingPayment,
    CodeIs,
    Again,
    HearAgain,
    Goodbye,
    Capital,
}

impl TextKey {
    /// In the order of their declaration.
    pub(super) const ALL: [Self; 11] = [
        Self::Sms,
        Self::SmsShort,
        Self::Payment,
        Self::PaymentShort,
        Self::Greeting,
        Self::GreetingPayment,
        Self::CodeIs,
        Self::Again,
        Self::HearAgain,
        Self::Goodbye,
        Self::Capital,
    ];

    /// With its table.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::SmsShort => "sms_short",
            Self::Payment => "payment",
            Self::PaymentShort => "payment_short",
            Self::Greeting => "speech.greeting",
            Self::GreetingPayment => "speech.greeting_payment",
            Self::CodeIs => "speech.code_is",
            Self::Again => "speech.again",
            Self::HearAgain => "speech.hear_again",
            Self::Goodbye => "speech.goodbye",
            Self::Capital => "speech.capital",
        }
    }

    pub(super) fn is_sms(self) -> bool {
        self.allowed().contains(&Placeholder::Pin)
    }

    /// What may stand in the text. No PIN in speech: it is said character by character, between the texts.
    pub(super) fn allowed(self) -> &'static [Placeholder] {
        use Placeholder::{Amount, Brand, Letter, Payee, Pin};
        match self {
            Self::Sms | Self::SmsShort => &[Pin, Brand],
            Self::Payment | Self::PaymentShort => &[Pin, Payee, Amount],
            Self::Greeting => &[Brand],
            Self::GreetingPayment => &[Payee, Amount],
            Self::CodeIs | Self::Again | Self::HearAgain | Self::Goodbye => &[],
            Self::Capital => &[Letter],
        }
    }

    /// What must stand in the text. The payer has to be told payee and amount: Delegated Regulation (EU) 2018/389,
    /// article 5.
    pub(super) fn required(self) -> &'static [Placeholder] {
        match self {
            Self::Sms | Self::SmsShort => &[Placeholder::Pin],
            Self::Payment | Self::PaymentShort | Self::GreetingPayment | Self::Capital => self.allowed(),
            Self::Greeting | Self::CodeIs | Self::Again | Self::HearAgain | Self::Goodbye => &[],
        }
    }
}

impl fmt::Display for TextKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
