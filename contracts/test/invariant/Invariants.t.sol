// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "../base/KmsTest.sol";
import {NaiveModel} from "../base/NaiveModel.sol";
import {PolicyHandler} from "./PolicyHandler.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {IStakingEscrow} from "../../src/interfaces/IStakingEscrow.sol";

/// @notice What must hold after every call, for any sequence of calls.
abstract contract InvariantBase is KmsTest {
    PolicyHandler internal handler;
    NaiveModel internal model;
    address[] internal miners;

    function _kappa() internal pure virtual returns (bool);

    function setUp() public virtual override {
        _prepare(LEASE, _kappa());
        targetContract(address(handler));
    }

    function _prepare(uint32 lease, bool kappa) internal {
        vm.warp(GENESIS);
        warmUp = _warmUp();
        _deploy(lease, kappa);
        _goto(3);
        handler = _newHandler();
        model = handler.model();
        miners = handler.miners();
        _fund(address(handler), INITIAL / 2);
    }

    function _warmUp() internal view virtual returns (uint96) {
        return 0;
    }

    function _newHandler() internal virtual returns (PolicyHandler) {
        return new PolicyHandler(token, escrow, rewards, policies);
    }

    /// @dev (a) The escrow holds what it owes, plus what was given to it.
    function _custody() internal view {
        uint256 owed = escrow.totalLocked() + escrow.totalUnbonding();
        assertEq(token.balanceOf(address(escrow)), owed + handler.donatedToEscrow());
        uint256 sumLocked;
        uint256 sumUnbonding;
        for (uint256 i = 0; i < miners.length; ++i) {
            IStakingEscrow.Position memory position = escrow.position(miners[i]);
            sumLocked += position.locked;
            sumUnbonding += position.unbonding;
            assertTrue(position.locked == 0 || position.locked >= MIN_LOCKED || _wasSlashed(miners[i]));
            assertEq(uint256(position.locked) + position.unbonding, handler.staked(miners[i]));
            assertEq(position.lockPeriods == 0, position.locked == 0);
            assertEq(position.releasePeriod == 0, position.unbonding == 0);
        }
        assertEq(escrow.totalLocked(), sumLocked);
        assertEq(escrow.totalUnbonding(), sumUnbonding);
    }

    /// @dev Nobody slashes here.
    function _wasSlashed(address) internal view virtual returns (bool) {
        return false;
    }

    /// @dev (b), (c) Supply, reserve and pool make the cap; the pool covers every claim.
    function _supply() internal view {
        assertEq(token.totalSupply() + rewards.reserve() + rewards.pool(), CAP);
        assertEq(token.totalSupply(), INITIAL + handler.minted() - handler.burned());
        uint256 sum;
        for (uint256 i = 0; i < miners.length; ++i) {
            sum += rewards.claimable(miners[i]);
        }
        assertLe(sum, rewards.pool());
    }

    /// @dev (d) Emission and totals equal the naive table; payouts are the exact sums, rounded down
    /// at most once per settlement.
    function _emission() internal view {
        assertEq(rewards.reserve(), model.reserve());
        assertEq(rewards.pool() + handler.minted(), model.emitted());
        uint32 current = rewards.currentPeriod();
        for (uint32 back = 0; back <= 12 && back < current; ++back) {
            (uint256 weight, uint256 locked) = rewards.periodTotals(current - back);
            (uint256 naiveWeight, uint256 naiveLocked) = model.totals(current - back);
            assertEq(locked, naiveLocked);
            assertEq(weight, naiveWeight);
            assertLe(weight, locked);
        }
        assertLe(rewards.pool() + handler.minted(), model.scheduled());
        for (uint256 i = 0; i < miners.length; ++i) {
            uint256 exact = model.earnedX96(miners[i]) >> 96;
            uint256 got = handler.paid(miners[i]) + rewards.claimable(miners[i]);
            assertLe(got, exact);
            assertLe(exact, got + model.cuts(miners[i]));
        }
    }

    /// @dev Periods of a policy over all its miners, and what they may collect.
    struct Split {
        uint256 active;
        uint256 idle;
        uint256 coming;
        uint256 collectable;
        uint256 unproven;
    }

    function _splitOf(uint256 k, IPolicyManager.Terms memory terms, uint32 current)
        private
        view
        returns (Split memory split)
    {
        uint256 past = current <= terms.firstPeriod ? 0 : current - terms.firstPeriod;
        for (uint256 i = 0; i < terms.miners.length; ++i) {
            uint32 last = handler.lastOf(k, i);
            assertEq(policies.effectiveLastOf(terms, terms.miners[i]), last);
            uint256 length = last + 1 - terms.firstPeriod;
            uint256 done = past < length ? past : length;
            uint256 served = model.activeIn(terms.miners[i], terms.firstPeriod, terms.firstPeriod + done - 1);
            split.active += served;
            split.idle += done - served;
            split.coming += length - done;
            split.collectable += policies.collectable(terms, terms.miners[i]);
            (uint256 unproven,) = policies.unproven(terms, terms.miners[i]);
            split.unproven += unproven;
        }
    }

    /// @dev (e) Per policy: collected, refunded and owed are what the naive activity says, and the
    /// contract holds exactly the open remainders.
    function _policiesBalance() internal view {
        uint32 current = policies.currentPeriod();
        uint256 held;
        for (uint256 k = 0; k < handler.count(); ++k) {
            IPolicyManager.Terms memory terms = handler.termsOf(k);
            PolicyHandler.Ghost memory ghost = handler.ghostOf(k);
            IPolicyManager.State memory state = policies.stateOf(policies.policyId(terms));
            assertEq(state.effectiveLast, ghost.effectiveLast);
            Split memory split = _splitOf(k, terms, current);
            uint256 idle = policies.refundable(terms) - handler.overdueOf(k);
            assertEq(
                ghost.collected + ghost.returned + split.collectable + split.unproven,
                terms.rate * split.active
            );
            assertEq(ghost.refundedIdle + idle, terms.rate * split.idle);
            uint256 owed = split.collectable + split.unproven + idle + terms.rate * split.coming;
            assertEq(
                ghost.deposited,
                ghost.collected + ghost.returned + ghost.refundedIdle + ghost.refundedFuture + owed
            );
            held += owed;
        }
        assertEq(token.balanceOf(address(policies)), held);
    }

    /// @dev (f) No number is left out.
    function _sequences() internal view {
        assertEq(escrow.lastSeq(), handler.escrowSeq());
        assertEq(policies.lastSeq(), handler.policySeq());
    }

    /// @dev (g) After their lock everyone leaves with everything, and only dust stays in the pool.
    function _exit() internal {
        for (uint256 i = 0; i < miners.length; ++i) {
            IStakingEscrow.Position memory position = escrow.position(miners[i]);
            if (position.locked > 0 && position.unlockPeriod == 0) {
                vm.prank(miners[i]);
                escrow.setWindDown(true);
            }
        }
        vm.warp(vm.getBlockTimestamp() + (uint256(MAX_LOCK) + 2) * DAY);
        uint256 dust = model.booked();
        for (uint256 i = 0; i < miners.length; ++i) {
            IStakingEscrow.Position memory position = escrow.position(miners[i]);
            vm.prank(miners[i]);
            if (position.locked + position.unbonding > 0) {
                assertEq(escrow.withdraw(address(handler)), position.locked + position.unbonding);
            }
            handler.claim(i);
            dust += model.cuts(miners[i]);
        }
        for (uint256 k = 0; k < handler.count(); ++k) {
            for (uint256 i = 0; i < miners.length; ++i) {
                handler.collect(k, i);
            }
            handler.refund(k);
        }
        assertEq(token.balanceOf(address(escrow)), handler.donatedToEscrow());
        assertEq(token.balanceOf(address(policies)), 0);
        assertLe(rewards.pool(), dust);
    }

    function _act(uint256 action, uint256 a, uint256 b, uint256 c) internal {
        if (action < 3) handler.skip(a);
        else if (action < 8) handler.confirm(a, b);
        else if (action == 8) handler.deposit(a, b, c);
        else if (action == 9) handler.unbond(a, b);
        else if (action == 10) handler.claim(a);
        else if (action == 11) handler.toggleWindDown(a);
        else if (action == 12) handler.withdraw(a);
        else if (action == 13) handler.createPolicy(a, uint96(b), uint32(c), uint32(c >> 32));
        else if (action == 14) handler.collect(a, b);
        else if (c % 3 == 0) handler.refund(a);
        else if (c % 6 < 3) handler.extendPolicy(a, b);
        else if (c % 6 == 4) handler.revokeArrangement(a, b, c >> 8);
        else handler.revokePolicy(a, b);
    }

    function _all() internal view {
        _custody();
        _supply();
        _emission();
        _policiesBalance();
        _sequences();
    }
}

