// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "../base/KmsTest.sol";
import {IMiningRewards} from "../../src/interfaces/IMiningRewards.sol";

contract SuspendTest is KmsTest {
    uint96 private constant STAKE = 10 * MIN_LOCKED;
    address private miner;
    address private worker;
    uint256 private key;
    uint32 private start;

    function setUp() public override {
        super.setUp();
        (miner, worker, key) = _miner("miner", STAKE, 300);
        start = _now();
    }

    function _suspend(uint32 periods) private {
        vm.prank(challenges);
        rewards.suspend(miner, periods);
    }

    function _lockedIn(uint32 period) private view returns (uint256 locked) {
        (, locked) = rewards.periodTotals(period);
    }

    function _refusesToConfirm(uint32 through) private {
        vm.expectRevert(abi.encodeWithSelector(IMiningRewards.RewardsSuspended.selector, miner, through));
        _confirm(worker, _now() + 1);
    }

    // ---------------------------------------------------------------- refusals

    function testFuzz_onlyTheJudgesSuspend(address caller) public {
        vm.assume(caller != adjudicator && caller != challenges);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IMiningRewards.RewardsNotJudge.selector, caller));
        rewards.suspend(miner, 1);
    }

    function testFuzz_refusesASuspensionThatIsTooLong(uint32 periods) public {
        periods = uint32(bound(periods, 65, type(uint32).max));
        vm.prank(adjudicator);
        vm.expectRevert(
            abi.encodeWithSelector(IMiningRewards.RewardsSuspensionTooLong.selector, periods, 64)
        );
        rewards.suspend(miner, periods);
    }

    function test_refusesConfirmationsThroughTheLastPeriodAndNotLonger() public {
        _confirm(worker, start + LEASE);
        vm.expectEmit(address(rewards));
        emit IMiningRewards.MinerSuspended(miner, start, start + 5);
        _suspend(5);
        assertEq(rewards.suspendedThrough(miner), start + 5);
        _refusesToConfirm(start + 5);
        vm.warp(GENESIS + uint256(start + 5) * DAY - 1);
        _refusesToConfirm(start + 5);
        vm.warp(GENESIS + uint256(start + 5) * DAY);
        _confirm(worker, _now() + 1);
        assertEq(rewards.suspendedThrough(miner), 0);
        assertTrue(rewards.isActive(miner, start + 7));
    }

    function test_refusesRelayedConfirmationsToo() public {
        _suspend(1);
        IMiningRewards.SignedConfirmation[] memory batch = new IMiningRewards.SignedConfirmation[](1);
        batch[0] = _signConfirmation(rewards, key, miner, _now() + 1, _now());
        vm.expectRevert(IMiningRewards.RewardsNothingConfirmed.selector);
        rewards.confirmActivityBatch(batch);
    }

    function test_aNewWorkerOrADepositLiftsNothing() public {
        _suspend(10);
        _skip(COOLDOWN);
        address other = makeAddr("other");
        _bond(miner, other);
        _deposit(miner, STAKE, 300);
        vm.expectRevert(abi.encodeWithSelector(IMiningRewards.RewardsSuspended.selector, miner, start + 10));
        _confirm(other, _now() + 1);
    }

    // ---------------------------------------------------------------- weight

    /// @dev No weight is left behind (Livepeer, 2023).
    function test_comingPeriodsLoseTheWeightTheCurrentOneKeepsIt() public {
        _confirm(worker, start + LEASE);
        _goto(start + 2);
        _suspend(3);
        assertTrue(rewards.isActive(miner, start + 2));
        assertFalse(rewards.isActive(miner, start + 3));
        (uint32 through, uint96 weight) = rewards.leaseOf(miner);
        assertEq(through, 0);
        assertEq(weight, 0);
        _goto(start + 20);
        assertEq(_lockedIn(start), 0);
        assertEq(_lockedIn(start + 1), STAKE);
        assertEq(_lockedIn(start + 2), STAKE);
        for (uint32 p = start + 3; p <= start + 20; ++p) {
            assertEq(_lockedIn(p), 0);
        }
        assertEq(rewards.activePeriods(miner, 1, start + 19), 2);
    }

    function test_aLeaseThatHasNotBegunVanishes() public {
        _confirm(worker, start + 3);
        _suspend(0);
        _goto(start + 5);
        assertEq(_lockedIn(start + 1), 0);
        assertEq(rewards.activePeriods(miner, 1, start + 4), 0);
        assertEq(rewards.activityRuns(miner, 0, 10).length, 0);
        assertEq(rewards.claimable(miner), 0);
    }

    function test_aLeaseThatEndsNowKeepsItsEnd() public {
        _confirm(worker, start + 2);
        _goto(start + 2);
        _suspend(4);
        _goto(start + 8);
        assertEq(_lockedIn(start + 2), STAKE);
        assertEq(_lockedIn(start + 3), 0);
        assertEq(rewards.activePeriods(miner, 1, start + 7), 2);
    }

    function test_othersAreNotTouched() public {
        (, address second,) = _miner("second", 3 * MIN_LOCKED, 300);
        _confirm(worker, start + LEASE);
        _confirm(second, start + LEASE);
        _goto(start + 2);
        _suspend(3);
        _goto(start + LEASE + 1);
        assertEq(_lockedIn(start + 2), STAKE + 3 * MIN_LOCKED);
        assertEq(_lockedIn(start + 3), 3 * MIN_LOCKED);
        assertEq(_lockedIn(start + LEASE), 3 * MIN_LOCKED);
        assertEq(_lockedIn(start + LEASE + 1), 0);
    }

    // ---------------------------------------------------------------- rewards

    function test_whatWasEarnedIsPaidAndNoMore() public {
        uint256 snapshot = vm.snapshotState();
        _confirm(worker, start + 2);
        _goto(start + 6);
        uint256 expected = rewards.claimable(miner);
        vm.revertToState(snapshot);

        _confirm(worker, start + LEASE);
        _goto(start + 2);
        _suspend(2);
        _goto(start + 6);
        assertApproxEqAbs(rewards.claimable(miner), expected, 1);
        vm.prank(miner);
        rewards.claim(miner);
        _goto(start + 30);
        assertEq(rewards.claimable(miner), 0);
        vm.prank(miner);
        vm.expectRevert(abi.encodeWithSelector(IMiningRewards.RewardsNothingToClaim.selector, miner));
        rewards.claim(miner);
        assertLe(rewards.pool(), 3);
    }

    function test_aClaimAfterASlashPaysOnlyWhatWasEarned() public {
        _confirm(worker, start + LEASE);
        _goto(start + 3);
        uint256 due = rewards.claimable(miner);
        _convict(miner, STAKE, 0, 5);
        assertEq(rewards.claimable(miner), due);
        vm.prank(miner);
        assertEq(rewards.claim(miner), due);
        _goto(start + 4);
        assertGt(rewards.claimable(miner), 0, "the period it was convicted in was active");
        vm.prank(miner);
        rewards.claim(miner);
        _goto(start + 20);
        assertEq(rewards.claimable(miner), 0);
    }

    /// @dev The pending period, at the weight before the deposit, survives the suspension.
    function test_aPendingPeriodIsPaidAfterASuspension() public {
        _confirm(worker, start + LEASE);
        _goto(start + 1);
        _deposit(miner, STAKE, 300);
        _confirm(worker, start + 1 + LEASE);
        _suspend(2);
        assertEq(rewards.claimable(miner), 0);
        _goto(start + 2);
        uint256 due = rewards.claimable(miner);
        assertGt(due, 0);
        _goto(start + 4);
        _confirm(worker, _now() + 1);
        assertEq(rewards.claimable(miner), due);
        _goto(start + 6);
        assertApproxEqRel(rewards.claimable(miner), 2 * due, 1e16);
    }

    // ---------------------------------------------------------------- twice

    function test_aSecondSuspensionExtendsAndNeverShortens() public {
        _confirm(worker, start + LEASE);
        _suspend(10);
        _goto(start + 4);
        vm.expectEmit(address(rewards));
        emit IMiningRewards.MinerSuspended(miner, start + 4, start + 10);
        _suspend(3);
        assertEq(rewards.suspendedThrough(miner), start + 10);
        _suspend(7);
        assertEq(rewards.suspendedThrough(miner), start + 11);
        _goto(start + 11);
        _refusesToConfirm(start + 11);
        _goto(start + 12);
        _confirm(worker, _now() + 1);
    }

    function test_aSuspensionAfterAnotherLeavesNoRunOfItsOwn() public {
        _confirm(worker, start + 2);
        _goto(start + 2);
        _suspend(1);
        _goto(start + 9);
        _suspend(1);
        assertEq(rewards.activePeriods(miner, 1, start + 8), 2);
        IMiningRewards.ActivityRun[] memory runs = rewards.activityRuns(miner, 0, 10);
        assertEq(runs.length, 1);
        assertEq(runs[0].first, start + 1);
        assertEq(runs[0].last, start + 2);
    }

    function test_aMinerThatNeverConfirmedCanBeSuspended() public {
        _suspend(2);
        assertEq(rewards.suspendedThrough(miner), start + 2);
        assertEq(rewards.activityRuns(miner, 0, 10).length, 0);
        _refusesToConfirm(start + 2);
        _goto(start + 3);
        assertEq(rewards.activePeriods(miner, 1, start + 2), 0);
        _confirm(worker, _now() + 1);
        _goto(start + 5);
        assertEq(rewards.activePeriods(miner, 1, start + 4), 1);
        assertEq(rewards.activityRuns(miner, 0, 10).length, 1);
    }

    /// @dev The run that a suspension ends is read from the lease until the next one closes it.
    function test_theRecordReadsTheSameBeforeAndAfterTheRunIsClosed() public {
        _confirm(worker, start + LEASE);
        _goto(start + 3);
        _suspend(2);
        _isOnRecord();
        uint256 claimable = rewards.claimable(miner);
        _goto(start + 4);
        assertGt(rewards.claimable(miner), claimable);
        claimable = rewards.claimable(miner);
        _suspend(5);
        _isOnRecord();
        _goto(start + 10);
        _isOnRecord();
        _confirm(worker, start + 11);
        assertEq(rewards.claimable(miner), claimable);
        assertEq(rewards.activePeriods(miner, 1, start + 9), 3);
        IMiningRewards.ActivityRun[] memory runs = rewards.activityRuns(miner, 0, 10);
        assertEq(runs.length, 2);
        assertEq(runs[0].last, start + 3);
        assertEq(runs[1].first, start + 11);
        vm.prank(miner);
        assertEq(rewards.claim(miner), claimable);
    }

    /// @dev A lease that was over is settled by the next one or a claim, whichever comes first, once.
    function testFuzz_aLapsedLeaseIsPaidTheSameWhenItsMinerIsSuspended(bool claimFirst, uint32 periods)
        public
    {
        _confirm(worker, start + 3);
        _goto(start + 6);
        uint256 earned = rewards.claimable(miner);
        assertGt(earned, 0);
        periods = uint32(bound(periods, 0, 64));
        _suspend(periods);
        (uint32 through,) = rewards.leaseOf(miner);
        assertEq(through, 0);
        assertEq(rewards.claimable(miner), earned);
        if (claimFirst) {
            vm.prank(miner);
            assertEq(rewards.claim(miner), earned);
        }
        _refusesToConfirm(start + 6 + periods);
        _goto(start + 7 + periods);
        _confirm(worker, _now() + 1);
        assertEq(rewards.suspendedThrough(miner), 0);
        assertEq(rewards.claimable(miner), claimFirst ? 0 : earned);
        assertEq(rewards.activePeriods(miner, 1, _now() - 1), 3);
        _confirm(worker, _now() + 2);
    }

    function _isOnRecord() private view {
        IMiningRewards.ActivityRun[] memory runs = rewards.activityRuns(miner, 0, 10);
        assertEq(runs.length, 1);
        assertEq(runs[0].first, start + 1);
        assertEq(runs[0].last, start + 3);
        assertTrue(rewards.isActive(miner, start + 3));
        assertFalse(rewards.isActive(miner, start + 4));
        assertEq(rewards.activePeriods(miner, 1, _now() - 1), _now() == start + 3 ? 2 : 3);
        assertEq(rewards.activePeriods(miner, start + 3, _now() - 1), _now() == start + 3 ? 0 : 1);
    }

    function test_atTheEndOfTheClockNothingWraps() public {
        vm.warp(GENESIS + uint256(type(uint32).max - 3) * DAY);
        (, address last,) = _miner("last", MIN_LOCKED, 300);
        _confirm(last, _now() + 1);
        vm.startPrank(adjudicator);
        rewards.suspend(makeAddr("last"), 64);
        rewards.suspend(makeAddr("last"), 64);
        vm.stopPrank();
        assertEq(rewards.suspendedThrough(makeAddr("last")), type(uint32).max - 1);
        vm.warp(GENESIS + 2 ** 34 * uint256(DAY));
        vm.startPrank(makeAddr("last"));
        escrow.setWindDown(true);
        assertEq(escrow.withdraw(alice), MIN_LOCKED);
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- against a table

    mapping(uint32 period => bool) private active;

    /// @dev Random confirmations, suspensions and gaps against a plain table of periods.
    function testFuzz_activityCountsLikeATable(uint256 seed) public {
        uint32 suspended;
        for (uint256 i = 0; i < 30; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint32 now_ = _now();
            if (seed % 4 == 0) {
                uint32 periods = uint32((seed >> 8) % 9);
                _suspend(periods);
                if (now_ + periods > suspended) suspended = now_ + periods;
                for (uint32 p = now_ + 1; p <= now_ + LEASE; ++p) {
                    active[p] = false;
                }
            } else if (now_ > suspended) {
                uint32 through = now_ + 1 + uint32((seed >> 8) % LEASE);
                (uint32 leased,) = rewards.leaseOf(miner);
                if (through > leased) _confirm(worker, through);
                for (uint32 p = now_ + 1; through > leased && p <= through; ++p) {
                    active[p] = true;
                }
            }
            _skip((seed >> 40) % 6);
        }
        _skip(LEASE + 1);
        uint32 runsSum;
        IMiningRewards.ActivityRun[] memory runs = rewards.activityRuns(miner, 0, 100);
        for (uint256 i = 0; i < runs.length; ++i) {
            runsSum += runs[i].last - runs[i].first + 1;
            if (i > 0) assertGt(runs[i].first, runs[i - 1].last + 1);
        }
        uint32 expected;
        for (uint32 p = start; p < _now(); ++p) {
            if (active[p]) ++expected;
            assertEq(_lockedIn(p), active[p] ? STAKE : 0);
            assertEq(rewards.isActive(miner, p), active[p]);
            assertEq(rewards.activePeriods(miner, 1, p), expected);
        }
        assertEq(runsSum, expected);
    }

    // ---------------------------------------------------------------- status

    function test_theStatusTellsAllAtOnce() public {
        _confirm(worker, _now() + LEASE);
        _skip(3);
        IMiningRewards.MinerStatus memory status = rewards.minerStatus(miner);
        assertEq(status.info.miner, miner);
        assertEq(status.info.worker, escrow.workerOf(miner));
        assertEq(status.info.position.locked, STAKE);
        assertEq(status.currentPeriod, _now());
        (uint32 through, uint96 weight) = rewards.leaseOf(miner);
        assertEq(status.leasedThrough, through);
        assertEq(status.weight, weight);
        assertGt(weight, 0);
        assertEq(status.suspendedThrough, 0);
        assertEq(status.claimable, rewards.claimable(miner));
        assertGt(status.claimable, 0);
        _suspend(10);
        status = rewards.minerStatus(miner);
        assertEq(status.suspendedThrough, _now() + 10);
        assertEq(status.leasedThrough, 0);
        status = rewards.minerStatus(bob);
        assertEq(status.info.miner, bob);
        assertEq(status.info.position.locked + status.weight + status.claimable, 0);
    }
}
