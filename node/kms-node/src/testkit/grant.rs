//! Honest clients of the node's miner: an owner who grants a policy to it alone, and a reader.

use std::ops::Deref;

use kms_kit::grant::{Grant as ByHand, Offer};
pub(crate) use kms_kit::grant::{MESSAGE, Parcel as Share};
use kms_protocol::messages::{KfragUpload, ReencryptReply, ReencryptRequest};
use kms_protocol::{Address, Amount, Period};
use umbral::Policy;

use super::{MINER, domain};

/// A grant with everybody's keys, and what the miner is due.
pub(crate) struct Grant {
    grant: ByHand,
    pub(crate) share: Share,
}

impl Deref for Grant {
    type Target = ByHand;

    fn deref(&self) -> &ByHand {
        &self.grant
    }
}

impl Grant {
    /// 1 of 1, for the periods `first..=last`.
    pub(crate) fn new(first: u32, last: u32) -> Self {
        let offer = Offer {
            author: Address([1; 20]),
            rate: Amount(1_000),
            first: Period(first),
            last: Period(last),
            threshold: 1,
            miners: vec![MINER],
        };
        let grant = ByHand::new(domain(), offer);
        let share = grant.parcel(MINER);
        Self { grant, share }
    }

    /// Another delegation of the same keys.
    pub(crate) fn share_for(&self, policy: &Policy, miner: Address) -> Share {
        self.parcel_of(&self.grant_again(policy, &[miner]), miner)
    }

    /// The signed upload.
    pub(crate) fn upload(&self) -> KfragUpload {
        self.upload_of(&self.share)
    }

    /// The same with other contents.
    pub(crate) fn upload_of(&self, share: &Share) -> KfragUpload {
        self.grant.upload_of(share, MINER)
    }

    /// A signed request for the one capsule.
    pub(crate) fn request(&self, block_time: u64) -> ReencryptRequest {
        self.grant.request(MINER, block_time)
    }

    pub(crate) fn unsigned(&self, block_time: u64) -> ReencryptRequest {
        self.grant.unsigned(MINER, block_time)
    }

    /// Checks every signature and proof of a reply, and reads the message with it.
    pub(crate) fn open(
        &self,
        request: &ReencryptRequest,
        reply: &ReencryptReply,
        worker: Address,
    ) -> &'static [u8] {
        let frag = self.check(request, reply, worker);
        if self.opens(&[frag]) { MESSAGE } else { &[] }
    }
}
