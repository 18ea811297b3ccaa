//! The table of what each contract must answer, by the parameters; `verify` asks for it.

use kms_protocol::abi::Words;
use kms_protocol::{Address, B256, Domain, keccak256, reward};

use super::{genesis_of, word};
use crate::deployment::Deployment;
use crate::deployment::deploy::args;
use crate::error::ChainError;

/// A view of a contract and the first bytes of the answer expected.
pub(super) struct View {
    pub(super) contract: &'static str,
    pub(super) address: Address,
    pub(super) signature: &'static str,
    pub(super) data: Vec<u8>,
    pub(super) expected: Vec<u8>,
    /// Whether the timelock or the guardian may change the value.
    pub(super) governed: bool,
}

/// Collects the views of one contract.
struct Table {
    contract: &'static str,
    address: Address,
    views: Vec<View>,
}

impl Table {
    fn ask(&mut self, signature: &'static str, arguments: Words, expected: Words, governed: bool) {
        let selector = keccak256(signature.as_bytes());
        let selector = selector.0.into_iter().take(4);
        self.views.push(View {
            contract: self.contract,
            address: self.address,
            signature,
            data: selector.chain(arguments.into_bytes()).collect(),
            expected: expected.into_bytes(),
            governed,
        });
    }

    fn is(mut self, signature: &'static str, expected: Words) -> Self {
        self.ask(signature, Words::default(), expected, false);
        self
    }

    fn number(self, signature: &'static str, expected: impl Into<u128>) -> Self {
        self.is(signature, Words::default().uint(expected))
    }

    fn names(self, signature: &'static str, expected: Address) -> Self {
        self.is(signature, word(expected))
    }

    fn at_first(mut self, signature: &'static str, expected: Words) -> Self {
        self.ask(signature, Words::default(), expected, true);
        self
    }

    /// What EIP-5267 tells of a domain: the fields that it has, name, version, chain, contract.
    fn signs_in(self, domain: &Domain) -> Self {
        let text = |text: &str| {
            let mut word = [0; 32];
            for (byte, of) in word.iter_mut().zip(text.bytes()) {
                *byte = of;
            }
            Words::default().size(text.len()).bytes32(&B256(word))
        };
        let mut fields = B256::ZERO;
        fields.0[0] = 0x0f;
        let head = Words::default()
            .bytes32(&fields)
            .size(0xe0)
            .size(0x120)
            .uint(domain.chain_id)
            .address(&domain.contract)
            .bytes32(&B256::ZERO)
            .size(0x160);
        let told = head.append(&text(domain.name)).append(&text("1")).size(0);
        self.is("eip712Domain()", told)
    }

    fn role(mut self, role: &B256, account: Address, held: bool) -> Self {
        let arguments = Words::default().bytes32(role).address(&account);
        let expected = Words::default().uint(u8::from(held));
        // The timelock itself may give and take roles, but for the admin's, which nobody has.
        let governed = *role != B256::ZERO;
        self.ask("hasRole(bytes32,address)", arguments, expected, governed);
        self
    }
}

/// Lists every view of every contract.
pub(super) fn views(deployment: &Deployment) -> Result<Vec<View>, ChainError> {
    let tables = [
        token(deployment),
        escrow(deployment)?,
        rewards(deployment)?,
        policies(deployment)?,
        adjudicator(deployment),
        challenges(deployment),
        timelock(deployment),
        control(deployment),
    ];
    Ok(tables.into_iter().flat_map(|table| table.views).collect())
}

fn table(contract: &'static str, address: Address) -> Table {
    Table {
        contract,
        address,
        views: Vec::new(),
    }
}

fn token(deployment: &Deployment) -> Table {
    let (contracts, params) = (&deployment.contracts, &deployment.params);
    table("KMSToken", contracts.token.address)
        .number("cap()", params.cap.0)
        .number("decimals()", 18_u8)
        .names("minter()", contracts.rewards.address)
}

fn escrow(deployment: &Deployment) -> Result<Table, ChainError> {
    let (contracts, params) = (&deployment.contracts, &deployment.params);
    Ok(table("StakingEscrow", contracts.escrow.address)
        .names("token()", contracts.token.address)
        .names("rewards()", contracts.rewards.address)
        .names("adjudicator()", contracts.adjudicator.address)
        .names("challenges()", contracts.challenges.address)
        .names("control()", contracts.control.address)
        .number("genesisTime()", genesis_of(params)?)
        .number("periodSeconds()", params.period_seconds)
        .number("minLocked()", params.min_locked.0)
        .number("minLockPeriods()", params.min_lock_periods)
        .number("maxLockPeriods()", params.max_lock_periods)
        .number("workerCooldown()", params.worker_cooldown_periods)
        .number("evidencePeriods()", params.evidence_periods)
        .signs_in(&deployment.escrow_domain()))
}