/// @notice The stateful runs, kappa off: the seed's formula.
contract PlainInvariants is InvariantBase {
    function _kappa() internal pure override returns (bool) {
        return false;
    }

    function invariant_custody() public view {
        _custody();
    }

    function invariant_supplyReserveAndPool() public view {
        _supply();
    }

    function invariant_emissionEqualsTheNaiveModel() public view {
        _emission();
    }

    function invariant_policiesBalance() public view {
        _policiesBalance();
    }

    function invariant_sequenceNumbers() public view {
        _sequences();
    }

    function afterInvariant() public {
        _exit();
    }
}

/// @notice The same with kappa on and a warm-up that the miners pass and fall back into, all in one.
contract KappaInvariants is InvariantBase {
    function _kappa() internal pure override returns (bool) {
        return true;
    }

    function _warmUp() internal pure override returns (uint96) {
        return 500_000 ether;
    }

    function invariant_allHold() public view {
        _all();
    }

    function afterInvariant() public {
        _exit();
    }
}

/// @notice Random histories from one seed, longer than the stateful runs, ended by everyone's exit; with
/// leases of one period, of seven, and as long as the shortest lock, kappa on and off, without a warm-up,
/// with one that is passed and fallen back into, and with one that nobody passes.
/// forge-config: default.fuzz.runs = 96
contract DifferentialTest is InvariantBase {
    function _kappa() internal pure override returns (bool) {
        return false;
    }

    uint96 private chosen;

    function setUp() public override {}

    function _warmUp() internal view override returns (uint96) {
        return chosen;
    }

    function testFuzz_randomHistoriesEqualTheNaiveModel(uint256 seed) public {
        uint96[3] memory warmUps = [0, 500_000 ether, uint96(CAP)];
        chosen = warmUps[(seed >> 16) % 3];
        uint32[3] memory leases = [1, LEASE, MIN_LOCK];
        _prepare(leases[seed % 3], (seed >> 8) % 2 == 0);
        for (uint256 i = 0; i < 150; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            _act(seed % 16, seed >> 8, seed >> 72, seed >> 136);
            if (i % 25 == 24) _all();
        }
        _exit();
    }
}
