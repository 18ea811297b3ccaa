// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "../base/KmsTest.sol";
import {IMiningRewards} from "../../src/interfaces/IMiningRewards.sol";
import {IStakingEscrow} from "../../src/interfaces/IStakingEscrow.sol";

contract RestakeTest is KmsTest {
    uint96 private constant STAKE = 10 * MIN_LOCKED;
    address private miner;
    address private worker;

    function setUp() public override {
        super.setUp();
        (miner, worker,) = _miner("miner", STAKE, 100);
        _confirm(worker, _now() + 3);
        _skip(4);
    }

    // ---------------------------------------------------------------- who

    function test_refusesTheWorkerUnlessItIsLetTo() public {
        vm.prank(worker);
        vm.expectRevert(abi.encodeWithSelector(IMiningRewards.RewardsNotMinerOrWorker.selector, worker));
        rewards.restake(miner);
        vm.expectEmit(address(escrow));
        emit IStakingEscrow.RestakeSet(miner, true);
        vm.prank(miner);
        escrow.setRestake(true);
        vm.prank(worker);
        assertGt(rewards.restake(miner), 0);
    }

    function test_refusesTheWorkerAfterTheConsentIsTakenBack() public {
        vm.startPrank(miner);
        escrow.setRestake(true);
        escrow.setRestake(false);
        vm.stopPrank();
        vm.prank(worker);
        vm.expectRevert(abi.encodeWithSelector(IMiningRewards.RewardsNotMinerOrWorker.selector, worker));
        rewards.restake(miner);
    }

    function test_refusesAFormerWorker() public {
        vm.startPrank(miner);
        escrow.setRestake(true);
        escrow.unbondWorker();
        vm.stopPrank();
        vm.prank(worker);
        vm.expectRevert(abi.encodeWithSelector(IMiningRewards.RewardsNotMinerOrWorker.selector, worker));
        rewards.restake(miner);
    }

    function testFuzz_refusesStrangers(address caller) public {
        vm.assume(caller != miner && caller != worker);
        vm.prank(miner);
        escrow.setRestake(true);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IMiningRewards.RewardsNotMinerOrWorker.selector, caller));
        rewards.restake(miner);
    }

    /// @dev A consent of one's own reaches nobody else's rewards.
    function test_aWorkerSpeaksForItsOwnMinerOnly() public {
        (address second,,) = _miner("second", MIN_LOCKED, 100);
        vm.prank(second);
        escrow.setRestake(true);
        vm.prank(second);
        vm.expectRevert(abi.encodeWithSelector(IMiningRewards.RewardsNotMinerOrWorker.selector, second));
        rewards.restake(miner);
    }

    function testFuzz_onlyTheRewardsCredit(address caller) public {
        vm.assume(caller != address(rewards));
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowNotRewards.selector, caller));
        escrow.creditRestake(miner, 1 ether);
    }

    // ---------------------------------------------------------------- when

    function test_refusesWithoutAReward() public {
        vm.startPrank(miner);
        rewards.restake(miner);
        vm.expectRevert(abi.encodeWithSelector(IMiningRewards.RewardsNothingToClaim.selector, miner));
        rewards.restake(miner);
        vm.stopPrank();
    }

    function test_refusesAnEmptyPositionAndKeepsTheReward() public {
        uint256 due = rewards.claimable(miner);
        vm.startPrank(miner);
        escrow.unbond(STAKE);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowNoPosition.selector, miner));
        rewards.restake(miner);
        assertEq(rewards.claimable(miner), due);
        assertEq(rewards.claim(miner), due);
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- what

    function test_locksTheRewardAndKeepsTheLock() public {
        uint96 due = uint96(rewards.claimable(miner));
        vm.expectEmit(address(rewards));
        emit IMiningRewards.RewardClaimed(miner, address(escrow), due);
        vm.expectEmit(address(escrow));
        emit IStakingEscrow.Deposited(miner, address(rewards), due, STAKE + due, 100);
        vm.prank(miner);
        assertEq(rewards.restake(miner), due);
        assertEq(escrow.position(miner).locked, STAKE + due);
        assertEq(escrow.position(miner).lockPeriods, 100);
        assertEq(escrow.totalLocked(), STAKE + due);
        assertEq(token.balanceOf(address(escrow)), STAKE + due);
        assertEq(token.balanceOf(miner), 0);
        assertEq(token.totalSupply() + rewards.reserve() + rewards.pool(), CAP);
    }

    function test_keepsTheWindDownUnlikeADeposit() public {
        vm.startPrank(miner);
        escrow.setWindDown(true);
        uint32 unlock = escrow.position(miner).unlockPeriod;
        uint256 amount = rewards.restake(miner);
        assertEq(escrow.position(miner).unlockPeriod, unlock);
        _goto(unlock);
        assertEq(escrow.withdraw(miner), STAKE + amount);
        vm.stopPrank();
    }

    function test_aPauseOfDepositsIsNoneOfRestakes() public {
        vm.prank(guardian);
        control.pause();
        vm.prank(miner);
        assertGt(rewards.restake(miner), 0);
    }

    function test_theRestakedTokensWeighFromTheNextConfirmationOn() public {
        _confirm(worker, _now() + 2);
        vm.prank(miner);
        uint96 amount = uint96(rewards.restake(miner));
        (, uint96 weight) = rewards.leaseOf(miner);
        assertEq(weight, STAKE);
        _confirm(worker, _now() + 3);
        (, weight) = rewards.leaseOf(miner);
        assertEq(weight, STAKE + amount);
    }

    function test_confirmsAndRestakesInOneTransaction() public {
        vm.prank(miner);
        escrow.setRestake(true);
        bytes[] memory calls = new bytes[](2);
        calls[0] = abi.encodeCall(rewards.restake, (miner));
        calls[1] = abi.encodeCall(rewards.confirmActivity, (_now() + LEASE));
        vm.prank(worker);
        rewards.multicall(calls);
        (, uint96 weight) = rewards.leaseOf(miner);
        assertGt(weight, STAKE);
        assertEq(weight, escrow.position(miner).locked);
    }
}
