//! The rows, as printed and as written.

use serde::Serialize;
use umbral_peers::timing::compare;

#[derive(Serialize)]
pub(crate) struct Row {
    operation: String,
    ours_us: f64,
    peer_us: f64,
    ratio: f64,
    limit_us: Option<f64>,
}

pub(crate) struct Operation<'a> {
    name: &'a str,
    /// The sum of its operations at libsecp256k1's costs.
    limit_us: Option<f64>,
    /// How many of the same thing are done in one run.
    per: f64,
}

impl<'a> Operation<'a> {
    pub(crate) const fn new(name: &'a str, limit_us: Option<f64>, per: f64) -> Self {
        Self {
            name,
            limit_us,
            per,
        }
    }
}

#[derive(Default)]
pub(crate) struct Table(pub(crate) Vec<Row>);

impl Table {
    pub(crate) fn row(
        &mut self,
        operation: Operation<'_>,
        ours: &mut dyn FnMut(),
        peer: &mut dyn FnMut(),
    ) {
        let Operation {
            name,
            limit_us,
            per,
        } = operation;
        let (ours_us, peer_us) = compare(ours, peer);
        let (ours_us, peer_us) = (ours_us / per, peer_us / per);
        let ratio = peer_us / ours_us;
        let to_limit = limit_us.map_or("-".into(), |limit| format!("{:.2}", ours_us / limit));
        let limit = limit_us.map_or("-".into(), |limit| format!("{limit:.0}"));
        println!(
            "{name:<30} {ours_us:>10.1} {peer_us:>10.1} {ratio:>7.2}x {limit:>7} {to_limit:>8}"
        );
        self.0.push(Row {
            operation: name.into(),
            ours_us,
            peer_us,
            ratio,
            limit_us,
        });
    }
}
