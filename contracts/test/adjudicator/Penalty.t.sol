// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {AdjudicatorTest} from "../base/AdjudicatorTest.sol";
import {IAdjudicator} from "../../src/interfaces/IAdjudicator.sol";
import {IControl} from "../../src/interfaces/IControl.sol";
import {IMiningRewards} from "../../src/interfaces/IMiningRewards.sol";
import {PenaltyMath} from "../../src/libraries/PenaltyMath.sol";

/// @notice What a conviction takes, pays, returns and stops; and that the exit stays open.
contract PenaltyTest is AdjudicatorTest {
    /// @dev Convicts over a made-up capsule on the curve: the `index`-th time.
    function _convictOver(uint256 index) private {
        if (index > 0) {
            // Another s: another capsule, whose points are still on the curve.
            bytes memory capsule = delegation.capsule;
            capsule[97] = bytes1(uint8(index));
            capsule[96] = bytes1(uint8(index >> 8));
            delegation.capsule = capsule;
        }
        _submit(_falseScalar());
    }

    // ---------------------------------------------------------------- arithmetic

    function _terms(uint96 floor, uint16 share, uint16 history, uint16 cap)
        private
        pure
        returns (IControl.PenaltyTerms memory)
    {
        return IControl.PenaltyTerms(floor, share, history, cap, 5_000, 2_500, 14, 0, floor / 100, 4_000);
    }

    function test_formula() public pure {
        IControl.PenaltyTerms memory at = _terms(100, 1_000, 5_000, 5_000);
        _check(at, 10_000, 0, 1_000, 250); // a tenth
        _check(at, 10_000, 1, 1_500, 375); // and half of it more
        _check(at, 10_000, 8, 5_000, 1_250); // 5 times, the cap
        _check(at, 10_000, 1_000_000, 5_000, 1_250);
        _check(at, 999, 0, 100, 25); // 99.9 is below the floor
        _check(at, 150, 9, 100, 25); // the cap is never below the floor
        _check(at, 100, 3, 100, 25);
        _check(at, 60, 3, 60, 15); // no more than there is
        _check(at, 1, 0, 1, 0);
        at = _terms(100, 10, 10_000, 5_000);
        _check(at, 1_000_000, 10, 11_000, 2_750);
        _check(at, 1_000_000, 11, 11_000, 2_750); // ten count
    }

    function _check(
        IControl.PenaltyTerms memory at,
        uint256 stake,
        uint256 convictions,
        uint96 expected,
        uint96 expectedReward
    ) private pure {
        (uint96 penalty, uint96 reward) = PenaltyMath.penaltyOf(at, stake, convictions);
        assertEq(penalty, expected);
        assertEq(reward, expectedReward);
    }

    /// @dev Within Control's bounds: above 0, at most the stake, at least the lesser of floor and stake,
    /// never less with a longer history, and the reward below half.
    function testFuzz_bounds(
        uint96 floor,
        uint16 share,
        uint16 history,
        uint16 cap,
        uint16 rewardBps,
        uint96 stake,
        uint32 convictions
    ) public pure {
        share = uint16(bound(share, 0, 3_000));
        IControl.PenaltyTerms memory at = _terms(
            uint96(bound(floor, 1, type(uint96).max)),
            share,
            uint16(bound(history, 0, 10_000)),
            uint16(bound(cap, share, 5_000))
        );
        at.rewardBps = uint16(bound(rewardBps, 0, 4_999));
        stake = uint96(bound(stake, 1, type(uint96).max));
        (uint96 penalty, uint96 reward) = PenaltyMath.penaltyOf(at, stake, convictions);
        assertGt(penalty, 0);
        assertLe(penalty, stake);
        assertGe(penalty, at.floor < stake ? at.floor : stake);
        assertLt(2 * uint256(reward), penalty);
        (uint96 more,) = PenaltyMath.penaltyOf(at, stake, uint256(convictions) + 1);
        assertGe(more, penalty);
        assertLe(penalty, at.floor > stake / 2 ? at.floor : stake / 2);
    }

    // ---------------------------------------------------------------- effects

    function test_takesPaysReturnsAndSuspends() public {
        _confirm(worker, _now() + LEASE);
        uint256 supply = token.totalSupply();
        uint256 reserve = rewards.reserve();
        _submit(_falseScalar());
        uint96 penalty = 2 * MIN_LOCKED / 10;
        (uint96 locked, uint96 unbonding) = escrow.stakeAtRisk(miner);
        assertEq(locked, 2 * MIN_LOCKED - penalty);
        assertEq(unbonding, 0);
        assertEq(token.balanceOf(challenger), REWARD_FLOOR);
        assertEq(token.balanceOf(address(judge)), REWARD_FLOOR);
        assertEq(token.totalSupply(), supply - (penalty - 2 * REWARD_FLOOR));
        assertEq(rewards.reserve(), reserve + penalty - 2 * REWARD_FLOOR);
        assertEq(rewards.suspendedThrough(miner), _now() + 14);
        assertEq(token.totalSupply() + rewards.reserve() + rewards.pool(), CAP);
        // No lease outweighs its tokens.
        vm.prank(worker);
        vm.expectRevert(abi.encodeWithSelector(IMiningRewards.RewardsSuspended.selector, miner, _now() + 14));
        rewards.confirmActivity(_now() + 1);
        _skip(1);
        assertFalse(rewards.isActive(miner, _now()));
    }

    /// @dev Unbonding tokens stay at risk until they have left.
    function test_unbondingTokensAreSlashable() public {
        Charge memory charge = _falseScalar();
        vm.prank(miner);
        escrow.unbond(2 * MIN_LOCKED);
        _submit(charge);
        (uint96 locked, uint96 unbonding) = escrow.stakeAtRisk(miner);
        assertEq(locked, 0);
        assertEq(unbonding, 2 * MIN_LOCKED - 2 * MIN_LOCKED / 10);
    }

    /// @dev Nothing is left to take from one that has gone, and nothing is recorded.
    function test_anEmptiedMinerIsNotConvicted() public {
        vm.prank(miner);
        escrow.unbond(2 * MIN_LOCKED);
        _skip(102);
        vm.prank(miner);
        escrow.withdraw(miner);
        answeredAt = uint64(vm.getBlockTimestamp());
        Charge memory charge = _falseScalar();
        vm.expectRevert(abi.encodeWithSelector(IAdjudicator.AdjudicatorNothingAtStake.selector, miner));
        _submit(charge);
        assertFalse(judge.isConvicted(miner, policyId, keccak256(delegation.capsule)));
        // It comes back: still liable.
        _deposit(miner, MIN_LOCKED, 100);
        _submit(charge);
    }

    /// @dev A stake just above the minimum costs at least the floor.
    function test_aStakeJustAboveTheMinimumPaysTheFloor() public {
        vm.prank(miner);
        escrow.unbond(MIN_LOCKED - 1);
        _skip(102);
        answeredAt = uint64(vm.getBlockTimestamp());
        vm.prank(miner);
        escrow.withdraw(miner);
        IControl.PenaltyTerms memory at = _penaltyTerms();
        (uint96 penalty,) = judge.penaltyOf(miner);
        assertGe(penalty, at.floor);
        _submit(_falseScalar());
        (uint96 locked,) = escrow.stakeAtRisk(miner);
        assertEq(locked, MIN_LOCKED + 1 - penalty);
        // Below the minimum now: it can leave, and can be slashed once more.
        _convictOver(1);
        vm.prank(miner);
        escrow.setWindDown(true);
        _skip(102);
        vm.prank(miner);
        assertGt(escrow.withdraw(miner), 0);
    }

    /// @dev With the reader's help a miner may accuse itself: it loses more than half of the penalty.
    function test_reportingOneselfLosesMoney() public {
        challenger = miner;
        uint256 before = token.balanceOf(miner) + 2 * MIN_LOCKED;
        _submit(_falseScalar());
        (uint96 locked,) = escrow.stakeAtRisk(miner);
        uint256 lost = before - token.balanceOf(miner) - locked;
        assertGt(2 * lost, 2 * MIN_LOCKED / 10);
    }

    function test_historyRaisesThePenaltyUpToTheCap() public {
        uint96 stake = 2 * MIN_LOCKED;
        for (uint256 i = 0; i < 12; ++i) {
            (uint96 locked,) = escrow.stakeAtRisk(miner);
            assertEq(locked, stake);
            (uint96 expected,) = PenaltyMath.penaltyOf(_penaltyTerms(), stake, i);
            _convictOver(i);
            stake -= expected;
            if (stake == 0) break;
            _skip(LEASE);
            answeredAt = uint64(vm.getBlockTimestamp());
        }
    }

    /// @dev Convictions, unbonds and wind-downs in any order: never below zero, the exit stays open.
    function testFuzz_convictionsInAnyOrderLeaveTheExitOpen(uint8[12] memory steps) public {
        uint256 taken;
        for (uint256 i = 0; i < steps.length; ++i) {
            (uint96 locked, uint96 unbonding) = escrow.stakeAtRisk(miner);
            uint256 stake = uint256(locked) + unbonding;
            if (steps[i] % 3 == 0 && stake > 0 && _fits()) {
                (uint96 penalty,) = judge.penaltyOf(miner);
                _convictOver(i + 1);
                taken += penalty;
                (locked, unbonding) = escrow.stakeAtRisk(miner);
                assertEq(uint256(locked) + unbonding, stake - penalty);
            } else if (steps[i] % 3 == 1 && locked > 0) {
                vm.prank(miner);
                escrow.unbond(locked >= 2 * MIN_LOCKED ? MIN_LOCKED : locked);
            } else {
                _skip(1);
            }
        }
        _leave(2 * MIN_LOCKED - taken);
    }

    /// @dev Whether window and day have room for one more conviction.
    function _fits() private view returns (bool) {
        (uint96 penalty,) = judge.penaltyOf(miner);
        (, uint96 taken, uint96 most) = judge.windowOf(miner);
        (uint64 number, uint96 sum, uint96 bound) = judge.lastDay();
        return taken + penalty <= most && (number != vm.getBlockTimestamp() / 1 days || sum < bound);
    }

    function _leave(uint256 expected) private {
        (uint96 locked,) = escrow.stakeAtRisk(miner);
        if (locked > 0) {
            vm.prank(miner);
            escrow.setWindDown(true);
        }
        _skip(110);
        if (expected > 0) {
            vm.prank(miner);
            escrow.withdraw(miner);
        }
        assertEq(token.balanceOf(miner), expected);
        assertEq(token.balanceOf(address(escrow)), 0);
    }
}
