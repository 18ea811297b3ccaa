// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IPeriodClock} from "./IPeriodClock.sol";

/// @title Policy manager
/// @notice Content-addressed policies, their fees and refunds. The chain stores one word per policy; the
/// terms are supplied in calldata with each call and checked against the id. Amounts are in units of 1e-18
/// KMS, times in periods of the clock unless said otherwise. A fee is a rate times a whole number of periods,
/// so nothing is ever rounded.
///
/// Every function that takes the terms of an existing policy reverts with PolicyUnknown when no policy has
/// exactly these terms, and every one that takes a miner with PolicyMinerUnknown when the terms do not name
/// it. The arrangement of a policy with one of its miners can be revoked alone.
interface IPolicyManager is IPeriodClock {
    /// @notice Terms of a policy, whose id is keccak256(abi.encode(chainid, address(this), terms)).
    struct Terms {
        /// Account or ERC-1271 contract that may extend and revoke.
        address author;
        /// Payer of the creation, who receives every refund.
        address sponsor;
        /// Ethereum address of the author's Umbral verifying key.
        address verifier;
        /// keccak256(delegating key 33 B || receiving key 33 B || blinding 32 B), compressed encodings. The
        /// blinding, which owner and reader alone can compute, keeps others from testing pairs of known keys.
        bytes32 keysHash;
        /// Fee per miner and period, units of 1e-18 KMS, > 0.
        uint96 rate;
        uint32 firstPeriod;
        /// Last period, inclusive.
        uint32 lastPeriod;
        /// m: number of cfrags a reader needs, 1 <= threshold <= miners.length.
        uint8 threshold;
        bytes32 salt;
        /// The n miners, strictly ascending, 1 <= n <= 32.
        address[] miners;
    }

    /// @notice Stored state of a policy.
    struct State {
        bool exists;
        bool revoked;
        /// Last period that is paid for: lowered by a revocation, raised by an extension.
        uint32 effectiveLast;
        /// Last period up to which the fees of idle miners are refunded.
        uint32 refundedThrough;
    }

    /// @notice Offer of a miner to serve at another rate than the posted one, signed by its worker: EIP-712,
    /// domain "KMS PolicyManager", "1", type
    /// Quote(address miner,address taker,uint96 rate,uint32 maxPeriods,uint64 validUntil,uint32 capacity,
    /// bytes32 salt), in one line. An extension takes the posted rate.
    struct Quote {
        /// Sponsor that may use it; zero for anyone.
        address taker;
        /// Least fee per period the miner accepts, units of 1e-18 KMS.
        uint96 rate;
        /// Length of the longest policy it may be used for, in periods.
        uint32 maxPeriods;
        /// Last second of Unix time in which it may be used.
        uint64 validUntil;
        /// Number of policies that may be created with it, each of which holds one seat.
        uint32 capacity;
        bytes32 salt;
        /// The seat that is taken, below the capacity; chosen by the sponsor and not signed.
        uint32 seat;
        /// By the miner's present worker: 65 bytes r || s || v, low s, v 27 or 28. Empty for "no quote": the
        /// posted rate holds and the other fields are ignored.
        bytes signature;
    }

    /// @notice The author's word that it handed a miner its kfrag in a period, given with the kfrag: EIP-712,
    /// domain "KMS PolicyManager", "1", type Delivery(bytes32 policyId,address miner,uint32 period), by the
    /// verifying key of the terms. A node takes no kfrag without it, and none of a period to come.
    struct Delivery {
        /// Period of the delivery; 0 for "none": the other fields are ignored.
        uint32 period;
        /// The signature in the compact form of ERC-2098.
        bytes32 r;
        bytes32 vs;
    }

