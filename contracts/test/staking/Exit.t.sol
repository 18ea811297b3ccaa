// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "../base/KmsTest.sol";
import {IStakingEscrow} from "../../src/interfaces/IStakingEscrow.sol";

contract ExitTest is KmsTest {
    uint96 private constant STAKE = 10 * MIN_LOCKED;
    uint32 private constant LOCK = 40;
    uint32 private start;

    function setUp() public override {
        super.setUp();
        _deposit(bob, STAKE, LOCK);
        start = _now();
    }

    // ---------------------------------------------------------------- wind-down

    function test_windDownEndsAfterTheWholeLock() public {
        vm.expectEmit(address(escrow));
        emit IStakingEscrow.WindDownSet(bob, start + 1 + LOCK);
        vm.prank(bob);
        escrow.setWindDown(true);

        _goto(start + LOCK);
        vm.prank(bob);
        vm.expectRevert(
            abi.encodeWithSelector(
                IStakingEscrow.EscrowNothingToWithdraw.selector, bob, start + 1 + LOCK, start + LOCK
            )
        );
        escrow.withdraw(bob);

        _goto(start + 1 + LOCK);
        vm.expectEmit(address(escrow));
        emit IStakingEscrow.Withdrawn(bob, alice, STAKE, 0);
        vm.prank(bob);
        escrow.withdraw(alice);
        assertEq(token.balanceOf(alice), STAKE);
        assertEq(escrow.totalLocked(), 0);
        assertEq(escrow.position(bob).lockPeriods, 0);
        assertEq(escrow.position(bob).unlockPeriod, 0);
    }

    function test_windDownRefusesTwiceAndWithoutPosition() public {
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowNoPosition.selector, alice));
        escrow.setWindDown(true);
        vm.startPrank(bob);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowNotWindingDown.selector, bob));
        escrow.setWindDown(false);
        escrow.setWindDown(true);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowAlreadyWindingDown.selector, bob));
        escrow.setWindDown(true);
        escrow.setWindDown(false);
        assertEq(escrow.position(bob).unlockPeriod, 0);
        vm.stopPrank();
    }

    function test_aStoppedWindDownStartsAfresh() public {
        vm.startPrank(bob);
        escrow.setWindDown(true);
        _skip(5);
        escrow.setWindDown(false);
        _skip(LOCK);
        vm.expectRevert(
            abi.encodeWithSelector(IStakingEscrow.EscrowNothingToWithdraw.selector, bob, 0, _now())
        );
        escrow.withdraw(bob);
        escrow.setWindDown(true);
        assertEq(escrow.position(bob).unlockPeriod, _now() + 1 + LOCK);
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- unbond

    function testFuzz_unbondMovesTokensToTheTranche(uint96 amount) public {
        amount = uint96(bound(amount, 1, STAKE - MIN_LOCKED));
        vm.expectEmit(address(escrow));
        emit IStakingEscrow.Unbonded(bob, amount, STAKE - amount, amount, start + 1 + LOCK);
        vm.prank(bob);
        escrow.unbond(amount);
        assertEq(escrow.totalLocked(), STAKE - amount);
        assertEq(escrow.totalUnbonding(), amount);

        _goto(start + LOCK);
        vm.prank(bob);
        vm.expectRevert();
        escrow.withdraw(bob);
        _goto(start + LOCK + 1);
        vm.prank(bob);
        assertEq(escrow.withdraw(bob), amount);
        assertEq(escrow.position(bob).locked, STAKE - amount);
        assertEq(escrow.position(bob).releasePeriod, 0);
        assertEq(escrow.totalUnbonding(), 0);
    }

    function test_unbondRefuses() public {
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowNoPosition.selector, alice));
        escrow.unbond(1);
        vm.startPrank(bob);
        vm.expectRevert(IStakingEscrow.EscrowAmountZero.selector);
        escrow.unbond(0);
        vm.expectRevert(
            abi.encodeWithSelector(IStakingEscrow.EscrowInsufficientLocked.selector, STAKE + 1, STAKE)
        );
        escrow.unbond(STAKE + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IStakingEscrow.EscrowBelowMinimum.selector, MIN_LOCKED - 1, MIN_LOCKED)
        );
        escrow.unbond(STAKE - MIN_LOCKED + 1);
        vm.stopPrank();
    }

    function test_aSecondUnbondDelaysTheTranche() public {
        vm.startPrank(bob);
        escrow.unbond(MIN_LOCKED);
        _skip(10);
        escrow.unbond(MIN_LOCKED);
        assertEq(escrow.position(bob).unbonding, 2 * MIN_LOCKED);
        assertEq(escrow.position(bob).releasePeriod, start + 10 + 1 + LOCK);
        vm.stopPrank();
    }

    function test_theTrancheNeverMovesForward() public {
        vm.startPrank(bob);
        escrow.unbond(STAKE);
        assertEq(escrow.position(bob).lockPeriods, 0, "an empty position forgets its lock");
        vm.stopPrank();
        _deposit(bob, MIN_LOCKED, MIN_LOCK);
        vm.prank(bob);
        escrow.unbond(MIN_LOCKED);
        assertEq(escrow.position(bob).releasePeriod, start + 1 + LOCK);
    }

    function test_windDownAndTrancheArePaidTogether() public {
        vm.startPrank(bob);
        escrow.unbond(MIN_LOCKED);
        escrow.setWindDown(true);
        _skip(LOCK + 1);
        assertEq(escrow.withdraw(bob), STAKE);
        vm.expectRevert(
            abi.encodeWithSelector(IStakingEscrow.EscrowNothingToWithdraw.selector, bob, 0, _now())
        );
        escrow.withdraw(bob);
        vm.stopPrank();
        assertEq(token.balanceOf(address(escrow)), 0);
    }

    function test_withdrawRefusesNoRecipient() public {
        vm.prank(bob);
        vm.expectRevert(IStakingEscrow.EscrowRecipientZero.selector);
        escrow.withdraw(address(0));
    }

    function test_withdrawNamesTheEarliestPeriod() public {
        vm.startPrank(bob);
        escrow.setWindDown(true);
        _skip(1);
        escrow.unbond(MIN_LOCKED);
        vm.expectRevert(
            abi.encodeWithSelector(
                IStakingEscrow.EscrowNothingToWithdraw.selector, bob, start + 1 + LOCK, start + 1
            )
        );
        escrow.withdraw(bob);
        _goto(start + LOCK + 1);
        assertEq(escrow.withdraw(bob), STAKE - MIN_LOCKED, "the position alone");
        vm.stopPrank();
    }

    function test_aPositionMayStartAgain() public {
        vm.startPrank(bob);
        escrow.setWindDown(true);
        _skip(LOCK + 1);
        escrow.withdraw(bob);
        vm.stopPrank();
        _deposit(bob, MIN_LOCKED, MIN_LOCK);
        assertEq(escrow.position(bob).lockPeriods, MIN_LOCK);
    }

    // ---------------------------------------------------------------- period edges

    function test_theLockEndsExactlyAtThePeriodEdge() public {
        vm.prank(bob);
        escrow.setWindDown(true);
        uint256 edge = GENESIS + uint256(start + LOCK) * DAY;
        vm.warp(edge - 1);
        vm.prank(bob);
        vm.expectRevert();
        escrow.withdraw(bob);
        vm.warp(edge);
        vm.prank(bob);
        assertEq(escrow.withdraw(bob), STAKE);
    }
}
