//! Requests, replies and receipts: golden signatures of `cast wallet sign --data`, and refusals.

use proptest::prelude::*;

use super::super::tests::{check_damaged, check_refused, check_strict};
use super::*;
use crate::refusal::Refusal;
use crate::test_support::{
    CHAIN_ID, DOMAIN, MINER, POLICY_MANAGER, any_address, any_b256, any_signature, commitments,
    secret, terms, verifying,
};

const CFRAG: CfragBytes = crate::FixedBytes([0xb1; 359]);

fn capsules() -> Vec<CapsuleBytes> {
    [0xa1, 0xa2]
        .map(|byte| CapsuleBytes::from([byte; 98]))
        .to_vec()
}

fn request() -> ReencryptRequest {
    ReencryptRequest {
        policy_id: terms().id(CHAIN_ID, &POLICY_MANAGER),
        miner: MINER,
        capsules: capsules(),
        block_time: 1_234_567,
        nonce: B256([0x77; 32]),
        signature: EthSignature::UNSIGNED,
    }
    .signed(&DOMAIN, &secret(2))
}

fn reply() -> ReencryptReply {
    let mut reply = ReencryptReply {
        policy_id: request().policy_id,
        miner: MINER,
        verifying_key: verifying(),
        commitments: commitments(),
        block_time: 1_234_568,
        block_hash: B256([0x88; 32]),
        entries: vec![],
    };
    for capsule in &capsules() {
        reply.push_signed(capsule, CFRAG, secret(2).address(), &DOMAIN, &secret(4));
    }
    reply
}

fn fragment(reply: &mut ReencryptReply, index: usize) -> &mut Fragment {
    match &mut reply.entries[index] {
        Entry::Fragment(fragment) => fragment,
        Entry::Refused(problem) => panic!("{problem:?}"),
    }
}

fn refused() -> Entry {
    Entry::Refused(Problem::new(Refusal::CapsuleInvalid, "off the curve"))
}

fn expectation() -> ReplyExpectation {
    ReplyExpectation {
        requester: secret(2).address(),
        worker: secret(4).address(),
        verifier: secret(3).address(),
    }
}

fn check_request_refused(change: impl FnOnce(&mut ReencryptRequest)) {
    let mut changed = request();
    change(&mut changed);
    let refused = changed.verify(&DOMAIN, &secret(2).address());
    assert!(matches!(refused, Err(Error::Signer { .. })), "{refused:?}");
}

fn check_reply_refused(change: impl FnOnce(&mut ReencryptReply)) -> Error {
    let mut changed = reply();
    change(&mut changed);
    changed
        .verify(&DOMAIN, &request(), &expectation())
        .unwrap_err()
}

#[test]
fn a_request_signs_as_cast_does() {
    assert_eq!(
        capsules_hash(&capsules()).to_string(),
        "0xf932ccebaf02a763a7bbb11f115507efb8904d54745022c07d0dda10778c97b1"
    );
    assert_eq!(
        request().signature.to_string(),
        "0x6cb4a7f06ddbd8c84617f78ea7aec0fea25b32423c158050b1a504d1356a1035\
         6e12d791bfc60abbe1a4f9ef1302d2544240e9eb1ba4ea574f0af27b2451a5071b"
    );
}

#[test]
fn a_receipt_signs_as_cast_does() {
    assert_eq!(
        fragment(&mut reply(), 0).signature.to_string(),
        "0x5991805c788e8a9e8aaf7a889cb12feb3e811403c187f449dbc4edb016378bed\
         76db8f155a36c030c4a6e88c1cf05bf8d71cce1282835a0613a656d2f823703b1b"
    );
}

#[test]
fn accepts_what_reader_and_worker_signed() {
    assert_eq!(request().verify(&DOMAIN, &secret(2).address()), Ok(()));
    assert_eq!(reply().verify(&DOMAIN, &request(), &expectation()), Ok(()));
}

#[test]
fn refuses_a_request_changed_after_signing() {
    check_request_refused(|request| request.policy_id = PolicyId(B256([1; 32])));
    check_request_refused(|request| request.miner = Address([0x52; 20]));
    check_request_refused(|request| request.capsules.swap(0, 1));
    check_request_refused(|request| request.capsules.truncate(1));
    check_request_refused(|request| request.capsules[0].0[97] ^= 1);
    check_request_refused(|request| request.block_time += 1);
    check_request_refused(|request| request.nonce = B256([0x78; 32]));
    check_request_refused(|request| *request = request.clone().signed(&DOMAIN, &secret(5)));
}

