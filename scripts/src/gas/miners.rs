//! Measures the transactions of miners: deposits, confirmations, claims. Others are active and have
//! opened the period, unless the operation's name says otherwise.

use anyhow::{Result, ensure};
use kms_chain::Call;
use kms_protocol::Period;
use kms_protocol::eip712::{ActivityConfirmation, Domain, TypedData as _};

use super::abi::{Abi, address, uint};
use super::bench::{Bench, LOCK_PERIODS, Miner, STAKE_KMS, To, kms};

/// Measured numbers of active periods between two claims.
pub(super) const CLAIM_PERIODS: [u32; 4] = [1, 30, 365, 5_000];
/// Measured numbers of periods in which no miner is active.
pub(super) const SKIPPED_PERIODS: [u32; 4] = [1, 30, 365, 5_000];
/// Number of miners of the large network.
pub(super) const MANY_MINERS: u32 = 1_000;

/// Measures the life of a stake, from deposit to withdrawal.
pub(super) async fn stakes(bench: &mut Bench) -> Result<()> {
    bench.enlist(9_000).await?;
    let (one, other) = (Miner::new(9_001)?, Miner::new(9_002)?);
    let amount = kms(20_000)?;
    let lock_periods = LOCK_PERIODS;
    let deposit = Call::DepositViaTransfer {
        amount,
        lock_periods,
    };
    for owner in [one.owner, other.owner] {
        bench.fund(owner, 50_000).await?;
    }
    let gas = bench.send(one.owner, &deposit).await?;
    bench.note("deposit_one_tx", gas, 1);
    let gas = bench.send(one.owner, &deposit).await?;
    bench.note("deposit_one_tx_again", gas, 1);

    let escrow = bench.deployment.contracts.escrow.address;
    let approve = [address(escrow), uint(amount.0 * 4)];
    let gas = bench
        .invoke(other.owner, To::Token, "approve(address,uint256)", &approve)
        .await?;
    bench.note("approve", gas, 1);
    let arguments = [uint(amount.0), uint(lock_periods)];
    for operation in ["deposit", "deposit_again"] {
        let gas = bench
            .invoke(
                other.owner,
                To::Escrow,
                "deposit(uint96,uint32)",
                &arguments,
            )
            .await?;
        bench.note(operation, gas, 1);
    }
    let consent = bench.consent(&one);
    let calls = [
        ("bond_worker", Call::BondWorker { consent }),
        (
            "register_node",
            Call::RegisterNode {
                url: "https://node.example:8443".to_owned(),
            },
        ),
        ("set_min_rate", Call::SetMinRate { rate: amount }),
        (
            "extend_lock",
            Call::ExtendLock {
                lock_periods: lock_periods + 1,
            },
        ),
        ("set_wind_down", Call::SetWindDown { enabled: true }),
        (
            "unbond",
            Call::Unbond {
                amount: kms(5_000)?,
            },
        ),
    ];
    for (operation, call) in calls {
        let gas = bench.send(one.owner, &call).await?;
        bench.note(operation, gas, 1);
    }
    bench.skip(lock_periods + 3).await?;
    let recipient = one.owner;
    let gas = bench.send(one.owner, &Call::Withdraw { recipient }).await?;
    bench.note("withdraw", gas, 1);
    Ok(())
}

/// Measures confirmations of a full lease, sent by the worker.
pub(super) async fn confirmations(bench: &mut Bench, miners: &[Miner]) -> Result<()> {
    let Some((measured, others)) = miners.split_last() else {
        return Ok(());
    };
    bench.confirm_all(others).await?;
    let gas = bench.confirm(measured, bench.lease_end()).await?;
    bench.note("confirm_first_ever", gas, 1);
    let lease = bench.deployment.params.max_lease_periods;
    bench.skip(lease).await?;
    bench.confirm_all(others).await?;
    let gas = bench.confirm(measured, bench.lease_end()).await?;
    bench.note("confirm_lease", gas, 1);
    bench.note("confirm_lease_per_period", gas, u64::from(lease));
    for (operation, alone) in [
        ("confirm_first_of_period", 1),
        ("confirm_rolling_a_lease", lease),
    ] {
        bench.skip(lease - alone).await?;
        bench.roll().await?;
        bench.skip(alone).await?;
        let gas = bench.confirm(measured, bench.lease_end()).await?;
        bench.note(operation, gas, 1);
        bench.confirm_all(others).await?;
    }
    Ok(())
}

/// Measures confirmations that workers sign and another account sends, several per transaction.
pub(super) async fn relayed(bench: &mut Bench, miners: &[Miner]) -> Result<()> {
    let lease = bench.deployment.params.max_lease_periods;
    for count in [1_usize, 10, 40] {
        bench.skip(lease).await?;
        bench.roll().await?;
        let (batch, rest) = miners.split_at(count.min(miners.len()));
        bench.confirm_all(rest).await?;
        let rewards = bench.deployment.contracts.rewards.address;
        let domain = Domain::mining_rewards(bench.deployment.chain_id, rewards);
        let signed = batch.iter().map(|miner| {
            let message = ActivityConfirmation {
                miner: miner.owner,
                through_period: bench.lease_end(),
                valid_period: bench.period,
            };
            let signature = message.sign(&domain, &miner.worker);
            Abi::Tuple(vec![
                address(miner.owner),
                uint(message.through_period.0),
                uint(message.valid_period.0),
                Abi::Bytes(signature.as_bytes().to_vec()),
            ])
        });
        let arguments = [Abi::List(signed.collect())];
        let signature = "confirmActivityBatch((address,uint32,uint32,bytes)[])";
        let gas = bench
            .invoke(bench.holder, To::Rewards, signature, &arguments)
            .await?;
        bench.note(
            format!("confirm_relayed_{count}"),
            gas,
            u64::try_from(count)?,
        );
    }
    Ok(())
}

