// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "../base/KmsTest.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {IStakingEscrow} from "../../src/interfaces/IStakingEscrow.sol";

/// @notice Many policies at once, and the pause.
contract BatchTest is KmsTest {
    address[] private miners;
    address[] private workers;
    IPolicyManager.Terms private terms;

    function setUp() public override {
        super.setUp();
        (miners, workers) = _miners(3, 100);
        terms = _terms(miners, 30);
        _fund(alice, 1_000_000 ether);
        vm.prank(alice);
        token.approve(address(policies), type(uint256).max);
    }

    function _listOf(uint256 count) private view returns (IPolicyManager.Terms[] memory list) {
        list = new IPolicyManager.Terms[](count);
        for (uint256 i = 0; i < count; ++i) {
            list[i] = terms;
            list[i].salt = bytes32(i);
            list[i].lastPeriod -= uint32(i % 5);
        }
    }

    function _refuses(IPolicyManager.Terms[] memory list, bytes memory reason) private {
        uint256 held = token.balanceOf(address(policies));
        uint64 seq = policies.lastSeq();
        vm.prank(alice);
        vm.expectRevert(reason);
        policies.createPolicies(list, new bytes[](list.length));
        assertEq(token.balanceOf(address(policies)), held);
        assertEq(policies.lastSeq(), seq, "all or none");
    }

    // ---------------------------------------------------------------- createPolicies

    function testFuzz_oneTransferOfTheSum(uint8 count) public {
        IPolicyManager.Terms[] memory list = _listOf(bound(count, 1, 20));
        uint256 sum;
        for (uint256 i = 0; i < list.length; ++i) {
            sum += policies.priceOf(list[i]);
            vm.expectEmit(address(policies));
            emit IPolicyManager.PolicyCreated(
                uint64(i + 1), policies.policyId(list[i]), list[i].keysHash, alice, list[i], ""
            );
        }
        vm.expectCall(address(token), abi.encodeCall(token.transferFrom, (alice, address(policies), sum)), 1);
        vm.prank(alice);
        bytes32[] memory ids = policies.createPolicies(list, new bytes[](list.length));
        assertEq(token.balanceOf(address(policies)), sum);
        IPolicyManager.State[] memory states = policies.statesOf(ids);
        for (uint256 i = 0; i < list.length; ++i) {
            assertEq(ids[i], policies.policyId(list[i]));
            assertEq(states[i].effectiveLast, list[i].lastPeriod);
        }
    }

    function test_nothingIsLeftOfAnExactAllowance() public {
        IPolicyManager.Terms[] memory list = _listOf(5);
        uint256 sum;
        for (uint256 i = 0; i < 5; ++i) {
            sum += policies.priceOf(list[i]);
        }
        vm.startPrank(alice);
        token.approve(address(policies), sum - 1);
        vm.expectRevert();
        policies.createPolicies(list, new bytes[](list.length));
        token.approve(address(policies), sum);
        policies.createPolicies(list, new bytes[](list.length));
        vm.stopPrank();
        assertEq(token.allowance(alice, address(policies)), 0);
    }

    function test_oneBadEntryRefusesAll() public {
        IPolicyManager.Terms[] memory list = _listOf(4);
        list[3].rate = 0;
        _refuses(list, abi.encodeWithSelector(IPolicyManager.PolicyRateZero.selector));
        list[3] = list[0];
        _refuses(
            list, abi.encodeWithSelector(IPolicyManager.PolicyExists.selector, policies.policyId(list[0]))
        );
        list[3].sponsor = bob;
        _refuses(list, abi.encodeWithSelector(IPolicyManager.PolicySponsorMismatch.selector, bob, alice));
        list = _listOf(4);
        vm.prank(miners[2]);
        escrow.setMinRate(RATE + 1);
        _refuses(
            list,
            abi.encodeWithSelector(
                IStakingEscrow.EscrowMinerCannotServe.selector,
                miners[2],
                IStakingEscrow.Service.RateTooLow,
                RATE,
                list[0].lastPeriod
            )
        );
    }

    function test_noneAndTooMany() public {
        _refuses(_listOf(0), abi.encodeWithSelector(IPolicyManager.PolicyBatchInvalid.selector, 0, 256));
        _refuses(_listOf(257), abi.encodeWithSelector(IPolicyManager.PolicyBatchInvalid.selector, 257, 256));
    }

    // ---------------------------------------------------------------- views

    function test_batchViewsSayWhatTheSingleOnesDo() public {
        IPolicyManager.Terms[] memory list = _listOf(4);
        vm.prank(alice);
        policies.createPolicies(list, new bytes[](list.length));
        vm.prank(alice);
        policies.revokeArrangement(list[2], miners[0]);
        _confirm(workers[0], _now() + 5);
        _skip(4);
        uint256[] memory due = policies.collectableEach(list, miners[0], _delivered(list, miners[0]));
        uint256[] memory idle = policies.refundableEach(list);
        for (uint256 i = 0; i < 4; ++i) {
            assertEq(due[i], _collectable(list[i], miners[0]));
            assertEq(idle[i], policies.refundable(list[i]));
            assertEq(due[i], i == 2 ? 0 : 3 * RATE);
            assertEq(idle[i], 2 * 3 * uint256(RATE));
        }
    }

    function test_batchViewsAreBoundedAndStrict() public {
        bytes memory none = abi.encodeWithSelector(IPolicyManager.PolicyBatchInvalid.selector, 0, 256);
        bytes memory many = abi.encodeWithSelector(IPolicyManager.PolicyBatchInvalid.selector, 257, 256);
        IPolicyManager.Terms[] memory list = _listOf(0);
        vm.expectRevert(none);
        policies.statesOf(new bytes32[](0));
        vm.expectRevert(none);
        policies.collectableEach(list, miners[0], new IPolicyManager.Delivery[](0));
        vm.expectRevert(none);
        policies.refundableEach(list);
        list = _listOf(257);
        vm.expectRevert(many);
        policies.statesOf(new bytes32[](257));
        vm.expectRevert(many);
        policies.collectableEach(list, miners[0], new IPolicyManager.Delivery[](0));
        vm.expectRevert(many);
        policies.refundableEach(list);
        list = _listOf(1);
        bytes32 id = policies.policyId(list[0]);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyUnknown.selector, id));
        policies.refundableEach(list);
        assertEq(policies.statesOf(new bytes32[](256)).length, 256);
        assertFalse(policies.statesOf(new bytes32[](256))[255].exists);
    }

    // ---------------------------------------------------------------- multicall

    function test_aMulticallActsInTheCallersName() public {
        bytes[] memory calls = new bytes[](3);
        calls[0] = abi.encodeCall(policies.createPolicy, (terms, ""));
        calls[1] = abi.encodeCall(policies.extendPolicy, (terms, terms.lastPeriod + 2, new address[](0)));
        calls[2] = abi.encodeCall(policies.revokeArrangement, (terms, miners[0]));
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicySponsorMismatch.selector, alice, bob));
        policies.multicall(calls);
        vm.prank(alice);
        policies.multicall(calls);
        assertEq(token.balanceOf(address(policies)), 2 * 32 * uint256(RATE));
        assertEq(policies.lastSeq(), 3);
    }

    // ---------------------------------------------------------------- pause

    function _pause(uint32 through) private {
        vm.prank(address(control));
        policies.setPause(through);
    }

    function testFuzz_onlyControlPauses(address caller) public {
        vm.assume(caller != address(control));
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyNotControl.selector, caller));
        policies.setPause(100);
        assertEq(policies.control(), address(control));
        assertEq(policies.pausedThrough(), 0);
    }

    function test_aPauseHoldsUpCreationsThroughItsLastSecond() public {
        _fund(alice, 3_000 ether);
        bytes32 id = _create(terms);
        uint32 through = _now() + 2;
        vm.expectEmit(address(policies));
        emit IPolicyManager.PoliciesPaused(through);
        _pause(through);
        assertEq(policies.pausedThrough(), through);
        assertEq(policies.lastSeq(), 1, "the counter beside it is untouched");
        vm.warp(GENESIS + uint256(through) * DAY - 1);
        bytes memory reason = abi.encodeWithSelector(IPolicyManager.PolicyPaused.selector, through);
        IPolicyManager.Terms memory next = _terms(miners, 10);
        IPolicyManager.Terms[] memory list = _one(next);
        uint256 price = policies.priceOf(next);
        vm.startPrank(alice);
        token.approve(address(policies), type(uint256).max);
        vm.expectRevert(reason);
        policies.createPolicy(next, "");
        vm.expectRevert(reason);
        policies.createPolicies(list, new bytes[](list.length));
        vm.expectRevert(reason);
        policies.createPolicyWithPermit(next, "", 0, 27, bytes32(0), bytes32(0));
        vm.expectRevert(reason);
        policies.createPolicyWithQuotes(next, "", new IPolicyManager.Quote[](3));
        vm.expectRevert(reason);
        token.transferAndCall(address(policies), price, abi.encodeCall(policies.createPolicy, (next, "")));
        // A policy that ends meanwhile could not be extended any more.
        policies.extendPolicy(terms, terms.lastPeriod + 1, new address[](0));
        vm.warp(GENESIS + uint256(through) * DAY);
        policies.createPolicy(_terms(miners, 10), "");
        policies.extendPolicy(terms, terms.lastPeriod + 2, new address[](0));
        vm.stopPrank();
        assertEq(policies.lastSeq(), 4);
        assertEq(policies.pausedThrough(), through, "a new number leaves the pause as it was");
        assertTrue(policies.stateOf(id).exists);
    }

    function test_aPauseStopsNoExit() public {
        _create(terms);
        terms.salt = bytes32(uint256(1));
        _create(terms);
        _confirm(workers[0], _now() + LEASE);
        _pause(type(uint32).max);
        _skip(5);
        vm.prank(miners[0]);
        assertEq(policies.collect(_one(terms), miners[0], _delivered(_one(terms), miners[0])), 4 * RATE);
        policies.refund(terms);
        vm.startPrank(alice);
        policies.revokeArrangement(terms, miners[1]);
        policies.revokePolicy(terms);
        vm.stopPrank();
        assertEq(policies.lastSeq(), 4);
        assertEq(policies.pausedThrough(), type(uint32).max);
    }

    function test_aPauseIsLifted() public {
        _pause(_now() + 10);
        _pause(0);
        vm.prank(alice);
        policies.createPolicy(terms, "");
    }

    function test_onePaymentCreatesThemAllAndLeavesNoAllowance() public {
        IPolicyManager.Terms[] memory list = _listOf(3);
        uint256 price;
        for (uint256 i = 0; i < list.length; ++i) {
            price += policies.priceOf(list[i]);
        }
        uint256 held = token.balanceOf(alice);
        bytes memory data = abi.encodeCall(policies.createPolicies, (list, new bytes[](3)));
        vm.startPrank(alice);
        token.approve(address(policies), 0);
        vm.expectRevert(
            abi.encodeWithSelector(IPolicyManager.PolicyPaymentMismatch.selector, price + 1, price)
        );
        token.transferAndCall(address(policies), price + 1, data);
        token.transferAndCall(address(policies), price, data);
        vm.expectRevert();
        token.transferAndCall(address(policies), 1, data);
        vm.stopPrank();
        for (uint256 i = 0; i < list.length; ++i) {
            assertTrue(policies.stateOf(policies.policyId(list[i])).exists);
        }
        assertEq(token.balanceOf(alice), held - price);
        assertEq(token.allowance(alice, address(policies)), 0);
    }
}
