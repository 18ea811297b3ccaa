// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "../base/KmsTest.sol";
import {IMiningRewards} from "../../src/interfaces/IMiningRewards.sol";
import {RewardMath} from "../../src/libraries/RewardMath.sol";

contract ClaimTest is KmsTest {
    address private miner;
    address private worker;

    function setUp() public override {
        super.setUp();
        (miner, worker,) = _miner("miner", 10 * MIN_LOCKED, 100);
    }

    function _claim(address whose) private returns (uint256) {
        vm.prank(whose);
        return rewards.claim(whose);
    }

    // ---------------------------------------------------------------- who and when

    function test_onlyCompletedPeriodsArePaid() public {
        _confirm(worker, _now() + 2);
        _skip(1);
        vm.prank(miner);
        vm.expectRevert(abi.encodeWithSelector(IMiningRewards.RewardsNothingToClaim.selector, miner));
        rewards.claim(miner);
        assertEq(rewards.claimable(miner), 0);

        _skip(1);
        uint256 first = RewardMath.emissionDown(CAP - INITIAL, rewards.decay());
        assertApproxEqAbs(rewards.claimable(miner), first, 1, "the only miner gets the emission");
        vm.expectEmit(address(rewards));
        emit IMiningRewards.RewardClaimed(miner, miner, rewards.claimable(miner));
        uint256 amount = _claim(miner);
        assertEq(token.balanceOf(miner), amount);
        assertEq(token.totalSupply(), INITIAL + amount);
        assertEq(rewards.claimable(miner), 0);
    }

    function test_minerAndWorkerMayClaimToTheMiner() public {
        _confirm(worker, _now() + 2);
        _skip(2);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IMiningRewards.RewardsNotMinerOrWorker.selector, alice));
        rewards.claim(miner);
        vm.prank(worker);
        uint256 amount = rewards.claim(miner);
        assertEq(token.balanceOf(miner), amount);
        _skip(1);
        assertGt(_claim(miner), 0);
    }

    function test_claimToIsTheOwnersWordOnly() public {
        _confirm(worker, _now() + 2);
        _skip(3);
        vm.prank(worker);
        vm.expectRevert(abi.encodeWithSelector(IMiningRewards.RewardsNothingToClaim.selector, worker));
        rewards.claimTo(alice);
        vm.prank(miner);
        vm.expectRevert(IMiningRewards.RewardsRecipientZero.selector);
        rewards.claimTo(address(0));
        vm.prank(miner);
        uint256 amount = rewards.claimTo(alice);
        assertEq(token.balanceOf(alice), amount);
        assertGt(amount, 0);
    }

    function test_aSecondClaimPaysNothing() public {
        _confirm(worker, _now() + 1);
        _skip(2);
        _claim(miner);
        vm.prank(miner);
        vm.expectRevert(abi.encodeWithSelector(IMiningRewards.RewardsNothingToClaim.selector, miner));
        rewards.claim(miner);
    }

    // ---------------------------------------------------------------- what

    function test_sharesFollowTheLockedTokens() public {
        (address other, address otherWorker,) = _miner("other", 30 * MIN_LOCKED, 100);
        _confirm(worker, _now() + 7);
        _confirm(otherWorker, _now() + 7);
        _skip(8);
        uint256 mine = _claim(miner);
        uint256 theirs = _claim(other);
        assertApproxEqAbs(theirs, 3 * mine, 4);
        assertEq(rewards.claimable(miner) + rewards.claimable(other), 0);
        assertLt(rewards.pool(), 10, "only dust is left");
    }

    function test_theReserveHalvesInTheHalfLife() public {
        (address forever, address keeper,) = _miner("forever", MIN_LOCKED, MAX_LOCK);
        uint256 before = rewards.reserve();
        uint32 start = _now();
        _stayActiveUntil(keeper, start + 731);
        assertApproxEqRel(rewards.reserve(), before / 2, 1e10, "within 1e-8");
        assertGt(rewards.claimable(forever), 0);
    }

    function test_idlePeriodsEmitNothing() public {
        uint256 before = rewards.reserve();
        _skip(500);
        rewards.roll();
        assertEq(rewards.reserve(), before, "no windfall waits for the first miner");
        _confirm(worker, _now() + 1);
        _skip(2);
        uint256 amount = _claim(miner);
        assertApproxEqAbs(amount, RewardMath.emissionDown(before, rewards.decay()), 1);
        _skip(500);
        assertEq(rewards.reserve() + rewards.pool() + token.totalSupply(), CAP);
    }

    function test_depositAndExitInOnePeriodGainNothing() public {
        _confirm(worker, _now() + LEASE);
        _skip(1);
        (address jit, address jitWorker,) = _miner("jit", 100 * MIN_LOCKED, MIN_LOCK);
        for (uint256 i = 0; i < 100; ++i) {
            vm.prank(jit);
            escrow.unbond(1);
            _deposit(jit, 1, MIN_LOCK);
        }
        assertEq(rewards.claimable(jit), 0);
        _skip(1);
        assertEq(rewards.claimable(jit), 0, "no confirmation, no reward");
        _confirm(jitWorker, _now() + 1);
        assertEq(rewards.claimable(jit), 0);
        // And a stake that did earn cannot leave before its lock.
        vm.prank(jit);
        vm.expectRevert();
        escrow.withdraw(jit);
    }

    function test_splittingAStakeGainsNothing() public {
        uint256 snapshot = vm.snapshotState();
        (address whole, address wholeWorker,) = _miner("whole", 50 * MIN_LOCKED, 100);
        _confirm(worker, _now() + 7);
        _confirm(wholeWorker, _now() + 7);
        _skip(8);
        uint256 single = _claim(whole);
        vm.revertToState(snapshot);

        address[] memory parts = new address[](50);
        _confirm(worker, _now() + 7);
        for (uint256 i = 0; i < 50; ++i) {
            address partWorker;
            (parts[i], partWorker,) = _miner(string.concat("part", vm.toString(i)), MIN_LOCKED, 100);
            _confirm(partWorker, _now() + 7);
        }
        _skip(8);
        uint256 sum;
        for (uint256 i = 0; i < 50; ++i) {
            sum += _claim(parts[i]);
        }
        assertApproxEqAbs(sum, single, 50);
        assertLe(sum, single, "rounding never pays more");
    }

    function test_claimOrderDoesNotMatter() public {
        (address[] memory miners, address[] memory workers) = _miners(4, 100);
        for (uint256 i = 0; i < 4; ++i) {
            _deposit(miners[i], uint96((i + 1) * 777_777_777_777_777_777_777), 100);
            _confirm(workers[i], _now() + uint32(i) + 2);
        }
        _skip(6);
        uint256 snapshot = vm.snapshotState();
        uint256[4] memory forwards;
        for (uint256 i = 0; i < 4; ++i) {
            forwards[i] = _claim(miners[i]);
        }
        vm.revertToState(snapshot);
        // Backwards, days later, and with a claim of others in between.
        for (uint256 i = 4; i > 0; --i) {
            _skip(3);
            assertEq(_claim(miners[i - 1]), forwards[i - 1]);
        }
    }

    function test_kappaPaysLongerLocksMoreAndKeepsTheRest() public {
        vm.warp(GENESIS);
        _deploy(LEASE, true);
        _goto(10);
        (address short, address shortWorker,) = _miner("short", MIN_LOCKED, 73);
        (address long, address longWorker,) = _miner("long", MIN_LOCKED, MAX_LOCK);
        _confirm(shortWorker, _now() + 1);
        _confirm(longWorker, _now() + 1);
        (, uint96 weight) = rewards.leaseOf(short);
        assertEq(weight, uint256(MIN_LOCKED) * (365 + 73) / 730);
        (, weight) = rewards.leaseOf(long);
        assertEq(weight, MIN_LOCKED);
        uint256 before = rewards.reserve();
        _skip(2);
        assertApproxEqRel(_claim(short) * 10, _claim(long) * 6, 1e6);
        uint256 emitted = before - rewards.reserve();
        assertApproxEqRel(emitted * 10, RewardMath.emissionDown(before, rewards.decay()) * 8, 1e6);
    }

    function test_kappaFallsWhileWindingDown() public {
        vm.warp(GENESIS);
        _deploy(LEASE, true);
        _goto(10);
        (address down, address downWorker,) = _miner("down", MIN_LOCKED, 365);
        vm.prank(down);
        escrow.setWindDown(true);
        _confirm(downWorker, _now() + 2);
        (, uint96 weight) = rewards.leaseOf(down);
        assertEq(weight, MIN_LOCKED, "366 periods left count as 365");
        _skip(2);
        _confirm(downWorker, _now() + 2);
        (, weight) = rewards.leaseOf(down);
        assertEq(weight, uint256(MIN_LOCKED) * (365 + 364) / 730);
    }

    function test_aDonationChangesNoReward() public {
        _confirm(worker, _now() + 1);
        vm.startPrank(treasury);
        token.transfer(address(rewards), 1_000 ether);
        token.transfer(address(escrow), 1_000 ether);
        vm.stopPrank();
        vm.deal(address(rewards), 1 ether);
        _skip(2);
        assertApproxEqAbs(
            rewards.claimable(miner), RewardMath.emissionDown(CAP - INITIAL, rewards.decay()), 1
        );
    }

    function test_leasedWeightStaysBackedByCustody() public {
        uint32 start = _now();
        vm.prank(miner);
        escrow.unbond(9 * MIN_LOCKED);
        _deposit(miner, 9 * MIN_LOCKED, 100);
        _confirm(worker, start + LEASE);
        vm.prank(miner);
        escrow.unbond(10 * MIN_LOCKED);
        _goto(start + LEASE);
        (, uint256 locked) = rewards.periodTotals(_now());
        assertEq(locked, 10 * MIN_LOCKED);
        assertGe(token.balanceOf(address(escrow)), locked);
        vm.prank(miner);
        vm.expectRevert();
        escrow.withdraw(miner);
    }

    function test_viewsActAsIfRolled() public {
        _confirm(worker, _now() + 3);
        _skip(20);
        uint32 booked = rewards.lastRolledPeriod();
        (uint256 reserve, uint256 pool, uint256 due) =
            (rewards.reserve(), rewards.pool(), rewards.claimable(miner));
        (, uint256 locked) = rewards.periodTotals(_now() - 18);
        rewards.roll();
        assertGt(rewards.lastRolledPeriod(), booked);
        assertEq(rewards.lastRolledPeriod(), _now() - 1);
        assertEq(rewards.reserve(), reserve);
        assertEq(rewards.pool(), pool);
        assertEq(rewards.claimable(miner), due);
        (, uint256 same) = rewards.periodTotals(_now() - 18);
        assertEq(same, locked);
    }

    function test_rewardsArriveExactlyAtThePeriodEdge() public {
        uint32 start = _now();
        _confirm(worker, start + 1);
        uint256 edge = GENESIS + uint256(start + 1) * DAY;
        vm.warp(edge - 1);
        assertEq(rewards.claimable(miner), 0);
        vm.warp(edge);
        assertGt(rewards.claimable(miner), 0);
    }
}