#[test]
fn refuses_a_request_for_another_chain_or_contract() {
    let chain = Domain::node(CHAIN_ID + 1, POLICY_MANAGER);
    let contract = Domain::node(CHAIN_ID, MINER);
    for domain in [
        chain,
        contract,
        Domain::policy_manager(CHAIN_ID, POLICY_MANAGER),
    ] {
        assert!(
            request().verify(&domain, &secret(2).address()).is_err(),
            "{domain:?}"
        );
    }
}

#[test]
fn refuses_a_request_with_no_or_65_capsules() {
    for count in [0, 65] {
        let capsules = vec![CapsuleBytes::ZERO; count];
        let request = ReencryptRequest {
            capsules,
            ..request()
        }
        .signed(&DOMAIN, &secret(2));
        let refused = request.verify(&DOMAIN, &secret(2).address());
        assert_eq!(
            refused,
            Err(Error::Count {
                maximum: 64,
                actual: count
            })
        );
        check_refused::<ReencryptRequest>(&serde_json::to_value(&request).unwrap());
    }
}

#[test]
fn accepts_64_capsules() {
    let capsules = vec![CapsuleBytes::ZERO; 64];
    let request = ReencryptRequest {
        capsules,
        ..request()
    }
    .signed(&DOMAIN, &secret(2));
    assert_eq!(request.verify(&DOMAIN, &secret(2).address()), Ok(()));
    check_strict(&request, &[]);
}

#[test]
fn refuses_a_reply_to_another_request() {
    let policy = check_reply_refused(|reply| reply.policy_id = PolicyId(B256([1; 32])));
    assert_eq!(policy, Error::Mismatch(Mismatch::Policy));
    let miner = check_reply_refused(|reply| reply.miner = Address([0x52; 20]));
    assert_eq!(miner, Error::Mismatch(Mismatch::Miner));
}

#[test]
fn refuses_a_reply_with_a_verifying_key_that_is_not_the_policys() {
    let key = VerifyingKey::from_bytes(&crate::test_support::delegating().to_bytes()).unwrap();
    let refused = check_reply_refused(|reply| reply.verifying_key = key);
    assert_eq!(refused, Error::Mismatch(Mismatch::VerifyingKey));
}

#[test]
fn refuses_a_reply_with_too_few_or_too_many_entries() {
    let count = Error::Mismatch(Mismatch::CfragCount);
    assert_eq!(
        check_reply_refused(|reply| reply.entries.truncate(1)),
        count
    );
    assert_eq!(check_reply_refused(|reply| reply.entries.clear()), count);
    assert_eq!(
        check_reply_refused(|reply| reply.entries.extend(reply.entries.clone())),
        count
    );
}

#[test]
fn a_refused_capsule_leaves_the_receipts_of_the_others() {
    let mut reply = reply();
    reply.entries[0] = refused();
    assert_eq!(reply.verify(&DOMAIN, &request(), &expectation()), Ok(()));
    assert!(matches!(reply.entries[0], Entry::Refused(_)));
    assert_eq!(fragment(&mut reply, 1).cfrag, CFRAG);
    assert_eq!(reply.entries.len(), 2);
    fragment(&mut reply, 1).cfrag.0[0] ^= 1;
    let changed = reply.verify(&DOMAIN, &request(), &expectation());
    assert!(matches!(changed, Err(Error::Signer { .. })), "{changed:?}");
}

#[test]
fn refuses_a_reply_whose_receipts_cover_something_else() {
    let changes: [fn(&mut ReencryptReply); 6] = [
        |reply| reply.entries.swap(0, 1),
        |reply| {
            let mut bytes = reply.commitments.as_ref().to_vec();
            bytes[40] ^= 1;
            reply.commitments = CommitmentsBytes::try_from(bytes.as_slice()).unwrap();
        },
        |reply| fragment(reply, 1).cfrag.0[0] ^= 1,
        |reply| reply.block_time += 1,
        |reply| reply.block_hash = B256::ZERO,
        |reply| fragment(reply, 1).signature = fragment(reply, 0).signature,
    ];
    for change in changes {
        assert!(matches!(check_reply_refused(change), Error::Signer { .. }));
    }
    let unsigned = |reply: &mut ReencryptReply| {
        fragment(reply, 1).signature = EthSignature::UNSIGNED;
    };
    assert_eq!(
        check_reply_refused(unsigned),
        Error::SignatureRecovery { v: 0 }
    );
}

/// Signed as it is: only its time is wrong.
fn reply_of(block_time: u64) -> ReencryptReply {
    let mut reply = ReencryptReply {
        block_time,
        entries: vec![],
        ..reply()
    };
    for capsule in &capsules() {
        reply.push_signed(capsule, CFRAG, secret(2).address(), &DOMAIN, &secret(4));
    }
    reply
}

