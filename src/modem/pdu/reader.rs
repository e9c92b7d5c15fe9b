//! A cursor over the octets of a PDU: each read names its field, so that the error of a short PDU does too.

use super::error::{DecodeError, Reason};

#[derive(Clone)]
pub(super) struct Reader<'a> {
    octets: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(octets: &'a [u8]) -> Self {
        Self { octets, at: 0 }
    }

    pub(super) fn remaining(&self) -> usize {
        self.octets.len() - self.at
    }

    pub(super) fn octet(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        Ok(self.take(1, field)?[0])
    }

    pub(super) fn take(&mut self, count: usize, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let missing = count.saturating_sub(self.remaining());
        if missing > 0 {
            return Err(self.error(field, Reason::Truncated { missing }));
        }
        let taken = &self.octets[self.at..self.at + count];
        self.at += count;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, field)?);
        Ok(array)
    }

    pub(super) fn error(&self, field: &'static str, reason: Reason) -> DecodeError {
        DecodeError { field, offset: self.at, reason }
    }
}
