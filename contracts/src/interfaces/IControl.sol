// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @notice What Control asks of every contract that obeys it.
interface IControlled {
    function control() external view returns (address);
}

/// @notice A contract with something that may be paused.
interface IPausable is IControlled {
    function setPause(uint32 throughPeriod) external;
}

/// @title Control
/// @notice The whole of the deployment's governance. The owner (a timelock) sets the terms of penalties
/// and challenges within bounds that the code fixes; the guardian may pause deposits, new policies and
/// slashing for a bounded time. No function moves anybody's tokens, changes a lock, or stops an exit, a
/// claim, a collection, a refund or a revocation.
interface IControl {
    /// @notice Terms of a conviction. One slot. Shares are in basis points (1/10,000).
    struct PenaltyTerms {
        /// Least penalty, units of KMS.
        uint96 floor;
        /// Penalty as a share of the stake at risk.
        uint16 shareBps;
        /// What each earlier conviction adds, as a share of the penalty.
        uint16 historyBps;
        /// Greatest penalty as a share of the stake at risk.
        uint16 capBps;
        /// The reporter's share of the penalty.
        uint16 rewardBps;
        uint16 suspensionPeriods;
        /// Blocks after a revocation in which a node may still serve.
        uint32 graceBlocks;
        /// Last period without convictions; in the past when there is no pause. Not set by setPenalty.
        uint32 pausedThrough;
    }

    /// @notice Terms of a challenge of silence. One slot.
    struct ChallengeTerms {
        /// What the challenger posts, units of KMS; at most the least penalty.
        uint96 bond;
        /// Time to answer.
        uint32 windowSeconds;
        uint16 suspensionPeriods;
        /// Least periods between two challenges for the same miner and policy.
        uint32 distancePeriods;
    }

    event PauseStarted(uint32 throughPeriod);
    event PauseEnded();
    event GuardianProposed(address indexed guardian);
    event GuardianChanged(address indexed previous, address indexed guardian);
    event PenaltyTermsSet(PenaltyTerms terms);
    event ChallengeTermsSet(ChallengeTerms terms);

    error ControlNotGuardian(address caller);
    error ControlNotGuardianOrOwner(address caller);
    error ControlNotPendingGuardian(address caller);
    /// @notice A guardian must wait as long as a pause may last before it pauses again.
    error ControlPauseTooSoon(uint32 allowedFrom, uint32 currentPeriod);
    error ControlNotPaused();
    error ControlFloorOutOfBounds(uint96 floor, uint96 maximum);
    error ControlShareOutOfBounds(uint16 shareBps, uint16 maximum);
    error ControlHistoryOutOfBounds(uint16 historyBps, uint16 maximum);
    error ControlCapOutOfBounds(uint16 capBps, uint16 minimum, uint16 maximum);
    error ControlRewardOutOfBounds(uint16 rewardBps, uint16 maximum);
    error ControlSuspensionOutOfBounds(uint16 periods, uint16 maximum);
    error ControlGraceOutOfBounds(uint32 graceBlocks, uint32 minimum, uint32 maximum);
    error ControlPauseNotSettable(uint32 pausedThrough);
    error ControlBondOutOfBounds(uint96 bond, uint96 maximum);
    /// @notice The bond must not exceed the least penalty: it falls to the miner that answers, and one far
    /// above the gas of an answer would pay miners to be silent off chain until they are challenged.
    error ControlBondAboveFloor(uint96 bond, uint96 floor);
    error ControlWindowOutOfBounds(uint32 windowSeconds, uint32 minimum, uint32 maximum);
    error ControlDistanceOutOfBounds(uint32 periods, uint32 maximum);
    // Thrown at construction only.
    error ControlGuardianZero();
    /// @notice The contracts of the deployment do not name each other.
    error ControlContractsMismatch();
    error ControlPauseOutOfBounds(uint32 periods, uint32 maximum);

    function escrow() external view returns (address);
    function rewards() external view returns (address);
    function policies() external view returns (address);
    function adjudicator() external view returns (address);
    function challenges() external view returns (address);
    /// @notice Longest pause, in periods; shorter than the shortest lock.
    function maxPausePeriods() external view returns (uint32);
    function minWindowSeconds() external view returns (uint32);
    function maxWindowSeconds() external view returns (uint32);

    function guardian() external view returns (address);
    function pendingGuardian() external view returns (address);
    /// @notice First period in which the guardian may pause again.
    function nextPausePeriod() external view returns (uint32);
    function penaltyTerms() external view returns (PenaltyTerms memory);
    function challengeTerms() external view returns (ChallengeTerms memory);

    /// @notice Pauses deposits, new policies and slashing through currentPeriod + maxPausePeriods - 1.
    /// Only the guardian, and not again before as many periods have passed as a pause may last.
    function pause() external;
    /// @notice Ends the pause. Guardian or owner.
    function unpause() external;
    /// @notice Names the next guardian, which must accept. Only the owner.
    function proposeGuardian(address guardian) external;
    function acceptGuardian() external;
    /// @notice Only the owner. `terms.pausedThrough` must be 0 and is not touched. To bring the floor below
    /// the bond in force, lower the bond first.
    function setPenalty(PenaltyTerms calldata terms) external;
    /// @notice Only the owner. Holds for challenges opened from now on. To raise the bond above the floor in
    /// force, raise the floor first.
    function setChallenge(ChallengeTerms calldata terms) external;
}
