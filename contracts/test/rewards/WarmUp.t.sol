// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "../base/KmsTest.sol";

/// @notice The warm-up: below its threshold a period emits the part locked / threshold, and the rest stays in
/// the reserve; from the threshold on the formula is the bare one. The threshold is the main network's.
contract WarmUpTest is KmsTest {
    uint96 private constant THRESHOLD = 100_000_000 ether;

    function setUp() public override {
        warmUp = THRESHOLD;
        super.setUp();
    }

    function _lone(uint96 amount) private returns (address miner) {
        address worker;
        (miner, worker,) = _miner("lone", amount, 100);
        _confirm(worker, _now() + 7);
        _skip(8);
    }

    /// @dev 19.1 M KMS without a warm-up, 1.9 % of the supply. Here less than a fifth of the stake.
    function test_oneMinimumStakeAloneDoesNotEmptyTheReserve() public {
        uint256 before = rewards.reserve();
        uint256 earned = rewards.claimable(_lone(MIN_LOCKED));
        assertLt(earned, 2_880 ether);
        assertGt(earned, 2_879 ether);
        assertLt(earned * 300_000, INITIAL, "a 300,000th of the supply");
        assertEq(rewards.reserve(), before - rewards.pool(), "the rest stays");
        assertEq(token.totalSupply() + rewards.reserve() + rewards.pool(), CAP);
    }

    function test_theSameStakeWithoutAWarmUpEmptiesIt() public {
        vm.warp(GENESIS);
        warmUp = 0;
        _deploy(LEASE, false);
        _goto(10);
        assertGt(rewards.claimable(_lone(MIN_LOCKED)), 19_100_000 ether);
    }

    /// @dev At the threshold, and above it, what a period emits is the seed's to the last unit.
    function testFuzz_fromTheThresholdOnTheFormulaIsUnchanged(uint96 more) public {
        more = uint96(bound(more, 0, INITIAL - THRESHOLD));
        (address miner, address worker,) = _miner("miner", THRESHOLD + more, 100);
        _confirm(worker, _now() + 1);
        uint256 reserve = rewards.reserve();
        _skip(2);
        uint256 index = (((reserve * rewards.decay()) >> 64) << 96) / (THRESHOLD + more);
        assertEq(rewards.claimable(miner), ((THRESHOLD + more) * index) >> 96);
        assertEq(reserve - rewards.reserve(), ((THRESHOLD + more) * index + 2 ** 96 - 1) >> 96);
    }

    /// @dev Below it a token earns what it would among all tokens of the threshold, whoever else is there.
    function testFuzz_belowTheThresholdATokenEarnsTheSame(uint96 amount, uint96 other) public {
        amount = uint96(bound(amount, MIN_LOCKED, THRESHOLD / 2));
        other = uint96(bound(other, MIN_LOCKED, THRESHOLD / 2));
        uint256 index = (((rewards.reserve() * rewards.decay()) >> 64) << 96) / THRESHOLD;
        (address a, address workerA,) = _miner("a", amount, 100);
        (address b, address workerB,) = _miner("b", other, 100);
        _confirm(workerA, _now() + 1);
        _confirm(workerB, _now() + 1);
        _skip(2);
        assertEq(rewards.claimable(a), (amount * index) >> 96);
        assertEq(rewards.claimable(b), (other * index) >> 96);
    }

    /// @dev One token below the threshold emits less, by that token's part.
    function test_oneTokenBelowTheThreshold() public {
        uint256 whole = (rewards.reserve() * rewards.decay()) >> 64;
        uint256 emitted = rewards.reserve();
        (, address worker,) = _miner("miner", THRESHOLD - 1 ether, 100);
        _confirm(worker, _now() + 1);
        _skip(2);
        emitted -= rewards.reserve();
        uint256 exact = whole * (THRESHOLD - 1 ether) / THRESHOLD;
        assertLt(exact, whole);
        assertGe(emitted, exact);
        assertLe(emitted, exact + 1);
    }

    /// @dev What was not emitted is not owed later: no claim grows when others come.
    function test_whatStaysInTheReserveIsNobodysArrears() public {
        address miner = _lone(MIN_LOCKED);
        uint256 due = rewards.claimable(miner);
        (, address worker,) = _miner("whale", 2 * THRESHOLD, 100);
        _confirm(worker, _now() + 7);
        _skip(8);
        assertEq(rewards.claimable(miner), due);
    }

    /// @dev To leave and come back, or to split a stake, gains nothing below the threshold.
    function test_splittingGainsNothingInTheWarmUp() public {
        (address whole, address wholeWorker,) = _miner("whole", 10 * MIN_LOCKED, 100);
        _confirm(wholeWorker, _now() + 1);
        uint256 parts = 0;
        address[10] memory miners;
        for (uint256 i = 0; i < 10; ++i) {
            address worker;
            (miners[i], worker,) = _miner(string.concat("part", vm.toString(i)), MIN_LOCKED, 100);
            _confirm(worker, _now() + 1);
        }
        _skip(2);
        for (uint256 i = 0; i < 10; ++i) {
            parts += rewards.claimable(miners[i]);
        }
        assertLe(parts, rewards.claimable(whole));
    }
}