    /// @notice A policy was created and paid for.
    /// @param seq sequence number, without gaps, over the events of this contract that a node must not miss.
    /// @param memo at most 256 bytes that the creator keeps for itself, such as a sealed note; may be empty.
    event PolicyCreated(
        uint64 seq,
        bytes32 indexed policyId,
        bytes32 indexed keysHash,
        address indexed author,
        Terms terms,
        bytes memo
    );
    /// @notice A policy was extended.
    /// @param lastPeriod new last period of all arrangements that are not revoked.
    event PolicyExtended(uint64 seq, bytes32 indexed policyId, uint32 lastPeriod, address payer);
    /// @notice A policy was revoked: access ends with this event.
    /// @param effectiveLast last period that stays paid.
    /// @param refund amount returned to the sponsor.
    event PolicyRevoked(uint64 seq, bytes32 indexed policyId, uint32 effectiveLast, uint256 refund);
    /// @notice The arrangement with `miner` was revoked: its access ends with this event.
    /// @param effectiveLast last period that stays paid to `miner`.
    /// @param refund amount returned to the sponsor.
    event ArrangementRevoked(
        uint64 seq, bytes32 indexed policyId, address indexed miner, uint32 effectiveLast, uint256 refund
    );
    /// @notice A policy was created with a quote of `miner`.
    /// @param seat the seat that the policy holds.
    event QuoteUsed(
        bytes32 indexed policyId, address indexed miner, bytes32 indexed quoteDigest, uint32 seat
    );
    /// @notice The miner or its worker cancelled a quote.
    event QuoteCancelled(address indexed miner, bytes32 indexed quoteDigest);
    /// @notice The fees of idle miners through `throughPeriod` were refunded to the sponsor.
    event PolicyRefunded(bytes32 indexed policyId, uint32 throughPeriod, uint256 amount);
    /// @notice `miner` was paid for its active periods through `throughPeriod`.
    event FeesCollected(
        bytes32 indexed policyId, address indexed miner, uint32 throughPeriod, uint256 amount
    );
    /// @notice Fees of active periods of `miner` through `throughPeriod` went to the sponsor: it had its
    /// kfrag later, or did not prove in time that it has it.
    event FeesReturned(
        bytes32 indexed policyId, address indexed miner, uint32 throughPeriod, uint256 amount
    );
    /// @notice New policies were paused, or the pause was lifted.
    /// @param throughPeriod last period of the pause; past or 0 when it was lifted.
    event PoliciesPaused(uint32 throughPeriod);

    error PolicyExists(bytes32 policyId);
    error PolicyUnknown(bytes32 policyId);
    error PolicyAlreadyRevoked(bytes32 policyId);
    /// @notice The miner's arrangement is revoked already.
    error PolicyArrangementRevoked(bytes32 policyId, address miner);
    error PolicyEnded(bytes32 policyId, uint32 effectiveLast);
    error PolicyPeriodsInvalid(uint32 firstPeriod, uint32 lastPeriod, uint32 currentPeriod);
    error PolicyTooLong(uint32 periods, uint32 maximum);
    /// @notice The terms name no miner, or more than 32; of an extension: every arrangement is revoked.
    error PolicyMinersInvalid(uint256 count);
    error PolicyMinersUnsorted(uint256 index);
    error PolicyThresholdInvalid(uint8 threshold, uint256 miners);
    error PolicyRateZero();
    /// @notice The memo has more than 256 bytes.
    error PolicyMemoTooLong(uint256 length);
    /// @notice There is not one memo, which may be empty, for each policy.
    error PolicyMemosMismatch(uint256 memos, uint256 policies);
    error PolicyAuthorZero();
    error PolicySponsorMismatch(address sponsor, address payer);
    error PolicyPaymentMismatch(uint256 paid, uint256 due);
    /// @notice The payment comes with a call of neither createPolicy nor extendPolicy.
    error PolicyNothingToPay(bytes4 selector);
    error PolicyNotAuthor(address caller);
    error PolicySignatureInvalid(address author);
    error PolicySignatureExpired(uint256 deadline);
    error PolicyMinerUnknown(bytes32 policyId, address miner);
    error PolicyNotMinerOrWorker(address caller, address miner);
    /// @notice No fees are due in any of the policies, of which this is the last. Before its delivery is
    /// proved a policy owes a miner nothing.
    error PolicyNothingToCollect(bytes32 policyId, address miner);
    /// @notice There is neither no delivery nor one, which may be empty, for each policy.
    error PolicyDeliveriesMismatch(uint256 deliveries, uint256 policies);
    /// @notice The verifying key of the terms did not sign this delivery of this policy to this miner.
    error PolicyDeliveryInvalid(bytes32 policyId, address miner);
    error PolicyNothingToRefund(bytes32 policyId);
    error PolicyNotToken(address caller);
    error PolicyNotControl(address caller);
    /// @notice New policies are paused through `throughPeriod`.
    error PolicyPaused(uint32 throughPeriod);
    /// @notice The list is empty or longer than `maximum`.
    error PolicyBatchInvalid(uint256 count, uint256 maximum);
    /// @notice There is not one quote, which may be empty, for each miner.
    error PolicyQuotesMismatch(uint256 quotes, uint256 miners);
    /// @notice The rate of the terms is below the quoted rate.
    error PolicyQuoteRateTooLow(address miner, uint96 rate, uint96 quotedRate);
    error PolicyQuoteTooShort(address miner, uint32 periods, uint32 maxPeriods);
    error PolicyQuoteExpired(address miner, uint64 validUntil);
    /// @notice The quote names another taker than the sponsor.
    error PolicyQuoteNotForSponsor(address miner, address taker, address sponsor);
    error PolicyQuoteSeatUnknown(address miner, uint32 seat, uint32 capacity);
    /// @notice `holder` has the seat: take another, see quoteHolder.
    error PolicyQuoteSeatTaken(address miner, uint32 seat, bytes32 holder);
    error PolicyQuoteIsCancelled(address miner, bytes32 quoteDigest);
    /// @notice Not signed by the miner's present worker, or the signature is misshapen.
    error PolicyQuoteSignatureInvalid(address miner);
    error PolicyTransferFailed();
    /// @notice Thrown at construction when token, escrow and rewards are not of one deployment.
    error PolicyContractsMismatch();

