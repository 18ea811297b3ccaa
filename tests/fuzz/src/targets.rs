//! Fuzz targets of the formats above umbral: files, the lines people exchange, messages. None may
//! panic; what is accepted has one encoding; no file opens but one that was written.
//!
//! Each function is run by libFuzzer (`fuzz_targets/`) and by `smoke`, which needs nothing.

use std::fmt::{Debug, Display};
use std::io::Cursor;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use aes_siv::KeyInit as _;
use aes_siv::siv::Aes256Siv;
use kms_client::{Card, Label, LabelKey, Memo, OwnerKeys, Seed};
use kms_format::{Decryptor, Encryptor, Error, Header, RangeReader, SegmentRecord, Segments};
use kms_protocol::messages::{Answer, CapsuleBytes, Message, NodeInfo, Problem, ReencryptRequest};
use kms_protocol::{
    Address, Amount, B256, Destination, Domain, EthSignature, Period, PolicyId, Refusal, Terms,
    TransportSecret, transport,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use umbral::{SecretKey, SecretKeyFactory, Signer};

/// A file and the key of its label, made once per process.
struct Genuine {
    label: SecretKey,
    file: Vec<u8>,
}

fn genuine() -> Option<&'static Genuine> {
    static GENUINE: OnceLock<Option<Genuine>> = OnceLock::new();
    let made = GENUINE.get_or_init(|| {
        let rng = &mut getrandom::SysRng;
        let label = SecretKey::random(rng).ok()?;
        let signer = Arc::new(Signer::random(rng).ok()?);
        let encryptor = Encryptor::new(&label.public_key())
            .signed_by(signer)
            .with_segments(Segments::BY_HAND.looking_ahead(1));
        let mut writer = encryptor.writer(rng, Vec::new()).ok()?;
        for part in [&b"a file worth"[..], b" keeping"] {
            writer.push(part).ok()?;
            writer.cut().ok()?;
        }
        let (_, file) = writer.finish().ok()?;
        Some(Genuine { label, file })
    });
    made.as_ref()
}

/// The genuine file, to be mutated; empty if the system has no randomness.
pub fn genuine_file() -> Vec<u8> {
    genuine().map_or_else(Vec::new, |genuine| genuine.file.clone())
}

/// Headers have one encoding, and no other file than the genuine one opens.
pub fn file(data: &[u8]) {
    let mut rest = data;
    let Ok(header) = Header::read(&mut rest) else {
        return;
    };
    assert!(data.starts_with(header.as_bytes()));
    let _ = header.layout(&mut Cursor::new(data));
    let Some(genuine) = genuine() else { return };
    let mut keys = |records: &[SegmentRecord]| {
        let record = records.first().ok_or(Error::Rng)?;
        let secret = umbral::decapsulate_original(&genuine.label, record.capsule());
        record.unlock(&secret.map_err(Error::Encapsulate)?)
    };
    let data_key = umbral::decapsulate_original(&genuine.label, header.capsule())
        .ok()
        .and_then(|secret| header.unlock(&secret).ok());
    let opened = data_key.as_ref().and_then(|data_key| {
        let decryptor = Decryptor::new(&header, data_key, rest).ok()?;
        let decryptor = decryptor.with_keys(&mut keys);
        decryptor.decrypt(std::io::sink(), &mut |_| ()).ok()
    });
    assert_eq!(opened.is_some(), data == genuine.file);
    // Ranges are found by the end and the index, and need both.
    let ranges = data_key
        .as_ref()
        .and_then(|data_key| RangeReader::open(&header, data_key, Cursor::new(data)).ok());
    if let Some(mut ranges) = ranges {
        let all = 0..ranges.plaintext_bytes();
        let _ = ranges.read_range_with(&mut keys, all, std::io::sink());
    }
}

/// Cards have one line each.
pub fn card(data: &[u8]) {
    line::<Card>(data);
}

/// A label's name has one form, which is its own.
pub fn label(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(label) = text.parse::<Label>() {
        assert!(matches!(label.as_str().parse::<Label>(), Ok(again) if again == label));
    }
}

/// Label keys have one line each.
pub fn label_key(data: &[u8]) {
    line::<LabelKey>(data);
}

fn line<T: FromStr + Display>(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(read) = text.parse::<T>() {
        assert_eq!(read.to_string(), text.trim());
    }
}

/// A node's transport key, and a message that was sealed to it.
struct Sealed {
    secret: TransportSecret,
    message: Vec<u8>,
}

const DOMAIN: Domain = Domain::node(31_337, Address([7; 20]));
const DESTINATION: Destination<'_> = Destination {
    domain: &DOMAIN,
    miner: &Address([8; 20]),
};

fn sealed() -> Option<&'static Sealed> {
    static SEALED: OnceLock<Option<Sealed>> = OnceLock::new();
    let made = SEALED.get_or_init(|| {
        let secret = TransportSecret::derive(&[9; 32]);
        let plain = b"a message worth sealing";
        let (message, _) = transport::seal(&secret.key(), &DESTINATION, plain).ok()?;
        Some(Sealed { secret, message })
    });
    made.as_ref()
}

