//! The data coding scheme, TP-DCS (3GPP TS 23.038 §4): which alphabet, which message class.
//!
//! A reserved coding means the default alphabet, as §4 tells receivers; none is ever refused.

use std::fmt;

/// How the user data of a message is written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Alphabet {
    /// GSM 7-bit, with whatever tables the header chooses.
    Gsm7,
    /// Octets that are no text: 8-bit data, or compressed text.
    EightBit,
    /// UCS-2, in practice UTF-16 with the high octet first.
    Ucs2,
}

impl fmt::Display for Alphabet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gsm7 => "gsm7",
            Self::EightBit => "8bit",
            Self::Ucs2 => "ucs2",
        })
    }
}

/// A data coding scheme, read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Coding {
    pub alphabet: Alphabet,
    /// 0 (shown at once) to 3; nothing if the sender gave none.
    pub class: Option<u8>,
}

impl Coding {
    pub fn from_octet(octet: u8) -> Self {
        let class = octet & 0x03;
        match octet >> 4 {
            // General data coding, and the same marked for automatic deletion.
            0x0..=0x7 => Self {
                alphabet: match (octet & 0x20 != 0, octet >> 2 & 0x03) {
                    (true, _) | (false, 1) => Alphabet::EightBit,
                    (false, 2) => Alphabet::Ucs2,
                    (false, _) => Alphabet::Gsm7,
                },
                class: (octet & 0x10 != 0).then_some(class),
            },
            0xE => Self { alphabet: Alphabet::Ucs2, class: None },
            0xF => Self {
                alphabet: if octet & 0x04 != 0 { Alphabet::EightBit } else { Alphabet::Gsm7 },
                class: Some(class),
            },
            // 8 to B are reserved, C and D say that messages wait elsewhere.
            _ => Self { alphabet: Alphabet::Gsm7, class: None },
        }
    }

    /// The octet in the general data coding group, which every network and phone knows.
    pub(super) fn octet(self) -> u8 {
        let alphabet = match self.alphabet {
            Alphabet::Gsm7 => 0x00,
            Alphabet::EightBit => 0x04,
            Alphabet::Ucs2 => 0x08,
        };
        alphabet | self.class.map_or(0, |class| 0x10 | class & 0x03)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coding_reads_as_it_was_written() {
        for alphabet in [Alphabet::Gsm7, Alphabet::EightBit, Alphabet::Ucs2] {
            for class in [None, Some(0), Some(1), Some(2), Some(3)] {
                let coding = Coding { alphabet, class };
                assert_eq!(Coding::from_octet(coding.octet()), coding);
            }
        }
    }

    #[test]
    fn every_group_of_codings_reads_as_the_standard_says() {
        let cases = [
            (0x00, "gsm7 -"),
            (0x04, "8bit -"),
            (0x08, "ucs2 -"),
            (0x0C, "gsm7 -"),
            (0x10, "gsm7 0"),
            (0x15, "8bit 1"),
            (0x1A, "ucs2 2"),
            (0x20, "8bit -"),
            (0x48, "ucs2 -"),
            (0x53, "gsm7 3"),
            (0x80, "gsm7 -"),
            (0xBF, "gsm7 -"),
            (0xC8, "gsm7 -"),
            (0xD0, "gsm7 -"),
            (0xE0, "ucs2 -"),
            (0xF0, "gsm7 0"),
            (0xF6, "8bit 2"),
            (0xF9, "gsm7 1"),
        ];
        for (octet, expected) in cases {
            let coding = Coding::from_octet(octet);
            let class = coding.class.map_or("-".to_owned(), |class| class.to_string());
            assert_eq!(format!("{} {class}", coding.alphabet), expected, "octet {octet:#04x}");
        }
    }
}
