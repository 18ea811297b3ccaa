// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "./base/KmsTest.sol";
import {IPolicyManager} from "../src/interfaces/IPolicyManager.sol";

/// @notice Each function that takes a number or asks for the time, with any number, a second before, at and
/// after the edge of a period: it holds exactly when its rule says so.
contract EdgesTest is KmsTest {
    address private miner;
    address private worker;
    address[] private miners;

    function setUp() public override {
        super.setUp();
        (miner, worker,) = _miner("miner", 4 * MIN_LOCKED, 40);
        miners.push(miner);
    }

    /// @dev A second before the begin of `period`, its first second, or the one after.
    function _edge(uint256 period, uint8 which) private {
        vm.warp(GENESIS + (period - 1) * DAY + which % 3 - 1);
    }

    function _do(address who, address target, bytes memory data) private returns (bool done) {
        vm.prank(who);
        (done,) = target.call(data);
    }

    // ---------------------------------------------------------------- stakes

    function testFuzz_depositsAnyAmountForAnyLock(uint96 amount, uint32 lock, uint8 small) public {
        if (small % 2 == 0) lock = uint32(bound(lock, MIN_LOCK - 1, MAX_LOCK + 1));
        if (small % 4 < 2) amount = uint96(bound(amount, MIN_LOCKED - 1, INITIAL / 2));
        _fund(alice, INITIAL / 2);
        vm.prank(alice);
        token.approve(address(escrow), type(uint256).max);
        bool right = amount >= MIN_LOCKED && amount <= INITIAL / 2 && lock >= MIN_LOCK && lock <= MAX_LOCK;
        assertEq(_do(alice, address(escrow), abi.encodeCall(escrow.deposit, (amount, lock))), right);
        assertEq(escrow.position(alice).locked, right ? amount : 0);
        assertEq(token.balanceOf(alice), INITIAL / 2 - (right ? amount : 0));
    }

    function testFuzz_extendsToAnyLongerLock(uint32 lock, bool near) public {
        if (near) lock = uint32(bound(lock, 39, MAX_LOCK + 1));
        bool right = lock > 40 && lock <= MAX_LOCK;
        assertEq(_do(miner, address(escrow), abi.encodeCall(escrow.extendLock, (lock))), right);
        assertEq(escrow.position(miner).lockPeriods, right ? lock : 40);
    }

    function testFuzz_unbondsAnyAmountThatLeavesEnough(uint96 amount, bool near) public {
        if (near) amount = uint96(bound(amount, 3 * uint256(MIN_LOCKED) - 1, 4 * uint256(MIN_LOCKED) + 1));
        bool right = amount == 4 * MIN_LOCKED || (amount > 0 && amount <= 3 * MIN_LOCKED);
        assertEq(_do(miner, address(escrow), abi.encodeCall(escrow.unbond, (amount))), right);
        assertEq(escrow.position(miner).unbonding, right ? amount : 0);
    }

    function testFuzz_withdrawsFromTheReleaseOn(uint8 which, bool winds) public {
        vm.prank(miner);
        if (winds) escrow.setWindDown(true);
        else escrow.unbond(4 * MIN_LOCKED);
        uint32 free = winds ? escrow.position(miner).unlockPeriod : escrow.position(miner).releasePeriod;
        assertEq(free, _now() + 41);
        _edge(free, which);
        bool right = which % 3 != 0;
        assertEq(_do(miner, address(escrow), abi.encodeCall(escrow.withdraw, (alice))), right);
        assertEq(token.balanceOf(alice), right ? 4 * MIN_LOCKED : 0);
    }

    function testFuzz_servesAtItsRateAndNotBelow(uint96 rate) public {
        assertTrue(_do(worker, address(escrow), abi.encodeCall(escrow.setMinRate, (rate))));
        uint32 last = _now() + 1;
        escrow.requireCanServe(miners, rate, last);
        if (rate == 0) return;
        vm.expectRevert();
        escrow.requireCanServe(miners, rate - 1, last);
    }

    function testFuzz_changesTheWorkerAfterTheCooldownOnly(uint8 which) public {
        _edge(_now() + COOLDOWN, which);
        bytes memory data = abi.encodeCall(escrow.bondWorker, (bob, type(uint256).max, _consent(miner, bob)));
        assertEq(_do(miner, address(escrow), data), which % 3 != 0);
        assertEq(escrow.workerOf(miner), which % 3 != 0 ? bob : worker);
    }

    function testFuzz_takesEveryPeriodForAPause(uint32 through, uint8 which) public {
        vm.startPrank(address(control));
        escrow.setPause(through);
        policies.setPause(through);
        vm.stopPrank();
        through = uint32(bound(through, _now(), 1_000_000));
        vm.startPrank(address(control));
        escrow.setPause(through);
        vm.stopPrank();
        _edge(uint256(through) + 1, which);
        _fund(alice, MIN_LOCKED);
        vm.prank(alice);
        token.approve(address(escrow), MIN_LOCKED);
        bytes memory data = abi.encodeCall(escrow.deposit, (MIN_LOCKED, MIN_LOCK));
        assertEq(_do(alice, address(escrow), data), which % 3 != 0);
    }

    // ---------------------------------------------------------------- rewards

    function testFuzz_leasesEachComingPeriodWithinReach(uint32 through, uint8 which, bool near) public {
        _edge(20, which);
        uint32 current = _now();
        assertEq(current, which % 3 == 0 ? 19 : 20);
        if (near) through = uint32(bound(through, 18, 29));
        bool right = through > current && through <= current + LEASE;
        assertEq(_do(worker, address(rewards), abi.encodeCall(rewards.confirmActivity, (through))), right);
        assertEq(rewards.isActive(miner, current + 1), right);
        assertFalse(rewards.isActive(miner, current));
    }

    function testFuzz_paysFromTheFirstSecondAfterAPeriod(uint8 which, uint8 way) public {
        uint32 active = _now() + 1;
        _confirm(worker, active);
        _edge(active + 1, which);
        bytes[3] memory calls = [
            abi.encodeCall(rewards.claim, (miner)),
            abi.encodeCall(rewards.claimTo, (miner)),
            abi.encodeCall(rewards.restake, (miner))
        ];
        uint256 due = rewards.claimable(miner);
        uint256 supply = token.totalSupply();
        assertEq(_do(miner, address(rewards), calls[way % 3]), which % 3 != 0);
        assertEq(due > 0, which % 3 != 0);
        assertEq(token.totalSupply() - supply, due);
        assertEq(rewards.claimable(miner), 0);
    }

    /// @dev Anybody may roll, at any time there is, and nothing changes hands.
    function testFuzz_rollsAtAnyTime(uint32 first, uint32 second) public {
        _confirm(worker, _now() + LEASE);
        first = uint32(bound(first, _now(), type(uint32).max));
        second = uint32(bound(second, first, type(uint32).max));
        _edge(first, 1);
        rewards.roll();
        uint256 due = rewards.claimable(miner);
        assertEq(rewards.lastRolledPeriod(), first - 1);
        _edge(second, 1);
        rewards.roll();
        assertEq(rewards.lastRolledPeriod(), second - 1);
        assertGe(rewards.claimable(miner), due);
        assertEq(token.totalSupply() + rewards.reserve() + rewards.pool(), CAP);
    }

    function testFuzz_suspendsForAnyTimeUpToTheLongest(uint32 periods, uint8 which, bool near) public {
        if (near) periods = uint32(bound(periods, 0, 65));
        uint32 current = _now();
        bytes memory data = abi.encodeCall(rewards.suspend, (miner, periods));
        assertEq(_do(adjudicator, address(rewards), data), periods <= 64);
        if (periods > 64 || periods == 0) return;
        assertEq(rewards.suspendedThrough(miner), current + periods);
        uint256 next = uint256(current) + periods;
        // The lock runs from the wind-down on, so the worker can lease as soon as it is let to.
        _edge(next + 1, which);
        data = abi.encodeCall(rewards.confirmActivity, (_now() + 1));
        assertEq(_do(worker, address(rewards), data), which % 3 != 0);
    }

    // ---------------------------------------------------------------- policies

    function _payable(uint256 amount) private {
        _fund(alice, amount);
        vm.prank(alice);
        token.approve(address(policies), type(uint256).max);
    }

    function testFuzz_createsForAnyPeriodsItsMinersServe(uint32 first, uint32 last, uint8 which) public {
        _edge(_now() + 5, which);
        uint32 current = _now();
        if (which % 2 == 0) first = uint32(bound(first, current - 1, current + 41));
        if (which % 4 < 2) last = uint32(bound(last, current - 1, current + 41));
        _payable(1_000 * uint256(RATE));
        IPolicyManager.Terms memory terms = _terms(miners, 1);
        (terms.firstPeriod, terms.lastPeriod) = (first, last);
        // Its miner serves whatever is out of custody before its lock would end, wound down now.
        bool right = first >= current && last >= first && uint256(last) + EVIDENCE <= current + 40;
        bool done = _do(alice, address(policies), abi.encodeCall(policies.createPolicy, (terms, "")));
        assertEq(done, right);
        assertEq(token.balanceOf(address(policies)), right ? (uint256(last) - first + 1) * RATE : 0);
    }

    function testFuzz_extendsToAnyLaterEnd(uint32 last, uint8 which, bool near) public {
        IPolicyManager.Terms memory terms = _terms(miners, 10);
        _create(terms);
        _edge(uint256(terms.lastPeriod) + 1, which);
        uint32 current = _now();
        if (near) last = uint32(bound(last, terms.lastPeriod - 1, current + 41));
        _payable(1_000 * uint256(RATE));
        bool right = which % 3 == 0 && last > terms.lastPeriod && uint256(last) + EVIDENCE <= current + 40;
        bytes memory data = abi.encodeCall(policies.extendPolicy, (terms, last, new address[](0)));
        assertEq(_do(alice, address(policies), data), right);
        uint256 length = right ? uint256(last) - terms.firstPeriod + 1 : 10;
        assertEq(token.balanceOf(address(policies)), length * RATE);
    }

    function testFuzz_returnsWhatHasNotBegun(uint8 passed, uint8 which, bool alone) public {
        IPolicyManager.Terms memory terms = _terms(miners, 10);
        _create(terms);
        _edge(uint256(terms.firstPeriod) + passed % 12, which);
        uint32 current = _now();
        bytes memory data = alone
            ? abi.encodeCall(policies.revokeArrangement, (terms, miner))
            : abi.encodeCall(policies.revokePolicy, (terms));
        assertEq(_do(alice, address(policies), data), current <= terms.lastPeriod);
        uint256 coming = current > terms.lastPeriod ? 0 : terms.lastPeriod - current;
        if (current < terms.firstPeriod) coming = 10;
        assertEq(token.balanceOf(alice), coming * RATE);
        assertFalse(_do(alice, address(policies), data), "twice");
    }

    /// @dev A policy that is listed twice is paid once.
    function testFuzz_theSamePolicyTwiceIsPaidOnce(uint8 served) public {
        IPolicyManager.Terms memory terms = _terms(miners, 10);
        _create(terms);
        uint32 periods = uint32(bound(served, 1, LEASE));
        _confirm(worker, _now() + periods);
        _skip(11);
        IPolicyManager.Terms[] memory twice = new IPolicyManager.Terms[](2);
        (twice[0], twice[1]) = (terms, terms);
        vm.prank(miner);
        assertEq(policies.collect(twice, miner, _delivered(twice, miner)), periods * uint256(RATE));
        _payable(1_000 * uint256(RATE));
        (twice[0], twice[1]) = (_terms(miners, 5), _terms(miners, 5));
        bytes memory data = abi.encodeCall(policies.createPolicies, (twice, new bytes[](twice.length)));
        assertFalse(_do(alice, address(policies), data));
    }
}
