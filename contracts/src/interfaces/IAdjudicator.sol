// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IControlled} from "./IControl.sol";
import {IPeriodClock} from "./IPeriodClock.sol";
import {IPolicyManager} from "./IPolicyManager.sol";

/// @title Adjudicator
/// @notice Convicts miners by receipts that their workers signed (EIP-712, see NodeMessages), each of which
/// names policy, miner, capsule, cfrag, commitments, requester and time, and by no other evidence. A
/// conviction takes a part of the stake, pays a share of it out, returns the rest to the reserve, and
/// suspends the miner. A miner is convicted once per policy and capsule, whatever the offence and the bytes
/// of the evidence.
///
/// A part of what is paid out goes to the sponsor, half of the rest to the challenger. The other half is held
/// for the other requester, who takes it by an accusation of its own over the same capsule, from a receipt
/// given to itself: nobody, in league with the miner, uses a requester's evidence up. All that convictions of
/// a miner under one policy pay out, to whomever, is at most what the policy has paid the miner, or the gas
/// that the accusations cost: whoever makes a policy in order to accuse gains nothing.
///
/// What convictions take is bounded per miner and window, and per day over all miners. Beyond a bound an
/// accusation reverts and records nothing, so that its evidence holds for the next window or day: nobody can
/// be made free of it by convictions that come first.
interface IAdjudicator is IPeriodClock, IControlled {
    /// @notice Offences of which a miner is convicted.
    enum Offence {
        None,
        WrongFragment,
        ServedAfterRevocation,
        Equivocation
    }

    /// @notice Accusation of a miner, signed by the requester that the receipt names: the account of the
    /// policy's receiving key, or of its verifying key if the author asked. So neither someone who copies the
    /// transaction nor the miner itself earns the reward. Anyone may relay it.
    struct Accusation {
        address miner;
        /// Account that receives the reward.
        address challenger;
        /// Delegating key 33 B || receiving key 33 B || blinding 32 B, whose keccak256 is terms.keysHash. May
        /// be empty if the author accuses, of another fault than 8.
        bytes keys;
        /// y of the receiving key; 0, which no point of the curve has, if the author accuses.
        uint256 receivingY;
        /// By the requester: 65 bytes r || s || v, EIP-712, domain "KMS Adjudicator", "1", type
        /// Accusation(address miner,bytes32 policyId,bytes32 capsuleHash,address challenger)
        bytes signature;
    }

    /// @notice Fields of a receipt besides policy, miner, capsule, cfrag and requester.
    struct Answer {
        /// keccak256 of the author's commitments that came with the cfrag.
        bytes32 commitmentsHash;
        /// Time and hash of the block that the node decided on.
        uint64 blockTime;
        bytes32 blockHash;
        /// By a worker of the miner, see IStakingEscrow.minerOfSigner: 65 bytes r || s || v.
        bytes signature;
    }

    /// @notice A miner was convicted.
    /// @param faultCode code of UmbralProof for a wrong cfrag; 0 for the other offences.
    /// @param penalty what the stake lost: reward, toSponsor and held out of it, the rest was burned.
    /// @param reward what the challenger was paid.
    /// @param toSponsor what the policy's sponsor was paid.
    /// @param held what is held for the other requester.
    event MinerConvicted(
        bytes32 indexed policyId,
        address indexed miner,
        address indexed challenger,
        Offence offence,
        uint8 faultCode,
        bytes32 capsuleHash,
        uint96 penalty,
        uint96 reward,
        uint96 toSponsor,
        uint96 held
    );
    /// @notice The other requester proved an offence over a capsule that the miner was convicted over, and
    /// was paid what was held for it.
    event HeldRewardPaid(
        bytes32 indexed policyId,
        address indexed miner,
        address indexed challenger,
        bytes32 capsuleHash,
        uint96 amount
    );
    /// @notice What was held for a requester that did not come was burned, and became reserve again.
    event HeldRewardBurned(
        bytes32 indexed policyId, address indexed miner, bytes32 capsuleHash, uint96 amount
    );

