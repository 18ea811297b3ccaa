//! Waits for the miners of a revoked policy: each is asked until it gives its signed receipt for
//! the erased kfrag, or time is up. A receipt counts if it is of this policy and miner, signed by
//! the bonded worker, and of the kfrag that the miner was given. Those that count are journaled.
//! Neighbours: `revoke` sends the transactions first, `asking` reaches a node.

use std::collections::BTreeMap;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use kms_chain::MinerInfo;
use kms_protocol::messages::{ErasureReceipt, KfragState, PolicyStatus};
use kms_protocol::{Address, B256, PolicyId, Refusal};
use serde::Serialize;
use tokio::time::Instant;

use super::{Owner, RevocationReport};
use crate::asking::{Pause, failed, nobody, reach, within};
use crate::error::{NodeFailure, Result};
use crate::line::{Moment, Peer};
use crate::node_http::AskError;
use crate::progress::{Event, Progress};

/// A miner's signed word that it has erased its kfrag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Erasure {
    /// Of this policy and miner, signed by the bonded worker.
    #[serde(flatten)]
    pub receipt: ErasureReceipt,
    /// True if it is of the kfrag that the miner was given, by the journal. False if the home does
    /// not know that one; a receipt of another kfrag than a known one does not count.
    pub compared: bool,
}

/// What is waited for.
struct Wait<'a> {
    policy: PolicyId,
    deadline: Instant,
    given: BTreeMap<Address, Given>,
    progress: &'a dyn Progress,
}

/// What the journal knows of a miner's kfrag.
#[derive(Clone, Copy)]
struct Given {
    hash: B256,
    acknowledged: bool,
}

/// What became of asking one miner.
struct Heard {
    refuses: bool,
    erasure: Result<Erasure, NodeFailure>,
}

/// What a miner's answer says of its kfrag.
enum Word {
    Erased(Erasure),
    /// Asking again would give no receipt.
    Final(&'static str, String),
    /// A receipt may come.
    Open(&'static str, &'static str),
}

impl Owner<'_> {
    /// Asks these miners of a revoked policy for their receipts until `deadline`. Nothing that
    /// fails here is an error, the home's own files included: the chain has the revocation.
    pub(super) async fn await_erasures(
        &self,
        miners: &[Address],
        report: &mut RevocationReport,
        deadline: Instant,
        progress: &dyn Progress,
    ) {
        let infos = match self.chain.miner_info(miners).await {
            Ok(infos) => infos,
            Err(error) => return report.unheard(miners, &error),
        };
        let given = match self.given(report.policy) {
            Ok(given) => given,
            Err(error) => return report.unheard(miners, &error),
        };
        report.asked = miners.len();
        let wait = Wait {
            policy: report.policy,
            deadline,
            given,
            progress,
        };
        let wait = &wait;
        let mut running: FuturesUnordered<_> = infos
            .iter()
            .map(|info| async move { (info.miner, self.await_erasure(info, wait).await) })
            .collect();
        while let Some((miner, heard)) = running.next().await {
            if heard.refuses {
                report.refusing.push(miner);
            }
            let kept = heard.erasure.and_then(|erasure| {
                let kept = self.keep(report.policy, erasure.receipt);
                kept.map_err(|error| nobody(miner, error.code(), error.to_string()))?;
                Ok(erasure)
            });
            match kept {
                Ok(erasure) => {
                    report.erased.push(erasure);
                    let (done, of) = (report.erased.len(), infos.len());
                    progress.event(Event::NodeDone { miner, done, of });
                }
                Err(failure) => {
                    let code = failure.code.clone();
                    progress.event(Event::NodeFailed { miner, code });
                    report.pending.push(failure);
                }
            }
        }
        report.refusing.sort_unstable();
        report.erased.sort_by_key(|erasure| erasure.receipt.miner);
        report.pending.sort_by_key(|failure| failure.miner);
    }

    fn given(&self, policy: PolicyId) -> Result<BTreeMap<Address, Given>> {
        let grant = self.journal().get(policy)?;
        let deliveries = grant.into_iter().flat_map(|grant| grant.deliveries);
        let given = deliveries.filter_map(|delivery| {
            let given = Given {
                hash: delivery.kfrag_hash?,
                acknowledged: delivery.ack.is_some(),
            };
            Some((delivery.miner, given))
        });
        Ok(given.collect())
    }

