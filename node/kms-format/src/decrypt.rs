//! Decrypts a file from its first byte to its last, in constant memory.

use std::io::{Read, Write};

use crate::chunk::{ChunkCipher, offset};
use crate::end::{End, Statement};
use crate::error::{Error, Result};
use crate::frame::{FrameHead, Place};
use crate::header::Header;
use crate::keys::{BodyKeys, DataKey};
use crate::segment::{self, Entry, SegmentKeys, SegmentRecord};
use crate::spec::{
    END_BYTES, END_FRAME_BYTES, ENTRY_BYTES, FRAME_END, FRAME_HEAD_BYTES, FRAME_INDEX,
    FRAME_SEGMENT, FRAME_SIGNATURE, SIGNATURE_BYTES,
};
use crate::suite::{Digest, MacKey};
use crate::summary::Summary;
use crate::window::Window;

/// Decrypts what follows a header.
pub struct Decryptor<'k, R> {
    window: Window<R>,
    data_key: &'k DataKey,
    body: BodyKeys,
    mac: MacKey,
    keys: Option<&'k mut dyn SegmentKeys>,
    /// The records that the frame of the latest segment told.
    told: Vec<SegmentRecord>,
    /// Hash of the index that the file has to have.
    index: Digest,
    /// What is known of the latest segment.
    entry: Option<Entry>,
    digest: Option<Digest>,
    total: Summary,
}

impl<'k, R: Read> Decryptor<'k, R> {
    /// Starts to decrypt. `reader` is at the first byte after the header, where [`Header::read`]
    /// stops.
    ///
    /// # Errors
    /// None that the input can cause.
    pub fn new(header: &Header, data_key: &'k DataKey, reader: R) -> Result<Self> {
        let header_bytes = offset(header.as_bytes().len());
        Ok(Self {
            window: Window::new(reader, header_bytes),
            body: data_key.body_keys()?,
            mac: data_key.mac_key()?,
            digest: data_key.parameters().signed.then(Digest::new),
            data_key,
            keys: None,
            told: Vec::new(),
            index: Digest::new(),
            entry: None,
            total: Summary {
                header_bytes,
                plaintext_bytes: 0,
                file_bytes: header_bytes,
                chunks: 0,
                segments: 0,
                signer: None,
            },
        })
    }

