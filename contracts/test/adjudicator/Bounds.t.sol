// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {AdjudicatorTest} from "../base/AdjudicatorTest.sol";
import {IAdjudicator} from "../../src/interfaces/IAdjudicator.sol";
import {IControl} from "../../src/interfaces/IControl.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {IStakingEscrow} from "../../src/interfaces/IStakingEscrow.sol";
import {PenaltyMath} from "../../src/libraries/PenaltyMath.sol";

/// @notice The most that convictions take: from a miner in a window, from all miners on a day. What comes too
/// much is refused without a trace and holds later.
contract BoundsTest is AdjudicatorTest {
    function setUp() public override {
        super.setUp();
        vm.prank(alice);
        policies.revokePolicy(terms);
        vm.warp(vm.getBlockTimestamp() + 1_000);
    }

    // ---------------------------------------------------------------- window of a miner

    /// @dev One incident: a node that did not see a revocation, asked eight times.
    function test_oneIncidentTakesTheCapAndNoMore() public {
        uint256 stake = 2 * MIN_LOCKED;
        uint256 taken;
        uint256 count;
        while (true) {
            (uint96 penalty,) = judge.penaltyOf(miner);
            if (taken + penalty > stake / 2) break;
            _servedLate(miner, workerKey, terms, count++);
            taken += penalty;
        }
        assertGt(count, 1);
        assertEq(_atRisk(miner), stake - taken);
        (uint32 openedIn, uint96 entered, uint96 most) = judge.windowOf(miner);
        assertEq(openedIn, _now());
        assertEq(entered, taken);
        assertEq(most, stake / 2, "half of what there was");
        for (uint256 more = count; more < count + 8; ++more) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IAdjudicator.AdjudicatorWindowFull.selector, miner, taken, most, _now() + LEASE
                )
            );
            this.servedLate(miner, workerKey, terms, more);
            assertFalse(judge.isConvicted(miner, policyId, _capsuleHash(more)), "not recorded");
        }
        assertEq(_atRisk(miner), stake - taken);
    }

    /// @dev So nobody is made free of an offence by another conviction.
    function test_evidenceThatCameTooMuchHoldsInTheNextWindow() public {
        uint256 last = _fillWindow();
        uint32 opened = _now();
        _goto(opened + LEASE - 1);
        vm.expectPartialRevert(IAdjudicator.AdjudicatorWindowFull.selector);
        this.servedLate(miner, workerKey, terms, last);
        _goto(opened + LEASE);
        uint256 before = _atRisk(miner);
        (uint96 penalty,) = judge.penaltyOf(miner);
        _servedLate(miner, workerKey, terms, last);
        assertEq(_atRisk(miner), before - penalty);
        assertTrue(judge.isConvicted(miner, policyId, _capsuleHash(last)));
        (uint32 openedIn, uint96 taken,) = judge.windowOf(miner);
        assertEq(openedIn, opened + LEASE);
        assertEq(taken, penalty);
    }

    /// @dev Else a miner would open a window with little and bring the rest afterwards.
    function test_whatIsDepositedInAWindowIsLiableInIt() public {
        _fillWindow();
        _deposit(miner, 100 * MIN_LOCKED, 100);
        (uint96 penalty,) = judge.penaltyOf(miner);
        assertGt(penalty, 10 * MIN_LOCKED);
        _servedLate(miner, workerKey, terms, 100);
    }

    function test_historyCountsWindowsAndNotCapsules() public {
        IControl.PenaltyTerms memory at = _penaltyTerms();
        for (uint256 window = 0; window < 3; ++window) {
            for (uint256 i = 0; i < 2; ++i) {
                uint256 stake = _atRisk(miner);
                (uint96 expected,) = PenaltyMath.penaltyOf(at, stake, window);
                _servedLate(miner, workerKey, terms, 2 * window + i);
                assertEq(_atRisk(miner), stake - expected);
            }
            _skip(LEASE);
        }
    }

    function test_aWindowIsTheLongestLease() public view {
        assertEq(judge.windowPeriods(), LEASE);
        assertEq(judge.windowPeriods(), rewards.maxLeasePeriods());
    }

    // ---------------------------------------------------------------- stolen keys

    /// @dev Its holder makes policies of its own, at no cost, and accuses with invented capsules.
    function test_aStolenWorkerTakesTheCapOfEachWindowUntilItIsDismissed() public {
        uint256 stake = _atRisk(miner);
        _goto(terms.firstPeriod);
        uint256 next = _fillWindow();
        assertGe(_atRisk(miner), stake / 2);
        vm.prank(miner);
        escrow.unbondWorker();
        _skip(LEASE);
        // What began before the dismissal still binds.
        _servedLate(miner, workerKey, terms, next++);
        stake = _atRisk(miner);
        IPolicyManager.Terms memory own = terms;
        own.salt = keccak256("made by the thief");
        (own.firstPeriod, own.lastPeriod) = (_now(), _now() + 1);
        _deposit(miner, MIN_LOCKED, 100);
        // Not even made, until the miner is back with another worker.
        assertEq(
            uint8(escrow.canServe(miner, own.rate, own.lastPeriod)), uint8(IStakingEscrow.Service.Suspended)
        );
        (address fresh,) = makeAddrAndKey("another worker");
        _bond(miner, fresh);
        _goto(rewards.suspendedThrough(miner) + 1);
        _confirm(fresh, _now() + LEASE);
        (own.firstPeriod, own.lastPeriod) = (_now(), _now() + 1);
        _create(own);
        vm.prank(alice);
        policies.revokePolicy(own);
        vm.warp(vm.getBlockTimestamp() + 1_000);
        vm.expectRevert(
            abi.encodeWithSelector(IAdjudicator.AdjudicatorReceiptInvalid.selector, worker, miner)
        );
        this.servedLate(miner, workerKey, own, next);
        assertEq(_atRisk(miner), stake + MIN_LOCKED);
    }

    // ---------------------------------------------------------------- day of the network

    /// @dev A release that serves too long, on many nodes at once.
    function test_oneFaultOfAllNodesIsBoundedByTheDay() public {
        _networkCap(500);
        (address[] memory all, uint256[] memory keys, IPolicyManager.Terms memory shared) = _ten();
        uint256 total = escrow.totalLocked() + escrow.totalUnbonding();
        uint256 guilty;
        for (; guilty < 10; ++guilty) {
            (, uint96 taken, uint96 most) = judge.lastDay();
            if (guilty > 0 && taken >= most) break;
            _servedLate(all[guilty], keys[guilty], shared, 0);
        }
        assertLt(guilty, 10, "the day is full before all are punished");
        (uint64 number, uint96 sum, uint96 bound) = judge.lastDay();
        assertEq(number, vm.getBlockTimestamp() / 1 days);
        assertEq(bound, total / 20);
        assertEq(escrow.totalLocked() + escrow.totalUnbonding(), total - sum);
        (uint96 greatest,) = judge.penaltyOf(all[9]);
        assertLt(sum, bound + greatest, "by less than one penalty");
        bytes memory full = abi.encodeWithSelector(
            IAdjudicator.AdjudicatorDayFull.selector, sum, bound, (uint256(number) + 1) * 1 days
        );
        vm.expectRevert(full);
        this.servedLate(all[9], keys[9], shared, 0);
        assertFalse(judge.isConvicted(all[9], policies.policyId(shared), _capsuleHash(0)));
        vm.warp((uint256(number) + 1) * 1 days - 1);
        vm.expectRevert(full);
        this.servedLate(all[9], keys[9], shared, 0);
        vm.warp((uint256(number) + 1) * 1 days);
        _servedLate(all[9], keys[9], shared, 0);
    }

    /// @dev A bound below the first penalty would make the greatest miner, or the only one, untouchable.
    function test_theFirstConvictionOfADayAlwaysFits() public {
        _networkCap(50);
        (,, uint96 before) = judge.lastDay();
        assertEq(before, 0);
        (uint96 penalty,) = judge.penaltyOf(miner);
        assertGt(penalty, (escrow.totalLocked() + escrow.totalUnbonding()) / 200);
        _servedLate(miner, workerKey, terms, 0);
        vm.expectPartialRevert(IAdjudicator.AdjudicatorDayFull.selector);
        this.servedLate(miner, workerKey, terms, 1);
        vm.warp(vm.getBlockTimestamp() + 1 days);
        _servedLate(miner, workerKey, terms, 1);
    }

    // ---------------------------------------------------------------- helpers

    /// @notice For an expected revert.
    function servedLate(address of_, uint256 key, IPolicyManager.Terms calldata for_, uint256 index)
        external
    {
        _servedLate(of_, key, for_, index);
    }

    /// @dev Convicts until the window is full; the index of the first capsule that did not fit.
    function _fillWindow() private returns (uint256 next) {
        while (true) {
            (, uint96 taken, uint96 most) = judge.windowOf(miner);
            (uint96 penalty,) = judge.penaltyOf(miner);
            if (taken + penalty > most) return next;
            _servedLate(miner, workerKey, terms, next++);
        }
    }

    function _networkCap(uint16 share) private {
        IControl.PenaltyTerms memory at = _penaltyTerms();
        at.networkCapBps = share;
        vm.prank(address(timelock));
        control.setPenalty(at);
    }

    /// @dev Ten miners of one policy, revoked long ago.
    function _ten()
        private
        returns (address[] memory all, uint256[] memory keys, IPolicyManager.Terms memory shared)
    {
        address[] memory workers;
        (all, workers) = _miners(10, 100);
        keys = new uint256[](10);
        for (uint256 i = 0; i < 10; ++i) {
            keys[i] = _keyOf[workers[i]];
        }
        shared = _termsFor(all, delegation);
        shared.salt = keccak256("shared");
        _create(shared);
        vm.prank(alice);
        policies.revokePolicy(shared);
        vm.warp(vm.getBlockTimestamp() + 1_000);
    }

    function _atRisk(address of_) private view returns (uint256) {
        (uint96 locked, uint96 unbonding) = escrow.stakeAtRisk(of_);
        return uint256(locked) + unbonding;
    }
}
