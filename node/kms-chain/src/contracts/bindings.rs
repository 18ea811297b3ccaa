//! Types generated from the artifacts of the contracts: calls, events, errors. Read by `call`,
//! `events`, `revert` and `chain::views`; nothing generated leaves the crate.

// Generated code: the Solidity interfaces document it, the generator determines its style.
#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::all,
    clippy::indexing_slicing
)]

ethers::contract::abigen!(
    KMSToken,
    "../../deployments/artifacts/KMSToken.json",
    // abigen's own names of overloads depend on their order in the ABI.
    methods {
        transferAndCall(address,uint256) as transfer_and_call_bare;
        transferAndCall(address,uint256,bytes) as transfer_and_call_with_data;
    };
    StakingEscrow,
    "../../deployments/artifacts/StakingEscrow.json";
    MiningRewards,
    "../../deployments/artifacts/MiningRewards.json";
    PolicyManager,
    "../../deployments/artifacts/PolicyManager.json";
    Adjudicator,
    "../../deployments/artifacts/Adjudicator.json";
    SilenceChallenges,
    "../../deployments/artifacts/SilenceChallenges.json";
    Control,
    "../../deployments/artifacts/Control.json";
);
