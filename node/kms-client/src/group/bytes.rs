//! Reads and writes the group's encodings: fixed lengths, big-endian numbers, nothing left over.

use kms_protocol::B256;
use umbral::PublicKey;

/// Takes bytes off the front; `None` as soon as they do not fit.
pub(super) struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// A count, as a length that memory can have.
    pub(super) fn count(&mut self) -> Option<usize> {
        usize::try_from(u32::from_be_bytes(self.array()?)).ok()
    }

    pub(super) fn hash(&mut self) -> Option<B256> {
        self.array().map(B256)
    }

    pub(super) fn key(&mut self) -> Option<PublicKey> {
        PublicKey::from_bytes(&self.array()?).ok()
    }

    /// A name: its length in one byte, then UTF-8.
    pub(super) fn name(&mut self) -> Option<String> {
        let length = usize::from(self.u8()?);
        let text = std::str::from_utf8(self.take(length)?).ok()?;
        Some(text.to_owned())
    }

    pub(super) const fn rest(self) -> &'a [u8] {
        self.0
    }

    /// `Some` at the end of the bytes.
    pub(super) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// Writes a count in four bytes; a list that long fits into no item.
pub(super) fn put_count(out: &mut Vec<u8>, count: usize) {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    out.extend_from_slice(&count.to_be_bytes());
}

/// Writes a name that [`kms_core::card::check_card_name`] has passed: at most 64 bytes.
pub(super) fn put_name(out: &mut Vec<u8>, name: &str) {
    out.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(name.as_bytes());
}
