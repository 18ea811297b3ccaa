// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IControlled} from "./IControl.sol";
import {IPeriodClock} from "./IPeriodClock.sol";
import {IPolicyManager} from "./IPolicyManager.sol";

/// @title Adjudicator
/// @notice Convicts miners by what their workers signed: a receipt (EIP-712 domain "KMS Node", "1", the
/// PolicyManager's address, see NodeMessages) that names policy, miner, capsule, fragment, requester and
/// block. Nobody else's word counts. A conviction takes a part of the stake, pays a share of it to the
/// challenger, returns the rest to the reserve of new tokens, and suspends the miner's rewards.
/// A miner is convicted once per policy and capsule, whatever the offence and the bytes of the evidence.
interface IAdjudicator is IPeriodClock, IControlled {
    enum Offence {
        None,
        WrongFragment,
        ServedAfterRevocation,
        Equivocation
    }

    /// @notice Who accuses whom. The requester that a receipt names (the policy's receiving key, or its
    /// verifying key when the author asked) signs, so that nobody who copies the transaction, and not the
    /// miner itself, earns the reward. Anyone may relay.
    struct Accusation {
        address miner;
        /// Receives the reward.
        address challenger;
        /// Delegating key 33 B || receiving key 33 B, whose keccak256 is terms.keysHash. May be empty if the
        /// author accuses of anything but fault 8.
        bytes keys;
        /// y of the receiving key; 0 if the author accuses: no point of the curve has y = 0.
        uint256 receivingY;
        /// By the requester, 65 bytes r || s || v: EIP-712, domain "KMS Adjudicator", "1", type
        /// Accusation(address miner,bytes32 policyId,bytes32 capsuleHash,address challenger)
        bytes signature;
    }

    /// @notice What a receipt says besides policy, miner, capsule, fragment and requester.
    struct Answer {
        uint64 blockNumber;
        bytes32 blockHash;
        /// By a worker of the miner, present or former: 65 bytes r || s || v.
        bytes signature;
    }

    /// @param faultCode of a wrong fragment, see UmbralProof; 0 for the other offences.
    event MinerConvicted(
        bytes32 indexed policyId,
        address indexed miner,
        address indexed challenger,
        Offence offence,
        uint8 faultCode,
        bytes32 capsuleHash,
        uint96 penalty,
        uint96 reward
    );

    error AdjudicatorPaused(uint32 throughPeriod);
    error AdjudicatorAlreadyConvicted(address miner, bytes32 policyId, bytes32 capsuleHash);
    /// @notice The receipt is signed by nobody who answers for the miner; zero for a malformed signature.
    error AdjudicatorReceiptInvalid(address signer, address miner);
    /// @notice The accusation is not signed by the requester; zero for a malformed signature.
    error AdjudicatorAccusationInvalid(address signer, address requester);
    /// @notice The keys are not those of the policy.
    error AdjudicatorKeysMismatch(bytes32 keysHash);
    error AdjudicatorChallengerZero();
    /// @notice Nothing is left to take; nothing is recorded either.
    error AdjudicatorNothingAtStake(address miner);
    /// @notice No miner answers such a capsule, so nobody is convicted over one.
    error AdjudicatorCapsuleInvalid();
    /// @notice The witness fits, and shows no fault.
    error AdjudicatorNoFault(uint8 faultCode);
    error AdjudicatorAccessNotRevoked(bytes32 policyId, address miner);
    error AdjudicatorWithinGrace(uint64 blockNumber, uint256 firstPunishable);
    /// @notice The answers are of different key fragments, so they may differ.
    error AdjudicatorKeyFragmentsDiffer();
    /// @notice Both answers name the same E1 and V1; proofs differ in every honest answer.
    error AdjudicatorAnswersAgree();
    error AdjudicatorEvidenceTooShort(uint256 length);
    /// @notice Thrown at construction when the contracts are not of one deployment.
    error AdjudicatorContractsMismatch();

    function policies() external view returns (address);
    function escrow() external view returns (address);
    function rewards() external view returns (address);
    function isConvicted(address miner, bytes32 policyId, bytes32 capsuleHash) external view returns (bool);
    /// @notice What a conviction would cost the miner now, and what of it the challenger would receive.
    function penaltyOf(address miner) external view returns (uint96 penalty, uint96 reward);

    /// @notice A fragment that was not made from this capsule with the key fragment that the author granted
    /// for this policy and miner.
    /// @param evidence capsule 98 B || fragment 359 B || y of E || y of V || fault code 1 B || witness, the
    /// last as the `umbral` crate gives it: see UmbralProof.
    function accuseOfWrongFragment(
        IPolicyManager.Terms calldata terms,
        Accusation calldata accusation,
        Answer calldata answer,
        bytes calldata evidence
    ) external;

    /// @notice A fragment given at a block that is penalty.graceBlocks or more after the one in which the
    /// policy, or the miner's arrangement, was revoked.
    function accuseOfServingAfterRevocation(
        IPolicyManager.Terms calldata terms,
        Accusation calldata accusation,
        Answer calldata answer,
        bytes32 capsuleHash,
        bytes32 cfragHash
    ) external;

    /// @notice Two answers for one capsule, made with one key fragment (same U1), of which E1 or V1 differ:
    /// one at least is false. That the proofs inside differ is no offence.
    /// @param cfrags 359 B || 359 B, the fragments of the two answers.
    function accuseOfEquivocation(
        IPolicyManager.Terms calldata terms,
        Accusation calldata accusation,
        Answer[2] calldata answers,
        bytes32 capsuleHash,
        bytes calldata cfrags
    ) external;
}
