//! What a file is encrypted for and how; makes writers, and a new header for an existing file.

use std::io::{Read, Write};
use std::num::NonZeroU64;
use std::sync::Arc;

use rand_core::TryCryptoRng;
use umbral::{PublicKey, Signer};

use crate::chunk::offset;
use crate::error::{Error, Result};
use crate::fields::{Locator, SealedName};
use crate::header::{Header, Parts};
use crate::keys::{AccessKey, DataKey};
use crate::parameters::Parameters;
use crate::spec::{CHUNK_BYTES, LOOK_AHEAD_MAX};
use crate::suite::Suite;
use crate::summary::Summary;
use crate::writer::FileWriter;

/// How a file is cut into segments, each with a capsule and a key of its own: whoever serves a
/// capsule decides about that segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segments {
    chunks: Option<NonZeroU64>,
    look_ahead: u8,
}

impl Segments {
    /// Cuts where [`FileWriter::cut`] is called.
    pub const BY_HAND: Self = Self {
        chunks: None,
        look_ahead: 0,
    };

    /// Cuts after so many bytes, rounded up to whole chunks.
    pub fn of_bytes(bytes: u64) -> Self {
        let chunks = bytes.div_ceil(offset(CHUNK_BYTES)).max(1);
        Self {
            chunks: NonZeroU64::new(chunks),
            look_ahead: 0,
        }
    }

    /// Tells the keys of so many segments that follow beside each segment's own, at most
    /// [`LOOK_AHEAD_MAX`]: a reader asks for them before it needs them.
    #[must_use]
    pub fn looking_ahead(mut self, segments: u8) -> Self {
        self.look_ahead = segments.min(LOOK_AHEAD_MAX);
        self
    }

    /// Chunks of a segment; `None` if it is cut by hand.
    pub(crate) fn chunks(self) -> Option<u64> {
        self.chunks.map(NonZeroU64::get)
    }
}

/// Encrypts for one label. Needs only the label's public key: no secret, no network.
#[derive(Debug, Clone)]
pub struct Encryptor {
    pub(crate) label_key: PublicKey,
    sealed_name: Option<SealedName>,
    locator: Option<Locator>,
    suite: Suite,
    archive: bool,
    pub(crate) segments: Option<Segments>,
    pub(crate) signer: Option<Arc<Signer>>,
}

impl Encryptor {
    /// Makes an encryptor for the label with this key.
    pub fn new(label_key: &PublicKey) -> Self {
        Self {
            label_key: *label_key,
            sealed_name: None,
            locator: None,
            suite: Suite::default(),
            archive: false,
            segments: None,
            signer: None,
        }
    }

    /// Puts the chain and contract of the label's policies into the header, in the clear.
    #[must_use]
    pub fn with_locator(mut self, locator: Locator) -> Self {
        self.locator = Some(locator);
        self
    }

    /// Puts the label's name, sealed by the label's owner, into the header: with it the owner opens
    /// the file from the seed alone.
    #[must_use]
    pub fn with_sealed_name(mut self, name: SealedName) -> Self {
        self.sealed_name = Some(name);
        self
    }

    /// Chooses the cipher.
    #[must_use]
    pub const fn with_suite(mut self, suite: Suite) -> Self {
        self.suite = suite;
        self
    }

    /// Cuts the file into segments.
    #[must_use]
    pub const fn with_segments(mut self, segments: Segments) -> Self {
        self.segments = Some(segments);
        self
    }

    /// Signs the content, for those who may read it.
    #[must_use]
    pub fn signed_by(mut self, signer: Arc<Signer>) -> Self {
        self.signer = Some(signer);
        self
    }

    /// Marks the content as an archive, which [`crate::archive`] makes.
    #[must_use]
    pub(crate) const fn marked_archive(mut self) -> Self {
        self.archive = true;
        self
    }

    fn parameters(&self) -> Parameters {
        Parameters {
            suite: self.suite,
            look_ahead: self.segments.map(|segments| segments.look_ahead),
            signed: self.signer.is_some(),
            archive: self.archive,
        }
    }

    /// Writes a header, and returns what takes the plaintext.
    ///
    /// # Errors
    /// [`Error::Write`], [`Error::Rng`], [`Error::Encapsulate`].
    pub fn writer<'g, G, W>(&self, rng: &'g mut G, mut out: W) -> Result<FileWriter<'g, G, W>>
    where
        G: TryCryptoRng + ?Sized,
        W: Write,
    {
        let data_key = DataKey::random(rng, self.parameters())?;
        let header = self.header(rng, &data_key)?;
        out.write_all(header.as_bytes()).map_err(Error::Write)?;
        FileWriter::new(self.clone(), data_key, &header, rng, out)
    }

    /// Encrypts `reader` to its end, in constant memory.
    ///
    /// `progress` receives the plaintext bytes read so far, from time to time and at the end.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Write`], [`Error::Rng`], [`Error::TooLong`].
    pub fn encrypt<G, R, W>(
        &self,
        rng: &mut G,
        mut reader: R,
        writer: W,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Summary>
    where
        G: TryCryptoRng + ?Sized,
        R: Read,
        W: Write,
    {
        let mut file = self.writer(rng, writer)?;
        while file.fill_from(&mut reader)? > 0 {
            progress(file.plaintext_bytes());
        }
        Ok(file.finish()?.0)
    }

    /// Makes a new header for an existing file, whose chunks stay valid as they are. Nothing of the
    /// old header is kept but the parameters: label key, sealed name and locator are this
    /// encryptor's.
    ///
    /// # Errors
    /// [`Error::Rng`].
    pub fn rewrap<G>(&self, rng: &mut G, data_key: &DataKey) -> Result<Header>
    where
        G: TryCryptoRng + ?Sized,
    {
        self.header(rng, data_key)
    }

    fn header<G: TryCryptoRng + ?Sized>(&self, rng: &mut G, data_key: &DataKey) -> Result<Header> {
        let (capsule, secret) =
            umbral::encapsulate(rng, &self.label_key).map_err(Error::Encapsulate)?;
        let parts = Parts {
            label_key: &self.label_key,
            capsule: &capsule,
            access: &AccessKey::new(&secret, data_key.parameters().suite)?,
            sealed_name: self.sealed_name.as_ref(),
            locator: self.locator,
        };
        Header::build(&parts, data_key)
    }
}
