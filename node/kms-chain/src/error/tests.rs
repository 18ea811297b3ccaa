use std::collections::HashSet;
use std::path::PathBuf;

use kms_protocol::{Address, B256};

use super::{ChainError, ChainLack, FileAction, IdentityPart, JsonFile, KeystoreFault, RpcFault};
use crate::contracts::Contract;
use crate::deployment::params::DeployParams;
use crate::send::rejection::TxRejection;

fn json(what: JsonFile) -> ChainError {
    ChainError::Json {
        what,
        path: PathBuf::from("x"),
        source: serde_json::from_str::<u8>("x").unwrap_err(),
    }
}

fn wrong(part: IdentityPart) -> ChainError {
    ChainError::WrongChain {
        endpoint: String::new(),
        part,
        expected: String::new(),
        found: String::new(),
    }
}

fn unreachable(fault: RpcFault) -> ChainError {
    ChainError::Unreachable {
        method: "eth_getLogs",
        endpoint: String::new(),
        fault,
    }
}

fn rejected(reason: TxRejection) -> ChainError {
    ChainError::Rejected {
        reason,
        message: String::new(),
    }
}

/// One error for each code.
fn errors() -> Vec<ChainError> {
    let path = PathBuf::from("x");
    let source = std::io::Error::other("x");
    let action = FileAction::Read;
    vec![
        ChainError::NoEndpoint,
        ChainError::BadUrl { position: 1 },
        unreachable(RpcFault::Timeout),
        wrong(IdentityPart::ChainId),
        wrong(IdentityPart::Code(Contract::Control)),
        ChainError::ChainUnsupported {
            lack: ChainLack::Opcodes,
            detail: String::new(),
        },
        ChainError::ChainMoved,
        ChainError::RevertedOnChain { hash: B256::ZERO },
        rejected(TxRejection::PoolFull),
        rejected(TxRejection::InsufficientFunds),
        ChainError::NotMined {
            hash: B256::ZERO,
            waited_s: 1,
        },
        ChainError::ForeignNonce {
            sender: Address([1; 20]),
            nonce: 1,
        },
        ChainError::FeeCap {
            needed_wei: 2,
            cap_wei: 1,
        },
        ChainError::JournalBusy { path: path.clone() },
        ChainError::FileExists { path: path.clone() },
        json(JsonFile::Deployment),
        json(JsonFile::DeployJournal),
        json(JsonFile::TxJournal),
        ChainError::WrongPassword,
        ChainError::Keystore(KeystoreFault::Version),
        ChainError::DeploymentIncomplete {
            path: path.clone(),
            contract: Contract::Adjudicator,
        },
        ChainError::File {
            action,
            path,
            source,
        },
        ChainError::ParamsChanged {
            field: String::new(),
        },
        DeployParams::from_toml("x").unwrap_err(),
        ChainError::Artifact { contract: "X" },
        ChainError::AnvilMissing,
        ChainError::AnvilFailed {
            detail: String::new(),
        },
        ChainError::Randomness,
        ChainError::Bug("x"),
    ]
}

#[test]
fn every_code_is_one_word_of_its_own_and_comes_with_a_remedy() {
    let errors = errors();
    let codes: HashSet<_> = errors.iter().map(ChainError::code).collect();
    assert_eq!(codes.len(), errors.len());
    for error in &errors {
        let code = error.code();
        assert!(
            code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
            "{code}"
        );
        let remedy = error.remedy();
        assert!(
            remedy.len() > 5 && !remedy.ends_with('.'),
            "{code}: {remedy}"
        );
    }
}

#[test]
fn only_what_an_endpoint_worked_on_is_asked_for_again_in_halves() {
    let rpc = |code| ChainError::Rpc {
        method: "eth_getLogs",
        code,
        message: String::new(),
        data: None,
    };
    let bad = ChainError::BadReply {
        method: "eth_getLogs",
        reason: "x",
    };
    for error in [
        rpc(-32_005),
        bad,
        unreachable(RpcFault::Timeout),
        unreachable(RpcFault::TooLarge),
        unreachable(RpcFault::Status(413)),
    ] {
        assert!(error.may_be_halved(), "{error}");
    }
    for error in [
        unreachable(RpcFault::Connect),
        unreachable(RpcFault::Limited),
        unreachable(RpcFault::WrongChain),
        wrong(IdentityPart::ChainId),
        ChainError::NoEndpoint,
    ] {
        assert!(!error.may_be_halved(), "{error}");
    }
}
