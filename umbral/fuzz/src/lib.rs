//! Fuzz targets: every decoder, verification and opening. None may panic; what is accepted has one
//! encoding; what is not byte for byte the genuine fragment must not verify.
//!
//! Each function is run by cargo-fuzz (`fuzz_targets/`) and by `smoke`, which needs no nightly
//! compiler.

use std::sync::OnceLock;

use umbral::*;

/// Bytes of one fixed, genuine delegation.
pub struct Genuine {
    /// The parties.
    pub context: Context,
    /// A capsule of the delegating key.
    pub capsule: Capsule,
    /// What it protects.
    pub ciphertext: Vec<u8>,
    /// A key fragment of version 1.
    pub key_frag: [u8; KEY_FRAG_BYTES],
    /// Another one of version 2.
    pub key_frag_v2: [u8; v2::KEY_FRAG_BYTES],
    /// Its policy.
    pub policy: v2::Policy,
    /// Its commitments.
    pub commitments: Vec<u8>,
    /// A capsule fragment of version 1.
    pub capsule_frag: [u8; CAPSULE_FRAG_BYTES],
    receiving: SecretKey,
}

const MINER: v2::Miner = [7; 20];

/// Made once per process.
pub fn genuine() -> &'static Genuine {
    static GENUINE: OnceLock<Genuine> = OnceLock::new();
    GENUINE.get_or_init(|| make().expect("a working generator"))
}

fn make() -> Result<Genuine> {
    let rng = &mut getrandom::SysRng;
    let delegating = SecretKey::random(rng)?;
    let receiving = SecretKey::random(rng)?;
    let signer = Signer::random(rng)?;
    let (capsule, ciphertext) = encrypt(rng, &delegating.public_key(), b"message")?;
    let public = receiving.public_key();
    let quorum = Quorum::new(1, 1)?;
    let params = KfragParams {
        delegating: &delegating,
        receiving: &public,
        signer: &signer,
        quorum,
        signed: SignedKeys::BOTH,
    };
    let kfrag = generate_kfrags(rng, &params)?.remove(0);
    let policy = v2::Policy {
        chain_id: 1,
        contract: [1; 20],
        policy_id: [2; 32],
        quorum,
        not_before: 0,
        expiry: 1,
        conditions: [0; 32],
    };
    let params = v2::GrantParams {
        delegating: &delegating,
        receiving: &public,
        signer: &signer,
        policy: &policy,
        miners: &[MINER],
    };
    let granted = v2::generate_kfrags(rng, &params)?;
    Ok(Genuine {
        context: *kfrag.context(),
        capsule_frag: reencrypt(rng, &capsule, &kfrag)?.to_simple(),
        key_frag: *kfrag.to_secret_simple(),
        key_frag_v2: *granted.kfrags[0].to_secret_bytes(),
        commitments: granted.commitments.to_bytes(),
        policy,
        capsule,
        ciphertext,
        receiving,
    })
}

fn exactly<const N: usize>(data: &[u8]) -> Option<&[u8; N]> {
    data.try_into().ok()
}

/// Keys.
pub fn public_key(data: &[u8]) {
    if let Some(bytes) = exactly(data) {
        if let Ok(key) = PublicKey::from_bytes(bytes) {
            assert_eq!(key.to_bytes(), *bytes);
        }
        let _ = VerifyingKey::from_bytes(bytes);
    }
    if let Some(bytes) = exactly(data) {
        if let Ok(key) = SecretKey::from_secret_bytes(bytes) {
            assert_eq!(*key.to_secret_bytes(), *bytes);
        }
        let _ = Signer::from_secret_bytes(bytes);
    }
}

/// Signatures.
pub fn signature(data: &[u8]) {
    let Some(Ok(signature)) = exactly(data).map(Signature::from_bytes) else {
        return;
    };
    assert_eq!(signature.to_bytes().as_slice(), data);
    assert!(
        genuine()
            .context
            .verifying
            .verify(b"message", &signature)
            .is_err()
    );
}

/// Capsules.
pub fn capsule(data: &[u8]) {
    if let Some(Ok(capsule)) = exactly(data).map(Capsule::from_simple) {
        assert_eq!(capsule.to_simple().as_slice(), data);
    }
    if let Ok(capsule) = Capsule::from_msgpack(data) {
        assert_eq!(capsule.to_msgpack().as_slice(), data);
    }
}

/// Key fragments of both versions.
pub fn key_frag(data: &[u8]) {
    let genuine = genuine();
    if let Some(Ok(frag)) = exactly(data).map(KeyFrag::from_simple) {
        assert_eq!(frag.to_secret_simple().as_slice(), data);
        let verified = frag.verify(&genuine.context).is_ok();
        assert_eq!(verified, data == genuine.key_frag);
    }
    if let Ok(frag) = KeyFrag::from_msgpack(data) {
        assert_eq!(frag.to_secret_msgpack().as_slice(), data);
    }
    if let Some(Ok(frag)) = exactly(data).map(v2::KeyFrag::from_bytes) {
        assert_eq!(frag.to_secret_bytes().as_slice(), data);
        let verified = frag
            .verify(&genuine.context, &genuine.policy, &MINER)
            .is_ok();
        assert_eq!(verified, data == genuine.key_frag_v2);
    }
}

/// Capsule fragments.
pub fn capsule_frag(data: &[u8]) {
    if let Some(Ok(frag)) = exactly(data).map(CapsuleFrag::from_simple) {
        assert_eq!(frag.to_simple().as_slice(), data);
    }
    if let Ok(frag) = CapsuleFrag::from_msgpack(data) {
        assert_eq!(frag.to_msgpack().as_slice(), data);
    }
}

/// Commitments.
pub fn commitments(data: &[u8]) {
    let Ok(commitments) = v2::Commitments::from_bytes(data) else {
        return;
    };
    assert_eq!(commitments.to_bytes(), data);
    let genuine = genuine();
    let signed = commitments
        .check_signature(&genuine.context, &genuine.policy)
        .is_ok();
    assert_eq!(signed, data == genuine.commitments);
}

/// Single verifier, batch verifier and fault prover agree.
pub fn verify(data: &[u8]) {
    let Some(bytes) = exactly(data) else { return };
    let genuine = genuine();
    let (capsule, context) = (&genuine.capsule, &genuine.context);
    let single = CapsuleFrag::from_simple(bytes).and_then(|frag| frag.verify(capsule, context));
    let mut prepared = PreparedContext::new(*context);
    let mut batch = BatchVerifier::new(&mut prepared);
    batch.push_simple(capsule, bytes);
    batch.push_simple(capsule, &genuine.capsule_frag);
    let verdicts = batch.finish();
    assert_eq!(verdicts[0], single);
    assert!(verdicts[1].is_ok());
    assert_eq!(
        prove_fault(capsule, bytes, context).is_none(),
        single.is_ok()
    );
    assert_eq!(single.is_ok(), *bytes == genuine.capsule_frag);
}

/// Opening with one hostile answer.
pub fn open(data: &[u8]) {
    let Some(bytes) = exactly(data) else { return };
    let genuine = genuine();
    let mut prepared = PreparedContext::new(genuine.context);
    let (secret, capsule) = (&genuine.receiving, &genuine.capsule);
    let opened = open_optimistic(
        secret,
        &mut prepared,
        capsule,
        &[*bytes],
        &genuine.ciphertext,
    );
    if let Ok(opened) = opened {
        assert_eq!(opened.value, b"message");
    }
}
