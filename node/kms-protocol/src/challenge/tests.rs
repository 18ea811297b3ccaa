//! The consent against `cast`.

use super::*;
use crate::Domain;
use crate::error::Error;
use crate::test_support::{CHAIN_ID, DOMAIN, MINER, POLICY_MANAGER, secret};

const CONSENT: ChallengeConsent = ChallengeConsent {
    policy_id: PolicyId(B256([0x61; 32])),
    miner: MINER,
    capsule_hash: B256([0x62; 32]),
    challenger: Address([0x63; 20]),
    deadline: 1_234_567_890,
};

const JUDGE: Domain = Domain::silence_challenges(CHAIN_ID, POLICY_MANAGER);

#[test]
fn signs_as_cast_does() {
    assert_eq!(
        CONSENT.sign(&JUDGE, &secret(2)).to_string(),
        "0x0bbb45760776e7456a1df0ddb075ef7ee9809dc8135f24b6f2416d7eaac1ba8c\
         7372dffd151dfd16d018e07a733d1e9bca6bdbceb5f7bf067d9ac16a13857a5d1c"
    );
}

#[test]
fn refuses_what_was_signed_for_anything_else() {
    let signature = CONSENT.sign(&JUDGE, &secret(2));
    let signer = secret(2).address();
    assert_eq!(CONSENT.check(&JUDGE, &signature, &signer), Ok(()));
    let elsewhere = CONSENT.check(&DOMAIN, &signature, &signer);
    assert!(matches!(elsewhere, Err(Error::Signer { .. })));
    let changes: [fn(&mut ChallengeConsent); 5] = [
        |consent| consent.policy_id.0.0[0] ^= 1,
        |consent| consent.miner.0[0] ^= 1,
        |consent| consent.capsule_hash.0[0] ^= 1,
        |consent| consent.challenger.0[0] ^= 1,
        |consent| consent.deadline ^= 1,
    ];
    for change in changes {
        let mut changed = CONSENT;
        change(&mut changed);
        let refused = changed.check(&JUDGE, &signature, &signer);
        assert!(matches!(refused, Err(Error::Signer { .. })), "{changed:?}");
    }
}
