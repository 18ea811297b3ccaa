// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Shipped} from "../base/Shipped.sol";
import {console} from "forge-std/console.sol";
import {UmbralHarness} from "../optimized/UmbralHarness.sol";
import {Secp256k1} from "../../src/libraries/Secp256k1.sol";

/// @notice Capsules of the umbral crate, valid and not, and the curve's arithmetic.
contract CapsuleTest is Shipped {
    uint256 private constant N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
    uint256 private constant P = 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f;

    UmbralHarness internal umbral;
    string internal json;

    function setUp() public {
        umbral = UmbralHarness(_create("UmbralHarness", ""));
        json = vm.readFile("../tests/vectors/capsule_witness.json");
    }

    function _hex(uint256 i, string memory key) private view returns (bytes memory) {
        string memory text = vm.parseJsonString(json, string.concat(".cases[", vm.toString(i), "]", key));
        return vm.parseBytes(string.concat("0x", text));
    }

    /// @dev Accepted, or not: misfitting witnesses revert.
    function _accepts(bytes memory capsule, bytes memory witness) private view returns (bool) {
        try umbral.capsuleValid(capsule, witness) returns (bool valid) {
            return valid;
        } catch {
            return false;
        }
    }

    function test_agreesWithTheCrateOnEveryCapsule() public view {
        uint256 valid;
        uint256 i;
        for (; vm.keyExistsJson(json, string.concat(".cases[", vm.toString(i), "]")); ++i) {
            string memory at = string.concat(".cases[", vm.toString(i), "]");
            bool expected = vm.parseJsonBool(json, string.concat(at, ".valid"));
            bool accepted = _accepts(_hex(i, ".capsule"), _hex(i, ".witness"));
            assertEq(accepted, expected, vm.parseJsonString(json, string.concat(at, ".name")));
            if (accepted) {
                ++valid;
                console.log("capsule valid", vm.lastCallGas().gasTotalUsed);
                assertLe(vm.lastCallGas().gasTotalUsed, 14_000);
            }
        }
        assertEq(i, 24);
        assertEq(valid, 4);
    }

    function testFuzz_noChangedCapsuleIsValid(uint8 at, uint8 bit) public view {
        bytes memory capsule = _hex(0, ".capsule");
        capsule[at % 98] ^= bytes1(uint8(1) << (bit % 8));
        assertFalse(_accepts(capsule, _hex(0, ".witness")));
    }

    function testFuzz_noChangedWitnessIsAccepted(uint8 at, uint8 bit) public view {
        bytes memory witness = _hex(0, ".witness");
        witness[at % 160] ^= bytes1(uint8(1) << (bit % 8));
        assertFalse(_accepts(_hex(0, ".capsule"), witness));
    }

    // ---------------------------------------------------------------- curve

    /// @dev ecrecover against the cheat code's own multiplication.
    function testFuzz_isMultiple(uint256 a, uint256 k) public {
        a = bound(a, 1, N - 1);
        k = bound(k, 1, N - 1);
        (uint256 x, uint256 y) = _times(a);
        (uint256 px, uint256 py) = _times(mulmod(a, k, N));
        uint256 tag = 2 + (y & 1);
        assertTrue(umbral.isMultiple(tag, x, k, abi.encode(px, py)));
        assertFalse(umbral.isMultiple(tag ^ 1, x, k, abi.encode(px, py)));
        assertFalse(umbral.isMultiple(tag, x, addmod(k, 1, N), abi.encode(px, py)));
        assertFalse(umbral.isMultiple(tag, x, k, abi.encode(px, P - py)));
        assertFalse(umbral.isMultiple(tag + 2, x, k, abi.encode(px, py)));
    }

    function test_isMultipleOfNothing() public view {
        bytes memory zero = abi.encode(uint256(0), uint256(0));
        // x = 0, x = N, not on the curve, k = 0, k = N.
        assertFalse(umbral.isMultiple(2, 0, 1, zero));
        assertFalse(umbral.isMultiple(2, N, 1, zero));
        assertFalse(umbral.isMultiple(2, 5, 1, zero));
        assertFalse(umbral.isMultiple(2, 1, 0, zero));
        assertFalse(umbral.isMultiple(2, 1, N, zero));
    }

    function testFuzz_sum(uint256 a, uint256 b, uint256 c) public {
        a = bound(a, 1, N - 1);
        b = bound(b, 1, N - 1);
        c = bound(c, 1, N - 1);
        vm.assume(a != b && a != N - b && c != addmod(a, b, N));
        (uint256[2] memory p2, uint256[2] memory w2) = (_pair(a), _pair(b));
        assertTrue(umbral.sum(_pair(addmod(a, b, N)), w2, p2) == Secp256k1.Sum.Holds);
        assertTrue(umbral.sum(_pair(c), w2, p2) == Secp256k1.Sum.Fails);
        // The difference instead of the sum, and the negative of the sum.
        assertTrue(umbral.sum(_pair(N - addmod(a, b, N)), w2, p2) == Secp256k1.Sum.Fails);
        assertTrue(umbral.sum(_pair(addmod(a, N - b, N)), w2, p2) == Secp256k1.Sum.Fails);
    }

    /// @dev Equal or opposite points have no slope: neither true nor false.
    function testFuzz_sumOfOneXIsDegenerate(uint256 a, uint256 c) public {
        a = bound(a, 1, N - 1);
        c = bound(c, 1, N - 1);
        assertTrue(umbral.sum(_pair(c), _pair(a), _pair(a)) == Secp256k1.Sum.Degenerate);
        assertTrue(umbral.sum(_pair(c), _pair(a), _pair(N - a)) == Secp256k1.Sum.Degenerate);
    }

    function _pair(uint256 k) private returns (uint256[2] memory) {
        (uint256 x, uint256 y) = _times(k);
        return [x, y];
    }

    function _times(uint256 k) private returns (uint256 x, uint256 y) {
        return (vm.createWallet(k).publicKeyX, vm.createWallet(k).publicKeyY);
    }
}
