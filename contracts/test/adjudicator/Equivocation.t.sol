// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {AdjudicatorTest} from "../base/AdjudicatorTest.sol";
import {IAdjudicator} from "../../src/interfaces/IAdjudicator.sol";
import {UmbralProof} from "../../src/libraries/UmbralProof.sol";

/// @notice Offence 3: two answers that cannot both be true.
contract EquivocationTest is AdjudicatorTest {
    function _accuse(bytes memory one, bytes memory other) private {
        judge.accuseOfEquivocation(
            terms,
            _accusation(keccak256(delegation.capsule)),
            [_answer(one), _answer(other)],
            keccak256(delegation.capsule),
            bytes.concat(one, other)
        );
    }

    /// @dev For expectRevert: one call.
    function accuse(bytes memory one, bytes memory other) external {
        _accuse(one, other);
    }

    /// @dev The honest cfrag with E1 or V1 (from `offset` on) of another one.
    function _with(uint256 offset, bytes memory source) private view returns (bytes memory cfrag) {
        cfrag = delegation.cfrag;
        for (uint256 i = offset; i < offset + 33; ++i) {
            cfrag[i] = source[i];
        }
    }

    /// @dev L09: the receipts of a node that signs two different answers convict it by themselves.
    function test_L09_twoDifferentAnswersConvict() public {
        uint256 snapshot = vm.snapshotState();
        for (uint256 offset = 0; offset <= 33; offset += 33) {
            bytes memory different = _with(offset, delegation.other);
            (uint96 penalty,) = judge.penaltyOf(miner);
            vm.expectEmit(address(judge));
            emit IAdjudicator.MinerConvicted(
                policyId,
                miner,
                challenger,
                IAdjudicator.Offence.Equivocation,
                0,
                keccak256(delegation.capsule),
                penalty,
                REWARD_FLOOR,
                0,
                REWARD_FLOOR
            );
            _accuse(delegation.cfrag, different);
            vm.revertToState(snapshot);
            _accuse(different, delegation.cfrag);
            vm.revertToState(snapshot);
        }
    }

    /// @dev An honest miner draws its proof anew for each request.
    function test_differentProofsOfOneAnswerConvictNobody() public {
        assertTrue(keccak256(delegation.cfrag) != keccak256(delegation.again));
        vm.expectRevert(IAdjudicator.AdjudicatorAnswersAgree.selector);
        this.accuse(delegation.cfrag, delegation.again);
        vm.expectRevert(IAdjudicator.AdjudicatorAnswersAgree.selector);
        this.accuse(delegation.cfrag, delegation.cfrag);
    }

    /// @dev An author may hand out two kfrags of one policy, both signed.
    function test_answersOfDifferentKeyFragmentsConvictNobody() public {
        bytes memory one = _granted(delegation.cfrag, terms, miner, delegation);
        bytes memory other = _granted(delegation.other, terms, miner, delegation);
        vm.expectRevert(IAdjudicator.AdjudicatorKeyFragmentsDiffer.selector);
        this.accuse(one, other);
    }

    function test_refusesWhenOneReceiptIsMissing() public {
        bytes memory different = _with(0, delegation.other);
        bytes memory cfrags = bytes.concat(delegation.cfrag, different);
        bytes32 capsuleHash = keccak256(delegation.capsule);
        IAdjudicator.Accusation memory accusation = _accusation(capsuleHash);
        IAdjudicator.Answer memory one = _answer(delegation.cfrag);
        IAdjudicator.Answer memory other = _answer(different);
        _expect(IAdjudicator.AdjudicatorReceiptInvalid.selector);
        judge.accuseOfEquivocation(terms, accusation, [one, one], capsuleHash, cfrags);
        _expect(IAdjudicator.AdjudicatorReceiptInvalid.selector);
        judge.accuseOfEquivocation(terms, accusation, [other, one], capsuleHash, cfrags);
        other.blockTime -= 1;
        _expect(IAdjudicator.AdjudicatorReceiptInvalid.selector);
        judge.accuseOfEquivocation(terms, accusation, [one, other], capsuleHash, cfrags);
    }

    /// @dev Answers to two capsules differ, rightly: a receipt names its capsule.
    function test_answersToTwoCapsulesConvictNobody() public {
        Delegation memory second = _delegation(1);
        bytes memory elsewhere = _with(0, second.cfrag);
        bytes memory cfrags = bytes.concat(delegation.cfrag, elsewhere);
        bytes32 capsuleHash = keccak256(delegation.capsule);
        IAdjudicator.Accusation memory accusation = _accusation(capsuleHash);
        IAdjudicator.Answer memory one = _answer(delegation.cfrag);
        IAdjudicator.Answer memory other =
            _answerSigned(_signReceipt(workerKey, _receipt(second.capsule, elsewhere)));
        _expect(IAdjudicator.AdjudicatorReceiptInvalid.selector);
        judge.accuseOfEquivocation(terms, accusation, [one, other], capsuleHash, cfrags);
    }

    function test_refusesWrongLengths() public {
        bytes32 capsuleHash = keccak256(delegation.capsule);
        IAdjudicator.Accusation memory accusation = _accusation(capsuleHash);
        IAdjudicator.Answer memory one = _answer(delegation.cfrag);
        bytes memory cfrags = bytes.concat(delegation.cfrag, _with(0, delegation.other));
        uint256[3] memory lengths = [uint256(0), 717, 719];
        for (uint256 i = 0; i < 3; ++i) {
            bytes memory text =
                lengths[i] < 718 ? _slice(cfrags, 0, lengths[i]) : bytes.concat(cfrags, hex"00");
            vm.expectRevert(
                abi.encodeWithSelector(UmbralProof.UmbralLengthInvalid.selector, lengths[i], uint256(718))
            );
            judge.accuseOfEquivocation(terms, accusation, [one, one], capsuleHash, text);
        }
    }

    /// @dev Whatever bits of an honest answer one changes, the second receipt does not fit.
    function testFuzz_tamperingConvictsNobody(uint16 at, uint8 bit) public {
        bytes memory changed = delegation.again;
        changed[at % 359] ^= bytes1(uint8(1) << (bit % 8));
        bytes32 capsuleHash = keccak256(delegation.capsule);
        IAdjudicator.Accusation memory accusation = _accusation(capsuleHash);
        IAdjudicator.Answer memory one = _answer(delegation.cfrag);
        IAdjudicator.Answer memory again = _answer(delegation.again);
        vm.expectRevert();
        judge.accuseOfEquivocation(
            terms, accusation, [one, again], capsuleHash, bytes.concat(delegation.cfrag, changed)
        );
    }
}