/// Measures claims after different numbers of active periods.
pub(super) async fn claims(bench: &mut Bench, miners: &[Miner]) -> Result<()> {
    let Some((miner, others)) = miners.split_last() else {
        return Ok(());
    };
    let claim = Call::Claim { miner: miner.owner };
    bench.skip(1).await?;
    bench.roll().await?;
    let gas = bench.send(miner.owner, &claim).await?;
    bench.note("claim_first_ever", gas, 1);
    // Lets the lease end, so that the counts below are exact.
    bench
        .skip(bench.deployment.params.max_lease_periods)
        .await?;
    bench.send(miner.owner, &claim).await?;
    for periods in CLAIM_PERIODS {
        let mut left = periods;
        while left > 0 {
            let step = left.min(bench.deployment.params.max_lease_periods);
            bench.confirm(miner, Period(bench.period.0 + step)).await?;
            left -= step;
            if left == 0 {
                bench.confirm_all(others).await?;
            }
            bench.skip(step).await?;
        }
        bench.skip(1).await?;
        bench.roll().await?;
        let gas = bench.send(miner.owner, &claim).await?;
        bench.note(format!("claim_{periods}"), gas, 1);
    }
    Ok(())
}

/// Measures the first and the second confirmation after k periods without any. Two entries of a
/// miner's history lie in one slot, so each figure is the larger of two gaps in a row.
pub(super) async fn gaps(bench: &mut Bench, miners: &[Miner]) -> Result<()> {
    let [.., first, other] = miners else {
        return Ok(());
    };
    // Both have claimed, so that each gap settles a reward into an empty slot.
    for miner in [first.owner, other.owner] {
        bench.send(miner, &Call::Claim { miner }).await?;
    }
    for skipped in SKIPPED_PERIODS {
        let mut dearest = [0; 3];
        for _ in 0..2 {
            bench.skip(1).await?;
            bench.confirm_all(miners).await?;
            bench
                .skip(bench.deployment.params.max_lease_periods + skipped)
                .await?;
            let waking = bench.confirm(first, bench.lease_end()).await?;
            let back = bench.confirm(other, bench.lease_end()).await?;
            let claim = bench
                .send(other.owner, &Call::Claim { miner: other.owner })
                .await?;
            bench
                .send(first.owner, &Call::Claim { miner: first.owner })
                .await?;
            for (dearest, gas) in dearest.iter_mut().zip([waking, back, claim]) {
                *dearest = gas.max(*dearest);
            }
        }
        let operations = [
            "confirm_waking_network_after",
            "confirm_after",
            "claim_after",
        ];
        for (operation, gas) in operations.into_iter().zip(dearest) {
            bench.note(format!("{operation}_{skipped}_skipped"), gas, 1);
        }
    }
    Ok(())
}

/// Measures the transactions of one miner among a thousand.
pub(super) async fn crowd(bench: &mut Bench, miners: &[Miner]) -> Result<()> {
    let (Some(miner), Some(other)) = (miners.first(), miners.last()) else {
        return Ok(());
    };
    bench.skip(1).await?;
    let known = u32::try_from(miners.len())?;
    let newcomers = (known..MANY_MINERS)
        .map(Miner::new)
        .collect::<Result<Vec<_>>>()?;
    enlist_together(bench, &newcomers).await?;
    bench.confirm_all(miners).await?;
    bench
        .skip(bench.deployment.params.max_lease_periods)
        .await?;
    bench.confirm(other, bench.lease_end()).await?;
    let active = bench.active_tokens().await?;
    let expected = kms(STAKE_KMS * u64::from(MANY_MINERS))?;
    ensure!(active == expected, "{active} are active, not {expected}");
    let gas = bench.confirm(miner, bench.lease_end()).await?;
    bench.note(format!("confirm_among_{MANY_MINERS}"), gas, 1);
    // The first pass settles earlier leases, the second measures the lease alone.
    let mut gas = 0;
    for wait in [1, bench.deployment.params.max_lease_periods] {
        bench.skip(wait).await?;
        bench.roll().await?;
        let claim = Call::Claim { miner: miner.owner };
        gas = bench.send(miner.owner, &claim).await?;
    }
    bench.note(format!("claim_among_{MANY_MINERS}"), gas, 1);
    let terms = bench.terms(miners.get(..3).unwrap_or(miners), 30, "among many")?;
    let gas = super::policies::create(bench, &terms).await?;
    bench.note(format!("create_3_among_{MANY_MINERS}"), gas, 1);
    Ok(())
}

/// Creates many miners with stake, worker and lease, without measuring.
async fn enlist_together(bench: &Bench, miners: &[Miner]) -> Result<()> {
    let (amount, through) = (kms(STAKE_KMS)?, bench.lease_end());
    let transfers: Vec<_> = miners
        .iter()
        .map(|miner| {
            let to = miner.owner;
            (bench.holder, Call::TransferToken { to, amount })
        })
        .collect();
    let deposits = miners.iter().map(|miner| {
        let lock_periods = LOCK_PERIODS;
        let call = Call::DepositViaTransfer {
            amount,
            lock_periods,
        };
        (miner.owner, call)
    });
    let bonds = miners.iter().map(|miner| {
        let consent = bench.consent(miner);
        (miner.owner, Call::BondWorker { consent })
    });
    let leases: Vec<_> = miners
        .iter()
        .map(|miner| (miner.worker.address(), Call::ConfirmActivity { through }))
        .collect();
    bench.send_together(&transfers).await?;
    bench
        .send_together(&deposits.chain(bonds).collect::<Vec<_>>())
        .await?;
    bench.send_together(&leases).await
}
