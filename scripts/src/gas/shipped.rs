//! What a node as shipped spends: a node process with the settings that it comes with, under the
//! main network's parameters, with one policy, over 60 periods. Counted are the receipts of all
//! its transactions, its registration among them, in a network of others and alone.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use kms_chain::devnet::Mining;
use kms_chain::{Call, DeployParams};
use kms_kit::kms::Kms;
use kms_kit::net::Net;
use kms_kit::node::{Node, Place};
use kms_kit::wait::until;
use kms_protocol::{Address, EthSecret, Period};
use serde_json::{Value, json};

use super::bench::{MAINNET, Measured, quantity};

/// Periods that are counted; the policy ends one before the last.
const PERIODS: u32 = 60;
/// Stake of each miner in whole KMS.
const STAKE_KMS: u64 = 20_000;

/// Whether others confirm too, and so book the periods before the node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Company {
    Others,
    Nobody,
}

/// Measures a node in company and one alone, side by side.
pub(super) async fn nodes() -> Result<Vec<Measured>> {
    let (among, alone) = tokio::try_join!(spent(Company::Others), spent(Company::Nobody))?;
    let figure = |operation: &str, gas: u64| Measured {
        operation: operation.to_owned(),
        gas: gas.div_ceil(u64::from(PERIODS)),
    };
    Ok(vec![
        figure("as_shipped_per_period", among),
        figure("as_shipped_alone_per_period", alone),
    ])
}

/// The gas of all transactions of a node over the periods.
async fn spent(company: Company) -> Result<u64> {
    let dir = tempfile::tempdir()?;
    let net = Net::start(dir.path(), Mining::Auto, &DeployParams::from_toml(MAINNET)?).await;
    let (owner, other) = (net.account(1).await, net.account(1).await);
    let rival = EthSecret::random()?;
    let consent = net.consent(&rival, other.address());
    net.stake(&other, STAKE_KMS, consent).await;
    let node = start(&net, dir.path(), &owner).await?;
    net.stake(&owner, STAKE_KMS, node.consent).await;
    rest(&net, &node).await;
    grant(&net, dir.path()).await?;
    for _ in 0..PERIODS {
        net.pass_periods(1).await;
        if company == Company::Others {
            let through = Period(net.period().await.0 + lease(&net));
            net.send(&rival, Call::ConfirmActivity { through }).await;
        }
        rest(&net, &node).await;
        let leased = net.chain.lease_of(owner.address()).await?.through;
        ensure!(leased > Some(net.period().await), "the lease ran out");
    }
    let gas = gas_of(&net, node.worker).await?;
    let active = net
        .chain
        .active_periods(owner.address(), Period(2), Period(PERIODS))
        .await?;
    ensure!(
        active == PERIODS - 1,
        "active in {active} of {PERIODS} periods"
    );
    Ok(gas)
}

fn lease(net: &Net) -> u32 {
    net.deployment.params.max_lease_periods
}

/// A node of `owner` as `kms node init` makes it.
async fn start(net: &Net, dir: &Path, owner: &EthSecret) -> Result<Node> {
    let (miner, network) = (owner.address().to_string(), &net.deployment_file);
    let network = network.display().to_string();
    let args = [
        "--network",
        &network,
        "--rpc",
        &net.rpc_url,
        "--miner",
        &miner,
    ];
    let kms = Kms::at(&dir.join("home"));
    let node = Node::init(kms, &dir.join("node"), &Place::free(), &args);
    node.start();
    node.ready().await;
    Ok(node)
}

/// An owner grants a file to a reader, by the one miner, for all periods.
async fn grant(net: &Net, dir: &Path) -> Result<()> {
    let person = |name: &str| {
        let person = Kms::at(&dir.join(name));
        let wallet = person.init(&net.deployment_file, &net.rpc_url, &[]);
        (person, wallet)
    };
    let ((alice, purse), (bob, _)) = (person("alice"), person("bob"));
    net.fund(purse, 1_000).await;
    alice.run(&["label", "new", "things"]).success()?;
    let card = bob.json(&["card", "make", "--name", "bob"]).success()?;
    alice.run(&["card", "add", &card.text("card")]).success()?;
    let periods = (PERIODS - 1).to_string();
    let terms = [
        "--threshold",
        "1/1",
        "--periods",
        &periods,
        "--rate",
        "1 KMS",
    ];
    let grant = [&["grant", "things", "--to", "bob"], &terms[..]].concat();
    alice.json(&grant).success()?;
    Ok(())
}

/// Mines blocks until the node has decided as of the newest one and has nothing under way.
async fn rest(net: &Net, node: &Node) {
    until("the node to have done its duties", async || {
        net.mine(1).await;
        let head = net.head().await.number;
        node.decides(head).await;
        (node.gauge("kms_tx_open_intents").await == 0.0).then_some(())
    })
    .await;
}

/// Sum of the gas of an account's transactions, from their receipts.
async fn gas_of(net: &Net, account: Address) -> Result<u64> {
    let rpc = net.devnet.rpc();
    let mut gas = 0;
    for number in net.deployment.block..=net.head().await.number {
        let params = json!([format!("{number:#x}"), true]);
        let block = rpc.request::<_, Value>("eth_getBlockByNumber", &params);
        let block = block.await?;
        let mined = block.get("transactions").and_then(Value::as_array);
        for transaction in mined.context("a block without transactions")? {
            let from = transaction.get("from").and_then(Value::as_str);
            if from.and_then(|from| from.parse().ok()) != Some(account) {
                continue;
            }
            let params = json!([transaction.get("hash")]);
            let receipt = rpc.request::<_, Value>("eth_getTransactionReceipt", &params);
            gas += quantity(&receipt.await?, "gasUsed")?;
        }
    }
    Ok(gas)
}
