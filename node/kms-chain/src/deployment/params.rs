//! The parameters of a deployment: `deployments/params/*.toml`.
//!
//! Amounts are text with their unit, times are seconds or periods as the key says. `validate`
//! checks everything the constructors would refuse, with the name of the key. `params/powers.rs`
//! holds what concerns timelock, guardian, penalties and challenges.

use kms_protocol::{Address, Amount};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{ChainError, ParamProblem};

mod powers;

pub use powers::{ChallengeParams, ControlParams, PenaltyParams};

/// Longest lease the contract accepts, in periods.
const LONGEST_LEASE: u32 = 64;
/// Longest policy the contract accepts, in periods.
const LONGEST_POLICY: u32 = 65_534;
/// Longest name of a network.
const NAME_LENGTH: usize = 32;

/// Parameters of a deployment, one field for each key of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeployParams {
    /// Name of the network, for people: 1 to 32 of a-z, 0-9, `-`.
    pub name: String,
    /// EIP-155 id of the only chain that the parameters may be used on.
    pub chain_id: u64,
    /// Cap of the token: the greatest supply that there can ever be.
    #[serde(with = "amount_text")]
    pub cap: Amount,
    /// Supply minted at deployment; the rest of the cap is the reserve.
    #[serde(with = "amount_text")]
    pub initial_supply: Amount,
    /// Holder of the initial supply; the deployer if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_holder: Option<Address>,
    /// Start of period 1, in chain time.
    pub genesis: Genesis,
    /// Length of a period, in seconds.
    pub period_seconds: u32,
    /// Least stake of a miner.
    #[serde(with = "amount_text")]
    pub min_locked: Amount,
    /// Shortest lock, in periods; not below `max_lease_periods`.
    pub min_lock_periods: u32,
    /// Longest lock of a stake, in periods.
    pub max_lock_periods: u32,
    /// Periods a miner keeps a worker before it may bond another.
    pub worker_cooldown_periods: u32,
    /// E: how long evidence and a retired worker's word count, and how long the stake stays after
    /// the last period of a policy, in periods.
    pub evidence_periods: u32,
    /// Longest activity lease L, in periods.
    pub max_lease_periods: u32,
    /// Half-life of the reserve, in seconds of active periods.
    pub half_life_seconds: u64,
    /// Whether lock durations below `kappa_periods` lower the weight, down to a half.
    pub kappa_enabled: bool,
    /// T1: the lock duration of full weight, in periods.
    pub kappa_periods: u32,
    /// Threshold of the warm-up: locked tokens from which all of a period's emission is emitted;
    /// below it, in proportion. Zero: no warm-up.
    #[serde(with = "amount_text")]
    pub warm_up_locked: Amount,
    /// Greatest number of periods of a policy.
    pub max_policy_periods: u32,
    /// The timelock and the contract it owns.
    pub control: ControlParams,
    /// First terms of a conviction.
    pub penalty: PenaltyParams,
    /// First terms of a challenge.
    pub challenge: ChallengeParams,
}

/// Start of period 1: `"now"` or seconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Genesis {
    /// The newest block's time when the deployment begins.
    Now,
    /// A time that must have passed on chain when the deployment begins.
    At(u64),
}

