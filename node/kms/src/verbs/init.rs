//! `kms init`: creates a home.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use kms_chain::{Deployment, devnet};
use kms_client::{Home, InitOptions, Role, Seed, SeedSource, WalletSource};
use kms_protocol::{Address, EthSecret};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::sink::read_secret;
use crate::verbs::dev::fund;

/// The network that `kms dev` runs.
const LOCAL: &str = "local";

/// Make a home: keys, settings, and the contracts to work with
///
/// Draws a seed, from which every key is derived: label keys, reader keys, and the account that
/// pays. The seed is kept encrypted under a passphrase of at least 8 characters. Its backup
/// (`kms key backup`), 24 words, is enough to restore all of it, to open every file made for its
/// labels, whose names are sealed in the files, and to revoke every grant. The fingerprint that is
/// printed tells one seed from another: a restored home shows the same one.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kms init --network local
  kms init --network deployments/1.json --rpc https://rpc.example
  kms init --network local --import-seed seed.txt       restore from a backup
  kms init --network local --reader-only                for a machine that only reads
  KMS_PASSPHRASE_FILE=pass.txt kms --home /srv/alice init --network local")]
pub(crate) struct InitArgs {
    /// The deployment file of the network, or `local` for the one `kms dev` wrote: its chain gives
    /// the account money
    #[arg(long, value_name = "FILE|local", default_value = "local")]
    network: PathBuf,
    /// JSON-RPC endpoint; several are tried in order [default: those in the deployment file]
    #[arg(long, value_name = "URL")]
    rpc: Vec<String>,
    /// Restore: a file with the seed's 24 words, as `kms key backup` writes it; `-` is stdin
    #[arg(long, value_name = "FILE")]
    import_seed: Option<PathBuf>,
    /// Make a home that reads and makes cards, and holds no seed: of a new one, which nobody keeps,
    /// or of the words given with --import-seed
    #[arg(long)]
    reader_only: bool,
    /// Pay from another account: a file with its key, 64 hexadecimal digits; `-` is stdin
    #[arg(long, value_name = "FILE")]
    import_wallet: Option<PathBuf>,
}

#[derive(Serialize)]
struct InitReport {
    #[serde(serialize_with = "crate::output::path_text")]
    home: PathBuf,
    chain_id: u64,
    /// Fingerprint of the seed, or of what a reader's home has instead.
    seed: String,
    reader_only: bool,
    wallet: Address,
}

impl fmt::Display for InitReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            home,
            chain_id,
            seed,
            reader_only,
            wallet,
        } = self;
        let root = if *reader_only { "readers" } else { "seed   " };
        write!(
            f,
            "home     {}\nchain    {chain_id}\n{root}  {seed}\naccount  {wallet}",
            home.display()
        )
    }
}

pub(crate) async fn run(args: InitArgs, context: &Context) -> Outcome {
    let deployment = deployment(&args.network)?;
    let chain_id = deployment.chain_id;
    let rpc_urls = endpoints(args.rpc, &deployment)?;
    let seed = match &args.import_seed {
        Some(path) => SeedSource::Import(Seed::from_words(&read_secret(path)?)?),
        None => SeedSource::New,
    };
    let wallet = match &args.import_wallet {
        Some(path) => WalletSource::Import(private_key(&read_secret(path)?)?),
        None => WalletSource::Derived,
    };
    let passphrase = &context.passphrases;
    let role = match args.reader_only {
        true => Role::Reader,
        false => Role::Owner,
    };
    let options = InitOptions {
        role,
        deployment,
        rpc_urls,
        seed,
        wallet,
        passphrase,
    };
    let home = Home::init(context.home_dir(), options)?;
    let report = InitReport {
        home: home.path().to_path_buf(),
        chain_id,
        seed: home.config().seed_fingerprint.clone(),
        reader_only: args.reader_only,
        wallet: home.wallet_address(),
    };
    context.out.emit(&report)?;
    if args.network == Path::new(LOCAL) && !args.reader_only {
        match fund::welcome(&home).await {
            Ok(()) => context.out.note("the account has money of the local chain"),
            Err(failure) => {
                let note = "the local chain gave the account no money; later: kms dev fund";
                context.out.note(&failure.to_text());
                context.out.note(note);
            }
        }
    }
    if args.import_seed.is_none() {
        context.out.note(match args.reader_only {
            true => "nobody keeps the seed of these reader keys: no backup brings them back",
            false => "back the seed up now, off this machine: kms key backup -o FILE",
        });
    }
    Ok(())
}

/// Reads the deployment file of a path, or of the name `local`.
pub(crate) fn deployment(network: &Path) -> Outcome<Deployment> {
    if network != Path::new(LOCAL) {
        // Tells a missing file from a damaged one.
        std::fs::metadata(network).map_err(|error| Failure::io(network.display(), &error))?;
        return Ok(Deployment::load(network)?);
    }
    let name = format!("deployments/{}.json", devnet::CHAIN_ID);
    let here = std::env::current_dir().map_err(|error| Failure::io("this directory", &error))?;
    let found = here
        .ancestors()
        .map(|dir| dir.join(&name))
        .find(|path| path.is_file());
    let path = found.ok_or_else(|| {
        let hint = "start `kms dev` in this folder, or name the file with --network FILE";
        Failure::new("not_found", format!("no {name} here or above"), hint)
    })?;
    Ok(Deployment::load(&path)?)
}

/// The endpoints given, or else those that the deployment file proposes.
pub(crate) fn endpoints(given: Vec<String>, deployment: &Deployment) -> Outcome<Vec<String>> {
    match (given.is_empty(), deployment.endpoints.is_empty()) {
        (false, _) => Ok(given),
        (true, false) => Ok(deployment.endpoints.clone()),
        (true, true) => Err(Failure::usage(format!(
            "--rpc URL is needed for chain {}",
            deployment.chain_id
        ))),
    }
}

fn private_key(hex_text: &str) -> Outcome<EthSecret> {
    let text = hex_text.trim();
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let mut bytes = Zeroizing::new([0; 32]);
    hex::decode_to_slice(digits, bytes.as_mut_slice())
        .ok()
        .and_then(|()| EthSecret::from_bytes(&bytes).ok())
        .ok_or_else(|| Failure::usage("a wallet key is 64 hexadecimal digits, not all zero"))
}