fn rewards(deployment: &Deployment) -> Result<Table, ChainError> {
    let (contracts, params) = (&deployment.contracts, &deployment.params);
    let decay = reward::decay(params.half_life_seconds, params.period_seconds)?;
    Ok(table("MiningRewards", contracts.rewards.address)
        .names("token()", contracts.token.address)
        .names("escrow()", contracts.escrow.address)
        .names("adjudicator()", contracts.adjudicator.address)
        .names("challenges()", contracts.challenges.address)
        .number("genesisTime()", genesis_of(params)?)
        .number("periodSeconds()", params.period_seconds)
        .number("maxLeasePeriods()", params.max_lease_periods)
        .number("halfLifeSeconds()", params.half_life_seconds)
        .number("decay()", decay)
        .number("kappaEnabled()", u8::from(params.kappa_enabled))
        .number("kappaPeriods()", params.kappa_periods)
        .number("warmUpLocked()", params.warm_up_locked.0)
        .signs_in(&Domain::mining_rewards(
            deployment.chain_id,
            contracts.rewards.address,
        )))
}

fn policies(deployment: &Deployment) -> Result<Table, ChainError> {
    let (contracts, params) = (&deployment.contracts, &deployment.params);
    Ok(table("PolicyManager", contracts.policies.address)
        .names("token()", contracts.token.address)
        .names("escrow()", contracts.escrow.address)
        .names("rewards()", contracts.rewards.address)
        .names("control()", contracts.control.address)
        .number("genesisTime()", genesis_of(params)?)
        .number("periodSeconds()", params.period_seconds)
        .number("maxPolicyPeriods()", params.max_policy_periods)
        .signs_in(&Domain::policy_manager(
            deployment.chain_id,
            contracts.policies.address,
        )))
}

fn adjudicator(deployment: &Deployment) -> Table {
    let (contracts, params) = (&deployment.contracts, &deployment.params);
    table("Adjudicator", contracts.adjudicator.address)
        .names("policies()", contracts.policies.address)
        .names("escrow()", contracts.escrow.address)
        .names("rewards()", contracts.rewards.address)
        .names("control()", contracts.control.address)
        .number("graceSeconds()", params.penalty.grace_seconds)
        .number("evidencePeriods()", params.evidence_periods)
        .signs_in(&Domain::adjudicator(
            deployment.chain_id,
            contracts.adjudicator.address,
        ))
}

fn challenges(deployment: &Deployment) -> Table {
    let contracts = &deployment.contracts;
    table("SilenceChallenges", contracts.challenges.address)
        .names("token()", contracts.token.address)
        .names("escrow()", contracts.escrow.address)
        .names("rewards()", contracts.rewards.address)
        .names("policies()", contracts.policies.address)
        .names("control()", contracts.control.address)
        .signs_in(&Domain::silence_challenges(
            deployment.chain_id,
            contracts.challenges.address,
        ))
}

fn timelock(deployment: &Deployment) -> Table {
    let control = &deployment.params.control;
    let address = deployment.contracts.timelock.address;
    let delay = Words::default().uint(control.timelock_delay_seconds);
    let mut table = table("KMSTimelock", address)
        .is("minimumDelay()", delay.clone())
        .at_first("getMinDelay()", delay)
        .role(&B256::ZERO, address, true);
    let (propose, cancel) = (keccak256(b"PROPOSER_ROLE"), keccak256(b"CANCELLER_ROLE"));
    for proposer in &control.proposers {
        table = table
            .role(&propose, *proposer, true)
            .role(&cancel, *proposer, true)
            .role(&B256::ZERO, *proposer, false);
    }
    for executor in &control.executors {
        table = table
            .role(&keccak256(b"EXECUTOR_ROLE"), *executor, true)
            .role(&B256::ZERO, *executor, false);
    }
    table
}

fn control(deployment: &Deployment) -> Table {
    let (contracts, params) = (&deployment.contracts, &deployment.params);
    let guardian = params.control.guardian.unwrap_or(Address::ZERO);
    table("Control", contracts.control.address)
        .at_first("owner()", word(contracts.timelock.address))
        .at_first("guardian()", word(guardian))
        .names("escrow()", contracts.escrow.address)
        .names("rewards()", contracts.rewards.address)
        .names("policies()", contracts.policies.address)
        .names("adjudicator()", contracts.adjudicator.address)
        .names("challenges()", contracts.challenges.address)
        .number("maxPausePeriods()", params.control.max_pause_periods)
        .number("minWindowSeconds()", params.control.min_window_seconds)
        .number("maxWindowSeconds()", params.control.max_window_seconds)
        // Without the last word, `pausedThrough`, which the guardian sets.
        .at_first("penaltyTerms()", args::penalty(params))
        .at_first("challengeTerms()", args::challenge(params))
}
