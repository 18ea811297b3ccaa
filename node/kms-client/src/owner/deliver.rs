//! Uploads the kfrags to all miners in parallel, each until its acknowledgement is in the journal
//! or time is up. A node that has not seen the payment yet is asked again.
//! Neighbours: `grant` pays first, `kfrags` makes them, `asking` says how a node is asked.

use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use kms_chain::MinerInfo;
use kms_protocol::messages::{KfragAck, KfragUpload};
use kms_protocol::{Address, B256, Refusal};
use tokio::time::Instant;

use super::kfrags::Kfrags;
use super::{GrantReport, Owner};
use crate::asking::{Pause, failed, reach, told, within};
use crate::error::{Error, NodeFailure, Result};
use crate::journal::Grant;
use crate::line::Moment;
use crate::node_http::AskError;
use crate::progress::{Event, Progress};

impl Owner<'_> {
    /// Uploads every kfrag that is not acknowledged yet.
    pub(super) async fn deliver(
        &self,
        mut grant: Grant,
        kfrags: &Kfrags,
        progress: &dyn Progress,
    ) -> Result<GrantReport> {
        let deadline = Instant::now() + Duration::from_millis(self.limits.deliver_ms);
        let infos = self.chain.miner_info(&grant.undelivered()).await?;
        let of = grant.terms.miners.len();
        let mut pending = Vec::new();
        let parcels = Parcels {
            grant: &grant.clone(),
            kfrags,
        };
        let mut running: FuturesUnordered<_> = infos
            .iter()
            .map(|info| async move {
                let acked = self.deliver_one(info, parcels, deadline, progress).await;
                (info, acked)
            })
            .collect();
        while let Some((info, outcome)) = running.next().await {
            match outcome {
                Ok(ack) => {
                    grant.acknowledge(ack);
                    self.journal().put(&grant)?;
                    let done = grant.delivered().len();
                    progress.event(Event::NodeDone {
                        miner: info.miner,
                        done,
                        of,
                    });
                }
                Err(failure) => {
                    let code = failure.code.clone();
                    progress.event(Event::NodeFailed {
                        miner: info.miner,
                        code,
                    });
                    pending.push(failure);
                }
            }
        }
        drop(running);
        report(grant, pending)
    }

    async fn deliver_one(
        &self,
        info: &MinerInfo,
        parcels: Parcels<'_>,
        deadline: Instant,
        progress: &dyn Progress,
    ) -> Result<KfragAck, NodeFailure> {
        let peer = reach(info, self.nodes)?;
        let domain = self.chain.domain();
        let mut pause = Pause::new(self.limits.first_pause_ms);
        let mut before = None;
        loop {
            let answer = async {
                let moment = Moment::now(self.chain).await?;
                // Dated anew each time: the miner is paid from the delivery that it takes.
                let upload = parcels.upload(info.miner, &moment)?;
                let ack = self.nodes.upload(&peer, &moment, &upload).await?;
                Ok::<_, AskError>((ack, upload))
            };
            let error = match within(deadline, answer).await {
                Ok((ack, upload)) => {
                    return ack
                        .verify(&domain, &upload, &info.miner, &peer.worker)
                        .map(|()| ack)
                        .map_err(|error| failed(info, "bad_signature", error.to_string()));
                }
                Err(error) => told(error, before.take()),
            };
            let wait = pause.next(&error);
            if !may_pass(&error) || Instant::now() + wait >= deadline {
                return Err(failed(info, error.code(), error.detail()));
            }
            let code = error.code().to_owned();
            progress.event(Event::NodeWaiting {
                miner: info.miner,
                code,
            });
            before = Some(error);
            tokio::time::sleep(wait).await;
        }
    }
}

/// What is delivered: the kfrags, and the grant they are of.
#[derive(Clone, Copy)]
struct Parcels<'a> {
    grant: &'a Grant,
    kfrags: &'a Kfrags,
}

impl Parcels<'_> {
    fn upload(&self, miner: Address, moment: &Moment) -> Result<KfragUpload> {
        self.kfrags.upload(self.grant, miner, moment.period)
    }
}

fn report(grant: Grant, mut pending: Vec<NodeFailure>) -> Result<GrantReport> {
    let delivered = grant.delivered();
    pending.sort_by_key(|failure| failure.miner);
    let need = usize::from(grant.terms.threshold);
    if delivered.len() < need {
        return Err(Error::ThresholdNotMet {
            need,
            got: delivered.len(),
            nodes: pending,
        });
    }
    Ok(GrantReport {
        policy: grant.policy,
        tx_hash: grant.tx_hash.unwrap_or(B256::ZERO),
        terms: grant.terms,
        delivered,
        pending,
    })
}

/// True when the same upload may be accepted later. A node that does not know the policy yet lags
/// behind the chain that took the payment.
fn may_pass(error: &AskError) -> bool {
    match error {
        AskError::Refused(problem) => {
            problem.code.is_temporary() || problem.code == Refusal::PolicyUnknown
        }
        AskError::Unreachable(_)
        | AskError::Unsigned { .. }
        | AskError::Chain { .. }
        | AskError::Timeout => true,
        AskError::TooLarge
        | AskError::Redirected
        | AskError::BadSignature(_)
        | AskError::BadCertificate(_)
        | AskError::BadReply(_) => false,
    }
}
