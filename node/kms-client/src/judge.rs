//! What is brought before the contracts' judges: answers that convict a miner, which readers keep
//! as evidence, and challenges of miners that are silent.
//! Neighbours: `reader` finds evidence, `home` keeps it, the command line shows and sends it.

mod accuse;
mod book;
mod challenge;
mod error;
mod evidence;
#[cfg(test)]
mod tests;

pub use accuse::{Accuser, Conviction, Expected};
pub use book::EvidenceBook;
pub use challenge::{AskedMiner, Challenger, Demand, DemandState, Ended};
pub use error::JudgeError;
pub use evidence::{Evidence, Offence};
pub(crate) use evidence::{Subject, Told};