    // ---------------------------------------------------------------- views

    /// @notice The KMS token, in which all fees are paid.
    function token() external view returns (address);
    /// @notice The StakingEscrow, which decides whether a miner can serve.
    function escrow() external view returns (address);
    /// @notice The MiningRewards, whose record of activity decides who is paid.
    function rewards() external view returns (address);
    /// @notice The Control, which may pause.
    function control() external view returns (address);
    /// @notice Length of the longest policy in periods, extensions included; at most 65,534.
    function maxPolicyPeriods() external view returns (uint32);
    /// @notice Periods after its last paid one for which a miner may still prove that its kfrag was
    /// delivered: the escrow's shortest lock.
    function proofPeriods() external view returns (uint32);
    /// @notice Sequence number of the last event that has one; the first is 1.
    function lastSeq() external view returns (uint64);
    /// @notice Last period without new policies; past when there is no pause.
    function pausedThrough() external view returns (uint32);

    /// @notice Id of `terms` on this chain and in this contract, whether the policy exists or not.
    function policyId(Terms calldata terms) external view returns (bytes32);
    /// @notice Price of a policy: rate * n * (lastPeriod - firstPeriod + 1), in units of 1e-18 KMS. Panics
    /// when lastPeriod < firstPeriod - 1.
    function priceOf(Terms calldata terms) external pure returns (uint256);
    /// @notice State of the policy; all zeros if there is none.
    function stateOf(bytes32 id) external view returns (State memory);
    /// @notice State of each of 1 to 256 policies. Reverts with PolicyBatchInvalid for another number.
    function statesOf(bytes32[] calldata ids) external view returns (State[] memory);
    /// @notice Fees that `miner` could collect now without a delivery: 0 before one is proved.
    function collectable(Terms calldata terms, address miner) external view returns (uint256);
    /// @notice Fees that `miner` could collect now from each of 1 to 256 policies with these deliveries.
    /// Reverts with PolicyBatchInvalid for another number, PolicyDeliveriesMismatch, PolicyDeliveryInvalid.
    function collectableEach(Terms[] calldata terms, address miner, Delivery[] calldata deliveries)
        external
        view
        returns (uint256[] memory);
    /// @notice Fees of the miner's active, completed periods while no delivery is proved: its own from the
    /// period of the delivery on if it proves one, the sponsor's else; 0 once that is settled.
    /// @return fees these fees.
    /// @return throughPeriod last period in which the sponsor has to wait for the proof.
    function unproven(Terms calldata terms, address miner)
        external
        view
        returns (uint256 fees, uint256 throughPeriod);
    /// @notice Fees that `refund` would pay the sponsor now.
    function refundable(Terms calldata terms) external view returns (uint256);
    /// @notice Fees that `refund` would pay the sponsor now for each of 1 to 256 policies. Reverts with
    /// PolicyBatchInvalid for another number.
    function refundableEach(Terms[] calldata terms) external view returns (uint256[] memory);
    /// @notice What accessEnd returns, and what the policy has paid `miner`: its fees for its active ones
    /// among the completed periods, from its proved delivery on, collected or not, in units of 1e-18 KMS.
    function caseOf(Terms calldata terms, address miner)
        external
        view
        returns (bytes32 id, uint64 revokedAt, uint256 paid);
    /// @notice Last period up to which `miner` has collected its fees; firstPeriod - 1 for none.
    function paidThrough(Terms calldata terms, address miner) external view returns (uint32);
    /// @notice Last period that is paid for with `miner`: that of the policy, or an earlier one when its
    /// arrangement was revoked.
    function effectiveLastOf(Terms calldata terms, address miner) external view returns (uint32);
    /// @notice Id of the policy, and time at which the access by `miner` was revoked: that of its
    /// arrangement or of the policy, whichever was first; 0 if neither was, which includes a policy that has
    /// only ended.
    function accessEnd(Terms calldata terms, address miner)
        external
        view
        returns (bytes32 id, uint64 revokedAt);
    /// @notice EIP-712 digest that the worker of `miner` signs for `quote`, whose signature is ignored.
    function quoteDigest(address miner, Quote calldata quote) external view returns (bytes32);
    /// @notice Policy that holds a seat of the quote of `miner` with this digest; zero if the seat is free.
    function quoteHolder(address miner, bytes32 digest, uint32 seat) external view returns (bytes32);
    function quoteCancelled(bytes32 digest) external view returns (bool);

