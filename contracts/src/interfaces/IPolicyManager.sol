// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IPeriodClock} from "./IPeriodClock.sol";

/// @title Policy manager
/// @notice Content-addressed policies, their fees and refunds. The chain stores one word per policy;
/// the terms are resupplied in calldata and checked against the id.
interface IPolicyManager is IPeriodClock {
    /// @notice The terms of a policy. Its id is
    /// keccak256(abi.encode(chainid, address(this), terms)), terms as this struct.
    struct Terms {
        /// Who may revoke (account or ERC-1271 contract).
        address author;
        /// Who paid, and receives every refund.
        address sponsor;
        /// Ethereum address of the author's Umbral verifying key.
        address verifier;
        /// keccak256(delegating key 33 B || receiving key 33 B), compressed encodings.
        bytes32 keysHash;
        /// Fee per miner and period, units of 1e-18 KMS, > 0.
        uint96 rate;
        uint32 firstPeriod;
        /// Last period, inclusive.
        uint32 lastPeriod;
        /// m: fragments a reader needs, 1 <= threshold <= miners.length.
        uint8 threshold;
        bytes32 salt;
        /// n miners, strictly ascending, 1 <= n <= 32.
        address[] miners;
    }

    /// @notice What the chain stores of a policy, unpacked.
    struct State {
        bool exists;
        bool revoked;
        /// Last period that is paid for (lowered by a revocation, raised by an extension).
        uint32 effectiveLast;
        /// Idle periods are refunded up to and including this one.
        uint32 refundedThrough;
    }

    event PolicyCreated(
        uint64 seq, bytes32 indexed policyId, bytes32 indexed keysHash, address indexed author, Terms terms
    );
    event PolicyExtended(uint64 seq, bytes32 indexed policyId, uint32 lastPeriod, address payer);
    /// @param effectiveLast the last period still paid; access ends with this event.
    event PolicyRevoked(uint64 seq, bytes32 indexed policyId, uint32 effectiveLast, uint256 refund);
    event PolicyRefunded(bytes32 indexed policyId, uint32 throughPeriod, uint256 amount);
    event FeesCollected(
        bytes32 indexed policyId, address indexed miner, uint32 throughPeriod, uint256 amount
    );

    error PolicyExists(bytes32 policyId);
    error PolicyUnknown(bytes32 policyId);
    error PolicyAlreadyRevoked(bytes32 policyId);
    error PolicyEnded(bytes32 policyId, uint32 effectiveLast);
    error PolicyPeriodsInvalid(uint32 firstPeriod, uint32 lastPeriod, uint32 currentPeriod);
    error PolicyTooLong(uint32 periods, uint32 maximum);
    error PolicyMinersInvalid(uint256 count);
    error PolicyMinersUnsorted(uint256 index);
    error PolicyThresholdInvalid(uint8 threshold, uint256 miners);
    error PolicyRateZero();
    error PolicyAuthorZero();
    error PolicySponsorMismatch(address sponsor, address payer);
    error PolicyPaymentMismatch(uint256 paid, uint256 due);
    error PolicyNotAuthor(address caller);
    error PolicySignatureInvalid(address author);
    error PolicySignatureExpired(uint256 deadline);
    error PolicyMinerUnknown(bytes32 policyId, address miner);
    error PolicyNotMinerOrWorker(address caller, address miner);
    error PolicyNothingToCollect(bytes32 policyId, address miner);
    error PolicyNothingToRefund(bytes32 policyId);
    error PolicyNotToken(address caller);
    error PolicyTransferFailed();
    /// @notice Thrown at construction when token, escrow and rewards are not of one deployment.
    error PolicyContractsMismatch();

    function token() external view returns (address);
    function escrow() external view returns (address);
    function rewards() external view returns (address);
    function maxPolicyPeriods() external view returns (uint32);
    /// @notice Number of the last sequenced event; the first one carries 1.
    function lastSeq() external view returns (uint64);

    function policyId(Terms calldata terms) external view returns (bytes32);
    /// @notice rate * n * (lastPeriod - firstPeriod + 1).
    function priceOf(Terms calldata terms) external pure returns (uint256);
    function stateOf(bytes32 id) external view returns (State memory);
    /// @notice Fees `miner` could collect now.
    function collectable(Terms calldata terms, address miner) external view returns (uint256);
    /// @notice Idle-period refund that `refund` would pay now.
    function refundable(Terms calldata terms) external view returns (uint256);
    /// @notice Periods of `miner` already paid, up to and including the result.
    function paidThrough(Terms calldata terms, address miner) external view returns (uint32);

    /// @notice Pays and creates; the caller must be terms.sponsor (allowance needed).
    function createPolicy(Terms calldata terms) external returns (bytes32 id);
    function createPolicyWithPermit(Terms calldata terms, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
        returns (bytes32 id);
    // ERC-1363: `token.transferAndCall(policies, price, abi.encode(Terms))` from the sponsor creates too.
    /// @notice Moves the end. Only the author, who alone decides how long a reader is let in; it pays
    /// the new periods, refunds still go to the sponsor.
    function extendPolicy(Terms calldata terms, uint32 newLastPeriod) external;
    /// @notice Ends the policy now. The current period stays paid; the coming ones return to the sponsor.
    function revokePolicy(Terms calldata terms) external returns (uint256 refunded);
    /// @notice As revokePolicy with the author's EIP-712 signature (domain "KMS PolicyManager", "1"),
    /// type Revocation(bytes32 policyId,uint256 deadline); ERC-1271 authors too. Anyone may relay.
    function revokePolicyWithSignature(Terms calldata terms, uint256 deadline, bytes calldata signature)
        external
        returns (uint256 refunded);
    /// @notice Returns the fees of idle completed periods to the sponsor. Anyone.
    function refund(Terms calldata terms) external returns (uint256 amount);
    /// @notice Pays `miner` for its active completed periods in each policy, to the miner's own
    /// address. The miner or its worker. Reverts if nothing at all is due.
    function collect(Terms[] calldata terms, address miner) external returns (uint256 amount);
}
