//! What a grant would cost and who would serve it: candidates from the chain, those that cannot
//! serve set aside with the reason, the rest drawn in proportion to their locked stake.
//! Neighbours: `schedule` plans the periods, `grant` carries the quote out.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use kms_chain::{Lease, MinerInfo};
use kms_protocol::policy::MINERS_MAX;
use kms_protocol::{Address, Amount, Period, sampling};

use super::{Owner, Schedule, Span, Start};
use crate::asking::failed;
use crate::error::{Error, NodeFailure, Result};
use crate::node_http::HttpNodes;
use kms_core::card::{Card, LabelKey};
use kms_core::label::Label;

/// Miners asked for in one call to the chain.
const INFO_BATCH: usize = 50;
/// Leases asked for at a time.
const LEASES_AT_ONCE: usize = 16;

/// What is offered to each miner per period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// This much; miners that ask for more are left out.
    Offer(Amount),
    /// The least rate that half of the miners who can serve, and at least n of them, accept.
    Market,
}

/// The most a grant may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeeLimit {
    /// At most this much in all.
    AtMost(Amount),
    /// The price is accepted as quoted.
    AsQuoted,
}

/// How the n miners of a grant are chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// At random in proportion to locked stake; the same seed and chain give the same miners.
    Stake {
        /// 32 bytes that decide the draw.
        seed: [u8; 32],
    },
    /// These, as long as each can serve.
    Miners(Vec<Address>),
}

impl Selection {
    /// A draw by a fresh random seed.
    ///
    /// # Errors
    /// [`kms_core::Error::Random`].
    pub fn random() -> Result<Self> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|_| kms_core::Error::Random)?;
        Ok(Self::Stake { seed })
    }
}

/// Whether a reader that has a grant in force is granted the label once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It is not: the same grant twice pays twice.
    Refuse,
    /// It is, and both are paid for.
    Allow,
}

/// What an owner asks of a grant.
#[derive(Debug, Clone)]
pub struct GrantSpec {
    /// Name of a label of the home.
    pub label: Label,
    /// Name and receiving key of the reader.
    pub card: Card,
    /// m: miners needed to read.
    pub threshold: u8,
    /// n: miners that hold a kfrag, at most 32.
    pub shares: u8,
    /// From when on.
    pub start: Start,
    /// How many periods, or until when.
    pub span: Span,
    /// What each miner is offered per period.
    pub rate: Rate,
    /// The most it may cost.
    pub max_fee: FeeLimit,
    /// By lot, or by name.
    pub selection: Selection,
    /// What to do if the reader has the label already.
    pub repeat: Repeat,
}

/// A miner that would serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotedMiner {
    /// Owner address, which the terms will name.
    pub miner: Address,
    /// The key that signs for its node.
    pub worker: Address,
    /// Stake, its weight in the draw.
    pub locked: Amount,
    /// Least rate per period that it accepts.
    pub min_rate: Amount,
    /// Base URL of its node.
    pub url: String,
}

/// What a grant costs and who serves it.
#[derive(Debug, Clone)]
pub struct Quote {
    pub(crate) spec: GrantSpec,
    /// Public key that the label's files are made for.
    pub label_key: LabelKey,
    /// The miners, ascending by address.
    pub miners: Vec<QuotedMiner>,
    /// Paid per miner and period.
    pub rate: Amount,
    /// Paid in all: rate * miners * periods.
    pub price: Amount,
    /// First and last period, with their times.
    pub schedule: Schedule,
    /// Miners on the chain that cannot serve this grant, each with the reason.
    pub set_aside: Vec<NodeFailure>,
}

impl Quote {
    /// The spec that was quoted.
    pub const fn spec(&self) -> &GrantSpec {
        &self.spec
    }
}

