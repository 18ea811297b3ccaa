//! One function per kind of case: runs the crate on the input and returns what it made of it.

use serde_json::{Value, json};
use umbral::compat::hazmat::{self, KnownKeys};
use umbral::compat::{self, KfragParams, SignedKeys};
use umbral::fault::POINT_U_UNCOMPRESSED;
use umbral::{Capsule, CapsuleFrag, Context, Quorum, SecretKeyFactory, Signer, VerifyingKey};

use super::Failure;
use super::input::{Input, exactly};
use super::tape::Tape;

type Outcome = Result<Value, Failure>;

/// Runs a case of a kind.
pub(crate) fn run(kind: &str, input: &Value) -> Outcome {
    let input = Input(input);
    match kind {
        "key_factory" => key_factory(input),
        "params" => params(input),
        "ecdsa_verify" => ecdsa_verify(input),
        "encrypt_replay" => encrypt_replay(input),
        "decrypt_original" => decrypt_original(input),
        "capsule_decode" => capsule_decode(input),
        "kfrag_replay" => kfrag_replay(input),
        "kfrag_verify" => kfrag_verify(input),
        "reencrypt_replay" => reencrypt_replay(input),
        "cfrag_verify" => cfrag_verify(input),
        "decrypt_reencrypted" => decrypt_reencrypted(input),
        _ => Failure::broken(format!("unknown kind {kind}")),
    }
}

fn key_factory(input: Input<'_>) -> Outcome {
    let label = input.bytes("label")?;
    let seed = exactly("seed", &input.bytes("seed")?)?;
    let factory = SecretKeyFactory::from_secret_bytes(&seed);
    let key = factory.make_key(&label)?;
    let sub_key = factory.make_factory(&label)?.make_key(b"sub")?;
    Ok(json!({
        "key": hex::encode(key.to_secret_bytes()),
        "pk": hex::encode(key.public_key().to_bytes()),
        "secret": hex::encode(factory.make_secret(&label)?),
        "sub_key": hex::encode(sub_key.to_secret_bytes()),
    }))
}

/// U is a constant here: only the pair of strings it was hashed from is known.
fn params(input: Input<'_>) -> Outcome {
    let strings = (input.text("dst")?, input.text("msg")?);
    if strings != ("PARAMETERS", "POINT_U") {
        return Failure::broken(format!("no constant for {strings:?}"));
    }
    let (x, y) = POINT_U_UNCOMPRESSED.split_at(32);
    Ok(json!({ "u_x": hex::encode(x), "u_y": hex::encode(y) }))
}

/// Every refusal, of the encoding or of the signature, is the answer `false`.
fn ecdsa_verify(input: Input<'_>) -> Outcome {
    let (message, pk, signature) = (input.bytes("msg")?, input.bytes("pk")?, input.bytes("sig")?);
    let verdict = || -> Result<(), Failure> {
        let key = VerifyingKey::from_bytes(&exactly("verifying key", &pk)?)?;
        let signature = umbral::Signature::from_bytes(&exactly("signature", &signature)?)?;
        Ok(key.verify(&message, &signature)?)
    };
    match verdict() {
        Ok(()) => Ok(json!(true)),
        Err(Failure::Refused(_)) => Ok(json!(false)),
        Err(broken) => Err(broken),
    }
}

fn encrypt_replay(input: Input<'_>) -> Outcome {
    let secret = input.secret_key("delegating_sk")?;
    let public = input.public_key("delegating_pk")?;
    same(
        "public key",
        &secret.public_key().to_bytes(),
        &public.to_bytes(),
    )?;

    let mut tape = Tape::new(input.bytes("rng")?);
    let (capsule, ciphertext) = umbral::encrypt(&mut tape, &public, &input.bytes("plaintext")?)?;
    tape.finish()?;
    same("capsule", &capsule.to_msgpack(), &input.bytes("capsule")?)?;
    same("ciphertext", &ciphertext, &input.bytes("ciphertext")?)?;
    let plaintext = umbral::decrypt_original(&secret, &input.capsule()?, &ciphertext)?;
    Ok(json!({
        "capsule_simple": hex::encode(capsule.to_bytes()),
        "plaintext": hex::encode(plaintext),
    }))
}

fn decrypt_original(input: Input<'_>) -> Outcome {
    let secret = input.secret_key("delegating_sk")?;
    let ciphertext = input.bytes("ciphertext")?;
    let plaintext = umbral::decrypt_original(&secret, &input.capsule()?, &ciphertext)?;
    Ok(json!({ "plaintext": hex::encode(plaintext) }))
}

