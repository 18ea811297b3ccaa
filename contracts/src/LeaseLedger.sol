// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {EmissionBooks} from "./EmissionBooks.sol";
import {IMiningRewards} from "./interfaces/IMiningRewards.sol";
import {ActivityHistory} from "./libraries/ActivityHistory.sol";
import {RewardMath} from "./libraries/RewardMath.sol";

/// @title Lease ledger
/// @notice What each miner leased, earned and was active in, and the questions about it. MiningRewards
/// is the one that writes.
abstract contract LeaseLedger is EmissionBooks {
    using ActivityHistory for ActivityHistory.History;

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

    // ---------------------------------------------------------------- internal

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

    function _reward(uint96 weight, uint32 first, uint32 last) internal view returns (uint256) {
        uint256 difference = _indexAt(last) - _indexAt(uint256(first) - 1);
        return RewardMath.rewardDown(weight, difference);
    }

    /// @dev The last completed period the lease covers, or the one before it if there is none.
    function _lastComplete(Lease storage lease, uint32 current) internal view returns (uint32) {
        uint32 through = lease.through;
        return through < current ? through : current - 1;
    }

    function _weightOf(uint96 locked, uint32 term) internal view returns (uint96) {
        return RewardMath.weightDown(locked, term, _kappa);
    }

    /// @dev Active periods in first..=last; one SLOAD for a miner without gaps in its activity.
    function _activeIn(address miner, uint32 first, uint32 last) private view returns (uint256) {
        if (first > last) return 0;
        Lease storage lease = _leases[miner];
        uint256 through = lease.through;
        uint256 runStart = lease.runStart;
        uint256 before = lease.runsBefore;
        if (before == 0 || first >= runStart) {
            // The open run alone; runs closed before it end below `first`, or there are none.
            uint256 start = first > runStart ? first : runStart;
            uint256 end = last < through ? last : through;
            return start <= end && through != 0 ? end - start + 1 : 0;
        }
        // first < runStart: the closed runs count up to min(last, runStart), the open run after them.
        ActivityHistory.History storage history = _histories[miner];
        uint256 active =
            last < runStart ? history.countThrough(last) : before + _lesser(last, through) - runStart + 1;
        return first == 0 ? active : active - history.countThrough(first - 1);
    }

    function _lesser(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }

    // ---------------------------------------------------------------- view

    /// @inheritdoc IMiningRewards
    function leaseOf(address miner) external view override returns (uint32 throughPeriod, uint96 weight) {
        Lease storage lease = _leases[miner];
        return (lease.through, _weightOf(lease.locked, lease.term));
    }

    /// @inheritdoc IMiningRewards
    function claimable(address miner) external view override returns (uint256) {
        return _accrued(_leases[miner], _accounts[miner], currentPeriod());
    }

    /// @inheritdoc IMiningRewards
    function activePeriods(address miner, uint32 first, uint32 last)
        external
        view
        override
        returns (uint32)
    {
        uint32 current = currentPeriod();
        require(last < current, RewardsPeriodNotComplete(last, current));
        return uint32(_activeIn(miner, first, last));
    }

    /// @inheritdoc IMiningRewards
    function sumActivePeriods(address[] calldata miners, uint32 first, uint32 last)
        external
        view
        override
        returns (uint256 sum)
    {
        uint32 current = currentPeriod();
        require(last < current, RewardsPeriodNotComplete(last, current));
        for (uint256 i = 0; i < miners.length; ++i) {
            sum += _activeIn(miners[i], first, last);
        }
    }

    /// @inheritdoc IMiningRewards
    function isActive(address miner, uint32 period) external view override returns (bool) {
        return _activeIn(miner, period, period) == 1;
    }
}
