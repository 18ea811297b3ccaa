//! `messages.json`: statements that are signed, and messages in their envelope with their replies.

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable as _, Kem, OpModeS, Serializable as _};
use kms_protocol::eip712::{ActivityConfirmation, Revocation};
use kms_protocol::messages::{
    AnswerStatement, DeliveryStatement, KfragAck, KfragGrant, Receipt, ReencryptRequest,
    TransportCertificate, capsules_hash,
};
use kms_protocol::{
    Address, B256, Domain, EthSecret, EthSignature, Period, PolicyId, TransportKeyId,
    TransportSecret, TypedData, keccak256,
};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use serde_json::{Value, json};

use super::{case, forged, text};
use crate::bytes::Drawn;
use crate::play;

const CHAIN: u64 = 31_337;
const CONTRACT: Address = Address([0xc0; 20]);
const MINER: Address = Address([0x51; 20]);

/// Pushes cases, what comes of them from the product.
pub(crate) struct Cases(Vec<Value>);

impl Cases {
    fn push(&mut self, kind: &str, name: &str, given: Value) {
        let outcome = play::messages::run(kind, &given);
        self.0.push(case(kind, name, given, outcome));
    }

    /// A statement of a type, its values in its order, signed by a worker; then damaged.
    fn statement<T: TypedData>(&mut self, domain: &Domain, message: &T, values: Value) {
        let worker = EthSecret::from_bytes(&[4; 32]).unwrap();
        let name = T::TYPE.split('(').next().unwrap();
        let given = json!({
            "domain": domain.name, "chain_id": domain.chain_id,
            "contract": hex::encode(domain.contract.0), "type": T::TYPE, "values": values,
            "signature": hex::encode(message.sign(domain, &worker).0),
        });
        self.push("digest", name, given.clone());
        let made = &self.0.last().unwrap()["out"]["digest"];
        assert_eq!(*made, hex::encode(message.digest(domain).0), "{name}");
        for at in 0..values.as_array().unwrap().len() {
            let mut changed = given.clone();
            let value = &mut changed["values"][at];
            let text = value.as_str().unwrap();
            let last = if text.ends_with('1') { '2' } else { '1' };
            *value = format!("{}{last}", &text[..text.len() - 1]).into();
            self.push("digest", &format!("{name}: value {at} changed"), changed);
        }
    }
}

fn statements(cases: &mut Cases, rng: &mut Drawn) {
    let domain = Domain::node(CHAIN, CONTRACT);
    let policy_id = PolicyId(B256(rng.bytes()));
    let [h1, h2, h3, h4] = [(); 4].map(|()| B256(rng.bytes()));
    let (requester, block_time) = (Address(rng.bytes()), 1_234);
    let hash = |hash: &B256| Value::from(hex::encode(hash.0));
    let account = |account: &Address| Value::from(hex::encode(account.0));
    let (id, miner) = (hash(&policy_id.0), account(&MINER));
    let receipt = Receipt {
        policy_id,
        miner: MINER,
        capsule_hash: h1,
        cfrag_hash: h2,
        commitments_hash: h3,
        requester,
        block_time,
        block_hash: h4,
    };
    let values = json!([
        id,
        miner,
        hash(&h1),
        hash(&h2),
        hash(&h3),
        account(&requester),
        "1234",
        hash(&h4),
    ]);
    cases.statement(&domain, &receipt, values);
    let grant = KfragGrant {
        policy_id,
        miner: MINER,
        threshold: 2,
        kfrag_hash: h1,
        commitments_hash: h2,
    };
    cases.statement(
        &domain,
        &grant,
        json!([id, miner, "2", hash(&h1), hash(&h2)]),
    );
    let ack = KfragAck {
        policy_id,
        miner: MINER,
        kfrag_hash: h1,
        signature: EthSignature::UNSIGNED,
    };
    cases.statement(&domain, &ack, json!([id, miner, hash(&h1)]));
    let request = ReencryptRequest {
        policy_id,
        miner: MINER,
        capsules: vec![[7; 98].into(), [8; 98].into()],
        block_time,
        nonce: h2,
        signature: EthSignature::UNSIGNED,
    };
    let capsules = hash(&capsules_hash(&request.capsules));
    cases.statement(
        &domain,
        &request,
        json!([id, miner, capsules, "1234", hash(&h2)]),
    );
    certificate_and_orders(cases, policy_id, h1);
}

