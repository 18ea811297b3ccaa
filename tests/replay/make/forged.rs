//! Headers and bodies written by whoever knows the data key: what only a MAC that holds can show.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::{hkdf, hmac};

const MAGIC: &[u8] = b"\x89KMS\r\n\x1a\n";
const PARAMETERS: &[u8] = &[1, 1, 0, 0, 16, 0, 0, 0];
const CHUNK: usize = 65_536;

/// Type and value of a field.
pub(crate) type Field = (u16, Vec<u8>);

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

pub(crate) fn derive(salt: &[u8], secret: &[u8], info: &[&[u8]], length: usize) -> Vec<u8> {
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    let mut out = vec![0; length];
    let okm = prk.expand(info, Length(length)).unwrap();
    okm.fill(&mut out).unwrap();
    out
}

fn cipher(key: &[u8]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).unwrap())
}

/// The data key that is wrapped under a capsule's key.
pub(crate) fn unwrap_data_key(capsule_key: &[u8], wrapped: &[u8]) -> Vec<u8> {
    let key = derive(b"KMS v1 capsule key", capsule_key, &[b"KMS v1 wrap"], 32);
    let mut wrapped = wrapped.to_vec();
    let nonce = Nonce::assume_unique_for_key([0; 12]);
    let opened = cipher(&key).open_in_place(nonce, Aad::empty(), &mut wrapped);
    opened.unwrap().to_vec()
}

/// A header of these fields, with its length and its MAC right.
pub(crate) fn header(fields: &[Field], data_key: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    for (field, value) in fields {
        encoded.extend(field.to_be_bytes());
        encoded.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        encoded.extend(value);
    }
    with_mac(&encoded, data_key)
}

/// A header of these bytes between its length and its MAC.
pub(crate) fn with_mac(encoded: &[u8], data_key: &[u8]) -> Vec<u8> {
    let length = u32::try_from(20 + encoded.len() + 32).unwrap();
    let mut header = [MAGIC, PARAMETERS, &length.to_be_bytes(), encoded].concat();
    let key = derive(b"KMS v1 data key", data_key, &[b"header"], 32);
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &header);
    header.extend(mac.as_ref());
    header
}

/// The fields of a header.
pub(crate) fn fields(header: &[u8]) -> Vec<Field> {
    let mut rest = &header[20..header.len() - 32];
    let mut fields = Vec::new();
    while let [t0, t1, l0, l1, tail @ ..] = rest {
        let (value, tail) = tail.split_at(u16::from_be_bytes([*l0, *l1]).into());
        fields.push((u16::from_be_bytes([*t0, *t1]), value.to_vec()));
        rest = tail;
    }
    fields
}

/// The chunks of a plaintext under a data key.
pub(crate) fn body(data_key: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let salt = b"KMS v1 data key";
    let key = cipher(&derive(salt, data_key, &[b"chunks", PARAMETERS], 32));
    let id = derive(salt, data_key, &[b"body", PARAMETERS], 16);
    let mut chunks: Vec<&[u8]> = plaintext.chunks(CHUNK).collect();
    if chunks.is_empty() {
        chunks.push(&[]);
    }
    let mut out = Vec::new();
    for (number, chunk) in chunks.iter().enumerate() {
        let mut nonce = [0; 12];
        nonce[3..11].copy_from_slice(&(number as u64).to_be_bytes());
        nonce[11] = u8::from(number + 1 == chunks.len());
        let mut sealed = chunk.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        key.seal_in_place_append_tag(nonce, Aad::from(&id), &mut sealed)
            .unwrap();
        out.extend(sealed);
    }
    out
}
