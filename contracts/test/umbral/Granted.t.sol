// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Shipped} from "../base/Shipped.sol";
import {UmbralHarness} from "../optimized/UmbralHarness.sol";
import {UmbralProof} from "../../src/libraries/UmbralProof.sol";

/// @notice Cfrags of the umbral crate: what was signed, and that no witness convicts the honest.
contract GrantedTest is Shipped {
    UmbralHarness internal umbral;
    string internal json;
    UmbralProof.Grant internal grant;
    bytes internal keys;
    bytes internal capsule;
    bytes internal honest;
    address internal signer;
    bytes[3] internal witnesses;

    function setUp() public {
        umbral = UmbralHarness(_create("UmbralHarness", ""));
        json = vm.readFile("../tests/vectors/granted_witness.json");
        assertEq(vm.parseJsonUint(json, ".grant.chain_id"), block.chainid);
        grant = UmbralProof.Grant({
            policies: address(bytes20(_hex(".grant.contract"))),
            policyId: bytes32(_hex(".grant.policy_id")),
            miner: address(bytes20(_hex(".grant.miner"))),
            threshold: uint16(vm.parseJsonUint(json, ".grant.threshold")),
            shares: uint16(vm.parseJsonUint(json, ".grant.shares")),
            notBefore: uint64(vm.parseJsonUint(json, ".grant.not_before")),
            expiry: uint64(vm.parseJsonUint(json, ".grant.expiry"))
        });
        keys = bytes.concat(_hex(".honest[0].delegating"), _hex(".honest[0].receiving"));
        signer = address(bytes20(_hex(".honest[0].signer")));
        capsule = _hex(".honest[0].capsule");
        honest = _hex(".honest[0].cfrag");
        for (uint256 i = 0; i < 3; ++i) {
            witnesses[i] = _hex(string.concat(".honest[0].true_witnesses[", vm.toString(i), "]"));
        }
    }

    function _hex(string memory key) private view returns (bytes memory) {
        return vm.parseBytes(string.concat("0x", vm.parseJsonString(json, key)));
    }

    /// @dev The digest over every cfrag, honest or forged, is the crate's.
    function test_digestIsTheCratesForEveryFragment() public view {
        uint256 count;
        string memory at;
        while (vm.keyExistsJson(json, at = string.concat(".cases[", vm.toString(count), "]"))) {
            bytes32 digest = umbral.grantDigest(grant, _hex(string.concat(at, ".cfrag")), keys);
            assertEq(digest, bytes32(_hex(string.concat(at, ".digest"))));
            ++count;
        }
        assertEq(count, 36);
        assertEq(umbral.grantDigest(grant, honest, keys), bytes32(_hex(".honest[0].digest")));
    }

    function test_theHonestAreSigned() public view {
        assertTrue(umbral.isSigned(honest, umbral.grantDigest(grant, honest, keys), signer));
        bytes memory again = _hex(".honest[0].again");
        assertTrue(umbral.isSigned(again, umbral.grantDigest(grant, again, keys), signer));
    }

    /// @dev Granted to the other miner, judged as if to this one; and to nobody.
    function test_anotherMinersFragmentIsNotSignedForThisOne() public view {
        bytes memory other = _hex(".honest[0].other");
        assertFalse(umbral.isSigned(other, umbral.grantDigest(grant, other, keys), signer));
        assertFalse(umbral.isSigned(honest, umbral.grantDigest(grant, honest, keys), address(0)));
    }

    /// @dev Every term is bound.
    function testFuzz_anotherGrantIsNotSigned(uint8 field, uint8 bit) public view {
        UmbralProof.Grant memory other = grant;
        uint256 flip = 1 << (bit % 16);
        if (field % 7 == 0) other.policies = address(uint160(other.policies) ^ uint160(flip));
        if (field % 7 == 1) other.policyId ^= bytes32(flip);
        if (field % 7 == 2) other.miner = address(uint160(other.miner) ^ uint160(flip));
        if (field % 7 == 3) other.threshold ^= uint16(flip);
        if (field % 7 == 4) other.shares ^= uint16(flip);
        if (field % 7 == 5) other.notBefore ^= uint64(flip);
        if (field % 7 == 6) other.expiry ^= uint64(flip);
        assertFalse(umbral.isSigned(honest, umbral.grantDigest(other, honest, keys), signer));
    }

    function test_anotherChainIsNotSigned() public {
        vm.chainId(1);
        assertFalse(umbral.isSigned(honest, umbral.grantDigest(grant, honest, keys), signer));
    }

    /// @dev Id, U1, X and the signature itself; nothing else of the cfrag is signed.
    function testFuzz_aChangedSubjectOrSignatureIsNotSigned(uint16 at, uint8 bit) public view {
        uint256 place = at % (32 + 33 + 33 + 64);
        if (place < 32) place += 66;
        else if (place < 65) place = place - 32 + 98;
        else if (place < 98) place = place - 65 + 197;
        else place = place - 98 + 295;
        bytes memory changed = honest;
        changed[place] ^= bytes1(uint8(1) << (bit % 8));
        assertFalse(umbral.isSigned(changed, umbral.grantDigest(grant, changed, keys), signer));
    }

    /// @dev A changed witness of a true equation never shows a fault.
    function testFuzz_noChangedWitnessConvicts(uint8 code, uint16 at, uint8 bit) public view {
        code = uint8(bound(code, 1, 3));
        bytes memory witness = witnesses[code - 1];
        witness[at % witness.length] ^= bytes1(uint8(1) << (bit % 8));
        for (uint8 as_ = 1; as_ <= 7; ++as_) {
            try umbral.proves(capsule, honest, as_, witness) returns (bool guilty) {
                assertFalse(guilty);
            } catch {}
        }
    }

    /// @dev Nor does a changed capsule with the witness of the true one.
    function testFuzz_noChangedCapsuleConvictsWithATrueWitness(uint8 code, uint16 at, uint8 bit)
        public
        view
    {
        code = uint8(bound(code, 1, 3));
        bytes memory changed = capsule;
        // s is no part of the equations.
        changed[at % 66] ^= bytes1(uint8(1) << (bit % 8));
        try umbral.proves(changed, honest, code, witnesses[code - 1]) returns (bool guilty) {
            assertFalse(guilty);
        } catch {}
    }

    function test_misfitsHaveErrorsOfTheirOwn() public {
        _misfit(2, UmbralProof.UmbralWitnessMismatch.selector, 0); // W1.x
        _misfit(34, UmbralProof.UmbralWitnessMismatch.selector, 0); // W1.y
        _misfit(66, UmbralProof.UmbralWitnessMismatch.selector, 64); // W2.x
        _misfit(98, UmbralProof.UmbralWitnessMismatch.selector, 64); // W2.y
        bytes memory witness = witnesses[0];
        witness[130] ^= 0x01; // P2.y
        vm.expectRevert(UmbralProof.UmbralWitnessOffCurve.selector);
        umbral.proves(capsule, honest, 1, witness);
        // The other root of P2.
        uint256 p = 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f;
        uint256 y = uint256(bytes32(_slice(witnesses[0], 130, 162)));
        witness = bytes.concat(_head(witnesses[0]), bytes32(p - y));
        vm.expectRevert(UmbralProof.UmbralWitnessOffCurve.selector);
        umbral.proves(capsule, honest, 1, witness);
    }

    function _misfit(uint256 at, bytes4 selector, uint256 part) private {
        bytes memory witness = witnesses[0];
        witness[at] ^= 0x80;
        vm.expectRevert(abi.encodeWithSelector(selector, part));
        umbral.proves(capsule, honest, 1, witness);
    }

    function test_aWitnessForAnotherEquationDoesNotFit() public {
        vm.expectRevert(abi.encodeWithSelector(UmbralProof.UmbralWitnessMismatch.selector, uint256(0)));
        umbral.proves(capsule, honest, 1, witnesses[1]);
        vm.expectRevert(abi.encodeWithSelector(UmbralProof.UmbralWitnessMismatch.selector, uint256(0)));
        umbral.proves(capsule, honest, 3, witnesses[0]);
    }

    function test_refusesUnknownFaultsAndPlaces() public {
        bytes memory long = bytes.concat(hex"0001", new bytes(160));
        _unknown(1, 1, long);
        _unknown(7, 3, bytes.concat(hex"0003", new bytes(160)));
        _unknown(5, 66, hex"0042"); // the id is no point
        _unknown(5, 1, hex"0001");
        _unknown(6, 263, bytes.concat(hex"0107", new bytes(32)));
        _unknown(4, 1, hex"0001");
        _unknown(0, 0, hex"0000");
        _unknown(8, 0, hex"0000"); // judged elsewhere
        _unknown(255, 0, hex"0000");
    }

    function _unknown(uint8 code, uint16 which, bytes memory witness) private {
        vm.expectRevert(abi.encodeWithSelector(UmbralProof.UmbralFaultUnknown.selector, code, which));
        umbral.proves(capsule, honest, code, witness);
    }

    function test_refusesWrongLengths() public {
        _wrongLength(honest, 1, hex"00", 1, 2);
        _wrongLength(honest, 1, new bytes(161), 159, 160);
        _wrongLength(honest, 1, new bytes(163), 161, 160);
        _wrongLength(honest, 4, new bytes(3), 1, 0);
        _wrongLength(honest, 5, new bytes(3), 1, 0);
        _wrongLength(honest, 6, new bytes(33), 31, 32);
        _wrongLength(bytes.concat(honest, hex"00"), 4, hex"0000", 360, 359);
        _wrongLength("", 4, hex"0000", 0, 359);
    }

    function _wrongLength(
        bytes memory cfrag,
        uint8 code,
        bytes memory witness,
        uint256 got,
        uint256 expected
    ) private {
        vm.expectRevert(abi.encodeWithSelector(UmbralProof.UmbralLengthInvalid.selector, got, expected));
        umbral.proves(capsule, cfrag, code, witness);
    }

    /// @dev A root of x^3 + 7 is none of its negative, nor is 0, nor a number not reduced.
    function test_refusesFalseRoots() public {
        uint256 p = 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f;
        uint256 y = uint256(bytes32(_slice(_hex(".honest[0].roots"), 0, 32)));
        uint256[4] memory roots = [0, 1, y, p];
        for (uint256 i = 0; i < 4; ++i) {
            vm.expectRevert(UmbralProof.UmbralRootInvalid.selector);
            umbral.proves(capsule, honest, 6, abi.encodePacked(uint16(0), roots[i]));
        }
    }

    /// @dev All but P2.y.
    function _head(bytes memory witness) private pure returns (bytes memory part) {
        part = new bytes(130);
        for (uint256 i = 0; i < 130; ++i) {
            part[i] = witness[i];
        }
    }
}
