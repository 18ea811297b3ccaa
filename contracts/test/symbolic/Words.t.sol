// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {SymbolicTest} from "./SymbolicTest.sol";
import {LeaseWord} from "../../src/libraries/LeaseWord.sol";
import {NO_TOTALS, PeriodTotals, totalsOf} from "../../src/libraries/PeriodTotals.sol";
import {PAID_IN_WORD, PolicyWord, newPolicyWord} from "../../src/libraries/PolicyWord.sol";

/// @notice The packed words, for every word and every value: a field that is written reads back, and no
/// other field changes. Proved by halmos, see scripts/src/suite/steps/analysis.rs.
contract WordsSymbolic is SymbolicTest {
    // ---------------------------------------------------------------- PolicyWord

    function check_newPolicyWordHoldsItsFieldsAndNothingElse(uint32 first, uint16 periods) public pure {
        PolicyWord word = newPolicyWord(first, periods);
        assert(word.firstPeriod() == first);
        assert(word.length() == periods);
        assert(word.refunded() == 0 && !word.revoked());
        assert(word.exists() == (first != 0 || periods != 0));
    }

    function check_lengthChangesNothingElse(uint256 raw, uint16 value, uint256 index) public pure {
        assume(index < PAID_IN_WORD);
        PolicyWord before = PolicyWord.wrap(raw);
        PolicyWord word = before.withLength(value);
        assert(word.length() == value);
        assert(PolicyWord.unwrap(word.withLength(before.length())) == raw);
        assert(word.firstPeriod() == before.firstPeriod() && word.refunded() == before.refunded());
        assert(word.revoked() == before.revoked() && word.paid(index) == before.paid(index));
    }

    function check_refundedChangesNothingElse(uint256 raw, uint16 value, uint256 index) public pure {
        assume(index < PAID_IN_WORD);
        PolicyWord before = PolicyWord.wrap(raw);
        PolicyWord word = before.withRefunded(value);
        assert(word.refunded() == value);
        assert(PolicyWord.unwrap(word.withRefunded(before.refunded())) == raw);
        assert(word.firstPeriod() == before.firstPeriod() && word.length() == before.length());
        assert(word.revoked() == before.revoked() && word.paid(index) == before.paid(index));
    }

    /// @dev Asked of words that are not revoked yet, which are all the contract asks it of.
    function check_revokedChangesNothingElse(uint256 raw, uint40 time, uint256 index) public pure {
        assume(index < PAID_IN_WORD);
        PolicyWord before = PolicyWord.wrap(raw);
        assume(!before.revoked() && before.revokedAt() == 0);
        PolicyWord word = before.withRevoked(time);
        assert(word.revoked() && word.exists() && word.revokedAt() == time);
        assert(word.firstPeriod() == before.firstPeriod() && word.length() == before.length());
        assert(word.refunded() == before.refunded() && word.paid(index) == before.paid(index));
        assert(word.revokedArrangements() == before.revokedArrangements());
    }

    function check_oneMoreRevokedArrangementChangesNothingElse(uint256 raw, uint256 index) public pure {
        assume(index < PAID_IN_WORD);
        PolicyWord before = PolicyWord.wrap(raw);
        assume(before.revokedArrangements() < 32);
        PolicyWord word = before.withOneMoreRevokedArrangement();
        assert(word.revokedArrangements() == before.revokedArrangements() + 1);
        assert(word.firstPeriod() == before.firstPeriod() && word.length() == before.length());
        assert(word.refunded() == before.refunded() && word.paid(index) == before.paid(index));
        assert(word.revoked() == before.revoked() && word.revokedAt() == before.revokedAt());
    }

    function check_paidChangesNothingElse(uint256 raw, uint16 value, uint256 index, uint256 other)
        public
        pure
    {
        assume(index < PAID_IN_WORD && other < PAID_IN_WORD);
        PolicyWord before = PolicyWord.wrap(raw);
        PolicyWord word = before.withPaid(index, value);
        assert(word.paid(other) == (other == index ? value : before.paid(other)));
        assert(PolicyWord.unwrap(word.withPaid(index, before.paid(index))) == raw);
        assert(word.firstPeriod() == before.firstPeriod() && word.length() == before.length());
        assert(word.refunded() == before.refunded() && word.revoked() == before.revoked());
    }

    // ---------------------------------------------------------------- LeaseWord

    function check_aLeaseThatIsEndedKeepsItsRunAndLocksNothing(uint256 raw, uint32 last) public pure {
        assume(last < type(uint32).max);
        LeaseWord before = LeaseWord.wrap(raw);
        LeaseWord word = before.ended(last);
        assert(word.isEmpty() && word.basis() == 0);
        assert(word.through() == last && word.from() == last + 1);
        assert(word.runStart() == before.runStart() && word.runsBefore() == before.runsBefore());
    }

    function check_aLeaseOfAnythingIsNotEmpty(uint256 raw, uint32 start, uint32 active) public pure {
        LeaseWord word = LeaseWord.wrap(raw);
        assume(word.locked() != 0);
        assert(!word.isEmpty());
        assert(!word.withRun(start, active).withFrom(start).withThrough(start).isEmpty());
    }

    // ---------------------------------------------------------------- PeriodTotals

    function check_totalsReadBack(uint96 locked, uint96 weight) public pure {
        PeriodTotals totals = totalsOf(locked, weight);
        assert(totals.locked() == locked && totals.weight() == weight && !totals.isMarked());
        assert(totals.mark().isMarked());
        assert(totals.mark().locked() == locked && totals.mark().weight() == weight);
    }

    /// @dev Amounts of tokens that exist: sums below 2^96.
    function check_plusAddsBothAmounts(uint96 a, uint96 v, uint96 b, uint96 w) public pure {
        PeriodTotals sum = totalsOf(a, v).plus(totalsOf(b, w).mark());
        assert(sum.locked() == uint256(a) + b && sum.weight() == uint256(v) + w);
        assert(!sum.isMarked());
    }

    function check_minusTakesBothAmounts(uint96 a, uint96 v, uint96 b, uint96 w) public pure {
        assume(b <= a && w <= v);
        PeriodTotals rest = totalsOf(a, v).mark().minus(totalsOf(b, w));
        assert(rest.locked() == a - b && rest.weight() == v - w);
        assert(rest.isMarked());
    }

    /// @dev A lease that ends in a bucket where another begins: the change may be negative in either
    /// amount, and the total of the next period is right all the same.
    function check_aChangeOfEitherSignIsAppliedExactly(
        uint96 locked,
        uint96 weight,
        uint96 inLocked,
        uint96 inWeight,
        uint96 outLocked,
        uint96 outWeight
    ) public pure {
        assume(outLocked <= locked && outWeight <= weight);
        PeriodTotals change =
            NO_TOTALS.plus(totalsOf(inLocked, inWeight)).mark().minus(totalsOf(outLocked, outWeight)).mark();
        PeriodTotals next = totalsOf(locked, weight).plus(change);
        assert(next.locked() == uint256(locked) - outLocked + inLocked);
        assert(next.weight() == uint256(weight) - outWeight + inWeight);
        assert(change.isMarked() && !next.isMarked());
    }
}
