// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {PeriodClock} from "./PeriodClock.sol";
import {IMiningRewards} from "./interfaces/IMiningRewards.sol";
import {NO_TOTALS, PeriodTotals} from "./libraries/PeriodTotals.sol";
import {RewardMath} from "./libraries/RewardMath.sol";

/// @title Emission books
/// @notice Keeps the reserve, the pool and the reward index per period. What a period emits follows
/// from the leases alone, and those are final when the period begins; who claims when has no part in it.
///
/// Let l be the last booked period. A lease confirmed up to now began at most in l + 2 and ended at
/// most in l + 1 + L, so its last difference sits in bucket l + 2 + L. After L + 2 steps every total is
/// zero and the rest of a gap, however long, is skipped in one jump: an idle period emits nothing.
///
/// A roll writes a period only if it must: the period it ends at, and those at whose start or end some
/// lease begins or ends, which are the ones whose bucket, or whose follower's bucket, is marked.
abstract contract EmissionBooks is PeriodClock, IMiningRewards {
    using SafeCast for uint256;

    // ---------------------------------------------------------------- types

    /// @notice One slot.
    struct Books {
        uint96 reserve; // not yet emitted
        uint96 pool; // emitted, not yet minted
        uint32 rolled; // last booked period
        uint32 lastIndexed; // last period whose index is stored, <= rolled
    }

    /// @dev In a struct, so that reading and writing hash the slot once.
    struct Bucket {
        PeriodTotals totals;
    }

    /// @dev Books in memory while they are rolled; totals and index are those of `rolled`.
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

    // ---------------------------------------------------------------- storage

    Books private _books;
    // Keys are uint256 so that period + 1 cannot wrap at the end of uint32.
    /// @dev Booked periods: the totals, unmarked if they are those of the period before. Later periods:
    /// the change against the period before.
    mapping(uint256 period => Bucket) private _buckets;
    mapping(uint256 period => uint256) private _indexes; // A_p; written for every period of a lease

    // ---------------------------------------------------------------- constructor

    constructor(uint256 reserve_, uint64 decay_, uint32 maxLeasePeriods_) {
        uint32 rolled = currentPeriod() - 1;
        _books = Books({reserve: reserve_.toUint96(), pool: 0, rolled: rolled, lastIndexed: rolled});
        decay = decay_;
        maxLeasePeriods = maxLeasePeriods_;
    }

    // ---------------------------------------------------------------- internal

    /// @dev Books every completed period. At most L + 2 steps.
    function _roll(uint32 current) internal {
        // Mostly there is nothing to do, and then this reads no more than it must.
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

    /// @dev Counts a lease in from the period after `period` on, which must not be booked.
    function _addAfter(uint32 period, PeriodTotals lease) internal {
        Bucket storage bucket = _bucketAfter(period);
        bucket.totals = bucket.totals.plus(lease).mark();
    }

    /// @dev Counts a lease out from the period after `period` on, which must not be booked.
    function _removeAfter(uint32 period, PeriodTotals lease) internal {
        Bucket storage bucket = _bucketAfter(period);
        bucket.totals = bucket.totals.minus(lease).mark();
    }

    function _bucketAfter(uint32 period) private view returns (Bucket storage) {
        // At most 2^32.
        unchecked {
            return _buckets[uint256(period) + 1];
        }
    }

    /// @dev Takes a payout from the pool. The pool covers every claim (see RewardMath), and checked
    /// arithmetic says so again.
    function _takeFromPool(uint256 amount) internal {
        _books.pool -= amount.toUint96();
    }

    /// @dev Adds to the reserve. The books are rolled. Reserve and pool together, which the result tells,
    /// say what may still be minted.
    function _addToReserve(uint96 amount) internal returns (uint256 mintable) {
        uint256 reserve_ = uint256(_books.reserve) + amount;
        mintable = reserve_ + _books.pool;
        _books.reserve = reserve_.toUint96();
    }

    /// @dev The books as they would be after a roll through `target`, nothing written.
    function _preview(uint256 target) internal view returns (Roll memory state) {
        Books memory books = _books;
        state = _open(books);
        uint256 last = _lastStep(books.rolled, target);
        while (state.rolled < last) {
            _step(state);
        }
    }

    /// @dev A_period. Defined for the last booked period unless the network slept through it, for those
    /// after it, and for every period at whose end some lease was to begin or end or to change its weight.
    function _indexAt(uint256 period) internal view returns (uint256) {
        return period <= _books.rolled ? _indexes[period] : _preview(period).index;
    }

    function _open(Books memory books) private view returns (Roll memory) {
        return Roll({
            reserve: books.reserve,
            pool: books.pool,
            rolled: books.rolled,
            index: _indexes[books.lastIndexed],
            totals: _buckets[books.rolled].totals // after a jump there are none
        });
    }

    /// @dev Books one period in memory. Tells whether its bucket was marked.
    function _step(Roll memory state) private view returns (bool) {
        PeriodTotals change = _buckets[++state.rolled].totals;
        PeriodTotals totals = state.totals.plus(change);
        state.totals = totals;
        uint256 locked = totals.locked();
        // Nobody active: nothing is emitted and nothing is lost, the schedule waits.
        if (locked == 0) return change.isMarked();
        uint256 emission = RewardMath.emissionDown(state.reserve, decay);
        uint256 indexStep = RewardMath.indexStepDown(emission, locked);
        uint256 emitted = RewardMath.emittedUp(totals.weight(), indexStep);
        state.index += indexStep;
        state.reserve -= emitted;
        state.pool += emitted;
        return change.isMarked();
    }

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

    /// @dev Totals of a period that has begun.
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
