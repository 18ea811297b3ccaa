//! Uploads and acknowledgements: golden signatures of `cast wallet sign --data`, and refusals.

use proptest::prelude::*;

use super::super::tests::{check_damaged, check_refused, check_strict};
use super::*;
use crate::error::TermsFault;
use crate::period::Period;
use crate::policy::Terms;
use crate::refusal::Refusal;
use crate::test_support::{
    BLINDING, CHAIN_ID, DOMAIN, MINER, POLICY_MANAGER, any_address, any_b256, any_signature,
    commitments, delegating, receiving, secret, terms, verifying,
};

/// The bytes 0, 1, 2 ... 194.
fn kfrag() -> SecretKfrag {
    let bytes: Vec<u8> = (0..195).collect();
    SecretKfrag::from(<&[u8; 195]>::try_from(bytes.as_slice()).unwrap())
}

fn upload() -> KfragUpload {
    KfragUpload {
        terms: terms(),
        delegating_key: delegating(),
        receiving_key: receiving(),
        blinding: BLINDING,
        verifying_key: verifying(),
        kfrag: kfrag(),
        commitments: commitments(),
        delivery: Delivery::unsigned(Period(5)),
        signature: EthSignature::UNSIGNED,
    }
    .signed(&DOMAIN, MINER, &secret(3))
}

fn ack() -> KfragAck {
    KfragAck {
        policy_id: terms().id(CHAIN_ID, &POLICY_MANAGER),
        miner: MINER,
        kfrag_hash: upload().kfrag.hash(),
        signature: EthSignature::UNSIGNED,
    }
    .signed(&DOMAIN, &secret(4))
}

fn check_upload_refused(expected: Error, change: impl FnOnce(&mut KfragUpload)) {
    let mut changed = upload();
    change(&mut changed);
    assert_eq!(changed.verify(&DOMAIN, MINER), Err(expected));
    let signed_again = changed.signed(&DOMAIN, MINER, &secret(3));
    assert_eq!(
        signed_again.verify(&DOMAIN, MINER),
        Err(expected),
        "signed again"
    );
}

fn check_ack_refused(change: impl FnOnce(&mut KfragAck)) -> Error {
    let mut changed = ack();
    change(&mut changed);
    changed
        .verify(&DOMAIN, &upload(), &MINER, &secret(4).address())
        .unwrap_err()
}

#[test]
fn a_grant_signs_as_cast_does() {
    let hash = "0xa4171027e815bf01d698ce82cd6a645a2a5cabc2a2aaef8fef1bb47f182f51b6";
    assert_eq!(upload().kfrag.hash().to_string(), hash);
    let hash = "0x74f7b41b8224f8fe8f7de5381fe1800b1e14cc85d585defe71f32bd3cfda4fad";
    assert_eq!(commitments().hash().to_string(), hash);
    assert_eq!(
        upload().signature.to_string(),
        "0x208791a4167d9cdada3f638cfa263a46b7140a129258d0eea6eb2dd1f981981d\
         2728f3af47e3f985a18fd475b8778cae0a1d2de3e39904a6ecd879a692295fa61b"
    );
}

#[test]
fn an_acknowledgement_signs_as_cast_does() {
    assert_eq!(
        ack().digest(&DOMAIN).to_string(),
        "0xfd16e6a2944038d7fad428620bb9d3cb8d36f5f4b547818cc57532ba0e725df6"
    );
    assert_eq!(
        ack().signature.to_string(),
        "0xa97ee7afdfcc09a27d6dc808cf1889a0d752ac4dc343feeac8a42aa8bfb26c86\
             06988886394e5eda4542baa9dbe63d905675d19177b7ce99008c0bf612aa46cc1c"
    );
}

#[test]
fn accepts_what_the_author_signed_and_the_worker_acknowledged() {
    assert_eq!(
        upload().verify(&DOMAIN, MINER),
        Ok(terms().id(CHAIN_ID, &POLICY_MANAGER))
    );
    assert_eq!(
        ack().verify(&DOMAIN, &upload(), &MINER, &secret(4).address()),
        Ok(())
    );
}

