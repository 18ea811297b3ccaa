// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "../base/KmsTest.sol";
import {EscrowState} from "../../src/EscrowState.sol";
import {StakingEscrow} from "../../src/StakingEscrow.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {IStakingEscrow} from "../../src/interfaces/IStakingEscrow.sol";

contract DepositTest is KmsTest {
    function _expect(bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(bob);
    }

    function setUp() public override {
        super.setUp();
        _fund(bob, 100 * MIN_LOCKED);
        vm.prank(bob);
        token.approve(address(escrow), type(uint256).max);
    }

    function testFuzz_locksTheTokens(uint96 amount, uint32 lockPeriods) public {
        amount = uint96(bound(amount, MIN_LOCKED, 100 * MIN_LOCKED));
        lockPeriods = uint32(bound(lockPeriods, MIN_LOCK, MAX_LOCK));
        vm.expectEmit(address(escrow));
        emit IStakingEscrow.Deposited(bob, bob, amount, amount, lockPeriods);
        vm.prank(bob);
        escrow.deposit(amount, lockPeriods);

        IStakingEscrow.Position memory position = escrow.position(bob);
        assertEq(position.locked, amount);
        assertEq(position.lockPeriods, lockPeriods);
        assertEq(position.unlockPeriod, 0);
        assertEq(position.unbonding, 0);
        assertEq(escrow.totalLocked(), amount);
        assertEq(token.balanceOf(address(escrow)), amount);
    }

    function test_refusesNothing() public {
        _expect(abi.encodeWithSelector(IStakingEscrow.EscrowAmountZero.selector));
        escrow.deposit(0, MIN_LOCK);
    }

    function test_refusesLessThanTheMinimumInUnits() public {
        // January 2018: no minimum; April 2018: a minimum without decimals. One unit less is too little.
        _expect(
            abi.encodeWithSelector(IStakingEscrow.EscrowBelowMinimum.selector, MIN_LOCKED - 1, MIN_LOCKED)
        );
        escrow.deposit(MIN_LOCKED - 1, MIN_LOCK);
    }

    function test_refusesAShortLock() public {
        _expect(abi.encodeWithSelector(IStakingEscrow.EscrowLockTooShort.selector, MIN_LOCK - 1, MIN_LOCK));
        escrow.deposit(MIN_LOCKED, MIN_LOCK - 1);
    }

    function test_refusesALongLock() public {
        _expect(abi.encodeWithSelector(IStakingEscrow.EscrowLockTooLong.selector, MAX_LOCK + 1, MAX_LOCK));
        escrow.deposit(MIN_LOCKED, MAX_LOCK + 1);
    }

    function test_aLaterDepositMayBeSmallButNotShorten() public {
        vm.startPrank(bob);
        escrow.deposit(MIN_LOCKED, 100);
        escrow.deposit(1, 100);
        escrow.deposit(1, 101);
        assertEq(escrow.position(bob).locked, MIN_LOCKED + 2);
        assertEq(escrow.position(bob).lockPeriods, 101);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowLockTooShort.selector, 100, 101));
        escrow.deposit(1, 100);
        vm.stopPrank();
    }

    function test_aLaterDepositStopsAWindDown() public {
        vm.startPrank(bob);
        escrow.deposit(MIN_LOCKED, 100);
        escrow.setWindDown(true);
        vm.expectEmit(address(escrow));
        emit IStakingEscrow.WindDownSet(bob, 0);
        escrow.deposit(1, 100);
        assertEq(escrow.position(bob).unlockPeriod, 0);
        vm.stopPrank();
    }

    function test_refusesWithoutAllowanceAndChangesNothing() public {
        _fund(alice, MIN_LOCKED);
        vm.prank(alice);
        vm.expectRevert();
        escrow.deposit(MIN_LOCKED, MIN_LOCK);
        assertEq(escrow.totalLocked(), 0);
    }

    function test_noAllowanceIsLeftAfterAPermit() public {
        (address owner, uint256 key) = makeAddrAndKey("owner");
        _fund(owner, MIN_LOCKED);
        (uint8 v, bytes32 r, bytes32 s) =
            _signPermit(key, owner, address(escrow), MIN_LOCKED, block.timestamp);
        vm.prank(owner);
        escrow.depositWithPermit(MIN_LOCKED, MIN_LOCK, block.timestamp, v, r, s);
        assertEq(escrow.position(owner).locked, MIN_LOCKED);
        assertEq(token.allowance(owner, address(escrow)), 0);
    }

    function test_aPermitSubmittedByAnotherFirstDoesNoHarm() public {
        (address owner, uint256 key) = makeAddrAndKey("owner");
        _fund(owner, MIN_LOCKED);
        (uint8 v, bytes32 r, bytes32 s) =
            _signPermit(key, owner, address(escrow), MIN_LOCKED, block.timestamp);
        vm.prank(bob);
        token.permit(owner, address(escrow), MIN_LOCKED, block.timestamp, v, r, s);
        vm.prank(owner);
        escrow.depositWithPermit(MIN_LOCKED, MIN_LOCK, block.timestamp, v, r, s);
        assertEq(escrow.position(owner).locked, MIN_LOCKED);
    }

    function test_aBadPermitWithoutAllowanceReverts() public {
        _fund(alice, MIN_LOCKED);
        vm.prank(alice);
        vm.expectRevert();
        escrow.depositWithPermit(MIN_LOCKED, MIN_LOCK, block.timestamp, 27, bytes32(0), bytes32(0));
    }

    function test_transferAndCallDeposits() public {
        vm.expectEmit(address(escrow));
        emit IStakingEscrow.Deposited(bob, bob, MIN_LOCKED, MIN_LOCKED, 77);
        vm.prank(bob);
        token.transferAndCall(address(escrow), MIN_LOCKED, abi.encodeCall(escrow.deposit, (MIN_LOCKED, 77)));
        assertEq(escrow.position(bob).locked, MIN_LOCKED);
        assertEq(escrow.position(bob).lockPeriods, 77);
    }

    /// @dev A payment whose data begins with the offset of a struct was once a lock of 32 periods.
    function test_aPaymentThatIsNoDepositLocksNothing() public {
        _fund(alice, 2 * MIN_LOCKED);
        IPolicyManager.Terms memory terms = _terms(_list(bob), 3);
        bytes memory deposit = abi.encodeCall(escrow.deposit, (MIN_LOCKED, 77));
        bytes[9] memory data = [
            abi.encode(terms, ""),
            abi.encode(terms),
            abi.encode(uint32(77)),
            abi.encodeCall(policies.createPolicy, (terms, "")),
            abi.encodeCall(escrow.extendLock, (77)),
            abi.encodeCall(escrow.deposit, (MIN_LOCKED - 1, 77)),
            abi.encodeCall(escrow.deposit, (MIN_LOCKED + 1, 77)),
            bytes.concat(deposit, hex"00"),
            hex"00"
        ];
        vm.startPrank(alice);
        for (uint256 i = 0; i < data.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IStakingEscrow.EscrowNoDeposit.selector, alice, MIN_LOCKED)
            );
            token.transferAndCall(address(escrow), MIN_LOCKED, data[i]);
        }
        assertEq(escrow.position(alice).locked, 0);
        token.transferAndCall(address(escrow), MIN_LOCKED, deposit);
        vm.stopPrank();
        assertEq(escrow.position(alice).lockPeriods, 77);
    }

    function test_transferAndCallWithoutALockReverts() public {
        vm.prank(bob);
        vm.expectRevert();
        token.transferAndCall(address(escrow), MIN_LOCKED);
        assertEq(token.balanceOf(address(escrow)), 0);
    }

    function test_refusesAnOperatorWhoLocksTheTokensOfAnother() public {
        vm.prank(bob);
        token.approve(alice, MIN_LOCKED);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowOperatorNotOwner.selector, alice, bob));
        token.transferFromAndCall(bob, address(escrow), MIN_LOCKED, abi.encode(MAX_LOCK));
    }

    function testFuzz_onlyTheTokenReportsATransfer(address caller) public {
        vm.assume(caller != address(token));
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowNotToken.selector, caller));
        escrow.onTransferReceived(bob, bob, MIN_LOCKED, abi.encode(MIN_LOCK));
    }

    function test_refusesAnAmountAbove96Bits() public {
        uint256 amount = uint256(type(uint96).max) + 1 + MIN_LOCKED;
        vm.prank(address(token));
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowNoDeposit.selector, bob, amount));
        escrow.onTransferReceived(bob, bob, amount, abi.encodeCall(escrow.deposit, (MIN_LOCKED, MIN_LOCK)));
    }

    function test_extendLockLengthensAndStopsAWindDown() public {
        vm.startPrank(bob);
        escrow.deposit(MIN_LOCKED, 100);
        escrow.setWindDown(true);
        escrow.extendLock(101);
        vm.stopPrank();
        assertEq(escrow.position(bob).lockPeriods, 101);
        assertEq(escrow.position(bob).unlockPeriod, 0);
    }

    function test_extendLockRefuses() public {
        vm.startPrank(bob);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowNoPosition.selector, bob));
        escrow.extendLock(100);
        escrow.deposit(MIN_LOCKED, 100);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowLockTooShort.selector, 100, 101));
        escrow.extendLock(100);
        vm.expectRevert(
            abi.encodeWithSelector(IStakingEscrow.EscrowLockTooLong.selector, MAX_LOCK + 1, MAX_LOCK)
        );
        escrow.extendLock(MAX_LOCK + 1);
        vm.stopPrank();
    }

    function test_refusesSenselessParameters() public {
        EscrowState.Params memory params = _escrowParams();
        params.minLocked = 0;
        vm.expectRevert(IStakingEscrow.EscrowAmountZero.selector);
        _create("StakingEscrow", abi.encode(params));
        params = _escrowParams();
        params.minLockPeriods = 0;
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowLockTooShort.selector, 0, 1));
        _create("StakingEscrow", abi.encode(params));
        params = _escrowParams();
        params.minLockPeriods = MAX_LOCK + 1;
        vm.expectRevert(
            abi.encodeWithSelector(IStakingEscrow.EscrowLockTooLong.selector, MAX_LOCK + 1, MAX_LOCK)
        );
        _create("StakingEscrow", abi.encode(params));
        params = _escrowParams();
        params.maxLockPeriods = 2 ** 24;
        vm.expectRevert(
            abi.encodeWithSelector(IStakingEscrow.EscrowLockTooLong.selector, 2 ** 24, 2 ** 24 - 1)
        );
        _create("StakingEscrow", abi.encode(params));
        params.maxLockPeriods = 2 ** 24 - 1;
        _create("StakingEscrow", abi.encode(params));
        for (uint256 i = 0; i < 3; ++i) {
            params = _escrowParams();
            if (i == 0) params.rewards = address(0);
            else if (i == 1) params.adjudicator = address(0);
            else params.control = address(0);
            vm.expectRevert(IStakingEscrow.EscrowAddressZero.selector);
            _create("StakingEscrow", abi.encode(params));
        }
    }

    function test_showsItsParameters() public view {
        assertEq(escrow.rewards(), address(rewards));
        assertEq(escrow.adjudicator(), adjudicator);
        assertEq(escrow.control(), address(control));
        assertEq(escrow.token(), address(token));
        assertEq(escrow.minLocked(), MIN_LOCKED);
        assertEq(escrow.minLockPeriods(), MIN_LOCK);
        assertEq(escrow.maxLockPeriods(), MAX_LOCK);
        assertEq(escrow.workerCooldown(), COOLDOWN);
    }

    function test_aDonationChangesNoPosition() public {
        vm.startPrank(bob);
        escrow.deposit(MIN_LOCKED, 100);
        token.transfer(address(escrow), 5 * MIN_LOCKED);
        vm.stopPrank();
        vm.deal(address(escrow), 1 ether);
        assertEq(escrow.position(bob).locked, MIN_LOCKED);
        assertEq(escrow.totalLocked(), MIN_LOCKED);
    }
}
