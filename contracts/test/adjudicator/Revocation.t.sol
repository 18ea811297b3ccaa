// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {AdjudicatorTest} from "../base/AdjudicatorTest.sol";
import {IAdjudicator} from "../../src/interfaces/IAdjudicator.sol";
import {IControl} from "../../src/interfaces/IControl.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {NodeMessages} from "../../src/libraries/NodeMessages.sol";

/// @notice Offence 2: an answer given well after access was revoked.
contract RevocationTest is AdjudicatorTest {
    uint64 private constant REVOKED_AT = ANSWERED_AT + 1 hours;
    uint64 private constant GRACE = 100;

    function _revoke() private {
        vm.warp(REVOKED_AT);
        vm.prank(alice);
        policies.revokePolicy(terms);
    }

    /// @dev At the time of the receipt or later.
    function _accuse(uint64 blockTime) private {
        if (blockTime > vm.getBlockTimestamp()) vm.warp(blockTime);
        bytes32 capsuleHash = keccak256(delegation.capsule);
        NodeMessages.Receipt memory receipt = _receipt(delegation.capsule, delegation.cfrag);
        receipt.blockTime = blockTime;
        IAdjudicator.Answer memory answer =
            IAdjudicator.Answer(COMMITMENTS_HASH, blockTime, BLOCK_HASH, _signReceipt(workerKey, receipt));
        judge.accuseOfServingAfterRevocation(
            terms, _accusation(capsuleHash), answer, capsuleHash, receipt.cfragHash
        );
    }

    function _expectWithinGrace(uint64 blockTime) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IAdjudicator.AdjudicatorWithinGrace.selector, blockTime, uint256(REVOKED_AT) + GRACE
            )
        );
    }

    function test_convictsFromTheFirstSecondAfterTheGraceOn() public {
        _revoke();
        _expectWithinGrace(REVOKED_AT + GRACE - 1);
        this.accuse(REVOKED_AT + GRACE - 1);
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
        _accuse(REVOKED_AT + GRACE);
    }

    /// @dev For expectRevert: one call.
    function accuse(uint64 blockTime) external {
        _accuse(blockTime);
    }

    function testFuzz_graceIsExact(uint64 blockTime) public {
        blockTime = uint64(bound(blockTime, ANSWERED_AT, REVOKED_AT + 2 * GRACE));
        _revoke();
        bool punishable = blockTime >= REVOKED_AT + GRACE;
        if (!punishable) _expectWithinGrace(blockTime);
        this.accuse(blockTime);
        assertEq(judge.isConvicted(miner, policyId, keccak256(delegation.capsule)), punishable);
    }

    function test_refusesWhileAccessIsNotRevoked() public {
        vm.expectRevert(
            abi.encodeWithSelector(IAdjudicator.AdjudicatorAccessNotRevoked.selector, policyId, miner)
        );
        this.accuse(REVOKED_AT + GRACE);
        // A policy that ran out was not revoked.
        _goto(terms.lastPeriod + 10);
        vm.expectRevert(
            abi.encodeWithSelector(IAdjudicator.AdjudicatorAccessNotRevoked.selector, policyId, miner)
        );
        this.accuse(REVOKED_AT + GRACE);
    }

    function test_convictsAfterTheRevocationOfTheArrangementAlone() public {
        vm.warp(REVOKED_AT);
        vm.prank(alice);
        policies.revokeArrangement(terms, miner);
        _expectWithinGrace(REVOKED_AT + GRACE - 1);
        this.accuse(REVOKED_AT + GRACE - 1);
        _accuse(REVOKED_AT + GRACE);
        assertTrue(judge.isConvicted(miner, policyId, keccak256(delegation.capsule)));
    }

    /// @dev The end of a grace is fixed with the revocation: nothing that can be set moves it.
    function test_noTermsMoveTheEndOfAGrace() public {
        _revoke();
        assertEq(judge.graceSeconds(), GRACE);
        IControl.PenaltyTerms memory at = _penaltyTerms();
        (at.shareBps, at.capBps, at.suspensionPeriods) = (3_000, 3_000, 0);
        vm.prank(address(timelock));
        control.setPenalty(at);
        _expectWithinGrace(REVOKED_AT + GRACE - 1);
        this.accuse(REVOKED_AT + GRACE - 1);
        _accuse(REVOKED_AT + GRACE);
    }

    /// @dev New terms, harder or milder, are for what is done after them; both can be judged on one day.
    function test_newTermsHoldForWhatIsDoneAfterThem() public {
        _revoke();
        uint64 change = REVOKED_AT + GRACE + 10;
        vm.warp(change);
        IControl.PenaltyTerms memory harder = _penaltyTerms();
        (harder.shareBps, harder.suspensionPeriods) = (3_000, 40);
        vm.prank(address(timelock));
        control.setPenalty(harder);
        uint256 snapshot = vm.snapshotState();
        _accuse(change - 1);
        assertEq(escrow.position(miner).locked, 2 * MIN_LOCKED - MIN_LOCKED / 5);
        assertEq(rewards.suspendedThrough(miner), _now() + 14);
        vm.revertToState(snapshot);
        _accuse(change);
        assertEq(escrow.position(miner).locked, 2 * MIN_LOCKED - MIN_LOCKED * 6 / 10);
        assertEq(rewards.suspendedThrough(miner), _now() + 40);
    }

    /// @dev The receipt says the time; another one in the transaction is another receipt.
    function test_refusesATimeTheReceiptDoesNotName() public {
        _revoke();
        bytes32 capsuleHash = keccak256(delegation.capsule);
        NodeMessages.Receipt memory receipt = _receipt(delegation.capsule, delegation.cfrag);
        receipt.blockTime = REVOKED_AT - 1;
        IAdjudicator.Answer memory answer = IAdjudicator.Answer(
            COMMITMENTS_HASH, REVOKED_AT + GRACE, BLOCK_HASH, _signReceipt(workerKey, receipt)
        );
        IAdjudicator.Accusation memory accusation = _accusation(capsuleHash);
        vm.warp(REVOKED_AT + GRACE);
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
        vm.warp(REVOKED_AT);
        vm.prank(alice);
        policies.revokeArrangement(terms, others[0]);
        vm.expectRevert(
            abi.encodeWithSelector(IAdjudicator.AdjudicatorAccessNotRevoked.selector, policyId, miner)
        );
        this.accuse(REVOKED_AT + GRACE);
    }

    function test_onceForEachCapsule() public {
        _revoke();
        _accuse(REVOKED_AT + GRACE);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAdjudicator.AdjudicatorAlreadyConvicted.selector,
                miner,
                policyId,
                keccak256(delegation.capsule)
            )
        );
        this.accuse(REVOKED_AT + GRACE + 1);
    }
}
