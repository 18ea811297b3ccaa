//! The suite against the vectors of RFC 9180, and what an envelope refuses.

use proptest::prelude::*;

use super::*;
use crate::test_support::{DOMAIN, MINER};

const HERE: Destination<'_> = Destination {
    domain: &DOMAIN,
    miner: &MINER,
};

fn secret() -> TransportSecret {
    TransportSecret::derive(&[1; 32])
}

fn sealed(plain: &[u8]) -> (Vec<u8>, Exchange) {
    seal(&secret().key(), &HERE, plain).unwrap()
}

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    hex::decode(hex).unwrap().try_into().unwrap()
}

/// RFC 9180, appendix A.2.1: the base mode of this suite, whose sender key is derived from ikmE.
#[test]
fn the_suite_is_that_of_rfc_9180() {
    let recipient = TransportSecret::derive(&bytes(
        "1ac01f181fdf9f352797655161c58b75c656a6cc2716dcb66372da835542e1df",
    ));
    assert_eq!(
        recipient.key().0,
        bytes::<32>("4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a")
    );
    let encapsulated: [u8; 32] =
        bytes("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a");
    let mut context = hpke::setup_receiver::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &recipient.secret,
        &Encapsulated::from_bytes(&encapsulated).unwrap(),
        b"Ode on a Grecian Urn",
    )
    .unwrap();
    let ciphertext = hex::decode(
        "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd\
         1b51a28",
    )
    .unwrap();
    let plain = context.open(&ciphertext, b"Count-0").unwrap();
    assert_eq!(plain, b"Beauty is truth, truth beauty");
    let exports = [
        (
            &b""[..],
            "4bbd6243b8bb54cec311fac9df81841b6fd61f56538a775e7c80a9f40160606e",
        ),
        (
            b"\0",
            "8c1df14732580e5501b00f82b10a1647b40713191b7c1240ac80e2b68808ba69",
        ),
        (
            b"TestContext",
            "5acb09211139c43b3090489a9da433e8a30ee7188ba8b0a9a1ccf0c229283e53",
        ),
    ];
    for (of, expected) in exports {
        let mut exported = [0; 32];
        context.export(of, &mut exported).unwrap();
        assert_eq!(exported, bytes(expected));
    }
}

#[test]
fn a_message_and_its_reply_arrive() {
    let (message, sender) = sealed(b"a question");
    assert_eq!(
        message.len(),
        b"a question".len() + HEAD_BYTES + KEY_BYTES + TAG_BYTES
    );
    let (plain, receiver) = secret().open(&HERE, &message).unwrap();
    assert_eq!(plain.as_slice(), b"a question");
    assert_eq!(sender.message_hash(), receiver.message_hash());
    let reply = receiver.seal_reply(b"an answer").unwrap();
    assert_eq!(
        reply.len(),
        b"an answer".len() + REPLY_NONCE_BYTES + TAG_BYTES
    );
    assert_eq!(sender.open_reply(&reply).unwrap().as_slice(), b"an answer");
}

#[test]
fn nothing_repeats_in_two_messages_or_two_replies() {
    let (first, second) = (sealed(b"same").0, sealed(b"same").0);
    assert_eq!(first[..HEAD_BYTES], second[..HEAD_BYTES]);
    assert_ne!(first[HEAD_BYTES..], second[HEAD_BYTES..]);
    let (_, exchange) = secret().open(&HERE, &first).unwrap();
    let replies = [b"same"; 2].map(|plain| exchange.seal_reply(plain).unwrap());
    assert_ne!(
        replies[0][REPLY_NONCE_BYTES..],
        replies[1][REPLY_NONCE_BYTES..]
    );
}

#[test]
fn refuses_another_destination() {
    let (message, _) = sealed(b"a question");
    let elsewhere = [
        Domain {
            chain_id: DOMAIN.chain_id + 1,
            ..DOMAIN
        },
        Domain {
            contract: Address([9; 20]),
            ..DOMAIN
        },
    ];
    for domain in &elsewhere {
        let destination = Destination { domain, ..HERE };
        assert_eq!(
            secret().open(&destination, &message).err(),
            Some(Error::Envelope)
        );
    }
    let destination = Destination {
        miner: &Address([9; 20]),
        ..HERE
    };
    assert_eq!(
        secret().open(&destination, &message).err(),
        Some(Error::Envelope)
    );
}

#[test]
fn refuses_another_key_even_under_its_id() {
    let (mut message, _) = sealed(b"a question");
    let other = TransportSecret::random().unwrap();
    assert!(other.open(&HERE, &message).is_err());
    message[1..HEAD_BYTES].copy_from_slice(&TransportKeyId::of(&other.key()).0);
    assert!(other.open(&HERE, &message).is_err());
}

#[test]
fn refuses_the_reply_of_another_message() {
    let (first, second) = (sealed(b"same"), sealed(b"same"));
    let (_, exchange) = secret().open(&HERE, &first.0).unwrap();
    let reply = exchange.seal_reply(b"an answer").unwrap();
    assert!(first.1.open_reply(&reply).is_ok());
    assert!(second.1.open_reply(&reply).is_err());
}

#[test]
fn refuses_a_key_of_low_order() {
    for key in [
        B256::ZERO,
        B256({
            let mut one = [0; 32];
            one[0] = 1;
            one
        }),
    ] {
        assert_eq!(
            seal(&key, &HERE, b"a question").err(),
            Some(Error::Envelope)
        );
    }
}

proptest! {
    #[test]
    fn any_content_arrives(plain in proptest::collection::vec(any::<u8>(), 0..300)) {
        let (message, sender) = sealed(&plain);
        let (opened, receiver) = secret().open(&HERE, &message).unwrap();
        prop_assert_eq!(opened.as_slice(), plain.as_slice());
        let reply = receiver.seal_reply(&plain).unwrap();
        let opened = sender.open_reply(&reply).unwrap();
        prop_assert_eq!(opened.as_slice(), plain.as_slice());
    }

    #[test]
    fn any_flipped_bit_is_refused(at: prop::sample::Index, bit in 0..8_u32) {
        let (mut message, sender) = sealed(b"a question");
        let (_, receiver) = secret().open(&HERE, &message).unwrap();
        let mut reply = receiver.seal_reply(b"an answer").unwrap();
        let index = at.index(message.len());
        message[index] ^= 1 << bit;
        prop_assert!(secret().open(&HERE, &message).is_err());
        let index = at.index(reply.len());
        reply[index] ^= 1 << bit;
        prop_assert!(sender.open_reply(&reply).is_err());
    }

    #[test]
    fn any_cut_or_addition_is_refused(at: prop::sample::Index, more: u8) {
        let (mut message, sender) = sealed(b"a question");
        let (_, receiver) = secret().open(&HERE, &message).unwrap();
        let mut reply = receiver.seal_reply(b"an answer").unwrap();
        prop_assert!(secret().open(&HERE, &message[..at.index(message.len())]).is_err());
        prop_assert!(sender.open_reply(&reply[..at.index(reply.len())]).is_err());
        message.push(more);
        prop_assert!(secret().open(&HERE, &message).is_err());
        reply.push(more);
        prop_assert!(sender.open_reply(&reply).is_err());
    }

    #[test]
    fn any_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(secret().open(&HERE, &bytes).is_err());
        prop_assert!(sealed(b"a question").1.open_reply(&bytes).is_err());
    }
}
