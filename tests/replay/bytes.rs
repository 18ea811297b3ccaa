//! Bytes of the kit: hexadecimal text, files described by a base and its edits, and a generator
//! that always draws the same.

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};
use ring::digest::{SHA256, digest};
use serde_json::Value;

/// SHA-256 over a name and a counter, again and again. For this kit only.
pub(crate) struct Drawn {
    name: &'static str,
    counter: u64,
}

impl Drawn {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, counter: 0 }
    }

    /// Draws N bytes.
    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.try_fill_bytes(&mut bytes).unwrap();
        bytes
    }
}

impl TryRng for Drawn {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_be_bytes(self.bytes()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_be_bytes(self.bytes()))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(32) {
            let input = [self.name.as_bytes(), &self.counter.to_be_bytes()].concat();
            chunk.copy_from_slice(&digest(&SHA256, &input).as_ref()[..chunk.len()]);
            self.counter += 1;
        }
        Ok(())
    }
}

impl TryCryptoRng for Drawn {}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}

/// The bytes of a hexadecimal field.
pub(crate) fn unhex(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

/// The bytes of a hexadecimal field that has exactly N of them.
pub(crate) fn exactly<const N: usize>(value: &Value) -> [u8; N] {
    unhex(value).try_into().unwrap()
}

pub(crate) fn number(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

/// Applies edits to a file; `base` finds the bytes of another one.
pub(crate) fn edited(
    mut file: Vec<u8>,
    edits: &[Value],
    base: &dyn Fn(&str) -> Vec<u8>,
) -> Vec<u8> {
    for edit in edits {
        let at = number(&edit["at"]);
        if edit["xor"].is_string() {
            for (byte, mask) in file[at..].iter_mut().zip(unhex(&edit["xor"])) {
                *byte ^= mask;
            }
            continue;
        }
        let insert = inserted(&edit["insert"], base);
        file.splice(at..at + number(&edit["remove"]), insert);
    }
    file
}

/// Hexadecimal text, zeros, a part of a base, or a list of these.
fn inserted(insert: &Value, base: &dyn Fn(&str) -> Vec<u8>) -> Vec<u8> {
    match insert {
        Value::Array(parts) => parts.iter().flat_map(|part| inserted(part, base)).collect(),
        Value::Object(from) if from.contains_key("zeros") => vec![0; number(&from["zeros"])],
        Value::Object(from) => {
            let (start, length) = (number(&from["from"]), number(&from["length"]));
            base(from["base"].as_str().unwrap())[start..start + length].to_vec()
        }
        text => unhex(text),
    }
}
