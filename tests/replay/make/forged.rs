//! Headers and bodies written by whoever knows the data key: what only a MAC that holds can show.

use ring::aead::{AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::{hkdf, hmac};

const MAGIC: &[u8] = b"\x89KMS\r\n\x1a\n";
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

/// The cipher of the suite that these parameters name.
fn cipher(parameters: &[u8], key: &[u8]) -> LessSafeKey {
    let suite = match parameters[1] {
        1 => &AES_256_GCM,
        _ => &CHACHA20_POLY1305,
    };
    LessSafeKey::new(UnboundKey::new(suite, key).unwrap())
}

/// The parameters of a header.
pub(crate) fn parameters(header: &[u8]) -> &[u8] {
    &header[8..16]
}

/// The data key that is wrapped under a capsule's key.
pub(crate) fn unwrap_data_key(capsule_key: &[u8], header: &[u8]) -> Vec<u8> {
    let parameters = parameters(header);
    let info: [&[u8]; 2] = [b"KMS v1 wrap", &parameters[1..2]];
    let key = derive(b"KMS v1 capsule key", capsule_key, &info, 32);
    let (_, mut wrapped) = fields(header).swap_remove(2);
    let nonce = Nonce::assume_unique_for_key([0; 12]);
    let opened = cipher(parameters, &key).open_in_place(nonce, Aad::empty(), &mut wrapped);
    opened.unwrap().to_vec()
}

/// A header of these fields in the place of `like`, with its length and its MAC right.
pub(crate) fn header(like: &[u8], fields: &[Field], data_key: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    for (field, value) in fields {
        encoded.extend(field.to_be_bytes());
        encoded.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        encoded.extend(value);
    }
    with_mac(like, &encoded, data_key)
}

/// A header of these bytes between its length and its MAC.
pub(crate) fn with_mac(like: &[u8], encoded: &[u8], data_key: &[u8]) -> Vec<u8> {
    let parameters = parameters(like);
    let length = u32::try_from(20 + encoded.len() + 32).unwrap();
    let mut header = [MAGIC, parameters, &length.to_be_bytes(), encoded].concat();
    let mac = mac(parameters, data_key, &header);
    header.extend(mac);
    header
}

/// The MAC under the key of the headers' and the ends' MACs.
fn mac(parameters: &[u8], data_key: &[u8], message: &[u8]) -> Vec<u8> {
    let key = derive(b"KMS v1 data key", data_key, &[b"header", parameters], 32);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), message);
    tag.as_ref().to_vec()
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

/// Kind, length and content of a frame.
fn frame(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[kind], &length[1..], content].concat()
}

/// The chunks of a plaintext under a data key, and the end of a file without segments and
/// signature.
pub(crate) fn body(parameters: &[u8], data_key: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let salt = b"KMS v1 data key";
    let root = derive(salt, data_key, &[b"chunks", parameters], 32);
    let key = derive(b"KMS v1 segment key", &root, &[&[0; 4]], 32);
    let key = cipher(parameters, &key);
    let id = derive(salt, data_key, &[b"body", parameters], 16);
    let mut chunks: Vec<&[u8]> = plaintext.chunks(CHUNK).collect();
    if chunks.is_empty() {
        chunks.push(&[]);
    }
    let mut out = Vec::new();
    for (number, chunk) in chunks.iter().enumerate() {
        let last = number + 1 == chunks.len();
        let mut nonce = [0; 12];
        nonce[3..11].copy_from_slice(&(number as u64).to_be_bytes());
        nonce[11] = u8::from(last);
        let mut sealed = chunk.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        key.seal_in_place_append_tag(nonce, Aad::from(&id), &mut sealed)
            .unwrap();
        out.extend(frame(if last { 2 } else { 1 }, &sealed));
    }
    let mut end = (plaintext.len() as u64).to_be_bytes().to_vec();
    end.extend([0; 8]);
    let tag = mac(parameters, data_key, &[b"end", &*end].concat());
    end.extend(tag);
    out.extend(frame(6, &end));
    out
}
