//! What follows the chunks: the writer's signature, the index, and the end, which says how long the
//! file is. A file without an end was cut.

use rand_core::TryCryptoRng;
use umbral::{Signature, Signer, VerifyingKey};

use crate::error::{Error, Result};
use crate::frame::FrameHead;
use crate::keys::{BODY_ID_BYTES, DataKey};
use crate::spec::{
    END_BYTES, END_FRAME_BYTES, FRAME_END, FRAME_SIGNATURE, MAC_BYTES, SIGNATURE_BYTES,
};
use crate::suite::{MacKey, ONLY};

/// The content of the end, without its MAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    /// Bytes of plaintext in the file.
    pub(crate) plaintext_bytes: u64,
    /// Number of segments; 0 if the file is not cut into any.
    pub(crate) segments: u32,
    /// Bytes of the frames between the last chunk and the end.
    pub(crate) tail_bytes: u32,
}

const TEXT: &[u8] = b"end";

impl End {
    fn content(self) -> [u8; END_BYTES - MAC_BYTES] {
        let [p0, p1, p2, p3, p4, p5, p6, p7] = self.plaintext_bytes.to_be_bytes();
        let [s0, s1, s2, s3] = self.segments.to_be_bytes();
        let [t0, t1, t2, t3] = self.tail_bytes.to_be_bytes();
        [
            p0, p1, p2, p3, p4, p5, p6, p7, s0, s1, s2, s3, t0, t1, t2, t3,
        ]
    }

    /// Writes the frame; the MAC covers the tail.
    pub(crate) fn to_frame(self, mac: &MacKey, tail: &[u8]) -> Result<Vec<u8>> {
        let (kind, length) = (FRAME_END, END_BYTES);
        let content = self.content();
        let tag = mac.make(&[TEXT, tail, &content])?;
        Ok([&FrameHead { kind, length }.to_bytes()[..], &content, &tag].concat())
    }

    /// Reads a frame without checking its MAC; `None` if it is no end.
    pub(crate) fn parse(frame: &[u8; END_FRAME_BYTES]) -> Option<Self> {
        let (head, rest) = frame.split_first_chunk()?;
        let (kind, length) = (FRAME_END, END_BYTES);
        if FrameHead::from_bytes(*head) != (FrameHead { kind, length }) {
            return None;
        }
        let (plaintext, rest) = rest.split_first_chunk()?;
        let (segments, rest) = rest.split_first_chunk()?;
        Some(Self {
            plaintext_bytes: u64::from_be_bytes(*plaintext),
            segments: u32::from_be_bytes(*segments),
            tail_bytes: u32::from_be_bytes(*rest.first_chunk()?),
        })
    }

    /// Whether the MAC of a frame holds for this end and this tail.
    pub(crate) fn holds(self, mac: &MacKey, tail: &[u8], frame: &[u8; END_FRAME_BYTES]) -> bool {
        let message = [TEXT, tail, &self.content()].concat();
        let tag = frame.last_chunk::<MAC_BYTES>();
        tag.is_some_and(|tag| mac.holds(&message, tag))
    }
}

/// What the writer of a file signs: which file it is, and its content.
pub(crate) struct Statement {
    pub(crate) body_id: [u8; BODY_ID_BYTES],
    pub(crate) plaintext_bytes: u64,
    /// SHA-256 of the plaintext.
    pub(crate) digest: [u8; 32],
}

impl Statement {
    fn message(&self) -> Vec<u8> {
        let bytes = self.plaintext_bytes.to_be_bytes();
        [b"KMS v1 file", &self.body_id[..], &bytes, &self.digest].concat()
    }

    /// Signs, and seals the signature for whoever may read the file.
    pub(crate) fn sign<G: TryCryptoRng + ?Sized>(
        &self,
        rng: &mut G,
        signer: &Signer,
        key: &DataKey,
    ) -> Result<Vec<u8>> {
        let signature = signer.sign(rng, &self.message()).map_err(Error::Sign)?;
        let key_bytes = signer.verifying_key().to_bytes();
        let mut sealed = [&key_bytes[..], &signature.to_bytes(), &[0; 16]].concat();
        key.signature_key()?
            .seal(ONLY, &self.body_id, &mut sealed)?;
        let (kind, length) = (FRAME_SIGNATURE, SIGNATURE_BYTES);
        let head = FrameHead { kind, length }.to_bytes();
        Ok([&head[..], &sealed].concat())
    }

    /// Opens the content of the signature's frame and checks it; returns who signed.
    pub(crate) fn verify(&self, key: &DataKey, sealed: &[u8]) -> Result<[u8; 33]> {
        let mut buffer = sealed.to_vec();
        let opened = key
            .signature_key()?
            .open(ONLY, &self.body_id, &mut buffer, 0);
        let parts = buffer.split_first_chunk::<33>();
        let parts = parts.and_then(|(signer, rest)| Some((signer, rest.first_chunk::<64>()?)));
        let (Some(_), Some((signer, signature))) = (opened, parts) else {
            return Err(Error::EndTampered);
        };
        let verifying = VerifyingKey::from_bytes(signer);
        let signature = Signature::from_bytes(signature);
        let (Ok(verifying), Ok(signature)) = (verifying, signature) else {
            return Err(Error::SignatureInvalid);
        };
        match verifying.verify(&self.message(), &signature) {
            Ok(()) => Ok(*signer),
            Err(_) => Err(Error::SignatureInvalid),
        }
    }
}
