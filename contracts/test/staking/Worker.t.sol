// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "../base/KmsTest.sol";
import {Misshapen} from "../base/Misshapen.sol";
import {StakingEscrow} from "../../src/StakingEscrow.sol";
import {IMiningRewards} from "../../src/interfaces/IMiningRewards.sol";
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
        _bond(bob, worker);
        assertEq(escrow.workerOf(bob), worker);
        assertEq(escrow.minerOf(worker), bob);
        assertEq(escrow.lastSeq(), 1);
    }

    function test_refusesAWorkerWithoutAPosition() public {
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowNoPosition.selector, alice));
        _bond(alice, worker);
    }

    function test_refusesAWorkerOfAnother() public {
        _deposit(alice, MIN_LOCKED, 100);
        _bond(bob, worker);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowWorkerTaken.selector, worker, bob));
        _bond(alice, worker);
    }

    function test_refusesMinersAndItself() public {
        _deposit(alice, MIN_LOCKED, 100);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowWorkerInvalid.selector, alice));
        _bond(bob, alice);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowWorkerInvalid.selector, bob));
        _bond(bob, bob);
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowNoWorker.selector, bob));
        escrow.unbondWorker();
        // Tokens that are only unbonding make a miner too.
        vm.prank(alice);
        escrow.unbond(MIN_LOCKED);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowWorkerInvalid.selector, alice));
        _bond(bob, alice);
    }

    function test_aWorkerIsKeptForTheCooldown() public {
        _bond(bob, worker);
        uint32 start = _now();
        _goto(start + COOLDOWN - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IStakingEscrow.EscrowWorkerTooSoon.selector, start + COOLDOWN, start + COOLDOWN - 1
            )
        );
        _bond(bob, other);
        _goto(start + COOLDOWN);
        _bond(bob, other);
        assertEq(escrow.minerOf(worker), address(0));
        assertEq(escrow.minerOf(other), bob);
    }

    function test_aStolenWorkerIsDroppedAtOnceButNotReplaced() public {
        _bond(bob, worker);
        vm.expectEmit(address(escrow));
        emit IStakingEscrow.WorkerBonded(2, bob, address(0));
        vm.prank(bob);
        escrow.unbondWorker();
        assertEq(escrow.minerOf(worker), address(0));
        assertEq(escrow.workerOf(bob), address(0));
        vm.expectRevert(
            abi.encodeWithSelector(IStakingEscrow.EscrowWorkerTooSoon.selector, _now() + COOLDOWN, _now())
        );
        _bond(bob, other);
        vm.prank(worker);
        vm.expectRevert();
        rewards.confirmActivity(_now() + 1);
    }

    // ---------------------------------------------------------------- consent

    function _refusesConsent(address miner, address worker_, uint256 deadline, bytes memory consent)
        private
    {
        vm.prank(miner);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowConsentInvalid.selector, worker_, miner));
        escrow.bondWorker(worker_, deadline, consent);
    }

    function test_nobodyBondsAKeyWithoutItsConsent() public {
        uint256 ever = type(uint256).max;
        _deposit(alice, MIN_LOCKED, 100);
        bytes memory toBob = _consent(bob, worker);
        // The consent to bob is none to a stranger that sees it first.
        _refusesConsent(alice, worker, ever, toBob);
        _refusesConsent(bob, other, ever, toBob);
        _refusesConsent(bob, worker, ever - 1, toBob);
        _refusesConsent(bob, worker, ever, "");
        _refusesConsent(bob, address(0), ever, toBob);
        _refusesConsent(bob, address(0), ever, "");
        _refusesConsent(bob, address(token), ever, toBob);
        _refusesConsent(bob, worker, ever, _signConsent(_keyOf[other], worker, bob, ever));
        bytes[] memory bad = Misshapen.variantsOf(toBob);
        for (uint256 i = 0; i < bad.length; ++i) {
            _refusesConsent(bob, worker, ever, bad[i]);
        }
        vm.chainId(31_338);
        _refusesConsent(bob, worker, ever, toBob);
        vm.chainId(31_337);
        vm.prank(bob);
        escrow.bondWorker(worker, ever, toBob);
        assertEq(escrow.minerOf(worker), bob);
    }

    function test_aConsentToAnotherEscrowIsNone() public {
        StakingEscrow first = escrow;
        escrow = StakingEscrow(_create("StakingEscrow", abi.encode(_escrowParams())));
        bytes memory consent = _consent(bob, worker);
        escrow = first;
        _refusesConsent(bob, worker, type(uint256).max, consent);
    }

    function test_aConsentHoldsThroughItsLastSecond() public {
        uint256 deadline = vm.getBlockTimestamp() + 100;
        bytes memory consent = _signConsent(_keyOf[worker], worker, bob, deadline);
        vm.warp(deadline + 1);
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowConsentExpired.selector, deadline));
        escrow.bondWorker(worker, deadline, consent);
        vm.warp(deadline);
        vm.prank(bob);
        escrow.bondWorker(worker, deadline, consent);
        assertEq(escrow.workerOf(bob), worker);
    }

    function test_aWorkerWhoseAccountCarriesCodeActs() public {
        vm.etch(worker, abi.encodePacked(hex"ef0100", address(token)));
        _bond(bob, worker);
        _confirm(worker, _now() + 1);
        rewards.confirmActivityBatch(_oneConfirmation(_now() + 2));
        (uint32 through,) = rewards.leaseOf(bob);
        assertEq(through, _now() + 2);
    }

    function _oneConfirmation(uint32 through)
        private
        view
        returns (IMiningRewards.SignedConfirmation[] memory list)
    {
        list = new IMiningRewards.SignedConfirmation[](1);
        list[0] = _signConfirmation(rewards, _keyOf[worker], bob, through, _now());
    }

    // ---------------------------------------------------------------- record and rate

    function test_ownerAndWorkerRegisterTheNode() public {
        _bond(bob, worker);
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
        _bond(bob, alice);
        _deposit(alice, MIN_LOCKED, 100);
        vm.prank(alice);
        escrow.setMinRate(5);
        assertEq(escrow.minRateOf(alice), 5);
        assertEq(escrow.minRateOf(bob), 0);
    }

    function test_stakeViewsAgreeFromBothSides() public {
        _bond(bob, worker);
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

    /// @dev The view says what the demand requires, and why not.
    function testFuzz_theReasonIsToldInsteadOfARevert(uint96 minRate, uint96 rate, uint32 last, uint96 left)
        public
    {
        last = uint32(bound(last, 1, _now() + 300));
        left = uint96(bound(left, 0, MIN_LOCKED));
        vm.prank(bob);
        escrow.setMinRate(minRate);
        if (left < MIN_LOCKED) _convict(bob, MIN_LOCKED - left, 0, 1);
        IStakingEscrow.Service service = escrow.canServe(bob, rate, last);
        assertEq(service == IStakingEscrow.Service.Able, _canServe(rate, last));
        IStakingEscrow.Service expected = left < MIN_LOCKED
            ? IStakingEscrow.Service.StakeTooSmall
            : last > _now() + 100
                ? IStakingEscrow.Service.LockTooShort
                : rate < minRate ? IStakingEscrow.Service.RateTooLow : IStakingEscrow.Service.Able;
        assertEq(uint8(service), uint8(expected));
        assertEq(uint8(escrow.canServe(other, rate, last)), uint8(IStakingEscrow.Service.StakeTooSmall));
    }

    function test_servesOnlyWithAStake() public {
        vm.prank(bob);
        escrow.unbond(MIN_LOCKED);
        assertFalse(_canServe(0, _now()));
        address[] memory miners = new address[](1);
        miners[0] = bob;
        vm.expectRevert(
            abi.encodeWithSelector(
                IStakingEscrow.EscrowMinerCannotServe.selector,
                bob,
                IStakingEscrow.Service.StakeTooSmall,
                0,
                _now()
            )
        );
        escrow.requireCanServe(miners, 0, _now());
    }

    function test_anEmptyListIsNoProblem() public view {
        escrow.requireCanServe(new address[](0), 0, 0);
        assertEq(escrow.minerInfo(new address[](0)).length, 0);
    }
}
