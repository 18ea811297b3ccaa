//! A file in segments that is still written: its whole segments are found one after the other by
//! the heads of their frames, until its end is there.

use std::io::{Read, Seek, SeekFrom};

use super::RangeReader;
use super::places::Part;
use crate::chunk::{offset, read_full};
use crate::error::{Error, Result};
use crate::frame::{FrameHead, Place};
use crate::header::Header;
use crate::keys::DataKey;
use crate::segment::{self, SegmentRecord};
use crate::spec::{
    END_BYTES, FRAME_END, FRAME_HEAD_BYTES, FRAME_INDEX, FRAME_SEGMENT, FRAME_SIGNATURE, TAG_BYTES,
};

/// Where a file goes on.
pub(super) struct Growth {
    /// Offset in the file of the frame after the last whole segment.
    next: u64,
    /// The records that the frame of that segment told.
    told: Vec<SegmentRecord>,
}

impl Growth {
    /// The records of segments that are not there yet.
    pub(super) fn ahead(&self) -> &[SegmentRecord] {
        self.told.get(1..).unwrap_or_default()
    }
}

/// What stands where a file goes on.
enum Step {
    /// A whole segment; behind it the file goes on there.
    Further(Growth),
    /// Nothing whole yet.
    Wait,
    /// The end, which is verified.
    End,
}

impl<R: Read + Seek> RangeReader<R> {
    /// Opens a file that may still be written. One without segments has to have its end.
    ///
    /// # Errors
    /// As [`RangeReader::open`] and [`RangeReader::look`].
    pub fn growing(header: &Header, data_key: &DataKey, reader: R) -> Result<Self> {
        let mut opened = Self::unread(header, data_key, reader)?;
        match opened.read_end() {
            Err(Error::Truncated { .. }) if header.parameters().look_ahead.is_some() => {
                opened.growth = Some(Growth {
                    next: offset(header.as_bytes().len()),
                    told: Vec::new(),
                });
                opened.look()?;
            }
            outcome => outcome?,
        }
        Ok(opened)
    }

    /// Whether the end of the file is there and verified.
    pub const fn is_whole(&self) -> bool {
        self.growth.is_none()
    }

    /// Looks for segments that have become whole, and for the end; true once that is verified.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::SegmentTampered`], [`Error::ChunkTampered`] by the heads of chunks
    /// alone, [`Error::EndTampered`], [`Error::TrailingData`].
    pub fn look(&mut self) -> Result<bool> {
        while let Some(growth) = self.growth.take() {
            match self.step(&growth) {
                Ok(Step::Further(next)) => self.growth = Some(next),
                Ok(Step::End) => {}
                outcome => {
                    self.growth = Some(growth);
                    return outcome.map(|_| false);
                }
            }
        }
        Ok(true)
    }

    fn step(&mut self, growth: &Growth) -> Result<Step> {
        let Some(head) = self.head_at(growth.next)? else {
            return Ok(Step::Wait);
        };
        if head.kind == FRAME_SEGMENT {
            let next = self.segment_from(growth, head)?;
            return Ok(next.map_or(Step::Wait, Step::Further));
        }
        if !self.end_after(growth.next)? {
            return Ok(Step::Wait);
        }
        self.read_end()?;
        Ok(Step::End)
    }

    /// The head of the frame at this offset of the file, if it is there.
    fn head_at(&mut self, at: u64) -> Result<Option<FrameHead>> {
        let mut head = [0; FRAME_HEAD_BYTES];
        self.reader.seek(SeekFrom::Start(at)).map_err(Error::Read)?;
        let is_there = read_full(&mut self.reader, &mut head)? == head.len();
        Ok(is_there.then(|| FrameHead::from_bytes(head)))
    }

    /// Takes in the segment that begins where the file goes on, if it is whole.
    fn segment_from(&mut self, growth: &Growth, head: FrameHead) -> Result<Option<Growth>> {
        let number = u32::try_from(self.parts.len()).map_err(|_| Error::TooLong)?;
        let changed = Error::SegmentTampered { segment: number };
        if head.length != segment::frame_bytes(self.look_ahead) {
            return Err(changed);
        }
        let mut content = vec![0; head.length];
        if read_full(&mut self.reader, &mut content)? < content.len() {
            return Ok(None);
        }
        let suite = self.header.parameters().suite;
        let told = segment::from_frame(&self.mac, suite, number, &content)?;
        let (true, Some(record)) = (segment::goes_on(&growth.told, &told), told.first()) else {
            return Err(changed);
        };
        let first = behind(growth.next, head);
        let Some((next, length)) = self.chunks_from(first)? else {
            return Ok(None);
        };
        self.records.push(record.clone());
        self.parts.push(Part {
            offset: first,
            start: self.plaintext_bytes,
            length,
        });
        self.plaintext_bytes = self.plaintext_bytes.saturating_add(length);
        Ok(Some(Growth { next, told }))
    }

    /// Passes the chunks of a segment by; returns the offset behind them and their plaintext's
    /// length, if all of them are there.
    fn chunks_from(&mut self, first: u64) -> Result<Option<(u64, u64)>> {
        let earlier: u64 = self.parts.iter().map(|part| part.chunks()).sum();
        let (mut at, mut length, mut number) = (first, 0_u64, 0_u64);
        loop {
            let Some(head) = self.head_at(at)? else {
                return Ok(None);
            };
            let chunk = earlier.saturating_add(number);
            let place = head.place(number == 0);
            let place = place.ok_or(Error::ChunkTampered { chunk })?;
            at = behind(at, head);
            length = length.saturating_add(offset(head.length.saturating_sub(TAG_BYTES)));
            number = number.saturating_add(1);
            if place == Place::Last {
                let there = self.reader.seek(SeekFrom::End(0)).map_err(Error::Read)?;
                return Ok((there >= at).then_some((at, length)));
            }
        }
    }

    /// Whether all frames up to the end are there, of the tail that begins at this offset.
    fn end_after(&mut self, mut at: u64) -> Result<bool> {
        while let Some(head) = self.head_at(at)? {
            at = behind(at, head);
            match (head.kind, head.length) {
                (FRAME_SIGNATURE | FRAME_INDEX, _) => {}
                (FRAME_END, END_BYTES) => {
                    let there = self.reader.seek(SeekFrom::End(0)).map_err(Error::Read)?;
                    if there > at {
                        return Err(Error::TrailingData { offset: at });
                    }
                    return Ok(there == at);
                }
                _ => return Err(Error::EndTampered),
            }
        }
        Ok(false)
    }
}

/// The offset behind a frame.
fn behind(at: u64, head: FrameHead) -> u64 {
    let frame = FRAME_HEAD_BYTES.saturating_add(head.length);
    at.saturating_add(offset(frame))
}
