//! What the tests of this crate share: a home made once and copied, a chain in memory, nodes that
//! are real HTTP servers with real keys and any bad habit, and a small world made of all of them.

mod chain;
mod node;
mod proxy;
pub(crate) mod world;

use std::path::Path;
use std::sync::Mutex;
use std::sync::OnceLock;

use kms_chain::{ContractRecord, Contracts, DeployParams, Deployment};
use kms_protocol::{Address, B256};

pub(crate) use chain::{FakeChain, FakePay, PayMode};
pub(crate) use node::{Clock, Habit, TestNode};
pub(crate) use proxy::{Forgery, Proxy};
pub(crate) use world::World;

use crate::error::Result;
use crate::home::{
    Home, InitOptions, Passphrase, PassphraseProvider, SeedSource, Unlock, WalletSource,
};
use crate::progress::{Event, Progress};
use kms_core::keys::Seed;
use kms_core::label::Label;

pub(crate) const PASSPHRASE: &str = "correct horse";
pub(crate) const SEED: [u8; 32] = [7; 32];

/// Always gives the same passphrase.
pub(crate) struct Fixed(pub(crate) &'static str);

impl PassphraseProvider for Fixed {
    fn passphrase(&self, _purpose: Unlock) -> Result<Passphrase> {
        Ok(Passphrase::new(self.0.to_owned()))
    }
}

/// Remembers every step.
#[derive(Default)]
pub(crate) struct Recorder(Mutex<Vec<Event>>);

impl Recorder {
    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap().clone()
    }
}

impl Progress for Recorder {
    fn event(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

pub(crate) fn label(name: &str) -> Label {
    Label::new(name).unwrap()
}

pub(crate) fn address(byte: u8) -> Address {
    Address([byte; 20])
}

pub(crate) fn deployment(chain_id: u64) -> Deployment {
    let record = |byte| ContractRecord {
        address: address(byte),
        code_hash: B256([byte; 32]),
        constructor_args: Vec::new(),
    };
    Deployment {
        chain_id,
        genesis_hash: B256([1; 32]),
        block: 0,
        contracts: Contracts {
            token: record(0xa1),
            escrow: record(0xa2),
            rewards: record(0xa3),
            policies: record(0xa4),
            adjudicator: record(0xa5),
            challenges: record(0xa6),
            timelock: record(0xa7),
            control: record(0xa8),
        },
        params: DeployParams::local().unwrap(),
        endpoints: Vec::new(),
    }
}

pub(crate) fn options(passphrase: &dyn PassphraseProvider) -> InitOptions<'_> {
    InitOptions {
        deployment: deployment(31337),
        rpc_urls: vec!["http://127.0.0.1:8545".to_owned()],
        role: crate::home::Role::Owner,
        seed: SeedSource::Import(Seed::from_bytes(&SEED).unwrap()),
        wallet: WalletSource::Derived,
        passphrase,
    }
}

/// A home at `path`, copied from one that is made once: key files are slow to make, on purpose.
pub(crate) fn home_at(path: &Path) -> Home {
    static TEMPLATE: OnceLock<tempfile::TempDir> = OnceLock::new();
    let template = TEMPLATE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        Home::init(&dir.path().join("home"), options(&Fixed(PASSPHRASE))).unwrap();
        dir
    });
    copy(&template.path().join("home"), path);
    Home::open(path).unwrap()
}

fn copy(from: &Path, to: &Path) {
    crate::store::create_private_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            // Keeps the permission bits.
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}
