use super::*;

fn meant(home: &Path, node: Option<PathBuf>) -> Outcome<SignedConsent> {
    let args = BondArgs {
        consent: None,
        node,
        dry: DryArgs { dry_run: false },
    };
    args.consent(home)
}

fn code(outcome: Outcome<SignedConsent>) -> (u8, String) {
    let failure = outcome.unwrap_err();
    let json: serde_json::Value = serde_json::from_str(&failure.to_json()).unwrap();
    (failure.exit(), json["code"].as_str().unwrap().to_owned())
}

fn consent_of(worker: u8) -> SignedConsent {
    let secret = kms_protocol::EthSecret::from_bytes(&[worker; 32]).unwrap();
    let escrow = kms_protocol::Domain::staking_escrow(1, Address::ZERO);
    SignedConsent::sign(&secret, Address([1; 20]), 42, &escrow)
}

fn node_at(dir: &Path, consent: SignedConsent) {
    std::fs::create_dir(dir).unwrap();
    std::fs::write(dir.join("node.toml"), "").unwrap();
    std::fs::write(dir.join("worker-consent"), format!("{consent}\n")).unwrap();
}

#[test]
fn the_worker_of_the_only_node_in_the_home_is_bonded() {
    let home = tempfile::tempdir().unwrap();
    let (first, second) = (consent_of(1), consent_of(2));
    assert_eq!(
        code(meant(home.path(), None)),
        (3, "node_missing".to_owned())
    );
    node_at(&home.path().join("node"), first);
    assert_eq!(meant(home.path(), None).unwrap(), first);
    node_at(&home.path().join("other"), second);
    assert_eq!(code(meant(home.path(), None)), (2, "usage".to_owned()));
    let other = home.path().join("other");
    assert_eq!(meant(home.path(), Some(other.clone())).unwrap(), second);
    std::fs::write(other.join("worker-consent"), "0xaa").unwrap();
    assert_eq!(code(meant(home.path(), Some(other))).1, "file_unusable");
}
