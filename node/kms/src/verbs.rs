//! One file per verb: its flags, help and reports. The work is done by kms-client and kms-node.

pub(crate) mod agent;
pub(crate) mod card;
pub(crate) mod config;
pub(crate) mod decrypt;
pub(crate) mod dev;
pub(crate) mod doctor;
pub(crate) mod encrypt;
pub(crate) mod fees;
pub(crate) mod grant;
pub(crate) mod help;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod key;
pub(crate) mod label;
pub(crate) mod node;
pub(crate) mod policies;
pub(crate) mod read;
pub(crate) mod refund;
pub(crate) mod renew;
pub(crate) mod revoke;
pub(crate) mod rewards;
pub(crate) mod stake;
pub(crate) mod status;
pub(crate) mod tx;
pub(crate) mod worker;
