// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "../base/KmsTest.sol";
import {NaivePolicies} from "../base/NaivePolicies.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";

/// @notice Random histories of a policy beside the naive table. After every step, to the last unit,
/// deposit = collected + refunded + owed, and what is owed is what the contract holds.
contract HistoryTest is KmsTest {
    struct Ghost {
        uint256 deposited;
        uint256 collected;
        uint256 refunded;
        uint256 acted;
    }

    uint256 private constant STEPS = 60;

    address[] private miners;
    address[] private workers;
    IPolicyManager.Terms private terms;
    NaivePolicies private model;
    Ghost private ghost;
    bytes32 private id;
    /// @dev Period in which each miner is given its kfrag; 0 for never.
    mapping(uint256 index => uint32) private deliveredIn;

    function setUp() public override {
        super.setUp();
        (miners, workers) = _miners(11, 1_000); // two more than the word has room for
        _fund(alice, 1_000_000 ether);
        vm.prank(alice);
        token.approve(address(policies), type(uint256).max);
    }

    /// forge-config: default.fuzz.runs = 128
    function testFuzz_everyFeeIsCollectedRefundedOrOwed(uint256 seed, uint96 rate) public {
        _begin(seed, uint96(bound(rate, 1, 1 ether)));
        for (uint256 i = 0; i < STEPS; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            _step(seed % 16, seed >> 8, seed >> 72);
            _identity();
        }
        _goto(model.last() + 1);
        _settleAll();
        _goto(model.last() + MIN_LOCK + 1);
        _refund();
        assertEq(ghost.deposited, ghost.collected + ghost.refunded, "nothing is left over");
        assertEq(token.balanceOf(address(policies)), 0);
    }

    /// @dev The histories would prove nothing if most steps did nothing.
    function test_mostStepsAct() public {
        uint256 acted;
        for (uint256 run = 0; run < 8; ++run) {
            uint256 snapshot = vm.snapshotState();
            testFuzz_everyFeeIsCollectedRefundedOrOwed(uint256(keccak256(abi.encode(run))), 7);
            uint256 actions = ghost.acted;
            vm.revertToState(snapshot);
            acted += actions;
        }
        assertGt(acted, 8 * STEPS / 4);
    }

    function _begin(uint256 seed, uint96 rate) private {
        address[] memory some = new address[](seed % 2 == 0 ? 3 : 11);
        for (uint256 i = 0; i < some.length; ++i) {
            some[i] = miners[i];
        }
        terms = _terms(some, 20 + uint32(seed >> 8) % 20);
        terms.firstPeriod += uint32(seed >> 16) % 4;
        terms.rate = rate;
        model = new NaivePolicies(terms, MIN_LOCK);
        vm.prank(alice);
        id = policies.createPolicy(terms, "");
        ghost.deposited = policies.priceOf(terms);
        for (uint256 i = 0; i < some.length; ++i) {
            uint256 when = (seed >> (32 + 4 * i)) % 16;
            if (when > 3) deliveredIn[i] = terms.firstPeriod + uint32(when < 10 ? 0 : 2 * (when - 10)) - 1;
        }
    }

    function _proof(uint256 index) private view returns (IPolicyManager.Delivery[] memory deliveries) {
        deliveries = new IPolicyManager.Delivery[](1);
        deliveries[0] = _deliveredIn(terms, terms.miners[index], deliveredIn[index]);
    }

    /// @dev What the miner can collect with its delivery, if it has one.
    function _due(uint256 index) private view returns (uint256) {
        return policies.collectableEach(_one(terms), terms.miners[index], _proof(index))[0];
    }

    function _step(uint256 action, uint256 a, uint256 b) private {
        if (action < 4) _skip(a % 3);
        else if (action < 8) _activity(a % terms.miners.length, b);
        else if (action < 10) _collect(a % terms.miners.length);
        else if (action < 12) _refund();
        else if (action < 13) _extend(uint32(a % 6));
        else if (action < 15) _revokeArrangement(a % terms.miners.length);
        else if (a % 3 == 0) _revoke();
    }

    function _activity(uint256 index, uint256 length) private {
        uint32 through = _now() + 1 + uint32(length % LEASE);
        (uint32 leased,) = rewards.leaseOf(terms.miners[index]);
        if (through <= leased) return;
        _confirm(workers[index], through);
        model.confirm(index, _now() + 1, through);
        ++ghost.acted;
    }

    function _collect(uint256 index) private {
        address miner = terms.miners[index];
        (uint256 expected, uint256 returned) = model.collect(index, _now(), deliveredIn[index]);
        assertEq(_due(index), expected);
        uint256 before = token.balanceOf(alice);
        vm.prank(miner);
        if (expected == 0) {
            vm.expectRevert(
                abi.encodeWithSelector(IPolicyManager.PolicyNothingToCollect.selector, id, miner)
            );
            policies.collect(_one(terms), miner, _proof(index));
            return;
        }
        assertEq(policies.collect(_one(terms), miner, _proof(index)), expected);
        assertEq(token.balanceOf(alice) - before, returned);
        ghost.collected += expected;
        ghost.refunded += returned;
        ++ghost.acted;
    }

    function _refund() private {
        uint256 expected = model.refund(_now());
        assertEq(policies.refundable(terms), expected);
        if (expected == 0) {
            vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyNothingToRefund.selector, id));
            policies.refund(terms);
            return;
        }
        assertEq(policies.refund(terms), expected);
        ghost.refunded += expected;
        ++ghost.acted;
    }

    function _extend(uint32 by) private {
        uint32 newLast = model.last() + by;
        bytes memory reason = _whyDead();
        if (reason.length == 0 && by == 0) {
            reason = abi.encodeWithSelector(
                IPolicyManager.PolicyPeriodsInvalid.selector, terms.firstPeriod, newLast, _now()
            );
        } else if (reason.length == 0 && _noneIsLeft()) {
            reason = abi.encodeWithSelector(IPolicyManager.PolicyMinersInvalid.selector, 0);
        }
        uint256 before = token.balanceOf(alice);
        vm.prank(alice);
        if (reason.length > 0) {
            vm.expectRevert(reason);
            policies.extendPolicy(terms, newLast, new address[](0));
            return;
        }
        policies.extendPolicy(terms, newLast, new address[](0));
        uint256 price = model.extend(newLast);
        assertEq(before - token.balanceOf(alice), price);
        ghost.deposited += price;
        ++ghost.acted;
    }

    function _revokeArrangement(uint256 index) private {
        address miner = terms.miners[index];
        bytes memory reason = _whyDead();
        if (reason.length == 0 && model.revokedAlone(index)) {
            reason = abi.encodeWithSelector(IPolicyManager.PolicyArrangementRevoked.selector, id, miner);
        }
        vm.prank(alice);
        if (reason.length > 0) {
            vm.expectRevert(reason);
            policies.revokeArrangement(terms, miner);
            return;
        }
        uint256 amount = policies.revokeArrangement(terms, miner);
        assertEq(amount, model.revokeArrangement(index, _now()));
        ghost.refunded += amount;
        ++ghost.acted;
    }

    function _revoke() private {
        bytes memory reason = _whyDead();
        vm.prank(alice);
        if (reason.length > 0) {
            vm.expectRevert(reason);
            policies.revokePolicy(terms);
            return;
        }
        uint256 amount = policies.revokePolicy(terms);
        assertEq(amount, model.revoke(_now()));
        ghost.refunded += amount;
        ++ghost.acted;
    }

    function _settleAll() private {
        for (uint256 i = 0; i < terms.miners.length; ++i) {
            _collect(i);
        }
        _refund();
    }

    function _identity() private view {
        (uint256 all, uint256 settleable) = model.owed(_now());
        assertEq(ghost.deposited, ghost.collected + ghost.refunded + all);
        assertEq(token.balanceOf(address(policies)), all);
        uint256 due = policies.refundable(terms);
        for (uint256 i = 0; i < terms.miners.length; ++i) {
            address miner = terms.miners[i];
            (uint256 unproven,) = policies.unproven(terms, miner);
            if (model.provedIn(i) == 0) {
                assertEq(unproven, model.count(i, 0, _now()));
                assertEq(policies.collectable(terms, miner), 0, "nothing without a proof");
            }
            // What is overdue is refundable.
            due += policies.collectable(terms, miner) + (model.isOverdue(i, _now()) ? 0 : unproven);
            (,, uint256 earned) = policies.caseOf(terms, miner);
            assertEq(earned, model.earned(i, _now()));
        }
        assertEq(due, settleable, "a completed period is the miner's or the sponsor's");
        IPolicyManager.State memory state = policies.stateOf(id);
        assertEq(state.effectiveLast, model.last());
        assertEq(state.revoked, model.revoked());
    }

    function _whyDead() private view returns (bytes memory) {
        if (model.revoked()) {
            return abi.encodeWithSelector(IPolicyManager.PolicyAlreadyRevoked.selector, id);
        }
        if (_now() > model.last()) {
            return abi.encodeWithSelector(IPolicyManager.PolicyEnded.selector, id, model.last());
        }
        return "";
    }

    function _noneIsLeft() private view returns (bool) {
        for (uint256 i = 0; i < terms.miners.length; ++i) {
            if (!model.revokedAlone(i)) return false;
        }
        return true;
    }
}
