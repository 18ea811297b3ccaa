//! A request signed for one miner is worthless to another.

use kms_protocol::messages::Problem;
use kms_protocol::{Address, Refusal};

use super::Verdict;

pub(crate) fn check(asked: &Address, this: &Address) -> Verdict {
    if asked == this {
        return Ok(());
    }
    let detail = format!("the request is for miner {asked}, this node works for {this}");
    Err(Problem::new(Refusal::NotThisMiner, detail))
}