    // ---------------------------------------------------------------- creation and extension

    /// @notice Creates a policy, which the caller, terms.sponsor, pays (allowance of priceOf needed). The
    /// memo goes into the event and is neither stored nor part of the id. Reverts with PolicyPaused;
    /// PolicyAuthorZero, PolicySponsorMismatch, PolicyRateZero, PolicyMinersInvalid,
    /// PolicyThresholdInvalid, PolicyPeriodsInvalid, PolicyTooLong, PolicyMinersUnsorted for bad terms;
    /// PolicyExists; PolicyMemoTooLong; EscrowMinerCannotServe (from the escrow) when a miner's lock may
    /// end before the policy or its posted rate is higher.
    function createPolicy(Terms calldata terms, bytes calldata memo) external returns (bytes32 id);
    /// @notice Creates a policy with an ERC-2612 permit over priceOf(terms) in the same transaction. A permit
    /// that was front-run does not make it fail. Reverts as createPolicy does.
    function createPolicyWithPermit(
        Terms calldata terms,
        bytes calldata memo,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external returns (bytes32 id);
    /// @notice Creates 1 to 256 policies, terms[i] with memos[i], with one transfer of the sum, all or none.
    /// Reverts as createPolicy does, and with PolicyBatchInvalid, PolicyMemosMismatch.
    function createPolicies(Terms[] calldata terms, bytes[] calldata memos)
        external
        returns (bytes32[] memory ids);
    /// @notice Creates a policy for which quotes[i], unless empty, replaces the posted rate of miners[i]; the
    /// lock of the miner must outlast the policy all the same. Reverts as createPolicy does, and with
    /// PolicyQuotesMismatch, PolicyQuoteNotForSponsor, PolicyQuoteRateTooLow, PolicyQuoteTooShort,
    /// PolicyQuoteExpired, PolicyQuoteSeatUnknown, PolicyQuoteSeatTaken, PolicyQuoteIsCancelled,
    /// PolicyQuoteSignatureInvalid.
    function createPolicyWithQuotes(Terms calldata terms, bytes calldata memo, Quote[] calldata quotes)
        external
        returns (bytes32 id);
    /// @notice Cancels a quote of `miner`, whose signature and seat are ignored; policies that were created
    /// with it stay. Callable by the miner and its worker (PolicyNotMinerOrWorker).
    function cancelQuote(address miner, Quote calldata quote) external;
    /// @notice Moves the last period of every arrangement that is not revoked, after those with the miners
    /// `without`, who would not serve on, are revoked as revokeArrangement does. Callable by the author only,
    /// who decides how long the reader has access; the author pays the new periods (allowance needed),
    /// refunds still go to the sponsor. Never paused: a pause must not end a policy. Reverts with
    /// PolicyNotAuthor, PolicyAlreadyRevoked, PolicyEnded, PolicyPeriodsInvalid (not later than the present
    /// end), PolicyTooLong, PolicyMinersInvalid(0) when every arrangement is revoked,
    /// EscrowMinerCannotServe; for `without` as revokeArrangement does.
    function extendPolicy(Terms calldata terms, uint32 newLastPeriod, address[] calldata without) external;
    // ERC-1363: token.transferAndCall(policies, price, data) pays without an allowance, where data is the
    // encoded call of createPolicy, createPolicies or extendPolicy, that the price is for.

    // ---------------------------------------------------------------- revocation

    /// @notice Ends the policy now. The current period stays paid; the fees of coming ones return to the
    /// sponsor. Callable by the author only (PolicyNotAuthor), once (PolicyAlreadyRevoked), through the last
    /// period (PolicyEnded). Never paused.
    /// @return refunded fees of the coming periods; those of idle completed ones are left to `refund`.
    function revokePolicy(Terms calldata terms) external returns (uint256 refunded);
    /// @notice Ends the policy by the author's EIP-712 signature (domain "KMS PolicyManager", "1"), type
    /// Revocation(bytes32 policyId,uint256 deadline); an ERC-1271 author may sign too. Callable by anyone
    /// through the second `deadline` (PolicySignatureExpired, PolicySignatureInvalid).
    function revokePolicyWithSignature(Terms calldata terms, uint256 deadline, bytes calldata signature)
        external
        returns (uint256 refunded);
    /// @notice Ends the arrangement with `miner` now; the others continue. The miner's current period stays
    /// paid, the fees of its coming ones return to the sponsor. Callable by the author only
    /// (PolicyNotAuthor), once per miner (PolicyArrangementRevoked), while the policy is neither revoked nor
    /// ended (PolicyAlreadyRevoked, PolicyEnded). Never paused.
    /// @return refunded fees of the miner's coming periods.
    function revokeArrangement(Terms calldata terms, address miner) external returns (uint256 refunded);
    /// @notice Ends the arrangement with `miner` by the author's EIP-712 signature, type
    /// ArrangementRevocation(bytes32 policyId,address miner,uint256 deadline); an ERC-1271 author may sign
    /// too. Callable by anyone through the second `deadline` (PolicySignatureExpired,
    /// PolicySignatureInvalid).
    function revokeArrangementWithSignature(
        Terms calldata terms,
        address miner,
        uint256 deadline,
        bytes calldata signature
    ) external returns (uint256 refunded);

    // ---------------------------------------------------------------- settlement

    /// @notice Returns to the sponsor the fees of completed periods in which a miner was idle, and those of a
    /// miner whose delivery nobody proved, once its last paid period is more than `proofPeriods` ago.
    /// Callable by anyone. Reverts with PolicyNothingToRefund when there are none. Never paused.
    /// @return amount sum of these fees.
    function refund(Terms calldata terms) external returns (uint256 amount);
    /// @notice Pays `miner`, at its own address, for the completed periods of each policy in which it was
    /// active, from the period on in which it was given its kfrag. `deliveries` is empty or has one entry per
    /// policy: the first collection from a policy proves the delivery, later ones need none, and it is
    /// ignored there. The fees of active periods before the delivery go to the sponsor with the proof.
    /// Passes over a policy in which nothing is due, or no delivery is proved or given. Callable by the
    /// miner and its worker (PolicyNotMinerOrWorker). Reverts with PolicyNothingToCollect when nothing is
    /// due in any policy, PolicyDeliveriesMismatch, PolicyDeliveryInvalid. Never paused.
    /// @return amount sum of the fees paid to `miner`.
    function collect(Terms[] calldata terms, address miner, Delivery[] calldata deliveries)
        external
        returns (uint256 amount);

    // ---------------------------------------------------------------- pause

    /// @notice Pauses new policies through `throughPeriod`; a past period or 0 lifts the
    /// pause. Callable by Control only (PolicyNotControl), which bounds the length of a pause.
    function setPause(uint32 throughPeriod) external;
}
