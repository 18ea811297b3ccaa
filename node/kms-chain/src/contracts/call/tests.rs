use ethers::abi::{Abi, Token};
use ethers::types::{H160, U256};
use kms_protocol::{
    Address, Amount, EthSecret, EthSignature, Period, SignedConsent, Terms, Wei, keccak256,
};

mod judged;

use super::{Call, Collection, RevocationOrder};
use crate::contracts::bindings::adjudicator::ADJUDICATOR_ABI;
use crate::contracts::bindings::kms_token::KMSTOKEN_ABI;
use crate::contracts::bindings::mining_rewards::MININGREWARDS_ABI;
use crate::contracts::bindings::policy_manager::POLICYMANAGER_ABI;
use crate::contracts::bindings::silence_challenges::SILENCECHALLENGES_ABI;
use crate::contracts::bindings::staking_escrow::STAKINGESCROW_ABI;
use crate::test_support::{address, deployment, terms};

fn consent() -> SignedConsent {
    let worker = EthSecret::from_bytes(&[7; 32]).unwrap();
    SignedConsent::sign(&worker, address(1), 42, &deployment().escrow_domain())
}

/// Every call, with the signature of the function it must reach.
fn calls() -> Vec<(Call, &'static str)> {
    let amount = Amount(11);
    vec![
        (
            Call::ConfirmActivity { through: Period(4) },
            "confirmActivity(uint32)",
        ),
        (Call::Claim { miner: address(1) }, "claim(address)"),
        (
            Call::ConfirmAndClaim {
                through: Period(4),
                miner: address(1),
            },
            "multicall(bytes[])",
        ),
        (
            Call::ClaimTo {
                recipient: address(1),
            },
            "claimTo(address)",
        ),
        (
            Call::DepositViaTransfer {
                amount,
                lock_periods: 4,
            },
            "transferAndCall(address,uint256,bytes)",
        ),
        (Call::ExtendLock { lock_periods: 9 }, "extendLock(uint32)"),
        (Call::SetWindDown { enabled: true }, "setWindDown(bool)"),
        (Call::Unbond { amount }, "unbond(uint96)"),
        (
            Call::Withdraw {
                recipient: address(1),
            },
            "withdraw(address)",
        ),
        (Call::UnbondWorker, "unbondWorker()"),
        (Call::SetRestake { enabled: true }, "setRestake(bool)"),
        (Call::Restake { miner: address(1) }, "restake(address)"),
        (
            Call::BondWorker { consent: consent() },
            "bondWorker(address,uint256,bytes)",
        ),
        (
            Call::RegisterNode {
                url: "http://a".to_owned(),
            },
            "registerNode(string)",
        ),
        (Call::SetMinRate { rate: amount }, "setMinRate(uint96)"),
        (
            Call::ApproveChallenges { amount },
            "approve(address,uint256)",
        ),
        (
            Call::TransferToken {
                to: address(1),
                amount,
            },
            "transfer(address,uint256)",
        ),
    ]
}

/// The same for those that carry terms.
fn policy_calls() -> Vec<(Call, &'static str)> {
    let terms = || terms(&[address(5), address(6)]);
    vec![
        (
            Call::Collect {
                policies: vec![
                    Collection {
                        terms: terms(),
                        delivery: None,
                    };
                    2
                ],
                miner: address(5),
            },
            "collect((address,address,address,bytes32,uint96,uint32,uint32,uint8,bytes32,\
             address[])[],address,(uint32,bytes32,bytes32)[])",
        ),
        (
            Call::CreatePolicyViaTransfer {
                terms: terms(),
                memo: vec![1; 64],
            },
            "transferAndCall(address,uint256,bytes)",
        ),
        (
            Call::CreatePolicies {
                terms: vec![terms(), terms()],
                memos: vec![vec![1; 64], vec![2; 96]],
            },
            "transferAndCall(address,uint256,bytes)",
        ),
        (
            Call::RevokePolicy { terms: terms() },
            "revokePolicy((address,address,address,bytes32,uint96,uint32,uint32,uint8,bytes32,\
             address[]))",
        ),
        (
            order(None),
            "revokePolicyWithSignature((address,address,address,bytes32,uint96,uint32,uint32,\
             uint8,bytes32,address[]),uint256,bytes)",
        ),
        (
            Call::RevokeArrangement {
                terms: terms(),
                miner: address(5),
            },
            "revokeArrangement((address,address,address,bytes32,uint96,uint32,uint32,uint8,\
             bytes32,address[]),address)",
        ),
        (
            Call::ExtendPolicyViaTransfer {
                terms: terms(),
                last_period: Period(9),
                without: vec![address(6)],
                price: Amount(28),
            },
            "transferAndCall(address,uint256,bytes)",
        ),
        (
            Call::RefundPolicy { terms: terms() },
            "refund((address,address,address,bytes32,uint96,uint32,uint32,uint8,bytes32,\
             address[]))",
        ),
    ]
}

fn order(miner: Option<Address>) -> Call {
    Call::RevokeSigned {
        terms: two_miners(),
        order: RevocationOrder {
            miner,
            deadline: 77,
            signature: EthSignature([9; 65]),
        },
    }
}