fn capsule_decode(input: Input<'_>) -> Outcome {
    let capsule = input.capsule()?;
    let simple = capsule.to_bytes();
    same("capsule", &capsule.to_msgpack(), &input.bytes("capsule")?)?;
    same(
        "simple capsule",
        &Capsule::from_bytes(&simple)?.to_bytes(),
        &simple,
    )?;
    Ok(json!({ "simple": hex::encode(simple) }))
}

fn kfrag_replay(input: Input<'_>) -> Outcome {
    let signer = Signer::from_secret_bytes(&exactly("signing key", &input.bytes("signer_sk")?)?)?;
    let params = KfragParams {
        delegating: &input.secret_key("delegating_sk")?,
        receiving: &input.public_key("receiving_pk")?,
        signer: &signer,
        quorum: Quorum::new(input.number("threshold")?, input.number("shares")?)?,
        signed: SignedKeys::BOTH,
    };
    let mut tape = Tape::new(input.bytes("rng")?);
    let kfrags = compat::generate_kfrags(&mut tape, &params)?;
    tape.finish()?;
    let kfrags: Vec<String> = kfrags
        .iter()
        .map(|kfrag| hex::encode(kfrag.to_secret_msgpack()))
        .collect();
    Ok(json!({ "kfrags": kfrags }))
}

/// With both keys at hand this is what a node does; without, only a part can be checked.
fn kfrag_verify(input: Input<'_>) -> Outcome {
    let kfrag = input.kfrag()?;
    same("kfrag", &*kfrag.to_secret_msgpack(), &input.bytes("kfrag")?)?;
    let verifying = input.verifying_key("verifying_pk")?;
    let delegating = input.maybe_public_key("delegating_pk")?;
    let receiving = input.maybe_public_key("receiving_pk")?;
    if let (Some(delegating), Some(receiving)) = (delegating, receiving) {
        kfrag.verify(&Context {
            delegating,
            receiving,
            verifying,
        })?;
    } else {
        let known = KnownKeys {
            delegating: delegating.as_ref(),
            receiving: receiving.as_ref(),
        };
        hazmat::check_key_frag(&kfrag, &verifying, known)?;
    }
    Ok(json!("verified"))
}

fn reencrypt_replay(input: Input<'_>) -> Outcome {
    let nonce = exactly("re-encryption nonce", &input.bytes("rng")?)?;
    let cfrag = hazmat::reencrypt_with_nonce(&nonce, &input.capsule()?, &input.kfrag()?)?;
    Ok(json!({
        "cfrag": hex::encode(cfrag.to_msgpack()),
        "cfrag_simple": hex::encode(cfrag.to_bytes()),
    }))
}

/// Where both forms are given, they must be refused alike or be the same cfrag.
fn cfrag_verify(input: Input<'_>) -> Outcome {
    let bytes = input.bytes("cfrag")?;
    let cfrag = CapsuleFrag::from_msgpack(&bytes);
    if let Some(simple) = input.maybe_bytes("cfrag_simple")? {
        let from_simple =
            exactly("cfrag", &simple).map(|simple| CapsuleFrag::from_bytes(&simple))?;
        let from_simple = from_simple.map_err(compat::Error::from);
        if from_simple != cfrag {
            return Failure::broken(format!("simple form gives {from_simple:?}, not {cfrag:?}"));
        }
    }
    let cfrag = cfrag?;
    same("cfrag", &cfrag.to_msgpack(), &bytes)?;
    let context = Context {
        delegating: input.public_key("delegating_pk")?,
        receiving: input.public_key("receiving_pk")?,
        verifying: input.verifying_key("verifying_pk")?,
    };
    cfrag.verify_v1(&input.capsule()?, &context)?;
    Ok(json!("verified"))
}

fn decrypt_reencrypted(input: Input<'_>) -> Outcome {
    let plaintext = hazmat::decrypt_unverified(
        &input.secret_key("receiving_sk")?,
        &input.public_key("delegating_pk")?,
        &input.capsule()?,
        &input.cfrags()?,
        &input.bytes("ciphertext")?,
    )?;
    Ok(json!({ "plaintext": hex::encode(plaintext) }))
}

fn same(what: &str, got: &[u8], expected: &[u8]) -> Result<(), Failure> {
    if got == expected {
        return Ok(());
    }
    let (got, expected) = (hex::encode(got), hex::encode(expected));
    Failure::broken(format!("{what} is {got}, expected {expected}"))
}
