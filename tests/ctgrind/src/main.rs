//! Constant-time check in the style of ctgrind: secrets are marked undefined, and memcheck reports
//! every branch and every address that depends on one.
//!
//! `check` runs every section under valgrind, and then the control, which must be reported.

mod request;

use std::process::ExitCode;

use rand_core::{TryCryptoRng, TryRng};
use request::{public, secret};
use umbral::*;

/// The system's generator, whose every byte is a secret, but for those that are published.
struct SecretRng;

impl TryRng for SecretRng {
    type Error = getrandom::Error;

    fn try_next_u32(&mut self) -> core::result::Result<u32, Self::Error> {
        getrandom::SysRng.try_next_u32()
    }

    fn try_next_u64(&mut self) -> core::result::Result<u64, Self::Error> {
        getrandom::SysRng.try_next_u64()
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> core::result::Result<(), Self::Error> {
        getrandom::SysRng.try_fill_bytes(out)?;
        secret(out);
        Ok(())
    }
}

impl TryCryptoRng for SecretRng {}

fn key() -> Result<SecretKey> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| Error::Rng)?;
    secret(&mut bytes);
    SecretKey::from_secret_bytes(&bytes)
}

fn declassified<const N: usize>(mut bytes: [u8; N]) -> [u8; N] {
    public(&mut bytes);
    bytes
}

fn public_key(key: &SecretKey) -> Result<PublicKey> {
    PublicKey::from_bytes(&declassified(key.public_key().to_bytes()))
}

fn signer() -> Result<(Signer, VerifyingKey)> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| Error::Rng)?;
    secret(&mut bytes);
    let signer = Signer::from_secret_bytes(&bytes)?;
    let verifying = VerifyingKey::from_bytes(&declassified(signer.verifying_key().to_bytes()))?;
    Ok((signer, verifying))
}

fn keygen() -> Result<()> {
    let mut seed = [7; 32];
    secret(&mut seed);
    let factory = SecretKeyFactory::from_secret_bytes(&seed);
    let sub = factory.make_factory(b"label")?;
    let (ours, theirs) = (key()?, key()?);
    drop((
        factory.make_key(b"label")?,
        sub.make_secret(b"label")?,
        ours.diffie_hellman(&public_key(&theirs)?),
        signer()?,
    ));
    Ok(())
}

fn signing() -> Result<()> {
    let (signer, verifying) = signer()?;
    let signature = signer.sign(&mut SecretRng, b"message")?;
    let signature = Signature::from_bytes(&declassified(signature.to_bytes()))?;
    verifying.verify(b"message", &signature)
}

const MINERS: [Miner; 3] = [[1; 20], [2; 20], [3; 20]];

/// A fresh delegation, all of it public to this process but the keys and the shares.
struct Delegation {
    context: Context,
    policy: Policy,
    delegating: SecretKey,
    receiving: SecretKey,
    signer: Signer,
    kfrags: Vec<[u8; KeyFrag::BYTES]>,
    commitments: Vec<u8>,
    capsule: Capsule,
    ciphertext: Vec<u8>,
}

fn delegation() -> Result<Delegation> {
    let (delegating, receiving) = (key()?, key()?);
    let (signer, verifying) = signer()?;
    let context = Context {
        delegating: public_key(&delegating)?,
        receiving: public_key(&receiving)?,
        verifying,
    };
    let policy = Policy {
        chain_id: 1,
        contract: [1; 20],
        policy_id: [2; 32],
        quorum: Quorum::new(2, 3)?,
        not_before: 0,
        expiry: 1,
        conditions: [0; 32],
    };
    let params = GrantParams {
        delegating: &delegating,
        receiving: &context.receiving,
        signer: &signer,
        policy: &policy,
        miners: &MINERS,
    };
    let granted = generate_kfrags(&mut SecretRng, &params)?;
    let published = |frag: &VerifiedKeyFrag| {
        let mut bytes = *frag.to_secret_bytes();
        public(&mut bytes[..33]);
        public(&mut bytes[65..]);
        bytes
    };
    let mut commitments = granted.commitments.to_bytes();
    public(&mut commitments);
    let (capsule, mut ciphertext) = encrypt(&mut SecretRng, &context.delegating, b"message")?;
    public(&mut ciphertext);
    let capsule = Capsule::from_bytes(&declassified(capsule.to_bytes()))?;
    let opened = decrypt_original(&delegating, &capsule, &ciphertext)?;
    drop(opened);
    Ok(Delegation {
        context,
        policy,
        kfrags: granted.kfrags.iter().map(published).collect(),
        delegating,
        receiving,
        signer,
        commitments,
        capsule,
        ciphertext,
    })
}

