// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IPeriodClock} from "./IPeriodClock.sol";

/// @title Policy manager
/// @notice Content-addressed policies, their fees and refunds. The chain stores one word per policy;
/// the terms are resupplied in calldata and checked against the id. Amounts are in units of 1e-18 KMS,
/// times in periods of the clock unless said otherwise. A fee is a rate times a whole number of
/// periods: nothing is ever divided, so nothing is ever rounded.
///
/// Every function that takes terms of an existing policy reverts with PolicyUnknown when there is none
/// with exactly these terms, and every one that takes a miner with PolicyMinerUnknown when the terms do
/// not name it.
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

    /// @notice A miner's offer to serve below (or above) its posted rate, signed by its worker: EIP-712,
    /// domain "KMS PolicyManager", "1", type
    /// Quote(address miner,uint96 rate,uint32 maxPeriods,uint64 validUntil,uint32 capacity,bytes32 salt).
    /// Anyone may use it. An extension asks the posted rate again.
    struct Quote {
        /// Least fee per period the miner accepts, units of 1e-18 KMS.
        uint96 rate;
        /// Longest policy it is good for, in periods.
        uint32 maxPeriods;
        /// Last second in which it may be used (Unix time).
        uint64 validUntil;
        /// How many policies may be created with it.
        uint32 capacity;
        bytes32 salt;
        /// 65 bytes r || s || v, low s, v 27 or 28, of the miner's present worker. Empty for "no quote":
        /// then the posted rate applies and the other fields are ignored.
        bytes signature;
    }

    /// @param seq gap-free number of the events of this contract that a node must not miss.
    event PolicyCreated(
        uint64 seq, bytes32 indexed policyId, bytes32 indexed keysHash, address indexed author, Terms terms
    );
    /// @param lastPeriod the new last period of all arrangements that were not revoked.
    event PolicyExtended(uint64 seq, bytes32 indexed policyId, uint32 lastPeriod, address payer);
    /// @param effectiveLast the last period still paid; access ends with this event.
    event PolicyRevoked(uint64 seq, bytes32 indexed policyId, uint32 effectiveLast, uint256 refund);
    /// @param effectiveLast the last period in which `miner` is still paid; its access ends with this event.
    event ArrangementRevoked(
        uint64 seq, bytes32 indexed policyId, address indexed miner, uint32 effectiveLast, uint256 refund
    );
    /// @param uses how often the quote has been used, this time included.
    event QuoteUsed(
        bytes32 indexed policyId, address indexed miner, bytes32 indexed quoteDigest, uint32 uses
    );
    event PolicyRefunded(bytes32 indexed policyId, uint32 throughPeriod, uint256 amount);
    event FeesCollected(
        bytes32 indexed policyId, address indexed miner, uint32 throughPeriod, uint256 amount
    );
    /// @param throughPeriod last period without new policies and extensions; a past one lifts the pause.
    event PoliciesPaused(uint32 throughPeriod);

    error PolicyExists(bytes32 policyId);
    error PolicyUnknown(bytes32 policyId);
    error PolicyAlreadyRevoked(bytes32 policyId);
    /// @notice The miner's arrangement was revoked before.
    error PolicyArrangementRevoked(bytes32 policyId, address miner);
    error PolicyEnded(bytes32 policyId, uint32 effectiveLast);
    error PolicyPeriodsInvalid(uint32 firstPeriod, uint32 lastPeriod, uint32 currentPeriod);
    error PolicyTooLong(uint32 periods, uint32 maximum);
    /// @notice No miner, or more than 32; at an extension: no arrangement is left to extend.
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
    error PolicyNotControl(address caller);
    /// @notice New policies and extensions wait until `throughPeriod` is over.
    error PolicyPaused(uint32 throughPeriod);
    /// @notice A list is empty or longer than the limit.
    error PolicyBatchInvalid(uint256 count, uint256 maximum);
    /// @notice Not one quote (or empty place) per miner.
    error PolicyQuotesMismatch(uint256 quotes, uint256 miners);
    /// @notice The rate of the terms is below the quoted one.
    error PolicyQuoteRateTooLow(address miner, uint96 rate, uint96 quotedRate);
    error PolicyQuoteTooShort(address miner, uint32 periods, uint32 maxPeriods);
    error PolicyQuoteExpired(address miner, uint64 validUntil);
    error PolicyQuoteUsedUp(address miner, uint32 capacity);
    /// @notice Not signed by the miner's present worker, or the signature is misshapen.
    error PolicyQuoteSignatureInvalid(address miner);
    error PolicyTransferFailed();
    /// @notice Thrown at construction when token, escrow and rewards are not of one deployment.
    error PolicyContractsMismatch();

    // ---------------------------------------------------------------- views

    /// @notice The KMS token, in which all fees are paid.
    function token() external view returns (address);
    /// @notice The StakingEscrow that says who can serve.
    function escrow() external view returns (address);
    /// @notice The MiningRewards whose record of activity decides who is paid.
    function rewards() external view returns (address);
    /// @notice The only one who may pause.
    function control() external view returns (address);
    /// @notice Longest policy in periods, extensions included; at most 65,534.
    function maxPolicyPeriods() external view returns (uint32);
    /// @notice Number of the last sequenced event; the first one carries 1.
    function lastSeq() external view returns (uint64);
    /// @notice Last paused period; there is no pause when it is a past one.
    function pausedThrough() external view returns (uint32);

    /// @notice The id that `terms` have on this chain and in this contract, whether they exist or not.
    function policyId(Terms calldata terms) external view returns (bytes32);
    /// @notice rate * n * (lastPeriod - firstPeriod + 1), units of 1e-18 KMS, exact. Panics when
    /// lastPeriod < firstPeriod - 1.
    function priceOf(Terms calldata terms) external pure returns (uint256);
    /// @notice All zeros when there is no such policy.
    function stateOf(bytes32 id) external view returns (State memory);
    /// @notice stateOf for each of 1 to 256 ids. Reverts with PolicyBatchInvalid for another number.
    function statesOf(bytes32[] calldata ids) external view returns (State[] memory);
    /// @notice Fees `miner` could collect now, units of 1e-18 KMS.
    function collectable(Terms calldata terms, address miner) external view returns (uint256);
    /// @notice collectable for each of 1 to 256 policies. Reverts with PolicyBatchInvalid for another number.
    function collectableEach(Terms[] calldata terms, address miner) external view returns (uint256[] memory);
    /// @notice Idle-period refund that `refund` would pay now, units of 1e-18 KMS.
    function refundable(Terms calldata terms) external view returns (uint256);
    /// @notice refundable for each of 1 to 256 policies. Reverts with PolicyBatchInvalid for another number.
    function refundableEach(Terms[] calldata terms) external view returns (uint256[] memory);
    /// @notice Periods of `miner` already paid, up to and including the result; firstPeriod - 1 for none.
    function paidThrough(Terms calldata terms, address miner) external view returns (uint32);
    /// @notice Last period of `miner` that is paid for: the policy's, or an earlier one when its
    /// arrangement was revoked.
    function effectiveLastOf(Terms calldata terms, address miner) external view returns (uint32);
    /// @notice The id of an existing policy that names `miner`, and the number of the block in which the
    /// miner's access was revoked, by itself or with the whole policy, the earlier; 0 if it was not.
    /// A policy that merely ran out was not revoked.
    function accessEnd(Terms calldata terms, address miner)
        external
        view
        returns (bytes32 id, uint64 blockNumber);
    /// @notice What the worker of `miner` signs to make `quote` (its signature is ignored).
    function quoteDigest(address miner, Quote calldata quote) external view returns (bytes32);
    /// @notice How many policies were created with the quote of this digest.
    function quoteUses(bytes32 digest) external view returns (uint32);

    // ---------------------------------------------------------------- creation and extension

    /// @notice Pays and creates; the caller must be terms.sponsor (allowance of priceOf needed). Reverts
    /// with PolicyPaused; PolicyAuthorZero, PolicySponsorMismatch, PolicyRateZero, PolicyMinersInvalid,
    /// PolicyThresholdInvalid, PolicyPeriodsInvalid, PolicyTooLong, PolicyMinersUnsorted for bad terms;
    /// PolicyExists; EscrowMinerCannotServe (from the escrow) when a miner's lock may end before the
    /// policy or its posted rate is higher.
    function createPolicy(Terms calldata terms) external returns (bytes32 id);
    /// @notice As createPolicy, with an ERC-2612 permit over priceOf(terms) in the same transaction; a
    /// permit that somebody else already submitted does no harm.
    function createPolicyWithPermit(Terms calldata terms, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
        returns (bytes32 id);
    /// @notice As createPolicy for each of 1 to 256 terms, with one transfer of the sum. All or none.
    function createPolicies(Terms[] calldata terms) external returns (bytes32[] memory ids);
    /// @notice As createPolicy, but quotes[i] may replace the posted rate of miners[i]. Reverts also with
    /// PolicyQuotesMismatch, PolicyQuoteRateTooLow, PolicyQuoteTooShort, PolicyQuoteExpired,
    /// PolicyQuoteUsedUp, PolicyQuoteSignatureInvalid. The lock of a miner is asked for as ever.
    function createPolicyWithQuotes(Terms calldata terms, Quote[] calldata quotes)
        external
        returns (bytes32 id);
    // ERC-1363: `token.transferAndCall(policies, price, abi.encode(Terms))` from the sponsor creates too.
    /// @notice Moves the end of every arrangement that was not revoked. Only the author, who alone
    /// decides how long a reader is let in; it pays the new periods (allowance needed), refunds still go
    /// to the sponsor. Reverts with PolicyNotAuthor, PolicyPaused, PolicyAlreadyRevoked, PolicyEnded,
    /// PolicyPeriodsInvalid (not later than now), PolicyTooLong, PolicyMinersInvalid(0) when every
    /// arrangement is revoked, EscrowMinerCannotServe.
    function extendPolicy(Terms calldata terms, uint32 newLastPeriod) external;

    // ---------------------------------------------------------------- revocation

    /// @notice Ends the policy now. The current period stays paid; the coming ones return to the sponsor.
    /// Only the author (PolicyNotAuthor), once (PolicyAlreadyRevoked), through the last period
    /// (PolicyEnded). Never paused.
    /// @return refunded units of 1e-18 KMS; idle periods before are refund's affair.
    function revokePolicy(Terms calldata terms) external returns (uint256 refunded);
    /// @notice As revokePolicy with the author's EIP-712 signature (domain "KMS PolicyManager", "1"),
    /// type Revocation(bytes32 policyId,uint256 deadline); ERC-1271 authors too. Anyone may relay, through
    /// the second `deadline` (PolicySignatureExpired, PolicySignatureInvalid).
    function revokePolicyWithSignature(Terms calldata terms, uint256 deadline, bytes calldata signature)
        external
        returns (uint256 refunded);
    /// @notice Ends the arrangement with one miner now; the others go on. That miner's current period
    /// stays paid, its coming ones return to the sponsor. Only the author (PolicyNotAuthor), once per
    /// miner (PolicyArrangementRevoked), while the policy lives (PolicyAlreadyRevoked, PolicyEnded).
    /// Never paused.
    /// @return refunded units of 1e-18 KMS.
    function revokeArrangement(Terms calldata terms, address miner) external returns (uint256 refunded);
    /// @notice As revokeArrangement with the author's EIP-712 signature of the type
    /// ArrangementRevocation(bytes32 policyId,address miner,uint256 deadline); ERC-1271 authors too.
    /// Anyone may relay, through the second `deadline` (PolicySignatureExpired, PolicySignatureInvalid).
    function revokeArrangementWithSignature(
        Terms calldata terms,
        address miner,
        uint256 deadline,
        bytes calldata signature
    ) external returns (uint256 refunded);

    // ---------------------------------------------------------------- settlement

    /// @notice Returns the fees of idle completed periods to the sponsor. Anyone, as often as there is
    /// something to return (PolicyNothingToRefund). Never paused.
    /// @return amount units of 1e-18 KMS.
    function refund(Terms calldata terms) external returns (uint256 amount);
    /// @notice Pays `miner` for its active completed periods in each policy, to the miner's own
    /// address. The miner or its worker (PolicyNotMinerOrWorker). Reverts if nothing at all is due
    /// (PolicyNothingToCollect). Never paused.
    /// @return amount units of 1e-18 KMS.
    function collect(Terms[] calldata terms, address miner) external returns (uint256 amount);

    // ---------------------------------------------------------------- pause

    /// @notice Holds up new policies and extensions while currentPeriod <= throughPeriod; a past period
    /// (or 0) lifts it. Only `control` (PolicyNotControl), which bounds how long a pause may last.
    function setPause(uint32 throughPeriod) external;
}
