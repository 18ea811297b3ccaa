//! Messages and answers through the envelope: strict JSON, and whose answers are believed.

use proptest::prelude::*;

use super::super::tests::check_damaged;
use super::super::{CapsuleBytes, KfragState};
use super::*;
use crate::eip712::Domain;
use crate::refusal::Refusal;
use crate::test_support::{DOMAIN, MINER, any_b256, secret};
use crate::transport::TransportSecret;

const HERE: Destination<'_> = Destination {
    domain: &DOMAIN,
    miner: &MINER,
};

fn request() -> Message {
    Message::Reencrypt(ReencryptRequest {
        policy_id: PolicyId(B256([1; 32])),
        miner: MINER,
        capsules: vec![CapsuleBytes::from([2; 98])],
        block_time: 12,
        nonce: B256([3; 32]),
        signature: EthSignature([4; 65]),
    })
}

fn status() -> Message {
    Message::Status(PolicyId(B256([1; 32])))
}

fn refusal() -> Answer {
    Answer::Refused(Problem::new(Refusal::PolicyRevoked, "revoked in block 12"))
}

fn serving() -> Answer {
    Answer::Status(Box::new(PolicyStatus {
        policy_id: PolicyId(B256([1; 32])),
        serving: true,
        refusal: None,
        kfrag: KfragState::Stored,
        erasure: None,
    }))
}

/// The two ends of an exchange that carried `message`.
fn exchanged(message: &Message) -> (Exchange, Exchange) {
    let node = TransportSecret::random().unwrap();
    let (sealed, client) = message.seal(&node.key(), &HERE).unwrap();
    let (plain, server) = node.open(&HERE, &sealed).unwrap();
    assert_eq!(&Message::parse(&plain).unwrap(), message);
    (client, server)
}

#[test]
fn a_message_and_its_signed_answer_arrive() {
    for (message, answer) in [(request(), refusal()), (status(), serving())] {
        let (client, server) = exchanged(&message);
        let sealed = answer.seal(&HERE, &server, &secret(4)).unwrap();
        let opened = Answer::open(&HERE, &client, &secret(4).address(), &sealed).unwrap();
        assert_eq!(opened, answer);
    }
}

#[test]
fn refuses_an_answer_of_anybody_but_the_worker() {
    let (client, server) = exchanged(&request());
    let forged = refusal().seal(&HERE, &server, &secret(9)).unwrap();
    let error = Answer::open(&HERE, &client, &secret(4).address(), &forged).unwrap_err();
    assert!(matches!(error, Error::Signer { .. }), "{error}");
}

/// The envelope binds an answer to its exchange; the signature does so as well, for whoever knows
/// the exchange's secret.
#[test]
fn refuses_the_signature_of_another_exchange_miner_or_chain() {
    let worker = secret(4);
    let ((client, server), (_, other)) = (exchanged(&request()), exchanged(&request()));
    let domain = Domain {
        chain_id: 1,
        ..DOMAIN
    };
    let miner = Address([9; 20]);
    let json = serde_json::to_vec(&refusal()).unwrap();
    let elsewhere = [
        (HERE, &other),
        (
            Destination {
                domain: &domain,
                ..HERE
            },
            &server,
        ),
        (
            Destination {
                miner: &miner,
                ..HERE
            },
            &server,
        ),
    ];
    for (destination, exchange) in elsewhere {
        let statement = AnswerStatement::new(&destination, exchange, &json);
        let signature = statement.sign(destination.domain, &worker);
        let plain = [&signature.as_bytes()[..], &json].concat();
        let sealed = server.seal_reply(&plain).unwrap();
        let error = Answer::open(&HERE, &client, &worker.address(), &sealed).unwrap_err();
        assert!(matches!(error, Error::Signer { .. }), "{error}");
    }
}

#[test]
fn refuses_an_answer_that_was_changed_after_it_was_signed() {
    let worker = secret(4);
    let (client, server) = exchanged(&status());
    let (honest, forged) = (serving(), refusal());
    let json = serde_json::to_vec(&honest).unwrap();
    let signature = AnswerStatement::new(&HERE, &server, &json).sign(&DOMAIN, &worker);
    let forged = serde_json::to_vec(&forged).unwrap();
    let sealed = server
        .seal_reply(&[&signature.as_bytes()[..], &forged].concat())
        .unwrap();
    assert!(Answer::open(&HERE, &client, &worker.address(), &sealed).is_err());
}

#[test]
fn refuses_answers_that_are_none() {
    let worker = secret(4);
    let (client, server) = exchanged(&status());
    let open = |plain: &[u8]| {
        let sealed = server.seal_reply(plain).unwrap();
        Answer::open(&HERE, &client, &worker.address(), &sealed)
    };
    assert_eq!(open(b"").unwrap_err(), Error::MessageFormat);
    assert_eq!(open(&[0; 64]).unwrap_err(), Error::MessageFormat);
    for json in ["", "{}", "null", "{\"refused\":null}", "{\"more\":1}"] {
        let signature =
            AnswerStatement::new(&HERE, &server, json.as_bytes()).sign(&DOMAIN, &worker);
        let plain = [&signature.as_bytes()[..], json.as_bytes()].concat();
        assert_eq!(open(&plain).unwrap_err(), Error::MessageFormat, "{json}");
    }
}

#[test]
fn refuses_messages_that_are_none() {
    let good = serde_json::to_string(&status()).unwrap();
    let refused = [
        "",
        "{}",
        "null",
        "[]",
        "{\"status\":1}",
        "{\"erase\":\"0x00\"}",
        &good[..good.len() - 1],
        &format!("{good}{{}}"),
        &good.replacen('}', ",\"more\":1}", 1),
    ];
    for json in refused {
        assert!(Message::parse(json.as_bytes()).is_err(), "{json}");
    }
}

#[test]
fn an_answer_signs_as_cast_does() {
    let statement = AnswerStatement {
        miner: MINER,
        message_hash: B256([1; 32]),
        answer_hash: B256([2; 32]),
    };
    assert_eq!(
        statement.sign(&DOMAIN, &secret(4)).to_string(),
        "0x60302b5a9a1901cd5914992841612e4acc29f7dbdcc0e1eae8decf05e47b309227\
         959af916670f18a4689ffcc2c02564ef75e68c2c89688a8cacb8de9be4f0661b"
    );
}

proptest! {
    #[test]
    fn any_flipped_bit_of_an_answer_is_refused(at: prop::sample::Index, bit in 0..8_u32) {
        let (client, server) = exchanged(&status());
        let mut sealed = refusal().seal(&HERE, &server, &secret(4)).unwrap();
        let index = at.index(sealed.len());
        sealed[index] ^= 1 << bit;
        prop_assert!(Answer::open(&HERE, &client, &secret(4).address(), &sealed).is_err());
    }

    #[test]
    fn messages_survive_json(id in any_b256(), time: u64) {
        let Message::Reencrypt(request) = request() else { unreachable!() };
        let request = ReencryptRequest { policy_id: PolicyId(id), block_time: time, ..request };
        let message = Message::Reencrypt(request);
        let json = serde_json::to_vec(&message).unwrap();
        prop_assert_eq!(Message::parse(&json).unwrap(), message);
    }

    #[test]
    fn damaged_json_is_read_or_refused(at: prop::sample::Index, byte: u8) {
        check_damaged(&request(), at, byte);
        check_damaged(&refusal(), at, byte);
    }
}
