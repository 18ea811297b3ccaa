// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {AdjudicatorTest} from "../base/AdjudicatorTest.sol";
import {Adjudicator} from "../../src/Adjudicator.sol";
import {IAdjudicator} from "../../src/interfaces/IAdjudicator.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {NodeMessages} from "../../src/libraries/NodeMessages.sol";
import {UmbralProof} from "../../src/libraries/UmbralProof.sol";

/// @notice What every accusation needs, whatever the offence: receipt, requester, policy, no pause, once.
contract AccusationTest is AdjudicatorTest {
    // ---------------------------------------------------------------- receipt

    function test_refusesAReceiptOfAStranger() public {
        (address stranger, uint256 key) = makeAddrAndKey("stranger");
        Charge memory charge = _falseScalar();
        bytes memory cfrag = _slice(charge.evidence, 98, 457);
        charge.answer = _answerSigned(_signReceipt(key, _receipt(delegation.capsule, cfrag)));
        vm.expectRevert(
            abi.encodeWithSelector(IAdjudicator.AdjudicatorReceiptInvalid.selector, stranger, miner)
        );
        _submit(charge);
    }

    /// @dev A worker answers for its own miner only, even in a policy that names both.
    function test_refusesAReceiptOfAnotherMinersWorker() public {
        (,, uint256 otherKey) = _miner("other", MIN_LOCKED, 100);
        Charge memory charge = _falseScalar();
        bytes memory cfrag = _slice(charge.evidence, 98, 457);
        charge.answer = _answerSigned(_signReceipt(otherKey, _receipt(delegation.capsule, cfrag)));
        _expect(IAdjudicator.AdjudicatorReceiptInvalid.selector);
        _submit(charge);
    }

    /// @dev The miner's own key, and the author's and reader's, are nobody's workers.
    function test_refusesReceiptsOfTheParties() public {
        uint256[2] memory keys = [delegation.readerKey, delegation.authorKey];
        for (uint256 i = 0; i < 2; ++i) {
            Charge memory charge = _falseScalar();
            bytes memory cfrag = _slice(charge.evidence, 98, 457);
            charge.answer = _answerSigned(_signReceipt(keys[i], _receipt(delegation.capsule, cfrag)));
            _expect(IAdjudicator.AdjudicatorReceiptInvalid.selector);
            _submit(charge);
        }
    }

    function test_refusesAReceiptWithAnotherField() public {
        for (uint256 i = 0; i < 8; ++i) {
            Charge memory charge = _falseScalar();
            NodeMessages.Receipt memory receipt =
                _receipt(delegation.capsule, _slice(charge.evidence, 98, 457));
            if (i == 0) receipt.policyId = keccak256("other");
            if (i == 1) receipt.miner = alice;
            if (i == 2) receipt.capsuleHash = keccak256("other");
            if (i == 3) receipt.cfragHash = keccak256("other");
            if (i == 4) receipt.requester = alice;
            if (i == 5) receipt.blockTime += 1;
            if (i == 6) receipt.blockHash = keccak256("other");
            if (i == 7) receipt.commitmentsHash = keccak256("other");
            charge.answer = _answerSigned(_signReceipt(workerKey, receipt));
            _expect(IAdjudicator.AdjudicatorReceiptInvalid.selector);
            _submit(charge);
        }
    }

    /// @dev Signed for another chain, or the same chain before it forked.
    function test_refusesAReceiptOfAnotherChain() public {
        Charge memory charge = _falseScalar();
        bytes memory cfrag = _slice(charge.evidence, 98, 457);
        // Not kept from block.chainid: the optimizer would read it anew.
        uint256 here = 31_337;
        vm.chainId(here + 1);
        bytes memory foreign = _signReceipt(workerKey, _receipt(delegation.capsule, cfrag));
        vm.chainId(here);
        charge.answer = _answerSigned(foreign);
        _expect(IAdjudicator.AdjudicatorReceiptInvalid.selector);
        _submit(charge);
    }

    /// @dev After a fork with another chain id the policy has another id: nobody knows it there.
    function test_refusesEverythingOfThisChainOnAnother() public {
        Charge memory charge = _falseScalar();
        vm.chainId(block.chainid + 1);
        _expect(IPolicyManager.PolicyUnknown.selector);
        _submit(charge);
    }

    function test_refusesAReceiptForAnotherContract() public {
        Charge memory charge = _falseScalar();
        bytes32 typeHash = keccak256(
            "Receipt(bytes32 policyId,address miner,bytes32 capsuleHash,bytes32 cfragHash,"
            "bytes32 commitmentsHash,address requester,uint64 blockTime,bytes32 blockHash)"
        );
        bytes32 structHash =
            keccak256(abi.encode(typeHash, _receipt(delegation.capsule, _slice(charge.evidence, 98, 457))));
        charge.answer = _answerSigned(_sign(workerKey, _digest("KMS Node", address(escrow), structHash)));
        _expect(IAdjudicator.AdjudicatorReceiptInvalid.selector);
        _submit(charge);
        charge.answer =
            _answerSigned(_sign(workerKey, _digest("KMS Adjudicator", address(policies), structHash)));
        _expect(IAdjudicator.AdjudicatorReceiptInvalid.selector);
        _submit(charge);
    }

    function test_refusesMalformedReceiptSignatures() public {
        Charge memory charge = _falseScalar();
        bytes[8] memory malformed = _malformed(charge.answer.signature);
        for (uint256 i = 0; i < malformed.length; ++i) {
            charge.answer.signature = malformed[i];
            vm.expectRevert(
                abi.encodeWithSelector(IAdjudicator.AdjudicatorReceiptInvalid.selector, address(0), miner)
            );
            _submit(charge);
        }
    }

    function test_refusesMalformedAccusationSignatures() public {
        Charge memory charge = _falseScalar();
        bytes[8] memory malformed = _malformed(charge.accusation.signature);
        for (uint256 i = 0; i < malformed.length; ++i) {
            charge.accusation.signature = malformed[i];
            vm.expectRevert(
                abi.encodeWithSelector(
                    IAdjudicator.AdjudicatorAccusationInvalid.selector, address(0), reader
                )
            );
            _submit(charge);
        }
    }

    /// @dev High s; v 0, 1 and 29; 64 and 66 bytes; none; zeros.
    function _malformed(bytes memory signature) private pure returns (bytes[8] memory) {
        bytes memory scalars = _slice(signature, 0, 64);
        return [
            _highS(signature),
            bytes.concat(scalars, hex"00"),
            bytes.concat(scalars, hex"01"),
            bytes.concat(scalars, hex"1d"),
            scalars,
            bytes.concat(signature, hex"00"),
            bytes(""),
            new bytes(65)
        ];
    }

    // ---------------------------------------------------------------- requester and challenger

    /// @dev A copied transaction pays the one whom the accusation names.
    function test_aCopiedTransactionPaysTheChallenger() public {
        Charge memory charge = _falseScalar();
        vm.prank(bob);
        _submitFrom(charge);
        assertEq(token.balanceOf(challenger), REWARD_FLOOR);
        assertEq(token.balanceOf(bob), 0);
        vm.prank(challenger);
        _expect(IAdjudicator.AdjudicatorAlreadyConvicted.selector);
        _submitFrom(charge);
    }

    function test_anotherChallengerNeedsAnotherAccusation() public {
        Charge memory charge = _falseScalar();
        charge.accusation.challenger = bob;
        _expect(IAdjudicator.AdjudicatorAccusationInvalid.selector);
        _submit(charge);
    }

    /// @dev A miner that sees an accusation cannot convict itself first and take the reward: it has neither
    /// of the two keys that may ask under the policy.
    function test_theMinerCannotAccuseItself() public {
        (address self, uint256 key) = makeAddrAndKey("the miner's other self");
        Charge memory charge = _falseScalar();
        NodeMessages.Receipt memory receipt = _receipt(delegation.capsule, _slice(charge.evidence, 98, 457));
        receipt.requester = self;
        charge.answer = _answerSigned(_signReceipt(workerKey, receipt));
        charge.accusation.challenger = self;
        charge.accusation.signature =
            _signAccusation(key, miner, policyId, keccak256(delegation.capsule), self);
        vm.expectRevert(
            abi.encodeWithSelector(IAdjudicator.AdjudicatorAccusationInvalid.selector, self, reader)
        );
        _submit(charge);
        // With other keys, the requester would be the miner's; the terms say which keys there are.
        charge.accusation.keys = bytes.concat(
            _slice(delegation.keys, 33, 66), _slice(delegation.keys, 0, 33), _slice(delegation.keys, 66, 98)
        );
        _expect(IAdjudicator.AdjudicatorKeysMismatch.selector);
        _submit(charge);
        charge.accusation.keys = "";
        _expect(IAdjudicator.AdjudicatorKeysMismatch.selector);
        _submit(charge);
    }

    function test_refusesAWrongYOfTheReceivingKey() public {
        Charge memory charge = _falseScalar();
        uint256 p = 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f;
        uint256[3] memory wrong = [p - charge.accusation.receivingY, 1, type(uint256).max];
        for (uint256 i = 0; i < 3; ++i) {
            charge.accusation.receivingY = wrong[i];
            vm.expectRevert(UmbralProof.UmbralWitnessOffCurve.selector);
            _submit(charge);
        }
    }

    /// @dev Without y it is the author's accusation, which the reader cannot sign.
    function test_refusesTheReadersSignatureAsTheAuthors() public {
        Charge memory charge = _falseScalar();
        charge.accusation.receivingY = 0;
        vm.expectRevert(
            abi.encodeWithSelector(
                IAdjudicator.AdjudicatorAccusationInvalid.selector, reader, terms.verifier
            )
        );
        _submit(charge);
    }

    function test_refusesAnAccusationOfAnythingElse() public {
        Charge memory charge = _falseScalar();
        bytes32 capsuleHash = keccak256(delegation.capsule);
        uint256 key = delegation.readerKey;
        bytes[4] memory signatures = [
            _signAccusation(key, alice, policyId, capsuleHash, challenger),
            _signAccusation(key, miner, bytes32(0), capsuleHash, challenger),
            _signAccusation(key, miner, policyId, bytes32(0), challenger),
            _signAccusation(key, miner, policyId, capsuleHash, address(0))
        ];
        for (uint256 i = 0; i < 4; ++i) {
            charge.accusation.signature = signatures[i];
            _expect(IAdjudicator.AdjudicatorAccusationInvalid.selector);
            _submit(charge);
        }
    }

    function test_refusesNoChallenger() public {
        Charge memory charge = _falseScalar();
        charge.accusation.challenger = address(0);
        vm.expectRevert(IAdjudicator.AdjudicatorChallengerZero.selector);
        _submit(charge);
    }

    // ---------------------------------------------------------------- policy

    function test_refusesUnknownPoliciesAndMiners() public {
        Charge memory charge = _falseScalar();
        charge.terms.salt = keccak256("never created");
        _expect(IPolicyManager.PolicyUnknown.selector);
        _submit(charge);
        charge = _falseScalar();
        charge.accusation.miner = alice;
        _expect(IPolicyManager.PolicyMinerUnknown.selector);
        _submit(charge);
    }

    // ---------------------------------------------------------------- once

    /// @dev Other proof, other code, other witness, other worker: the same capsule, so the same crime.
    function test_refusesTheSameCapsuleInOtherWords() public {
        _submit(_falseScalar());
        bytes memory again = delegation.again;
        again[263] = 0xff;
        again[264] = 0xff;
        for (uint256 i = 265; i < 295; ++i) {
            again[i] = 0xff;
        }
        bytes4 expected = IAdjudicator.AdjudicatorAlreadyConvicted.selector;
        Charge memory charge = _charge(again, 4, hex"0000");
        _expect(expected);
        _submit(charge);
        charge = _charge(delegation.other, 8, hex"0000");
        _expect(expected);
        _submit(charge);
        // The same by any other offence.
        IAdjudicator.Accusation memory accusation = _accusation(keccak256(delegation.capsule));
        IAdjudicator.Answer memory answer = _answer(again);
        bytes32 capsuleHash = keccak256(delegation.capsule);
        _expect(expected);
        judge.accuseOfServingAfterRevocation(terms, accusation, answer, capsuleHash, keccak256(again));
    }

    /// @dev Another capsule is another crime.
    function test_convictsAgainOverAnotherCapsule() public {
        _submit(_falseScalar());
        bytes memory first = delegation.capsule;
        Delegation memory second = _delegation(1);
        delegation.capsule = second.capsule;
        delegation.roots = second.roots;
        _submit(_falseScalar());
        assertTrue(judge.isConvicted(miner, policyId, keccak256(first)));
        assertTrue(judge.isConvicted(miner, policyId, keccak256(second.capsule)));
        assertFalse(judge.isConvicted(alice, policyId, keccak256(first)));
    }

    // ---------------------------------------------------------------- pause

    function test_refusesWhilePausedAndJudgesAfterwards() public {
        Charge memory charge = _falseScalar();
        vm.prank(guardian);
        control.pause();
        uint32 through = _now() + MAX_PAUSE - 1;
        vm.expectRevert(abi.encodeWithSelector(IAdjudicator.AdjudicatorPaused.selector, through));
        _submit(charge);
        _goto(through);
        vm.expectRevert(abi.encodeWithSelector(IAdjudicator.AdjudicatorPaused.selector, through));
        _submit(charge);
        _goto(through + 1);
        _submit(charge);
    }

    function test_aPauseThatIsLiftedHoldsNothingBack() public {
        vm.startPrank(guardian);
        control.pause();
        control.unpause();
        vm.stopPrank();
        _submit(_falseScalar());
    }

    // ---------------------------------------------------------------- construction

    function test_namesTheDeployment() public view {
        assertEq(judge.policies(), address(policies));
        assertEq(judge.escrow(), address(escrow));
        assertEq(judge.rewards(), address(rewards));
        assertEq(judge.control(), address(control));
        assertEq(judge.currentPeriod(), escrow.currentPeriod());
    }

    function test_refusesADeploymentThatDoesNotNameIt() public {
        vm.expectRevert(IAdjudicator.AdjudicatorContractsMismatch.selector);
        _create("Adjudicator", abi.encode(address(policies), GRACE_SECONDS));
    }

    function testFuzz_refusesAGraceOutOfBounds(uint32 wrong) public {
        uint32[4] memory refused =
            [uint32(bound(wrong, 0, 59)), 59, 604_801, uint32(bound(wrong, 604_801, type(uint32).max))];
        for (uint256 i = 0; i < 4; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IAdjudicator.AdjudicatorGraceOutOfBounds.selector, refused[i], 60, 604_800
                )
            );
            _create("Adjudicator", abi.encode(address(policies), refused[i]));
        }
    }

    function _submitFrom(Charge memory charge) private {
        judge.accuseOfWrongFragment(charge.terms, charge.accusation, charge.answer, charge.evidence);
    }
}
