//! A sealed message: opened with a transport key, answered by its flow, the answer signed and
//! sealed. What does not open is refused in clear and unsigned; everything else under the envelope.

use std::sync::Arc;

use kms_protocol::messages::{Answer, Message, Problem, TransportCertificate};
use kms_protocol::{Destination, Exchange, Period, Refusal, TransportKeyId};
use zeroize::Zeroizing;

use super::shared;
use super::transport::Certifier;
use crate::gate::Verdict;
use crate::kfrag::upload;
use crate::node::Node;
use crate::serve::reencrypt;

/// Answers one message; an error could not be told under the envelope.
pub(crate) async fn exchange(node: &Arc<Node>, sealed: &[u8]) -> Verdict<Vec<u8>> {
    let opened = node.open(sealed);
    let unknown = matches!(&opened, Err(problem) if problem.code == Refusal::TransportKeyUnknown);
    let (plain, exchange) = match opened {
        // Another node may have made the key just now.
        Err(_) if unknown && node.transport.are_shared() && node.may_look_again() => {
            shared::take_over_keys(node).await?;
            node.open(sealed)?
        }
        opened => opened?,
    };
    let answer = match answer(node, &plain).await {
        Ok(answer) => answer,
        Err(problem) => {
            node.metrics.refused(&problem);
            Answer::Refused(problem)
        }
    };
    answer
        .seal(&node.destination(), &exchange, &node.keys.worker)
        .map_err(|error| Problem::from(&error))
}

async fn answer(node: &Arc<Node>, plain: &[u8]) -> Verdict<Answer> {
    let message = Message::parse(plain).map_err(|error| unreadable(plain, &error));
    let message = message.inspect_err(|_| node.metrics.request("message"))?;
    match message {
        Message::Kfrag(upload) => {
            node.metrics.request("kfrag");
            let ack = upload::accept(node, *upload).await?;
            Ok(Answer::Stored(ack))
        }
        Message::Reencrypt(request) => {
            node.metrics.request("reencrypt");
            Ok(Answer::Fragments(reencrypt::answer(node, request).await?))
        }
        Message::Status(id) => {
            node.metrics.request("policy");
            Ok(Answer::Status(Box::new(node.status(id).await?)))
        }
    }
}

/// The problem of content that is no message: unsigned, or not to be parsed.
fn unreadable(plain: &[u8], error: &serde_json::Error) -> Problem {
    type Body = serde_json::Map<String, serde_json::Value>;
    let bodies = serde_json::from_slice::<std::collections::BTreeMap<String, Body>>(plain);
    let unsigned = |bodies: std::collections::BTreeMap<String, Body>| {
        bodies.values().any(|body| !body.contains_key("signature"))
    };
    match bodies.is_ok_and(unsigned) {
        true => Problem::new(Refusal::BadSignature, "the message is not signed"),
        false => Problem::new(Refusal::BadRequest, error.to_string()),
    }
}

impl Node {
    fn destination(&self) -> Destination<'_> {
        Destination {
            domain: &self.domain,
            miner: &self.config.miner,
        }
    }

    /// The certificate of the present transport key; there is none before the first snapshot,
    /// because only the chain tells the period.
    pub(crate) fn transport_certificate(&self) -> Verdict<TransportCertificate> {
        self.transport.present(self.period()?, &self.certifier())
    }

    pub(crate) fn certifier(&self) -> Certifier<'_> {
        Certifier {
            domain: &self.domain,
            miner: self.miner(),
            worker: &self.keys.worker,
        }
    }

    fn period(&self) -> Verdict<Period> {
        let snapshot = self.snapshot().ok_or_else(|| {
            let detail = "the chain has not been read to its head yet";
            Problem::new(Refusal::StaleChainView, detail).retry_after(1)
        })?;
        Ok(snapshot.period)
    }

    fn open(&self, sealed: &[u8]) -> Verdict<(Zeroizing<Vec<u8>>, Exchange)> {
        let id = TransportKeyId::named_by(sealed).map_err(|error| Problem::from(&error))?;
        let unknown = || Problem::from(Refusal::TransportKeyUnknown);
        let secret = self.transport.find(id, self.period()?);
        secret
            .ok_or_else(unknown)?
            .open(&self.destination(), sealed)
            .map_err(|error| Problem::from(&error))
    }
}