    error AdjudicatorPaused(uint32 throughPeriod);
    /// @notice The requester was heard over this policy and capsule, or what was held for it was burned.
    error AdjudicatorAlreadyConvicted(address miner, bytes32 policyId, bytes32 capsuleHash);
    /// @notice Nothing is held over this policy and capsule, or it is held through the period before `from`.
    error AdjudicatorNothingToBurn(uint96 held, uint256 from);
    error AdjudicatorTransferFailed();
    /// @notice The receipt names a time that this chain has not reached yet. A node never signs one, and no
    /// reader accepts it.
    error AdjudicatorReceiptFromFuture(uint64 blockTime, uint256 presentTime);
    /// @notice The receipt is of a period more than evidencePeriods ago: `oldest` is the first second that
    /// counts now.
    error AdjudicatorReceiptTooOld(uint64 blockTime, uint256 oldest);
    /// @notice The signer of the receipt is no worker of the miner, or was dismissed before the policy began
    /// or more than evidencePeriods ago; zero for a malformed signature.
    error AdjudicatorReceiptInvalid(address signer, address miner);
    /// @notice The signer of the accusation is not the requester; zero for a malformed signature.
    error AdjudicatorAccusationInvalid(address signer, address requester);
    /// @notice The hash of the keys is not that of the terms.
    error AdjudicatorKeysMismatch(bytes32 keysHash);
    error AdjudicatorChallengerZero();
    /// @notice The miner has no stake left. No conviction is recorded.
    error AdjudicatorNothingAtStake(address miner);
    /// @notice Nodes refuse such a capsule, so nobody is convicted over one.
    error AdjudicatorCapsuleInvalid();
    /// @notice The witness fits and proves no fault.
    error AdjudicatorNoFault(uint8 faultCode);
    error AdjudicatorAccessNotRevoked(bytes32 policyId, address miner);
    error AdjudicatorWithinGrace(uint64 blockTime, uint256 firstPunishable);
    /// @notice The answers were made with different kfrags, so they may differ.
    error AdjudicatorKeyFragmentsDiffer();
    /// @notice The answers have the same E1 and V1. Their proofs differ in all honest answers.
    error AdjudicatorAnswersAgree();
    /// @notice The convictions of the miner's present window have taken so much that this penalty would
    /// exceed `most`. The next window opens with the first conviction from period `from` on.
    error AdjudicatorWindowFull(address miner, uint96 taken, uint96 most, uint256 from);
    /// @notice The convictions of today have taken `most` or more. `from` is the first second of tomorrow.
    error AdjudicatorDayFull(uint96 taken, uint96 most, uint256 from);
    error AdjudicatorEvidenceTooShort(uint256 length);
    /// @notice Thrown at construction.
    error AdjudicatorGraceOutOfBounds(uint32 graceSeconds, uint32 minimum, uint32 maximum);
    /// @notice Thrown at construction when the contracts are not of one deployment.
    error AdjudicatorContractsMismatch();

    function policies() external view returns (address);
    function escrow() external view returns (address);
    function rewards() external view returns (address);
    /// @notice Seconds after a revocation in which a node may still serve. Fixed at deployment, so that the
    /// end of each grace is fixed with the revocation.
    function graceSeconds() external view returns (uint32);
    /// @notice For how many periods after its own a receipt counts, see IStakingEscrow.
    function evidencePeriods() external view returns (uint32);
    /// @notice Whether the miner was convicted over this policy and capsule.
    function isConvicted(address miner, bytes32 policyId, bytes32 capsuleHash) external view returns (bool);
    /// @notice Length of a window in periods: the longest lease. A window opens with a conviction.
    function windowPeriods() external view returns (uint32);
    /// @notice The window of a conviction of the miner now: the period it opened in (the current one for a
    /// new window), what convictions have taken in it, and the most that they may take.
    function windowOf(address miner) external view returns (uint32 openedIn, uint96 taken, uint96 most);
    /// @notice What the convictions of the last day with one have taken, the sum from which on no more fall
    /// on it, and its number: Unix time / 86,400.
    function lastDay() external view returns (uint64 number, uint96 taken, uint96 most);
    /// @notice Penalty of the miner if it were convicted now, and the most that is paid out of it; both hold
    /// only if they fit into window and day.
    function penaltyOf(address miner) external view returns (uint96 penalty, uint96 most);
    /// @notice What is held over a capsule for the requester that was not heard, in units of 1e-18 KMS, and
    /// the first period in which it may be burned; both 0 without a conviction.
    function heldOf(address miner, bytes32 policyId, bytes32 capsuleHash)
        external
        view
        returns (uint96 held, uint256 from);

    /// @notice Burns what is held over a capsule, from the period on that heldOf names. Callable by anyone.
    function burnHeld(address miner, bytes32 policyId, bytes32 capsuleHash) external;

    /// @notice Convicts the miner of a cfrag that was not made from this capsule with the kfrag that the
    /// author granted for this policy and miner.
    /// @param evidence capsule 98 B || cfrag 359 B || y of E || y of V || fault code 1 B || witness, which
    /// the `umbral` crate makes, see UmbralProof.
    function accuseOfWrongFragment(
        IPolicyManager.Terms calldata terms,
        Accusation calldata accusation,
        Answer calldata answer,
        bytes calldata evidence
    ) external;

    /// @notice Convicts the miner of a cfrag given graceSeconds or more after the policy, or the miner's
    /// arrangement, was revoked.
    function accuseOfServingAfterRevocation(
        IPolicyManager.Terms calldata terms,
        Accusation calldata accusation,
        Answer calldata answer,
        bytes32 capsuleHash,
        bytes32 cfragHash
    ) external;

    /// @notice Convicts the miner of two answers for one capsule, made with one kfrag (same U1), whose E1 or
    /// V1 differ: at least one is false. That their proofs differ is no offence.
    /// @param cfrags 359 B || 359 B, the cfrags of the two answers.
    function accuseOfEquivocation(
        IPolicyManager.Terms calldata terms,
        Accusation calldata accusation,
        Answer[2] calldata answers,
        bytes32 capsuleHash,
        bytes calldata cfrags
    ) external;
}
