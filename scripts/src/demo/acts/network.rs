//! Starts the chain, creates the miners, starts the nodes.

use std::thread;

use anyhow::{Context, Result, ensure};
use kms_chain::{Deployment, devnet};
use kms_kit::node::{Node, Place};
use kms_kit::process::free_port;
use kms_protocol::Amount;

use super::super::chain::ChainView;
use super::super::figures::short;
use super::super::show::{Miner, Network, PATIENCE, Person, STAKES_KMS, Show};

/// Process name of the chain.
pub(in super::super) const CHAIN: &str = "chain";

/// Lock of each miner in periods, longer than the demo.
const LOCK_PERIODS: &str = "1000";
/// Settings of a node that claims and collects in every period, so that the demo is short.
const IMPATIENT: [&str; 6] = [
    "--set",
    "claim_every_periods=1",
    "--set",
    "collect_every_periods=1",
    "--set",
    "fee_per_kms=1 ETH",
];
/// Ether sent to each worker, for gas.
const WORKER_ETHER: &str = "10 ETH";

/// Starts `kms dev`, which funds every person, and reads the deployment that it writes.
pub(in super::super) fn start_chain(show: &mut Show) -> Result<()> {
    let folder = show.stage.path("deployments");
    let file = folder.join(format!("{}.json", devnet::CHAIN_ID));
    let (port, folder) = (free_port().to_string(), folder.display().to_string());
    let mut args = vec!["dev", "--port", &port, "--deployments", &folder];
    let everybody: Vec<String> = show.everybody().map(|p| p.account.to_string()).collect();
    for account in &everybody {
        args.extend(["--fund", account]);
    }
    let mut command = show.alice.kms.command(&args);
    // From the root `kms dev` finds the anvil that scripts/setup installs.
    command.current_dir(crate::workspace::root());
    show.stage.start(CHAIN, command)?;
    let rpc = format!("http://127.0.0.1:{port}");
    let deployment = show.stage.wait("the contracts", CHAIN, PATIENCE, || {
        Ok(Deployment::load(&file).ok())
    })?;
    let view = ChainView::connect(&rpc, &deployment, show.runtime.handle())?;
    show.figures.period_seconds = view.period_seconds();
    show.tell(&format!(
        "chain {} at {rpc}, periods of {} s, contracts deployed",
        deployment.chain_id,
        view.period_seconds()
    ));
    show.set_network(Network {
        rpc,
        deployment_file: file,
        view,
    });
    Ok(())
}

/// In parallel, five owners create stakes and bond the workers of new nodes, and the owner of the
/// file and its reader create their homes.
pub(in super::super) fn stake(show: &mut Show) -> Result<()> {
    let shared: &Show = show;
    let miners: Result<Vec<Miner>> = thread::scope(|scope| {
        let homes = [&shared.alice, &shared.bob].map(|p| scope.spawn(move || init(shared, p)));
        let threads: Vec<_> = (0..)
            .zip(shared.owners.iter().zip(STAKES_KMS))
            .map(|(number, (owner, kms))| {
                scope.spawn(move || one_miner(shared, number, owner, kms))
            })
            .collect();
        for home in homes {
            joined(home.join())?;
        }
        threads
            .into_iter()
            .map(|thread| joined(thread.join()))
            .collect()
    });
    show.miners = miners?;
    Ok(())
}

/// The result of a thread; an error if it panicked.
pub(in super::super) fn joined<T>(result: thread::Result<Result<T>>) -> Result<T> {
    result.map_err(|_| anyhow::anyhow!("BUG: a thread panicked"))?
}

/// Creates the person's home with the funded account.
fn init(show: &Show, person: &Person) -> Result<()> {
    let network = show.network()?;
    let key = person.key_file.display().to_string();
    let own = ["--import-wallet", &key];
    let (file, rpc) = (&network.deployment_file, &network.rpc);
    let account = person.kms.init(file, rpc, &own);
    ensure!(
        account == person.account,
        "the home has another account than was imported"
    );
    Ok(())
}

fn one_miner(show: &Show, number: u32, owner: &Person, stake_kms: u32) -> Result<Miner> {
    let (name, kms) = (format!("node{}", number + 1), owner.kms.clone());
    init(show, owner)?;
    let data_dir = show.stage.path(&name);
    let node = Node::init(kms.clone(), &data_dir, &Place::free(), &IMPATIENT);
    let worker = node.worker.to_string();
    let stake = format!("{stake_kms} KMS");
    let lock = ["--amount", &stake, "--periods", LOCK_PERIODS];
    kms.json(&[&["stake", "create"], &lock[..]].concat())
        .success()?;
    let consent = node.consent.to_string();
    kms.json(&["worker", "bond", &consent]).success()?;
    let network = show.network()?;
    let deployment = network.deployment_file.display().to_string();
    let purse = [
        "--eth",
        WORKER_ETHER,
        "--rpc",
        &network.rpc,
        "--network",
        &deployment,
    ];
    kms.json(&[&["dev", "fund", &worker], &purse[..]].concat())
        .success()?;
    let status = kms.json(&["stake", "status"]).success()?;
    let locked = status.amount("locked");
    let expected: Amount = stake.parse().context("BUG: a stake that is no amount")?;
    ensure!(
        locked == expected,
        "{name}: {locked} locked instead of {expected}"
    );
    let account = owner.account;
    let left = network.view.balance(account)?;
    show.tell(&format!(
        "miner {} locked {locked}, worker {}",
        short(&account),
        short(&node.worker)
    ));
    Ok(Miner {
        name,
        kms,
        owner: account,
        node,
        stake: locked,
        left,
    })
}

/// Starts every node and waits until each is ready and active in the current period.
pub(in super::super) fn start_nodes(show: &mut Show) -> Result<()> {
    for miner in &show.miners {
        start(show, miner)?;
    }
    for miner in &show.miners {
        wait_ready(show, miner)?;
    }
    let view = &show.network()?.view;
    for miner in &show.miners {
        let what = format!("the first confirmed period of {}", miner.name);
        let period = show.stage.wait(&what, &miner.name, PATIENCE, || {
            let period = view.period()?;
            Ok(view.is_active(miner.owner, period)?.then_some(period))
        })?;
        show.tell(&format!(
            "{} at {} is active in period {period}",
            miner.name, miner.node.url
        ));
    }
    Ok(())
}

pub(in super::super) fn start(show: &Show, miner: &Miner) -> Result<()> {
    show.stage.start(&miner.name, miner.node.command())
}

/// Waits until `/readyz` of a node says that it is ready.
pub(in super::super) fn wait_ready(show: &Show, miner: &Miner) -> Result<()> {
    let what = format!("{} to be ready", miner.name);
    show.stage.wait(&what, &miner.name, PATIENCE, || {
        let ready = show.runtime.block_on(miner.node.is_ready());
        Ok(ready.then_some(()))
    })
}
