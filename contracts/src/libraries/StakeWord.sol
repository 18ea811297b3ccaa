// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Stake word
/// @notice The fields of a stake that a confirmation needs, returned by the escrow in one word, at less than
/// half the gas of three encoded fields.
///
///     bits   0..96   locked tokens
///     bits  96..128  lockPeriods
///     bits 128..160  unlockPeriod, 0 unless winding down
type StakeWord is uint256;

using {locked, lockPeriods, unlockPeriod} for StakeWord global;

function stakeWord(uint96 locked_, uint32 lockPeriods_, uint32 unlockPeriod_) pure returns (StakeWord) {
    return StakeWord.wrap(locked_ | (uint256(lockPeriods_) << 96) | (uint256(unlockPeriod_) << 128));
}

function locked(StakeWord word) pure returns (uint96) {
    return uint96(StakeWord.unwrap(word));
}

function lockPeriods(StakeWord word) pure returns (uint32) {
    return uint32(StakeWord.unwrap(word) >> 96);
}

function unlockPeriod(StakeWord word) pure returns (uint32) {
    return uint32(StakeWord.unwrap(word) >> 128);
}
