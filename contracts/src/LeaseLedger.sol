// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {EmissionBooks} from "./EmissionBooks.sol";
import {IMiningRewards} from "./interfaces/IMiningRewards.sol";
import {ActivityHistory} from "./libraries/ActivityHistory.sol";
import {LeaseWord, priceOf} from "./libraries/LeaseWord.sol";
import {PeriodTotals, totalsOf} from "./libraries/PeriodTotals.sol";
import {RewardMath} from "./libraries/RewardMath.sol";
import {StakeWord} from "./libraries/StakeWord.sol";

/// @title Lease ledger
/// @notice What each miner leased and earned. MiningRewards decides who may change it; LeaseViews
/// answers the questions about it.
abstract contract LeaseLedger is EmissionBooks {
    using ActivityHistory for ActivityHistory.History;
    using SafeCast for uint256;

    // ---------------------------------------------------------------- types

    /// @notice One slot: what a renewal at another weight leaves behind, and what holds up the next one.
    struct Account {
        uint96 owed; // settled rewards
        uint96 carryWeight; // weight of the one period that was current at the last re-pricing ...
        uint32 carryPeriod; // ... and that period; 0 for none
        uint32 bar; // last period without confirmations; 0 unless suspended since the last one
    }

    /// @dev In a struct, so that reading and writing hash the slot once.
    struct Lease {
        LeaseWord word;
    }

    /// @notice Why a confirmation is not accepted.
    enum Refusal {
        None,
        NothingLocked,
        Suspended,
        LeaseInPast,
        LeaseTooLong,
        BeyondUnlock,
        NotExtended
    }

    // ---------------------------------------------------------------- immutables

    /// @inheritdoc IMiningRewards
    bool public immutable override kappaEnabled;
    /// @inheritdoc IMiningRewards
    uint32 public immutable override kappaPeriods;
    /// @dev kappaPeriods, or 0 when kappa is off: what RewardMath.weightDown wants.
    uint32 internal immutable _kappa;

    // ---------------------------------------------------------------- storage

    mapping(address miner => Lease) internal _leases;
    mapping(address miner => Account) internal _accounts;
    mapping(address miner => ActivityHistory.History) internal _histories;

    // ---------------------------------------------------------------- constructor

    constructor(bool kappaEnabled_, uint32 kappaPeriods_) {
        require(!kappaEnabled_ || kappaPeriods_ > 0, RewardsKappaPeriodsZero());
        kappaEnabled = kappaEnabled_;
        kappaPeriods = kappaPeriods_;
        _kappa = kappaEnabled_ ? kappaPeriods_ : 0;
    }

    // ---------------------------------------------------------------- internal: leases

    /// @dev Leases current + 1 ..= through at the weight of `stake`, or says why not and changes nothing.
    /// The books are rolled.
    function _lease(address miner, StakeWord stake, uint32 through, uint32 current)
        internal
        returns (Refusal refusal)
    {
        Lease storage slot = _leases[miner];
        LeaseWord lease = slot.word;
        uint32 leased = lease.through();
        (uint128 price, uint96 weight) = _priceOf(stake, current);
        bool samePrice = lease.price() == price;
        refusal = _refusal(stake, through, current);
        if (refusal != Refusal.None) return refusal;

        uint96 locked = stake.locked();
        PeriodTotals totals = totalsOf(locked, weight);
        // An empty lease has no price, and something is locked.
        if (samePrice && leased >= current) {
            if (through <= leased) return Refusal.NotExtended;
            // The old end moves to the new one.
            _addAfter(leased, totals);
        } else {
            // Only here: the lease of a suspended miner is over, or empty.
            if (current <= _accounts[miner].bar) return Refusal.Suspended;
            if (through < leased) return Refusal.NotExtended;
            if (leased < current) {
                if (leased != 0) _settle(miner, lease, current);
                if (_accounts[miner].bar != 0) _accounts[miner].bar = 0;
                lease = lease.withRun(current + 1, _closeRun(miner, lease, leased));
            } else {
                if (lease.from() <= current) _carry(miner, lease, current);
                _cutLease(lease, current);
            }
            // through > current, so current + 1 fits.
            lease = lease.withPrice(price).withFrom(current + 1);
            _addAfter(current, totals);
        }
        slot.word = lease.withThrough(through);
        _removeAfter(through, totals);
        emit ActivityConfirmed(miner, current + 1, through, weight, locked);
    }

    /// @dev Ends the lease with the current period and bars confirmations through `bar`, a period from
    /// `current` on. The books are rolled. Tells the bar that holds now. A lease that is over already, and
    /// the run of activity, are left as they are: the next lease settles the one and closes the other, as
    /// after any gap.
    function _suspend(address miner, uint32 bar, uint32 current) internal returns (uint32) {
        Lease storage slot = _leases[miner];
        LeaseWord lease = slot.word;
        uint32 present = _accounts[miner].bar;
        if (bar <= present) return present;
        if (lease.through() >= current && !lease.isEmpty()) {
            if (lease.from() <= current) _carry(miner, lease, current);
            if (lease.through() > current) _cutLease(lease, current);
            slot.word = lease.ended(current);
        }
        _accounts[miner].bar = bar;
        return bar;
    }

    function _refusal(StakeWord stake, uint32 through, uint32 current) private view returns (Refusal) {
        uint32 unlockPeriod = stake.unlockPeriod();
        if (stake.locked() == 0) return Refusal.NothingLocked;
        if (through <= current) return Refusal.LeaseInPast;
        // through > current.
        if (through - current > maxLeasePeriods) return Refusal.LeaseTooLong;
        if (unlockPeriod != 0 && through >= unlockPeriod) return Refusal.BeyondUnlock;
        return Refusal.None;
    }

    /// @dev Takes the lease's weight out of the coming periods.
    function _cutLease(LeaseWord lease, uint32 current) private {
        PeriodTotals old = totalsOf(lease.locked(), _weightOf(lease.locked(), lease.term()));
        _removeAfter(current, old);
        _addAfter(lease.through(), old);
    }

    /// @dev Pushes the open run, if it has a period up to `last`, to the history. Tells the active periods
    /// in all closed runs.
    function _closeRun(address miner, LeaseWord lease, uint32 last) private returns (uint32 active) {
        uint32 runStart = lease.runStart();
        active = lease.runsBefore();
        if (last == 0 || runStart > last) return active;
        active += last - runStart + 1;
        _histories[miner].push(runStart, last, active);
    }

    // ---------------------------------------------------------------- internal: rewards

    /// @dev Settles the completed periods of the old weight; the current one, which is not complete
    /// yet, is kept aside at that weight.
    function _carry(address miner, LeaseWord lease, uint32 current) private {
        _settle(miner, lease, current);
        Account storage account = _accounts[miner];
        account.carryWeight = _weightOf(lease.locked(), lease.term());
        account.carryPeriod = current;
    }

    /// @dev Moves what completed periods earned into `owed`. The books are rolled, and an earlier
    /// carried period is complete: it lies before the lease's first unsettled period.
    function _settle(address miner, LeaseWord lease, uint32 current) private {
        Account storage account = _accounts[miner];
        account.owed = _accrued(lease, account, current).toUint96();
        if (account.carryPeriod != 0) _dropCarry(account);
    }

    /// @dev Takes all that completed periods earned out of the miner's account and out of the pool.
    function _takeAccrued(address miner) internal returns (uint256 amount) {
        uint32 current = currentPeriod();
        _roll(current);
        LeaseWord lease = _leases[miner].word;
        Account storage account = _accounts[miner];
        amount = _accrued(lease, account, current);
        require(amount > 0, RewardsNothingToClaim(miner));

        uint32 end = _lastComplete(lease, current);
        if (end >= lease.from()) _leases[miner].word = lease.withFrom(end + 1);
        if (account.owed > 0) account.owed = 0;
        uint32 carried = account.carryPeriod;
        if (carried != 0 && carried < current) _dropCarry(account);
        _takeFromPool(amount);
    }

    /// @dev Everything the completed periods earned and was not claimed.
    function _accrued(LeaseWord lease, Account storage account, uint32 current)
        internal
        view
        returns (uint256 amount)
    {
        amount = account.owed;
        uint32 period = account.carryPeriod;
        if (period != 0 && period < current) amount += _reward(account.carryWeight, period, period);
        uint32 end = _lastComplete(lease, current);
        if (end >= lease.from() && lease.through() != 0) {
            amount += _reward(_weightOf(lease.locked(), lease.term()), lease.from(), end);
        }
    }

    function _dropCarry(Account storage account) private {
        account.carryWeight = 0;
        account.carryPeriod = 0;
    }

    function _reward(uint96 weight, uint32 first, uint32 last) private view returns (uint256) {
        uint256 difference = _indexAt(last) - _indexAt(uint256(first) - 1);
        return RewardMath.rewardDown(weight, difference);
    }

    /// @dev The last completed period the lease covers, or the one before it if there is none.
    function _lastComplete(LeaseWord lease, uint32 current) private pure returns (uint32) {
        uint32 through = lease.through();
        return through < current ? through : current - 1;
    }

    function _weightOf(uint96 locked, uint32 term) internal view returns (uint96) {
        return RewardMath.weightDown(locked, term, _kappa);
    }

    /// @dev What the lease word keeps as its price, and the weight that follows from it.
    function _priceOf(StakeWord stake, uint32 current) private view returns (uint128 price, uint96 weight) {
        uint96 locked = stake.locked();
        if (_kappa == 0) return (locked, locked);
        uint32 unlockPeriod = stake.unlockPeriod();
        uint32 term = stake.lockPeriods();
        if (unlockPeriod != 0) term = unlockPeriod > current ? unlockPeriod - current : 0;
        if (term > _kappa) term = _kappa;
        return (priceOf(locked, term), _weightOf(locked, term));
    }
}
