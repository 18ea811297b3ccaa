// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Period totals
/// @notice Total locked and total weight of a period, or the change of both, in one word:
///
///     (locked * 2^112 + weight) * 2 + mark            locked, weight: signed, |x| < 2^97
///
/// One addition of words adds both amounts, at half the gas of two packed fields. Amounts are sums over
/// tokens that exist (< 2^96) or differences of two such sums. The mark distinguishes a word that was
/// written from one that never was: it stays when the amounts cancel out.
type PeriodTotals is int256;

using {plus, minus, mark, isMarked, weight, locked} for PeriodTotals global;

PeriodTotals constant NO_TOTALS = PeriodTotals.wrap(0);

/// @dev Totals of one lease, without a mark.
function totalsOf(uint96 locked_, uint96 weight_) pure returns (PeriodTotals) {
    return PeriodTotals.wrap(int256((uint256(locked_) << 113) | (uint256(weight_) << 1)));
}

/// @dev Adds both amounts. The mark is that of `a`.
function plus(PeriodTotals a, PeriodTotals b) pure returns (PeriodTotals) {
    // Both amounts are below 2^97 in size, so a word is below 2^211 and the sum of two far from 2^255.
    unchecked {
        return PeriodTotals.wrap(PeriodTotals.unwrap(a) + (PeriodTotals.unwrap(b) & ~int256(1)));
    }
}

/// @dev Subtracts both amounts. The mark is that of `a`.
function minus(PeriodTotals a, PeriodTotals b) pure returns (PeriodTotals) {
    // Both amounts are below 2^97 in size, as in `plus`.
    unchecked {
        return PeriodTotals.wrap(PeriodTotals.unwrap(a) - (PeriodTotals.unwrap(b) & ~int256(1)));
    }
}

function mark(PeriodTotals a) pure returns (PeriodTotals) {
    return PeriodTotals.wrap(PeriodTotals.unwrap(a) | 1);
}

function isMarked(PeriodTotals a) pure returns (bool) {
    return PeriodTotals.unwrap(a) & 1 == 1;
}

/// @dev For totals, not for changes: both amounts are >= 0, so the field is plain bits.
function weight(PeriodTotals a) pure returns (uint256) {
    return uint112(uint256(PeriodTotals.unwrap(a)) >> 1);
}

/// @dev For totals, not for changes: both amounts are >= 0, so the field is plain bits.
function locked(PeriodTotals a) pure returns (uint256) {
    return uint256(PeriodTotals.unwrap(a)) >> 113;
}
