// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Test} from "forge-std/Test.sol";
import {
    PAID_IN_WORD,
    PolicyWord,
    countAt,
    newPolicyWord,
    withCountAt
} from "../../src/libraries/PolicyWord.sol";

contract PolicyWordTest is Test {
    /// @dev Every field written, none read through another, in an order the contract may write them.
    function testFuzz_keepsItsFields(
        uint32 first,
        uint16 length,
        uint16 refunded,
        uint40 time,
        uint8 revokedAlone,
        uint16[PAID_IN_WORD] memory paid
    ) public pure {
        first = uint32(bound(first, 1, type(uint32).max));
        uint256 alone = bound(revokedAlone, 0, 32);
        PolicyWord word = newPolicyWord(first, length).withRefunded(refunded);
        for (uint256 i = 0; i < alone; ++i) {
            word = word.withOneMoreRevokedArrangement();
        }
        for (uint256 i = 0; i < PAID_IN_WORD; ++i) {
            word = word.withPaid(i, type(uint16).max).withPaid(i, paid[i]);
        }
        assertFalse(word.revoked());
        assertEq(word.revokedAt(), 0);
        word = word.withRevoked(time).withLength(length / 2);
        assertTrue(word.exists());
        assertTrue(word.revoked());
        assertEq(word.firstPeriod(), first);
        assertEq(word.length(), length / 2);
        assertEq(word.refunded(), refunded);
        assertEq(word.revokedAt(), time);
        assertEq(word.revokedArrangements(), alone);
        for (uint256 i = 0; i < PAID_IN_WORD; ++i) {
            assertEq(word.paid(i), paid[i]);
        }
    }

    /// @dev The layout is what stands in the head of the library: off-chain readers count on it.
    function test_layout() public pure {
        PolicyWord word = newPolicyWord(0x01020304, 0x0506).withRefunded(0x0708).withRevoked(0x0a0b0c0d0e);
        word = word.withOneMoreRevokedArrangement().withOneMoreRevokedArrangement();
        word = word.withPaid(0, 0x1112).withPaid(8, 0x2122);
        assertEq(
            PolicyWord.unwrap(word),
            0x2122_0000000000000000000000000000_1112_0a0b0c0d0e_05_0708_0506_01020304
        );
    }

    function test_allFieldsAtTheirMaxima() public pure {
        PolicyWord word = newPolicyWord(type(uint32).max, type(uint16).max).withRefunded(type(uint16).max);
        for (uint256 i = 0; i < 32; ++i) {
            word = word.withOneMoreRevokedArrangement();
        }
        word = word.withRevoked(type(uint40).max);
        for (uint256 i = 0; i < PAID_IN_WORD; ++i) {
            word = word.withPaid(i, type(uint16).max);
        }
        // All ones but the unused bit and the five lower of the six bits that count to 32.
        assertEq(PolicyWord.unwrap(word), type(uint256).max ^ (1 << 71) ^ (0x1f << 65));
    }

    function test_aWordOfZeroIsNoPolicy() public pure {
        assertFalse(PolicyWord.wrap(0).exists());
        assertFalse(PolicyWord.wrap(0).revoked());
        assertTrue(newPolicyWord(1, 0).exists(), "revoked before its start in the first period");
    }

    function testFuzz_countsOfATailDoNotTouchEachOther(uint256 word, uint8 place, uint16 count) public pure {
        uint256 shift = (place % 16) * 16;
        uint256 changed = withCountAt(word, shift, count);
        assertEq(countAt(changed, shift), count);
        assertEq((changed ^ word) & ~(uint256(0xffff) << shift), 0);
    }
}
