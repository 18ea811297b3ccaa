// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {InvariantBase} from "./Invariants.t.sol";
import {JudgeHandler} from "./JudgeHandler.sol";
import {PolicyHandler} from "./PolicyHandler.sol";
import {IMiningRewards} from "../../src/interfaces/IMiningRewards.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {IStakingEscrow} from "../../src/interfaces/IStakingEscrow.sol";

/// @notice The invariants while judges slash and suspend, the guardian pauses and miners restake.
abstract contract JudgedBase is InvariantBase {
    JudgeHandler internal judge;

    function _newHandler() internal override returns (PolicyHandler) {
        judge = new JudgeHandler(token, escrow, rewards, policies, control);
        return judge;
    }

    /// @dev The rewards hold no tokens of their own: a claim mints, a slash burns.
    function _rewardsHoldNothing() internal view {
        assertEq(token.balanceOf(address(rewards)), 0);
        assertEq(token.balanceOf(address(control)) + token.balanceOf(address(timelock)), 0);
    }

    /// @dev Buckets of the current and all coming periods are the sums of the leases; each coming weight is
    /// backed by tokens that cannot leave before, which are at least the locked ones it was computed from.
    function _weights() internal {
        uint256 time = vm.getBlockTimestamp();
        uint32 current = _now();
        for (uint32 p = current; p <= current + LEASE + 1; ++p) {
            uint256 sumWeight;
            uint256 sumLocked;
            for (uint256 i = 0; i < miners.length; ++i) {
                uint256 locked = model.lockedIn(miners[i], p);
                sumLocked += locked;
                sumWeight += model.weightIn(miners[i], p);
                assertLe(model.weightIn(miners[i], p), locked);
                assertEq(rewards.isActive(miners[i], p), locked > 0);
                if (p > current) {
                    assertLe(locked, _inCustodyIn(miners[i], p), "weight without custody");
                    _leaseCovers(miners[i], p);
                }
            }
            _goto(p);
            (uint256 weight, uint256 total) = rewards.periodTotals(p);
            vm.warp(time);
            assertEq(weight, sumWeight);
            assertEq(total, sumLocked);
        }
    }

    function _leaseCovers(address miner, uint32 period) private view {
        (uint32 through, uint96 weight) = rewards.leaseOf(miner);
        assertEq(model.weightIn(miner, period), period <= through ? weight : 0);
    }

    /// @dev Tokens of a miner that are in custody through `period`, whatever it does.
    function _inCustodyIn(address miner, uint32 period) private view returns (uint256 tokens) {
        IStakingEscrow.Position memory position = escrow.position(miner);
        if (position.unlockPeriod == 0 || position.unlockPeriod > period) tokens = position.locked;
        if (position.releasePeriod > period) tokens += position.unbonding;
    }

    function _wasSlashed(address miner) internal view override returns (bool) {
        return judge.slashed(miner) > 0;
    }

    /// @dev What was slashed is gone once, and nothing that is left went below zero.
    function _slashed() internal view {
        for (uint256 i = 0; i < miners.length; ++i) {
            (uint96 locked, uint96 unbonding) = escrow.stakeAtRisk(miners[i]);
            assertEq(uint256(locked) + unbonding, judge.staked(miners[i]));
        }
    }

    /// @dev A suspended miner has no lease, and its worker cannot get one.
    function _suspendedConfirmNothing() internal {
        uint32 current = _now();
        for (uint256 i = 0; i < miners.length; ++i) {
            uint32 through = judge.expectedThrough(miners[i]);
            if (through < current) continue;
            assertEq(rewards.suspendedThrough(miners[i]), through);
            (uint96 locked,) = escrow.stakeAtRisk(miners[i]);
            address worker = escrow.workerOf(miners[i]);
            uint32 unlock = escrow.position(miners[i]).unlockPeriod;
            if (worker == address(0) || locked == 0 || (unlock != 0 && unlock <= current + 1)) continue;
            vm.prank(worker);
            vm.expectRevert(
                abi.encodeWithSelector(IMiningRewards.RewardsSuspended.selector, miners[i], through)
            );
            rewards.confirmActivity(current + 1);
        }
    }

    /// @dev A worker binds its miner; a former one under what had begun, and under nothing that came later.
    function _keysStayAttributable() internal view {
        address[] memory keys = handler.keys();
        for (uint256 i = 0; i < keys.length; ++i) {
            address miner = handler.bondedTo(keys[i]);
            uint32 end = handler.retiredIn(keys[i]);
            // Through the periods of evidence.
            bool binds = end == 0 || _now() <= uint256(end) + EVIDENCE;
            assertEq(
                escrow.minerOfSigner(keys[i], end == 0 ? type(uint32).max : end), binds ? miner : address(0)
            );
            if (end != 0) assertEq(escrow.minerOfSigner(keys[i], end + 1), address(0));
            assertEq(escrow.minerOf(keys[i]), escrow.workerOf(miner) == keys[i] ? miner : address(0));
        }
    }

    /// @dev The record of activity is the table's, over every period there was.
    function _activity() internal view {
        uint32 current = _now();
        for (uint256 i = 0; i < miners.length; ++i) {
            assertEq(
                rewards.activePeriods(miners[i], 1, current - 1), model.activeIn(miners[i], 1, current - 1)
            );
        }
    }

    /// @dev Whoever claims first, everyone gets the same.
    function _claimOrder() internal {
        uint256 snapshot = vm.snapshotState();
        uint256[] memory forwards = new uint256[](miners.length);
        for (uint256 i = 0; i < miners.length; ++i) {
            forwards[i] = _claimOf(miners[i]);
        }
        vm.revertToState(snapshot);
        snapshot = vm.snapshotState();
        for (uint256 i = miners.length; i > 0; --i) {
            assertEq(_claimOf(miners[i - 1]), forwards[i - 1]);
        }
        vm.revertToState(snapshot);
    }

    function _claimOf(address miner) private returns (uint256) {
        if (rewards.claimable(miner) == 0) return 0;
        vm.prank(miner);
        return rewards.claim(miner);
    }

    /// @dev With every other contract broken, everybody leaves with all that is theirs.
    function _exitAlone() internal {
        uint256 snapshot = vm.snapshotState();
        address[6] memory others = [
            address(rewards), address(policies), address(control), address(timelock), adjudicator, challenges
        ];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.etch(others[i], hex"fe");
        }
        for (uint256 i = 0; i < miners.length; ++i) {
            IStakingEscrow.Position memory position = escrow.position(miners[i]);
            if (position.locked == 0) continue;
            vm.startPrank(miners[i]);
            if (i % 2 == 0) escrow.unbond(position.locked);
            else if (position.unlockPeriod == 0) escrow.setWindDown(true);
            vm.stopPrank();
        }
        vm.warp(vm.getBlockTimestamp() + (uint256(MAX_LOCK) + 2) * DAY);
        for (uint256 i = 0; i < miners.length; ++i) {
            uint256 stake = judge.staked(miners[i]);
            if (stake == 0) continue;
            vm.prank(miners[i]);
            assertEq(escrow.withdraw(address(0xe417)), stake);
        }
        assertEq(token.balanceOf(address(escrow)), handler.donatedToEscrow());
        vm.revertToState(snapshot);
    }

    /// @dev A pause without end stops no exit, claim, refund, collection or revocation.
    function _pausedIsNoPrison() internal {
        uint256 snapshot = vm.snapshotState();
        vm.startPrank(address(control));
        escrow.setPause(type(uint32).max);
        policies.setPause(type(uint32).max);
        vm.stopPrank();
        for (uint256 k = 0; k < handler.count(); ++k) {
            handler.revokePolicy(k, 0);
        }
        for (uint256 i = 0; i < miners.length; ++i) {
            if (escrow.position(miners[i]).locked > 0) {
                uint96 locked = escrow.position(miners[i]).locked;
                vm.prank(miners[i]);
                escrow.unbond(locked);
            }
        }
        _exit();
        vm.revertToState(snapshot);
    }

    function _judgeOr(uint256 action, uint256 a, uint256 b, uint256 c) internal {
        if (action < 12) _act(action, a, b, c);
        else if (action == 12) judge.convict(a, b, c, uint32(c >> 32));
        else if (action == 13) judge.suspend(a, uint32(b));
        else if (action == 14) judge.restake(a, b);
        else if (action == 15) judge.multicall(a, uint96(b), c % 2 == 0);
        else if (action == 16) judge.pause(a);
        else _act(12 + action % 4, a, b, c);
    }
}

