//! The parameters of a file: eight bytes of its fixed part, to which all keys are bound.

use crate::error::{Error, Result};
use crate::spec::{CHUNK_LOG2, LOOK_AHEAD_MAX, PARAMETER_BYTES, VERSION};
use crate::suite::Suite;

/// The file is cut into segments, each with a key of its own.
const SEGMENTED: u16 = 1;
/// The writer signed the content.
const SIGNED: u16 = 2;
/// The content is an archive.
const ARCHIVE: u16 = 4;

/// What a file says of itself before anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Parameters {
    /// The cipher.
    pub suite: Suite,
    /// The number of segments whose keys each segment tells beside its own; `None` if the file has
    /// no segments.
    pub look_ahead: Option<u8>,
    /// Whether the writer signed the content.
    pub signed: bool,
    /// Whether the content is an archive of files.
    pub archive: bool,
}

impl Parameters {
    pub(crate) fn to_bytes(self) -> [u8; PARAMETER_BYTES] {
        let flag = |on: bool, flag: u16| if on { flag } else { 0 };
        let flags = flag(self.look_ahead.is_some(), SEGMENTED)
            | flag(self.signed, SIGNED)
            | flag(self.archive, ARCHIVE);
        let [f0, f1] = flags.to_be_bytes();
        let (suite, ahead) = (self.suite.number(), self.look_ahead.unwrap_or(0));
        [VERSION, suite, f0, f1, CHUNK_LOG2, ahead, 0, 0]
    }

    pub(crate) fn from_bytes(bytes: [u8; PARAMETER_BYTES]) -> Result<Self> {
        let [version, suite, f0, f1, chunk_log2, ahead, r0, r1] = bytes;
        if version != VERSION {
            return Err(Error::UnsupportedVersion { version });
        }
        let refuse = |parameter, value| Err(Error::UnsupportedParameter { parameter, value });
        let Some(suite) = Suite::from_number(suite) else {
            return refuse("suite", suite.into());
        };
        let flags = u16::from_be_bytes([f0, f1]);
        if flags & !(SEGMENTED | SIGNED | ARCHIVE) != 0 {
            return refuse("flags", flags.into());
        }
        if chunk_log2 != CHUNK_LOG2 {
            return refuse("chunk_log2", chunk_log2.into());
        }
        let segmented = flags & SEGMENTED != 0;
        if ahead > if segmented { LOOK_AHEAD_MAX } else { 0 } {
            return refuse("look_ahead", ahead.into());
        }
        let reserved = u16::from_be_bytes([r0, r1]);
        if reserved != 0 {
            return refuse("reserved", reserved.into());
        }
        Ok(Self {
            suite,
            look_ahead: segmented.then_some(ahead),
            signed: flags & SIGNED != 0,
            archive: flags & ARCHIVE != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_accepted_is_written_as_it_was_read() {
        let mut accepted = 0_u32;
        for suite in 0..=4 {
            for flags in 0..=16_u8 {
                for ahead in 0..=6 {
                    let bytes = [1, suite, 0, flags, 16, ahead, 0, 0];
                    if let Ok(read) = Parameters::from_bytes(bytes) {
                        assert_eq!(read.to_bytes(), bytes);
                        accepted += 1;
                    }
                }
            }
        }
        // Two suites; signed or not, archive or not; unsegmented, or 0 to 4 segments ahead.
        assert_eq!(accepted, 2 * 4 * 6);
    }
}
