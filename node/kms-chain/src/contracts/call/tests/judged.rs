//! What goes to the judges.

use kms_protocol::messages::{CapsuleBytes, CfragBytes};
use kms_protocol::{Accusation, EthSignature, PolicyId, RevealedKeys};

use crate::contracts::call::{
    Call, Case, ChallengeAnswer, ChallengeDemand, ChallengeRight, Charge, ReaderConsent,
    SignedAnswer,
};
use crate::test_support::{address, hash, terms};

const KEYS: RevealedKeys = RevealedKeys {
    keys: [3; 98],
    receiving_y: [4; 32],
};

fn demand() -> Box<ChallengeDemand> {
    Box::new(ChallengeDemand {
        terms: terms(&[address(5)]),
        miner: address(5),
        capsule: CapsuleBytes::from([6; 98]),
        witness: [7; 160],
        kfrag_hash: hash(8),
        ack_signature: EthSignature([9; 65]),
    })
}

fn answer() -> SignedAnswer {
    SignedAnswer {
        commitments_hash: hash(7),
        block_time: 9,
        block_hash: hash(9),
        signature: EthSignature([2; 65]),
    }
}

fn accuse(charge: Charge) -> Call {
    let case = Case {
        accusation: Accusation {
            miner: address(5),
            policy_id: PolicyId(hash(1)),
            capsule_hash: hash(2),
            challenger: address(6),
        },
        keys: KEYS,
        signature: EthSignature([1; 65]),
        charge,
    };
    Call::Accuse {
        terms: terms(&[address(5)]),
        case: Box::new(case),
    }
}

/// Every accusation, with the signature of the function it must reach.
pub(super) fn accusations() -> [(Call, &'static str); 3] {
    let wrong = Charge::WrongFragment {
        answer: answer(),
        evidence: vec![1; 524],
    };
    let served = Charge::ServedAfterRevocation {
        answer: answer(),
        cfrag_hash: hash(3),
    };
    let twice = Charge::Equivocation {
        answers: Box::new([answer(); 2]),
        cfrags: vec![7; 718],
    };
    [
        (
            accuse(wrong),
            "accuseOfWrongFragment((address,address,address,bytes32,uint96,uint32,uint32,uint8,\
             bytes32,address[]),(address,address,bytes,uint256,bytes),\
             (bytes32,uint64,bytes32,bytes),bytes)",
        ),
        (
            accuse(served),
            "accuseOfServingAfterRevocation((address,address,address,bytes32,uint96,uint32,\
             uint32,uint8,bytes32,address[]),(address,address,bytes,uint256,bytes),\
             (bytes32,uint64,bytes32,bytes),bytes32,bytes32)",
        ),
        (
            accuse(twice),
            "accuseOfEquivocation((address,address,address,bytes32,uint96,uint32,uint32,uint8,\
             bytes32,address[]),(address,address,bytes,uint256,bytes),\
             (bytes32,uint64,bytes32,bytes)[2],bytes32,bytes)",
        ),
    ]
}

/// Every such call, with the signature of the function it must reach.
pub(super) fn calls() -> Vec<(Call, &'static str)> {
    vec![
        (
            Call::OpenChallenge {
                demand: demand(),
                right: ChallengeRight::Author,
            },
            "openAsAuthor(((address,address,address,bytes32,uint96,uint32,uint32,uint8,bytes32,\
             address[]),address,bytes,bytes,bytes32,bytes))",
        ),
        (
            Call::AnswerChallenge {
                terms: terms(&[address(5)]),
                miner: address(5),
                answer: Box::new(ChallengeAnswer {
                    cfrag: CfragBytes::from([7; 359]),
                    commitments_hash: hash(6),
                    block_time: 9,
                    block_hash: hash(9),
                    signature: EthSignature([8; 65]),
                }),
            },
            "answer((address,address,address,bytes32,uint96,uint32,uint32,uint8,bytes32,\
             address[]),address,(bytes,bytes32,uint64,bytes32,bytes))",
        ),
        (
            Call::CloseChallenge {
                terms: terms(&[address(5)]),
                miner: address(5),
            },
            "close((address,address,address,bytes32,uint96,uint32,uint32,uint8,bytes32,\
             address[]),address)",
        ),
    ]
}

/// A challenge by the reader's right.
pub(super) fn of_a_reader() -> (Call, &'static str) {
    let consent = ReaderConsent {
        keys: KEYS,
        deadline: 10,
        signature: EthSignature([3; 65]),
    };
    let call = Call::OpenChallenge {
        demand: demand(),
        right: ChallengeRight::Reader(Box::new(consent)),
    };
    let signature = "openAsReader(((address,address,address,bytes32,uint96,uint32,uint32,uint8,\
        bytes32,address[]),address,bytes,bytes,bytes32,bytes),(bytes,uint256,uint64,bytes))";
    (call, signature)
}