/// @notice The stateful runs with everybody at work.
contract JudgedInvariants is JudgedBase {
    function _kappa() internal pure override returns (bool) {
        return false;
    }

    function invariant_escrowIsSolventAndSumsAreTotals() public view {
        _custody();
    }

    function invariant_supplyReserveAndPoolMakeTheCap() public view {
        _supply();
    }

    function invariant_emissionEqualsTheNaiveModelWithinTheSchedule() public view {
        _emission();
    }

    function invariant_everyPolicyPaysOutWhatItTookIn() public view {
        _policiesBalance();
    }

    function invariant_sequenceNumbersHaveNoGap() public view {
        _sequences();
    }

    function invariant_rewardsHoldNothing() public view {
        _rewardsHoldNothing();
    }

    function invariant_bucketsAreSumsOfLeasesBackedByCustody() public {
        _weights();
    }

    function invariant_slashedNeverBelowZero() public view {
        _slashed();
    }

    function invariant_theSuspendedConfirmNothing() public {
        _suspendedConfirmNothing();
    }

    function invariant_formerWorkersStayAttributable() public view {
        _keysStayAttributable();
    }

    function invariant_activityIsTheTables() public view {
        _activity();
    }

    function afterInvariant() public {
        _claimOrder();
        _exitAlone();
        _pausedIsNoPrison();
        _exit();
    }
}

/// @notice Each ends a run in another way; after fewer runs, since every call costs a whole exit.
/// forge-config: default.invariant.runs = 16
/// forge-config: default.invariant.depth = 40
/// forge-config: deep.invariant.runs = 100
/// forge-config: deep.invariant.depth = 128
contract ExitInvariants is JudgedBase {
    function _kappa() internal pure override returns (bool) {
        return true;
    }

    function invariant_claimsDependOnNoOrder() public {
        _claimOrder();
    }

    function invariant_everyoneExitsWithEveryDependencyBroken() public {
        _exitAlone();
    }

    function invariant_aPauseStopsNoExit() public {
        _pausedIsNoPrison();
    }

    function invariant_allHoldWithKappa() public {
        _all();
        _weights();
        _slashed();
    }
}

/// @notice Random histories with judges from one seed, kappa on and off, ended by everyone's exit.
/// forge-config: default.fuzz.runs = 48
contract JudgedDifferentialTest is JudgedBase {
    function _kappa() internal pure override returns (bool) {
        return false;
    }

    function setUp() public override {}

    function testFuzz_randomHistoriesWithJudges(uint256 seed) public {
        _prepare(LEASE, (seed >> 8) % 2 == 0);
        for (uint256 i = 0; i < 150; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            _judgeOr(seed % 21, seed >> 8, seed >> 72, seed >> 136);
            if (i % 30 == 29) {
                _all();
                _weights();
                _slashed();
                _suspendedConfirmNothing();
                _activity();
                _keysStayAttributable();
            }
        }
        _claimOrder();
        _exitAlone();
        _exit();
    }
}
