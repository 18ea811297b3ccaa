//! `files.json`: encrypted files, whole and damaged, as their owner opens them.

use std::sync::Arc;

use kms_format::{Encryptor, Header, Locator, SealedName, Segments, Suite};
use serde_json::{Map, Value, json};
use umbral::{SecretKey, SecretKeyFactory, Signer};

use super::{case, damage, forged, frames, restore, sealed, text};
use crate::bytes::{Drawn, sha256};
use crate::play;

/// The seed of the kit's owner.
pub(crate) const SEED: [u8; 32] = [0x5e; 32];
/// The label of every file but those of another one.
pub(crate) const LABEL: &str = "films/demo";

/// A label of 124 bytes.
const LONG_LABEL: &str = "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21.22.23.24.25.26.27.\
    28.29.30.31.32.33.34.35.36.37.38.39.40.41.42.43";

/// The key of one of the owner's labels.
pub(crate) fn label_key(label: &str) -> SecretKey {
    let root = SecretKeyFactory::from_secret_bytes(&SEED);
    let labels = root.make_factory(b"kms/v1/label").unwrap();
    labels.make_key(label.as_bytes()).unwrap()
}

/// A file that the product wrote, with its data key.
pub(crate) struct Base {
    pub(crate) name: &'static str,
    pub(crate) header: Vec<u8>,
    pub(crate) data_key: Vec<u8>,
    /// The plaintext is this byte, so many times.
    plaintext: (u8, usize),
    /// What follows the header, if it is not what the data key and the plaintext alone give.
    body: Option<Vec<u8>>,
}

impl Base {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        [self.header.clone(), self.body()].concat()
    }

    fn body(&self) -> Vec<u8> {
        let parameters = forged::parameters(&self.header);
        let plain = || forged::body(parameters, &self.data_key, &self.plaintext());
        self.body.clone().unwrap_or_else(plain)
    }

    fn plaintext(&self) -> Vec<u8> {
        vec![self.plaintext.0; self.plaintext.1]
    }

    fn json(&self) -> Value {
        let (byte, length) = self.plaintext;
        let mut json = json!({
            "header": hex::encode(&self.header), "data_key": hex::encode(&self.data_key),
            "plaintext": { "byte": byte, "length": length },
        });
        if length < 1024 {
            json["body"] = hex::encode(self.body()).into();
        }
        json
    }
}

struct Wanted {
    name: &'static str,
    label: &'static str,
    located: bool,
    sealed_name: Option<SealedName>,
    suite: Suite,
    /// Bytes of each segment but the last, and the number of keys told ahead.
    segments: Option<(usize, u8)>,
    signed: bool,
    plaintext: (u8, usize),
}

const fn wanted(name: &'static str, byte: u8, length: usize) -> Wanted {
    Wanted {
        name,
        label: LABEL,
        located: false,
        sealed_name: None,
        suite: Suite::Aes256Gcm,
        segments: None,
        signed: false,
        plaintext: (byte, length),
    }
}

/// The key that signs the kit's files.
pub(crate) fn signer() -> Signer {
    Signer::from_secret_bytes(&[0x51; 32]).unwrap()
}

fn encrypt(wanted: &Wanted) -> Base {
    let key = label_key(wanted.label);
    let mut encryptor = Encryptor::new(&key.public_key()).with_suite(wanted.suite);
    if let Some((_, ahead)) = wanted.segments {
        encryptor = encryptor.with_segments(Segments::BY_HAND.looking_ahead(ahead));
    }
    if wanted.signed {
        encryptor = encryptor.signed_by(Arc::new(signer()));
    }
    if wanted.located {
        encryptor = encryptor.with_locator(Locator {
            chain_id: 31_337,
            contract: [0xc0; 20],
        });
    }
    if let Some(name) = &wanted.sealed_name {
        encryptor = encryptor.with_sealed_name(name.clone());
    }
    let (byte, length) = wanted.plaintext;
    let mut rng = Drawn::new(wanted.name);
    let mut writer = encryptor.writer(&mut rng, Vec::new()).unwrap();
    let (segment, _) = wanted.segments.unwrap_or((usize::MAX, 0));
    for part in vec![byte; length].chunks(segment) {
        writer.push(part).unwrap();
        writer.cut().unwrap();
    }
    let (_, file) = writer.finish().unwrap();
    let header = Header::read(&mut &*file).unwrap();
    let capsule_key = umbral::decapsulate_original(&key, header.capsule()).unwrap();
    let header = header.as_bytes().to_vec();
    let other = wanted.signed || wanted.segments.is_some();
    let base = Base {
        name: wanted.name,
        data_key: forged::unwrap_data_key(capsule_key.expose(), &header),
        body: other.then(|| file[header.len()..].to_vec()),
        header,
        plaintext: wanted.plaintext,
    };
    assert!(base.bytes() == file, "the kit's own writer differs");
    base
}