fn reencryption() -> Result<()> {
    answers(&delegation()?).map(drop)
}

fn answers(delegation: &Delegation) -> Result<Vec<[u8; CapsuleFrag::BYTES]>> {
    let Delegation {
        context, policy, ..
    } = delegation;
    let answer = |(bytes, miner): (&[u8; KeyFrag::BYTES], &Miner)| {
        let kfrag = KeyFrag::from_bytes(bytes)?.verify(context, policy, miner)?;
        let answer = reencrypt(&mut SecretRng, &delegation.capsule, &kfrag)?;
        Ok(declassified(answer.to_bytes()))
    };
    let sent = delegation.kfrags.iter().zip(&MINERS);
    sent.take(2).map(answer).collect()
}

fn opening() -> Result<()> {
    let delegation = delegation()?;
    let answers = answers(&delegation)?;
    let Delegation {
        context,
        policy,
        receiving,
        capsule,
        ciphertext,
        ..
    } = &delegation;
    let opened = decapsulate_optimistic(receiving, &answers, |secret| {
        secret.decrypt(capsule, ciphertext).ok()
    });
    drop(opened.ok_or(Error::AuthenticationFailed)?);
    let verified = answers.iter().zip(&MINERS).map(|(bytes, miner)| {
        CapsuleFrag::from_bytes(bytes)?.verify(capsule, context, policy, miner)
    });
    let verified = verified.collect::<Result<Vec<_>>>()?;
    decapsulate_reencrypted(receiving, &context.delegating, capsule, &verified).map(drop)
}

/// The receiver's check of what was granted, and a delegation of version 1.
fn granting() -> Result<()> {
    let delegation = delegation()?;
    let Delegation {
        context, policy, ..
    } = &delegation;
    let params = compat::KfragParams {
        delegating: &delegation.delegating,
        receiving: &context.receiving,
        signer: &delegation.signer,
        quorum: policy.quorum,
        signed: compat::SignedKeys::BOTH,
    };
    let granted = compat::generate_kfrags(&mut SecretRng, &params);
    drop(granted.map_err(|_| Error::RngDegenerate)?);
    let commitments = Commitments::from_bytes(&delegation.commitments)?;
    commitments.check_origin(&delegation.receiving, context, policy)
}

/// The control: a branch on a secret bit and a table read at a secret place, both to be reported.
fn control() -> Result<()> {
    let mut bytes = [std::hint::black_box(3_u8); 32];
    secret(&mut bytes);
    let table = [std::hint::black_box(1_u8); 256];
    if bytes[0] & 1 == 1 {
        std::hint::black_box(());
        println!("odd");
    }
    println!("{}", table[usize::from(bytes[1])]);
    Ok(())
}

type Section = fn() -> Result<()>;

fn main() -> ExitCode {
    let sections: [(&str, Section); 7] = [
        ("keygen", keygen),
        ("signing", signing),
        ("delegation", || delegation().map(drop)),
        ("reencryption", reencryption),
        ("opening", opening),
        ("granting", granting),
        ("control", control),
    ];
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let Some((name, run)) = sections.iter().find(|(name, _)| *name == wanted) else {
        eprintln!("usage: ctgrind keygen|signing|delegation|reencryption|opening|granting|control");
        return ExitCode::from(2);
    };
    println!("{name}, under valgrind: {}", request::is_watching());
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::from(3)
        }
    }
}