/// The certificate of a transport key, and the orders that contracts take.
fn certificate_and_orders(cases: &mut Cases, policy_id: PolicyId, h1: B256) {
    let domain = Domain::node(CHAIN, CONTRACT);
    let (id, miner) = (hex::encode(policy_id.0.0), hex::encode(MINER.0));
    let certificate = TransportCertificate {
        miner: MINER,
        key: h1,
        first_period: Period(6),
        last_period: Period(7),
        signature: EthSignature::UNSIGNED,
    };
    cases.statement(
        &domain,
        &certificate,
        json!([miner, hex::encode(h1.0), "6", "7"]),
    );
    let policies = Domain::policy_manager(CHAIN, CONTRACT);
    let order = Revocation {
        policy_id,
        deadline: 1_900_000_000,
    };
    cases.statement(&policies, &order, json!([id, "1900000000"]));
    let delivery = DeliveryStatement {
        policy_id,
        miner: MINER,
        period: Period(6),
    };
    cases.statement(&policies, &delivery, json!([id, miner, "6"]));
    let rewards = Domain::mining_rewards(CHAIN, CONTRACT);
    let confirmation = ActivityConfirmation {
        miner: MINER,
        through_period: Period(30),
        valid_period: Period(6),
    };
    cases.statement(&rewards, &confirmation, json!([miner, "30", "6"]));
}

struct Sealed {
    bytes: Vec<u8>,
    encapsulated: Vec<u8>,
    exported: [u8; 32],
}

/// Seals a content as RFC 9180 says, with an ephemeral key that is drawn here.
fn seal(rng: &mut Drawn, secret: &TransportSecret, plain: &[u8]) -> Sealed {
    type Public = <X25519HkdfSha256 as Kem>::PublicKey;
    let chain = CHAIN.to_be_bytes();
    let info = [&b"KMS v1 message"[..], &chain, &CONTRACT.0, &MINER.0].concat();
    let public = Public::from_bytes(&secret.key().0).unwrap();
    let made = hpke::setup_sender_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &public,
        &info,
        rng,
    );
    let (encapsulated, mut context) = made.unwrap();
    let id = keccak256(&secret.key().0);
    let head = [&[1], &id.0[..8]].concat();
    let ciphertext = context.seal(plain, &head).unwrap();
    let mut exported = [0; 32];
    context.export(b"KMS v1 reply", &mut exported).unwrap();
    let encapsulated = encapsulated.to_bytes().to_vec();
    let bytes = [&head[..], &encapsulated, &ciphertext].concat();
    assert_eq!(
        TransportKeyId::named_by(&bytes).unwrap(),
        TransportKeyId::of(&secret.key())
    );
    Sealed {
        bytes,
        encapsulated,
        exported,
    }
}

impl Sealed {
    /// Seals a reply, signature and text.
    fn reply(&self, rng: &mut Drawn, plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; 32] = rng.bytes();
        let salt = [&self.encapsulated[..], &nonce].concat();
        let key = forged::derive(&salt, &self.exported, &[b"key"], 32);
        let iv = forged::derive(&salt, &self.exported, &[b"nonce"], 12);
        let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &key).unwrap());
        let iv = Nonce::assume_unique_for_key(iv.try_into().unwrap());
        let mut out = plain.to_vec();
        key.seal_in_place_append_tag(iv, Aad::empty(), &mut out)
            .unwrap();
        [&nonce[..], &out].concat()
    }
}