#[test]
fn refuses_an_upload_for_a_miner_outside_the_policy() {
    let refused = upload().verify(&DOMAIN, Address([0x99; 20]));
    assert_eq!(refused, Err(Error::Mismatch(Mismatch::Miner)));
    assert_eq!(refused.unwrap_err().refusal(), Refusal::NotThisMiner);
}

#[test]
fn refuses_an_upload_signed_for_another_miner_of_the_policy() {
    let refused = upload().verify(&DOMAIN, Address([0x52; 20]));
    assert!(matches!(refused, Err(Error::Signer { .. })));
}

#[test]
fn refuses_an_upload_with_other_keys() {
    let keys = Error::Mismatch(Mismatch::Keys);
    check_upload_refused(keys, |upload| upload.delegating_key = receiving());
    check_upload_refused(keys, |upload| upload.receiving_key = delegating());
    check_upload_refused(keys, |upload| {
        core::mem::swap(&mut upload.delegating_key, &mut upload.receiving_key);
    });
    check_upload_refused(keys, |upload| upload.blinding.0[31] ^= 1);
    check_upload_refused(keys, |upload| upload.blinding = B256::ZERO);
    check_upload_refused(Error::Mismatch(Mismatch::VerifyingKey), |upload| {
        upload.verifying_key = VerifyingKey::from_bytes(&delegating().to_bytes()).unwrap();
    });
}

#[test]
fn refuses_an_upload_whose_terms_no_policy_has() {
    let fault = Error::Terms(TermsFault::Threshold {
        threshold: 0,
        miners: 3,
    });
    check_upload_refused(fault, |upload| upload.terms.threshold = 0);
}

#[test]
fn refuses_an_upload_that_changed_after_signing() {
    let changes: [fn(&mut KfragUpload); 5] = [
        |upload| upload.kfrag = SecretKfrag::from(&[7; 195]),
        |upload| {
            let mut bytes = upload.commitments.as_ref().to_vec();
            bytes[40] ^= 1;
            upload.commitments = CommitmentsBytes::try_from(bytes.as_slice()).unwrap();
        },
        |upload| {
            let longer = [upload.commitments.as_ref(), &[2; 33]].concat();
            upload.commitments = CommitmentsBytes::try_from(longer.as_slice()).unwrap();
        },
        |upload| upload.terms.threshold = 3,
        |upload| upload.terms.rate = crate::Amount(1),
    ];
    for change in changes {
        let mut changed = upload();
        change(&mut changed);
        assert!(matches!(
            changed.verify(&DOMAIN, MINER),
            Err(Error::Signer { .. })
        ));
    }
}

#[test]
fn refuses_an_upload_signed_by_somebody_else_or_nobody() {
    let stranger = upload().signed(&DOMAIN, MINER, &secret(4));
    assert!(matches!(
        stranger.verify(&DOMAIN, MINER),
        Err(Error::Signer { .. })
    ));
    let unsigned = KfragUpload {
        signature: EthSignature::UNSIGNED,
        ..upload()
    };
    assert_eq!(
        unsigned.verify(&DOMAIN, MINER),
        Err(Error::SignatureRecovery { v: 0 })
    );
}

/// A node that took it would serve for nothing.
#[test]
fn refuses_an_upload_without_the_word_that_pays() {
    let mut other_day = upload();
    other_day.delivery.period = Period(6);
    let mut of_another = upload();
    of_another.delivery = upload()
        .signed(&DOMAIN, Address([0x52; 20]), &secret(3))
        .delivery;
    for upload in [other_day, of_another] {
        assert!(matches!(
            upload.verify(&DOMAIN, MINER),
            Err(Error::Signer { .. })
        ));
    }
    let mut unsigned = upload();
    unsigned.delivery = Delivery::unsigned(Period(5));
    assert_eq!(
        unsigned.verify(&DOMAIN, MINER),
        Err(Error::SignatureRecovery { v: 0 })
    );
    check_upload_refused(Error::Mismatch(Mismatch::Delivery), |upload| {
        upload.delivery = Delivery::unsigned(Period::NEVER).signed(
            &DOMAIN,
            terms().id(CHAIN_ID, &POLICY_MANAGER),
            MINER,
            &secret(3),
        );
    });
    let mut json = serde_json::to_value(upload()).unwrap();
    json.as_object_mut().unwrap().remove("delivery");
    check_refused::<KfragUpload>(&json);
}

