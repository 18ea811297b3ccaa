// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {AdjudicatorTest} from "../base/AdjudicatorTest.sol";
import {IAdjudicator} from "../../src/interfaces/IAdjudicator.sol";
import {NodeMessages} from "../../src/libraries/NodeMessages.sol";

/// @notice Whose receipts bind a miner, under which policies, and of which times.
contract LiabilityTest is AdjudicatorTest {
    // ---------------------------------------------------------------- worker

    function test_aRotatedWorkerStillCostsItsMiner() public {
        Charge memory charge = _falseScalar();
        _skip(COOLDOWN + 1);
        _bond(miner, makeAddr("next worker"));
        assertEq(escrow.minerOf(worker), address(0));
        _submit(charge);
        assertTrue(judge.isConvicted(miner, policyId, keccak256(delegation.capsule)));
    }

    function test_aDismissedWorkerStillCostsItsMiner() public {
        Charge memory charge = _falseScalar();
        _goto(terms.firstPeriod);
        vm.prank(miner);
        escrow.unbondWorker();
        _submit(charge);
        assertTrue(judge.isConvicted(miner, policyId, keccak256(delegation.capsule)));
    }

    /// @dev Whoever finds a key that was a worker once makes a policy of its own: nobody pays for it.
    function test_aRetiredKeyConvictsNobodyUnderALaterPolicy() public {
        vm.prank(miner);
        escrow.unbondWorker();
        // The policy begins in the period after the dismissal.
        Charge memory charge = _falseScalar();
        _expect(IAdjudicator.AdjudicatorReceiptInvalid.selector);
        _submit(charge);
        _skip(300);
        answeredAt = uint64(vm.getBlockTimestamp());
        terms.salt = keccak256("a year later");
        (terms.firstPeriod, terms.lastPeriod) = (_now(), _now() + 1);
        _deposit(miner, MIN_LOCKED, 300);
        policyId = _create(terms);
        _bond(miner, makeAddr("next worker"));
        charge = _falseScalar();
        vm.expectRevert(
            abi.encodeWithSelector(IAdjudicator.AdjudicatorReceiptInvalid.selector, worker, miner)
        );
        _submit(charge);
    }

    /// @dev The day of the dismissal is the last one on which a policy may begin under the old key: else a
    /// miner would end its liability by a dismissal when it sees the accusation.
    function test_aDismissalOnTheFirstDayEndsNoLiability() public {
        Charge memory charge = _falseScalar();
        _goto(terms.firstPeriod + 1);
        vm.warp(vm.getBlockTimestamp() - 1);
        vm.prank(miner);
        escrow.unbondWorker();
        _submit(charge);
    }

    // ---------------------------------------------------------------- time of the receipt

    function test_aReceiptOfATimeToComeConvictsNobody() public {
        Charge memory charge = _falseScalar();
        vm.warp(ANSWERED_AT - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAdjudicator.AdjudicatorReceiptFromFuture.selector, ANSWERED_AT, ANSWERED_AT - 1
            )
        );
        _submit(charge);
        vm.warp(ANSWERED_AT);
        _submit(charge);
    }

    function testFuzz_noTimeToComeConvicts(uint64 ahead) public {
        Charge memory charge = _falseScalar();
        NodeMessages.Receipt memory receipt = _receipt(delegation.capsule, _slice(charge.evidence, 98, 457));
        receipt.blockTime = uint64(bound(ahead, ANSWERED_AT + 1, type(uint64).max));
        charge.answer.blockTime = receipt.blockTime;
        charge.answer.signature = _signReceipt(workerKey, receipt);
        _expect(IAdjudicator.AdjudicatorReceiptFromFuture.selector);
        _submit(charge);
    }

    /// @dev A miner without a worker is not answered for by the zero address.
    function test_noSignatureIsNotTheMissingWorkers() public {
        Charge memory charge = _falseScalar();
        vm.prank(miner);
        escrow.unbondWorker();
        charge.answer.signature = new bytes(65);
        _expect(IAdjudicator.AdjudicatorReceiptInvalid.selector);
        _submit(charge);
    }
}
