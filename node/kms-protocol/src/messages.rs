//! The wire types between client and node, with what each signs (EIP-712, domain "KMS Node");
//! `transport.rs` seals them.
//!
//! JSON in and out: unknown fields, wrong lengths and exceeded limits are refused when parsed; a
//! signature is unverified bytes until a `verify` here succeeds. One file per exchange.

mod commitments;
mod delivery;
mod erasure;
mod info;
mod kfrag;
mod limits;
mod message;
mod problem;
mod reencrypt;

pub use commitments::{COMMITMENTS_BYTES_MAX, CommitmentsBytes};
pub use delivery::{Delivery, DeliveryStatement};
pub use erasure::ErasureReceipt;
pub use info::{KfragState, NodeInfo, PolicyStatus, TRANSPORT_KEY_PERIODS, TransportCertificate};
pub use kfrag::{KfragAck, KfragGrant, KfragUpload, SecretKfrag};
pub use limits::{CAPSULES_MAX, CapsuleBytes, CfragBytes, TEXT_MAX};
use limits::{is_printable, one_to_max, plain_text};
pub use message::{Answer, AnswerStatement, Message};
pub use problem::Problem;
pub use reencrypt::{
    AHEAD_SECONDS, Entry, Fragment, Receipt, ReencryptReply, ReencryptRequest, ReplyExpectation,
    capsules_hash,
};

#[cfg(test)]
mod tests;
