// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "./base/KmsTest.sol";
import {IKMSToken} from "../src/interfaces/IKMSToken.sol";
import {IMiningRewards} from "../src/interfaces/IMiningRewards.sol";
import {IPolicyManager} from "../src/interfaces/IPolicyManager.sol";
import {IStakingEscrow} from "../src/interfaces/IStakingEscrow.sol";

/// @notice Adversarial cases that cut across contracts; the others stand beside the function
/// they are about (search for their number).
contract AdversarialTest is KmsTest {
    /// @dev No account but the owner moves principal or changes a lock, the worker least of all.
    function test_theWorkerHasNoPowerOverTheStake() public {
        (address miner, address worker,) = _miner("miner", MIN_LOCKED, 100);
        bytes memory before = abi.encode(escrow.position(miner));
        vm.startPrank(worker);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowNoPosition.selector, worker));
        escrow.setWindDown(true);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowNoPosition.selector, worker));
        escrow.unbond(1);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowNoPosition.selector, worker));
        escrow.extendLock(200);
        vm.expectRevert(
            abi.encodeWithSelector(IStakingEscrow.EscrowNothingToWithdraw.selector, worker, 0, _now())
        );
        escrow.withdraw(worker);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowNoWorker.selector, worker));
        escrow.unbondWorker();
        vm.stopPrank();
        assertEq(abi.encode(escrow.position(miner)), before);
    }

    /// @dev Exits and revocations depend on no other contract but the token.
    function test_exitsAndRevocationsWorkWithEverythingElseBroken() public {
        (address[] memory miners,) = _miners(2, 100);
        IPolicyManager.Terms memory terms = _terms(miners, 30);
        _create(terms);
        vm.prank(miners[0]);
        escrow.setWindDown(true);
        _skip(5);
        vm.etch(address(rewards), hex"fe");
        vm.etch(address(control), hex"fe");
        vm.etch(adjudicator, hex"fe");
        vm.etch(challenges, hex"fe");
        bytes memory escrowCode = address(escrow).code;
        vm.etch(address(escrow), hex"fe");
        vm.prank(alice);
        assertEq(policies.revokePolicy(terms), 2 * 25 * uint256(RATE));

        vm.etch(address(escrow), escrowCode);
        vm.etch(address(policies), hex"fe");
        _skip(100);
        vm.prank(miners[0]);
        assertEq(escrow.withdraw(miners[0]), MIN_LOCKED);
    }

    /// @dev Every privileged function, called by every other power of the deployment. None of them
    /// moves principal, shortens a lock or mints.
    function test_noPowerReachesBeyondItsOwnFunction() public {
        (address miner,,) = _miner("miner", MIN_LOCKED, 100);
        address[8] memory powers = [
            address(token),
            address(policies),
            address(timelock),
            address(control),
            guardian,
            proposer,
            challenges,
            adjudicator
        ];
        bytes[5] memory calls = [
            abi.encodeCall(escrow.creditRestake, (miner, 1)),
            abi.encodeCall(escrow.deposit, (MIN_LOCKED, MIN_LOCK)),
            abi.encodeCall(escrow.withdraw, (miner)),
            abi.encodeCall(escrow.unbond, (1)),
            abi.encodeCall(escrow.setWindDown, (true))
        ];
        bytes memory before = abi.encode(escrow.position(miner));
        for (uint256 i = 0; i < powers.length; ++i) {
            for (uint256 k = 0; k < calls.length; ++k) {
                vm.prank(powers[i]);
                (bool done,) = address(escrow).call(calls[k]);
                assertFalse(done);
            }
            vm.startPrank(powers[i]);
            vm.expectRevert(abi.encodeWithSelector(IKMSToken.KMSTokenNotMinter.selector, powers[i]));
            token.mint(powers[i], 1);
            vm.expectRevert(
                abi.encodeWithSelector(IMiningRewards.RewardsNotMinerOrWorker.selector, powers[i])
            );
            rewards.claim(miner);
            vm.stopPrank();
        }
        assertEq(abi.encode(escrow.position(miner)), before);
        assertEq(token.totalSupply(), INITIAL);
    }

    /// @dev Payouts go to the miner of the record, whoever the worker is now.
    function test_aDismissedWorkerClaimsNothing() public {
        (address miner, address worker,) = _miner("miner", MIN_LOCKED, 100);
        _confirm(worker, _now() + 2);
        _skip(4);
        vm.prank(miner);
        escrow.unbondWorker();
        vm.prank(worker);
        vm.expectRevert(abi.encodeWithSelector(IMiningRewards.RewardsNotMinerOrWorker.selector, worker));
        rewards.claim(miner);
        vm.prank(worker);
        vm.expectRevert(abi.encodeWithSelector(IMiningRewards.RewardsNotWorker.selector, worker));
        rewards.confirmActivity(20);
    }

    /// @dev More unbonds than stake, in any order, never below zero, and the exit stays open.
    function testFuzz_unbondsInAnyOrderLeaveTheExitOpen(uint96[8] memory amounts) public {
        _deposit(bob, 20 * MIN_LOCKED, 50);
        for (uint256 i = 0; i < 8; ++i) {
            vm.prank(bob);
            try escrow.unbond(amounts[i] % (8 * MIN_LOCKED)) {} catch {}
            _skip(1);
        }
        if (escrow.position(bob).locked > 0) {
            vm.prank(bob);
            escrow.setWindDown(true);
        }
        _skip(51);
        vm.prank(bob);
        assertEq(escrow.withdraw(bob), 20 * MIN_LOCKED);
        assertEq(token.balanceOf(bob), 20 * MIN_LOCKED);
    }

    /// @dev The greatest amounts there can be pass through every formula.
    function test_theWholeSupplyInOnePosition() public {
        _fund(bob, token.balanceOf(treasury));
        bytes memory data = abi.encodeCall(escrow.deposit, (uint96(INITIAL), MAX_LOCK));
        vm.prank(bob);
        token.transferAndCall(address(escrow), INITIAL, data);
        address worker = makeAddr("the worker of all");
        _bond(bob, worker);
        _confirm(worker, _now() + LEASE);
        _skip(10);
        vm.prank(bob);
        assertGt(rewards.claim(bob), 0);
        assertEq(token.totalSupply() + rewards.reserve() + rewards.pool(), CAP);
    }
}
