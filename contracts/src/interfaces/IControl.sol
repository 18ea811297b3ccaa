// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @notice A contract that reads terms from Control or is paused by it.
interface IControlled {
    /// @notice The Control that the contract obeys.
    function control() external view returns (address);
}

/// @notice A contract with a function that Control may pause.
interface IPausable is IControlled {
    /// @notice Pauses through `throughPeriod`; a past period or 0 lifts the pause.
    function setPause(uint32 throughPeriod) external;
}

/// @title Control
/// @notice Governance of a deployment. The owner, a timelock, sets the terms of penalties and challenges
/// within bounds that the code fixes; the guardian may pause deposits, new policies and convictions for a
/// bounded time. No function moves anybody's tokens, changes a lock, or stops an exit, a claim, a
/// collection, a refund or a revocation.
interface IControl {
    /// @notice Terms of a conviction, in two slots. Shares are in basis points (1/10,000).
    struct PenaltyTerms {
        /// Least penalty, in units of 1e-18 KMS.
        uint96 floor;
        /// Penalty as a share of the stake at risk.
        uint16 shareBps;
        /// Increase of the penalty for each earlier window with a conviction, as a share of it.
        uint16 historyBps;
        /// Greatest sum of penalties in a window, as a share of the stake at risk and what they took.
        uint16 capBps;
        /// Sum of all penalties of a day, as a share of all stakes, after which no more fall on that day.
        uint16 networkCapBps;
        /// Most that a conviction pays out, as a share of the penalty.
        uint16 rewardBps;
        /// Length of the suspension that follows.
        uint16 suspensionPeriods;
        /// Last period without convictions; past when there is no pause. Not set by setPenalty.
        uint32 pausedThrough;
        /// What a requester gets though its policy has not paid for it: the gas of an accusation, in units of
        /// 1e-18 KMS; at most a tenth of the least penalty.
        uint96 rewardFloor;
        /// Share of the sponsor in what is paid out beyond the floors of both requesters.
        uint16 sponsorBps;
    }

    /// @notice Terms of a silence challenge, in one slot.
    struct ChallengeTerms {
        /// Bond of the challenger: the gas of an answer, in units of 1e-18 KMS.
        uint96 bond;
        /// Time in which the miner may answer.
        uint32 windowSeconds;
        /// Length of the suspension of a miner that did not answer.
        uint16 suspensionPeriods;
        /// Least number of periods between two openings for the same policy and miner.
        uint32 distancePeriods;
        /// Penalty of a miner that did not answer, in bonds; with it at most the least penalty of a
        /// conviction and a tenth of minLocked.
        uint8 penaltyBonds;
    }

    /// @notice Deposits, new policies and convictions are paused through `throughPeriod`.
    event PauseStarted(uint32 throughPeriod);
    /// @notice The pause was ended early.
    event PauseEnded();
    /// @notice The owner proposed a guardian; zero if it took the proposal back.
    event GuardianProposed(address indexed guardian);
    /// @notice The proposed guardian accepted.
    event GuardianChanged(address indexed previous, address indexed guardian);
    /// @notice The owner set the terms of convictions.
    event PenaltyTermsSet(PenaltyTerms terms);
    /// @notice The owner set the terms of challenges.
    event ChallengeTermsSet(ChallengeTerms terms);

