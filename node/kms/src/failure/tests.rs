use kms_client::{CoreError, Error, SeedFault};
use kms_protocol::{Address, B256, Period};

use super::*;

fn policy() -> PolicyId {
    PolicyId(B256([0xab; 32]))
}

const POLICY: &str = "0xabababababababababababababababababababababababababababababababab";

#[test]
fn an_expired_policy_has_the_documented_shape() {
    let failure = Failure::from(Error::PolicyExpired {
        policy: policy(),
        last: Period(7),
    });
    let expected = format!(
        "{{\"code\":\"policy_expired\",\"exit\":11,\
         \"message\":\"policy {POLICY} ended with period 7\",\"cause\":null,\
         \"hint\":\"ask the owner to renew\",\"policy\":\"{POLICY}\",\"nodes\":[],\"policies\":[]}}"
    );
    assert_eq!(failure.to_json(), expected);
    assert_eq!(failure.exit(), 11);
}

#[test]
fn exits_are_the_documented_ones() {
    let reverted = kms_chain::ChainError::Reverted {
        name: "PolicyEnded".to_owned(),
        args: Vec::new(),
    };
    let nodes = Vec::new();
    let why = SeedFault::Checksum;
    let io = |kind: std::io::ErrorKind| Error::io(std::path::Path::new("x"), kind.into());
    let cases = [
        (CoreError::SeedInvalid { why }.into(), 2),
        (
            Error::LabelUnknown {
                label: kms_client::Label::new("x").unwrap(),
            },
            3,
        ),
        (io(std::io::ErrorKind::NotFound), 3),
        (
            Error::NoPolicy {
                what: String::new(),
            },
            10,
        ),
        (
            Error::PolicyExpired {
                policy: policy(),
                last: Period(3),
            },
            11,
        ),
        (Error::PolicyRevoked { policy: policy() }, 12),
        (
            Error::ThresholdNotMet {
                need: 2,
                got: 1,
                nodes,
            },
            13,
        ),
        (Error::Format(kms_format::Error::BadMagic), 20),
        (
            Error::Format(kms_format::Error::Truncated { offset: 1 }),
            20,
        ),
        (Error::Format(kms_format::Error::WrongKey), 21),
        (
            Error::Format(kms_format::Error::ChunkTampered { chunk: 4 }),
            22,
        ),
        (Error::Format(kms_format::Error::HeaderTampered), 22),
        (Error::Chain(kms_chain::ChainError::NoEndpoint), 30),
        (Error::Chain(reverted), 31),
        (
            Error::FeeAboveMax {
                price: kms_protocol::Amount(2),
                limit: kms_protocol::Amount(1),
            },
            33,
        ),
        (Error::PassphraseMissing, 40),
        (Error::Interrupted, 50),
        (io(std::io::ErrorKind::StorageFull), 70),
        (Error::Bug("x"), 70),
    ];
    for (error, exit) in cases {
        let failure = Failure::from(error);
        assert_eq!(failure.exit(), exit, "{}", failure.to_text());
    }
}

#[test]
fn a_missed_threshold_names_each_miner_with_its_reason() {
    let miner: Address = "0x00000000000000000000000000000000000000aa"
        .parse()
        .unwrap();
    let node = NodeFailure {
        miner,
        url: "http://127.0.0.1:1".to_owned(),
        code: "timeout".to_owned(),
        detail: "no complete answer in time".to_owned(),
    };
    let failure = Failure::from(Error::ThresholdNotMet {
        need: 2,
        got: 1,
        nodes: vec![node],
    });
    let json: serde_json::Value = serde_json::from_str(&failure.to_json()).unwrap();
    assert_eq!(json["exit"], 13);
    assert_eq!(json["nodes"][0]["code"], "timeout");
    assert_eq!(json["nodes"][0]["addr"], miner.to_string());
    assert_eq!(
        failure.to_text(),
        "error: 1 of 2 miners needed answered [threshold_not_met]\n  \
         0x00000000000000000000000000000000000000AA http://127.0.0.1:1: \
         no complete answer in time (timeout)\nhint: see each miner's reason; some pass with time"
    );
}

#[test]
fn a_tampered_file_and_a_wrong_key_differ_in_code_and_exit() {
    let tampered = Failure::from(kms_format::Error::ChunkTampered { chunk: 3 });
    assert_eq!((tampered.exit(), tampered.0.code), (22, "chunk_tampered"));
    let wrong = Failure::from(kms_format::Error::WrongKey);
    assert_eq!((wrong.exit(), wrong.0.code), (21, "wrong_key"));
    let cut = Failure::from(kms_format::Error::Truncated { offset: 9 });
    assert_eq!((cut.exit(), cut.0.code), (20, "file_truncated"));
}

#[test]
fn a_reader_that_closed_our_output_is_silent() {
    let source = io::ErrorKind::BrokenPipe.into();
    assert!(Failure::from(kms_format::Error::Write(source)).is_silent());
    let source = io::ErrorKind::StorageFull.into();
    assert!(!Failure::from(kms_format::Error::Write(source)).is_silent());
}

#[test]
fn several_policies_are_named_to_choose_from() {
    let policies = vec![policy(), PolicyId(B256([0xcd; 32]))];
    let failure = Failure::from(Error::PolicyAmbiguous { policies });
    let cause = failure.0.cause.clone().unwrap();
    assert!(
        cause.starts_with(POLICY) && cause.ends_with("cdcd"),
        "{cause}"
    );
    assert_eq!(failure.exit(), 2);
}

#[test]
fn binary_data_for_a_terminal_is_wrong_use() {
    let source = io::Error::other(BinaryOnTerminal);
    let failure = Failure::from(kms_format::Error::Write(source));
    assert_eq!((failure.exit(), failure.0.code), (2, "usage"));
}