impl Owner<'_> {
    /// Looks up what a grant would cost. Spends nothing and needs no passphrase.
    ///
    /// # Errors
    /// [`Error::LabelUnknown`], [`Error::SpecInvalid`], [`Error::NotEnoughMiners`],
    /// [`Error::FeeAboveMax`], [`Error::Chain`].
    pub async fn quote(&self, spec: &GrantSpec) -> Result<Quote> {
        self.quote_for(spec, self.home.label_key(&spec.label)?)
            .await
    }

    /// The same for a label that the home need not have yet.
    pub(crate) async fn quote_for(&self, spec: &GrantSpec, label_key: LabelKey) -> Result<Quote> {
        check_shares(spec)?;
        let params = self.chain.params().await?;
        let head = self.chain.head().await?;
        let schedule = Schedule::plan(spec.span, spec.start, &params, head.timestamp)?;
        let now = params.clock.period_at(head.timestamp).unwrap_or(Period(1));

        let need = Need {
            now,
            // The stake stays so long for an offence in the last period.
            custody: schedule
                .last
                .checked_add(params.evidence_periods)
                .unwrap_or(Period(u32::MAX)),
            min_locked: params.min_locked,
        };
        let (able, mut set_aside) = self.candidates(&spec.selection, need).await?;
        let (rate, able) = settle_rate(spec, able, &mut set_aside)?;
        let miners = draw(spec, able, &set_aside)?;
        let price = price_of(rate, miners.len(), schedule)?;
        if let FeeLimit::AtMost(limit) = spec.max_fee
            && price > limit
        {
            return Err(Error::FeeAboveMax { price, limit });
        }
        Ok(Quote {
            spec: spec.clone(),
            label_key,
            miners,
            rate,
            price,
            schedule,
            set_aside,
        })
    }

    /// Returns who could serve at some rate, and why the others cannot.
    async fn candidates(
        &self,
        selection: &Selection,
        need: Need,
    ) -> Result<(Vec<QuotedMiner>, Vec<NodeFailure>)> {
        let addresses = match selection {
            Selection::Miners(miners) => miners.clone(),
            Selection::Stake { .. } => self.chain.registered_miners().await?,
        };
        let mut infos = Vec::with_capacity(addresses.len());
        for batch in addresses.chunks(INFO_BATCH) {
            infos.extend(self.chain.miner_info(batch).await?);
        }
        let mut with_leases: Vec<(MinerInfo, Lease)> = stream::iter(infos)
            .map(|info| async move {
                let lease = self.chain.lease_of(info.miner).await?;
                Ok::<_, Error>((info, lease))
            })
            .buffer_unordered(LEASES_AT_ONCE)
            .try_collect()
            .await?;
        with_leases.sort_by_key(|(info, _)| info.miner);
        let (mut able, mut set_aside) = (Vec::new(), Vec::new());
        for (info, lease) in with_leases {
            match need.met_by(&info, lease, self.nodes) {
                Ok(miner) => able.push(miner),
                Err((code, detail)) => set_aside.push(failed(&info, code, detail)),
            }
        }
        Ok((able, set_aside))
    }
}

/// What a miner must have to serve a grant, the rate aside. As `requireCanServe` of the escrow, and
/// that it can be reached and is active.
#[derive(Debug, Clone, Copy)]
struct Need {
    now: Period,
    custody: Period,
    min_locked: Amount,
}

impl Need {
    fn met_by(
        self,
        info: &MinerInfo,
        lease: Lease,
        nodes: &HttpNodes,
    ) -> Result<QuotedMiner, (&'static str, String)> {
        let no = |code, detail: &str| Err((code, detail.to_owned()));
        let Some(worker) = info.worker else {
            return no("worker_missing", "no worker is bonded");
        };
        if let Err(error) = nodes.parse_url(&info.url) {
            return Err(("url_refused", error.to_string()));
        }
        let position = &info.position;
        if position.locked.is_zero() || position.locked < self.min_locked {
            return no("stake_missing", "its stake is below the least");
        }
        // An unbond now is released in now + 1 + lock periods, which must lie after the custody.
        let outlasts = match position.unlock_period {
            Some(unlock) => unlock > self.custody,
            None => self
                .now
                .checked_add(position.lock_periods)
                .is_none_or(|p| p >= self.custody),
        };
        if !outlasts {
            let needed = format!("its lock may end before period {}", self.custody.0);
            return Err(("lock_too_short", needed));
        }
        if info.suspended {
            return no("suspended", "it is suspended, or has not come back since");
        }
        if lease.through.is_none_or(|through| through < self.now) {
            return no("inactive", "it has not confirmed activity for this period");
        }
        Ok(QuotedMiner {
            miner: info.miner,
            worker,
            locked: position.locked,
            min_rate: info.min_rate,
            url: info.url.clone(),
        })
    }
}

