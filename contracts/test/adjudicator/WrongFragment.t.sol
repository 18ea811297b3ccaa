// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {AdjudicatorTest} from "../base/AdjudicatorTest.sol";
import {IAdjudicator} from "../../src/interfaces/IAdjudicator.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {NodeMessages} from "../../src/libraries/NodeMessages.sol";
import {UmbralProof} from "../../src/libraries/UmbralProof.sol";

/// @notice Offence 1: the umbral crate's forgeries, and what does not convict an honest miner.
contract WrongFragmentTest is AdjudicatorTest {
    function setUp() public override {
        super.setUp();
        _readForgeries();
    }

    function test_convictsEveryForgeryOfTheVectors() public {
        assertEq(forgeries.length, 36);
        bytes memory capsuleHash = abi.encode(keccak256(delegation.capsule));
        for (uint256 i = 0; i < forgeries.length; ++i) {
            Forgery memory forgery = forgeries[i];
            uint256 snapshot = vm.snapshotState();
            (uint96 penalty,) = judge.penaltyOf(miner);
            Charge memory charge = _charge(forgery.cfrag, forgery.code, forgery.witness);
            vm.expectEmit(address(judge));
            emit IAdjudicator.MinerConvicted(
                policyId,
                miner,
                challenger,
                IAdjudicator.Offence.WrongFragment,
                forgery.code,
                abi.decode(capsuleHash, (bytes32)),
                penalty,
                REWARD_FLOOR,
                0,
                REWARD_FLOOR
            );
            _submit(charge);
            assertEq(token.balanceOf(challenger), REWARD_FLOOR, forgery.name);
            vm.revertToState(snapshot);
        }
    }

    /// @dev The honest cfrag, accused with the witness of each forgery.
    function test_acquitsTheHonestOfEveryForgery() public {
        bytes memory honest = _granted(delegation.cfrag, terms, miner, delegation);
        bytes32 standing = _standing(miner);
        for (uint256 i = 0; i < forgeries.length; ++i) {
            Charge memory charge = _charge(honest, forgeries[i].code, forgeries[i].witness);
            vm.expectRevert();
            _submit(charge);
            assertEq(_standing(miner), standing, forgeries[i].name);
        }
    }

    function test_acquitsWithTheTrueWitnessOfATrueEquation() public {
        bytes memory honest = _granted(delegation.cfrag, terms, miner, delegation);
        for (uint8 code = 1; code <= 3; ++code) {
            Charge memory charge = _charge(honest, code, delegation.witnesses[code - 1]);
            vm.expectRevert(abi.encodeWithSelector(IAdjudicator.AdjudicatorNoFault.selector, code));
            _submit(charge);
            // Nor is it degenerate.
            bytes memory witness =
                bytes.concat(bytes2(uint16(code - 1)), _tail(delegation.witnesses[code - 1]));
            charge = _charge(honest, 7, witness);
            vm.expectRevert(abi.encodeWithSelector(IAdjudicator.AdjudicatorNoFault.selector, 7));
            _submit(charge);
        }
    }

    function _tail(bytes memory witness) private pure returns (bytes memory) {
        return _slice(witness, 2, witness.length);
    }

    function test_acquitsOneWhoseKeyFragmentIsGranted() public {
        bytes memory honest = _granted(delegation.cfrag, terms, miner, delegation);
        Charge memory charge = _charge(honest, 8, hex"0000");
        vm.expectRevert(abi.encodeWithSelector(IAdjudicator.AdjudicatorNoFault.selector, 8));
        _submit(charge);
    }

    /// @dev An extension moves the end on chain and not what the author signed.
    function test_anExtensionMakesNoGrantedFragmentWrong() public {
        uint32 longer = terms.lastPeriod + 20;
        _fund(alice, 20 * uint256(RATE));
        vm.startPrank(alice);
        token.approve(address(policies), 20 * uint256(RATE));
        policies.extendPolicy(terms, longer, new address[](0));
        vm.stopPrank();
        test_acquitsOneWhoseKeyFragmentIsGranted();
    }

    function test_convictsOneThatUsesAnotherMinersKeyFragment() public {
        bytes memory cfrag = _granted(delegation.cfrag, terms, alice, delegation);
        _submit(_charge(cfrag, 8, hex"0000"));
        assertTrue(judge.isConvicted(miner, policyId, keccak256(delegation.capsule)));
    }

    function test_convictsOneWhoseKeyFragmentIsOfAnotherPolicy() public {
        IPolicyManager.Terms memory other = terms;
        other.salt = keccak256("another");
        bytes memory cfrag = _granted(delegation.cfrag, other, miner, delegation);
        _submit(_charge(cfrag, 8, hex"0000"));
    }

    function test_refusesCode8WithoutTheKeys() public {
        bytes memory cfrag = _granted(delegation.cfrag, terms, alice, delegation);
        Charge memory charge = _charge(cfrag, 8, hex"0000");
        charge.accusation = _authorsAccusation();
        NodeMessages.Receipt memory receipt = _receipt(delegation.capsule, cfrag);
        receipt.requester = terms.verifier;
        charge.answer = _answerSigned(_signReceipt(workerKey, receipt));
        vm.expectRevert(
            abi.encodeWithSelector(IAdjudicator.AdjudicatorKeysMismatch.selector, terms.keysHash)
        );
        _submit(charge);
        charge.accusation.keys = delegation.keys;
        _submit(charge);
    }

    function _authorsAccusation() private view returns (IAdjudicator.Accusation memory accusation) {
        accusation = _accusation(keccak256(delegation.capsule));
        accusation.keys = "";
        accusation.receivingY = 0;
        accusation.signature = _signAccusation(
            delegation.authorKey, miner, policyId, keccak256(delegation.capsule), challenger
        );
    }

    /// @dev The author asked (a challenge of silence): the receipt names the verifying key's account.
    function test_theAuthorAccusesToo() public {
        Charge memory charge = _falseScalar();
        bytes memory cfrag = _slice(charge.evidence, 98, 457);
        NodeMessages.Receipt memory receipt = _receipt(delegation.capsule, cfrag);
        receipt.requester = terms.verifier;
        charge.answer = _answerSigned(_signReceipt(workerKey, receipt));
        charge.accusation = _authorsAccusation();
        _submit(charge);
        assertGt(token.balanceOf(challenger), 0);
    }

    // ---------------------------------------------------------------- capsules nobody answers

    function test_noFaultOverACapsuleWhoseXIsNotBelowTheOrder() public {
        bytes32 n = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        _expectNoFaultOver(0, n, IAdjudicator.AdjudicatorCapsuleInvalid.selector);
        _expectNoFaultOver(33, n, IAdjudicator.AdjudicatorCapsuleInvalid.selector);
        _expectNoFaultOver(0, bytes32(type(uint256).max), IAdjudicator.AdjudicatorCapsuleInvalid.selector);
        _expectNoFaultOver(33, bytes32(0), IAdjudicator.AdjudicatorCapsuleInvalid.selector);
    }

    function test_noFaultOverACapsuleOffTheCurve() public {
        _expectNoFaultOver(0, bytes32(uint256(5)), UmbralProof.UmbralRootInvalid.selector);
        _expectNoFaultOver(33, bytes32(uint256(5)), UmbralProof.UmbralRootInvalid.selector);
    }

    function test_noFaultOverACapsuleWithAnotherTag() public {
        bytes memory capsule = delegation.capsule;
        capsule[0] = 0x04;
        _expectNoFault(capsule, IAdjudicator.AdjudicatorCapsuleInvalid.selector);
        capsule = delegation.capsule;
        capsule[33] = 0x00;
        _expectNoFault(capsule, IAdjudicator.AdjudicatorCapsuleInvalid.selector);
    }

    function _expectNoFaultOver(uint256 offset, bytes32 x, bytes4 selector) private {
        bytes memory capsule = delegation.capsule;
        for (uint256 i = 0; i < 32; ++i) {
            capsule[offset + 1 + i] = x[i];
        }
        _expectNoFault(capsule, selector);
    }

    /// @dev Even a miner that signs a false scalar for it.
    function _expectNoFault(bytes memory capsule, bytes4 selector) private {
        Charge memory charge = _falseScalar();
        bytes memory cfrag = _slice(charge.evidence, 98, 457);
        charge.accusation = _accusation(keccak256(capsule));
        charge.answer = _answerSigned(_signReceipt(workerKey, _receipt(capsule, cfrag)));
        charge.evidence = bytes.concat(capsule, cfrag, delegation.roots, hex"040000");
        vm.expectRevert(selector);
        _submit(charge);
    }

    // ---------------------------------------------------------------- misfitting evidence

    function test_refusesEvidenceOfAWrongLength() public {
        Charge memory charge = _falseScalar();
        bytes memory whole = charge.evidence;
        charge.evidence = _slice(whole, 0, 521);
        vm.expectRevert(
            abi.encodeWithSelector(IAdjudicator.AdjudicatorEvidenceTooShort.selector, uint256(521))
        );
        _submit(charge);
        charge.evidence = "";
        _expect(IAdjudicator.AdjudicatorEvidenceTooShort.selector);
        _submit(charge);
        charge.evidence = _slice(whole, 0, 522);
        _expect(UmbralProof.UmbralLengthInvalid.selector);
        _submit(charge);
        charge.evidence = bytes.concat(whole, hex"00");
        _expect(UmbralProof.UmbralLengthInvalid.selector);
        _submit(charge);
        // A byte more in the middle: another capsule and cfrag, which nobody signed.
        charge.evidence = bytes.concat(hex"00", whole);
        _expect(IAdjudicator.AdjudicatorAccusationInvalid.selector);
        _submit(charge);
    }

    function test_refusesCodesThatDoNotExist() public {
        uint8[3] memory codes = [0, 9, 255];
        for (uint256 i = 0; i < 3; ++i) {
            Charge memory charge = _charge(delegation.cfrag, codes[i], hex"0000");
            vm.expectRevert(
                abi.encodeWithSelector(UmbralProof.UmbralFaultUnknown.selector, codes[i], uint16(0))
            );
            _submit(charge);
        }
    }

    /// @dev Flip any bit of an honest miner's evidence, the receipt left as the miner signed it.
    function testFuzz_tamperingWithEvidenceConvictsNobody(uint16 at, uint8 bit, uint8 code) public {
        bytes memory honest = _granted(delegation.cfrag, terms, miner, delegation);
        code = uint8(bound(code, 0, 9));
        bytes memory witness = code >= 1 && code <= 3
            ? delegation.witnesses[code - 1]
            : code == 6 ? bytes.concat(hex"0000", bytes32(uint256(7))) : bytes(hex"0000");
        if (code == 7) witness = delegation.witnesses[0];
        Charge memory charge = _charge(honest, code, witness);
        uint256 place = uint256(at) % charge.evidence.length;
        charge.evidence[place] ^= bytes1(uint8(1) << (bit % 8));
        _expectAcquitted(charge);
    }

    /// @dev Flip any bit of the accusation, the keys or the receipt.
    function testFuzz_tamperingWithSignaturesConvictsNobody(uint8 which, uint16 at, uint8 bit, uint8 code)
        public
    {
        bytes memory honest = _granted(delegation.cfrag, terms, miner, delegation);
        code = uint8(bound(code, 1, 3));
        Charge memory charge = _charge(honest, code, delegation.witnesses[code - 1]);
        bytes1 mask = bytes1(uint8(1) << (bit % 8));
        if (which % 4 == 0) charge.accusation.signature[at % 65] ^= mask;
        if (which % 4 == 1) charge.accusation.keys[at % 98] ^= mask;
        if (which % 4 == 2) charge.answer.signature[at % 65] ^= mask;
        if (which % 4 == 3) charge.accusation.receivingY ^= uint256(1) << (at % 256);
        _expectAcquitted(charge);
    }

    /// @dev Any 160 bytes for a witness, any root.
    function testFuzz_noWitnessConvictsAnHonestFragment(uint8 code, uint16 which, bytes32[5] memory noise)
        public
    {
        bytes memory honest = _granted(delegation.cfrag, terms, miner, delegation);
        bytes memory witness = abi.encodePacked(which, noise);
        _expectAcquitted(_charge(honest, code, witness));
        witness = abi.encodePacked(which, noise[0]);
        _expectAcquitted(_charge(honest, 6, witness));
        _expectAcquitted(_charge(honest, 5, abi.encodePacked(which)));
    }

    function _expectAcquitted(Charge memory charge) private {
        bytes32 standing = _standing(miner);
        try judge.accuseOfWrongFragment(charge.terms, charge.accusation, charge.answer, charge.evidence) {
            revert("an honest miner was convicted");
        } catch {}
        assertEq(_standing(miner), standing);
    }
}