#[test]
fn refuses_a_reply_of_a_time_to_come() {
    let last = request().block_time + AHEAD_SECONDS;
    let verify = |time| reply_of(time).verify(&DOMAIN, &request(), &expectation());
    assert_eq!(verify(last), Ok(()));
    for time in [last + 1, u64::MAX] {
        assert_eq!(verify(time), Err(Error::Mismatch(Mismatch::Time)));
    }
}

#[test]
fn refuses_a_reply_by_another_worker_or_to_another_requester() {
    let worker = ReplyExpectation {
        worker: secret(5).address(),
        ..expectation()
    };
    let requester = ReplyExpectation {
        requester: secret(5).address(),
        ..expectation()
    };
    for expected in [worker, requester] {
        let refused = reply().verify(&DOMAIN, &request(), &expected);
        assert!(matches!(refused, Err(Error::Signer { .. })));
    }
}

#[test]
fn json_is_strict() {
    check_strict(&request(), &[]);
    check_strict(&reply(), &[]);
    check_strict(&reply().entries[0], &[]);
    check_strict(&refused(), &[]);
    check_strict(&*fragment(&mut reply(), 0), &[]);
    check_strict(&reply().receipt(&capsules()[0], &CFRAG, MINER), &[]);
}

#[test]
fn refuses_json_with_a_capsule_or_fragment_of_another_length() {
    for bytes in [0, 97, 99] {
        let mut json = serde_json::to_value(request()).unwrap();
        json["capsules"][1] = crate::hex_serde::encode(&vec![0; bytes]).into();
        check_refused::<ReencryptRequest>(&json);
    }
    for bytes in [0, 358, 360] {
        let mut json = serde_json::to_value(reply()).unwrap();
        json["entries"][1]["fragment"]["cfrag"] = crate::hex_serde::encode(&vec![0; bytes]).into();
        check_refused::<ReencryptReply>(&json);
    }
}

#[test]
fn refuses_json_replies_with_no_or_65_entries() {
    for count in [0, 65] {
        let entries = vec![reply().entries[0].clone(); count];
        let reply = ReencryptReply { entries, ..reply() };
        check_refused::<ReencryptReply>(&serde_json::to_value(reply).unwrap());
    }
}

proptest! {
    #[test]
    fn requests_survive_json_and_verify(
        id in any_b256(),
        miner in any_address(),
        bytes in proptest::collection::vec(any::<u8>(), 1..=64),
        block_time: u64,
        nonce in any_b256(),
    ) {
        let capsules = bytes.into_iter().map(|byte| CapsuleBytes::from([byte; 98])).collect();
        let request = ReencryptRequest {
            policy_id: PolicyId(id), miner, capsules, block_time, nonce,
            signature: EthSignature::UNSIGNED,
        };
        let request = request.signed(&DOMAIN, &secret(2));
        let json = serde_json::to_string(&request).unwrap();
        let read = serde_json::from_str::<ReencryptRequest>(&json).unwrap();
        prop_assert_eq!(read.verify(&DOMAIN, &secret(2).address()), Ok(()));
        prop_assert_eq!(read, request);
    }

    #[test]
    fn replies_survive_json(
        id in any_b256(),
        signatures in proptest::collection::vec(any_signature(), 1..=64),
        block_time: u64,
    ) {
        // Every third capsule was refused.
        let entries = signatures.into_iter().enumerate().map(|(at, signature)| match at % 3 {
            2 => refused(),
            _ => Entry::Fragment(Box::new(Fragment { cfrag: CFRAG, signature })),
        });
        let reply = ReencryptReply {
            policy_id: PolicyId(id), block_time, entries: entries.collect(), ..reply()
        };
        let json = serde_json::to_string(&reply).unwrap();
        prop_assert_eq!(serde_json::from_str::<ReencryptReply>(&json).unwrap(), reply);
    }

    #[test]
    fn damaged_json_is_read_or_refused(at: prop::sample::Index, byte: u8) {
        check_damaged(&request(), at, byte);
        check_damaged(&reply(), at, byte);
    }

    #[test]
    fn capsule_lists_with_different_bytes_have_different_hashes(
        a in proptest::collection::vec(any::<u8>(), 1..5),
        b in proptest::collection::vec(any::<u8>(), 1..5),
    ) {
        let hash = |bytes: &[u8]| {
            let capsules = bytes.iter().map(|byte| CapsuleBytes::from([*byte; 98]));
            capsules_hash(&capsules.collect::<Vec<_>>())
        };
        prop_assert_eq!(hash(&a) == hash(&b), a == b);
    }
}
