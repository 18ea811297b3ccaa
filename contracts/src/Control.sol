// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IControl, IControlled, IPausable} from "./interfaces/IControl.sol";
import {IMiningRewards} from "./interfaces/IMiningRewards.sol";
import {IPeriodClock} from "./interfaces/IPeriodClock.sol";
import {IPolicyManager} from "./interfaces/IPolicyManager.sol";
import {IStakingEscrow} from "./interfaces/IStakingEscrow.sol";
import {SilenceMath} from "./libraries/SilenceMath.sol";

/// @title Control
/// @notice Implements IControl. The last contract of a deployment: its constructor checks that the others,
/// some of which were given predicted addresses, name each other.
contract Control is Ownable2Step, IControl {
    // ---------------------------------------------------------------- types

    /// @notice Parameters of the constructor.
    struct Params {
        address owner;
        address guardian;
        address escrow;
        address rewards;
        address policies;
        address adjudicator;
        address challenges;
        uint32 maxPausePeriods;
        uint32 minWindowSeconds;
        uint32 maxWindowSeconds;
        PenaltyTerms penalty;
        ChallengeTerms challenge;
    }

    // ---------------------------------------------------------------- immutables

    // The convictions of a window take at most half of a stake of minLocked or more: the cap is at most half
    // of the stake, the floor at most half of minLocked.
    uint16 private constant MAX_SHARE_BPS = 3_000;
    uint16 private constant MAX_CAP_BPS = 5_000;
    /// @dev Enough for the owner never to make convictions impossible; at most half of all stakes on a day.
    uint16 private constant MIN_NETWORK_CAP_BPS = 50;
    uint16 private constant MAX_NETWORK_CAP_BPS = 5_000;
    /// @dev After ten windows a penalty is at most eleven times the first one, and at most the cap.
    uint16 private constant MAX_HISTORY_BPS = 10_000;
    /// @dev Below half, so that a miner that accuses itself loses more than half of the penalty.
    uint16 private constant MAX_REWARD_BPS = 4_999;
    uint16 private constant BASIS_POINTS = 10_000;
    uint16 private constant MAX_SUSPENSION_PERIODS = 64;
    uint32 private constant MAX_DISTANCE_PERIODS = 400;
    /// @dev So that less than half of the penalty of silence is paid out, see SilenceMath.
    uint8 private constant MIN_PENALTY_BONDS =
        uint8(2 * (SilenceMath.OPENING_BONDS + SilenceMath.CLOSING_BONDS) + 1);

    /// @inheritdoc IControl
    address public immutable override escrow;
    /// @inheritdoc IControl
    address public immutable override rewards;
    /// @inheritdoc IControl
    address public immutable override policies;
    /// @inheritdoc IControl
    address public immutable override adjudicator;
    /// @inheritdoc IControl
    address public immutable override challenges;
    /// @inheritdoc IControl
    uint32 public immutable override maxPausePeriods;
    /// @inheritdoc IControl
    uint32 public immutable override minWindowSeconds;
    /// @inheritdoc IControl
    uint32 public immutable override maxWindowSeconds;
    /// @dev Least locked tokens of a position, which bounds floor and bond.
    uint96 private immutable _minLocked;
    uint32 private immutable _periodSeconds;
    uint32 private immutable _evidencePeriods;

    // ---------------------------------------------------------------- storage

    PenaltyTerms private _penalty;
    /// @dev Those before; their pausedThrough says nothing.
    PenaltyTerms private _previousPenalty;
    ChallengeTerms private _challenge;
    /// @inheritdoc IControl
    address public override guardian;
    /// @inheritdoc IControl
    uint32 public override nextPausePeriod;
    /// @inheritdoc IControl
    uint40 public override penaltySince;
    /// @inheritdoc IControl
    address public override pendingGuardian;

    // ---------------------------------------------------------------- constructor

    constructor(Params memory params) Ownable(params.owner) {
        escrow = params.escrow;
        rewards = params.rewards;
        policies = params.policies;
        adjudicator = params.adjudicator;
        challenges = params.challenges;
        maxPausePeriods = params.maxPausePeriods;
        minWindowSeconds = params.minWindowSeconds;
        maxWindowSeconds = params.maxWindowSeconds;
        _minLocked = IStakingEscrow(params.escrow).minLocked();
        _evidencePeriods = IStakingEscrow(params.escrow).evidencePeriods();
        _periodSeconds = IPeriodClock(params.escrow).periodSeconds();

        require(_areConnected(params), ControlContractsMismatch());
        require(params.guardian != address(0), ControlGuardianZero());
        // Shorter than the shortest lock: who unbonds after a pause began, leaves after its end.
        uint32 longest = IStakingEscrow(params.escrow).minLockPeriods() - 1;
        require(
            params.maxPausePeriods > 0 && params.maxPausePeriods <= longest,
            ControlPauseOutOfBounds(params.maxPausePeriods, longest)
        );
        _checkEvidence(params);
        require(
            params.minWindowSeconds > 0 && params.minWindowSeconds <= params.maxWindowSeconds,
            ControlWindowOutOfBounds(params.minWindowSeconds, 1, params.maxWindowSeconds)
        );
        guardian = params.guardian;
        emit GuardianChanged(address(0), params.guardian);
        _setPenalty(params.penalty);
        _setChallenge(params.challenge);
    }

    /// @dev Whatever a pause that begins with an offence holds up can be judged after it, and what an answer
    /// in the longest window proves as well.
    function _checkEvidence(Params memory params) private view {
        uint256 window = params.maxWindowSeconds;
        uint256 least = (window + _periodSeconds - 1) / _periodSeconds + params.maxPausePeriods + 1;
        require(_evidencePeriods >= least, ControlEvidenceTooShort(_evidencePeriods, least));
    }

    function _areConnected(Params memory params) private view returns (bool) {
        IStakingEscrow stakes = IStakingEscrow(params.escrow);
        IMiningRewards mining = IMiningRewards(params.rewards);
        IPolicyManager fees = IPolicyManager(params.policies);
        bool named = stakes.rewards() == params.rewards && stakes.adjudicator() == params.adjudicator
            && stakes.challenges() == params.challenges && mining.escrow() == params.escrow
            && mining.adjudicator() == params.adjudicator && mining.challenges() == params.challenges
            && fees.escrow() == params.escrow && fees.rewards() == params.rewards;
        return named && _obeys(params.escrow) && _obeys(params.policies) && _obeys(params.adjudicator)
            && _obeys(params.challenges);
    }

    function _obeys(address controlled) private view returns (bool) {
        return IControlled(controlled).control() == address(this);
    }

    // ---------------------------------------------------------------- guardian

    /// @inheritdoc IControl
    function pause() external override {
        uint32 current = IPeriodClock(escrow).currentPeriod();
        require(msg.sender == guardian, ControlNotGuardian(msg.sender));
        require(current >= nextPausePeriod, ControlPauseTooSoon(nextPausePeriod, current));
        uint32 through = _saturate(uint256(current) + maxPausePeriods - 1);
        nextPausePeriod = _saturate(uint256(through) + 1 + maxPausePeriods);
        _setPause(through);
        emit PauseStarted(through);
    }

    /// @inheritdoc IControl
    /// @dev An early end does not bring the next pause forward.
    function unpause() external override {
        require(msg.sender == guardian || msg.sender == owner(), ControlNotGuardianOrOwner(msg.sender));
        require(_penalty.pausedThrough >= IPeriodClock(escrow).currentPeriod(), ControlNotPaused());
        _setPause(0);
        emit PauseEnded();
    }

    /// @inheritdoc IControl
    function acceptGuardian() external override {
        require(msg.sender == pendingGuardian, ControlNotPendingGuardian(msg.sender));
        emit GuardianChanged(guardian, msg.sender);
        guardian = msg.sender;
        pendingGuardian = address(0);
    }

    // ---------------------------------------------------------------- owner

    /// @inheritdoc IControl
    /// @dev The zero address takes a proposal back.
    function proposeGuardian(address guardian_) external override onlyOwner {
        pendingGuardian = guardian_;
        emit GuardianProposed(guardian_);
    }

    /// @inheritdoc IControl
    /// @dev The evidence that still counts is of the time of two terms at most: those before a change are
    /// forgotten once none counts that is older.
    function setPenalty(PenaltyTerms calldata terms) external override onlyOwner {
        uint256 from = nextPenaltyPeriod();
        uint32 current = IPeriodClock(escrow).currentPeriod();
        require(current >= from, ControlTermsTooSoon(from, current));
        _previousPenalty = _penalty;
        // Through the year 36,812.
        penaltySince = uint40(block.timestamp);
        _setPenalty(terms);
    }

    /// @inheritdoc IControl
    function setChallenge(ChallengeTerms calldata terms) external override onlyOwner {
        _setChallenge(terms);
    }

    /// @inheritdoc Ownable
    /// @dev Without an owner a guardian that misuses the pause, or bad terms, would stay for ever.
    function renounceOwnership() public view override onlyOwner {
        revert ControlOwnerNeeded();
    }

    // ---------------------------------------------------------------- internal

    function _setPause(uint32 through) private {
        _penalty.pausedThrough = through;
        IPausable(escrow).setPause(through);
        IPausable(policies).setPause(through);
    }

    function _setPenalty(PenaltyTerms memory terms) private {
        uint96 highestFloor = _minLocked / 2;
        require(
            terms.floor > 0 && terms.floor <= highestFloor,
            ControlFloorOutOfBounds(terms.floor, highestFloor)
        );
        require(terms.shareBps <= MAX_SHARE_BPS, ControlShareOutOfBounds(terms.shareBps, MAX_SHARE_BPS));
        require(
            terms.historyBps <= MAX_HISTORY_BPS, ControlHistoryOutOfBounds(terms.historyBps, MAX_HISTORY_BPS)
        );
        require(
            terms.capBps >= terms.shareBps && terms.capBps <= MAX_CAP_BPS,
            ControlCapOutOfBounds(terms.capBps, terms.shareBps, MAX_CAP_BPS)
        );
        require(
            terms.networkCapBps >= MIN_NETWORK_CAP_BPS && terms.networkCapBps <= MAX_NETWORK_CAP_BPS,
            ControlNetworkCapOutOfBounds(terms.networkCapBps, MIN_NETWORK_CAP_BPS, MAX_NETWORK_CAP_BPS)
        );
        require(terms.rewardBps <= MAX_REWARD_BPS, ControlRewardOutOfBounds(terms.rewardBps, MAX_REWARD_BPS));
        uint96 highest = terms.floor / 10;
        require(terms.rewardFloor <= highest, ControlRewardFloorOutOfBounds(terms.rewardFloor, highest));
        require(
            terms.sponsorBps <= BASIS_POINTS, ControlSponsorShareOutOfBounds(terms.sponsorBps, BASIS_POINTS)
        );
        _checkSuspension(terms.suspensionPeriods);
        _checkSilence(_challenge, terms.floor);
        require(terms.pausedThrough == 0, ControlPauseNotSettable(terms.pausedThrough));
        terms.pausedThrough = _penalty.pausedThrough;
        _penalty = terms;
        emit PenaltyTermsSet(terms);
    }

    function _setChallenge(ChallengeTerms memory terms) private {
        require(
            terms.penaltyBonds >= MIN_PENALTY_BONDS,
            ControlPenaltyBondsOutOfBounds(terms.penaltyBonds, MIN_PENALTY_BONDS)
        );
        // The penalty of silence is at most a tenth of the least stake.
        uint96 highest = _minLocked / 10 / terms.penaltyBonds;
        require(terms.bond > 0 && terms.bond <= highest, ControlBondOutOfBounds(terms.bond, highest));
        _checkSilence(terms, _penalty.floor);
        require(
            terms.windowSeconds >= minWindowSeconds && terms.windowSeconds <= maxWindowSeconds,
            ControlWindowOutOfBounds(terms.windowSeconds, minWindowSeconds, maxWindowSeconds)
        );
        _checkSuspension(terms.suspensionPeriods);
        require(
            terms.distancePeriods > 0 && terms.distancePeriods <= MAX_DISTANCE_PERIODS,
            ControlDistanceOutOfBounds(terms.distancePeriods, MAX_DISTANCE_PERIODS)
        );
        _challenge = terms;
        emit ChallengeTermsSet(terms);
    }

    function _checkSilence(ChallengeTerms memory terms, uint96 floor) private pure {
        uint256 penalty = uint256(terms.bond) * terms.penaltyBonds;
        require(penalty <= floor, ControlSilenceAboveFloor(penalty, floor));
    }

    function _checkSuspension(uint16 periods) private pure {
        require(
            periods <= MAX_SUSPENSION_PERIODS, ControlSuspensionOutOfBounds(periods, MAX_SUSPENSION_PERIODS)
        );
    }

    /// @dev Saturates a period at 2^32 - 1, as the clock does.
    function _saturate(uint256 period) private pure returns (uint32) {
        return period > type(uint32).max ? type(uint32).max : uint32(period);
    }

    // ---------------------------------------------------------------- view

    /// @inheritdoc IControl
    function penaltyTerms() external view override returns (PenaltyTerms memory) {
        return _penalty;
    }

    /// @inheritdoc IControl
    function penaltyTermsAt(uint64 time) external view override returns (PenaltyTerms memory terms) {
        if (time >= penaltySince) return _penalty;
        terms = _previousPenalty;
        terms.pausedThrough = _penalty.pausedThrough;
    }

    /// @inheritdoc IControl
    function nextPenaltyPeriod() public view override returns (uint256) {
        if (penaltySince == 0) return 0;
        uint256 changedIn = (penaltySince - IPeriodClock(escrow).genesisTime()) / _periodSeconds + 1;
        return changedIn + _evidencePeriods + 1;
    }

    /// @inheritdoc IControl
    function challengeTerms() external view override returns (ChallengeTerms memory) {
        return _challenge;
    }
}
