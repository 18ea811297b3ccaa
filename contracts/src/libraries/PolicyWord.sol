// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Policy word
/// @notice The storage word of a policy. Numbers of periods are counted from firstPeriod on, in 16 bits:
///
///     bits   0..32   firstPeriod, never 0, so a word of 0 means "no such policy"
///     bits  32..48   length: periods that are paid for, 0 after a revocation before the start
///     bits  48..64   refunded: leading periods whose fees of idle miners are refunded to the sponsor
///     bit   64       revoked: the policy as a whole
///     bits  65..71   number of arrangements that were revoked alone, at most 32
///     bit   71       late: the delivery to a miner was proved for a later period than the first
///     bits  72..112  time of the revocation of the policy, 0 while it is not revoked
///     bits 112..256  paid: for each of the first 9 miners, leading periods it has collected the fees of;
///                    0 while no delivery is proved, RETURNED once its fees went to the sponsor instead
///
/// The paid counts of further miners are kept 16 to a word, see PolicyBooks.
type PolicyWord is uint256;

using {
    exists,
    firstPeriod,
    length,
    refunded,
    revoked,
    revokedArrangements,
    revokedAt,
    late,
    paid,
    withLength,
    withRefunded,
    withRevoked,
    withOneMoreRevokedArrangement,
    withLate,
    withPaid
} for PolicyWord global;

/// @dev Number of miners whose paid count is in the policy's own word.
uint256 constant PAID_IN_WORD = 9;
/// @dev The paid count of a miner whose delivery nobody proved in time. No length is as great.
uint16 constant RETURNED = 0xffff;
uint256 constant COUNT_MASK = 0xffff;
uint256 constant REVOKED_BIT = 64;
uint256 constant ARRANGEMENTS_OFFSET = 65;
uint256 constant ARRANGEMENTS_MASK = 0x3f;
uint256 constant LATE_BIT = 71;
uint256 constant REVOKED_AT_OFFSET = 72;
uint256 constant PAID_OFFSET = 112;

function newPolicyWord(uint32 first, uint16 periods) pure returns (PolicyWord) {
    return PolicyWord.wrap(uint256(first) | (uint256(periods) << 32));
}

function exists(PolicyWord word) pure returns (bool) {
    return PolicyWord.unwrap(word) != 0;
}

function firstPeriod(PolicyWord word) pure returns (uint32) {
    return uint32(PolicyWord.unwrap(word));
}

function length(PolicyWord word) pure returns (uint16) {
    return uint16(PolicyWord.unwrap(word) >> 32);
}

function refunded(PolicyWord word) pure returns (uint16) {
    return uint16(PolicyWord.unwrap(word) >> 48);
}

function revoked(PolicyWord word) pure returns (bool) {
    return (PolicyWord.unwrap(word) >> REVOKED_BIT) & 1 == 1;
}

function revokedArrangements(PolicyWord word) pure returns (uint256) {
    return (PolicyWord.unwrap(word) >> ARRANGEMENTS_OFFSET) & ARRANGEMENTS_MASK;
}

function revokedAt(PolicyWord word) pure returns (uint40) {
    return uint40(PolicyWord.unwrap(word) >> REVOKED_AT_OFFSET);
}

function late(PolicyWord word) pure returns (bool) {
    return (PolicyWord.unwrap(word) >> LATE_BIT) & 1 == 1;
}

/// @dev Paid count of the miner at `index` < PAID_IN_WORD.
function paid(PolicyWord word, uint256 index) pure returns (uint16) {
    return countAt(PolicyWord.unwrap(word), PAID_OFFSET + 16 * index);
}

function withLength(PolicyWord word, uint16 periods) pure returns (PolicyWord) {
    return PolicyWord.wrap(withCountAt(PolicyWord.unwrap(word), 32, periods));
}

function withRefunded(PolicyWord word, uint16 periods) pure returns (PolicyWord) {
    return PolicyWord.wrap(withCountAt(PolicyWord.unwrap(word), 48, periods));
}

/// @dev Sets the revocation. The policy is not revoked yet, so the bits of its time are 0.
function withRevoked(PolicyWord word, uint40 time) pure returns (PolicyWord) {
    return
        PolicyWord.wrap(PolicyWord.unwrap(word) | (1 << REVOKED_BIT) | (uint256(time) << REVOKED_AT_OFFSET));
}

/// @dev Counts one more revoked arrangement. Each of at most 32 is revoked once at most: six bits suffice.
function withOneMoreRevokedArrangement(PolicyWord word) pure returns (PolicyWord) {
    return PolicyWord.wrap(PolicyWord.unwrap(word) + (1 << ARRANGEMENTS_OFFSET));
}

function withLate(PolicyWord word) pure returns (PolicyWord) {
    return PolicyWord.wrap(PolicyWord.unwrap(word) | (1 << LATE_BIT));
}

/// @dev Sets the paid count of the miner at `index` < PAID_IN_WORD.
function withPaid(PolicyWord word, uint256 index, uint16 periods) pure returns (PolicyWord) {
    return PolicyWord.wrap(withCountAt(PolicyWord.unwrap(word), PAID_OFFSET + 16 * index, periods));
}

/// @notice The 16-bit count at `shift` of a word.
function countAt(uint256 word, uint256 shift) pure returns (uint16) {
    return uint16(word >> shift);
}

/// @notice The word with the 16-bit count at `shift` replaced.
function withCountAt(uint256 word, uint256 shift, uint16 count) pure returns (uint256) {
    return (word & ~(COUNT_MASK << shift)) | (uint256(count) << shift);
}
