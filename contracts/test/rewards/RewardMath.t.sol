// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Test} from "forge-std/Test.sol";
import {RewardMath} from "../../src/libraries/RewardMath.sol";
import {PeriodTotals, NO_TOTALS, totalsOf} from "../../src/libraries/PeriodTotals.sol";

contract RewardMathTest is Test {
    uint256 private constant MAX = type(uint96).max;

    /// @dev Computed outside with 400 bits of precision: floor(2^64 * (1 - 2^(-p / h))).
    function test_decayMatchesTheExactValues() public pure {
        assertEq(RewardMath.decayOf(86400, 63072000), 17507178300493959);
        assertEq(RewardMath.decayOf(1, 2), 5402926248376769403);
        assertEq(RewardMath.decayOf(3, 31536000), 1216353522036);
        assertEq(RewardMath.decayOf(604800, 63072000), 122201874666090100);
        assertEq(RewardMath.decayOf(86400, 86401), 9223298042572683806);
        assertEq(RewardMath.decayOf(4294967295, 18446744073709551615), 2977044470);
        assertEq(RewardMath.decayOf(1, 1000000007), 12786308551);
        assertEq(RewardMath.decayOf(10, 600), 211878926985961742);
        // The true value is the integer 2^63 itself, so the error below shows: one less.
        assertEq(RewardMath.decayOf(86400, 86400), 2 ** 63 - 1);
    }

    function testFuzz_decayFallsWithTheHalfLife(uint32 period, uint64 halfLife) public pure {
        period = uint32(bound(period, 1, type(uint32).max));
        halfLife = uint64(bound(halfLife, period, type(uint64).max - 1));
        uint64 decay = RewardMath.decayOf(period, halfLife);
        assertGe(decay, RewardMath.decayOf(period, uint256(halfLife) + 1));
        assertLe(decay, 2 ** 63, "never more than half");
    }

    /// @dev Two half-lives of n periods leave a quarter: the constant is consistent with its meaning.
    function testFuzz_reserveHalvesInTheHalfLife(uint256 periods) public pure {
        periods = bound(periods, 1, 400);
        uint256 decay = RewardMath.decayOf(1, periods);
        uint256 reserve = MAX;
        for (uint256 i = 0; i < periods; ++i) {
            reserve -= RewardMath.emissionDown(reserve, decay);
        }
        assertApproxEqRel(reserve, MAX / 2, 1e5, "within 1e-13");
    }

    /// @dev The proofs in the library's head: E <= R <= reserve, and payouts never exceed E.
    function testFuzz_emissionCoversEverySplit(
        uint96 reserve,
        uint64 decay,
        uint96 a,
        uint96 b,
        uint32 term,
        uint96 warmUp
    ) public pure {
        a = uint96(bound(a, 1, MAX / 2));
        b = uint96(bound(b, 0, MAX / 2));
        term = uint32(bound(term, 0, 365));
        uint96 weightA = RewardMath.weightDown(a, term, 365);
        uint96 weightB = RewardMath.weightDown(b, 365, 365);
        assertLe(weightA, a);
        assertEq(weightB, b);
        uint256 emission = RewardMath.emissionDown(reserve, decay);
        uint256 step = RewardMath.indexStepDown(emission, uint256(a) + b, warmUp);
        uint256 emitted = RewardMath.emittedUp(uint256(weightA) + weightB, step);
        assertLe(emission, reserve);
        assertLe(emitted, emission);
        assertLe(RewardMath.rewardDown(weightA, step) + RewardMath.rewardDown(weightB, step), emitted);
    }

    /// @dev From the threshold on the formula is the bare one, to the last unit; below it what is emitted is
    /// the part locked / threshold of R, rounded up.
    function testFuzz_theWarmUpScalesBelowItsThresholdOnly(uint96 emission, uint96 locked, uint96 warmUp)
        public
        pure
    {
        locked = uint96(bound(locked, 1, MAX));
        uint256 step = RewardMath.indexStepDown(emission, locked, warmUp);
        uint256 bare = RewardMath.indexStepDown(emission, locked, 0);
        uint256 emitted = RewardMath.emittedUp(locked, step);
        if (locked >= warmUp) {
            assertEq(step, bare);
        } else {
            uint256 exact = uint256(emission) * locked / warmUp;
            assertLe(step, bare);
            assertGe(emitted, exact);
            assertLe(emitted, exact + 1);
            assertLe(RewardMath.rewardDown(locked, step), exact);
        }
    }

    /// @dev v5.3.3 rounded a zero reward up to one unit; ours rounds it down to nothing.
    function test_dustRewardsAreZero() public pure {
        uint256 step = RewardMath.indexStepDown(1, MAX, 0);
        assertEq(RewardMath.rewardDown(1, step), 0);
        assertEq(RewardMath.emissionDown(1, 1), 0);
    }

    /// @dev By hand, at the unit where each rounds.
    function test_eachFormulaRoundsItsOwnWay() public pure {
        assertEq(RewardMath.emissionDown(3, 2 ** 63), 1);
        assertEq(RewardMath.emissionDown(4, 2 ** 63), 2);
        assertEq(RewardMath.indexStepDown(7, 2, 0), 7 * 2 ** 95);
        assertEq(RewardMath.indexStepDown(1, 3, 0), (2 ** 96 - 1) / 3);
        assertEq(RewardMath.indexStepDown(7, 2, 2), 7 * 2 ** 95);
        assertEq(RewardMath.indexStepDown(7, 2, 3), (7 * uint256(2 ** 96)) / 3, "below the threshold");
        assertEq(RewardMath.indexStepDown(7, 2, 1), 7 * 2 ** 95, "above it");
        assertEq(RewardMath.emittedUp(0, 5), 0);
        assertEq(RewardMath.emittedUp(1, 1), 1, "the least product is a whole unit");
        assertEq(RewardMath.emittedUp(1, 2 ** 96), 1);
        assertEq(RewardMath.emittedUp(1, 2 ** 96 + 1), 2);
        assertEq(RewardMath.rewardDown(3, 2 ** 96), 3);
        assertEq(RewardMath.rewardDown(1, 2 ** 97 - 1), 1);
    }

    function test_weightAtTheExtremes() public pure {
        assertEq(RewardMath.weightDown(type(uint96).max, 0, 0), MAX, "kappa off");
        assertEq(RewardMath.weightDown(type(uint96).max, type(uint32).max, type(uint32).max), MAX);
        assertEq(RewardMath.weightDown(type(uint96).max, 0, type(uint32).max), MAX / 2);
        assertEq(RewardMath.weightDown(1, 364, 365), 0);
    }

    // ---------------------------------------------------------------- packed words

    function test_noTotalsAreNothingAndUnmarked() public pure {
        assertFalse(NO_TOTALS.isMarked());
        assertEq(NO_TOTALS.locked() + NO_TOTALS.weight(), 0);
    }

    function testFuzz_totalsAddBothAmounts(uint96 a, uint96 b, uint96 c, uint96 d) public pure {
        c = uint96(bound(c, 0, a));
        d = uint96(bound(d, 0, b));
        PeriodTotals sum = totalsOf(a, b).plus(totalsOf(c, d));
        assertEq(sum.locked(), uint256(a) + c);
        assertEq(sum.weight(), uint256(b) + d);
        PeriodTotals rest = totalsOf(a, b).minus(totalsOf(c, d));
        assertEq(rest.locked(), a - c);
        assertEq(rest.weight(), b - d);
        // A change below zero, added to what it was taken from.
        PeriodTotals change = NO_TOTALS.minus(totalsOf(c, d)).mark();
        assertTrue(change.isMarked());
        rest = totalsOf(a, b).plus(change);
        assertEq(rest.locked(), a - c);
        assertEq(rest.weight(), b - d);
        assertFalse(rest.isMarked());
        change = change.plus(totalsOf(c, d));
        assertTrue(change.isMarked(), "the mark outlives the amounts");
        assertEq(change.locked() + change.weight(), 0);
    }
}