/// A short file with a sealed name in its header.
fn named(name: &'static str, byte: u8, sealed_name: SealedName) -> Wanted {
    Wanted {
        sealed_name: Some(sealed_name),
        ..wanted(name, byte, 100)
    }
}

/// Every file that is not damaged.
pub(crate) fn bases() -> Vec<Base> {
    let wanted = [
        wanted("plain", 0x61, 100),
        Wanted {
            located: true,
            ..wanted("full", 0x4b, 40)
        },
        Wanted {
            located: true,
            ..wanted("located", 0x4d, 2)
        },
        wanted("empty", 0, 0),
        wanted("twin", 0x62, 100),
        Wanted {
            label: "films/other",
            ..wanted("stranger", 0x63, 100)
        },
        wanted("one chunk", 0x31, 65_536),
        wanted("two chunks", 0x32, 131_072),
        wanted("four chunks", 0x33, 196_708),
        wanted("other chunks", 0x34, 196_708),
        named("named", 0x64, sealed::name_of(SEED, LABEL)),
        Wanted {
            located: true,
            ..named("full name", 0x65, sealed::name_of(SEED, LABEL))
        },
        Wanted {
            label: LONG_LABEL,
            ..named("long name", 0x66, sealed::name_of(SEED, LONG_LABEL))
        },
        named("foreign name", 0x67, sealed::name_of([7; 32], LABEL)),
        named("misplaced name", 0x68, sealed::name_of(SEED, "films/other")),
        Wanted {
            suite: Suite::ChaCha20Poly1305,
            ..wanted("second suite", 0x69, 100)
        },
        Wanted {
            suite: Suite::ChaCha20Poly1305,
            ..wanted("second suite, chunks", 0x6a, 131_073)
        },
        Wanted {
            signed: true,
            ..wanted("signed", 0x6b, 50)
        },
        Wanted {
            segments: Some((40, 1)),
            ..wanted("segments", 0x6c, 100)
        },
        Wanted {
            segments: Some((40, 1)),
            ..wanted("other segments", 0x6d, 100)
        },
        Wanted {
            segments: Some((40, 0)),
            suite: Suite::ChaCha20Poly1305,
            signed: true,
            ..wanted("signed segments", 0x6e, 90)
        },
    ];
    wanted.iter().map(encrypt).collect()
}

/// A case of opening a base after edits. What comes of it is what the product says, which the
/// second implementation has to say as well.
pub(crate) fn opening(bases: &Map<String, Value>, name: &str, base: &str, edits: Value) -> Value {
    opening_for(
        bases,
        name,
        json!({ "base": base, "edits": edits, "label": LABEL }),
    )
}

fn opening_for(bases: &Map<String, Value>, name: &str, mut given: Value) -> Value {
    let label = label_key(given["label"].as_str().unwrap());
    let file = play::file(bases, &given);
    given["sha256"] = sha256(&file).into();
    case("file", name, given, play::open(&file, &label))
}

pub(crate) fn make() -> String {
    let whole = bases();
    let bases: Map<String, Value> = whole
        .iter()
        .map(|base| (base.name.to_owned(), base.json()))
        .collect();
    let mut cases = Vec::new();
    for base in &whole {
        let name = format!("{}, as it was written", base.name);
        cases.push(opening(&bases, &name, base.name, json!([])));
    }
    let given = json!({ "base": "stranger", "edits": [], "label": "films/other" });
    cases.push(opening_for(&bases, "stranger, with its own label", given));
    damage::regions(&whole, &bases, &mut cases);
    damage::chunks(&whole, &bases, &mut cases);
    damage::headers(&whole, &bases, &mut cases);
    frames::frames(&whole, &bases, &mut cases);
    restore::restores(&whole, &bases, &mut cases);
    let head = [
        ("owner", json!({ "seed": hex::encode(SEED) })),
        ("bases", Value::Object(bases)),
    ];
    text("Encrypted files, opened by their owner", &head, &cases)
}
