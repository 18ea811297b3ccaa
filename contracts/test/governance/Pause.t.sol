// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "../base/KmsTest.sol";
import {IControl} from "../../src/interfaces/IControl.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {IStakingEscrow} from "../../src/interfaces/IStakingEscrow.sol";

contract PauseTest is KmsTest {
    address private miner;
    address private worker;
    uint32 private start;

    function setUp() public override {
        super.setUp();
        (miner, worker,) = _miner("miner", 10 * MIN_LOCKED, 100);
        start = _now();
    }

    function _pause() private {
        vm.prank(guardian);
        control.pause();
    }

    // ---------------------------------------------------------------- who and how often

    function testFuzz_onlyTheGuardianPauses(address caller) public {
        vm.assume(caller != guardian);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IControl.ControlNotGuardian.selector, caller));
        control.pause();
    }

    function testFuzz_onlyControlSetsAPause(address caller) public {
        vm.assume(caller != address(control));
        vm.startPrank(caller);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowNotControl.selector, caller));
        escrow.setPause(type(uint32).max);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyNotControl.selector, caller));
        policies.setPause(type(uint32).max);
        vm.stopPrank();
    }

    function test_pausesThreeThingsForTheLongestTime() public {
        uint32 through = start + MAX_PAUSE - 1;
        vm.expectEmit(address(control));
        emit IControl.PauseStarted(through);
        _pause();
        assertEq(escrow.pausedThrough(), through);
        assertEq(policies.pausedThrough(), through);
        assertEq(control.penaltyTerms().pausedThrough, through);
        assertEq(control.nextPausePeriod(), through + 1 + MAX_PAUSE);
    }

    function test_noSecondPauseBeforeAsMuchTimeHasPassed() public {
        _pause();
        for (uint32 p = start; p < start + 2 * MAX_PAUSE; p += MAX_PAUSE / 2) {
            _goto(p);
            vm.prank(guardian);
            vm.expectRevert(
                abi.encodeWithSelector(IControl.ControlPauseTooSoon.selector, start + 2 * MAX_PAUSE, p)
            );
            control.pause();
        }
        _goto(start + 2 * MAX_PAUSE);
        _pause();
        assertEq(escrow.pausedThrough(), start + 3 * MAX_PAUSE - 1);
    }

    function test_anEarlyEndBringsTheNextPauseNoNearer() public {
        _pause();
        vm.startPrank(guardian);
        control.unpause();
        _goto(start + 2 * MAX_PAUSE - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IControl.ControlPauseTooSoon.selector, start + 2 * MAX_PAUSE, start + 2 * MAX_PAUSE - 1
            )
        );
        control.pause();
        vm.stopPrank();
    }

    function test_guardianAndOwnerEndAPause() public {
        _pause();
        vm.expectEmit(address(control));
        emit IControl.PauseEnded();
        vm.prank(address(timelock));
        control.unpause();
        assertEq(escrow.pausedThrough(), 0);
        assertEq(policies.pausedThrough(), 0);
        assertEq(control.penaltyTerms().pausedThrough, 0);
        _goto(start + 2 * MAX_PAUSE);
        _pause();
        vm.prank(guardian);
        control.unpause();
        assertEq(escrow.pausedThrough(), 0);
    }

    function test_refusesToEndNoPauseOrForAStranger() public {
        vm.startPrank(guardian);
        vm.expectRevert(IControl.ControlNotPaused.selector);
        control.unpause();
        control.pause();
        control.unpause();
        vm.expectRevert(IControl.ControlNotPaused.selector);
        control.unpause();
        vm.stopPrank();
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IControl.ControlNotGuardianOrOwner.selector, alice));
        control.unpause();
    }

    function test_aPauseThatIsOverCannotBeEnded() public {
        _pause();
        _goto(start + MAX_PAUSE);
        vm.prank(guardian);
        vm.expectRevert(IControl.ControlNotPaused.selector);
        control.unpause();
    }

    // ---------------------------------------------------------------- what it stops

    function _refusesDeposits(address owner, uint256 key) private {
        bytes memory reason =
            abi.encodeWithSelector(IStakingEscrow.EscrowPaused.selector, escrow.pausedThrough());
        (uint8 v, bytes32 r, bytes32 s) =
            _signPermit(key, owner, address(escrow), MIN_LOCKED, type(uint256).max);
        vm.startPrank(owner);
        vm.expectRevert(reason);
        escrow.deposit(MIN_LOCKED, MIN_LOCK);
        vm.expectRevert(reason);
        escrow.depositWithPermit(MIN_LOCKED, MIN_LOCK, type(uint256).max, v, r, s);
        vm.expectRevert(reason);
        token.transferAndCall(
            address(escrow), MIN_LOCKED, abi.encodeCall(escrow.deposit, (MIN_LOCKED, MIN_LOCK))
        );
        bytes[] memory calls = new bytes[](1);
        calls[0] = abi.encodeCall(escrow.deposit, (MIN_LOCKED, MIN_LOCK));
        vm.expectRevert(reason);
        escrow.multicall(calls);
        vm.stopPrank();
    }

    function test_noDepositOfAnyKindUntilThePauseIsOver() public {
        (address owner, uint256 key) = makeAddrAndKey("owner");
        _fund(owner, MIN_LOCKED);
        _pause();
        _refusesDeposits(owner, key);
        vm.warp(GENESIS + uint256(start + MAX_PAUSE - 1) * DAY - 1);
        _refusesDeposits(owner, key);
        vm.warp(GENESIS + uint256(start + MAX_PAUSE - 1) * DAY);
        vm.startPrank(owner);
        token.approve(address(escrow), MIN_LOCKED);
        escrow.deposit(MIN_LOCKED, MIN_LOCK);
        vm.stopPrank();
    }

    function test_aLaterDepositWaitsToo() public {
        _fund(miner, 1);
        vm.prank(miner);
        token.approve(address(escrow), 1);
        _pause();
        vm.prank(miner);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowPaused.selector, start + MAX_PAUSE - 1));
        escrow.deposit(1, 100);
    }

    // ---------------------------------------------------------------- what it does not stop

    /// @dev Everything that takes money out, ends a duty or keeps a promise works in a pause.
    function test_exitsClaimsRefundsAndRevocationsGoOn() public {
        IPolicyManager.Terms memory terms = _terms(_list(miner), 30);
        _create(terms);
        _confirm(worker, start + 3);
        vm.prank(miner);
        escrow.unbond(MIN_LOCKED);
        _goto(start + 101);
        _pause();
        vm.startPrank(miner);
        assertEq(escrow.withdraw(miner), MIN_LOCKED);
        assertGt(rewards.claim(miner), 0);
        assertGt(policies.collect(_one(terms), miner, _delivered(_one(terms), miner)), 0);
        escrow.setWindDown(true);
        escrow.setWindDown(false);
        escrow.extendLock(101);
        escrow.unbond(MIN_LOCKED);
        escrow.unbondWorker();
        escrow.setMinRate(3);
        vm.stopPrank();
        assertGt(policies.refund(terms), 0);
    }

    function test_workersConfirmAndAuthorsRevokeInAPause() public {
        IPolicyManager.Terms memory terms = _terms(_list(miner), 30);
        _create(terms);
        _pause();
        _confirm(worker, start + 2);
        vm.prank(alice);
        assertEq(policies.revokePolicy(terms), 30 * uint256(RATE));
        vm.prank(challenges);
        rewards.suspend(miner, 1);
    }

    function test_aPauseAtTheEndOfTheClockBlocksNoExit() public {
        vm.warp(GENESIS + 2 ** 34 * uint256(DAY));
        _pause();
        assertEq(escrow.pausedThrough(), type(uint32).max);
        vm.startPrank(miner);
        escrow.setWindDown(true);
        assertEq(escrow.withdraw(miner), 10 * MIN_LOCKED);
        vm.stopPrank();
        vm.prank(guardian);
        control.unpause();
        _deposit(miner, MIN_LOCKED, MIN_LOCK);
    }
}
