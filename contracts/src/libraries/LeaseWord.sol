// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Lease word
/// @notice The storage word of a miner's lease. An extension writes no other slot of the miner, and
/// activePeriods reads no other one for a miner without gaps.
///
///     bits   0..96   locked: tokens that the weight is computed from
///     bits  96..128  term: min(T, T1) that the weight is computed from; 0 when kappa is off
///     bits 128..160  from: first period at this weight whose reward is not settled yet
///     bits 160..192  through: last leased period; 0 for never
///     bits 192..224  runStart: first period of the open run of activity, which ends at `through`
///     bits 224..256  runsBefore: active periods in all earlier runs
///
/// The low 128 bits, locked and term, are the basis of the weight. A suspension that ends a lease leaves an
/// empty one: basis 0, from = through + 1. Its run, which ended at `through`, still counts as the open one;
/// the next lease closes it, as after any gap.
type LeaseWord is uint256;

using {
    locked,
    term,
    from,
    through,
    runStart,
    runsBefore,
    isEmpty,
    basis,
    withBasis,
    withFrom,
    withThrough,
    withRun,
    ended
} for LeaseWord global;

function locked(LeaseWord word) pure returns (uint96) {
    return uint96(LeaseWord.unwrap(word));
}

function term(LeaseWord word) pure returns (uint32) {
    return uint32(LeaseWord.unwrap(word) >> 96);
}

function from(LeaseWord word) pure returns (uint32) {
    return uint32(LeaseWord.unwrap(word) >> 128);
}

function through(LeaseWord word) pure returns (uint32) {
    return uint32(LeaseWord.unwrap(word) >> 160);
}

function runStart(LeaseWord word) pure returns (uint32) {
    return uint32(LeaseWord.unwrap(word) >> 192);
}

function runsBefore(LeaseWord word) pure returns (uint32) {
    return uint32(LeaseWord.unwrap(word) >> 224);
}

/// @dev Whether a suspension ended the lease, or there never was one.
function isEmpty(LeaseWord word) pure returns (bool) {
    return locked(word) == 0;
}

/// @dev locked and term, which the weight is computed from. Two leases of equal basis have equal weight.
function basis(LeaseWord word) pure returns (uint128) {
    return uint128(LeaseWord.unwrap(word));
}

function basisOf(uint96 locked_, uint32 term_) pure returns (uint128) {
    return (uint128(term_) << 96) | locked_;
}

function withBasis(LeaseWord word, uint128 basis_) pure returns (LeaseWord) {
    return LeaseWord.wrap((LeaseWord.unwrap(word) & ~uint256(type(uint128).max)) | basis_);
}

function withFrom(LeaseWord word, uint32 period) pure returns (LeaseWord) {
    return LeaseWord.wrap(withPeriodAt(LeaseWord.unwrap(word), 128, period));
}

function withThrough(LeaseWord word, uint32 period) pure returns (LeaseWord) {
    return LeaseWord.wrap(withPeriodAt(LeaseWord.unwrap(word), 160, period));
}

/// @dev Begins a new open run at `start`, after `before` active periods in earlier runs.
function withRun(LeaseWord word, uint32 start, uint32 before) pure returns (LeaseWord) {
    return
        LeaseWord.wrap(uint192(LeaseWord.unwrap(word)) | (uint256(start) << 192) | (uint256(before) << 224));
}

/// @dev The empty lease that remains when this one is ended with `last`, a period below 2^32 - 1. Its rewards
/// must be settled before.
function ended(LeaseWord word, uint32 last) pure returns (LeaseWord) {
    return word.withBasis(0).withFrom(last + 1).withThrough(last);
}

/// @notice The word with the 32-bit period at `shift` replaced.
function withPeriodAt(uint256 word, uint256 shift, uint32 period) pure returns (uint256) {
    return (word & ~(uint256(type(uint32).max) << shift)) | (uint256(period) << shift);
}
