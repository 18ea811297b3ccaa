// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Secp256k1} from "../../src/libraries/Secp256k1.sol";
import {UmbralProof} from "../../src/libraries/UmbralProof.sol";

/// @notice The library's functions as external ones, so that a test can catch what they revert with.
contract UmbralHarness {
    function proves(bytes calldata capsule, bytes calldata cfrag, uint8 code, bytes calldata witness)
        external
        pure
        returns (bool)
    {
        return UmbralProof.proves(capsule, cfrag, code, witness);
    }

    function equation(uint8 code, bytes calldata capsule, bytes calldata cfrag, bytes calldata witness)
        external
        pure
        returns (Secp256k1.Sum)
    {
        return UmbralProof.equation(code, capsule, cfrag, witness);
    }

    function challenge(bytes calldata capsule, bytes calldata cfrag) external pure returns (uint256) {
        return UmbralProof.challenge(capsule, cfrag);
    }

    function isSigned(bytes calldata cfrag, bytes32 digest, address signer) external pure returns (bool) {
        return UmbralProof.isSigned(cfrag, digest, signer);
    }

    function grantDigest(UmbralProof.Grant calldata grant, bytes calldata cfrag, bytes calldata keys)
        external
        view
        returns (bytes32)
    {
        return UmbralProof.grantDigest(grant, cfrag, keys);
    }

    function isJudgeable(bytes calldata capsule, bytes calldata roots) external pure returns (bool) {
        return UmbralProof.isJudgeable(capsule, roots);
    }

    function capsuleValid(bytes calldata capsule, bytes calldata witness) external pure returns (bool) {
        return UmbralProof.capsuleValid(capsule, witness);
    }

    function isMultiple(uint256 tag, uint256 x, uint256 k, bytes calldata product)
        external
        pure
        returns (bool)
    {
        return Secp256k1.isMultiple(tag, x, k, product);
    }

    function sum(uint256[2] calldata w1, uint256[2] calldata w2, uint256[2] calldata p2)
        external
        pure
        returns (Secp256k1.Sum)
    {
        return Secp256k1.sum(w1, w2, p2);
    }
}
