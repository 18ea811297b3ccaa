//! The benchmark's private chain under the main network's parameters. Every transaction is sent and
//! mined, and its `gasUsed` read from the receipt. Senders need neither keys nor ether.

use anyhow::{Context, Result, bail, ensure};
use kms_chain::devnet::{Devnet, DevnetOptions, Mining};
use kms_chain::{Call, DeployParams, Deployment, Genesis};
use kms_protocol::{
    Address, Amount, B256, EthSecret, Period, PeriodClock, SignedConsent, Terms, keccak256,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::abi::{Abi, call};

pub(super) const MAINNET: &str = include_str!("../../../deployments/params/mainnet.toml");
/// Gas limit of a block.
const BLOCK_GAS: u64 = 30_000_000;
/// Gas limit of a measured transaction, and of one that is not measured.
const GAS_LIMIT: u64 = 16_000_000;
const SMALL_GAS_LIMIT: u64 = 200_000;
/// Stake of each miner in whole KMS, and its lock.
pub(super) const STAKE_KMS: u64 = 20_000;
pub(super) const LOCK_PERIODS: u32 = 3_000;

/// A figure: the gas of a transaction, or of one of its equal parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) operation: String,
    pub(crate) gas: u64,
}

/// A miner's owner address and worker key.
pub(super) struct Miner {
    pub(super) owner: Address,
    pub(super) worker: EthSecret,
}

/// The chain, its contracts and period, and the figures so far.
pub(super) struct Bench {
    devnet: Devnet,
    pub(super) deployment: Deployment,
    pub(super) holder: Address,
    /// Period of the next block.
    pub(super) period: Period,
    pub(super) measured: Vec<Measured>,
}

/// The contract that a call goes to.
#[derive(Debug, Clone, Copy)]
pub(super) enum To {
    Token,
    Escrow,
    Rewards,
    Policies,
}

impl Bench {
    /// First second of the present period.
    pub(super) fn time(&self) -> Result<u64> {
        let params = &self.deployment.params;
        let Genesis::At(genesis) = params.genesis else {
            bail!("the genesis is not resolved")
        };
        let clock = PeriodClock::new(genesis, params.period_seconds)?;
        clock
            .start_of(self.period)
            .context("a period before the first")
    }

    pub(super) async fn start() -> Result<Self> {
        let devnet = Devnet::start(&DevnetOptions {
            history: false,
            ..DevnetOptions::default()
        })
        .await?;
        let params = DeployParams::from_toml(MAINNET)?;
        let deployment = devnet.deploy(&params).await?;
        let bench = Self {
            holder: kms_chain::devnet::account(0)?.address(),
            devnet,
            deployment,
            period: Period(1),
            measured: Vec::new(),
        };
        bench
            .control("anvil_autoImpersonateAccount", json!([true]))
            .await?;
        // A base fee of zero does not rise while blocks are less than half full.
        bench
            .control("anvil_setNextBlockBaseFeePerGas", json!(["0x0"]))
            .await?;
        Ok(bench)
    }

    async fn control(&self, method: &'static str, params: Value) -> Result<Value> {
        Ok(self.devnet.rpc().request(method, &params).await?)
    }

    fn address_of(&self, to: To) -> Address {
        let contracts = &self.deployment.contracts;
        match to {
            To::Token => contracts.token.address,
            To::Escrow => contracts.escrow.address,
            To::Rewards => contracts.rewards.address,
            To::Policies => contracts.policies.address,
        }
    }

    /// Sends a call of `kms_chain` and returns its gas.
    pub(super) async fn send(&self, from: Address, call: &Call) -> Result<u64> {
        let data = call.data(&self.deployment);
        self.transact(from, call.target(&self.deployment), &data)
            .await
            .with_context(|| format!("{} from {from}", call.kind()))
    }

    /// Sends a call of any function and returns its gas.
    pub(super) async fn invoke(
        &self,
        from: Address,
        to: To,
        signature: &str,
        arguments: &[Abi],
    ) -> Result<u64> {
        let data = call(signature, arguments);
        self.transact(from, self.address_of(to), &data)
            .await
            .with_context(|| format!("{signature} from {from}"))
    }

