// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {PeriodClock} from "./PeriodClock.sol";
import {IMiningRewards} from "./interfaces/IMiningRewards.sol";
import {NO_TOTALS, PeriodTotals} from "./libraries/PeriodTotals.sol";
import {RewardMath} from "./libraries/RewardMath.sol";

/// @title Emission books
/// @notice Keeps the reserve, the pool and the reward index of each period. What a period emits follows
/// from the leases alone, which are final when the period begins; it does not depend on who claims when.
///
/// The index is a prefix sum: a weight v earns v * (index at its last period - index before its first).
/// With decay = 1/2, 50 tokens of miner A leased for 11..=12 and 50 of miner B for 12..=13:
///
///     period         11    12    13    14
///     bucket        +50   +50   -50   -50     change of the totals against the period before
///     locked         50   100    50     0     the totals, once the books are rolled over the period
///     reserve      1001   501   251   126     at the start of the period
///     emission      500   250   125     0     reserve * decay, rounded down; 0 while nobody is active
///     index          10  12.5    15    15     at the end: + emission / locked
///     pool          500   750   875   875     at the end, if nobody claims
///     A earns 50 * (12.5 - 0) = 625, B earns 50 * (15 - 10) = 250
///
/// So it is without a warm-up, or with a threshold of at most 50. Below the threshold the index rises by
/// emission / threshold, so that only locked / threshold of the emission leaves the reserve: whoever comes
/// first, alone, earns for each token what it would among all the tokens of the threshold.
///
/// To roll the books is to book, lazily, every completed period that is not booked yet. Let l be the last
/// booked one. A lease confirmed before the roll begins in l + 2 at the latest and ends in l + 1 + L at the
/// latest, so its last change is in bucket l + 2 + L. After L + 2 steps every total is zero, and the rest of
/// a gap, however long, is skipped in one jump. A roll writes a period only if it must: the one it ends at,
/// and those with a mark on their own bucket (totals) or on that of the next period (index).
abstract contract EmissionBooks is PeriodClock, IMiningRewards {
    using SafeCast for uint256;

    // ---------------------------------------------------------------- types

    /// @notice Balances of the emission and progress of the books, in one slot.
    struct Books {
        uint96 reserve; // not yet emitted
        uint96 pool; // emitted, not yet minted
        uint32 rolled; // last booked period
        uint32 lastIndexed; // last period whose index is stored, <= rolled
    }

    /// @notice Totals of a booked period, unmarked if they are those of the period before; for a later
    /// period the change of the totals against the period before.
    /// @dev A struct, so that reading and writing hash the slot once.
    struct Bucket {
        PeriodTotals totals;
    }

    /// @notice The books in memory during a roll; totals and index are those of the period `rolled`.
    struct Roll {
        uint256 reserve;
        uint256 pool;
        uint256 rolled;
        uint256 index;
        PeriodTotals totals;
    }

    // ---------------------------------------------------------------- immutables

    /// @inheritdoc IMiningRewards
    uint64 public immutable override decay;
    /// @inheritdoc IMiningRewards
    uint32 public immutable override maxLeasePeriods;
    /// @inheritdoc IMiningRewards
    uint96 public immutable override warmUpLocked;

    // ---------------------------------------------------------------- storage

    Books private _books;
    // Keys are uint256 so that period + 1 cannot wrap at the end of uint32.
    mapping(uint256 period => Bucket) private _buckets;
    mapping(uint256 period => uint256) private _indexes; // A_p, where a lease begins or ends

    // ---------------------------------------------------------------- constructor

    constructor(uint256 reserve_, uint64 decay_, uint32 maxLeasePeriods_, uint96 warmUpLocked_) {
        uint32 rolled = currentPeriod() - 1;
        _books = Books({reserve: reserve_.toUint96(), pool: 0, rolled: rolled, lastIndexed: rolled});
        decay = decay_;
        maxLeasePeriods = maxLeasePeriods_;
        warmUpLocked = warmUpLocked_;
    }

    // ---------------------------------------------------------------- internal

    /// @dev Rolls the books: books every completed period, in at most L + 2 steps.
    function _roll(uint32 current) internal {
        // One read if the books are rolled already, which is the usual case.
        if (uint256(_books.rolled) + 1 < current) _rollTo(uint256(current) - 1);
    }

    function _rollTo(uint256 target) private {
        Books memory books = _books;
        Roll memory state = _open(books);
        uint256 last = _lastStep(books.rolled, target);
        while (state.rolled < last) {
            bool marked = _step(state);
            uint256 period = state.rolled;
            bool ends = period == last;
            if (marked || ends) _buckets[period].totals = state.totals.mark();
            if (ends || _buckets[period + 1].totals.isMarked()) _indexes[period] = state.index;
        }
        _books = Books({
            reserve: state.reserve.toUint96(),
            pool: state.pool.toUint96(),
            rolled: uint32(target), // target < current
            lastIndexed: uint32(last) // last <= target
        });
    }

    /// @dev Adds a lease to the totals from the period after `period` on, which is not booked yet.
    function _addAfter(uint32 period, PeriodTotals lease) internal {
        Bucket storage bucket = _bucketAfter(period);
        bucket.totals = bucket.totals.plus(lease).mark();
    }

    /// @dev Takes a lease out of the totals from the period after `period` on, which is not booked yet.
    function _removeAfter(uint32 period, PeriodTotals lease) internal {
        Bucket storage bucket = _bucketAfter(period);
        bucket.totals = bucket.totals.minus(lease).mark();
    }

    function _bucketAfter(uint32 period) private view returns (Bucket storage) {
        // period < 2^32, so the sum is at most 2^32.
        unchecked {
            return _buckets[uint256(period) + 1];
        }
    }

    /// @dev Takes a payout from the pool. The pool covers every claim (see RewardMath); the subtraction
    /// is checked all the same.
    function _takeFromPool(uint256 amount) internal {
        _books.pool -= amount.toUint96();
    }

    /// @dev Adds to the reserve and returns reserve plus pool, which is all that may still be minted. The
    /// caller has rolled the books.
    function _addToReserve(uint96 amount) internal returns (uint256 mintable) {
        uint256 reserve_ = uint256(_books.reserve) + amount;
        mintable = reserve_ + _books.pool;
        _books.reserve = reserve_.toUint96();
    }

    /// @dev Computes the books after a roll through `target`, without writing.
    function _preview(uint256 target) internal view returns (Roll memory state) {
        Books memory books = _books;
        state = _open(books);
        uint256 last = _lastStep(books.rolled, target);
        while (state.rolled < last) {
            _step(state);
        }
    }

    /// @dev Index A_period. Defined for periods after the last booked one, for that one unless a roll
    /// jumped over it, and for every period after which a lease begins, ends or changes its weight.
    function _indexAt(uint256 period) internal view returns (uint256) {
        return period <= _books.rolled ? _indexes[period] : _preview(period).index;
    }

    function _open(Books memory books) private view returns (Roll memory) {
        return Roll({
            reserve: books.reserve,
            pool: books.pool,
            rolled: books.rolled,
            index: _indexes[books.lastIndexed],
            totals: _buckets[books.rolled].totals // zero after a jump
        });
    }

    /// @dev Books one period in memory. Returns whether its bucket was marked.
    function _step(Roll memory state) private view returns (bool) {
        PeriodTotals change = _buckets[++state.rolled].totals;
        PeriodTotals totals = state.totals.plus(change);
        state.totals = totals;
        uint256 locked = totals.locked();
        // Nobody is active: nothing is emitted, the reserve stays as it is.
        if (locked == 0) return change.isMarked();
        uint256 emission = RewardMath.emissionDown(state.reserve, decay);
        uint256 indexStep = RewardMath.indexStepDown(emission, locked, warmUpLocked);
        uint256 emitted = RewardMath.emittedUp(totals.weight(), indexStep);
        state.index += indexStep;
        state.reserve -= emitted;
        state.pool += emitted;
        return change.isMarked();
    }

    /// @dev Last period that a roll from `rolled` to `target` books step by step; it jumps over the rest.
    function _lastStep(uint256 rolled, uint256 target) private view returns (uint256 last) {
        last = rolled + maxLeasePeriods + 2;
        if (target < last) last = target;
    }

    // ---------------------------------------------------------------- view

    /// @inheritdoc IMiningRewards
    function reserve() external view override returns (uint256) {
        return _preview(uint256(currentPeriod()) - 1).reserve;
    }

    /// @inheritdoc IMiningRewards
    function pool() external view override returns (uint256) {
        return _preview(uint256(currentPeriod()) - 1).pool;
    }

    /// @inheritdoc IMiningRewards
    function lastRolledPeriod() external view override returns (uint32) {
        return _books.rolled;
    }

    /// @inheritdoc IMiningRewards
    function periodTotals(uint32 period) external view override returns (uint256 weight, uint256 locked) {
        uint32 current = currentPeriod();
        require(period <= current, RewardsPeriodNotBegun(period, current));
        PeriodTotals totals = _totalsAt(period);
        return (totals.weight(), totals.locked());
    }

    /// @inheritdoc IMiningRewards
    function periodTotalsPage(uint32 first, uint32 count)
        external
        view
        override
        returns (uint256[] memory weights, uint256[] memory locked)
    {
        uint256 current = currentPeriod();
        uint256 left = first <= current ? current - first + 1 : 0;
        uint256 length = count < left ? count : left;
        (weights, locked) = (new uint256[](length), new uint256[](length));
        for (uint256 i = 0; i < length; ++i) {
            PeriodTotals totals = _totalsAt(first + i);
            (weights[i], locked[i]) = (totals.weight(), totals.locked());
        }
    }

    /// @dev Totals of a period that has begun, booked or not.
    function _totalsAt(uint256 period) private view returns (PeriodTotals totals) {
        if (period > _books.rolled) return _preview(period).totals;
        // A period without a mark has the totals of the one before. No lease outlives its last
        // confirmation by more than L periods, so without a mark in L + 1 periods there are none.
        for (uint256 back = 0; back <= maxLeasePeriods && back <= period; ++back) {
            totals = _buckets[period - back].totals;
            if (totals.isMarked()) return totals;
        }
        return NO_TOTALS;
    }
}