fn check_shares(spec: &GrantSpec) -> Result<()> {
    let invalid = |field, given: u8, why| Error::SpecInvalid {
        field,
        given: given.into(),
        why,
    };
    if spec.shares == 0 || usize::from(spec.shares) > MINERS_MAX {
        return Err(invalid("shares", spec.shares, "1 to 32 are possible"));
    }
    if spec.threshold == 0 || spec.threshold > spec.shares {
        return Err(invalid(
            "threshold",
            spec.threshold,
            "1 to the number of miners is possible",
        ));
    }
    if let Selection::Miners(miners) = &spec.selection {
        let distinct: BTreeSet<_> = miners.iter().collect();
        if distinct.len() != usize::from(spec.shares) || distinct.len() != miners.len() {
            return Err(invalid(
                "shares",
                spec.shares,
                "as many different miners must be named",
            ));
        }
    }
    Ok(())
}

/// Fixes the rate and sets aside who asks for more.
fn settle_rate(
    spec: &GrantSpec,
    able: Vec<QuotedMiner>,
    set_aside: &mut Vec<NodeFailure>,
) -> Result<(Amount, Vec<QuotedMiner>)> {
    let rate = match spec.rate {
        Rate::Offer(rate) => rate,
        Rate::Market => market_rate(&able, spec),
    };
    if rate.is_zero() {
        return Err(Error::SpecInvalid {
            field: "rate",
            given: 0,
            why: "it must be above zero",
        });
    }
    let (affordable, dear): (Vec<_>, Vec<_>) = able.into_iter().partition(|m| m.min_rate <= rate);
    set_aside.extend(dear.into_iter().map(|miner| NodeFailure {
        miner: miner.miner,
        url: miner.url,
        code: "rate_too_low".to_owned(),
        detail: format!(
            "it asks for {} per period, offered are {rate}",
            miner.min_rate
        ),
    }));
    Ok((rate, affordable))
}

/// The least rate that half of the able miners, and at least n, accept; all of them when named.
fn market_rate(able: &[QuotedMiner], spec: &GrantSpec) -> Amount {
    let mut rates: Vec<Amount> = able.iter().map(|miner| miner.min_rate).collect();
    rates.sort_unstable();
    let wanted = match spec.selection {
        Selection::Miners(_) => rates.len(),
        Selection::Stake { .. } => rates.len().div_ceil(2).max(usize::from(spec.shares)),
    };
    let last = wanted.min(rates.len()).saturating_sub(1);
    // A policy must pay something, if only a unit of 1e-18 KMS.
    rates
        .get(last)
        .copied()
        .unwrap_or(Amount::ZERO)
        .max(Amount(1))
}

fn draw(
    spec: &GrantSpec,
    able: Vec<QuotedMiner>,
    set_aside: &[NodeFailure],
) -> Result<Vec<QuotedMiner>> {
    let need = usize::from(spec.shares);
    if able.len() < need {
        let nodes = set_aside.to_vec();
        return Err(Error::NotEnoughMiners {
            need,
            usable: able.len(),
            nodes,
        });
    }
    let Selection::Stake { seed } = &spec.selection else {
        return Ok(able);
    };
    let stakes: Vec<_> = able
        .iter()
        .map(|miner| (miner.miner, miner.locked))
        .collect();
    let chosen = sampling::sample(seed, &stakes, need)?;
    Ok(able
        .into_iter()
        .filter(|miner| chosen.contains(&miner.miner))
        .collect())
}

pub(super) fn price_of(rate: Amount, miners: usize, schedule: Schedule) -> Result<Amount> {
    let periods = u128::from(schedule.first.count_through(schedule.last));
    u128::try_from(miners)
        .ok()
        .and_then(|miners| rate.checked_mul(miners))
        .and_then(|per_period| per_period.checked_mul(periods))
        .ok_or(Error::Protocol(kms_protocol::Error::AmountOverflow))
}

#[cfg(test)]
mod tests;
