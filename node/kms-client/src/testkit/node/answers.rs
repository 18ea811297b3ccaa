//! What an honest node answers to each kind of message.

use std::sync::Arc;

use kms_protocol::messages::{
    Answer, ErasureReceipt, KfragAck, KfragState, KfragUpload, Message, PolicyStatus, Problem,
};
use kms_protocol::{B256, EthSignature, PolicyId, Refusal};

use super::{Habit, TestNode};

impl TestNode {
    pub(super) fn answer(&self, message: Message) -> Answer {
        match message {
            Message::Kfrag(upload) => Answer::Stored(self.accept(*upload)),
            Message::Reencrypt(_) if *self.inner.revoked.lock().unwrap() => {
                Answer::Refused(Refusal::PolicyRevoked.into())
            }
            Message::Reencrypt(request) => match self.reply(&request) {
                Some(reply) => Answer::Fragments(reply),
                None => Answer::Refused(Refusal::KfragMissing.into()),
            },
            Message::Status(policy) => Answer::Status(Box::new(self.status(policy))),
        }
    }

    fn accept(&self, upload: KfragUpload) -> KfragAck {
        let (domain, miner) = (&self.inner.domain, self.inner.miner);
        let policy_id = upload.verify(domain, miner).unwrap();
        let kfrag = Arc::new(self.verified(&upload));
        let ack = KfragAck {
            policy_id,
            miner,
            kfrag_hash: upload.kfrag.hash(),
            signature: EthSignature::UNSIGNED,
        };
        let mut held = self.inner.held.lock().unwrap();
        held.push((policy_id, upload, kfrag));
        ack.signed(domain, self.signer())
    }

    fn status(&self, policy_id: PolicyId) -> PolicyStatus {
        let revoked = *self.inner.revoked.lock().unwrap();
        let habit = self.habit();
        let held = self.held(policy_id).filter(|_| habit != Habit::NeverHeld);
        let late = matches!(habit, Habit::ErasesAfter(1..));
        if let (true, Habit::ErasesAfter(left @ 1..)) = (revoked, &habit) {
            self.set(Habit::ErasesAfter(left - 1));
        }
        let gives = revoked && !late && habit != Habit::ErasesSilently;
        let erasure = held.as_ref().filter(|_| gives).map(|(upload, _)| {
            let kfrag_hash = match habit {
                Habit::OtherReceipt => B256([7; 32]),
                _ => upload.kfrag.hash(),
            };
            ErasureReceipt {
                policy_id,
                miner: self.inner.miner,
                kfrag_hash,
                block_number: 100,
                block_hash: B256([2; 32]),
                signature: EthSignature::UNSIGNED,
            }
            .signed(&self.inner.domain, self.signer())
        });
        let kfrag = match (&held, revoked && !late) {
            (Some(_), true) => KfragState::Erased,
            (Some(_), false) => KfragState::Stored,
            (None, _) => KfragState::Missing,
        };
        PolicyStatus {
            policy_id,
            serving: held.is_some() && !revoked,
            refusal: revoked.then(|| Problem::from(Refusal::PolicyRevoked)),
            kfrag,
            erasure,
        }
    }
}
