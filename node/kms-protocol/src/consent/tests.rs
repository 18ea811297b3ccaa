use proptest::prelude::*;

use super::*;

fn signed(miner: u8, deadline: u64) -> (SignedConsent, Domain) {
    let worker = EthSecret::from_bytes(&[7; 32]).unwrap();
    let escrow = Domain::staking_escrow(31_337, Address([9; 20]));
    let consent = SignedConsent::sign(&worker, Address([miner; 20]), deadline, &escrow);
    (consent, escrow)
}

proptest! {
    #[test]
    fn a_line_is_read_as_it_is_written(miner: u8, deadline: u64) {
        let (consent, escrow) = signed(miner, deadline);
        let line = consent.to_string();
        prop_assert_eq!(line.parse::<SignedConsent>(), Ok(consent));
        prop_assert!(consent.check(&escrow).is_ok());
    }

    #[test]
    fn any_other_text_is_refused(text in ".{0,300}") {
        prop_assert!(text.parse::<SignedConsent>().is_err());
    }

    #[test]
    fn one_changed_character_never_passes(at in 0_usize..260, with in any::<char>()) {
        let (consent, escrow) = signed(1, 1_800_000_000);
        let mut chars: Vec<char> = consent.to_string().chars().collect();
        let at = at % chars.len();
        prop_assume!(!chars[at].eq_ignore_ascii_case(&with));
        chars[at] = with;
        let line: String = chars.into_iter().collect();
        let passed = line.parse::<SignedConsent>().is_ok_and(|read| read.check(&escrow).is_ok());
        prop_assert!(!passed, "{line}");
    }
}

#[test]
fn lines_that_are_almost_right_are_refused() {
    let line = signed(1, 42).0.to_string();
    for bad in [
        String::new(),
        line.replace("kmsworker1", "kmsworker2"),
        line.replace(":42:", ":042:"),
        line.replace(":42:", ":+42:"),
        line.replace(":42:", ":42 :"),
        line.replace(":42:", ":18446744073709551616:"),
        line.replace(":42:", ":"),
        format!("{line}:"),
        format!("{line}:42"),
        format!(" {line}"),
        line[..line.len() - 2].to_owned(),
    ] {
        assert!(bad.parse::<SignedConsent>().is_err(), "{bad}");
    }
}

#[test]
fn a_consent_holds_for_one_escrow_miner_and_deadline() {
    let (consent, escrow) = signed(1, 42);
    for other in [
        Domain::staking_escrow(31_338, Address([9; 20])),
        Domain::staking_escrow(31_337, Address([8; 20])),
        Domain::policy_manager(31_337, Address([9; 20])),
    ] {
        assert!(consent.check(&other).is_err());
    }
    let changed = [
        WorkerConsent {
            miner: Address([2; 20]),
            ..consent.consent
        },
        WorkerConsent {
            deadline: 43,
            ..consent.consent
        },
        WorkerConsent {
            worker: Address([2; 20]),
            ..consent.consent
        },
    ];
    for changed in changed {
        let signature = consent.signature;
        let forged = SignedConsent {
            consent: changed,
            signature,
        };
        assert!(forged.check(&escrow).is_err());
    }
}

#[test]
fn the_digest_is_that_of_the_contract() {
    // keccak256(0x1901 || domain separator || struct hash), by hand.
    let (consent, escrow) = signed(1, 42);
    let word = |address: &Address| [&[0; 12][..], &address.0].concat();
    let hash = |parts: &[&[u8]]| crate::keccak256(&parts.concat()).0;
    let domain = hash(&[
        &hash(&[
            b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
        ]),
        &hash(&[b"KMS StakingEscrow"]),
        &hash(&[b"1"]),
        &[&[0; 24][..], &31_337_u64.to_be_bytes()].concat(),
        &word(&Address([9; 20])),
    ]);
    let fields = hash(&[
        &hash(&[WorkerConsent::TYPE.as_bytes()]),
        &word(&consent.consent.worker),
        &word(&consent.consent.miner),
        &[&[0; 24][..], &42_u64.to_be_bytes()].concat(),
    ]);
    let digest = hash(&[&[0x19, 0x01], &domain, &fields]);
    assert_eq!(consent.consent.digest(&escrow).0, digest);
}
