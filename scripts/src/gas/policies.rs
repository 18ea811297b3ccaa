//! Measures the transactions of authors, sponsors and miners about policies.

use anyhow::{Context, Result};
use kms_chain::{Call, Collection};
use kms_protocol::eip712::{Domain, Revocation, StructHasher, TypedData};
use kms_protocol::messages::Delivery;
use kms_protocol::{Address, Amount, B256, Period, Terms, keccak256};

use super::abi::{self, Abi, address, uint};
use super::bench::{Bench, Miner, To, kms, verifier};

/// Measured numbers of miners of a policy.
pub(super) const MINER_COUNTS: [usize; 4] = [1, 3, 10, 30];
/// Measured lengths of a policy of three miners, in periods.
pub(super) const LENGTHS: [u32; 3] = [7, 30, 365];
/// Measured lengths of the memo of a policy of three miners, in bytes.
pub(super) const MEMOS: [usize; 4] = [0, 64, 128, 256];

fn function(name: &str, more: &str) -> String {
    format!("{name}({}{more})", abi::TERMS)
}

/// Creates a policy by allowance, without a memo, and returns the gas.
pub(super) async fn create(bench: &Bench, terms: &Terms) -> Result<u64> {
    create_with(bench, terms, 0).await
}

/// The same with a memo of so many bytes, none of them zero.
async fn create_with(bench: &Bench, terms: &Terms, memo: usize) -> Result<u64> {
    let signature = function("createPolicy", ",bytes");
    bench
        .invoke(
            terms.sponsor,
            To::Policies,
            &signature,
            &[abi::terms(terms), Abi::Bytes(vec![0xff; memo])],
        )
        .await
}

/// Approves a finite allowance, which is counted down, unlike an unlimited one.
pub(super) async fn allow(bench: &Bench) -> Result<()> {
    let policies = bench.deployment.contracts.policies.address;
    let arguments = [address(policies), uint(1_u128 << 90)];
    bench
        .invoke(
            bench.holder,
            To::Token,
            "approve(address,uint256)",
            &arguments,
        )
        .await?;
    Ok(())
}

fn first(miners: &[Miner], count: usize) -> Result<&[Miner]> {
    miners.get(..count).context("too few miners")
}

/// Measures policies of 1 to 30 miners from creation to revocation. The miners are active in the
/// first periods only, so that a refund is due to the sponsor.
pub(super) async fn lives(bench: &mut Bench, miners: &[Miner]) -> Result<()> {
    allow(bench).await?;
    bench.confirm_all(miners).await?;
    create(bench, &bench.terms(miners, 30, "warm up")?).await?;
    let mut policies = Vec::new();
    for count in MINER_COUNTS {
        let terms = bench.terms(first(miners, count)?, 30, "by allowance")?;
        let gas = create(bench, &terms).await?;
        bench.note(format!("create_{count}"), gas, 1);
        policies.push(terms);
        let terms = bench.terms(first(miners, count)?, 30, "in one transaction")?;
        let call = Call::CreatePolicyViaTransfer {
            terms: terms.clone(),
            memo: Vec::new(),
        };
        let gas = bench.send(bench.holder, &call).await?;
        bench.note(format!("create_one_tx_{count}"), gas, 1);
    }
    for length in LENGTHS {
        let terms = bench.terms(first(miners, 3)?, length, "by length")?;
        let gas = create(bench, &terms).await?;
        bench.note(format!("create_3_periods_{length}"), gas, 1);
    }
    for length in MEMOS {
        let terms = bench.terms(first(miners, 3)?, 30, &format!("memo of {length}"))?;
        let gas = create_with(bench, &terms, length).await?;
        bench.note(format!("create_3_memo_{length}"), gas, 1);
    }
    bench.skip(20).await?;
    bench.roll().await?;
    for terms in policies {
        let count = terms.miners.len();
        let call = Call::RefundPolicy {
            terms: terms.clone(),
        };
        let gas = bench.send(bench.holder, &call).await?;
        bench.note(format!("refund_{count}"), gas, 1);
        let gas = bench
            .send(bench.holder, &Call::RevokePolicy { terms })
            .await?;
        bench.note(format!("revoke_{count}"), gas, 1);
    }
    Ok(())
}

