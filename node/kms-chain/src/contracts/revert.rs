//! Decodes revert data into the name and arguments of a Solidity error, by the contracts' ABIs.

use std::collections::HashMap;
use std::sync::LazyLock;

use ethers::abi::ethabi::AbiError;
use ethers::abi::{ParamType, Token, decode};
use kms_protocol::{Address, Amount};

use crate::contracts::bindings;
use crate::error::ChainError;
use crate::rpc::clean;

/// Selector of `Error(string)`.
const ERROR_STRING: [u8; 4] = [0x08, 0xc3, 0x79, 0xa0];
/// Selector of `Panic(uint256)`.
const PANIC: [u8; 4] = [0x4e, 0x48, 0x7b, 0x71];
/// JSON-RPC code that geth and anvil give a revert.
const REVERT_CODE: i64 = 3;

/// Arguments of 256 bits that are amounts of KMS; every argument of 96 bits is one.
const AMOUNTS: [&str; 12] = [
    "allowance",
    "amount",
    "balance",
    "cap",
    "due",
    "locked",
    "minimum",
    "needed",
    "paid",
    "penalty",
    "stake",
    "supply",
];

static ERRORS: LazyLock<HashMap<[u8; 4], AbiError>> = LazyLock::new(|| {
    let abis = [
        &*bindings::kms_token::KMSTOKEN_ABI,
        &*bindings::staking_escrow::STAKINGESCROW_ABI,
        &*bindings::mining_rewards::MININGREWARDS_ABI,
        &*bindings::policy_manager::POLICYMANAGER_ABI,
        &*bindings::adjudicator::ADJUDICATOR_ABI,
        &*bindings::silence_challenges::SILENCECHALLENGES_ABI,
        &*bindings::control::CONTROL_ABI,
    ];
    abis.iter()
        .flat_map(|abi| abi.errors())
        .filter_map(|error| Some((selector(error)?, error.clone())))
        .collect()
});

fn selector(error: &AbiError) -> Option<[u8; 4]> {
    error.signature().0.first_chunk::<4>().copied()
}

/// Turns an RPC error into `Reverted` if it is a revert; leaves every other error as it is.
pub(crate) fn decode_error(error: ChainError) -> ChainError {
    match error {
        ChainError::Rpc {
            data: Some(ref data),
            ..
        } if data.len() >= 4 => decode_data(data),
        ChainError::Rpc {
            code, ref message, ..
        } if code == REVERT_CODE || message.to_lowercase().contains("revert") => {
            let args = vec![("message".to_owned(), message.clone())];
            ChainError::Reverted {
                name: "Revert".to_owned(),
                args,
            }
        }
        other => other,
    }
}

/// Decodes revert data of at least four bytes; an unknown selector becomes the name itself.
pub(crate) fn decode_data(data: &[u8]) -> ChainError {
    known(data).unwrap_or_else(|| {
        let name = format!("0x{}", hex::encode(data.get(..4).unwrap_or(data)));
        ChainError::Reverted {
            name,
            args: Vec::new(),
        }
    })
}

fn known(data: &[u8]) -> Option<ChainError> {
    let (selector, body) = data.split_first_chunk::<4>()?;
    let (name, names, kinds) = match *selector {
        ERROR_STRING => ("Error", vec!["message".to_owned()], vec![ParamType::String]),
        PANIC => ("Panic", vec!["code".to_owned()], vec![ParamType::Uint(256)]),
        _ => {
            let error = ERRORS.get(selector)?;
            let names = error
                .inputs
                .iter()
                .map(|input| input.name.clone())
                .collect();
            let kinds = error
                .inputs
                .iter()
                .map(|input| input.kind.clone())
                .collect();
            (error.name.as_str(), names, kinds)
        }
    };
    let tokens = decode(&kinds, body).ok()?;
    let shown = names.iter().zip(&kinds).zip(&tokens);
    let shown: Vec<_> = shown
        .map(|((name, kind), token)| amount(name, kind, token).unwrap_or_else(|| show(token)))
        .collect();
    let args = names.into_iter().zip(shown).collect();
    Some(ChainError::Reverted {
        name: name.to_owned(),
        args,
    })
}

/// Formats an argument as `12.5 KMS` if it is an amount.
fn amount(name: &str, kind: &ParamType, token: &Token) -> Option<String> {
    let is_amount = match kind {
        ParamType::Uint(96) => true,
        ParamType::Uint(256) => AMOUNTS.contains(&name),
        _ => false,
    };
    let units = token.clone().into_uint().filter(|_| is_amount)?;
    let units = u128::try_from(units).ok()?;
    Some(Amount(units).to_string())
}

fn show(token: &Token) -> String {
    match token {
        Token::Address(address) => Address(address.0).to_string(),
        Token::Uint(value) | Token::Int(value) => value.to_string(),
        Token::Bool(value) => value.to_string(),
        Token::String(text) => clean(text),
        Token::Bytes(bytes) | Token::FixedBytes(bytes) => {
            clean(&format!("0x{}", hex::encode(bytes)))
        }
        Token::Array(items) | Token::FixedArray(items) | Token::Tuple(items) => {
            let items: Vec<_> = items.iter().map(show).collect();
            clean(&format!("[{}]", items.join(", ")))
        }
    }
}

/// keccak256 of a message, for tests of selectors.
#[cfg(test)]
pub(crate) fn selector_of(signature: &str) -> [u8; 4] {
    let [a, b, c, d, ..] = kms_protocol::keccak256(signature.as_bytes()).0;
    [a, b, c, d]
}

#[cfg(test)]
mod tests;
