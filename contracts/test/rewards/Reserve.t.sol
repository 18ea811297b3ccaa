// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "../base/KmsTest.sol";
import {IMiningRewards} from "../../src/interfaces/IMiningRewards.sol";

contract ReserveTest is KmsTest {
    address private miner;
    address private worker;

    function setUp() public override {
        super.setUp();
        (miner, worker,) = _miner("miner", 10 * MIN_LOCKED, 100);
    }

    function testFuzz_onlyTheJudgesReturn(address caller) public {
        vm.assume(caller != adjudicator && caller != challenges);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IMiningRewards.RewardsNotJudge.selector, caller));
        rewards.returnToReserve(0);
    }

    function testFuzz_refusesMoreThanWasBurned(uint96 burned, uint96 returned) public {
        burned = uint96(bound(burned, 1, 10 * MIN_LOCKED));
        returned = uint96(bound(returned, uint256(burned) + 1, type(uint96).max - CAP));
        vm.startPrank(adjudicator);
        escrow.slash(miner, burned, bob, 0);
        vm.expectRevert(
            abi.encodeWithSelector(IMiningRewards.RewardsCapExceeded.selector, CAP - burned + returned, CAP)
        );
        rewards.returnToReserve(returned);
        vm.stopPrank();
    }

    function test_refusesWithoutABurn() public {
        vm.prank(adjudicator);
        vm.expectRevert(abi.encodeWithSelector(IMiningRewards.RewardsCapExceeded.selector, CAP + 1, CAP));
        rewards.returnToReserve(1);
    }

    /// @dev Emitted but not yet claimed: it is minted later, so it has its room below the cap.
    function test_refusesWhatThePoolWillMint() public {
        _confirm(worker, _now() + 2);
        _skip(3);
        assertGt(rewards.pool(), 0);
        vm.prank(adjudicator);
        vm.expectRevert(abi.encodeWithSelector(IMiningRewards.RewardsCapExceeded.selector, CAP + 1, CAP));
        rewards.returnToReserve(1);
    }

    function test_refusesAnAmountThatFitsNoReserve() public {
        vm.prank(adjudicator);
        vm.expectRevert();
        rewards.returnToReserve(type(uint96).max);
    }

    function test_whatWasBurnedIsEmittedAnew() public {
        uint256 before = rewards.reserve();
        vm.startPrank(adjudicator);
        escrow.slash(miner, 5 * MIN_LOCKED, bob, MIN_LOCKED);
        vm.expectEmit(address(rewards));
        emit IMiningRewards.ReserveReturned(4 * MIN_LOCKED);
        rewards.returnToReserve(4 * MIN_LOCKED);
        vm.stopPrank();
        assertEq(rewards.reserve(), before + 4 * MIN_LOCKED);
        assertEq(token.totalSupply() + rewards.reserve() + rewards.pool(), CAP);
        _confirm(worker, _now() + 1);
        _skip(2);
        assertApproxEqAbs(rewards.claimable(miner), (before + 4 * MIN_LOCKED) * rewards.decay() / 2 ** 64, 1);
    }

    /// @dev Completed periods are booked with the reserve they had.
    function test_aReturnChangesNoPeriodThatIsOver() public {
        _confirm(worker, _now() + 5);
        _skip(4);
        uint256 due = rewards.claimable(miner);
        uint256 reserve = rewards.reserve();
        _convict(miner, MIN_LOCKED, 0, 1);
        assertEq(rewards.claimable(miner), due);
        assertEq(rewards.reserve(), reserve + MIN_LOCKED);
    }

    /// @dev All that is locked is a power of two, so nothing is rounded: one unit of the index is one of KMS.
    /// The first of two periods is booked, the second is not.
    function test_whatIsClaimableIsExactAcrossTheBooks() public {
        (address exact, address itsWorker,) = _miner("exact", 2 ** 84, 100);
        uint32 start = _now();
        _confirm(itsWorker, start + 2);
        _goto(start + 2);
        rewards.roll();
        _goto(start + 3);
        assertEq(rewards.lastRolledPeriod(), start + 1);
        uint256 reserve = CAP - INITIAL;
        uint256 first = (reserve * rewards.decay()) >> 64;
        uint256 second = ((reserve - first) * rewards.decay()) >> 64;
        assertEq(rewards.claimable(exact), first + second);
    }

    /// @dev The books begin with the period before the deployment, whichever that is.
    function testFuzz_theBooksBeginWithThePeriodBefore(uint32 period) public {
        period = uint32(bound(period, 1, 1_000_000));
        _goto(period);
        _deploy(LEASE, false);
        assertEq(rewards.lastRolledPeriod(), period - 1);
        assertEq(rewards.reserve(), CAP - INITIAL);
        rewards.roll();
        assertEq(rewards.lastRolledPeriod(), period - 1, "the current period is not over");
        _skip(1);
        rewards.roll();
        assertEq(rewards.lastRolledPeriod(), period);
        assertEq(rewards.reserve(), CAP - INITIAL);
    }

    // ---------------------------------------------------------------- pages of totals

    function test_pagesOfTotalsAgreeWithTheSingleOnes() public {
        uint32 start = _now();
        _confirm(worker, start + 4);
        _skip(3);
        rewards.roll();
        _skip(3);
        (uint256[] memory weights, uint256[] memory locked) = rewards.periodTotalsPage(start - 2, 9);
        assertEq(weights.length, 9);
        for (uint32 i = 0; i < 9; ++i) {
            (uint256 weight, uint256 one) = rewards.periodTotals(start - 2 + i);
            assertEq(weights[i], weight);
            assertEq(locked[i], one);
        }
        assertEq(locked[3], 10 * MIN_LOCKED);
        (weights, locked) = rewards.periodTotalsPage(start + 1, 1);
        assertEq(weights[0], 10 * MIN_LOCKED);
        assertEq(locked[0], 10 * MIN_LOCKED);
    }

    function test_pagesEndWithTheCurrentPeriod() public view {
        uint32 now_ = _now();
        (uint256[] memory weights,) = rewards.periodTotalsPage(now_, 0);
        assertEq(weights.length, 0);
        (weights,) = rewards.periodTotalsPage(now_, type(uint32).max);
        assertEq(weights.length, 1);
        (weights,) = rewards.periodTotalsPage(now_ - 1, 3);
        assertEq(weights.length, 2);
        (weights,) = rewards.periodTotalsPage(now_ + 1, 3);
        assertEq(weights.length, 0);
        (weights,) = rewards.periodTotalsPage(type(uint32).max, type(uint32).max);
        assertEq(weights.length, 0);
    }

    function test_pagesOfRuns() public {
        assertEq(rewards.activityRuns(miner, 0, 5).length, 0);
        uint32 start = _now();
        _confirm(worker, start + 2);
        _skip(4);
        _confirm(worker, start + 6);
        IMiningRewards.ActivityRun[] memory runs = rewards.activityRuns(miner, 0, 5);
        assertEq(runs.length, 2);
        assertEq(runs[0].first, start + 1);
        assertEq(runs[0].last, start + 2);
        assertEq(runs[1].first, start + 5);
        assertEq(runs[1].last, start + 6);
        runs = rewards.activityRuns(miner, 1, 1);
        assertEq(runs.length, 1);
        assertEq(runs[0].first, start + 5);
        assertEq(rewards.activityRuns(miner, 2, 1).length, 0);
        assertEq(rewards.activityRuns(miner, type(uint256).max, type(uint256).max).length, 0);
        assertEq(rewards.activityRuns(miner, 0, 0).length, 0);
    }
}