/// Measures a revocation that the author signs and another account sends, and an extension.
pub(super) async fn wishes(bench: &mut Bench, miners: &[Miner]) -> Result<()> {
    let mut terms = bench.terms(first(miners, 3)?, 30, "wishes")?;
    let author = Miner::new(9_100)?.worker;
    terms.author = author.address();
    create(bench, &terms).await?;
    bench.fund(terms.author, 1_000).await?;
    let policies = bench.deployment.contracts.policies.address;
    let call = Call::ExtendPolicyViaTransfer {
        terms: terms.clone(),
        last_period: Period(terms.last_period.0 + 30),
        without: Vec::new(),
        price: Amount(terms.rate.0 * 3 * 30),
    };
    let gas = bench.send(terms.author, &call).await?;
    bench.note("extend_3", gas, 1);
    let (chain_id, deadline) = (bench.deployment.chain_id, u64::from(u32::MAX));
    let revocation = Revocation {
        policy_id: terms.id(chain_id, &policies),
        deadline,
    };
    let signature = revocation.sign(&Domain::policy_manager(chain_id, policies), &author);
    let arguments = [
        abi::terms(&terms),
        uint(deadline),
        Abi::Bytes(signature.as_bytes().to_vec()),
    ];
    let function = function("revokePolicyWithSignature", ",uint256,bytes");
    let gas = bench
        .invoke(bench.holder, To::Policies, &function, &arguments)
        .await?;
    bench.note("revoke_relayed_3", gas, 1);
    Ok(())
}

/// Measures ten creations in one transaction, of three miners each, and creations with a quote of
/// each miner below its posted rate.
pub(super) async fn batches(bench: &mut Bench, miners: &[Miner]) -> Result<()> {
    let three = first(miners, 3)?;
    let (mut list, mut memos) = (Vec::new(), Vec::new());
    for number in 0..10 {
        let terms = bench.terms(three, 30, &format!("in a batch {number}"))?;
        list.push(abi::terms(&terms));
        memos.push(Abi::Bytes(Vec::new()));
    }
    let function = format!("createPolicies({}[],bytes[])", abi::TERMS);
    let arguments = [Abi::List(list), Abi::List(memos)];
    let gas = bench
        .invoke(bench.holder, To::Policies, &function, &arguments)
        .await?;
    bench.note("create_batch_10", gas, 10);
    let posted = kms(2)?;
    for miner in three {
        let rate = [uint(posted.0)];
        let worker = miner.worker.address();
        bench
            .invoke(worker, To::Escrow, "setMinRate(uint96)", &rate)
            .await?;
    }
    let terms = bench.terms(three, 30, "by quotes")?;
    let mut quotes = Vec::new();
    for owner in &terms.miners {
        let miner = three.iter().find(|miner| miner.owner == *owner);
        quotes.push(quote(bench, miner.context("no such miner")?, terms.rate));
    }
    let function = format!("createPolicyWithQuotes({},bytes,{QUOTE}[])", abi::TERMS);
    let arguments = [
        abi::terms(&terms),
        Abi::Bytes(Vec::new()),
        Abi::List(quotes),
    ];
    let gas = bench
        .invoke(bench.holder, To::Policies, &function, &arguments)
        .await?;
    bench.note("create_quotes_3", gas, 1);
    for miner in three {
        let worker = miner.worker.address();
        bench
            .invoke(worker, To::Escrow, "setMinRate(uint96)", &[uint(0_u32)])
            .await?;
    }
    Ok(())
}

const QUOTE: &str = "(address,uint96,uint32,uint64,uint32,bytes32,uint32,bytes)";

/// The struct `IPolicyManager.Quote`, which a worker signs to serve below the posted rate.
struct Quote {
    miner: Address,
    rate: Amount,
    periods: u32,
    valid_until: u64,
    capacity: u32,
    salt: B256,
}

impl TypedData for Quote {
    const TYPE: &'static str = "Quote(address miner,address taker,uint96 rate,uint32 maxPeriods,\
        uint64 validUntil,uint32 capacity,bytes32 salt)";

    fn encode_fields(&self, hasher: StructHasher) -> StructHasher {
        hasher
            .address(&self.miner)
            .address(&Address::ZERO)
            .uint(self.rate.0)
            .uint(self.periods)
            .uint(self.valid_until)
            .uint(self.capacity)
            .bytes32(&self.salt)
    }
}

