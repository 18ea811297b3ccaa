// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "../base/KmsTest.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {IStakingEscrow} from "../../src/interfaces/IStakingEscrow.sol";

contract SettleTest is KmsTest {
    address[] private miners;
    address[] private workers;
    IPolicyManager.Terms private terms;
    bytes32 private id;

    function setUp() public override {
        super.setUp();
        (miners, workers) = _miners(3, 100);
        terms = _terms(miners, 30);
        id = _create(terms);
    }

    function _collect(address miner) private returns (uint256) {
        vm.prank(miner);
        return policies.collect(_one(terms), miner, _delivered(_one(terms), miner));
    }

    // ---------------------------------------------------------------- collect

    function test_paysActiveCompletedPeriodsOnly() public {
        _confirm(workers[0], _now() + 5);
        _skip(3);
        assertEq(_collectable(terms, miners[0]), 2 * RATE);
        vm.expectEmit(address(policies));
        emit IPolicyManager.FeesCollected(id, miners[0], _now() - 1, 2 * RATE);
        assertEq(_collect(miners[0]), 2 * RATE);
        assertEq(token.balanceOf(miners[0]), 2 * RATE);
        assertEq(policies.paidThrough(terms, miners[0]), _now() - 1);
        assertEq(policies.paidThrough(terms, miners[1]), terms.firstPeriod - 1);
        _skip(30);
        assertEq(_collect(miners[0]), 3 * RATE);
        vm.prank(miners[0]);
        vm.expectRevert(
            abi.encodeWithSelector(IPolicyManager.PolicyNothingToCollect.selector, id, miners[0])
        );
        policies.collect(_one(terms), miners[0], _delivered(_one(terms), miners[0]));
    }

    function test_theWorkerCollectsForItsMiner() public {
        _confirm(workers[1], _now() + 5);
        _skip(3);
        vm.prank(workers[1]);
        policies.collect(_one(terms), miners[1], _delivered(_one(terms), miners[1]));
        assertEq(token.balanceOf(miners[1]), 2 * RATE);
        assertEq(token.balanceOf(workers[1]), 0);
    }

    function test_nobodyCollectsForAnother() public {
        _confirm(workers[0], _now() + 5);
        _skip(3);
        vm.prank(workers[1]);
        vm.expectRevert(
            abi.encodeWithSelector(IPolicyManager.PolicyNotMinerOrWorker.selector, workers[1], miners[0])
        );
        policies.collect(_one(terms), miners[0], _delivered(_one(terms), miners[0]));
        address stranger = makeAddr("stranger");
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyMinerUnknown.selector, id, stranger));
        policies.collect(_one(terms), stranger, _delivered(_one(terms), stranger));
        terms.rate *= 2;
        bytes32 other = policies.policyId(terms);
        vm.prank(miners[0]);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyUnknown.selector, other));
        policies.collect(_one(terms), miners[0], _delivered(_one(terms), miners[0]));
    }

    function test_collectFromNoneOneAndTheSameTwice() public {
        _confirm(workers[0], _now() + 5);
        _skip(3);
        vm.prank(miners[0]);
        vm.expectRevert(
            abi.encodeWithSelector(IPolicyManager.PolicyNothingToCollect.selector, bytes32(0), miners[0])
        );
        policies.collect(new IPolicyManager.Terms[](0), miners[0], new IPolicyManager.Delivery[](0));
        IPolicyManager.Terms[] memory list = new IPolicyManager.Terms[](2);
        (list[0], list[1]) = (terms, terms);
        vm.prank(miners[0]);
        assertEq(policies.collect(list, miners[0], _delivered(list, miners[0])), 2 * RATE, "paid once");
    }

    function test_feesOfSkippedPeriodsAreCredited() public {
        // January 2018: mint passed the previous period, so fees of skipped periods were never paid.
        uint32 start = _now();
        _confirm(workers[0], start + 2);
        _goto(start + 5);
        _confirm(workers[0], start + 7);
        _goto(start + 12);
        _confirm(workers[0], start + 13);
        _goto(start + 40);
        assertEq(_collect(miners[0]), 5 * RATE);
    }

    function test_countsBeyondTheFirstWord() public {
        (miners, workers) = _miners(32, 100);
        terms = _terms(miners, 30);
        id = _create(terms);
        for (uint256 i = 0; i < 32; ++i) {
            _confirm(workers[i], _now() + uint32(i % LEASE) + 1);
        }
        _skip(4);
        for (uint256 round = 0; round < 2; ++round) {
            for (uint256 i = 32; i > 0; --i) {
                if (_collectable(terms, miners[i - 1]) > 0) _collect(miners[i - 1]);
            }
            _skip(30);
        }
        for (uint256 i = 0; i < 32; ++i) {
            assertEq(token.balanceOf(miners[i]), RATE * (i % LEASE + 1));
        }
        policies.refund(terms);
        // The policies of setUp are still whole.
        assertEq(token.balanceOf(address(policies)), 3 * 30 * uint256(RATE));
    }

    // ---------------------------------------------------------------- refund

    function test_idlePeriodsReturnToTheSponsor() public {
        // January 2018: the refund was the rate times the *active* periods, and could be repeated.
        _confirm(workers[0], _now() + 5);
        _skip(3);
        uint256 idle = 2 * 2 * uint256(RATE);
        assertEq(policies.refundable(terms), idle);
        vm.expectEmit(address(policies));
        emit IPolicyManager.PolicyRefunded(id, _now() - 1, idle);
        vm.prank(bob);
        assertEq(policies.refund(terms), idle);
        assertEq(token.balanceOf(alice), idle);
        assertEq(policies.stateOf(id).refundedThrough, _now() - 1);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyNothingToRefund.selector, id));
        policies.refund(terms);
    }

    function test_nothingIsRefundedWhenAllWereActive() public {
        for (uint256 i = 0; i < 3; ++i) {
            _confirm(workers[i], _now() + 5);
        }
        _skip(4);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyNothingToRefund.selector, id));
        policies.refund(terms);
    }

    function test_aMinerThatLeftIsNotPaidForTheRest() public {
        _confirm(workers[0], _now() + 5);
        _skip(1);
        vm.prank(miners[0]);
        escrow.unbond(MIN_LOCKED);
        _skip(60);
        assertEq(_collect(miners[0]), 5 * RATE);
        policies.refund(terms);
        assertEq(token.balanceOf(address(policies)), 0);
    }

    function test_aDonationChangesNoFee() public {
        _confirm(workers[0], _now() + 5);
        _fund(address(policies), 100 ether);
        _skip(40);
        assertEq(_collect(miners[0]), 5 * RATE);
        assertEq(policies.refund(terms), 85 * uint256(RATE));
        assertEq(token.balanceOf(address(policies)), 100 ether, "only the donation stays");
    }

    function test_feesArriveExactlyAtThePeriodEdge() public {
        _confirm(workers[0], _now() + 1);
        uint256 edge = GENESIS + uint256(terms.firstPeriod) * DAY;
        vm.warp(edge - 1);
        assertEq(_collectable(terms, miners[0]), 0);
        vm.warp(edge);
        assertEq(_collectable(terms, miners[0]), RATE);
    }

    function test_idleFeesReturnExactlyAtThePeriodEdge() public {
        uint256 edge = GENESIS + uint256(terms.firstPeriod) * DAY;
        vm.warp(edge - 1);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyNothingToRefund.selector, id));
        policies.refund(terms);
        vm.warp(edge);
        assertEq(policies.refundable(terms), 3 * RATE);
        vm.warp(edge + 1);
        assertEq(policies.refund(terms), 3 * RATE);
    }

    function test_anExtensionComesBeforeTheEnd() public {
        uint32 last = terms.lastPeriod;
        uint256 end = GENESIS + uint256(last) * DAY;
        _fund(alice, 3 ether);
        vm.startPrank(alice);
        token.approve(address(policies), 3 ether);
        for (uint256 time = end + 1; time >= end; --time) {
            vm.warp(time);
            vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyEnded.selector, id, last));
            policies.extendPolicy(terms, last + 1, new address[](0));
        }
        vm.warp(end - 1);
        policies.extendPolicy(terms, last + 1, new address[](0));
        vm.stopPrank();
    }

    /// @dev Any activity, any order and number of settlements: the deposit is divided without a rest.
    function testFuzz_depositIsCollectedPlusRefunded(uint256 seed, uint96 rate) public {
        terms.rate = uint96(bound(rate, 1, 10 ether));
        terms.salt = keccak256(abi.encode(seed));
        uint256 before = token.balanceOf(address(policies));
        _create(terms);
        uint256 held = token.balanceOf(alice);
        for (uint256 i = 0; i < 12; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 who = seed % 3;
            (uint32 leased,) = rewards.leaseOf(miners[who]);
            if (leased < _now() + LEASE) _confirm(workers[who], _now() + LEASE);
            if (_collectable(terms, miners[who]) > 0 && seed % 5 == 0) _collect(miners[who]);
            if (policies.refundable(terms) > 0 && seed % 7 == 0) policies.refund(terms);
            if (i == 8 && seed % 2 == 0 && _now() <= terms.lastPeriod) {
                vm.prank(alice);
                policies.revokePolicy(terms);
            }
            _skip(seed % 6);
        }
        _goto(terms.lastPeriod + 1);
        for (uint256 i = 0; i < 3; ++i) {
            if (_collectable(terms, miners[i]) > 0) _collect(miners[i]);
        }
        if (policies.refundable(terms) > 0) policies.refund(terms);
        assertEq(token.balanceOf(address(policies)), before, "nothing of this policy is left");
        uint256 paid = token.balanceOf(miners[0]) + token.balanceOf(miners[1]) + token.balanceOf(miners[2]);
        assertEq(token.balanceOf(alice) - held + paid, policies.priceOf(terms));
    }

    // ---------------------------------------------------------------- extend

    function test_theAuthorPaysForAnExtensionAndTheSponsorIsRefunded() public {
        uint256 price = 3 * 10 * uint256(RATE);
        terms.author = bob; // alice stays the sponsor
        id = _create(terms);
        _fund(bob, price);
        vm.startPrank(bob);
        token.approve(address(policies), price);
        vm.expectEmit(address(policies));
        emit IPolicyManager.PolicyExtended(3, id, terms.lastPeriod + 10, bob);
        policies.extendPolicy(terms, terms.lastPeriod + 10, new address[](0));
        vm.stopPrank();
        assertEq(token.balanceOf(bob), 0);
        assertEq(policies.stateOf(id).effectiveLast, terms.lastPeriod + 10);
        uint256 held = token.balanceOf(alice);
        _skip(60);
        policies.refund(terms);
        assertEq(token.balanceOf(alice) - held, 3 * 40 * uint256(RATE));
    }

    function test_noReaderAndNoSponsorProlongsWhatTheAuthorGranted() public {
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyNotAuthor.selector, bob));
        policies.extendPolicy(terms, terms.lastPeriod + 1, new address[](0));
        terms.author = bob;
        id = _create(terms);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyNotAuthor.selector, alice));
        policies.extendPolicy(terms, terms.lastPeriod + 1, new address[](0));
    }

    function test_anExtensionIsOneOfALivingPolicyWithWillingMiners() public {
        uint32 last = terms.lastPeriod;
        vm.startPrank(alice);
        vm.expectRevert(
            abi.encodeWithSelector(
                IPolicyManager.PolicyPeriodsInvalid.selector, terms.firstPeriod, last, _now()
            )
        );
        policies.extendPolicy(terms, last, new address[](0));
        vm.expectRevert(
            abi.encodeWithSelector(IPolicyManager.PolicyTooLong.selector, MAX_POLICY + 1, MAX_POLICY)
        );
        policies.extendPolicy(terms, terms.firstPeriod + MAX_POLICY, new address[](0));
        vm.expectRevert(
            abi.encodeWithSelector(
                IStakingEscrow.EscrowMinerCannotServe.selector,
                miners[0],
                IStakingEscrow.Service.LockTooShort,
                RATE,
                _now() + 101 - EVIDENCE
            )
        );
        policies.extendPolicy(terms, _now() + 101 - EVIDENCE, new address[](0));
        uint256 snapshot = vm.snapshotState();
        policies.revokePolicy(terms);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyAlreadyRevoked.selector, id));
        policies.extendPolicy(terms, last + 1, new address[](0));
        vm.revertToState(snapshot);
        _goto(last + 1);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyEnded.selector, id, last));
        policies.extendPolicy(terms, last + 10, new address[](0));
        terms.salt = bytes32(uint256(9));
        bytes32 other = policies.policyId(terms);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyUnknown.selector, other));
        policies.extendPolicy(terms, last + 10, new address[](0));
        vm.stopPrank();
    }

    function test_extensionKeepsCountsAndFees() public {
        _confirm(workers[0], _now() + 5);
        _skip(6);
        _collect(miners[0]);
        policies.refund(terms);
        _fund(alice, 30 ether);
        vm.startPrank(alice);
        token.approve(address(policies), 30 ether);
        policies.extendPolicy(terms, terms.lastPeriod + 10, new address[](0));
        vm.stopPrank();
        assertEq(_collectable(terms, miners[0]), 0);
        assertEq(policies.refundable(terms), 0);
        _skip(1);
        assertEq(policies.refundable(terms), 3 * uint256(RATE));
    }
}
