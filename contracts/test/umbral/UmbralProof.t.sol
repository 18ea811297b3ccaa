// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Shipped} from "../base/Shipped.sol";
import {console} from "forge-std/console.sol";
import {UmbralHarness} from "../optimized/UmbralHarness.sol";
import {Secp256k1} from "../../src/libraries/Secp256k1.sol";
import {UmbralProof} from "../../src/libraries/UmbralProof.sol";

/// @notice The library against the vectors that the umbral crate judged, and against tampering.
contract UmbralProofTest is Shipped {
    struct Case {
        string name;
        bytes cfrag;
        bytes32 digest;
        uint8 code;
        bytes witness;
        bool guilty;
    }

    UmbralHarness internal umbral;
    bytes internal capsule;
    address internal signer;
    Case[] internal cases;

    function setUp() public {
        umbral = UmbralHarness(_create("UmbralHarness", ""));
        string memory json = vm.readFile("../tests/vectors/fault_witness.json");
        capsule = _hex(json, ".capsule");
        signer = address(bytes20(_hex(json, ".signer")));
        for (uint256 i = 0; vm.keyExistsJson(json, _at(i, "")); ++i) {
            Case storage item = cases.push();
            item.name = vm.parseJsonString(json, _at(i, ".name"));
            item.cfrag = _hex(json, _at(i, ".cfrag"));
            item.digest = bytes32(_hex(json, _at(i, ".digest")));
            item.code = uint8(vm.parseJsonUint(json, _at(i, ".code")));
            uint16 which = uint16(vm.parseJsonUint(json, _at(i, ".which")));
            item.witness = bytes.concat(bytes2(which), _hex(json, _at(i, ".witness")));
            item.guilty = vm.parseJsonBool(json, _at(i, ".guilty"));
        }
    }

    function _at(uint256 i, string memory key) private pure returns (string memory) {
        return string.concat(".cases[", vm.toString(i), "]", key);
    }

    function _hex(string memory json, string memory key) private pure returns (bytes memory) {
        return vm.parseBytes(string.concat("0x", vm.parseJsonString(json, key)));
    }

    /// @dev Convicted, or not: a witness that does not fit says nothing.
    function _convicts(Case memory item) private view returns (bool) {
        if (item.code == UmbralProof.BAD_KFRAG_SIGNATURE) {
            return !umbral.isSigned(item.cfrag, item.digest, signer);
        }
        try umbral.proves(capsule, item.cfrag, item.code, item.witness) returns (bool guilty) {
            return guilty;
        } catch {
            return false;
        }
    }

    function test_agreesWithTheCrateOnEveryVector() public view {
        assertEq(cases.length, 55);
        for (uint256 i = 0; i < cases.length; ++i) {
            assertEq(_convicts(cases[i]), cases[i].guilty, cases[i].name);
        }
    }

    function test_oneEquationCostsAtMost14k() public view {
        for (uint256 i = 0; i < cases.length; ++i) {
            Case memory item = cases[i];
            if (item.code > 3 || (!item.guilty && i < 52)) continue;
            umbral.proves(capsule, item.cfrag, item.code, item.witness);
            uint256 gas = vm.lastCallGas().gasTotalUsed;
            console.log(item.name, item.code, gas);
            assertLe(gas, 14_000, item.name);
        }
    }
}
