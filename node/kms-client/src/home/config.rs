//! The two plain JSON files of a home: configuration and labels. Nothing in them is secret, though
//! label names are private. Unknown fields and versions are refused.

use std::collections::BTreeMap;

use kms_chain::Deployment;
use kms_protocol::Address;
use serde::{Deserialize, Serialize};
use umbral::PublicKey;

use crate::home::root::Root;
use crate::node_url::AddressRule;
use crate::store::Versioned;
use kms_core::card::LabelKey;
use kms_core::label::Label;

/// Chain id of local development chains, on which nodes live at private addresses.
const LOCAL_CHAIN_ID: u64 = 31337;

/// Which node addresses this home calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeAddresses {
    /// Public ones, and any on a local development chain.
    Public,
    /// Private ones too: for a consortium's own network.
    Any,
}

/// What a home is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything: it holds the seed.
    Owner,
    /// Reading: it holds the root of the reader keys, and no seed.
    Reader,
}

/// One of the two encrypted keys of a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFile {
    /// The seed, from which all keys of owner and reader come; in a reader's home the root of the
    /// reader keys.
    Seed,
    /// The key that pays.
    Wallet,
}

impl KeyFile {
    pub(super) const fn name(self, role: Role) -> &'static str {
        match (self, role) {
            (Self::Seed, Role::Owner) => "seed.json",
            (Self::Seed, Role::Reader) => "reader.json",
            (Self::Wallet, _) => "wallet.json",
        }
    }
}

/// The folder that holds the encrypted keys: the other one is being made, or left over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyFolder {
    /// `keys`, that of a new home.
    Keys,
    /// `keys2`.
    Keys2,
}

impl KeyFolder {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Keys2 => "keys2",
        }
    }

    pub(super) const fn other(self) -> Self {
        match self {
            Self::Keys => Self::Keys2,
            Self::Keys2 => Self::Keys,
        }
    }
}

/// Content of `config.json`, readable without a passphrase.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    version: u32,
    /// Chain id, and the addresses and first block of the contracts.
    pub deployment: Deployment,
    /// JSON-RPC endpoints, tried in order.
    pub rpc_urls: Vec<String>,
    /// Whether the home holds a seed.
    pub role: Role,
    /// [`crate::Seed::fingerprint`] of the home's seed; of a reader's home that of its root,
    /// [`crate::ReaderKeys::fingerprint`].
    pub seed_fingerprint: String,
    /// Address of the key that pays.
    pub wallet: Address,
    /// Number of reader keys in use, numbered from 0; at least 1.
    pub reader_keys: u32,
    /// Whether nodes at private addresses are called.
    pub node_addresses: NodeAddresses,
    /// The folder of the encrypted keys.
    pub keys: KeyFolder,
}

impl Versioned for Config {
    const VERSION: u32 = 1;
}

impl Config {
    pub(crate) fn new(
        deployment: Deployment,
        rpc_urls: Vec<String>,
        root: &Root,
        wallet: Address,
    ) -> Self {
        Self {
            version: Self::VERSION,
            deployment,
            rpc_urls,
            role: root.role(),
            seed_fingerprint: root.fingerprint(),
            wallet,
            reader_keys: 1,
            node_addresses: NodeAddresses::Public,
            keys: KeyFolder::Keys,
        }
    }

    /// Names the deployment in the paths of what was done on it: chain, genesis, policy manager.
    pub(crate) fn network_id(&self) -> String {
        let Deployment {
            chain_id,
            genesis_hash,
            contracts,
            ..
        } = &self.deployment;
        let short = |bytes: &[u8]| hex::encode(bytes.get(..8).unwrap_or_default());
        let (genesis, policies) = (short(&genesis_hash.0), short(&contracts.policies.address.0));
        format!("{chain_id}-{genesis}-{policies}")
    }

    /// The rule for node URLs that follows from the settings and the chain.
    pub fn address_rule(&self) -> AddressRule {
        let local = self.deployment.chain_id == LOCAL_CHAIN_ID;
        match self.node_addresses {
            NodeAddresses::Any => AddressRule::AnyAddress,
            NodeAddresses::Public if local => AddressRule::AnyAddress,
            NodeAddresses::Public => AddressRule::PublicOnly,
        }
    }
}

/// `labels.json`: names of labels with what producers are given, so that encrypting needs no
/// passphrase. Everything in it comes back from the seed and the files made for its labels.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    version: u32,
    labels: BTreeMap<Label, LabelKey>,
}

impl Default for Labels {
    fn default() -> Self {
        Self {
            version: Self::VERSION,
            labels: BTreeMap::new(),
        }
    }
}

impl Versioned for Labels {
    const VERSION: u32 = 1;
}

impl Labels {
    /// The public key of a label, with its sealed name.
    pub fn get(&self, label: &Label) -> Option<&LabelKey> {
        self.labels.get(label)
    }

    /// The label with this public key.
    pub fn name_of(&self, key: &PublicKey) -> Option<&Label> {
        self.labels
            .iter()
            .find(|(_, held)| held.public_key() == *key)
            .map(|(label, _)| label)
    }

    /// All labels with their keys, in order of name.
    pub fn iter(&self) -> impl Iterator<Item = (&Label, &LabelKey)> {
        self.labels.iter()
    }

    pub(crate) fn insert(&mut self, label: Label, key: LabelKey) {
        self.labels.insert(label, key);
    }
}
