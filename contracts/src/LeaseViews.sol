// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {LeaseLedger} from "./LeaseLedger.sol";
import {IMiningRewards} from "./interfaces/IMiningRewards.sol";
import {ActivityHistory} from "./libraries/ActivityHistory.sol";
import {LeaseWord} from "./libraries/LeaseWord.sol";

/// @title Lease views
/// @notice Views over leases, rewards and the record of activity.
abstract contract LeaseViews is LeaseLedger {
    using ActivityHistory for ActivityHistory.History;

    // ---------------------------------------------------------------- internal

    /// @dev Counts the active periods in first..=last, with one SLOAD for a miner without gaps.
    function _activeIn(address miner, uint32 first, uint32 last) private view returns (uint256) {
        if (first > last) return 0;
        LeaseWord lease = _leases[miner].word;
        uint256 through = lease.through();
        uint256 runStart = lease.runStart();
        uint256 before = lease.runsBefore();
        if (before == 0 || first >= runStart) {
            // The open run alone counts: closed runs end before `first`, or there are none.
            uint256 start = first > runStart ? first : runStart;
            uint256 end = last < through ? last : through;
            return start <= end && through != 0 ? end - start + 1 : 0;
        }
        // first < runStart: the closed runs count up to min(last, runStart), then the open run. An empty open
        // run ends before it starts and adds nothing.
        ActivityHistory.History storage history = _histories[miner];
        uint256 active =
            last < runStart ? history.countThrough(last) : before + _lesser(last, through) + 1 - runStart;
        return first == 0 ? active : active - history.countThrough(first - 1);
    }

    function _lesser(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }

    // ---------------------------------------------------------------- view

    /// @inheritdoc IMiningRewards
    function leaseOf(address miner) public view override returns (uint32 throughPeriod, uint96 weight) {
        LeaseWord lease = _leases[miner].word;
        if (_accounts[miner].suspendedThrough != 0) return (0, 0);
        return (lease.through(), _weightOf(lease.locked(), lease.term()));
    }

    /// @inheritdoc IMiningRewards
    function suspendedThrough(address miner) public view override returns (uint32) {
        return _accounts[miner].suspendedThrough;
    }

    /// @inheritdoc IMiningRewards
    function claimable(address miner) public view override returns (uint256) {
        return _accrued(_leases[miner].word, _accounts[miner], currentPeriod());
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

    /// @inheritdoc IMiningRewards
    function activityRuns(address miner, uint256 offset, uint256 limit)
        external
        view
        override
        returns (ActivityRun[] memory runs)
    {
        LeaseWord lease = _leases[miner].word;
        ActivityHistory.History storage history = _histories[miner];
        uint256 closed = history.count();
        bool open = lease.through() != 0 && lease.runStart() <= lease.through();
        uint256 total = open ? closed + 1 : closed;
        runs = new ActivityRun[](_lesser(limit, offset < total ? total - offset : 0));
        for (uint256 i = 0; i < runs.length; ++i) {
            uint256 index = offset + i;
            (uint32 first, uint32 last) =
                index < closed ? history.runAt(index) : (lease.runStart(), lease.through());
            runs[i] = ActivityRun(first, last);
        }
    }
}
