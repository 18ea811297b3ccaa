//! The two plain JSON files of a home: configuration and labels. Nothing in them is secret, though
//! label names are private. Unknown fields and versions are refused.

use std::collections::BTreeMap;

use kms_chain::Deployment;
use kms_protocol::Address;
use serde::{Deserialize, Serialize};
use umbral::PublicKey;

use crate::card::LabelKey;
use crate::keys::Seed;
use crate::label::Label;
use crate::node_url::AddressRule;
use crate::store::Versioned;

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
    /// [`crate::Seed::fingerprint`] of the seed that the home was made from.
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
        seed: &Seed,
        wallet: Address,
    ) -> Self {
        Self {
            version: Self::VERSION,
            deployment,
            rpc_urls,
            seed_fingerprint: seed.fingerprint(),
            wallet,
            reader_keys: 1,
            node_addresses: NodeAddresses::Public,
            keys: KeyFolder::Keys,
        }
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
