//! Messages, answers and information as the product writes them.

use kms_protocol::messages::{
    Answer, CapsuleBytes, CommitmentsBytes, Delivery, Entry, ErasureReceipt, Fragment, KfragAck,
    KfragState, KfragUpload, Message, NodeInfo, PolicyStatus, Problem, ReencryptReply,
    ReencryptRequest, TransportCertificate,
};
use kms_protocol::{Address, B256, EthSignature, Period, PolicyId, Refusal};
use serde_json::Value;

use super::value;
use crate::bytes::Drawn;
use crate::make::grants::{Made, grant};
use crate::make::policies::terms;

const MINER: Address = Address([0x51; 20]);

fn upload(rng: &mut Drawn, made: &Made) -> KfragUpload {
    let kfrag: [u8; 195] = made.kfrag(0).try_into().unwrap();
    KfragUpload {
        terms: terms(rng, 2),
        delegating_key: made.context.delegating,
        receiving_key: made.context.receiving,
        blinding: B256(rng.bytes()),
        verifying_key: made.context.verifying,
        kfrag: (&kfrag).into(),
        commitments: CommitmentsBytes::try_from(&made.granted.commitments).unwrap(),
        delivery: Delivery {
            period: Period(12),
            signature: EthSignature(rng.bytes()),
        },
        signature: EthSignature(rng.bytes()),
    }
}

fn request(rng: &mut Drawn) -> ReencryptRequest {
    ReencryptRequest {
        policy_id: PolicyId(B256(rng.bytes())),
        miner: MINER,
        capsules: vec![CapsuleBytes::from(rng.bytes::<98>())],
        block_time: 1_234,
        nonce: B256(rng.bytes()),
        signature: EthSignature(rng.bytes()),
    }
}

fn reply(rng: &mut Drawn, made: &Made) -> ReencryptReply {
    ReencryptReply {
        policy_id: PolicyId(B256(rng.bytes())),
        miner: MINER,
        verifying_key: made.context.verifying,
        commitments: CommitmentsBytes::try_from(&made.granted.commitments).unwrap(),
        block_time: 1_234,
        block_hash: B256(rng.bytes()),
        entries: vec![
            Entry::Fragment(Box::new(Fragment {
                cfrag: rng.bytes::<359>().into(),
                signature: EthSignature(rng.bytes()),
            })),
            Entry::Refused(Problem::new(Refusal::CapsuleInvalid, "the second")),
        ],
    }
}

fn status(rng: &mut Drawn) -> PolicyStatus {
    let policy_id = PolicyId(B256(rng.bytes()));
    PolicyStatus {
        policy_id,
        serving: false,
        refusal: Some(Problem::new(Refusal::PolicyEnded, "").retry_after(7)),
        kfrag: KfragState::Erased,
        erasure: Some(ErasureReceipt {
            policy_id,
            miner: MINER,
            kfrag_hash: B256(rng.bytes()),
            block_number: 1_234,
            block_hash: B256(rng.bytes()),
            signature: EthSignature(rng.bytes()),
        }),
    }
}

fn info(rng: &mut Drawn) -> NodeInfo {
    NodeInfo {
        miner: MINER,
        worker: Address(rng.bytes()),
        chain_id: 31_337,
        policy_manager: Address([0xc0; 20]),
        version: "0.1.0".to_owned(),
        head_block: 1_234,
        transport: TransportCertificate {
            miner: MINER,
            key: B256(rng.bytes()),
            first_period: Period(6),
            last_period: Period(7),
            signature: EthSignature(rng.bytes()),
        },
        signature: EthSignature(rng.bytes()),
    }
}

/// Kind, name and content of what the product writes.
pub(super) fn genuine() -> Vec<(&'static str, &'static str, Value)> {
    let rng = &mut Drawn::new("contents");
    let made = &grant("1 of 1", 1, 1);
    let ack = KfragAck {
        policy_id: PolicyId(B256(rng.bytes())),
        miner: MINER,
        kfrag_hash: B256(rng.bytes()),
        signature: EthSignature(rng.bytes()),
    };
    let refused = Problem::new(Refusal::TooMany, "Gr\u{f6}\u{df}e").retry_after(60);
    let asked = Message::Status(PolicyId(B256(rng.bytes())));
    let message = |message: Message| value(&message);
    let answer = |answer: Answer| value(&answer);
    vec![
        (
            "message",
            "a kfrag",
            message(Message::Kfrag(upload(rng, made).into())),
        ),
        (
            "message",
            "a request",
            message(Message::Reencrypt(request(rng))),
        ),
        ("message", "a question", message(asked)),
        ("answer", "an acknowledgement", answer(Answer::Stored(ack))),
        (
            "answer",
            "a reply",
            answer(Answer::Fragments(reply(rng, made))),
        ),
        (
            "answer",
            "a status",
            answer(Answer::Status(status(rng).into())),
        ),
        ("answer", "a refusal", answer(Answer::Refused(refused))),
        ("info", "a node", value(&info(rng))),
    ]
}
