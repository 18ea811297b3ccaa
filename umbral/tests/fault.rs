//! Every forged cfrag has a witness that the judge accepts, no honest one has any.

#[path = "../examples/fault_witness/capsules.rs"]
mod capsules;
#[path = "../examples/fault_witness/forge.rs"]
mod forge;
#[path = "../examples/fault_witness/granted.rs"]
mod granted;
#[path = "../examples/fault_witness/judge.rs"]
mod judge;

use proptest::prelude::*;
use umbral::CapsuleFrag;
use umbral::compat::prove_fault;
use umbral::fault::Fault;

use forge::Setting;

/// Whether the single verifier accepts, and that prover and judge agree with it.
fn check(setting: &Setting, cfrag: &[u8; CapsuleFrag::BYTES]) -> Option<Fault> {
    let fault = prove_fault(&setting.capsule, cfrag, &setting.context);
    let verdict = CapsuleFrag::from_bytes(cfrag)
        .map_err(Into::into)
        .and_then(|frag| frag.verify_v1(&setting.capsule, &setting.context));
    assert_eq!(
        fault.is_none(),
        verdict.is_ok(),
        "{fault:?} against {verdict:?}"
    );
    if let Some(fault) = &fault {
        assert!(judge::convicts(
            &setting.case(cfrag),
            fault.code(),
            &fault.to_bytes()
        ));
    }
    fault
}

#[test]
fn every_way_to_forge_has_a_witness() {
    let setting = Setting::new();
    for (name, cfrag, code) in setting.forgeries() {
        let fault = check(&setting, &cfrag);
        assert_eq!(fault.map(|fault| fault.code()), Some(code), "{name}");
    }
}

#[test]
fn an_honest_cfrag_is_not_convicted_by_anothers_witness() {
    let setting = Setting::new();
    let honest = setting.honest;
    assert_eq!(check(&setting, &honest), None);
    for (name, cfrag, code) in setting.forgeries() {
        let fault = prove_fault(&setting.capsule, &cfrag, &setting.context).unwrap();
        let case = setting.case(&honest);
        assert!(!judge::convicts(&case, code, &fault.to_bytes()), "{name}");
        for code in 0..10 {
            assert!(
                !judge::convicts(&case, code, &fault.to_bytes()),
                "{name} as {code}"
            );
        }
    }
    for code in 0..10 {
        assert!(!judge::convicts(&setting.case(&honest), code, &[0, 0]));
    }
}

/// A true equation with its true witness is not a fault.
#[test]
fn the_witness_of_a_true_equation_convicts_nobody() {
    let setting = Setting::new();
    for index in 1..=3 {
        let witness = setting.true_witness(index);
        assert!(!judge::convicts(
            &setting.case(&setting.honest),
            index,
            &witness
        ));
    }
}

/// The vectors of version 2 and of capsules check themselves while they are made.
#[test]
fn granted_cfrags_and_capsules_are_judged_as_expected() {
    assert!(granted::file().is_ok());
    assert!(capsules::file().is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_changed_cfrag_has_a_witness(bit in 0..CapsuleFrag::BYTES * 8) {
        let setting = Setting::new();
        let mut cfrag = setting.honest;
        cfrag[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(check(&setting, &cfrag).is_some());
    }

    #[test]
    fn noise_has_a_witness(noise: [u8; 32], offset in 0..CapsuleFrag::BYTES - 32) {
        let setting = Setting::new();
        let mut cfrag = setting.honest;
        cfrag[offset..offset + 32].copy_from_slice(&noise);
        prop_assert!(check(&setting, &cfrag).is_some());
    }

    #[test]
    fn no_honest_cfrag_has_a_witness(seed in 0..1000_u64) {
        let setting = Setting::seeded(seed);
        prop_assert_eq!(check(&setting, &setting.honest), None);
    }
}
