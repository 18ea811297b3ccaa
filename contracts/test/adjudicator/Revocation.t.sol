// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {AdjudicatorTest} from "../base/AdjudicatorTest.sol";
import {IAdjudicator} from "../../src/interfaces/IAdjudicator.sol";
import {IControl} from "../../src/interfaces/IControl.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {NodeMessages} from "../../src/libraries/NodeMessages.sol";

/// @notice Offence 2: an answer given well after access was revoked.
contract RevocationTest is AdjudicatorTest {
    uint64 private constant REVOKED_IN = 4_000;
    uint64 private constant GRACE = 100;

    function _revoke() private {
        vm.roll(REVOKED_IN);
        vm.prank(alice);
        policies.revokePolicy(terms);
    }

    /// @dev In the block of the receipt or a later one.
    function _accuse(uint64 blockNumber) private {
        if (blockNumber > vm.getBlockNumber()) vm.roll(blockNumber);
        bytes32 capsuleHash = keccak256(delegation.capsule);
        NodeMessages.Receipt memory receipt = _receipt(delegation.capsule, delegation.cfrag);
        receipt.blockNumber = blockNumber;
        IAdjudicator.Answer memory answer =
            IAdjudicator.Answer(COMMITMENTS_HASH, blockNumber, BLOCK_HASH, _signReceipt(workerKey, receipt));
        judge.accuseOfServingAfterRevocation(
            terms, _accusation(capsuleHash), answer, capsuleHash, receipt.cfragHash
        );
    }

    function _expectWithinGrace(uint64 blockNumber) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IAdjudicator.AdjudicatorWithinGrace.selector, blockNumber, uint256(REVOKED_IN) + GRACE
            )
        );
    }

    function test_convictsFromTheFirstBlockAfterTheGraceOn() public {
        _revoke();
        _expectWithinGrace(REVOKED_IN + GRACE - 1);
        this.accuse(REVOKED_IN + GRACE - 1);
        (uint96 penalty,) = judge.penaltyOf(miner);
        vm.expectEmit(address(judge));
        emit IAdjudicator.MinerConvicted(
            policyId,
            miner,
            challenger,
            IAdjudicator.Offence.ServedAfterRevocation,
            0,
            keccak256(delegation.capsule),
            penalty,
            REWARD_FLOOR,
            0,
            REWARD_FLOOR
        );
        _accuse(REVOKED_IN + GRACE);
    }

    /// @dev For expectRevert: one call.
    function accuse(uint64 blockNumber) external {
        _accuse(blockNumber);
    }

    function testFuzz_graceIsExact(uint64 blockNumber) public {
        _revoke();
        bool punishable = blockNumber >= REVOKED_IN + GRACE;
        if (!punishable) _expectWithinGrace(blockNumber);
        this.accuse(blockNumber);
        assertEq(judge.isConvicted(miner, policyId, keccak256(delegation.capsule)), punishable);
    }

    function test_refusesWhileAccessIsNotRevoked() public {
        vm.expectRevert(
            abi.encodeWithSelector(IAdjudicator.AdjudicatorAccessNotRevoked.selector, policyId, miner)
        );
        this.accuse(type(uint64).max);
        // A policy that ran out was not revoked.
        _goto(terms.lastPeriod + 10);
        vm.expectRevert(
            abi.encodeWithSelector(IAdjudicator.AdjudicatorAccessNotRevoked.selector, policyId, miner)
        );
        this.accuse(type(uint64).max);
    }

    function test_convictsAfterTheRevocationOfTheArrangementAlone() public {
        vm.roll(REVOKED_IN);
        vm.prank(alice);
        policies.revokeArrangement(terms, miner);
        _expectWithinGrace(REVOKED_IN + GRACE - 1);
        this.accuse(REVOKED_IN + GRACE - 1);
        _accuse(REVOKED_IN + GRACE);
        assertTrue(judge.isConvicted(miner, policyId, keccak256(delegation.capsule)));
    }

    /// @dev The end of a grace is fixed with the revocation: nothing that can be set moves it.
    function test_noTermsMoveTheEndOfAGrace() public {
        _revoke();
        assertEq(judge.graceBlocks(), GRACE);
        IControl.PenaltyTerms memory at = _penaltyTerms();
        (at.shareBps, at.capBps, at.suspensionPeriods) = (3_000, 3_000, 0);
        vm.prank(address(timelock));
        control.setPenalty(at);
        _expectWithinGrace(REVOKED_IN + GRACE - 1);
        this.accuse(REVOKED_IN + GRACE - 1);
        _accuse(REVOKED_IN + GRACE);
    }

    /// @dev The receipt says the block; another one in the transaction is another receipt.
    function test_refusesABlockTheReceiptDoesNotName() public {
        _revoke();
        bytes32 capsuleHash = keccak256(delegation.capsule);
        NodeMessages.Receipt memory receipt = _receipt(delegation.capsule, delegation.cfrag);
        receipt.blockNumber = REVOKED_IN - 1;
        IAdjudicator.Answer memory answer = IAdjudicator.Answer(
            COMMITMENTS_HASH, REVOKED_IN + GRACE, BLOCK_HASH, _signReceipt(workerKey, receipt)
        );
        IAdjudicator.Accusation memory accusation = _accusation(capsuleHash);
        vm.roll(REVOKED_IN + GRACE);
        _expect(IAdjudicator.AdjudicatorReceiptInvalid.selector);
        judge.accuseOfServingAfterRevocation(terms, accusation, answer, capsuleHash, receipt.cfragHash);
    }

    /// @dev The arrangement of another miner says nothing about this one's.
    function test_anotherMinersRevocationIsNotThisOnes() public {
        (address[] memory others,) = _miners(1, 100);
        address[] memory both = new address[](2);
        bool first = miner < others[0];
        (both[0], both[1]) = first ? (miner, others[0]) : (others[0], miner);
        terms = _termsFor(both, delegation);
        policyId = _create(terms);
        vm.roll(REVOKED_IN);
        vm.prank(alice);
        policies.revokeArrangement(terms, others[0]);
        vm.expectRevert(
            abi.encodeWithSelector(IAdjudicator.AdjudicatorAccessNotRevoked.selector, policyId, miner)
        );
        this.accuse(type(uint64).max);
    }

    function test_onceForEachCapsule() public {
        _revoke();
        _accuse(REVOKED_IN + GRACE);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAdjudicator.AdjudicatorAlreadyConvicted.selector,
                miner,
                policyId,
                keccak256(delegation.capsule)
            )
        );
        this.accuse(REVOKED_IN + GRACE + 1);
    }
}
