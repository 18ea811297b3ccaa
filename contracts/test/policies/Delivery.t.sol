// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Deliveries} from "../base/Deliveries.sol";
import {KmsTest} from "../base/KmsTest.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";

/// @notice Fees flow from the delivery of the kfrag on, which the author's word proves, and from nothing
/// else.
contract DeliveryTest is KmsTest {
    address[] private miners;
    address[] private workers;
    IPolicyManager.Terms private terms;
    bytes32 private id;
    uint256 private held; // of alice, before anything returns

    function setUp() public override {
        super.setUp();
        (miners, workers) = _miners(3, 1_000);
        terms = _terms(miners, 30);
        id = _create(terms);
        held = token.balanceOf(alice);
    }

    function _none() private pure returns (IPolicyManager.Delivery[] memory) {
        return new IPolicyManager.Delivery[](0);
    }

    function _in(uint256 who, uint32 period) private view returns (IPolicyManager.Delivery[] memory given) {
        given = new IPolicyManager.Delivery[](1);
        given[0] = _deliveredIn(terms, miners[who], period);
    }

    function _collect(uint256 who, IPolicyManager.Delivery[] memory given) private returns (uint256) {
        vm.prank(miners[who]);
        return policies.collect(_one(terms), miners[who], given);
    }

    function _refuses(uint256 who, IPolicyManager.Delivery[] memory given, bytes memory reason) private {
        vm.prank(miners[who]);
        vm.expectRevert(reason);
        policies.collect(_one(terms), miners[who], given);
    }

    function _nothingDue(uint256 who) private view returns (bytes memory) {
        return abi.encodeWithSelector(IPolicyManager.PolicyNothingToCollect.selector, id, miners[who]);
    }

    function _invalid(uint256 who) private view returns (bytes memory) {
        return abi.encodeWithSelector(IPolicyManager.PolicyDeliveryInvalid.selector, id, miners[who]);
    }

    function _returnedToAlice() private view returns (uint256) {
        return token.balanceOf(alice) - held;
    }

    /// @dev Through the last period, active in all of them.
    function _serveAll(uint256 who) private {
        _stayActiveUntil(workers[who], terms.lastPeriod + 1);
    }

    // ---------------------------------------------------------------- never delivered

    /// @dev What the miner without a node did: lease once a week, and collect.
    function test_aMinerThatNeverHadItsKfragCollectsNothingAndTheSponsorGetsItAllBack() public {
        _serveAll(0);
        assertEq(policies.collectable(terms, miners[0]), 0);
        _refuses(0, _none(), _nothingDue(0));
        IPolicyManager.Delivery[] memory empty = new IPolicyManager.Delivery[](1);
        _refuses(0, empty, _nothingDue(0));

        assertEq(policies.refund(terms), 60 * uint256(RATE), "the idle ones at once");
        (uint256 fees, uint256 through) = policies.unproven(terms, miners[0]);
        assertEq(fees, 30 * uint256(RATE));
        assertEq(through, terms.lastPeriod + MIN_LOCK);
        _goto(through);
        assertEq(policies.refundable(terms), 0);
        _goto(through + 1);
        assertEq(policies.refundable(terms), fees);
        vm.expectEmit(address(policies));
        emit IPolicyManager.FeesReturned(id, miners[0], terms.lastPeriod, fees);
        assertEq(policies.refund(terms), fees);
        assertEq(_returnedToAlice(), policies.priceOf(terms));
        assertEq(token.balanceOf(address(policies)), 0);

        // Too late.
        (fees,) = policies.unproven(terms, miners[0]);
        assertEq(fees, 0);
        _refuses(0, _in(0, terms.firstPeriod), _nothingDue(0));
        assertEq(policies.paidThrough(terms, miners[0]), terms.firstPeriod - 1);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyNothingToRefund.selector, id));
        policies.refund(terms);
    }

    /// @dev The wait is the sponsor's, not the miner's: until somebody fetches them the fees are there.
    function test_aProofAfterTheTimeCountsUntilTheFeesReturn() public {
        _serveAll(0);
        _goto(terms.lastPeriod + MIN_LOCK + 100);
        assertEq(_collect(0, _in(0, terms.firstPeriod)), 30 * uint256(RATE));
        assertEq(policies.refund(terms), 60 * uint256(RATE));
        assertEq(token.balanceOf(address(policies)), 0);
    }

    /// @dev Beyond the miners of the word, proved, unproved and idle ones beside each other.
    function test_thirtyTwoMinersOfWhichHalfProveNothing() public {
        (miners, workers) = _miners(32, 1_000);
        terms = _terms(miners, 5);
        id = _create(terms);
        held = token.balanceOf(alice);
        for (uint256 i = 0; i < 32; ++i) {
            if (i % 4 != 3) _confirm(workers[i], _now() + LEASE);
        }
        _goto(terms.lastPeriod + 1);
        for (uint256 i = 0; i < 32; i += 2) {
            if (i % 4 == 0) assertEq(_collect(i, _in(i, 1)), 5 * RATE);
        }
        assertEq(policies.refund(terms), 8 * 5 * uint256(RATE));
        _goto(terms.lastPeriod + MIN_LOCK + 1);
        assertEq(policies.refund(terms), 16 * 5 * uint256(RATE));
        for (uint256 i = 0; i < 32; ++i) {
            _refuses(i, _in(i, 1), _nothingDue(i));
        }
        // The policy of setUp is still whole.
        assertEq(token.balanceOf(address(policies)), 90 * uint256(RATE));
    }

    // ---------------------------------------------------------------- late

    function test_aLateMinerIsPaidFromTheDeliveryOn() public {
        _confirm(workers[0], _now() + LEASE);
        _goto(terms.firstPeriod + 6);
        IPolicyManager.Delivery[] memory late = _in(0, terms.firstPeriod + 4);
        assertEq(policies.collectableEach(_one(terms), miners[0], late)[0], 2 * RATE);
        vm.expectEmit(address(policies));
        emit IPolicyManager.FeesCollected(id, miners[0], terms.firstPeriod + 5, 2 * RATE);
        vm.expectEmit(address(policies));
        emit IPolicyManager.FeesReturned(id, miners[0], terms.firstPeriod + 3, 4 * RATE);
        assertEq(_collect(0, late), 2 * RATE);
        assertEq(_returnedToAlice(), 4 * RATE);
        _goto(terms.lastPeriod + 1);
        assertEq(_collect(0, _none()), RATE, "the proof is given once");
        policies.refund(terms);
        assertEq(token.balanceOf(address(policies)), 0);
    }

    /// @dev Idle periods before the delivery were refunded as idle ones: nothing returns twice.
    function test_idlePeriodsBeforeTheDeliveryReturnOnce() public {
        _confirm(workers[0], _now() + 2);
        _skip(4);
        _confirm(workers[0], _now() + 3);
        _skip(4);
        policies.refund(terms);
        // Active in the first two, and the fifth to the seventh of which six are before the delivery.
        assertEq(_collect(0, _in(0, terms.firstPeriod + 6)), RATE);
        _goto(terms.lastPeriod + 1);
        policies.refund(terms);
        assertEq(_returnedToAlice() + RATE, policies.priceOf(terms));
        assertEq(token.balanceOf(address(policies)), 0);
    }

    function test_aDeliveryAfterAllServiceProvesNothing() public {
        _confirm(workers[0], _now() + 3);
        _skip(10);
        _refuses(0, _in(0, terms.firstPeriod + 3), _nothingDue(0));
        _refuses(0, _in(0, type(uint32).max), _nothingDue(0));
        (uint256 fees,) = policies.unproven(terms, miners[0]);
        assertEq(fees, 3 * uint256(RATE));
        // A word of an earlier day is not used up.
        assertEq(_collect(0, _in(0, terms.firstPeriod + 2)), RATE);
    }

    function test_aDeliveryBeforeTheStartPaysTheFirstPeriod() public {
        _confirm(workers[0], _now() + 1);
        _skip(2);
        assertEq(_collect(0, _in(0, 1)), RATE);
        assertEq(_returnedToAlice(), 0);
    }

    /// @dev What the first collection said holds: a second word, of an earlier day, moves nothing.
    function test_theFirstProofHolds() public {
        _confirm(workers[0], _now() + LEASE);
        _skip(5);
        assertEq(_collect(0, _in(0, terms.firstPeriod + 3)), RATE);
        _refuses(0, _in(0, terms.firstPeriod), _nothingDue(0));
        _skip(1);
        IPolicyManager.Delivery[] memory nonsense = new IPolicyManager.Delivery[](1);
        nonsense[0] = IPolicyManager.Delivery(1, bytes32(uint256(1)), bytes32(uint256(1)));
        assertEq(_collect(0, nonsense), RATE, "it is not looked at");
        assertEq(_returnedToAlice(), 3 * RATE);
    }

    // ---------------------------------------------------------------- forged and replayed

    function test_aDeliveryOfAnotherMinerPolicyChainOrContractProvesNothing() public {
        _confirm(workers[0], _now() + LEASE);
        _skip(5);
        _refuses(0, _in(1, terms.firstPeriod), _invalid(0));
        IPolicyManager.Delivery[] memory given = new IPolicyManager.Delivery[](1);
        IPolicyManager.Terms memory other = terms;
        other.salt = keccak256("another");
        given[0] = _deliveredIn(other, miners[0], terms.firstPeriod);
        _refuses(0, given, _invalid(0));

        given[0] = _signed("KMS PolicyManager", block.chainid + 1, address(policies), terms.firstPeriod);
        _refuses(0, given, _invalid(0));
        given[0] = _signed("KMS PolicyManager", block.chainid, address(escrow), terms.firstPeriod);
        _refuses(0, given, _invalid(0));
        given[0] = _signed("KMS Node", block.chainid, address(policies), terms.firstPeriod);
        _refuses(0, given, _invalid(0));
        given[0] = _signed("KMS PolicyManager", block.chainid, address(policies), terms.firstPeriod);
        assertEq(_collect(0, given), 4 * RATE);
    }

    function _signed(string memory name, uint256 chain, address contract_, uint32 period)
        private
        returns (IPolicyManager.Delivery memory)
    {
        uint256 here = block.chainid;
        bytes32 typeHash = keccak256("Delivery(bytes32 policyId,address miner,uint32 period)");
        bytes32 message = keccak256(abi.encode(typeHash, id, miners[0], period));
        vm.chainId(chain);
        bytes32 digest = _digest(name, contract_, message);
        vm.chainId(here);
        (bytes32 r, bytes32 vs) = vm.signCompact(_verifyingKey(), digest);
        return IPolicyManager.Delivery(period, r, vs);
    }

    function test_nobodyButTheVerifierProvesADelivery() public {
        _confirm(workers[0], _now() + LEASE);
        _skip(5);
        bytes32 digest = Deliveries.digest(address(policies), id, miners[0], terms.firstPeriod);
        IPolicyManager.Delivery[] memory given = _in(0, terms.firstPeriod);
        (given[0].r, given[0].vs) = vm.signCompact(_keyOf[workers[0]], digest);
        _refuses(0, given, _invalid(0));
        given = _in(0, terms.firstPeriod + 1);
        given[0].period = terms.firstPeriod;
        _refuses(0, given, _invalid(0));
        given[0].r = bytes32(0);
        _refuses(0, given, _invalid(0));
        given[0].vs = bytes32(type(uint256).max);
        _refuses(0, given, _invalid(0));
    }

    /// @dev No signature recovers to the zero address.
    function test_termsWithoutAVerifierPayNobody() public {
        terms.verifier = address(0);
        id = _create(terms);
        _confirm(workers[0], _now() + LEASE);
        _skip(5);
        _refuses(0, _in(0, terms.firstPeriod), _invalid(0));
        IPolicyManager.Delivery[] memory zero = new IPolicyManager.Delivery[](1);
        zero[0].period = terms.firstPeriod;
        _refuses(0, zero, _invalid(0));
    }

    function testFuzz_noChangedBitProvesADelivery(uint256 bit) public {
        _confirm(workers[0], _now() + LEASE);
        _skip(5);
        IPolicyManager.Delivery[] memory given = _in(0, terms.firstPeriod);
        bit = bound(bit, 0, 511);
        if (bit < 256) given[0].r ^= bytes32(1 << bit);
        else given[0].vs ^= bytes32(1 << (bit - 256));
        _refuses(0, given, _invalid(0));
    }

    function test_thereIsNoDeliveryOrOneForEachPolicy() public {
        _confirm(workers[0], _now() + LEASE);
        _skip(5);
        IPolicyManager.Delivery[] memory two = new IPolicyManager.Delivery[](2);
        bytes memory reason = abi.encodeWithSelector(IPolicyManager.PolicyDeliveriesMismatch.selector, 2, 1);
        _refuses(0, two, reason);
        vm.expectRevert(reason);
        policies.collectableEach(_one(terms), miners[0], two);
    }

    /// @dev A batch of proved and unproved policies pays the former.
    function test_aBatchPassesOverWhatIsNotProved() public {
        IPolicyManager.Terms[] memory list = new IPolicyManager.Terms[](3);
        for (uint256 i = 0; i < 3; ++i) {
            list[i] = _terms(miners, 30);
            list[i].salt = bytes32(i + 1);
            _create(list[i]);
        }
        _confirm(workers[0], _now() + LEASE);
        _skip(3);
        vm.prank(miners[0]);
        policies.collect(_one(list[0]), miners[0], _delivered(_one(list[0]), miners[0]));
        _skip(3);
        IPolicyManager.Delivery[] memory given = _delivered(list, miners[0]);
        delete given[0];
        delete given[2];
        uint256[] memory due = policies.collectableEach(list, miners[0], given);
        assertEq(due[0], 3 * RATE);
        assertEq(due[1], 5 * RATE);
        assertEq(due[2], 0);
        vm.prank(workers[0]);
        assertEq(policies.collect(list, miners[0], given), 8 * RATE);
    }

    // ---------------------------------------------------------------- revoked and extended

    function test_aRevokedPolicyPaysWhatWasDeliveredAndReturnsTheRest() public {
        _confirm(workers[0], _now() + LEASE);
        _confirm(workers[1], _now() + LEASE);
        _goto(terms.firstPeriod + 3);
        vm.prank(alice);
        policies.revokePolicy(terms);
        _skip(1);
        assertEq(_collect(0, _in(0, terms.firstPeriod)), 4 * RATE);
        policies.refund(terms);
        (uint256 fees, uint256 through) = policies.unproven(terms, miners[1]);
        assertEq(fees, 4 * uint256(RATE));
        assertEq(through, terms.firstPeriod + 3 + MIN_LOCK, "from the revocation on");
        _goto(through + 1);
        assertEq(policies.refund(terms), fees);
        assertEq(_returnedToAlice() + 4 * RATE, policies.priceOf(terms));
    }

    function test_aRevokedArrangementReturnsBeforeThePolicyEnds() public {
        _extendTo(terms.lastPeriod + 100);
        held = token.balanceOf(alice);
        for (uint256 i = 0; i < 3; ++i) {
            _confirm(workers[i], _now() + LEASE);
        }
        _goto(terms.firstPeriod + 3);
        vm.prank(alice);
        policies.revokeArrangement(terms, miners[1]);
        (, uint256 through) = policies.unproven(terms, miners[1]);
        assertEq(through, terms.firstPeriod + 3 + MIN_LOCK);
        _goto(through);
        policies.refund(terms);
        _goto(through + 1);
        uint256 before = token.balanceOf(alice);
        // One idle period of the others, and what the dismissed miner never proved.
        assertEq(policies.refund(terms), (2 + 4) * uint256(RATE));
        assertEq(token.balanceOf(alice) - before, 6 * RATE);
        _refuses(1, _in(1, terms.firstPeriod), _nothingDue(1));
        assertEq(_collect(0, _in(0, terms.firstPeriod)), 7 * RATE, "the others wait for the end");
    }

    function test_aRevocationBeforeTheStartLeavesNothingToProve() public {
        _confirm(workers[0], _now() + LEASE);
        vm.prank(alice);
        policies.revokePolicy(terms);
        _skip(5);
        _refuses(0, _in(0, terms.firstPeriod), _nothingDue(0));
        _goto(terms.lastPeriod + MIN_LOCK + 1);
        assertEq(policies.refundable(terms), 0);
        assertEq(_returnedToAlice(), policies.priceOf(terms));
    }

    function test_anExtendedPolicyKeepsTheProof() public {
        _confirm(workers[0], _now() + LEASE);
        _goto(terms.firstPeriod + 2);
        assertEq(_collect(0, _in(0, terms.firstPeriod)), 2 * RATE);
        _extendTo(terms.lastPeriod + 10);
        _goto(terms.lastPeriod + 1);
        _confirm(workers[0], terms.lastPeriod + 3);
        _skip(5);
        assertEq(_collect(0, _none()), 7 * RATE);
    }

    /// @dev The time of proof moves with the end, so that no extension catches a miner unawares.
    function test_anExtensionMovesTheTimeOfProof() public {
        _extendTo(terms.lastPeriod + 10);
        (, uint256 through) = policies.unproven(terms, miners[0]);
        assertEq(through, terms.lastPeriod + 10 + MIN_LOCK);
    }

    function _extendTo(uint32 last) private {
        _fund(alice, 1_000 ether);
        vm.startPrank(alice);
        token.approve(address(policies), 1_000 ether);
        policies.extendPolicy(terms, last, new address[](0));
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- views

    function test_theTimeOfProofIsTheShortestLock() public view {
        assertEq(policies.proofPeriods(), MIN_LOCK);
    }

    function test_unprovenRefusesStrangers() public {
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyMinerUnknown.selector, id, alice));
        policies.unproven(terms, alice);
        terms.rate += 1;
        vm.expectPartialRevert(IPolicyManager.PolicyUnknown.selector);
        policies.unproven(terms, miners[0]);
    }
}
