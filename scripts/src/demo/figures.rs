//! The figures of a run, as written to `target/demo.json`, and the printed table of miners.
//! Amounts are decimal strings of the smallest unit (1e-18 KMS); times are seconds.

use kms_protocol::{Address, Amount};
use serde::Serialize;

#[derive(Debug, Clone, Serialize)]
pub(super) struct MinerFigures {
    pub(super) miner: Address,
    pub(super) locked: Amount,
    /// Sum of the rewards of the miner's claims, by the formula.
    pub(super) expected_reward: Amount,
    /// Sum of the rewards of the miner's claims, on chain.
    pub(super) claimed_reward: Amount,
    pub(super) claims: u32,
    /// Sum of the fees that the miner collected.
    pub(super) fees_collected: Amount,
    /// Whether the policy names the miner.
    pub(super) in_policy: bool,
}

#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Figures {
    pub(super) file_bytes: u64,
    /// SHA-256 of the shared file, in hexadecimal digits.
    pub(super) sha256_in: String,
    /// SHA-256 of what the reader read, in hexadecimal digits.
    pub(super) sha256_out: String,
    /// The miners by descending stake.
    pub(super) miners: Vec<MinerFigures>,
    pub(super) policy_id: String,
    /// Price of the policy.
    pub(super) price: Amount,
    /// Whether the file was read with two nodes down.
    pub(super) read_with_two_down: bool,
    /// Exit code of the read with three nodes down.
    pub(super) read_with_three_down_exit: i32,
    /// Reason of each of the policy's miners for that failed read.
    pub(super) read_with_three_down_reasons: Vec<String>,
    /// Time from the mined revocation to the last node's refusal.
    pub(super) revoked_after_s: f64,
    /// Sum of the refunds to the sponsor.
    pub(super) refund: Amount,
    /// Refund by the formula: rate times the paid periods in which a miner was not active.
    pub(super) refund_expected: Amount,
    /// Whether the owner decrypted the file with every node and the chain stopped.
    pub(super) owner_offline_ok: bool,
    pub(super) period_seconds: u32,
    /// Number of periods of the run.
    pub(super) periods: u32,
    /// Duration of the owner's encryption.
    pub(super) encrypt_seconds: f64,
    /// Duration of the reader's first read, with requests to chain and nodes.
    pub(super) read_seconds: f64,
    /// Duration of the whole run.
    pub(super) seconds: f64,
}

impl Figures {
    /// Formats the table of miners: locked, percent of the total, expected reward, claimed, fees.
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
        rows.push("(* holds a kfrag of the policy; rewards and fees in KMS)".to_owned());
        rows
    }
}

/// Shortens an address to its first digits.
pub(super) fn short(address: &Address) -> String {
    address.to_string().chars().take(8).collect()
}

/// Formats an amount without its unit.
fn exact(amount: Amount) -> String {
    amount.to_string().trim_end_matches(" KMS").to_owned()
}

/// Formats an amount without its unit, truncated to two decimals.
fn coins(amount: Amount) -> String {
    let text = exact(amount);
    match text.split_once('.') {
        Some((whole, rest)) => format!("{whole}.{}", rest.chars().take(2).collect::<String>()),
        None => text,
    }
}

/// Formats a part of a total in percent, with one decimal.
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