/// The genuine sealed message, to be mutated; empty if the system has no randomness.
pub fn genuine_envelope() -> Vec<u8> {
    sealed().map_or_else(Vec::new, |sealed| sealed.message.clone())
}

/// No other envelope than the genuine one opens; nothing is the reply to it but what its node made.
pub fn envelope(data: &[u8]) {
    let Some(sealed) = sealed() else { return };
    let opened = sealed.secret.open(&DESTINATION, data).is_ok();
    assert_eq!(opened, data == sealed.message);
    if let Ok((_, exchange)) = sealed.secret.open(&DESTINATION, &sealed.message) {
        assert!(exchange.open_reply(data).is_err());
    }
}

/// The keys of an owner, terms, and what stands beside them: sealed, and before.
struct Noted {
    keys: OwnerKeys,
    terms: Terms,
    sealed: Vec<u8>,
    plain: Vec<u8>,
}

const SEED: [u8; 32] = [0x5e; 32];

/// The cipher of the owner's memos.
fn memo_cipher() -> Option<Aes256Siv> {
    let root = SecretKeyFactory::from_secret_bytes(&SEED);
    let key = root.make_secret(b"kms/v1/memo").ok()?;
    Some(Aes256Siv::new((&*key).into()))
}

fn beside(terms: &Terms) -> [&[u8]; 3] {
    let (keys_hash, author) = (terms.keys_hash.as_ref(), terms.author.as_ref());
    [b"KMS v1 policy memo", keys_hash, author]
}

fn noted() -> Option<&'static Noted> {
    static NOTED: OnceLock<Option<Noted>> = OnceLock::new();
    let made = NOTED.get_or_init(|| {
        let keys = OwnerKeys::from_seed(&Seed::from_bytes(&SEED).ok()?).ok()?;
        let terms = Terms {
            author: Address([1; 20]),
            sponsor: Address([2; 20]),
            verifier: Address([3; 20]),
            keys_hash: B256([4; 32]),
            rate: Amount(5),
            first_period: Period(6),
            last_period: Period(7),
            threshold: 1,
            salt: B256([8; 32]),
            miners: vec![Address([9; 20])],
        };
        let memo = Memo {
            number: 7,
            receiving_key: keys.reader(0).ok()?.receiving_key(),
            label: Label::new("films/demo").ok()?,
            reader: "bob".to_owned(),
        };
        let sealed = keys.memos().seal(&memo, &terms).ok()?;
        let plain = memo_cipher()?.decrypt(beside(&terms), &sealed).ok()?;
        Some(Noted {
            keys,
            terms,
            sealed,
            plain,
        })
    });
    made.as_ref()
}

/// A genuine memo and its content, to be mutated; nothing if none can be made.
pub fn genuine_memos() -> Vec<Vec<u8>> {
    let both = noted().map(|noted| vec![noted.sealed.clone(), noted.plain.clone()]);
    both.unwrap_or_default()
}

/// No other memo than the genuine one opens; a content that is sealed with the owner's key is
/// unknown, or the one that the owner would write.
pub fn memo(data: &[u8]) {
    let Some(noted) = noted() else { return };
    let memos = noted.keys.memos();
    let opened = memos.open(data, &noted.terms).is_some();
    assert_eq!(opened, data == noted.sealed);
    let sealed = memo_cipher().and_then(|mut cipher| {
        let sealed = cipher.encrypt(beside(&noted.terms), data);
        sealed.ok()
    });
    let Some(sealed) = sealed else { return };
    if let Some(memo) = memos.open(&sealed, &noted.terms) {
        assert!(matches!(memos.seal(&memo, &noted.terms), Ok(again) if again == sealed));
    }
}

/// A message of a reader, a question for a status and a refusal, as they are written.
pub fn genuine_messages() -> Vec<Vec<u8>> {
    let policy_id = PolicyId(B256([3; 32]));
    let request = ReencryptRequest {
        policy_id,
        miner: Address([8; 20]),
        capsules: vec![CapsuleBytes::from([4; 98])],
        block_time: 5,
        nonce: B256([6; 32]),
        signature: EthSignature([7; 65]),
    };
    let refusal = Problem::new(Refusal::BadRequest, "a detail");
    [
        serde_json::to_vec(&Message::Reencrypt(request)),
        serde_json::to_vec(&Message::Status(policy_id)),
        serde_json::to_vec(&Answer::Refused(refusal)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Every message is read or refused; what is read is written and read again as the same.
pub fn message(data: &[u8]) {
    json::<Message>(data);
    json::<Answer>(data);
    json::<NodeInfo>(data);
    json::<Terms>(data);
}

fn json<T: Serialize + DeserializeOwned + PartialEq + Debug>(data: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(data) else {
        return;
    };
    let again = serde_json::to_vec(&read).map(|text| serde_json::from_slice::<T>(&text));
    assert!(matches!(again, Ok(Ok(again)) if again == read));
}
