//! A label with its key, and a generator that always yields the same bytes.

use std::convert::Infallible;

use getrandom::SysRng;
use kms_format::{
    DataKey, Decryptor, Encryptor, Error, Header, SegmentKey, SegmentRecord, Summary,
};
use rand_core::{TryCryptoRng, TryRng};
use ring::digest::{SHA256, digest};
use umbral::{SecretKey, SharedSecret};

/// SHA-256 in counter mode over a seed. For tests only.
pub(crate) struct CounterRng {
    seed: u8,
    counter: u64,
    pool: Vec<u8>,
}

impl CounterRng {
    pub(crate) fn new(seed: u8) -> Self {
        Self {
            seed,
            counter: 0,
            pool: Vec::new(),
        }
    }
}

impl TryRng for CounterRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_be_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for byte in out {
            if self.pool.is_empty() {
                let block = [&[self.seed][..], &self.counter.to_be_bytes()].concat();
                self.pool = digest(&SHA256, &block).as_ref().to_vec();
                self.counter += 1;
            }
            *byte = self.pool.remove(0);
        }
        Ok(())
    }
}

impl TryCryptoRng for CounterRng {}

/// A label as its owner sees it.
pub(crate) struct Label(pub(crate) SecretKey);

impl Label {
    pub(crate) fn random() -> Self {
        Self(SecretKey::random(&mut SysRng).unwrap())
    }

    pub(crate) fn encryptor(&self) -> Encryptor {
        Encryptor::new(&self.0.public_key())
    }

    pub(crate) fn encrypt(&self, plain: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let summary = self
            .encryptor()
            .encrypt(&mut SysRng, plain, &mut file, &mut |_| ())
            .unwrap();
        assert_eq!(summary.file_bytes, file.len() as u64);
        file
    }

    pub(crate) fn secret(&self, header: &Header) -> SharedSecret {
        umbral::decapsulate_original(&self.0, header.capsule()).unwrap()
    }

    pub(crate) fn decrypt(&self, file: &[u8]) -> Result<Vec<u8>, Error> {
        let (plain, outcome) = self.decrypt_some(file);
        outcome.map(|_| plain)
    }

    /// What was written in any case, and the outcome.
    pub(crate) fn decrypt_some(&self, mut file: &[u8]) -> (Vec<u8>, Result<Summary, Error>) {
        let mut plain = Vec::new();
        let outcome = (|| {
            let header = Header::read(&mut file)?;
            let data_key = header.unlock(&self.secret(&header))?;
            let mut keys = self.segment_keys();
            let decryptor = Decryptor::new(&header, &data_key, file)?;
            decryptor
                .with_keys(&mut keys)
                .decrypt(&mut plain, &mut |_| ())
        })();
        (plain, outcome)
    }

    /// The keys of segments, as the owner opens them.
    pub(crate) fn segment_keys(&self) -> impl FnMut(&[SegmentRecord]) -> Result<SegmentKey, Error> {
        |records: &[SegmentRecord]| {
            let secret = umbral::decapsulate_original(&self.0, records[0].capsule());
            records[0].unlock(&secret.unwrap())
        }
    }

    /// The header and the data key of a file.
    pub(crate) fn unlock(&self, mut file: &[u8]) -> (Header, DataKey) {
        let header = Header::read(&mut file).unwrap();
        let data_key = header.unlock(&self.secret(&header)).unwrap();
        (header, data_key)
    }

    pub(crate) fn encrypt_with(&self, encryptor: &Encryptor, plain: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        encryptor
            .encrypt(&mut SysRng, plain, &mut file, &mut |_| ())
            .unwrap();
        file
    }
}

/// Bytes that differ from chunk to chunk.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| (at as u64).wrapping_mul(0x9e37_79b9).to_be_bytes()[4])
        .collect()
}

pub(crate) fn hex_digest(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}