#[test]
fn a_node_whose_data_is_in_use_or_foreign_has_a_code_and_a_remedy() {
    let path = std::path::PathBuf::from("/node/lock");
    let failure = Failure::from(kms_node::NodeError::AlreadyRunning { path });
    assert_eq!((failure.exit(), failure.0.code), (50, "already_running"));
    assert!(!failure.0.hint.is_empty());
}

#[test]
fn an_outdated_deployment_file_is_a_bad_file_and_says_what_to_do() {
    let path = std::path::PathBuf::from("deployments/1.json");
    let contract = kms_chain::Contract::Control;
    let failure = Failure::from(kms_chain::ChainError::DeploymentIncomplete { path, contract });
    assert_eq!(
        (failure.exit(), failure.0.code),
        (20, "deployment_incomplete")
    );
    assert!(!failure.0.hint.is_empty());
}

#[test]
fn every_failure_of_a_file_that_is_not_there_is_not_found() {
    let source = || io::Error::from(io::ErrorKind::NotFound);
    let path = std::path::Path::new("x");
    let (own, below) = (
        Failure::io("x", &source()),
        Failure::from(Error::io(path, source())),
    );
    assert_eq!((own.exit(), own.0.code), (3, "not_found"));
    assert_eq!((below.exit(), below.0.code), (3, "not_found"));
    assert_eq!(own.0.hint, below.0.hint);
}

#[test]
fn a_cause_is_told_once() {
    let source = io::Error::other("disk on fire");
    let failure = Failure::from(kms_format::Error::Read(source));
    assert_eq!(failure.0.message, "reading failed: disk on fire");
    assert_eq!(failure.0.cause, None);
}

#[test]
fn every_line_of_an_error_is_one_json_object() {
    let failure = Failure::usage("two\nlines \"quoted\"").hint("a\nhint");
    let json = failure.to_json();
    assert!(!json.contains('\n'));
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["message"], "two\nlines \"quoted\"");
    for key in [
        "code", "exit", "message", "cause", "hint", "policy", "nodes",
    ] {
        assert!(value.get(key).is_some(), "{key}");
    }
}

#[test]
fn several_policies_are_listed_each_with_its_miners() {
    let node = |byte: u8, code: &str| NodeFailure {
        miner: Address([byte; 20]),
        url: "http://127.0.0.1:1".to_owned(),
        code: code.to_owned(),
        detail: "why".to_owned(),
    };
    let tried = |byte: u8, code: &'static str, miner: u8| PolicyFailure {
        policy: PolicyId(B256([byte; 32])),
        code,
        reason: "so".to_owned(),
        nodes: vec![node(miner, "timeout")],
    };
    let failure = Failure::from(Error::NoneOpens {
        nearest: Box::new(Error::ThresholdNotMet {
            need: 1,
            got: 0,
            nodes: vec![node(2, "timeout")],
        }),
        tried: vec![
            tried(1, "arrangements_revoked", 1),
            tried(2, "threshold_not_met", 2),
        ],
    });
    let json: serde_json::Value = serde_json::from_str(&failure.to_json()).unwrap();
    assert_eq!(
        (&json["code"], &json["exit"]),
        (&"threshold_not_met".into(), &13.into())
    );
    let told: Vec<_> = json["policies"].as_array().unwrap().iter().collect();
    assert_eq!(told.len(), 2, "{json}");
    assert_eq!(told[0]["code"], "arrangements_revoked");
    assert_eq!(told[1]["nodes"][0]["code"], "timeout");
    let text = failure.to_text();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].ends_with("[threshold_not_met]"), "{text}");
    assert!(lines[1].starts_with("  0x0101"), "{text}");
    assert!(lines[2].starts_with("    0x"), "{text}");
    assert!(lines[3].starts_with("  0x0202"), "{text}");
    assert_eq!(lines.len(), 6, "each miner once: {text}");
}

#[test]
fn failures_beside_each_other_are_all_told_and_the_first_gives_the_exit_code() {
    assert!(Failure::of_several(Vec::new()).is_ok());
    let unpaid = Error::NoPolicy {
        what: "one".to_owned(),
    };
    let failures = vec![
        Failure::from(unpaid).about(policy()),
        Failure::from(Error::Interrupted),
    ];
    let failure = Failure::of_several(failures).unwrap_err();
    assert_eq!(failure.exit(), 10);
    let json = failure.to_json();
    let objects: Vec<serde_json::Value> = json
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let codes: Vec<_> = objects.iter().map(|object| &object["code"]).collect();
    assert_eq!(codes, ["no_policy", "interrupted"]);
    assert_eq!(objects[0]["policy"], POLICY);
    let text = failure.to_text();
    assert!(text.contains("[no_policy]") && text.contains("[interrupted]"));
    assert!(text.contains(POLICY), "{text}");
}

#[test]
fn an_owner_is_not_told_to_ask_the_owner() {
    let nothing = || Error::NoPolicy {
        what: String::new(),
    };
    let expired = || Error::PolicyExpired {
        policy: policy(),
        last: Period(3),
    };
    let revoked = || Error::PolicyRevoked { policy: policy() };
    for error in [nothing(), expired(), revoked()] {
        let reader = Failure::from(error);
        assert!(reader.0.hint.contains("owner"), "{}", reader.0.hint);
        let owner = reader.clone().for_owner();
        assert!(!owner.0.hint.contains("owner"), "{}", owner.0.hint);
        assert!(owner.0.hint.contains("kms "), "{}", owner.0.hint);
    }
    let other = Failure::from(Error::Interrupted);
    assert_eq!(other.clone().for_owner().0.hint, other.0.hint);
}
