// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {PeriodClock} from "./PeriodClock.sol";
import {IAdjudicator} from "./interfaces/IAdjudicator.sol";
import {IControl, IControlled} from "./interfaces/IControl.sol";
import {IStakingEscrow} from "./interfaces/IStakingEscrow.sol";
import {PenaltyMath} from "./libraries/PenaltyMath.sol";

/// @title Penalty books
/// @notice Keeps what convictions took from each miner in its window, and from all miners on the last day,
/// and refuses what goes beyond. A refusal leaves no trace, so that the evidence holds for the next window
/// or day. Keeps also what convictions paid out for each policy and miner.
abstract contract PenaltyBooks is PeriodClock, IAdjudicator {
    // ---------------------------------------------------------------- types

    /// @notice Penalties of one miner over windowPeriods periods, in one slot.
    struct Window {
        uint96 taken;
        uint32 openedIn; // period; 0 for none
        uint8 history; // earlier windows of the miner, 255 for as many or more
    }

    /// @notice Penalties of all miners on one day, in one slot.
    struct Day {
        uint96 taken;
        uint96 most;
        uint64 number; // Unix time / 1 day
    }

    // ---------------------------------------------------------------- immutables

    IStakingEscrow internal immutable _escrow;
    IControl internal immutable _control;
    /// @inheritdoc IAdjudicator
    uint32 public immutable override windowPeriods;

    // ---------------------------------------------------------------- storage

    mapping(address miner => Window) private _windows;
    Day private _day;
    /// @dev Paid out and held for both requesters and the sponsor, by keccak256(miner, policy).
    mapping(bytes32 key => uint96) private _paidOut;

    // ---------------------------------------------------------------- constructor

    constructor(address escrow_, address control_, uint32 windowPeriods_) {
        _escrow = IStakingEscrow(escrow_);
        _control = IControl(control_);
        windowPeriods = windowPeriods_;
    }

    // ---------------------------------------------------------------- internal

    /// @dev Computes the penalty of a conviction now and enters it in both books; reverts if it does not fit.
    function _enterPenalty(address miner, IControl.PenaltyTerms memory terms, uint256 stake)
        internal
        returns (uint96 penalty, uint96 most)
    {
        Window memory window = _windowAt(miner);
        (penalty, most) = PenaltyMath.penaltyOf(terms, stake, window.history);
        _enterWindow(miner, window, penalty, PenaltyMath.mostOf(terms, stake + window.taken));
        _enterDay(terms, penalty);
    }

    /// @dev Computes what a conviction pays out of `most`, when the policy has paid the miner `paid`, and
    /// enters it.
    function _enterPayout(
        bytes32 policyId,
        address miner,
        IControl.PenaltyTerms memory terms,
        uint96 most,
        uint256 paid
    ) internal returns (uint96 out, uint96 toSponsor) {
        bytes32 key = keccak256(abi.encode(miner, policyId));
        uint96 before = _paidOut[key];
        (out, toSponsor) = PenaltyMath.payoutOf(terms, most, paid, before);
        // Tokens that exist (cap < 2^96), each burned or paid out: checked all the same.
        _paidOut[key] = before + out;
    }

    /// @dev The miner's window for a conviction now: the present one, or a new one.
    function _windowAt(address miner) private view returns (Window memory window) {
        window = _windows[miner];
        uint32 current = currentPeriod();
        if (window.openedIn != 0) {
            // The clock does not run backwards, so the difference does not wrap.
            if (current - window.openedIn < windowPeriods) return window;
            if (window.history < type(uint8).max) ++window.history;
        }
        window.openedIn = current;
        window.taken = 0;
    }

    /// @dev Enters a penalty in the miner's window. `most` is the bound of what is at risk together with what
    /// was taken before, so that no deposit is free because the window opened before it. The first penalty
    /// always fits.
    function _enterWindow(address miner, Window memory window, uint96 penalty, uint96 most) private {
        uint96 taken = window.taken;
        require(
            uint256(taken) + penalty <= most,
            AdjudicatorWindowFull(miner, taken, most, uint256(window.openedIn) + windowPeriods)
        );
        window.taken = taken + penalty;
        _windows[miner] = window;
    }

    /// @dev Enters a penalty in the sum of the day. The last one of a day may exceed the bound: if each had
    /// to fit below it, small convictions would keep a great one out for good.
    function _enterDay(IControl.PenaltyTerms memory terms, uint96 penalty) private {
        Day memory day = _day;
        uint64 today = uint64(block.timestamp / 1 days);
        if (day.number != today) {
            uint256 staked = _escrow.totalLocked() + _escrow.totalUnbonding();
            day = Day({taken: 0, most: PenaltyMath.dailyMostOf(terms, staked), number: today});
        }
        require(
            day.taken == 0 || day.taken < day.most,
            AdjudicatorDayFull(day.taken, day.most, (uint256(today) + 1) * 1 days)
        );
        // Tokens that exist (cap < 2^96), each burned or paid out once a day at most: checked all the same.
        day.taken += penalty;
        _day = day;
    }

    /// @dev All that is at risk of a miner.
    function _stakeOf(address miner) internal view returns (uint256) {
        (uint96 locked, uint96 unbonding) = _escrow.stakeAtRisk(miner);
        return uint256(locked) + unbonding;
    }

    // ---------------------------------------------------------------- view

    /// @inheritdoc IAdjudicator
    function escrow() external view override returns (address) {
        return address(_escrow);
    }

    /// @notice The Control, whose penalty terms hold.
    function control() external view override(IControlled) returns (address) {
        return address(_control);
    }

    /// @inheritdoc IAdjudicator
    function penaltyOf(address miner) external view override returns (uint96 penalty, uint96 most) {
        return PenaltyMath.penaltyOf(_control.penaltyTerms(), _stakeOf(miner), _windowAt(miner).history);
    }

    /// @inheritdoc IAdjudicator
    function windowOf(address miner)
        external
        view
        override
        returns (uint32 openedIn, uint96 taken, uint96 most)
    {
        Window memory window = _windowAt(miner);
        most = PenaltyMath.mostOf(_control.penaltyTerms(), _stakeOf(miner) + window.taken);
        return (window.openedIn, window.taken, most);
    }

    /// @inheritdoc IAdjudicator
    function lastDay() external view override returns (uint64 number, uint96 taken, uint96 most) {
        return (_day.number, _day.taken, _day.most);
    }
}
