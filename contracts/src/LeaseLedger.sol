// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {EmissionBooks} from "./EmissionBooks.sol";
import {IMiningRewards} from "./interfaces/IMiningRewards.sol";
import {ActivityHistory} from "./libraries/ActivityHistory.sol";
import {PeriodTotals, totalsOf} from "./libraries/PeriodTotals.sol";
import {RewardMath} from "./libraries/RewardMath.sol";

/// @title Lease ledger
/// @notice What each miner leased and earned. MiningRewards decides who may change it; LeaseViews
/// answers the questions about it.
///
/// A suspended miner holds an empty lease: nothing locked, runStart = through + 1, where `through` is the
/// last period that is barred. An empty run is never pushed to the history.
abstract contract LeaseLedger is EmissionBooks {
    using ActivityHistory for ActivityHistory.History;
    using SafeCast for uint256;

    // ---------------------------------------------------------------- types

    /// @notice One slot: a renewal writes nothing else of a miner, activePeriods reads nothing else
    /// for a miner without gaps.
    struct Lease {
        uint96 locked; // tokens the weight was computed from
        uint32 term; // min(T, T1) the weight was computed from; 0 when kappa is off
        uint32 from; // first period of this weight whose reward is not settled yet
        uint32 through; // last leased period; 0 for never
        uint32 runStart; // first period of the open run of activity, which ends at `through`
        uint32 runsBefore; // active periods in all earlier runs
    }

    /// @notice One slot: what a renewal at another weight leaves behind.
    struct Account {
        uint96 owed; // settled rewards
        uint96 carryLocked; // weight of the one period that was current at the last re-pricing ...
        uint32 carryTerm;
        uint32 carryPeriod; // ... and that period; 0 for none
    }

    /// @notice What the escrow says of a miner.
    struct Basis {
        uint96 locked;
        uint32 lockPeriods;
        uint32 unlockPeriod;
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

    /// @dev Leases current + 1 ..= through at the weight of `basis`, or says why not and changes nothing.
    /// The books are rolled.
    function _lease(address miner, Basis memory basis, uint32 through, uint32 current)
        internal
        returns (Refusal refusal)
    {
        Lease storage lease = _leases[miner];
        uint32 leased = lease.through;
        uint96 locked = basis.locked;
        uint32 term = _termOf(basis, current);
        bool samePrice = locked == lease.locked && term == lease.term;
        refusal = _refusal(basis, through, current);
        if (refusal != Refusal.None) return refusal;
        if (lease.runStart > leased) {
            if (current <= leased) return Refusal.Suspended;
        } else if (through < leased || (through == leased && samePrice)) {
            return Refusal.NotExtended;
        }

        uint96 weight = _weightOf(locked, term);
        PeriodTotals totals = totalsOf(locked, weight);
        // through > current, so current + 1 fits.
        uint32 next = current + 1;
        if (leased >= current && samePrice) {
            // The old end moves from leased + 1 to through + 1.
            _addFrom(uint256(leased) + 1, totals);
        } else {
            if (leased < current) {
                if (leased != 0) _settle(miner, lease, current);
                _closeRun(miner, lease, leased);
                lease.runStart = next;
            } else {
                if (lease.from <= current) _carry(miner, lease, current);
                _cutLease(lease, current);
            }
            lease.locked = locked;
            lease.term = term;
            lease.from = next;
            _addFrom(next, totals);
        }
        lease.through = through;
        _removeFrom(uint256(through) + 1, totals);
        emit ActivityConfirmed(miner, next, through, weight, locked);
    }

    /// @dev Ends the lease with the current period and puts an empty one in its place, which bars
    /// confirmations through `bar`. The books are rolled. Tells the bar that holds now.
    function _suspend(address miner, uint32 bar, uint32 current) internal returns (uint32) {
        Lease storage lease = _leases[miner];
        uint32 through = lease.through;
        // Suspended before: the weight is out already.
        if (lease.runStart > through) {
            if (bar <= through) return through;
        } else if (through >= current) {
            if (lease.from <= current) _carry(miner, lease, current);
            if (through > current) _cutLease(lease, current);
            _closeRun(miner, lease, current);
        } else if (through != 0) {
            _settle(miner, lease, current);
            _closeRun(miner, lease, through);
        }
        lease.locked = 0;
        lease.term = 0;
        lease.from = bar + 1;
        lease.through = bar;
        lease.runStart = bar + 1;
        return bar;
    }

    function _refusal(Basis memory basis, uint32 through, uint32 current) private view returns (Refusal) {
        uint32 unlockPeriod = basis.unlockPeriod;
        if (basis.locked == 0) return Refusal.NothingLocked;
        if (through <= current) return Refusal.LeaseInPast;
        if (through > uint256(current) + maxLeasePeriods) return Refusal.LeaseTooLong;
        if (unlockPeriod != 0 && through >= unlockPeriod) return Refusal.BeyondUnlock;
        return Refusal.None;
    }

    /// @dev Takes the lease's weight out of the coming periods.
    function _cutLease(Lease storage lease, uint32 current) private {
        PeriodTotals old = totalsOf(lease.locked, _weightOf(lease.locked, lease.term));
        _removeFrom(uint256(current) + 1, old);
        _addFrom(uint256(lease.through) + 1, old);
    }

    /// @dev Pushes the open run, if it has a period up to `last`, to the history.
    function _closeRun(address miner, Lease storage lease, uint32 last) private {
        uint32 runStart = lease.runStart;
        if (last == 0 || runStart > last) return;
        uint32 active = lease.runsBefore + (last - runStart + 1);
        lease.runsBefore = active;
        _histories[miner].push(runStart, last, active);
    }

    // ---------------------------------------------------------------- internal: rewards

    /// @dev Settles the completed periods of the old weight; the current one, which is not complete
    /// yet, is kept aside at that weight.
    function _carry(address miner, Lease storage lease, uint32 current) private {
        _settle(miner, lease, current);
        Account storage account = _accounts[miner];
        account.carryLocked = lease.locked;
        account.carryTerm = lease.term;
        account.carryPeriod = current;
    }

    /// @dev Moves what completed periods earned into `owed`. The books are rolled, and an earlier
    /// carried period is complete: it lies before the lease's first unsettled period.
    function _settle(address miner, Lease storage lease, uint32 current) private {
        Account storage account = _accounts[miner];
        account.owed = _accrued(lease, account, current).toUint96();
        _dropCarry(account);
    }

    /// @dev Takes all that completed periods earned out of the miner's account and out of the pool.
    function _takeAccrued(address miner) internal returns (uint256 amount) {
        uint32 current = currentPeriod();
        _roll(current);
        Lease storage lease = _leases[miner];
        Account storage account = _accounts[miner];
        amount = _accrued(lease, account, current);
        require(amount > 0, RewardsNothingToClaim(miner));

        uint32 end = _lastComplete(lease, current);
        if (end >= lease.from) lease.from = end + 1;
        if (account.owed > 0) account.owed = 0;
        uint32 carried = account.carryPeriod;
        if (carried != 0 && carried < current) _dropCarry(account);
        _takeFromPool(amount);
    }

    /// @dev Everything the completed periods earned and was not claimed.
    function _accrued(Lease storage lease, Account storage account, uint32 current)
        internal
        view
        returns (uint256 amount)
    {
        amount = account.owed;
        uint32 period = account.carryPeriod;
        if (period != 0 && period < current) {
            uint96 weight = _weightOf(account.carryLocked, account.carryTerm);
            amount += _reward(weight, period, period);
        }
        uint32 end = _lastComplete(lease, current);
        if (end >= lease.from && lease.through != 0) {
            amount += _reward(_weightOf(lease.locked, lease.term), lease.from, end);
        }
    }

    function _dropCarry(Account storage account) private {
        account.carryLocked = 0;
        account.carryTerm = 0;
        account.carryPeriod = 0;
    }

    function _reward(uint96 weight, uint32 first, uint32 last) private view returns (uint256) {
        uint256 difference = _indexAt(last) - _indexAt(uint256(first) - 1);
        return RewardMath.rewardDown(weight, difference);
    }

    /// @dev The last completed period the lease covers, or the one before it if there is none.
    function _lastComplete(Lease storage lease, uint32 current) private view returns (uint32) {
        uint32 through = lease.through;
        return through < current ? through : current - 1;
    }

    function _weightOf(uint96 locked, uint32 term) internal view returns (uint96) {
        return RewardMath.weightDown(locked, term, _kappa);
    }

    function _termOf(Basis memory basis, uint32 current) private view returns (uint32 term) {
        if (_kappa == 0) return 0;
        term = basis.lockPeriods;
        if (basis.unlockPeriod != 0) {
            term = basis.unlockPeriod > current ? basis.unlockPeriod - current : 0;
        }
        if (term > _kappa) term = _kappa;
    }
}
