//! The arguments that say what a grant pays for: how many miners, which, for how long, at what
//! rate. Shared by the verbs that grant.

use std::str::FromStr;

use clap::Args;
use kms_client::{Card, FeeLimit, GrantSpec, Label, Rate, Repeat, Selection, Span, Start};
use kms_protocol::{Address, Amount};

use crate::failure::{Failure, Outcome};
use crate::span::SpanArgs;

#[derive(Debug, Args)]
pub(crate) struct TermsArgs {
    /// m of n: miners a reader needs, and miners that hold a kfrag
    #[arg(long, value_name = "M/N", default_value = "2/3")]
    threshold: QuorumArg,
    #[command(flatten)]
    span: SpanArgs,
    /// Offered to each miner per period [default: what at least half of the miners accept]
    #[arg(long, value_name = "AMOUNT")]
    rate: Option<Amount>,
    /// Refuse to pay more than this for one reader
    #[arg(long, value_name = "AMOUNT")]
    max_fee: Option<Amount>,
    /// A miner to use, by its owner address; name all n of them
    #[arg(long, value_name = "ADDRESS", conflicts_with = "seed")]
    miner: Vec<Address>,
    /// 64 hexadecimal digits that decide the draw, to repeat one
    #[arg(long, value_name = "HEX")]
    seed: Option<SeedArg>,
}

/// A threshold such as `2/3`: m cfrags needed of n miners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct QuorumArg {
    threshold: u8,
    shares: u8,
}

impl FromStr for QuorumArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text
            .split_once('/')
            .and_then(|(m, n)| Some((m.parse().ok()?, n.parse().ok()?)));
        let (threshold, shares) =
            parsed.ok_or_else(|| format!("{text:?} is not M/N, as in 2/3"))?;
        if threshold == 0 || threshold > shares {
            return Err(format!("{text:?}: M is 1 to N"));
        }
        Ok(Self { threshold, shares })
    }
}

/// Seed of the draw of miners, 64 hexadecimal digits. Not secret: no key is derived from it.
#[derive(Debug, Clone, Copy)]
struct SeedArg([u8; 32]);

impl FromStr for SeedArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut seed = [0; 32];
        let digits = text.strip_prefix("0x").unwrap_or(text);
        hex::decode_to_slice(digits, &mut seed)
            .map_err(|_| "a seed has 64 hexadecimal digits".to_owned())?;
        Ok(Self(seed))
    }
}

impl TermsArgs {
    /// The time that is paid for. Fails for arguments that no grant can have.
    pub(crate) fn span(&self) -> Outcome<Span> {
        let (given, n) = (self.miner.len(), usize::from(self.threshold.shares));
        if given != 0 && given != n {
            let text = format!("--threshold asks for {n} miners, --miner names {given}");
            return Err(Failure::usage(text));
        }
        self.span.span()
    }

    /// The grant of a label to one reader.
    pub(crate) fn spec(
        &self,
        label: Label,
        card: Card,
        span: Span,
        repeat: Repeat,
    ) -> kms_client::Result<GrantSpec> {
        Ok(GrantSpec {
            label,
            card,
            threshold: self.threshold.threshold,
            shares: self.threshold.shares,
            start: Start::Now,
            span,
            rate: self.rate.map_or(Rate::Market, Rate::Offer),
            max_fee: self.max_fee.map_or(FeeLimit::AsQuoted, FeeLimit::AtMost),
            selection: self.selection()?,
            repeat,
        })
    }

    fn selection(&self) -> kms_client::Result<Selection> {
        match (self.miner.is_empty(), self.seed) {
            (false, _) => Ok(Selection::Miners(self.miner.clone())),
            (true, Some(SeedArg(seed))) => Ok(Selection::Stake { seed }),
            (true, None) => Selection::random(),
        }
    }
}

#[cfg(test)]
mod tests;