/// Calls that have the name of another one: by the reader's right, of one arrangement.
fn of_the_same_name() -> [(Call, &'static str); 2] {
    let one = "revokeArrangementWithSignature((address,address,address,bytes32,uint96,uint32,\
        uint32,uint8,bytes32,address[]),address,uint256,bytes)";
    [judged::of_a_reader(), (order(Some(address(5))), one)]
}

fn every_call() -> impl Iterator<Item = (Call, &'static str)> {
    let of_policies = policy_calls().into_iter().chain(judged::calls());
    let judged = of_policies.chain(judged::accusations());
    calls().into_iter().chain(judged)
}

#[test]
fn reaches_the_function_of_its_contract() {
    let deployment = deployment();
    let contracts = &deployment.contracts;
    let abis: [(Address, &Abi); 6] = [
        (contracts.adjudicator.address, &ADJUDICATOR_ABI),
        (contracts.token.address, &KMSTOKEN_ABI),
        (contracts.escrow.address, &STAKINGESCROW_ABI),
        (contracts.rewards.address, &MININGREWARDS_ABI),
        (contracts.policies.address, &POLICYMANAGER_ABI),
        (contracts.challenges.address, &SILENCECHALLENGES_ABI),
    ];
    for (call, signature) in every_call().chain(of_the_same_name()) {
        let data = call.data(&deployment);
        assert_eq!(
            data[..4],
            keccak256(signature.as_bytes()).0[..4],
            "{signature}"
        );
        let target = call.target(&deployment);
        let (_, abi) = abis.iter().find(|(address, _)| *address == target).unwrap();
        let function = abi.functions().find(|f| f.short_signature() == data[..4]);
        let tokens = function
            .unwrap_or_else(|| panic!("{signature}"))
            .decode_input(&data[4..]);
        assert!(tokens.is_ok(), "{signature}");
        assert_eq!(call.value(), Wei(0));
    }
}

#[test]
fn has_a_name_of_its_own() {
    let all = every_call();
    let mut kinds: Vec<_> = all.map(|(call, _)| call.kind()).collect();
    kinds.push(
        Call::TransferEth {
            to: address(1),
            wei: Wei(1),
        }
        .kind(),
    );
    let count = kinds.len();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), count);
}

/// The three arguments of a transferAndCall.
fn transfer_arguments(call: &Call) -> (H160, U256, Vec<u8>) {
    let data = call.data(&deployment());
    let functions = &KMSTOKEN_ABI.functions["transferAndCall"];
    let function = functions
        .iter()
        .find(|function| function.inputs.len() == 3)
        .unwrap();
    match function.decode_input(&data[4..]).unwrap().as_slice() {
        [Token::Address(to), Token::Uint(value), Token::Bytes(data)] => (*to, *value, data.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn deposits_with_the_call_that_the_payment_is_for() {
    let call = Call::DepositViaTransfer {
        amount: Amount(77),
        lock_periods: 0x0102,
    };
    let (to, value, data) = transfer_arguments(&call);
    assert_eq!(to.0, deployment().contracts.escrow.address.0);
    assert_eq!(value, U256::from(77));
    let mut words = [0; 68];
    words[..4].copy_from_slice(&keccak256(b"deposit(uint96,uint32)").0[..4]);
    words[35] = 77;
    words[66..].copy_from_slice(&[1, 2]);
    assert_eq!(data, words);
}

fn two_miners() -> Terms {
    terms(&[address(5), address(6)])
}

fn creation(memo: Vec<u8>) -> Call {
    let terms = two_miners();
    Call::CreatePolicyViaTransfer { terms, memo }
}

#[test]
fn pays_the_exact_price_of_a_policy() {
    let (to, value, _) = transfer_arguments(&creation(Vec::new()));
    assert_eq!(to.0, deployment().contracts.policies.address.0);
    // 7 per miner and period, 2 miners, periods 2 to 5.
    assert_eq!(value, U256::from(7 * 2 * 4));
}

#[test]
fn sends_the_memo_beside_the_terms() {
    for length in [0, 1, 32, 65, 256] {
        let memo: Vec<u8> = (0..=255).cycle().take(length).collect();
        let (_, _, data) = transfer_arguments(&creation(memo.clone()));
        let bare = two_miners().abi_encode();
        let (selector, data) = data.split_at(4);
        let function = "createPolicy((address,address,address,bytes32,uint96,uint32,uint32,uint8,\
            bytes32,address[]),bytes)";
        assert_eq!(selector, &keccak256(function.as_bytes()).0[..4]);
        // Two offsets, the tuple without its own offset, the length, the memo in whole words.
        assert_eq!(U256::from(&data[..32]), U256::from(64));
        let rest = bare.len() - 32;
        assert_eq!(U256::from(&data[32..64]), U256::from(64 + rest));
        assert_eq!(data[64..64 + rest], bare[32..]);
        let tail = &data[64 + rest..];
        assert_eq!(U256::from(&tail[..32]), U256::from(length));
        assert_eq!(tail[32..32 + length], memo);
        assert!(tail[32 + length..].iter().all(|byte| *byte == 0));
        assert_eq!(tail.len(), 32 + length.next_multiple_of(32));
    }
}

#[test]
fn sends_ether_without_data() {
    let call = Call::TransferEth {
        to: address(9),
        wei: Wei(5),
    };
    assert_eq!(call.target(&deployment()), address(9));
    assert_eq!(call.data(&deployment()), Vec::<u8>::new());
    assert_eq!(call.value(), Wei(5));
}

#[test]
fn encodes_terms_as_the_protocol_does() {
    use ethers::abi::{Tokenizable, encode};
    let terms = terms(&[address(5), address(6)]);
    let token = crate::convert::ethers_terms(&terms).into_token();
    assert_eq!(encode(&[token]), terms.abi_encode());
    assert_eq!(
        crate::convert::terms(crate::convert::ethers_terms(&terms)),
        terms
    );
}
