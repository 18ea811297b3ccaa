//! SDK for owners, readers, producers and stakers of the key-management network.
//!
//! [`Home`] keeps keys, labels, cards and the journal of grants on disk; [`Network`] reaches the
//! chain and the nodes; [`Owner`], [`Reader`] and [`Staker`] are what a person does with the two.
//! Neighbours below: `kms-core` has the rules, `kms-chain` the chain. Above: the binary `kms`.

#![forbid(unsafe_code)]

mod asking;
mod atomic;
mod daemon;
mod error;
mod folder;
mod granted;
mod group;
mod home;
mod journal;
mod judge;
mod line;
mod network;
mod node_http;
mod node_url;
mod owner;
mod payer;
mod plan;
mod ports;
mod progress;
mod reader;
mod staker;
mod standing;
mod store;
mod stream;
mod transactions;

#[cfg(test)]
mod testkit;

pub use atomic::{AtomicFile, Existing, Visibility};
pub use daemon::{Daemon, DaemonOptions, Films, Listen, openapi};
pub use error::{Error, NodeFailure, PolicyFailure, Result};
pub use folder::{NewFolder, PackedFolder};
pub use group::{
    Admin, Changed, Channel, Entry, EpochSummary, FileStore, Finding, FolderStore, GroupEntry,
    GroupError, GroupLine, GroupStore, History, Member, Message, Position, Seen, TEXT_BYTES_MAX,
    Timeline, copy_items, create_group, store_at,
};
pub use home::{
    Config, Home, HomeLock, InitOptions, KeyFile, KeyFolder, Labels, MIN_PASSPHRASE_CHARS,
    NodeAddresses, Passphrase, PassphraseProvider, Role, SeedSource, Unlock, WalletSource,
};
pub use journal::{Delivery, DeliveryState, Grant, GrantState, Journal};
pub use judge::{
    Accuser, AskedMiner, Challenger, Conviction, Demand, DemandState, Ended, Evidence,
    EvidenceBook, Expected, JudgeError, Offence,
};
pub use kms_core::Error as CoreError;
pub use kms_core::card::{Card, LabelKey, fingerprint};
pub use kms_core::keys::{OwnerKeys, ReaderKey, ReaderKeys, Seed};
pub use kms_core::label::Label;
pub use kms_core::memo::{Memo, MemoKey};
pub use kms_core::{SeedFault, Standing};
pub use network::{Network, NetworkStatus, network_status};
pub use node_http::{HttpNodes, NodeLimits};
pub use node_url::{AddressRule, NodeUrl};
pub use owner::{
    Ending, Erasure, Extension, FeeLimit, FoundLabels, Funds, GrantReport, GrantSpec, MinerHealth,
    Owner, Payment, PolicyDetail, PolicyReport, Quote, QuotedMiner, Rate, Rebuilt, Refund,
    RefundReport, Renewal, RenewalReport, Repeat, RevocationOrders, RevocationReport, Rewrapped,
    Schedule, Selection, Span, Spend, Start, Unlabelled, Unwilling, WaitLimits, data_key,
    data_key_of_label, label_of, labels_in_files, rewrap, segment_keys,
};
pub use payer::{Leftover, Leftovers, Payer};
pub use plan::{Plan, Sent, Step};
pub use ports::{
    ChainPort, CreatedPolicy, GasCost, PayPort, PolicyFilter, Revoked, Scope, Settled,
};
pub use progress::{Event, Progress, Silent};
pub use reader::{Conduct, Probed, ReadLimits, Reader};
pub use staker::{PolicyFees, StakeStatus, Staker, WindDown, fees_of, stake_status};
pub use stream::{Cursor, LiveInput, Playback, StopInput, Viewer, publish_live};
pub use transactions::{OpenTx, TxAttempt, TxState, transactions};
