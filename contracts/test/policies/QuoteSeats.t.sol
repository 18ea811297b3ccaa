// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {QuoteTest} from "../base/QuoteTest.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";

/// @notice Seats of a quote, who may take them, and the end of a quote.
contract QuoteSeatsTest is QuoteTest {
    // ---------------------------------------------------------------- seats that are free again

    /// @dev Once, creating and revoking used a quote up for the price of the gas.
    function test_creatingAndRevokingUsesNoSeatUp() public {
        for (uint256 i = 0; i < 5; ++i) {
            terms.salt = bytes32(i);
            bytes32 id = _createQuoted();
            assertEq(_holder(0, 0), id);
            vm.prank(alice);
            policies.revokePolicy(terms);
            assertEq(_holder(0, 0), 0);
            assertEq(_holder(1, 0), 0);
        }
        assertEq(token.balanceOf(address(policies)), 0);
    }

    function test_anArrangementThatNeverBeganFreesItsSeatAlone() public {
        bytes32 id = _createQuoted();
        vm.prank(alice);
        policies.revokeArrangement(terms, miners[0]);
        assertEq(_holder(0, 0), 0);
        assertEq(_holder(1, 0), id, "the other miner serves");
        terms.salt = keccak256("next");
        _refuses(abi.encodeWithSelector(IPolicyManager.PolicyQuoteSeatTaken.selector, miners[1], 0, id));
        quotes[1].seat = 1;
        bytes32 next = _createQuoted();
        assertEq(_holder(0, 0), next);
        assertEq(_holder(1, 0), id);
        assertEq(_holder(1, 1), next);
    }

    /// @dev What has begun was paid for one period at least: the seat is used.
    function test_aPolicyThatBeganKeepsItsSeat() public {
        bytes32 id = _createQuoted();
        _skip(1);
        vm.startPrank(alice);
        policies.revokeArrangement(terms, miners[0]);
        policies.revokePolicy(terms);
        vm.stopPrank();
        assertEq(_holder(0, 0), id);
        assertEq(_holder(1, 0), id);
        _skip(100);
        assertEq(_holder(0, 0), id);
    }

    // ---------------------------------------------------------------- taker and cancellation

    function test_aNamedTakerAloneMayUseIt() public {
        quotes[0].taker = bob;
        _resign();
        _refuses(
            abi.encodeWithSelector(IPolicyManager.PolicyQuoteNotForSponsor.selector, miners[0], bob, alice)
        );
        quotes[0].taker = alice;
        _refusesSignature();
        _resign();
        assertTrue(policies.stateOf(_createQuoted()).exists);
    }

    function test_theMinerAndItsWorkerCancel() public {
        (address[2] memory by, bytes32 digest) =
            ([miners[0], escrow.workerOf(miners[0])], _hash(miners[0], quotes[0], address(policies)));
        for (uint256 i = 0; i < 2; ++i) {
            uint256 snapshot = vm.snapshotState();
            vm.expectEmit(address(policies));
            emit IPolicyManager.QuoteCancelled(miners[0], digest);
            vm.prank(by[i]);
            policies.cancelQuote(miners[0], quotes[0]);
            assertTrue(policies.quoteCancelled(digest));
            _refuses(
                abi.encodeWithSelector(IPolicyManager.PolicyQuoteIsCancelled.selector, miners[0], digest)
            );
            vm.revertToState(snapshot);
        }
        assertFalse(policies.quoteCancelled(digest));
        _createQuoted();
    }

    function test_nobodyElseCancels() public {
        address[4] memory others = [alice, miners[1], escrow.workerOf(miners[1]), address(policies)];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(
                abi.encodeWithSelector(IPolicyManager.PolicyNotMinerOrWorker.selector, others[i], miners[0])
            );
            policies.cancelQuote(miners[0], quotes[0]);
        }
        // Nor does a worker cancel after its dismissal.
        address worker = escrow.workerOf(miners[0]);
        vm.prank(miners[0]);
        escrow.unbondWorker();
        vm.prank(worker);
        vm.expectRevert(
            abi.encodeWithSelector(IPolicyManager.PolicyNotMinerOrWorker.selector, worker, miners[0])
        );
        policies.cancelQuote(miners[0], quotes[0]);
    }

    function test_aCancellationLeavesThePoliciesOfTheQuote() public {
        bytes32 id = _createQuoted();
        vm.prank(miners[0]);
        policies.cancelQuote(miners[0], quotes[0]);
        assertTrue(policies.stateOf(id).exists);
        // And the quotes of another salt.
        terms.salt = keccak256("next");
        (quotes[0].salt, quotes[1].seat) = (keccak256("another"), 1);
        _resign();
        _createQuoted();
    }
}
