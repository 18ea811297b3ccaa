//! The sealed line to a node: the certificate of its transport key, checked against the worker that
//! the chain names, then one message and one signed answer under the envelope. Whatever stands
//! between can hold a message back, and no more. Neighbours: `node_http` carries bytes, `asking`
//! waits and retries.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use kms_protocol::messages::{
    Answer, KfragAck, KfragUpload, Message, NodeInfo, PolicyStatus, ReencryptReply,
    ReencryptRequest, TransportCertificate,
};
use kms_protocol::{Address, Destination, Domain, Error as Fault, Period, PolicyId};

use crate::error::Result;
use crate::node_http::{AskError, HttpNodes};
use crate::node_url::NodeUrl;
use crate::ports::ChainPort;

/// A miner's node, as the chain names it.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// Owner address.
    pub(crate) miner: Address,
    /// Signs for the miner.
    pub(crate) worker: Address,
    pub(crate) url: NodeUrl,
}

/// Chain, contract and time of a question.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) domain: Domain,
    /// Time of the newest block.
    pub(crate) time: u64,
    /// Its period, in which a transport key must be valid.
    pub(crate) period: Period,
}

impl Moment {
    /// The present one, by the chain.
    pub(crate) async fn now(chain: &dyn ChainPort) -> Result<Self> {
        let head = chain.head().await?;
        let period = chain.params().await?.clock.period_at(head.timestamp);
        Ok(Self {
            domain: chain.domain(),
            time: head.timestamp,
            period: period.unwrap_or(Period::NEVER),
        })
    }
}

/// The certificates seen last, by miner, worker and URL; each was verified when it came.
pub(crate) type Certificates = Mutex<BTreeMap<(Address, Address, String), TransportCertificate>>;

impl HttpNodes {
    /// Hands over a kfrag.
    pub(crate) async fn upload(
        &self,
        peer: &Peer,
        moment: &Moment,
        upload: &KfragUpload,
    ) -> Result<KfragAck, AskError> {
        let message = Message::Kfrag(Box::new(upload.clone()));
        match self.ask(peer, moment, &message).await? {
            Answer::Stored(ack) => Ok(ack),
            other => Err(not_asked(other)),
        }
    }

    /// Asks for a cfrag of each capsule.
    pub(crate) async fn reencrypt(
        &self,
        peer: &Peer,
        moment: &Moment,
        request: &ReencryptRequest,
    ) -> Result<ReencryptReply, AskError> {
        let message = Message::Reencrypt(request.clone());
        match self.ask(peer, moment, &message).await? {
            Answer::Fragments(reply) => Ok(reply),
            other => Err(not_asked(other)),
        }
    }

    /// Asks what a node holds of a policy.
    pub(crate) async fn policy_status(
        &self,
        peer: &Peer,
        moment: &Moment,
        policy: PolicyId,
    ) -> Result<PolicyStatus, AskError> {
        match self.ask(peer, moment, &Message::Status(policy)).await? {
            Answer::Status(status) if status.policy_id == policy => Ok(*status),
            other => Err(not_asked(other)),
        }
    }

    /// Sends a message to the node's present key; asks for the key once more if the node says that
    /// it has no such key.
    async fn ask(
        &self,
        peer: &Peer,
        moment: &Moment,
        message: &Message,
    ) -> Result<Answer, AskError> {
        let certificate = match self.known(peer, moment) {
            Some(certificate) => certificate,
            None => self.certificate(peer, moment).await?,
        };
        match self.exchange(peer, moment, &certificate, message).await {
            Err(AskError::Unsigned {
                key_unknown: true, ..
            }) => {
                let certificate = self.certificate(peer, moment).await?;
                self.exchange(peer, moment, &certificate, message).await
            }
            answered => answered,
        }
    }

    async fn exchange(
        &self,
        peer: &Peer,
        moment: &Moment,
        certificate: &TransportCertificate,
        message: &Message,
    ) -> Result<Answer, AskError> {
        let destination = Destination {
            domain: &moment.domain,
            miner: &peer.miner,
        };
        let sealed = message.seal(&certificate.key, &destination);
        let (sealed, exchange) =
            sealed.map_err(|error| AskError::BadCertificate(error.to_string()))?;
        let reply = self.post(peer.url.join("v2/message"), sealed).await?;
        let opened = Answer::open(&destination, &exchange, &peer.worker, &reply);
        opened.map_err(|error| {
            let detail = error.to_string();
            match matches!(error, Fault::Envelope | Fault::MessageFormat) {
                true => AskError::BadReply(detail),
                false => AskError::BadSignature(detail),
            }
        })
    }

    /// The certificate that is remembered, if it holds in the present period.
    fn known(&self, peer: &Peer, moment: &Moment) -> Option<TransportCertificate> {
        let known = self.certificates.lock();
        let known = known.unwrap_or_else(PoisonError::into_inner);
        let certificate = known.get(&peer.key()).copied();
        certificate.filter(|certificate| certificate.covers(moment.period))
    }

    /// Asks the node for its certificate and verifies it.
    async fn certificate(
        &self,
        peer: &Peer,
        moment: &Moment,
    ) -> Result<TransportCertificate, AskError> {
        let info = self.get(peer.url.join("v2/info")).await?;
        let info: NodeInfo = serde_json::from_slice(&info)
            .map_err(|error| AskError::BadCertificate(error.to_string()))?;
        info.verify(&moment.domain, &peer.miner, &peer.worker, moment.period)
            .map_err(|error| AskError::BadCertificate(error.to_string()))?;
        let known = self.certificates.lock();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        known.insert(peer.key(), info.transport);
        Ok(info.transport)
    }
}

impl Peer {
    fn key(&self) -> (Address, Address, String) {
        let info = self.url.join("v2/info");
        (self.miner, self.worker, info.as_str().to_owned())
    }
}

/// The error of an answer that is a refusal, or to another question.
fn not_asked(answer: Answer) -> AskError {
    match answer {
        Answer::Refused(problem) => AskError::Refused(Box::new(problem)),
        Answer::Stored(_) | Answer::Fragments(_) | Answer::Status(_) => {
            AskError::BadReply("an answer to another question".to_owned())
        }
    }
}

#[cfg(test)]
mod tests;