    async fn transact(&self, from: Address, to: Address, data: &[u8]) -> Result<u64> {
        let transaction = transaction(from, to, data, GAS_LIMIT);
        // EIP-7966: the response is the receipt, once mined.
        let receipt = self
            .control("eth_sendTransactionSync", json!([transaction]))
            .await?;
        if receipt.get("status").and_then(Value::as_str) != Some("0x1") {
            // Simulating the call again gives the reason.
            let reason = self
                .control("eth_call", json!([transaction, "latest"]))
                .await;
            bail!("it was mined and reverted: {reason:?}");
        }
        quantity(&receipt, "gasUsed")
    }

    /// Sends many calls without measuring, and mines them in few full blocks, since anvil's work
    /// per block grows with the state. Does not check whether they succeed.
    pub(super) async fn send_together(&self, calls: &[(Address, Call)]) -> Result<()> {
        self.devnet.set_mining(Mining::Manual).await?;
        for (from, call) in calls {
            let data = call.data(&self.deployment);
            let to = call.target(&self.deployment);
            let transaction = transaction(*from, to, &data, SMALL_GAS_LIMIT);
            self.control("eth_sendTransaction", json!([transaction]))
                .await?;
        }
        let gas = SMALL_GAS_LIMIT * u64::try_from(calls.len())?;
        self.devnet.mine(gas.div_ceil(BLOCK_GAS) + 1).await?;
        self.devnet.set_mining(Mining::Auto).await?;
        Ok(())
    }

    /// Sum of the locked tokens of all miners active in the current period.
    pub(super) async fn active_tokens(&self) -> Result<Amount> {
        let data = call("periodTotals(uint32)", &[super::abi::uint(self.period.0)]);
        let transaction = transaction(self.holder, self.address_of(To::Rewards), &data, GAS_LIMIT);
        let answer = self
            .control("eth_call", json!([transaction, "latest"]))
            .await?;
        let words = answer.as_str().unwrap_or_default();
        let locked = words
            .get(words.len().saturating_sub(32)..)
            .unwrap_or_default();
        Ok(Amount(u128::from_str_radix(locked, 16)?))
    }

    /// Records a figure: `gas` divided by the number of equal parts it is for.
    pub(super) fn note(&mut self, operation: impl Into<String>, gas: u64, parts: u64) {
        self.measured.push(Measured {
            operation: operation.into(),
            gas: gas.div_ceil(parts.max(1)),
        });
    }

    /// Moves the chain's time on by a number of periods.
    pub(super) async fn skip(&mut self, periods: u32) -> Result<()> {
        let seconds = u64::from(self.deployment.params.period_seconds) * u64::from(periods);
        self.control("evm_increaseTime", json!([seconds])).await?;
        self.period = self
            .period
            .checked_add(periods)
            .context("the last period")?;
        Ok(())
    }

    /// Rolls: books all emission, so that the next measured transaction does not.
    pub(super) async fn roll(&self) -> Result<()> {
        self.invoke(self.holder, To::Rewards, "roll()", &[]).await?;
        Ok(())
    }

    /// Last period of a lease of full length from now.
    pub(super) fn lease_end(&self) -> Period {
        Period(self.period.0 + self.deployment.params.max_lease_periods)
    }

    pub(super) async fn confirm(&self, miner: &Miner, through: Period) -> Result<u64> {
        self.send(miner.worker.address(), &Call::ConfirmActivity { through })
            .await
    }

    /// Confirms the longest lease for each of `miners`.
    pub(super) async fn confirm_all(&self, miners: &[Miner]) -> Result<()> {
        for miner in miners {
            self.confirm(miner, self.lease_end()).await?;
        }
        Ok(())
    }

    /// Sends whole tokens to an account.
    pub(super) async fn fund(&self, to: Address, tokens: u64) -> Result<()> {
        let amount = kms(tokens)?;
        self.send(self.holder, &Call::TransferToken { to, amount })
            .await?;
        Ok(())
    }