    /// Journals a receipt, if the grant was made from this home or rebuilt in it.
    fn keep(&self, policy: PolicyId, receipt: ErasureReceipt) -> Result<()> {
        let Some(mut grant) = self.journal().get(policy)? else {
            return Ok(());
        };
        grant.erased(receipt);
        self.journal().put(&grant)
    }

    async fn await_erasure(&self, info: &MinerInfo, wait: &Wait<'_>) -> Heard {
        let mut refuses = false;
        let peer = match reach(info, self.nodes) {
            Ok(peer) => peer,
            Err(failure) => {
                let erasure = Err(failure);
                return Heard { refuses, erasure };
            }
        };
        let mut pause = Pause::new(self.limits.first_pause_ms);
        let mut before = None;
        loop {
            let status = async {
                let moment = Moment::now(self.chain).await?;
                self.nodes.policy_status(&peer, &moment, wait.policy).await
            };
            let (said, next) = match within(wait.deadline, status).await {
                Ok(status) => {
                    refuses = refuses_reader(&status);
                    let said = match self.word_of(&status, &peer, wait) {
                        Word::Erased(erasure) => {
                            let erasure = Ok(erasure);
                            return Heard { refuses, erasure };
                        }
                        Word::Final(code, detail) => {
                            let erasure = Err(failed(info, code, detail));
                            return Heard { refuses, erasure };
                        }
                        Word::Open(code, detail) => (code, detail.to_owned()),
                    };
                    (said, pause.usual())
                }
                // What it said before tells more than that time was up.
                Err(AskError::Timeout) if before.is_some() => {
                    (before.take().unwrap_or_default(), pause.usual())
                }
                Err(error) => ((error.code(), error.detail()), pause.next(&error)),
            };
            let (code, detail) = said;
            if Instant::now() + next >= wait.deadline {
                let erasure = Err(failed(info, code, detail));
                return Heard { refuses, erasure };
            }
            let (miner, told) = (info.miner, code.to_owned());
            wait.progress
                .event(Event::NodeWaiting { miner, code: told });
            before = Some((code, detail));
            tokio::time::sleep(next).await;
        }
    }

    fn word_of(&self, status: &PolicyStatus, peer: &Peer, wait: &Wait<'_>) -> Word {
        let given = wait.given.get(&peer.miner);
        let Some(receipt) = status.erasure else {
            return without_receipt(status, given);
        };
        let is_signed = receipt.verify(&self.chain.domain(), &peer.worker).is_ok();
        let bad = |why: &str| Word::Final("bad_receipt", format!("its receipt {why}"));
        if receipt.policy_id != wait.policy || receipt.miner != peer.miner {
            return bad("is of another policy or miner");
        }
        if !is_signed {
            return bad("is not signed by the miner's worker");
        }
        if given.is_some_and(|given| given.hash != receipt.kfrag_hash) {
            return bad("is of another kfrag than the one it was given");
        }
        Word::Erased(Erasure {
            receipt,
            compared: given.is_some(),
        })
    }
}

fn without_receipt(status: &PolicyStatus, given: Option<&Given>) -> Word {
    if status.serving {
        let detail = "the node has not seen the revocation, and serves the reader";
        return Word::Open("still_serving", detail);
    }
    if !refuses_reader(status) {
        return Word::Open("not_ended_yet", "the node has not seen the revocation");
    }
    match (status.kfrag, given.is_some_and(|given| given.acknowledged)) {
        (KfragState::Stored, _) => {
            let detail = "it refuses the reader, and has not erased its kfrag yet";
            Word::Open("not_erased_yet", detail)
        }
        (KfragState::Missing, false) => {
            let detail = "it never held a kfrag of the policy: nothing is to be erased";
            Word::Final("kfrag_missing", detail.to_owned())
        }
        (KfragState::Missing, true) => {
            let detail = "it says that it never held the kfrag that it acknowledged";
            Word::Final("kfrag_missing", detail.to_owned())
        }
        (KfragState::Erased, _) => {
            let detail = "it says that it has erased its kfrag, and gives no receipt";
            Word::Final("receipt_missing", detail.to_owned())
        }
    }
}

/// Whether the node refuses a reader because the policy is over.
fn refuses_reader(status: &PolicyStatus) -> bool {
    let code = status.refusal.as_ref().map(|problem| problem.code);
    let over = matches!(code, Some(Refusal::PolicyRevoked | Refusal::PolicyEnded));
    !status.serving && (over || status.erasure.is_some())
}
