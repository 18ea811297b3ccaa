//! Frames: the parts of a body. Each begins with its kind and its length, so that a file that was
//! cut is told from one that was changed.

use crate::spec::{FRAME_CHUNK, FRAME_HEAD_BYTES, FRAME_LAST, SEALED_BYTES, TAG_BYTES};

/// Kind and length of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHead {
    pub(crate) kind: u8,
    /// Bytes that follow the head.
    pub(crate) length: usize,
}

impl FrameHead {
    /// Writes kind and length. A longer frame than 16 MiB is not made.
    pub(crate) fn to_bytes(self) -> [u8; FRAME_HEAD_BYTES] {
        let length = u32::try_from(self.length).unwrap_or(u32::MAX);
        let [_, l0, l1, l2] = length.to_be_bytes();
        [self.kind, l0, l1, l2]
    }

    pub(crate) fn from_bytes(bytes: [u8; FRAME_HEAD_BYTES]) -> Self {
        let [kind, l0, l1, l2] = bytes;
        let length = u32::from_be_bytes([0, l0, l1, l2]);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        Self { kind, length }
    }

    /// The place of the chunk that this frame holds; `None` if it can hold none. The first chunk of
    /// a segment alone may be empty.
    pub(crate) fn place(self, is_first: bool) -> Option<Place> {
        let least = if is_first { TAG_BYTES } else { TAG_BYTES + 1 };
        match self.kind {
            FRAME_CHUNK if self.length == SEALED_BYTES => Some(Place::Inner),
            FRAME_LAST if (least..=SEALED_BYTES).contains(&self.length) => Some(Place::Last),
            _ => None,
        }
    }
}

/// The place of a chunk in its segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// More chunks follow; the chunk is full.
    Inner,
    /// The last chunk of the segment.
    Last,
}

impl Place {
    pub(crate) const fn kind(self) -> u8 {
        match self {
            Self::Inner => FRAME_CHUNK,
            Self::Last => FRAME_LAST,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn heads_round_trip(kind: u8, length in 0_usize..1 << 24) {
            let head = FrameHead { kind, length };
            prop_assert_eq!(FrameHead::from_bytes(head.to_bytes()), head);
        }
    }

    #[test]
    fn a_chunk_has_one_length_and_the_last_one_none_above_it() {
        let place = |kind, length, first| FrameHead { kind, length }.place(first);
        assert_eq!(place(1, SEALED_BYTES, false), Some(Place::Inner));
        assert_eq!(place(1, SEALED_BYTES - 1, false), None);
        assert_eq!(place(1, SEALED_BYTES + 1, false), None);
        assert_eq!(place(2, SEALED_BYTES, false), Some(Place::Last));
        assert_eq!(place(2, SEALED_BYTES + 1, false), None);
        assert_eq!(place(2, TAG_BYTES, true), Some(Place::Last));
        assert_eq!(place(2, TAG_BYTES, false), None);
        assert_eq!(place(2, TAG_BYTES - 1, true), None);
        for kind in (0..=255).filter(|kind| ![1, 2].contains(kind)) {
            assert_eq!(place(kind, SEALED_BYTES, true), None, "{kind}");
        }
    }
}