    /// @notice Control has an owner for ever: ownership is handed over, not given up.
    error ControlOwnerNeeded();
    error ControlNotGuardian(address caller);
    error ControlNotGuardianOrOwner(address caller);
    error ControlNotPendingGuardian(address caller);
    /// @notice The guardian must wait for maxPausePeriods after a pause before it pauses again.
    error ControlPauseTooSoon(uint32 allowedFrom, uint32 currentPeriod);
    error ControlNotPaused();
    /// @notice Terms were changed, and evidence still counts that is older: new ones from period `from` on.
    error ControlTermsTooSoon(uint256 from, uint32 currentPeriod);
    /// @notice Thrown at construction: shorter than a pause and the window of a challenge, by one at least.
    error ControlEvidenceTooShort(uint32 evidencePeriods, uint256 minimum);
    error ControlFloorOutOfBounds(uint96 floor, uint96 maximum);
    error ControlShareOutOfBounds(uint16 shareBps, uint16 maximum);
    error ControlHistoryOutOfBounds(uint16 historyBps, uint16 maximum);
    error ControlCapOutOfBounds(uint16 capBps, uint16 minimum, uint16 maximum);
    error ControlNetworkCapOutOfBounds(uint16 networkCapBps, uint16 minimum, uint16 maximum);
    error ControlRewardOutOfBounds(uint16 rewardBps, uint16 maximum);
    error ControlRewardFloorOutOfBounds(uint96 rewardFloor, uint96 maximum);
    error ControlSponsorShareOutOfBounds(uint16 sponsorBps, uint16 maximum);
    error ControlSuspensionOutOfBounds(uint16 periods, uint16 maximum);
    error ControlPauseNotSettable(uint32 pausedThrough);
    error ControlBondOutOfBounds(uint96 bond, uint96 maximum);
    /// @notice The penalty of silence would not be more than twice the gas that it pays for.
    error ControlPenaltyBondsOutOfBounds(uint8 penaltyBonds, uint8 minimum);
    /// @notice The penalty of silence exceeds the least one of a conviction: a false answer would cost less.
    error ControlSilenceAboveFloor(uint256 penalty, uint96 floor);
    error ControlWindowOutOfBounds(uint32 windowSeconds, uint32 minimum, uint32 maximum);
    error ControlDistanceOutOfBounds(uint32 periods, uint32 maximum);
    // Thrown at construction only:
    error ControlGuardianZero();
    /// @notice The contracts of the deployment do not name each other.
    error ControlContractsMismatch();
    error ControlPauseOutOfBounds(uint32 periods, uint32 maximum);

    function escrow() external view returns (address);
    function rewards() external view returns (address);
    function policies() external view returns (address);
    function adjudicator() external view returns (address);
    function challenges() external view returns (address);
    /// @notice Length of a pause, in periods; shorter than the shortest lock.
    function maxPausePeriods() external view returns (uint32);
    /// @notice Lower bound of the terms' windowSeconds.
    function minWindowSeconds() external view returns (uint32);
    /// @notice Upper bound of the terms' windowSeconds.
    function maxWindowSeconds() external view returns (uint32);

    /// @notice The account that may pause.
    function guardian() external view returns (address);
    /// @notice The proposed guardian, which has not accepted yet; zero if there is none.
    function pendingGuardian() external view returns (address);
    /// @notice First period in which the guardian may pause again.
    function nextPausePeriod() external view returns (uint32);
    /// @notice Terms of convictions in force.
    function penaltyTerms() external view returns (PenaltyTerms memory);
    /// @notice Terms of a conviction of what was done at `time`: those of then, but for pausedThrough, which
    /// is that of now. Only what still counts as evidence may be asked about.
    function penaltyTermsAt(uint64 time) external view returns (PenaltyTerms memory);
    /// @notice Time of the last setPenalty; 0 if there was none.
    function penaltySince() external view returns (uint40);
    /// @notice First period in which setPenalty may be called: when no evidence counts any more that is older
    /// than the last one. 0 if there was none.
    function nextPenaltyPeriod() external view returns (uint256);
    /// @notice Terms of the challenges opened from now on.
    function challengeTerms() external view returns (ChallengeTerms memory);

    /// @notice Pauses deposits, new policies and convictions through currentPeriod + maxPausePeriods - 1.
    /// Callable by the guardian only, and not again for maxPausePeriods after that.
    function pause() external;
    /// @notice Ends the pause early. Callable by guardian and owner.
    function unpause() external;
    /// @notice Proposes the next guardian, which must accept; zero takes the proposal back. Callable by the
    /// owner only.
    function proposeGuardian(address guardian) external;
    /// @notice Makes the caller, the proposed guardian, the guardian.
    function acceptGuardian() external;
    /// @notice Sets the terms of convictions, of what is done from now on. `terms.pausedThrough` must be 0; a
    /// pause in force stays. To set the floor below the bond in force, lower the bond first. Reverts with
    /// ControlTermsTooSoon before nextPenaltyPeriod. Callable by the owner only.
    function setPenalty(PenaltyTerms calldata terms) external;
    /// @notice Sets the terms of challenges opened from now on. To set the bond above the floor in force,
    /// raise the floor first. Callable by the owner only.
    function setChallenge(ChallengeTerms calldata terms) external;
}
