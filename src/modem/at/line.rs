//! Bytes to lines.
//!
//! CR, LF and any mixture end a line; NUL and 0xFF are line noise and vanish; a line longer than [`LINE_BYTES_MAX`] is
//! garbage and is thrown away up to its end. Never waits: what has no line end yet can be looked at with
//! [`LineReader::partial`], because a prompt has none.

/// A PDU line needs 2 · 176 characters, a UCS-2 USSD answer about 750; ten times that is garbage.
const LINE_BYTES_MAX: usize = 4096;

pub(super) const CTRL_Z: u8 = 0x1a;
pub(super) const ESC: u8 = 0x1b;

#[derive(Default)]
pub(super) struct LineReader {
    partial: Vec<u8>,
    overflowed: bool,
}

impl LineReader {
    /// Takes one byte; gives the line that it ends, if it ends one that is not empty.
    pub(super) fn push(&mut self, byte: u8) -> Option<String> {
        match byte {
            b'\r' | b'\n' => self.end(),
            0x00 | 0xff => None,
            _ => {
                if self.partial.len() >= LINE_BYTES_MAX {
                    self.overflowed = true;
                } else {
                    self.partial.push(byte);
                }
                None
            }
        }
    }

    /// What came since the last line end.
    pub(super) fn partial(&self) -> &[u8] {
        &self.partial
    }

    pub(super) fn clear(&mut self) {
        self.partial.clear();
        self.overflowed = false;
    }

    fn end(&mut self) -> Option<String> {
        let overflowed = std::mem::take(&mut self.overflowed);
        let bytes = std::mem::take(&mut self.partial);
        if overflowed || bytes.iter().all(|byte| byte.is_ascii_whitespace()) {
            return None;
        }
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<String> {
        let mut reader = LineReader::default();
        bytes.iter().filter_map(|byte| reader.push(*byte)).collect()
    }

    #[test]
    fn any_mixture_of_line_ends_ends_a_line() {
        for end in ["\r", "\n", "\r\n", "\r\r\n", "\n\r", "\r\n\r\n"] {
            assert_eq!(lines(format!("{end}+CSQ: 1,2{end}OK{end}").as_bytes()), ["+CSQ: 1,2", "OK"], "{end:?}");
        }
    }

    #[test]
    fn line_noise_vanishes_and_a_partial_line_stays() {
        assert_eq!(lines(b"\0O\xffK\0\r"), ["OK"]);
        let mut reader = LineReader::default();
        assert!(b"\r\n> ".iter().all(|byte| reader.push(*byte).is_none()));
        assert_eq!(reader.partial(), b"> ");
    }

    #[test]
    fn a_line_without_end_is_bounded_and_thrown_away() {
        let mut reader = LineReader::default();
        for _ in 0..100_000 {
            assert_eq!(reader.push(b'x'), None);
        }
        assert_eq!(reader.partial().len(), LINE_BYTES_MAX);
        assert_eq!(reader.push(b'\r'), None);
        assert_eq!(b"OK\r".iter().find_map(|byte| reader.push(*byte)).as_deref(), Some("OK"));
    }
}