/// A condition, its key, and the problem if it does not hold.
type Check = (bool, &'static str, ParamProblem);

impl DeployParams {
    /// Reads and validates a parameter file's text.
    ///
    /// # Errors
    /// `ParamsSyntax` (unknown keys included), `Params`.
    pub fn from_toml(text: &str) -> Result<Self, ChainError> {
        let params: Self = toml::from_str(text)?;
        params.validate()?;
        Ok(params)
    }

    /// Reads the parameters of a local chain: periods of six seconds.
    ///
    /// # Errors
    /// None: a test reads the embedded file.
    pub fn local() -> Result<Self, ChainError> {
        Self::from_toml(include_str!("../../../../deployments/params/local.toml"))
    }

    /// Checks every range that the constructors check.
    ///
    /// # Errors
    /// `Params` with the first key that is out of range.
    pub fn validate(&self) -> Result<(), ChainError> {
        let checks = [
            self.supply_checks(),
            self.period_checks(),
            self.control.checks(self),
            self.penalty.checks(self),
            self.challenge.checks(self),
        ];
        match checks.into_iter().flatten().find(|(holds, ..)| !holds) {
            Some((_, field, problem)) => Err(ChainError::Params { field, problem }),
            None => Ok(()),
        }
    }

    fn supply_checks(&self) -> Vec<Check> {
        use ParamProblem::{Above, Name, Width, Zero};
        vec![
            (is_name(&self.name), "name", Name),
            (self.chain_id > 0, "chain_id", Zero),
            (fits_uint96(self.cap), "cap", Width),
            (!self.cap.is_zero(), "cap", Zero),
            (
                self.initial_supply <= self.cap,
                "initial_supply",
                Above("cap"),
            ),
            (
                self.initial_holder != Some(Address::ZERO),
                "initial_holder",
                Zero,
            ),
            (self.period_seconds > 0, "period_seconds", Zero),
            (!self.min_locked.is_zero(), "min_locked", Zero),
            (self.min_locked <= self.cap, "min_locked", Above("cap")),
            (
                self.warm_up_locked <= self.cap,
                "warm_up_locked",
                Above("cap"),
            ),
        ]
    }

    fn period_checks(&self) -> Vec<Check> {
        use ParamProblem::{Above, Below, Zero};
        let lease_limit = self.min_lock_periods.min(LONGEST_LEASE);
        let half_life = u128::from(self.half_life_seconds);
        vec![
            (self.min_lock_periods > 0, "min_lock_periods", Zero),
            (
                self.min_lock_periods <= self.max_lock_periods,
                "max_lock_periods",
                Below("min_lock_periods"),
            ),
            (self.max_lease_periods > 0, "max_lease_periods", Zero),
            (
                self.max_lease_periods <= lease_limit,
                "max_lease_periods",
                Above("64 and min_lock_periods"),
            ),
            (
                half_life >= u128::from(self.period_seconds),
                "half_life_seconds",
                Below("period_seconds"),
            ),
            // decay, about 2^64 * ln 2 / H, must not be zero: H < 2^63 is on the safe side.
            (
                half_life < (1 << 63) * u128::from(self.period_seconds),
                "half_life_seconds",
                Above("2^63 periods"),
            ),
            (
                !self.kappa_enabled || self.kappa_periods > 0,
                "kappa_periods",
                Zero,
            ),
            (self.max_policy_periods > 0, "max_policy_periods", Zero),
            (
                self.max_policy_periods <= LONGEST_POLICY,
                "max_policy_periods",
                Above("65534"),
            ),
        ]
    }
}

fn is_name(name: &str) -> bool {
    let letters = name
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    letters && (1..=NAME_LENGTH).contains(&name.len())
}

fn fits_uint96(amount: Amount) -> bool {
    amount.0 < 1 << 96
}

impl Serialize for Genesis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Now => serializer.serialize_str("now"),
            Self::At(seconds) => serializer.serialize_u64(*seconds),
        }
    }
}

impl<'de> Deserialize<'de> for Genesis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Text {
            Seconds(u64),
            Word(String),
        }
        match Text::deserialize(deserializer) {
            Ok(Text::Seconds(seconds)) => Ok(Self::At(seconds)),
            Ok(Text::Word(word)) if word == "now" => Ok(Self::Now),
            _ => Err(serde::de::Error::custom(
                "expected \"now\" or seconds since 1970",
            )),
        }
    }
}

/// Serde of an amount as text with its unit: "12.5 KMS".
mod amount_text {
    use kms_protocol::Amount;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        amount: &Amount,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(amount)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Amount, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
