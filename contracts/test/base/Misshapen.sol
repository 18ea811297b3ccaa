// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @notice Signatures that say the same as a good one, or almost, and that every contract must refuse.
library Misshapen {
    uint256 private constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    /// @param good 65 bytes r || s || v with low s and v 27 or 28.
    function variantsOf(bytes memory good) internal pure returns (bytes[] memory bad) {
        (bytes32 r, bytes32 s) = abi.decode(good, (bytes32, bytes32));
        uint8 v = uint8(good[64]);
        bytes32 highS = bytes32(ORDER - uint256(s));
        bytes32 compact = bytes32(uint256(s) | (uint256(v - 27) << 255));
        bad = new bytes[](10);
        bad[0] = abi.encodePacked(r, highS, v == 27 ? uint8(28) : uint8(27));
        bad[1] = abi.encodePacked(r, s, uint8(0));
        bad[2] = abi.encodePacked(r, s, uint8(1));
        bad[3] = abi.encodePacked(r, s, uint8(29));
        bad[4] = abi.encodePacked(r, s, v == 27 ? uint8(28) : uint8(27));
        bad[5] = abi.encodePacked(r, s);
        bad[6] = abi.encodePacked(r, compact);
        bad[7] = abi.encodePacked(r, s, v, uint8(0));
        bad[8] = abi.encodePacked(bytes32(0), bytes32(0), uint8(27));
        bad[9] = abi.encodePacked(s, r, v);
    }
}
