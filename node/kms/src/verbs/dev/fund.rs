//! `kms dev fund`: sends tokens and ether on the local chain, from its first test account.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use kms_chain::{Call, Chain, Deployment, DirJournal, RpcConfig, Wallet, WalletOptions, devnet};
use kms_protocol::{Address, Amount, Wei};
use serde::Serialize;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::verbs::init::{LOCAL_RPC_URL, deployment};

/// Give an account on the local chain tokens and ether
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kms dev fund 0xAa... --kms \"1000 KMS\" --eth \"10 ETH\"
  kms dev fund 0xAa... --eth \"1 ETH\" --rpc http://127.0.0.1:9545")]
pub(super) struct FundArgs {
    /// Address that receives them
    account: Address,
    /// Tokens, such as "1000 KMS"
    #[arg(long, value_name = "AMOUNT", required_unless_present = "eth")]
    kms: Option<Amount>,
    /// Ether, such as "10 ETH"
    #[arg(long, value_name = "AMOUNT")]
    eth: Option<Wei>,
    /// The chain's endpoint
    #[arg(long, value_name = "URL", default_value = LOCAL_RPC_URL)]
    rpc: String,
    /// The chain's deployment file, or `local`
    #[arg(long, value_name = "FILE|local", default_value = "local")]
    network: PathBuf,
}

/// Amounts to send to one account.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gift {
    pub(super) kms: Option<Amount>,
    pub(super) eth: Option<Wei>,
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
    let deployment = deployment(&args.network)?;
    if deployment.chain_id != devnet::CHAIN_ID {
        return Err(Failure::usage(
            "only the local chain has money to give away",
        ));
    }
    let chain = Chain::connect(&RpcConfig::new(vec![args.rpc]), deployment).await?;
    give(
        &chain,
        args.account,
        Gift {
            kms: args.kms,
            eth: args.eth,
        },
    )
    .await?;
    let kms = chain.token_balance(args.account).await?;
    let eth = chain.eth_balance(args.account).await?;
    context.out.emit(&FundReport {
        account: args.account,
        kms,
        eth,
    })
}

/// Sends from account 0 of the test mnemonic. One process at a time: the journal has a lock.
pub(super) async fn give(chain: &Chain, account: Address, gift: Gift) -> Outcome {
    let journal = DirJournal::open(&journal_dir(chain.deployment()))?;
    let secret = devnet::account(0)?;
    let wallet = Wallet::new(chain.clone(), secret, journal, WalletOptions::default());
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
