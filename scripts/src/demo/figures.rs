//! Every figure of a run, as written to `target/demo.json`, and the table of miners a person sees.
//! Amounts are decimal strings of the smallest unit (1e-18 KMS); times are seconds.

use kms_protocol::{Address, Amount};
use serde::Serialize;

/// One miner's figures.
#[derive(Debug, Clone, Serialize)]
pub(super) struct MinerFigures {
    /// Owner address.
    pub(super) miner: Address,
    /// Locked tokens.
    pub(super) locked: Amount,
    /// Reward of its claims by the formula.
    pub(super) expected_reward: Amount,
    /// Reward of its claims on chain.
    pub(super) claimed_reward: Amount,
    /// Number of claims compared.
    pub(super) claims: u32,
    /// Policy fees paid to it.
    pub(super) fees_collected: Amount,
    /// Whether it is one of the policy's miners.
    pub(super) in_policy: bool,
}

/// Everything the demo measured.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Figures {
    /// Size of the file.
    pub(super) file_bytes: u64,
    /// Its hash.
    pub(super) sha256_in: String,
    /// Hash of what the reader got.
    pub(super) sha256_out: String,
    /// The miners, by falling stake.
    pub(super) miners: Vec<MinerFigures>,
    /// The policy.
    pub(super) policy_id: String,
    /// What it cost.
    pub(super) price: Amount,
    /// Whether the file was read with two nodes down.
    pub(super) read_with_two_down: bool,
    /// Exit code of the read with three nodes down.
    pub(super) read_with_three_down_exit: i32,
    /// The reason each of the policy's miners gave then.
    pub(super) read_with_three_down_reasons: Vec<String>,
    /// From the mined revocation to the last node's refusal.
    pub(super) revoked_after_s: f64,
    /// What the sponsor got back.
    pub(super) refund: Amount,
    /// Rate times the periods that were paid and not worked.
    pub(super) refund_expected: Amount,
    /// Whether the owner decrypted with every node and the chain stopped.
    pub(super) owner_offline_ok: bool,
    /// Length of a period.
    pub(super) period_seconds: u32,
    /// Periods that went by.
    pub(super) periods: u32,
    /// Owner's encryption.
    pub(super) encrypt_seconds: f64,
    /// Reader's read, from chain and nodes to the last byte.
    pub(super) read_seconds: f64,
    /// The whole run.
    pub(super) seconds: f64,
}

impl Figures {
    /// The table of miners: locked, share, expected reward, claimed, fees.
    pub(super) fn table(&self) -> Vec<String> {
        let total: u128 = self.miners.iter().map(|miner| miner.locked.0).sum();
        let mut rows = vec![format!(
            "{:<11} {:>10} {:>7} {:>26} {:>26} {:>9}",
            "miner", "locked", "share", "reward by the formula", "reward claimed", "fees"
        )];
        for miner in &self.miners {
            let mark = if miner.in_policy { "*" } else { " " };
            rows.push(format!(
                "{:<11} {:>10} {:>7} {:>26} {:>26} {:>9}",
                format!("{mark}{}", short(&miner.miner)),
                coins(miner.locked),
                share(miner.locked.0, total),
                exact(miner.expected_reward),
                exact(miner.claimed_reward),
                coins(miner.fees_collected),
            ));
        }
        rows.push("(* holds a share of the policy; rewards and fees in KMS)".to_owned());
        rows
    }
}

/// The first digits of an address.
pub(super) fn short(address: &Address) -> String {
    address.to_string().chars().take(8).collect()
}

/// An amount without its unit.
fn exact(amount: Amount) -> String {
    amount.to_string().trim_end_matches(" KMS").to_owned()
}

/// An amount without its unit, cut to two decimals.
fn coins(amount: Amount) -> String {
    let text = exact(amount);
    match text.split_once('.') {
        Some((whole, rest)) => format!("{whole}.{}", rest.chars().take(2).collect::<String>()),
        None => text,
    }
}

/// A part of the whole in percent, one decimal.
fn share(part: u128, total: u128) -> String {
    let tenths = part.saturating_mul(1000).checked_div(total).unwrap_or(0);
    format!("{}.{}%", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use kms_protocol::Amount;

    use super::{coins, exact, share};

    #[test]
    fn cuts_amounts_for_people() {
        assert_eq!(exact(Amount(12_500_000_000_000_000_000)), "12.5");
        assert_eq!(coins(Amount(12_567_000_000_000_000_000)), "12.56");
        assert_eq!(coins(Amount(3_000_000_000_000_000_000)), "3");
    }

    #[test]
    fn shares_sum_up_and_nothing_divides_by_zero() {
        assert_eq!(
            (share(1, 8).as_str(), share(0, 0).as_str()),
            ("12.5%", "0.0%")
        );
    }
}