fn quote(bench: &Bench, miner: &Miner, rate: Amount) -> Abi {
    let quote = Quote {
        miner: miner.owner,
        rate,
        periods: 30,
        valid_until: u64::from(u32::MAX),
        capacity: 1,
        salt: keccak256(b"quote"),
    };
    let contract = bench.deployment.contracts.policies.address;
    let domain = Domain::policy_manager(bench.deployment.chain_id, contract);
    let signature = quote.sign(&domain, &miner.worker);
    Abi::Tuple(vec![
        address(Address::ZERO),
        uint(quote.rate.0),
        uint(quote.periods),
        uint(quote.valid_until),
        uint(quote.capacity),
        abi::bytes32(quote.salt),
        uint(0_u32),
        Abi::Bytes(signature.as_bytes().to_vec()),
    ])
}

/// Measures the revocation of one arrangement.
pub(super) async fn arrangements(bench: &mut Bench, miners: &[Miner]) -> Result<()> {
    for count in [3, 30] {
        let terms = bench.terms(first(miners, count)?, 30, "one is taken out")?;
        create(bench, &terms).await?;
        bench.skip(1).await?;
        bench.roll().await?;
        let out = *terms.miners.first().context("no miner")?;
        let call = Call::RevokeArrangement { terms, miner: out };
        let gas = bench.send(bench.holder, &call).await?;
        bench.note(format!("revoke_arrangement_{count}"), gas, 1);
    }
    Ok(())
}

/// Measures collections from one policy, from twenty at once, and from the same ones again.
pub(super) async fn collections(bench: &mut Bench, miners: &[Miner]) -> Result<()> {
    let three = first(miners, 3)?;
    let miner = three.first().context("no miner")?.owner;
    let mut policies = Vec::new();
    for number in 0..20 {
        policies.push(bench.terms(three, 200, &format!("collected {number}"))?);
    }
    let single = bench.terms(three, 200, "collected alone")?;
    let large = bench.terms(first(miners, 30)?, 200, "collected by the last")?;
    for terms in policies.iter().chain([&single, &large]) {
        create(bench, terms).await?;
    }
    let last = *large.miners.last().context("no miner")?;
    // A balance above zero, as of any account that was paid before.
    bench.fund(miner, 1).await?;
    bench.fund(last, 1).await?;
    for again in ["", "_again"] {
        // The next lease begins where the last one ends, without a gap.
        bench.confirm_all(miners).await?;
        bench
            .skip(bench.deployment.params.max_lease_periods)
            .await?;
        bench.roll().await?;
        let first = again.is_empty();
        let gas = collect(bench, std::slice::from_ref(&single), miner, first).await?;
        bench.note(format!("collect_1{again}"), gas, 1);
        let gas = collect(bench, &policies, miner, first).await?;
        bench.note(format!("collect_20{again}"), gas, 20);
        let gas = collect(bench, std::slice::from_ref(&large), last, first).await?;
        bench.note(format!("collect_1_as_30th_of_30{again}"), gas, 1);
    }
    Ok(())
}

/// Collects; the `first` time from these policies with the proofs of delivery.
async fn collect(bench: &Bench, terms: &[Terms], miner: Address, first: bool) -> Result<u64> {
    let verifier = verifier()?;
    let contract = bench.deployment.contracts.policies.address;
    let domain = Domain::node(bench.deployment.chain_id, contract);
    let collection = |terms: &Terms| {
        let id = terms.id(domain.chain_id, &contract);
        let word = Delivery::unsigned(terms.first_period);
        Collection {
            terms: terms.clone(),
            delivery: first.then(|| word.signed(&domain, id, miner, &verifier)),
        }
    };
    let policies = terms.iter().map(collection).collect();
    bench.send(miner, &Call::Collect { policies, miner }).await
}

/// Measures refunds to the sponsor by the number of gaps in each miner's activity.
pub(super) async fn gaps(bench: &mut Bench, miners: &[Miner]) -> Result<()> {
    for (count, gaps) in [(3, 20), (1, 200)] {
        let miners = first(miners, count)?;
        let terms = bench.terms(miners, 700, &format!("{gaps} gaps"))?;
        create(bench, &terms).await?;
        for _ in 0..gaps {
            for miner in miners {
                bench.confirm(miner, Period(bench.period.0 + 1)).await?;
            }
            bench.skip(3).await?;
        }
        bench.roll().await?;
        let gas = bench
            .send(bench.holder, &Call::RefundPolicy { terms })
            .await?;
        bench.note(format!("refund_{count}_with_{gaps}_gaps"), gas, 1);
    }
    Ok(())
}
