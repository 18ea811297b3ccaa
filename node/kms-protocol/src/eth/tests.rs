//! Keys and signatures: golden values of `cast`, and everything that must be refused.

use proptest::prelude::*;

use super::*;
use crate::primitives::keccak256;
use crate::test_support::{any_b256, any_signature, receiving, secret, verifying};

/// Order of secp256k1.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];

/// `cast wallet sign --no-hash --private-key 0x0909... $(cast keccak kms)`.
const GOLDEN: &str = "0xec815c6f44fe9932b0f629458df92e6f7cb35df352c043fbcec733f92a14680b\
    7832084b121c03afb1be916f237c2107fc8c29cc3b759b6e842f1038456b23cc1c";

fn golden() -> (B256, EthSignature) {
    (keccak256(b"kms"), GOLDEN.parse().unwrap())
}

/// n - s for a big-endian s, by schoolbook subtraction.
fn complement(s: &[u8]) -> [u8; 32] {
    let mut result = [0; 32];
    let mut borrow = 0;
    for index in (0..32).rev() {
        let difference = i16::from(ORDER[index]) - i16::from(s[index]) - borrow;
        borrow = i16::from(difference < 0);
        result[index] = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    result
}

/// The malleated twin: s becomes n - s, and the parity of y flips.
fn malleated(signature: &EthSignature) -> EthSignature {
    let mut twin = *signature;
    twin.0[32..64].copy_from_slice(&complement(&signature.0[32..64]));
    twin.0[64] = 55 - signature.0[64];
    twin
}

fn with_v(signature: &EthSignature, v: u8) -> EthSignature {
    let mut changed = *signature;
    changed.0[64] = v;
    changed
}

#[test]
fn signs_as_cast_does() {
    let (digest, signature) = golden();
    assert_eq!(secret(9).sign_digest(&digest), signature);
    assert_eq!(signature.recover(&digest), Ok(secret(9).address()));
}

#[test]
fn derives_the_addresses_that_cast_derives() {
    let expected = [
        (1, "0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1"),
        (2, "0x5050A4F4b3f9338C3472dcC01A87C76A144b3c9c"),
        (3, "0x3325a78425F17a7E487Eb5666b2bFd93aBb06c70"),
        (9, "0x58DA990A8F4A3a6ca7cb6315d68a140105917352"),
    ];
    for (byte, address) in expected {
        assert_eq!(secret(byte).address().to_string(), address);
    }
}

#[test]
fn umbral_keys_have_the_address_of_the_same_secret() {
    let reader = umbral::SecretKey::from_secret_bytes(&[2; 32]).unwrap();
    let signer = umbral::Signer::from_secret_bytes(&[3; 32]).unwrap();
    assert_eq!(address_of(&receiving()), secret(2).address());
    assert_eq!(address_of_verifying(&verifying()), secret(3).address());
    assert_eq!(
        EthSecret::from_umbral(&reader).unwrap().address(),
        secret(2).address()
    );
    assert_eq!(
        EthSecret::from_signer(&signer).unwrap().address(),
        secret(3).address()
    );
}

#[test]
fn refuses_a_high_s() {
    let (digest, signature) = golden();
    assert_eq!(
        malleated(&signature).recover(&digest),
        Err(Error::SignatureHighS)
    );
    let same_parity = with_v(&malleated(&signature), signature.0[64]);
    assert_eq!(same_parity.recover(&digest), Err(Error::SignatureHighS));
}

#[test]
fn refuses_every_recovery_byte_but_27_and_28() {
    let (digest, signature) = golden();
    for v in (0..=u8::MAX).filter(|v| !matches!(v, 27 | 28)) {
        let changed = with_v(&signature, v);
        assert_eq!(
            changed.recover(&digest),
            Err(Error::SignatureRecovery { v })
        );
    }
}

#[test]
fn the_other_recovery_byte_is_somebody_else() {
    let (digest, signature) = golden();
    let other = with_v(&signature, 55 - signature.0[64])
        .recover(&digest)
        .unwrap();
    assert_ne!(other, secret(9).address());
}

#[test]
fn refuses_scalars_that_are_zero_or_not_below_the_order() {
    let (digest, signature) = golden();
    for (range, scalar) in [
        (0..32, [0; 32]),
        (32..64, [0; 32]),
        (0..32, ORDER),
        (32..64, ORDER),
        (0..32, [0xff; 32]),
    ] {
        let mut changed = signature;
        changed.0[range].copy_from_slice(&scalar);
        assert_eq!(changed.recover(&digest), Err(Error::SignatureMalformed));
    }
}

#[test]
fn refuses_an_r_that_is_no_x_coordinate() {
    let (digest, mut signature) = golden();
    // 5^3 + 7 is no square modulo p.
    signature.0[..32].copy_from_slice(&[0; 32]);
    signature.0[31] = 5;
    assert_eq!(signature.recover(&digest), Err(Error::SignatureMalformed));
}

#[test]
fn refuses_64_and_66_bytes() {
    let (_, signature) = golden();
    let longer = [signature.as_bytes().as_slice(), &[0]].concat();
    for bytes in [&signature.0[..64], longer.as_slice(), &[]] {
        let expected = Error::Length {
            expected: 65,
            actual: bytes.len(),
        };
        assert_eq!(EthSignature::try_from(bytes), Err(expected));
        let text = crate::hex_serde::encode(bytes);
        assert_eq!(text.parse::<EthSignature>(), Err(expected));
        assert!(serde_json::from_value::<EthSignature>(text.into()).is_err());
    }
}

#[test]
fn the_unsigned_placeholder_recovers_to_nobody() {
    let refused = Err(Error::SignatureRecovery { v: 0 });
    assert_eq!(EthSignature::UNSIGNED.recover(&B256::ZERO), refused);
}

#[test]
fn refuses_the_signature_of_another_key_or_digest() {
    let (digest, signature) = golden();
    let expected = secret(8).address();
    let refused = Error::Signer {
        expected,
        recovered: secret(9).address(),
    };
    assert_eq!(signature.verify(&digest, &expected), Err(refused));
    assert!(
        signature
            .verify(&keccak256(b"other"), &secret(9).address())
            .is_err()
    );
    assert_eq!(signature.verify(&digest, &secret(9).address()), Ok(()));
}

#[test]
fn refuses_secrets_that_are_zero_or_not_below_the_order() {
    for bytes in [[0; 32], ORDER, [0xff; 32]] {
        assert!(matches!(
            EthSecret::from_bytes(&bytes),
            Err(Error::SecretKey)
        ));
    }
    let mut largest = ORDER;
    largest[31] -= 1;
    assert!(EthSecret::from_bytes(&largest).is_ok());
}

#[test]
fn a_secret_is_never_printed() {
    let text = format!("{:?}", secret(9));
    assert_eq!(
        text,
        format!("EthSecret(<redacted>, {})", secret(9).address())
    );
    assert!(!text.contains("0909"));
}

#[test]
fn random_secrets_differ_and_survive_their_bytes() {
    let (a, b) = (EthSecret::random().unwrap(), EthSecret::random().unwrap());
    assert!(!bool::from(a.ct_eq(&b)));
    let copy = EthSecret::from_bytes(&a.expose_bytes()).unwrap();
    assert!(bool::from(a.ct_eq(&copy)));
    assert_eq!(copy.address(), a.address());
}

proptest! {
    #[test]
    fn signatures_recover_to_the_signer(bytes in any::<[u8; 32]>(), digest in any_b256()) {
        let secret = EthSecret::from_bytes(&bytes).unwrap_or_else(|_| secret(1));
        let signature = secret.sign_digest(&digest);
        prop_assert_eq!(signature.recover(&digest), Ok(secret.address()));
        prop_assert_eq!(secret.sign_digest(&digest), signature);
        prop_assert!(signature.0[32] < 0x80, "high s");
        prop_assert_eq!(malleated(&signature).recover(&digest), Err(Error::SignatureHighS));
    }

    #[test]
    fn a_flipped_bit_is_never_the_signer(digest in any_b256(), bit in 0_usize..520) {
        let mut signature = secret(9).sign_digest(&digest);
        signature.0[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(signature.verify(&digest, &secret(9).address()).is_err());
    }

    #[test]
    fn any_bytes_are_recovered_or_refused(
        signature in any_signature(),
        digest in any_b256(),
        v in 26_u8..30,
    ) {
        let _ = signature.recover(&digest);
        let _ = with_v(&signature, v).recover(&digest);
        prop_assert_eq!(signature.to_string().parse::<EthSignature>(), Ok(signature));
        let json = serde_json::to_string(&signature).unwrap();
        prop_assert_eq!(serde_json::from_str::<EthSignature>(&json).unwrap(), signature);
    }
}
