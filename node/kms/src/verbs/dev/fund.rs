//! `kms dev fund`: sends tokens and ether on the local chain, from its first test account.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use kms_chain::{Call, Chain, Deployment, DirJournal, RpcConfig, Wallet, WalletOptions, devnet};
use kms_client::Home;
use kms_protocol::{Address, Amount, Wei};
use serde::Serialize;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::verbs::init::{deployment, endpoints};

const GIFT_KMS: u64 = 100_000;
const GIFT_ETH: u128 = 100;
/// Interval at which a transaction is looked for, in milliseconds.
const SEND_POLL_MS: u64 = 50;

/// Give an account on the local chain tokens and ether
///
/// Without amounts it gets 100,000 KMS and 100 ETH.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kms dev fund
  kms dev fund 0xAa... --kms \"1000 KMS\" --eth \"10 ETH\"
  kms dev fund 0xAa... --eth \"1 ETH\" --rpc http://127.0.0.1:9545")]
pub(crate) struct FundArgs {
    /// Address that receives them [default: this home's account]
    account: Option<Address>,
    /// Tokens, such as "1000 KMS"
    #[arg(long, value_name = "AMOUNT")]
    kms: Option<Amount>,
    /// Ether, such as "10 ETH"
    #[arg(long, value_name = "AMOUNT")]
    eth: Option<Wei>,
    /// The chain's endpoint [default: the home's, or that in the deployment file]
    #[arg(long, value_name = "URL")]
    rpc: Option<String>,
    /// The chain's deployment file, or `local` [default: the home's, or `local`]
    #[arg(long, value_name = "FILE|local")]
    network: Option<PathBuf>,
}

/// Amounts to send to one account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gift {
    pub(super) kms: Option<Amount>,
    pub(super) eth: Option<Wei>,
}

impl Gift {
    /// Enough to try everything.
    pub(crate) fn usual() -> Self {
        Self {
            kms: Amount::from_kms(GIFT_KMS),
            eth: Wei::ETH.checked_mul(GIFT_ETH),
        }
    }
}

#[derive(Serialize)]
struct FundReport {
    account: Address,
    kms: Amount,
    eth: Wei,
}

impl fmt::Display for FundReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has {} and {}", self.account, self.kms, self.eth)
    }
}

pub(super) async fn run(args: FundArgs, context: &Context) -> Outcome {
    let home = context.home().ok();
    let (deployment, rpc_urls) = network(&args, home.as_ref())?;
    if deployment.chain_id != devnet::CHAIN_ID {
        return Err(Failure::usage(
            "only the local chain has money to give away",
        ));
    }
    let account = args
        .account
        .or_else(|| home.as_ref().map(Home::wallet_address))
        .ok_or_else(|| Failure::usage("an ADDRESS is needed without a home"))?;
    let gift = match (args.kms, args.eth) {
        (None, None) => Gift::usual(),
        (kms, eth) => Gift { kms, eth },
    };
    let chain = Chain::connect(&RpcConfig::new(rpc_urls), deployment).await?;
    give(&chain, account, gift).await?;
    let kms = chain.token_balance(account).await?;
    let eth = chain.eth_balance(account).await?;
    context.out.emit(&FundReport { account, kms, eth })
}

/// The local chain and its endpoints: those named, else the home's, else the running one's.
fn network(args: &FundArgs, home: Option<&Home>) -> Outcome<(Deployment, Vec<String>)> {
    let config = home
        .map(Home::config)
        .filter(|config| args.network.is_none() && config.deployment.chain_id == devnet::CHAIN_ID);
    let (deployment, known) = match config {
        Some(config) => (config.deployment.clone(), config.rpc_urls.clone()),
        None => {
            let network = args.network.clone().unwrap_or_else(|| "local".into());
            (deployment(&network)?, Vec::new())
        }
    };
    let given: Vec<String> = args.rpc.iter().cloned().chain(known).take(1).collect();
    let rpc_urls = endpoints(given, &deployment)?;
    Ok((deployment, rpc_urls))
}

/// Gives the account of a new home on the local chain the usual gift.
pub(crate) async fn welcome(home: &Home) -> Outcome {
    let config = home.config();
    let rpc = RpcConfig::new(config.rpc_urls.clone());
    let chain = Chain::connect(&rpc, config.deployment.clone()).await?;
    give(&chain, home.wallet_address(), Gift::usual()).await
}

/// Sends from account 0 of the test mnemonic. One process at a time: the journal has a lock.
pub(super) async fn give(chain: &Chain, account: Address, gift: Gift) -> Outcome {
    let journal = DirJournal::open(&journal_dir(chain.deployment()))?;
    let secret = devnet::account(0)?;
    let options = WalletOptions {
        poll_ms: SEND_POLL_MS,
        ..WalletOptions::default()
    };
    let wallet = Wallet::new(chain.clone(), secret, journal, options);
    let tokens = gift.kms.map(|amount| Call::TransferToken {
        to: account,
        amount,
    });
    let ether = gift.eth.map(|wei| Call::TransferEth { to: account, wei });
    for call in tokens.into_iter().chain(ether) {
        wallet.send(&call, &mut |_| ()).await?;
    }
    Ok(wallet.acknowledge()?)
}

fn journal_dir(deployment: &Deployment) -> PathBuf {
    std::env::temp_dir().join(format!("kms-dev-{}", deployment.genesis_hash))
}

/// The transaction journal of `kms dev fund`, one per chain; removed when the chain ends.
pub(super) struct Journal(PathBuf);

impl Journal {
    pub(super) fn of(deployment: &Deployment) -> Self {
        Self(journal_dir(deployment))
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // The folder is missing if nothing was sent; a leftover does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::Journal;

    #[test]
    fn the_journal_goes_with_the_chain() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("kms-dev");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("1.json"), "{}").unwrap();
        drop(Journal(folder.clone()));
        assert!(!folder.exists());
        drop(Journal(folder));
    }
}
