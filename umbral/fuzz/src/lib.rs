//! Fuzz targets: every decoder, verification and opening. None may panic; what is accepted has one
//! encoding; what is not byte for byte the genuine cfrag must not verify.
//!
//! Each function is run by cargo-fuzz (`fuzz_targets/`) and by `smoke`, which needs no nightly
//! compiler.

use std::sync::OnceLock;

use umbral::fault::prove_fault;
use umbral::*;

/// Bytes of one fixed, genuine delegation.
pub struct Genuine {
    /// Public keys of the delegation.
    pub context: Context,
    /// Policy that the kfrag is signed for.
    pub policy: Policy,
    /// A capsule of the delegating key.
    pub capsule: Capsule,
    /// Message under the capsule's key, encrypted.
    pub ciphertext: Vec<u8>,
    /// Kfrag of the only miner, encoded.
    pub key_frag: [u8; KeyFrag::BYTES],
    /// Kfrag of version 1 for the same keys.
    pub key_frag_v1: [u8; compat::KeyFrag::BYTES],
    /// Signed commitments to the delegation's polynomial, encoded.
    pub commitments: Vec<u8>,
    /// Cfrag of the capsule and the kfrag, encoded.
    pub capsule_frag: [u8; CapsuleFrag::BYTES],
    receiving: SecretKey,
}

const MINER: Miner = [7; 20];

/// Returns the delegation, made once per process.
pub fn genuine() -> &'static Genuine {
    static GENUINE: OnceLock<Genuine> = OnceLock::new();
    GENUINE.get_or_init(|| make().expect("a working generator"))
}

fn make() -> compat::Result<Genuine> {
    let rng = &mut getrandom::SysRng;
    let delegating = SecretKey::random(rng)?;
    let receiving = SecretKey::random(rng)?;
    let signer = Signer::random(rng)?;
    let (capsule, ciphertext) = encrypt(rng, &delegating.public_key(), b"message")?;
    let public = receiving.public_key();
    let quorum = Quorum::new(1, 1)?;
    let params = compat::KfragParams {
        delegating: &delegating,
        receiving: &public,
        signer: &signer,
        quorum,
        signed: compat::SignedKeys::BOTH,
    };
    let v1 = compat::generate_kfrags(rng, &params)?.remove(0);
    let policy = Policy {
        chain_id: 1,
        contract: [1; 20],
        policy_id: [2; 32],
        quorum,
        not_before: 0,
        expiry: 1,
        conditions: [0; 32],
    };
    let params = GrantParams {
        delegating: &delegating,
        receiving: &public,
        signer: &signer,
        policy: &policy,
        miners: &[MINER],
    };
    let granted = generate_kfrags(rng, &params)?;
    let kfrag = &granted.kfrags[0];
    Ok(Genuine {
        context: *kfrag.context(),
        capsule_frag: reencrypt(rng, &capsule, kfrag)?.to_bytes(),
        key_frag: *kfrag.to_secret_bytes(),
        key_frag_v1: *v1.to_secret_simple(),
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

/// Encryption and signing keys have one encoding each.
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

/// Signatures have one encoding, and none is valid by chance.
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

/// Capsules have one encoding per form.
pub fn capsule(data: &[u8]) {
    if let Some(Ok(capsule)) = exactly(data).map(Capsule::from_bytes) {
        assert_eq!(capsule.to_bytes().as_slice(), data);
    }
    if let Ok(capsule) = Capsule::from_msgpack(data) {
        assert_eq!(capsule.to_msgpack().as_slice(), data);
    }
}

/// Kfrags have one encoding per form, and only the genuine one verifies.
pub fn key_frag(data: &[u8]) {
    let genuine = genuine();
    if let Some(Ok(frag)) = exactly(data).map(KeyFrag::from_bytes) {
        assert_eq!(frag.to_secret_bytes().as_slice(), data);
        let verified = frag
            .verify(&genuine.context, &genuine.policy, &MINER)
            .is_ok();
        assert_eq!(verified, data == genuine.key_frag);
    }
    if let Some(Ok(frag)) = exactly(data).map(compat::KeyFrag::from_simple) {
        assert_eq!(frag.to_secret_simple().as_slice(), data);
        let verified = frag.verify(&genuine.context).is_ok();
        assert_eq!(verified, data == genuine.key_frag_v1);
    }
    if let Ok(frag) = compat::KeyFrag::from_msgpack(data) {
        assert_eq!(frag.to_secret_msgpack().as_slice(), data);
    }
}

/// Cfrags have one encoding per form.
pub fn capsule_frag(data: &[u8]) {
    if let Some(Ok(frag)) = exactly(data).map(CapsuleFrag::from_bytes) {
        assert_eq!(frag.to_bytes().as_slice(), data);
    }
    if let Ok(frag) = CapsuleFrag::from_msgpack(data) {
        assert_eq!(frag.to_msgpack().as_slice(), data);
    }
}

/// Commitments have one encoding, and only the genuine ones verify.
pub fn commitments(data: &[u8]) {
    let Ok(commitments) = Commitments::from_bytes(data) else {
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
    let Genuine {
        capsule,
        context,
        policy,
        capsule_frag,
        ..
    } = genuine();
    let single = CapsuleFrag::from_bytes(bytes)
        .and_then(|frag| frag.verify(capsule, context, policy, &MINER));
    let mut prepared = PreparedContext::new(*context, *policy);
    let mut batch = BatchVerifier::new(&mut prepared);
    batch.push(capsule, bytes, &MINER);
    batch.push(capsule, capsule_frag, &MINER);
    let verdicts = batch.finish();
    assert_eq!(verdicts[0], single);
    assert!(verdicts[1].is_ok());
    let fault = prove_fault(capsule, bytes, context, policy, &MINER);
    assert_eq!(fault.is_none(), single.is_ok());
    assert_eq!(single.is_ok(), bytes == capsule_frag);
}

/// Opening with one hostile answer.
pub fn open(data: &[u8]) {
    let Some(bytes) = exactly(data) else { return };
    let genuine = genuine();
    let opened = decapsulate_optimistic(&genuine.receiving, &[*bytes], |secret| {
        let opened = secret.decrypt(&genuine.capsule, &genuine.ciphertext);
        opened.ok()
    });
    assert!(opened.is_none_or(|opened| opened == b"message"));
}
