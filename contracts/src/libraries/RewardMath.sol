// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Reward mathematics
/// @notice The emission and reward formulas in integers. `kms-protocol` holds the same functions in
/// Rust; both agree to the last unit. Every division rounds down unless the function's name says Up:
/// rewards are rounded down and the emission up, so the pool always covers what can be claimed.
/// Amounts are below 2^96 and no period's total weight exceeds its total locked. The sum of all
/// emissions is below 2^96 and every locked sum is at least 1, hence an index is below 2^192 and
/// (weight * index difference) is below 2^192 for the periods in which that weight was counted.
library RewardMath {
    /// @notice floor(ln(2) * 2^128).
    uint256 internal constant LN2_X128 = 235865763225513294137944142764154484399;

    /// @notice Number of terms of the series in `decayOf`; the next one would be below 2^-180.
    uint256 internal constant DECAY_TERMS = 40;

    /// @notice Computes decay = floor(2^64 * (1 - 2^(-periodSeconds / halfLifeSeconds))) in unsigned
    /// integers, each division rounded down:
    ///
    ///     y      = LN2_X128 * periodSeconds / halfLifeSeconds            (y / 2^128 = ln 2 / H)
    ///     t_1    = y
    ///     t_k    = (t_(k-1) * y / 2^128) / k                             k = 2 .. 40
    ///     sum    = t_1 - t_2 + t_3 - t_4 ... + t_39 - t_40               (1 - e^-x, term by term)
    ///     decay  = sum / 2^64
    ///
    /// Needs 0 < periodSeconds <= halfLifeSeconds, so y <= ln 2 * 2^128 < 2^128: every product is
    /// below 2^256, the terms fall, and each partial sum is positive.
    /// Error: y is short by less than 2 units of 2^-128, each term by less than 3, the series by less
    /// than 1; together below 2^7 units. So decay is exact unless the true value of
    /// 2^64 * (1 - 2^(-1/H)) lies within 2^-57 of an integer; then it may be off by one. (So it is for
    /// H = 1, whose true value is 2^63: decay = 2^63 - 1.)
    function decayOf(uint256 periodSeconds, uint256 halfLifeSeconds) internal pure returns (uint64) {
        uint256 y = LN2_X128 * periodSeconds / halfLifeSeconds;
        uint256 term = y;
        uint256 sum = y;
        for (uint256 k = 2; k <= DECAY_TERMS; ++k) {
            term = ((term * y) >> 128) / k;
            sum = k % 2 == 0 ? sum - term : sum + term;
        }
        // sum < 2^128, since 1 - e^-x <= 1/2 for x <= ln 2.
        return uint64(sum >> 64);
    }

    /// @notice R_p = floor(reserve * decay / 2^64): emission of period p if every weight = locked, after the
    /// warm-up.
    function emissionDown(uint256 reserve, uint256 decay) internal pure returns (uint256) {
        return (reserve * decay) >> 64;
    }

    /// @notice dA_p = floor(R_p * 2^96 / max(W_p, U)): reward per unit of weight, with W_p = `locked` > 0 and
    /// U = `warmUp`, the threshold of the warm-up: below it only W_p / U of R_p is emitted.
    function indexStepDown(uint256 emission, uint256 locked, uint256 warmUp)
        internal
        pure
        returns (uint256)
    {
        return (emission << 96) / (locked > warmUp ? locked : warmUp);
    }

    /// @notice E_p = ceil(V_p * dA_p / 2^96): amount that leaves the reserve; at most R_p, since V_p <= W_p.
    function emittedUp(uint256 weight, uint256 indexStep) internal pure returns (uint256) {
        return (weight * indexStep + (2 ** 96 - 1)) >> 96;
    }

    /// @notice floor(v * (A_b - A_(a-1)) / 2^96): reward of a constant weight over periods a..=b.
    function rewardDown(uint256 weight, uint256 indexDifference) internal pure returns (uint256) {
        return (weight * indexDifference) >> 96;
    }

    /// @notice v = floor(locked * (T1 + term) / (2 * T1)), term = min(T, T1), T1 = kappaPeriods: the locked
    /// tokens times kappa. With kappaPeriods = 0 kappa is off: v = locked.
    function weightDown(uint96 locked, uint32 term, uint32 kappaPeriods) internal pure returns (uint96) {
        if (kappaPeriods == 0) return locked;
        // At most locked, because term <= T1: the cast is exact.
        return uint96(uint256(locked) * (uint256(kappaPeriods) + term) / (2 * uint256(kappaPeriods)));
    }
}