    /// Asks `keys` for the key of each segment. A file without segments needs none.
    #[must_use]
    pub fn with_keys(mut self, keys: &'k mut dyn SegmentKeys) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Writes the plaintext. Nothing of a chunk is written before its tag is verified, and the
    /// whole is authentic only once this returns `Ok`.
    ///
    /// `progress` receives the plaintext bytes written so far, from time to time and at the end.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Write`], [`Error::ChunkTampered`], [`Error::SegmentTampered`],
    /// [`Error::EndTampered`], [`Error::SignatureInvalid`], [`Error::Truncated`],
    /// [`Error::TrailingData`], [`Error::TooLong`], and those of the segments' keys.
    pub fn decrypt<W: Write>(
        mut self,
        mut writer: W,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Summary> {
        let outcome = self.run(&mut writer, progress);
        // What was verified before a fault is written as well.
        self.window.drain(&mut writer)?;
        writer.flush().map_err(Error::Write)?;
        outcome?;
        progress(self.total.plaintext_bytes);
        self.total.file_bytes = self.window.offset();
        Ok(self.total)
    }

    fn run<W: Write>(&mut self, writer: &mut W, progress: &mut dyn FnMut(u64)) -> Result<()> {
        let mut out = Out { writer, progress };
        if self.data_key.parameters().look_ahead.is_none() {
            let cipher = ChunkCipher::new(&self.body, 0, None)?;
            self.chunks(&cipher, &mut out)?;
        } else {
            let mut head = self.head(&mut out)?;
            if head.kind != FRAME_SEGMENT {
                return Err(Error::SegmentTampered { segment: 0 });
            }
            while head.kind == FRAME_SEGMENT {
                let cipher = self.segment(head, &mut out)?;
                self.chunks(&cipher, &mut out)?;
                head = self.head(&mut out)?;
            }
        }
        self.tail(&mut out)
    }

    /// Looks at the head of the next frame.
    fn head(&mut self, out: &mut Out<'_, impl Write>) -> Result<FrameHead> {
        let head = self.need(FRAME_HEAD_BYTES, out)?;
        let head = head.first_chunk().copied();
        head.map(FrameHead::from_bytes)
            .ok_or(Error::Bug("a head has four bytes"))
    }

    /// Looks at the next bytes of the file; writes what is decrypted if more must be read.
    fn need(&mut self, bytes: usize, out: &mut Out<'_, impl Write>) -> Result<&[u8]> {
        if !self.window.holds(bytes) {
            self.window.drain(out.writer)?;
            (out.progress)(self.total.plaintext_bytes);
        }
        self.window.need(bytes)
    }

    /// Decrypts the chunks of one segment.
    fn chunks(&mut self, cipher: &ChunkCipher, out: &mut Out<'_, impl Write>) -> Result<()> {
        for number in 0.. {
            let chunk = self.total.chunks;
            let head = self.head(out)?;
            let tampered = Error::ChunkTampered { chunk };
            let Some(place) = head.place(number == 0) else {
                return Err(tampered);
            };
            self.need(FRAME_HEAD_BYTES.saturating_add(head.length), out)?;
            let open = |buffer: &mut [u8], from| cipher.open(number, place, buffer, from);
            let Some(plain) = self.window.open(head.length, open)? else {
                return Err(tampered);
            };
            let length = offset(plain.len());
            if let Some(digest) = &mut self.digest {
                digest.update(plain);
            }
            if let Some(entry) = &mut self.entry {
                entry.plaintext_bytes = entry.plaintext_bytes.saturating_add(length);
            }
            self.total.chunks = self.total.chunks.saturating_add(1);
            self.total.plaintext_bytes = self.total.plaintext_bytes.saturating_add(length);
            if place == Place::Last {
                break;
            }
        }
        if let Some(entry) = self.entry.take() {
            self.index.update(&entry.to_bytes());
        }
        Ok(())
    }

    /// Reads the frame of a segment and obtains its key.
    fn segment(&mut self, head: FrameHead, out: &mut Out<'_, impl Write>) -> Result<ChunkCipher> {
        let parameters = self.data_key.parameters();
        let segment = self.total.segments;
        let wanted = segment::frame_bytes(parameters.look_ahead.unwrap_or(0));
        if head.length != wanted {
            return Err(Error::SegmentTampered { segment });
        }
        let at = self.window.offset().saturating_sub(self.total.header_bytes);
        let content = self.take(wanted, out)?;
        let records = segment::from_frame(&self.mac, parameters.suite, segment, &content)?;
        if !segment::goes_on(&self.told, &records) {
            return Err(Error::SegmentTampered { segment });
        }
        let missing = |reason: &str| Error::SegmentKey {
            segment,
            reason: reason.to_owned(),
        };
        let first = records.first().ok_or(Error::Bug("a frame has a record"))?;
        self.entry = Some(Entry {
            offset: at,
            plaintext_bytes: 0,
            record: first.clone(),
        });
        // What is decrypted does not wait for the miners.
        self.window.drain(out.writer)?;
        let keys = self.keys.as_mut();
        let keys = keys.ok_or_else(|| missing("none was asked for"))?;
        let key = keys.key(&records)?;
        self.told = records;
        self.total.segments = segment.saturating_add(1);
        ChunkCipher::new(&self.body, segment, Some(&key))
    }

    /// Takes the content of a frame of this length out of the window.
    fn take(&mut self, length: usize, out: &mut Out<'_, impl Write>) -> Result<Vec<u8>> {
        let frame = FRAME_HEAD_BYTES.saturating_add(length);
        let content = self.need(frame, out)?.get(FRAME_HEAD_BYTES..frame);
        let content = content.unwrap_or_default().to_vec();
        self.window.skip(frame);
        Ok(content)
    }

    /// Takes a whole frame of this kind and length; `tail` receives its bytes.
    fn expect(
        &mut self,
        expected: FrameHead,
        tail: &mut Vec<u8>,
        out: &mut Out<'_, impl Write>,
    ) -> Result<Vec<u8>> {
        if self.head(out)? != expected {
            return Err(Error::EndTampered);
        }
        let content = self.take(expected.length, out)?;
        tail.extend_from_slice(&expected.to_bytes());
        tail.extend_from_slice(&content);
        Ok(content)
    }

    /// Reads what follows the chunks, up to the end of the input.
    fn tail(&mut self, out: &mut Out<'_, impl Write>) -> Result<()> {
        let mut tail = Vec::new();
        if let Some(digest) = self.digest.take() {
            let (kind, length) = (FRAME_SIGNATURE, SIGNATURE_BYTES);
            let sealed = self.expect(FrameHead { kind, length }, &mut tail, out)?;
            let statement = Statement {
                body_id: self.body.body_id,
                plaintext_bytes: self.total.plaintext_bytes,
                digest: digest.finish()?,
            };
            self.total.signer = Some(statement.verify(self.data_key, &sealed)?);
        }
        if self.data_key.parameters().look_ahead.is_some() {
            let segments = usize::try_from(self.total.segments).unwrap_or(usize::MAX);
            let (kind, length) = (FRAME_INDEX, segments.saturating_mul(ENTRY_BYTES));
            let entries = self.expect(FrameHead { kind, length }, &mut tail, out)?;
            let mut told = Digest::new();
            told.update(&entries);
            if told.finish()? != self.index.clone().finish()? {
                return Err(Error::EndTampered);
            }
        }
        let (kind, length) = (FRAME_END, END_BYTES);
        let covered = tail.len();
        self.expect(FrameHead { kind, length }, &mut tail, out)?;
        let (tail, frame) = tail.split_at(covered);
        let frame = frame.first_chunk::<END_FRAME_BYTES>();
        let frame = frame.ok_or(Error::Bug("an end has 52 bytes"))?;
        let end = End {
            plaintext_bytes: self.total.plaintext_bytes,
            segments: self.total.segments,
            tail_bytes: u32::try_from(covered).map_err(|_| Error::TooLong)?,
        };
        if End::parse(frame) != Some(end) || !end.holds(&self.mac, tail, frame) {
            return Err(Error::EndTampered);
        }
        self.window.drain(out.writer)?;
        if self.window.is_at_end()? {
            return Ok(());
        }
        let offset = self.window.offset();
        Err(Error::TrailingData { offset })
    }
}

/// Where plaintext and progress go.
struct Out<'a, W> {
    writer: &'a mut W,
    progress: &'a mut dyn FnMut(u64),
}
