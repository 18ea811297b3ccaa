// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "../base/KmsTest.sol";
import {IStakingEscrow} from "../../src/interfaces/IStakingEscrow.sol";
import {StakeWord} from "../../src/libraries/StakeWord.sol";

contract WorkerTest is KmsTest {
    address private worker = makeAddr("worker");
    address private other = makeAddr("other worker");

    function setUp() public override {
        super.setUp();
        _deposit(bob, MIN_LOCKED, 100);
    }

    // ---------------------------------------------------------------- bonding

    function test_bondsAndNumbersTheEvent() public {
        vm.expectEmit(address(escrow));
        emit IStakingEscrow.WorkerBonded(1, bob, worker);
        vm.prank(bob);
        escrow.bondWorker(worker);
        assertEq(escrow.workerOf(bob), worker);
        assertEq(escrow.minerOf(worker), bob);
        assertEq(escrow.lastSeq(), 1);
    }

    function test_refusesAWorkerWithoutAPosition() public {
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowNoPosition.selector, alice));
        escrow.bondWorker(worker);
    }

    function test_refusesAWorkerOfAnother() public {
        _deposit(alice, MIN_LOCKED, 100);
        vm.prank(bob);
        escrow.bondWorker(worker);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowWorkerTaken.selector, worker, bob));
        escrow.bondWorker(worker);
    }

    function test_refusesMinersContractsAndItself() public {
        _deposit(alice, MIN_LOCKED, 100);
        vm.startPrank(bob);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowWorkerInvalid.selector, alice));
        escrow.bondWorker(alice);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowWorkerInvalid.selector, bob));
        escrow.bondWorker(bob);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowWorkerInvalid.selector, address(token)));
        escrow.bondWorker(address(token));
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowWorkerInvalid.selector, address(0)));
        escrow.bondWorker(address(0));
        vm.stopPrank();
        // Tokens that are only unbonding make a miner too.
        vm.prank(alice);
        escrow.unbond(MIN_LOCKED);
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowWorkerInvalid.selector, alice));
        escrow.bondWorker(alice);
    }

    function test_aWorkerIsKeptForTheCooldown() public {
        vm.startPrank(bob);
        escrow.bondWorker(worker);
        uint32 start = _now();
        _goto(start + COOLDOWN - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IStakingEscrow.EscrowWorkerTooSoon.selector, start + COOLDOWN, start + COOLDOWN - 1
            )
        );
        escrow.bondWorker(other);
        _goto(start + COOLDOWN);
        escrow.bondWorker(other);
        assertEq(escrow.minerOf(worker), address(0));
        assertEq(escrow.minerOf(other), bob);
        vm.stopPrank();
    }

    function test_aStolenWorkerIsDroppedAtOnceButNotReplaced() public {
        vm.startPrank(bob);
        escrow.bondWorker(worker);
        vm.expectEmit(address(escrow));
        emit IStakingEscrow.WorkerBonded(2, bob, address(0));
        escrow.bondWorker(address(0));
        assertEq(escrow.minerOf(worker), address(0));
        assertEq(escrow.workerOf(bob), address(0));
        vm.expectRevert(
            abi.encodeWithSelector(IStakingEscrow.EscrowWorkerTooSoon.selector, _now() + COOLDOWN, _now())
        );
        escrow.bondWorker(other);
        vm.stopPrank();
        vm.prank(worker);
        vm.expectRevert();
        rewards.confirmActivity(_now() + 1);
    }

    // ---------------------------------------------------------------- record and rate

    function test_ownerAndWorkerRegisterTheNode() public {
        vm.prank(bob);
        escrow.bondWorker(worker);
        vm.expectEmit(address(escrow));
        emit IStakingEscrow.NodeRegistered(2, bob, "https://a.example");
        vm.prank(bob);
        escrow.registerNode("https://a.example");
        vm.expectEmit(address(escrow));
        emit IStakingEscrow.NodeRegistered(3, bob, "https://b.example");
        vm.prank(worker);
        escrow.registerNode("https://b.example");
        address[] memory miners = new address[](2);
        miners[0] = bob;
        miners[1] = alice;
        IStakingEscrow.MinerInfo[] memory infos = escrow.minerInfo(miners);
        assertEq(infos[0].miner, bob);
        assertEq(infos[0].worker, worker);
        assertEq(infos[0].url, "https://b.example");
        assertEq(infos[0].position.locked, MIN_LOCKED);
        assertEq(infos[1].miner, alice);
        assertEq(infos[1].url, "");
    }

    function test_refusesBadRecords() public {
        vm.startPrank(bob);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowUrlInvalid.selector, 0));
        escrow.registerNode("");
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowUrlInvalid.selector, 257));
        escrow.registerNode(string(new bytes(257)));
        vm.stopPrank();
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowNotMinerOrWorker.selector, alice));
        escrow.registerNode("u");
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowNotMinerOrWorker.selector, alice));
        escrow.setMinRate(1);
        vm.stopPrank();
    }

    function test_postsTheLeastRate() public {
        vm.expectEmit(address(escrow));
        emit IStakingEscrow.MinRatePosted(1, bob, 9);
        vm.prank(bob);
        escrow.setMinRate(9);
        assertEq(escrow.minRateOf(bob), 9);
    }

    function test_aMinerBondedByAStrangerStillSpeaksForItself() public {
        // Bob's position names alice as worker before alice deposits.
        vm.prank(bob);
        escrow.bondWorker(alice);
        _deposit(alice, MIN_LOCKED, 100);
        vm.prank(alice);
        escrow.setMinRate(5);
        assertEq(escrow.minRateOf(alice), 5);
        assertEq(escrow.minRateOf(bob), 0);
    }

    function test_stakeViewsAgreeFromBothSides() public {
        vm.prank(bob);
        escrow.bondWorker(worker);
        (address miner, StakeWord stake) = escrow.minerAndStakeOf(worker);
        assertEq(miner, bob);
        assertEq(stake.locked(), MIN_LOCKED);
        assertEq(stake.lockPeriods(), 100);
        assertEq(stake.unlockPeriod(), 0);
        (address bonded, StakeWord same) = escrow.workerAndStakeOf(bob);
        assertEq(bonded, worker);
        assertEq(StakeWord.unwrap(same), StakeWord.unwrap(stake));
        (miner, stake) = escrow.minerAndStakeOf(other);
        assertEq(miner, address(0));
        assertEq(StakeWord.unwrap(stake), 0);
        vm.prank(bob);
        escrow.setWindDown(true);
        (, stake) = escrow.minerAndStakeOf(worker);
        assertEq(stake.unlockPeriod(), _now() + 101);
        assertEq(stake.locked(), MIN_LOCKED);
    }

    // ---------------------------------------------------------------- requireCanServe

    function _canServe(uint96 rate, uint32 last) private view returns (bool) {
        address[] memory miners = new address[](1);
        miners[0] = bob;
        try escrow.requireCanServe(miners, rate, last) {
            return true;
        } catch {
            return false;
        }
    }

    function test_servesOnlyWhileItCannotUnlock() public {
        uint32 start = _now();
        assertTrue(_canServe(0, start + 100 - EVIDENCE));
        assertFalse(_canServe(0, start + 101 - EVIDENCE), "an unbond now would be free in start + 101");
        vm.prank(bob);
        escrow.setWindDown(true);
        _skip(50);
        assertTrue(_canServe(0, start + 100 - EVIDENCE));
        assertFalse(_canServe(0, start + 101 - EVIDENCE));
    }

    function test_servesOnlyAtItsOwnRateOrMore() public {
        vm.prank(bob);
        escrow.setMinRate(7);
        assertFalse(_canServe(6, _now()));
        assertTrue(_canServe(7, _now()));
    }

    function test_servesOnlyWithAStake() public {
        vm.prank(bob);
        escrow.unbond(MIN_LOCKED);
        assertFalse(_canServe(0, _now()));
        address[] memory miners = new address[](1);
        miners[0] = bob;
        vm.expectRevert(
            abi.encodeWithSelector(IStakingEscrow.EscrowMinerCannotServe.selector, bob, 0, _now())
        );
        escrow.requireCanServe(miners, 0, _now());
    }

    function test_anEmptyListIsNoProblem() public view {
        escrow.requireCanServe(new address[](0), 0, 0);
        assertEq(escrow.minerInfo(new address[](0)).length, 0);
    }
}