fn envelopes(cases: &mut Cases, rng: &mut Drawn) {
    let ikm: [u8; 32] = rng.bytes();
    let secret = TransportSecret::derive(&ikm);
    let status = format!("{{\"status\":\"0x{}\"}}", hex::encode([7; 32]));
    let sealed = seal(rng, &secret, status.as_bytes());
    let given = json!({
        "ikm": hex::encode(ikm), "chain_id": CHAIN, "contract": hex::encode(CONTRACT.0),
        "miner": hex::encode(MINER.0), "sealed": hex::encode(&sealed.bytes),
    });
    cases.push("envelope", "message: a status asked for", given.clone());
    let empty = seal(rng, &secret, b"");
    let mut push = |name: &str, field: &str, value: Value| {
        let mut given = given.clone();
        given[field] = value;
        cases.push("envelope", &format!("message: {name}"), given);
    };
    push("empty", "sealed", hex::encode(&empty.bytes).into());
    push("another key", "ikm", hex::encode([9; 32]).into());
    push("another chain", "chain_id", 1.into());
    push(
        "another contract",
        "contract",
        hex::encode([0xc1; 20]).into(),
    );
    push("another miner", "miner", hex::encode([0x52; 20]).into());
    for (name, at) in [
        ("version", 0),
        ("first byte of the key's id", 1),
        ("last byte of the key's id", 8),
        ("first byte of the encapsulated key", 9),
        ("byte of the encapsulated key", 30),
        ("first byte of the ciphertext", 41),
        ("last byte of the tag", sealed.bytes.len() - 1),
    ] {
        let mut changed = sealed.bytes.clone();
        changed[at] ^= 1;
        push(
            &format!("{name} changed"),
            "sealed",
            hex::encode(changed).into(),
        );
    }
    for length in [0, 1, 9, 40, 41, 56, 57, sealed.bytes.len() - 1] {
        let cut = hex::encode(&sealed.bytes[..length]);
        push(&format!("{length} bytes of it"), "sealed", cut.into());
    }
    let mut zero = sealed.bytes.clone();
    zero[9..41].fill(0);
    push(
        "encapsulated key of zeros",
        "sealed",
        hex::encode(zero).into(),
    );
    let long = [&sealed.bytes[..], &[0]].concat();
    push("a byte more", "sealed", hex::encode(long).into());
    replies(cases, rng, &given, &sealed);
}

/// The JSON of an answer, behind the worker's signature.
fn answer(sealed: &Sealed, miner: &Address, json: &str) -> Vec<u8> {
    let worker = EthSecret::from_bytes(&[4; 32]).unwrap();
    let statement = AnswerStatement {
        miner: *miner,
        message_hash: keccak256(&sealed.bytes),
        answer_hash: keccak256(json.as_bytes()),
    };
    let signature = statement.sign(&Domain::node(CHAIN, CONTRACT), &worker);
    [&signature.0[..], json.as_bytes()].concat()
}

fn replies(cases: &mut Cases, rng: &mut Drawn, given: &Value, sealed: &Sealed) {
    let json = "{\"refused\":{}}";
    let good = answer(sealed, &MINER, json);
    let reply = sealed.reply(rng, &good);
    let mut push = |name: &str, reply: &[u8]| {
        let mut given = given.clone();
        given["reply"] = hex::encode(reply).into();
        cases.push("reply", &format!("reply: {name}"), given);
    };
    push("signed", &reply);
    for (name, at) in [("nonce", 0), ("ciphertext", 32), ("tag", reply.len() - 1)] {
        let mut changed = reply.clone();
        changed[at] ^= 1;
        push(&format!("{name} changed"), &changed);
    }
    for length in [0, 31, 32, 47, reply.len() - 1] {
        push(&format!("{length} bytes of it"), &reply[..length]);
    }
    push("a byte more", &[&reply[..], &[0]].concat());
    let of_another = seal(rng, &TransportSecret::derive(&[3; 32]), b"another message");
    push("to another message", &of_another.reply(rng, &good));
    let mut text = good.clone();
    *text.last_mut().unwrap() = b' ';
    push(
        "another text behind the signature",
        &sealed.reply(rng, &text),
    );
    let other = answer(sealed, &Address([0x52; 20]), json);
    push("signed for another miner", &sealed.reply(rng, &other));
    let mut v = good.clone();
    v[64] = 29;
    push("signature of another v", &sealed.reply(rng, &v));
    push("shorter than a signature", &sealed.reply(rng, &good[..64]));
}

pub(crate) fn make() -> String {
    let mut rng = Drawn::new("messages");
    let mut cases = Cases(Vec::new());
    statements(&mut cases, &mut rng);
    envelopes(&mut cases, &mut rng);
    let about = "Statements that are signed; messages and replies in their envelope";
    text(about, &[], &cases.0)
}
