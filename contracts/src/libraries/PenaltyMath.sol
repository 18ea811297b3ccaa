// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IControl} from "../interfaces/IControl.sol";

/// @title Penalty mathematics
/// @notice The penalty of a conviction. Every division rounds down; the floor keeps a penalty above zero.
library PenaltyMath {
    uint256 private constant BASIS_POINTS = 10_000;
    /// @notice Number of earlier convictions that raise the penalty; further ones add nothing.
    uint256 internal constant MAX_HISTORY = 10;

    /// @notice Computes penalty and reward, with `stake` all that is at risk and c = min(convictions, 10):
    ///
    ///     raised  = max(floor, share * stake) * (1 + history * c)
    ///     penalty = min(raised, max(floor, cap * stake), stake)
    ///     reward  = rewardShare * penalty
    ///
    /// Control keeps rewardShare below half, so reward < penalty / 2 for every penalty above 0.
    function penaltyOf(IControl.PenaltyTerms memory terms, uint256 stake, uint256 convictions)
        internal
        pure
        returns (uint96 penalty, uint96 reward)
    {
        uint256 counted = convictions < MAX_HISTORY ? convictions : MAX_HISTORY;
        // Stakes are below 2^97 and shares below 2^16: nothing here comes near 2^256.
        uint256 raised = _max(terms.floor, stake * terms.shareBps / BASIS_POINTS);
        raised = raised * (BASIS_POINTS + terms.historyBps * counted) / BASIS_POINTS;
        uint256 bound = _min(_max(terms.floor, stake * terms.capBps / BASIS_POINTS), stake);
        uint256 taken = _min(raised, bound);
        // stake <= locked + unbonding, tokens that exist (cap < 2^96); the reward is less.
        penalty = uint96(taken);
        reward = uint96(taken * terms.rewardBps / BASIS_POINTS);
    }

    function _max(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a : b;
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}
