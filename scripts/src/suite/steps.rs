//! The steps of the suite, in the order they run: the quick and the general ones first.

use anyhow::Result;

use super::count::Tally;
use super::tools::Suite;

mod analysis;
mod contracts;
mod rust;
mod umbral;
mod web;

/// When a step runs: always, or only under `--deep` or `--only`.
#[derive(Clone, Copy)]
pub(super) enum Depth {
    Always,
    Deep,
}

/// One check of the suite.
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) depth: Depth,
    pub(super) run: fn(&Suite) -> Result<Tally>,
}

const fn step(name: &'static str, run: fn(&Suite) -> Result<Tally>) -> Step {
    Step {
        name,
        depth: Depth::Always,
        run,
    }
}

const fn deep(name: &'static str, run: fn(&Suite) -> Result<Tally>) -> Step {
    Step {
        name,
        depth: Depth::Deep,
        run,
    }
}

pub(super) const STEPS: [Step; 29] = [
    step("format of the other workspaces", rust::format),
    step("clippy", rust::clippy),
    step("umbral without std: clippy", umbral::clippy),
    step("umbral on bare metal", umbral::bare_metal),
    step("solidity format", contracts::format),
    step("solhint", analysis::solhint),
    step("contracts build", contracts::build),
    step("contracts tests", contracts::test),
    step("gas snapshot", contracts::snapshot),
    step("gas of transactions", contracts::gas),
    step("contracts coverage", analysis::coverage),
    step("slither", analysis::slither),
    step("halmos", analysis::halmos),
    step("artifacts are fresh", contracts::artifacts),
    step("web pages are fresh", web::fresh),
    step("rust tests", rust::test),
    step("umbral on all cores", umbral::rayon),
    step("umbral vectors", umbral::vectors),
    step("test kit in Python", rust::python_kit),
    step("fuzz smoke", umbral::smoke),
    step("fuzz smoke of the formats", rust::formats_smoke),
    step("constant time: valgrind", umbral::constant_time),
    step("interoperability", umbral::peers),
    step("dashboard in Chromium", web::browser),
    step("demo", rust::demo),
    step("chaos, a few of everything", rust::chaos),
    deep("fuzz targets compile", rust::fuzz_targets),
    deep("constant time: timing", umbral::timing),
    deep("mutants", super::mutants::run),
];
