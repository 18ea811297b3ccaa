// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IControl} from "../interfaces/IControl.sol";

/// @title Penalty mathematics
/// @notice The penalty of a conviction, and the most that convictions take in a window. Every division
/// rounds down; the floor keeps a penalty above zero.
library PenaltyMath {
    uint256 private constant BASIS_POINTS = 10_000;
    /// @notice Number of earlier windows that raise the penalty; further ones add nothing.
    uint256 internal constant MAX_HISTORY = 10;

    /// @notice Computes penalty and reward, with `stake` all that is at risk and c = min(windows, 10), where
    /// `windows` is the number of earlier windows in which the miner was convicted:
    ///
    ///     raised  = max(floor, share * stake) * (1 + history * c)
    ///     penalty = min(raised, max(floor, cap * stake), stake)
    ///     most    = rewardShare * penalty
    ///
    /// `most` bounds what is paid out of it. Control keeps rewardShare below half, so most < penalty / 2 for
    /// every penalty above 0.
    function penaltyOf(IControl.PenaltyTerms memory terms, uint256 stake, uint256 windows)
        internal
        pure
        returns (uint96 penalty, uint96 most)
    {
        uint256 counted = windows < MAX_HISTORY ? windows : MAX_HISTORY;
        // Stakes are below 2^97 and shares below 2^16: nothing here comes near 2^256.
        uint256 raised = _max(terms.floor, stake * terms.shareBps / BASIS_POINTS);
        raised = raised * (BASIS_POINTS + terms.historyBps * counted) / BASIS_POINTS;
        uint256 taken = _min(raised, mostOf(terms, stake));
        // stake <= locked + unbonding, tokens that exist (cap < 2^96); `most` is less.
        penalty = uint96(taken);
        most = uint96(taken * terms.rewardBps / BASIS_POINTS);
    }

    /// @notice Computes what a conviction pays out of `most`, and the sponsor's part of it, when the policy
    /// has paid the miner `paid` and earlier convictions paid out `before` for both:
    ///
    ///     out       = min(most, max(2 * rewardFloor, paid - before))
    ///     toSponsor = sponsorShare * (out - 2 * rewardFloor)
    ///
    /// Half of the rest is for each of two requesters. Beyond the floors nobody ever gets back more than the
    /// policy has paid, so a policy made in order to accuse gains nothing.
    function payoutOf(IControl.PenaltyTerms memory terms, uint256 most, uint256 paid, uint256 before)
        internal
        pure
        returns (uint96 out, uint96 toSponsor)
    {
        uint256 floors = 2 * uint256(terms.rewardFloor);
        uint256 due = _min(most, _max(floors, paid > before ? paid - before : 0));
        // At most `most`, which fits.
        out = uint96(due);
        toSponsor = due > floors ? uint96((due - floors) * terms.sponsorBps / BASIS_POINTS) : 0;
    }

    /// @notice Computes the most that convictions take from a miner in a window, with `stake` the sum of what
    /// is at risk and what they took before: min(max(floor, cap * stake), stake).
    function mostOf(IControl.PenaltyTerms memory terms, uint256 stake) internal pure returns (uint96) {
        // At most the stake, tokens that exist.
        return uint96(_min(_max(terms.floor, stake * terms.capBps / BASIS_POINTS), stake));
    }

    /// @notice Computes the sum of penalties from which on no more of them fall on a day that begins with
    /// `staked` in custody.
    function dailyMostOf(IControl.PenaltyTerms memory terms, uint256 staked) internal pure returns (uint96) {
        return uint96(staked * terms.networkCapBps / BASIS_POINTS);
    }

    function _max(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a : b;
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}