#[test]
fn refuses_an_upload_of_another_chain() {
    let other = Domain::node(CHAIN_ID + 1, POLICY_MANAGER);
    assert!(matches!(
        upload().verify(&other, MINER),
        Err(Error::Signer { .. })
    ));
}

#[test]
fn refuses_an_acknowledgement_of_something_else() {
    let policy = check_ack_refused(|ack| ack.policy_id = PolicyId(B256([1; 32])));
    assert_eq!(policy, Error::Mismatch(Mismatch::Policy));
    let miner = check_ack_refused(|ack| ack.miner = Address([1; 20]));
    assert_eq!(miner, Error::Mismatch(Mismatch::Miner));
    let hash = check_ack_refused(|ack| ack.kfrag_hash = B256([1; 32]));
    assert_eq!(hash, Error::Mismatch(Mismatch::Kfrag));
}

#[test]
fn refuses_an_acknowledgement_by_another_key() {
    let stranger = check_ack_refused(|ack| *ack = ack.signed(&DOMAIN, &secret(5)));
    assert!(matches!(stranger, Error::Signer { .. }));
    // The author's signature over the grant is none over the acknowledgement.
    let author = ack().verify(&DOMAIN, &upload(), &MINER, &secret(3).address());
    assert!(matches!(author, Err(Error::Signer { .. })));
}

#[test]
fn a_kfrag_is_not_shown() {
    let shown = format!("{:?}", upload());
    assert!(shown.contains("<redacted>"), "{shown}");
    assert!(
        !shown.contains("00010203") && !shown.contains("0, 1, 2"),
        "{shown}"
    );
}

#[test]
fn json_is_strict() {
    check_strict(&upload(), &[]);
    check_strict(&ack(), &[]);
}

#[test]
fn refuses_json_without_commitments_or_blinding() {
    let mut json = serde_json::to_value(upload()).unwrap();
    json.as_object_mut().unwrap().remove("commitments");
    check_refused::<KfragUpload>(&json);
    let mut json = serde_json::to_value(upload()).unwrap();
    json.as_object_mut().unwrap().remove("blinding");
    check_refused::<KfragUpload>(&json);
    let mut json = serde_json::to_value(upload()).unwrap();
    json["kfrag"] = crate::hex_serde::encode(&[7; 260]).into();
    check_refused::<KfragUpload>(&json);
}

#[test]
fn refuses_json_with_terms_no_policy_has() {
    let mut json = serde_json::to_value(upload()).unwrap();
    json["terms"]["threshold"] = 4.into();
    check_refused::<KfragUpload>(&json);
    let mut json = serde_json::to_value(upload()).unwrap();
    json["terms"]["unknown"] = 4.into();
    check_refused::<KfragUpload>(&json);
}

proptest! {
    #[test]
    fn messages_survive_json(
        id in any_b256(),
        miner in any_address(),
        kfrag_hash in any_b256(),
        signature in any_signature(),
    ) {
        let ack = KfragAck { policy_id: PolicyId(id), miner, kfrag_hash, signature };
        let json = serde_json::to_string(&ack).unwrap();
        prop_assert_eq!(serde_json::from_str::<KfragAck>(&json).unwrap(), ack);
        let terms = Terms { salt: id, ..terms() };
        let upload = KfragUpload { terms, signature, ..upload() };
        let json = serde_json::to_string(&upload).unwrap();
        prop_assert_eq!(serde_json::from_str::<KfragUpload>(&json).unwrap(), upload);
    }

    #[test]
    fn damaged_json_is_read_or_refused(at: prop::sample::Index, byte: u8) {
        check_damaged(&upload(), at, byte);
        check_damaged(&ack(), at, byte);
    }
}
