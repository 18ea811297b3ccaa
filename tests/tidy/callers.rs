//! Rule on calls: every function of the contracts that changes something is reached by a call of
//! kms-chain, and every such call is made by a verb or a duty. What nobody calls is only risk.

use std::collections::BTreeSet;

use super::sources::{self, report};

const CALLS: &str = "node/kms-chain/src/contracts/call";
/// Where verbs and duties are.
const USERS: [&str; 3] = [
    "node/kms-client/src/",
    "node/kms-node/src/",
    "node/kms/src/",
];

const BY_CONTRACTS: &str = "other contracts of the deployment call it, and nobody else may";
const BY_POWERS: &str = "the guardian and the timelock call it, by the tools of their own keys";
const EXCEPTIONS: [(&str, &str); 24] = [
    ("contracts/src/KMSToken.sol:mint", BY_CONTRACTS),
    ("contracts/src/KMSToken.sol:burn", BY_CONTRACTS),
    ("contracts/src/MiningRewards.sol:suspend", BY_CONTRACTS),
    (
        "contracts/src/MiningRewards.sol:returnToReserve",
        BY_CONTRACTS,
    ),
    (
        "contracts/src/PolicyManager.sol:onTransferReceived",
        BY_CONTRACTS,
    ),
    ("contracts/src/PolicyManager.sol:setPause", BY_CONTRACTS),
    (
        "contracts/src/StakingEscrow.sol:onTransferReceived",
        BY_CONTRACTS,
    ),
    ("contracts/src/StakingEscrow.sol:slash", BY_CONTRACTS),
    (
        "contracts/src/StakingEscrow.sol:creditRestake",
        BY_CONTRACTS,
    ),
    ("contracts/src/StakingEscrow.sol:setSuspended", BY_CONTRACTS),
    ("contracts/src/StakingEscrow.sol:setPause", BY_CONTRACTS),
    ("contracts/src/Control.sol:pause", BY_POWERS),
    ("contracts/src/Control.sol:unpause", BY_POWERS),
    ("contracts/src/Control.sol:acceptGuardian", BY_POWERS),
    ("contracts/src/Control.sol:proposeGuardian", BY_POWERS),
    ("contracts/src/Control.sol:setPenalty", BY_POWERS),
    ("contracts/src/Control.sol:setChallenge", BY_POWERS),
    (
        "contracts/src/MiningRewards.sol:roll",
        "every call that needs it rolls by itself",
    ),
    (
        "contracts/src/MiningRewards.sol:confirmActivityBatch",
        "for whoever pays the gas of many workers; a node confirms for itself",
    ),
    (
        "contracts/src/PolicyManager.sol:createPolicyWithPermit",
        "for wallets that cannot send transferAndCall, by which the client pays",
    ),
    (
        "contracts/src/StakingEscrow.sol:depositWithPermit",
        "for wallets that cannot send transferAndCall, by which the client pays",
    ),
    (
        "contracts/src/PolicyManager.sol:createPolicyWithQuotes",
        "no node gives quotes that it signs, so no client has one",
    ),
    (
        "contracts/src/QuoteBook.sol:cancelQuote",
        "no node gives quotes that it signs, so there is none to cancel",
    ),
    (
        "contracts/src/VerdictBooks.sol:burnHeld",
        "whoever sends it gains nothing; what is held is safe until somebody does",
    ),
];

/// The functions in a contract's text that change something and that others can call.
fn changing(text: &str) -> Vec<String> {
    let lines = text.lines();
    let code: Vec<&str> = lines
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect();
    let code = code.join("\n");
    let heads = code.split("function ").skip(1);
    let heads = heads.filter_map(|rest| {
        let head = rest.split(['{', ';']).next()?;
        let (name, rest) = head.split_once('(')?;
        let words: BTreeSet<&str> = rest.split([' ', '\n', ')', '(']).collect();
        let is_open = words.contains("external") || words.contains("public");
        let reads = words.contains("view") || words.contains("pure");
        (is_open && !reads).then(|| name.trim().to_owned())
    });
    heads.collect()
}

/// The name that the bindings give the call of a function.
fn binding(function: &str) -> String {
    let (first, rest) = function.split_at(1);
    format!("{}{rest}Call", first.to_uppercase())
}

/// The variants of `Call`.
fn variants(text: &str) -> BTreeSet<String> {
    let body = text.split("pub enum Call {").nth(1).unwrap_or_default();
    let body = body.split("\n}").next().unwrap_or_default();
    let lines = body.lines().filter_map(|line| line.strip_prefix("    "));
    let names = lines.filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()));
    let name = |line: &str| line.split([' ', ',']).next().unwrap_or_default().to_owned();
    names.map(name).collect()
}

/// The text of the Rust files below these paths, tests aside.
fn rust_below(paths: &[&str]) -> String {
    let sources = sources::with_extension("rs").into_iter();
    let ours = sources.filter(|source| {
        let below = paths.iter().any(|path| source.path.starts_with(path));
        below && !source.is_test() && !source.path.contains("/tests")
    });
    ours.filter_map(|source| Some(source.text()?.to_owned()))
        .collect()
}

fn words(text: &str) -> BTreeSet<&str> {
    let parts = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    parts.collect()
}

#[test]
fn every_function_that_changes_something_has_a_call() {
    let calls = rust_below(&[CALLS]);
    let calls = words(&calls);
    let mut findings = Vec::new();
    for source in sources::with_extension("sol") {
        let name = source.path.strip_prefix("contracts/src/");
        // Interfaces and libraries declare or hold what the contracts have.
        if name.is_none_or(|name| name.contains('/')) {
            continue;
        }
        for function in changing(source.text().unwrap_or_default()) {
            if !calls.contains(binding(&function).as_str()) {
                findings.push(format!("{}:{function}: no call reaches it", source.path));
            }
        }
    }
    report("the contracts' functions are called", findings, &EXCEPTIONS);
}

#[test]
fn every_call_is_made_by_a_verb_or_a_duty() {
    let all = rust_below(&[CALLS]);
    let variants = variants(&all);
    assert!(variants.len() > 20, "{variants:?}");
    let users = rust_below(&USERS);
    let unused = variants
        .iter()
        .filter(|variant| !users.contains(&format!("Call::{variant}")));
    let unused: Vec<_> = unused.map(|name| format!("Call::{name}")).collect();
    report("the calls have users", unused, &[]);
}

#[test]
fn finds_open_functions_that_change_something() {
    let text = "function a() external returns (uint x) {}\n\
        function b(uint x,\n uint y) public override {}\n\
        function c() external view returns (uint) {}\n\
        function d() internal {}\n// function e() external {}\n\
        function f(bytes calldata x) external pure returns (uint);";
    assert_eq!(changing(text), ["a", "b"]);
    assert_eq!(binding("setRestake"), "SetRestakeCall");
    let call = "pub enum Call {\n    /// It.\n    One { x: A },\n    Two,\n    Three {\n\
        \x20       y: B,\n    },\n}\nOther";
    let names: Vec<_> = variants(call).into_iter().collect();
    assert_eq!(names, ["One", "Three", "Two"]);
}