    /// Creates a miner with stake and worker.
    pub(super) async fn enlist(&self, number: u32) -> Result<Miner> {
        let miner = Miner::new(number)?;
        self.fund(miner.owner, STAKE_KMS).await?;
        let amount = kms(STAKE_KMS)?;
        let deposit = Call::DepositViaTransfer {
            amount,
            lock_periods: LOCK_PERIODS,
        };
        self.send(miner.owner, &deposit).await?;
        let consent = self.consent(&miner);
        self.send(miner.owner, &Call::BondWorker { consent })
            .await?;
        Ok(miner)
    }

    /// The consent of a miner's worker to be bonded to it.
    pub(super) fn consent(&self, miner: &Miner) -> SignedConsent {
        let escrow = self.deployment.escrow_domain();
        SignedConsent::sign(&miner.worker, miner.owner, u64::MAX, &escrow)
    }

    /// Terms of a policy that begins in the next period; `mark` makes its id unique.
    pub(super) fn terms(&self, miners: &[Miner], periods: u32, mark: &str) -> Result<Terms> {
        let mut owners: Vec<Address> = miners.iter().map(|miner| miner.owner).collect();
        owners.sort_unstable();
        let terms = Terms {
            author: self.holder,
            sponsor: self.holder,
            verifier: verifier()?.address(),
            keys_hash: keccak256(b"keys"),
            rate: kms(1)?,
            first_period: Period(self.period.0 + 1),
            last_period: Period(self.period.0 + periods),
            threshold: 1,
            salt: keccak256(mark.as_bytes()),
            miners: owners,
        };
        terms.validate()?;
        Ok(terms)
    }

    /// Checks that `period` is that of the contracts' clock.
    pub(super) async fn check_clock(&self) -> Result<()> {
        let call = json!({
            "to": self.address_of(To::Escrow),
            "data": format!("0x{}", hex::encode(call("currentPeriod()", &[]))),
        });
        let answer = self.control("eth_call", json!([call, "latest"])).await?;
        let text = answer.as_str().unwrap_or_default().trim_start_matches("0x");
        let period = u32::from_str_radix(text.trim_start_matches('0'), 16)?;
        ensure!(
            period == self.period.0,
            "period {period}, not {}",
            self.period.0
        );
        Ok(())
    }

    /// Gas of the creation of each contract, in the order of deployment.
    pub(super) async fn deployment_gas(&self) -> Result<Vec<u64>> {
        let head = self
            .control("eth_getBlockByNumber", json!(["latest", false]))
            .await?;
        let mut gas = Vec::new();
        for number in self.deployment.block..=quantity(&head, "number")? {
            let method = "eth_getBlockByNumber";
            let block = self
                .control(method, json!([format!("{number:#x}"), false]))
                .await?;
            gas.push(quantity(&block, "gasUsed")?);
        }
        Ok(gas)
    }
}

fn transaction(from: Address, to: Address, data: &[u8], gas: u64) -> Value {
    json!({
        "from": from,
        "to": to,
        "data": format!("0x{}", hex::encode(data)),
        "gas": format!("{gas:#x}"),
        "maxFeePerGas": "0x0",
        "maxPriorityFeePerGas": "0x0",
    })
}

impl Miner {
    /// Derives the miner of a number, always the same.
    pub(super) fn new(number: u32) -> Result<Self> {
        let seed = keccak256(format!("worker {number}").as_bytes());
        Ok(Self {
            owner: person(&format!("miner {number}")),
            worker: EthSecret::from_bytes(&seed.0)?,
        })
    }
}

/// Converts whole tokens to an amount.
pub(super) fn kms(tokens: u64) -> Result<Amount> {
    Amount::from_kms(tokens).context("more tokens than there are")
}

/// The verifying key of the policies, which signs deliveries.
pub(super) fn verifier() -> Result<EthSecret> {
    Ok(EthSecret::from_bytes(&keccak256(b"verifier").0)?)
}

/// Derives an address from a name, without a known key.
pub(super) fn person(name: &str) -> Address {
    let B256(hash) = keccak256(name.as_bytes());
    Address(hash.first_chunk().copied().unwrap_or_default())
}

pub(super) fn quantity(object: &Value, field: &str) -> Result<u64> {
    let text = object
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default();
    let digits = text
        .strip_prefix("0x")
        .with_context(|| format!("no {field}"))?;
    Ok(u64::from_str_radix(digits, 16)?)
}
