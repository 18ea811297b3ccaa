// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "../base/KmsTest.sol";
import {IStakingEscrow} from "../../src/interfaces/IStakingEscrow.sol";

/// @notice Former workers, the list of registered miners, rates per miner, and several calls in one.
contract RegistryTest is KmsTest {
    address private worker = makeAddr("worker");
    address private other = makeAddr("other worker");

    function setUp() public override {
        super.setUp();
        _deposit(bob, MIN_LOCKED, 100);
        _deposit(alice, MIN_LOCKED, 100);
        _bond(bob, worker);
    }

    // ---------------------------------------------------------------- former workers

    function test_aFormerWorkerBindsItsMinerUnderWhatHadBegun() public {
        assertEq(escrow.minerOfSigner(worker, type(uint32).max), bob);
        _skip(3);
        uint32 end = _now();
        vm.prank(bob);
        escrow.unbondWorker();
        assertEq(escrow.minerOf(worker), address(0));
        for (uint256 i = 0; i < 2; ++i) {
            assertEq(escrow.minerOfSigner(worker, 1), bob);
            assertEq(escrow.minerOfSigner(worker, end), bob, "what begins today had perhaps begun");
            assertEq(escrow.minerOfSigner(worker, end + 1), address(0));
            assertEq(escrow.minerOfSigner(worker, type(uint32).max), address(0));
            // The next worker changes nothing of it, nor does the time through its last period.
            _skip(EVIDENCE);
            if (i == 0) _bond(bob, other);
        }
        assertEq(escrow.minerOfSigner(worker, 1), address(0), "it is over");
        assertEq(escrow.minerOfSigner(other, type(uint32).max), bob);
        assertEq(escrow.minerOf(other), bob);
    }

    /// @dev So that no bonding begins the liability of a key anew that somebody else may hold.
    function test_aKeyIsBondedOnce() public {
        uint32 end = _now();
        vm.prank(bob);
        escrow.unbondWorker();
        _skip(COOLDOWN);
        bytes memory taken = abi.encodeWithSelector(IStakingEscrow.EscrowWorkerTaken.selector, worker, bob);
        vm.expectRevert(taken);
        _bond(bob, worker);
        _bond(bob, other);
        _skip(COOLDOWN);
        vm.expectRevert(taken);
        _bond(bob, worker);
        assertEq(escrow.minerOfSigner(worker, end + 1), address(0));
    }

    function test_nobodySignsForAStranger() public view {
        assertEq(escrow.minerOfSigner(other, 1), address(0));
        assertEq(escrow.minerOfSigner(bob, 1), address(0), "the owner is not its own worker");
        assertEq(escrow.minerOfSigner(address(0), 1), address(0));
    }

    function test_refusesTheFormerWorkerOfAnother() public {
        vm.prank(bob);
        escrow.unbondWorker();
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowWorkerTaken.selector, worker, bob));
        _bond(alice, worker);
    }

    function test_refusesTheFormerWorkerOfAMinerThatLeft() public {
        vm.prank(bob);
        escrow.setWindDown(true);
        _skip(101);
        vm.prank(bob);
        escrow.withdraw(bob);
        vm.prank(bob);
        escrow.unbondWorker();
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowWorkerTaken.selector, worker, bob));
        _bond(alice, worker);
    }

    function test_refusesThePresentWorkerOnceMore() public {
        _skip(COOLDOWN);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowWorkerTaken.selector, worker, bob));
        _bond(bob, worker);
    }

    function test_aFormerWorkerHasNoPowerLeft() public {
        vm.prank(bob);
        escrow.unbondWorker();
        vm.startPrank(worker);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowNotMinerOrWorker.selector, worker));
        escrow.setMinRate(1);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowNotMinerOrWorker.selector, worker));
        escrow.registerNode("u");
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- registered miners

    function test_pagesOfAnEmptyList() public view {
        assertEq(escrow.registeredCount(), 0);
        assertEq(escrow.registeredMiners(0, 10).length, 0);
        assertEq(escrow.registeredMiners(type(uint256).max, type(uint256).max).length, 0);
    }

    function test_pagesOfOneAndTwo() public {
        vm.prank(bob);
        escrow.registerNode("https://bob.example");
        assertEq(escrow.registeredMiners(0, 0).length, 0);
        assertEq(escrow.registeredMiners(1, 1).length, 0);
        vm.prank(alice);
        escrow.registerNode("https://alice.example");
        IStakingEscrow.MinerInfo[] memory page = escrow.registeredMiners(0, type(uint256).max);
        assertEq(page.length, 2);
        assertEq(page[0].miner, bob);
        assertEq(page[0].worker, worker);
        assertEq(page[1].miner, alice);
        page = escrow.registeredMiners(1, 5);
        assertEq(page.length, 1);
        assertEq(page[0].url, "https://alice.example");
        assertEq(page[0].position.locked, MIN_LOCKED);
    }

    function test_aMinerIsListedOnce() public {
        vm.prank(bob);
        escrow.registerNode("https://a.example");
        vm.prank(worker);
        escrow.registerNode("https://b.example");
        assertEq(escrow.registeredCount(), 1);
        assertEq(escrow.registeredMiners(0, 9)[0].url, "https://b.example");
    }

    function test_aRefusedRecordIsNotListed() public {
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowUrlInvalid.selector, 0));
        escrow.registerNode("");
        vm.prank(other);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowNotMinerOrWorker.selector, other));
        escrow.registerNode("u");
        assertEq(escrow.registeredCount(), 0);
    }

    // ---------------------------------------------------------------- requireCanServeEach

    function _two() private view returns (address[] memory miners, uint96[] memory rates) {
        (miners, rates) = (new address[](2), new uint96[](2));
        (miners[0], miners[1]) = (bob, alice);
        (rates[0], rates[1]) = (5, 5);
    }

    function test_namesTheWorkersOfThoseThatServe() public view {
        (address[] memory miners, uint96[] memory rates) = _two();
        address[] memory workers = escrow.requireCanServeEach(miners, rates, _now() + 100 - EVIDENCE);
        assertEq(workers[0], worker);
        assertEq(workers[1], address(0));
    }

    function test_checksEveryRateForItself() public {
        (address[] memory miners, uint96[] memory rates) = _two();
        vm.prank(alice);
        escrow.setMinRate(6);
        vm.expectRevert(
            abi.encodeWithSelector(
                IStakingEscrow.EscrowMinerCannotServe.selector,
                alice,
                IStakingEscrow.Service.RateTooLow,
                5,
                _now()
            )
        );
        escrow.requireCanServeEach(miners, rates, _now());
        rates[1] = 6;
        escrow.requireCanServeEach(miners, rates, _now());
        rates[1] = type(uint96).max;
        escrow.requireCanServeEach(miners, rates, _now());
    }

    function test_anAgreedRateReplacesNeitherStakeNorLock() public {
        (address[] memory miners, uint96[] memory rates) = _two();
        (rates[0], rates[1]) = (type(uint96).max, type(uint96).max);
        uint32 now_ = _now();
        vm.expectRevert(
            abi.encodeWithSelector(
                IStakingEscrow.EscrowMinerCannotServe.selector,
                bob,
                IStakingEscrow.Service.LockTooShort,
                type(uint96).max,
                now_ + 101 - EVIDENCE
            )
        );
        escrow.requireCanServeEach(miners, rates, now_ + 101 - EVIDENCE);
        vm.prank(alice);
        escrow.unbond(MIN_LOCKED);
        vm.expectRevert(
            abi.encodeWithSelector(
                IStakingEscrow.EscrowMinerCannotServe.selector,
                alice,
                IStakingEscrow.Service.StakeTooSmall,
                type(uint96).max,
                now_
            )
        );
        escrow.requireCanServeEach(miners, rates, now_);
    }

    function test_listsOfDifferentLengthAndOfNone() public {
        (address[] memory miners,) = _two();
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowRatesMismatch.selector, 2, 1));
        escrow.requireCanServeEach(miners, new uint96[](1), 1);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowRatesMismatch.selector, 2, 3));
        escrow.requireCanServeEach(miners, new uint96[](3), 1);
        assertEq(escrow.requireCanServeEach(new address[](0), new uint96[](0), 1).length, 0);
    }

    // ---------------------------------------------------------------- multicall

    function test_severalCallsActForTheirCallerInOneTransaction() public {
        bytes[] memory calls = new bytes[](3);
        calls[0] = abi.encodeCall(escrow.setMinRate, (7));
        calls[1] = abi.encodeCall(escrow.registerNode, ("https://bob.example"));
        calls[2] = abi.encodeCall(escrow.setRestake, (true));
        vm.prank(bob);
        escrow.multicall(calls);
        assertEq(escrow.minRateOf(bob), 7);
        assertTrue(escrow.restakeEnabled(bob));
        assertEq(escrow.lastSeq(), 3);
    }

    function test_severalCallsLendNobodyAPower() public {
        bytes[] memory calls = new bytes[](1);
        calls[0] = abi.encodeCall(escrow.slash, (bob, 1, alice, 0));
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowNotJudge.selector, alice));
        escrow.multicall(calls);
        calls[0] = abi.encodeCall(escrow.onTransferReceived, (bob, bob, MIN_LOCKED, abi.encode(MIN_LOCK)));
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowNotToken.selector, bob));
        escrow.multicall(calls);
    }

    function test_oneRefusedCallUndoesTheOthers() public {
        bytes[] memory calls = new bytes[](2);
        calls[0] = abi.encodeCall(escrow.setMinRate, (7));
        calls[1] = abi.encodeCall(escrow.unbond, (MIN_LOCKED + 1));
        vm.prank(bob);
        vm.expectRevert(
            abi.encodeWithSelector(
                IStakingEscrow.EscrowInsufficientLocked.selector, MIN_LOCKED + 1, MIN_LOCKED
            )
        );
        escrow.multicall(calls);
        assertEq(escrow.minRateOf(bob), 0);
    }

    // ---------------------------------------------------------------- the number of events

    /// @dev With 32 bits, whoever paid for enough events would have stopped every later conviction.
    function test_theEventNumberDoesNotRunOut() public {
        uint256 totals = uint256(vm.load(address(escrow), 0));
        uint256 seq = type(uint32).max;
        vm.store(address(escrow), 0, bytes32(uint256(uint192(totals)) | (seq << 192)));
        assertEq(escrow.lastSeq(), seq);
        uint256 locked = escrow.totalLocked();
        vm.expectEmit(address(escrow));
        emit IStakingEscrow.MinRatePosted(1 << 32, bob, 9);
        vm.prank(bob);
        escrow.setMinRate(9);
        _convict(bob, 1 ether, 0, 1);
        assertEq(escrow.lastSeq(), seq + 2);
        assertEq(escrow.totalLocked(), locked - 1 ether);
    }
}
