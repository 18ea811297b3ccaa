// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IControlled} from "./IControl.sol";
import {IPeriodClock} from "./IPeriodClock.sol";
import {IPolicyManager} from "./IPolicyManager.sol";

/// @title Silence challenges
/// @notice Challenges on chain a miner that is paid and does not answer. Author or reader of a policy in
/// force posts a capsule and a bond; the miner publishes its cfrag and receipt within a window and gets half
/// of the bond, or it is fined and suspended. The fine pays the challenger, whoever closes the challenge, and
/// the sponsor; the rest is burned. The cfrag is of use to the reader only. A false answer is evidence for
/// the Adjudicator.
///
/// Times are in seconds of Unix time unless said otherwise, amounts in units of 1e-18 KMS.
interface ISilenceChallenges is IPeriodClock, IControlled {
    /// @notice Capsule that a miner is to answer, with the proofs that an honest one can.
    struct Demand {
        IPolicyManager.Terms terms;
        address miner;
        /// Capsule, E33 || V33 || s32.
        bytes capsule;
        /// W1.x W1.y W2.x W2.y V.y with W1 = sG, W2 = hE: see UmbralProof.capsuleValid.
        bytes capsuleWitness;
        /// keccak256 of the kfrag's 195 bytes, which the miner acknowledged.
        bytes32 kfragHash;
        /// Signature of the KfragAck by a worker of the miner, see IStakingEscrow.minerOfSigner: 65 bytes r
        /// || s || v.
        bytes ackSignature;
    }

    /// @notice Consent of the reader to the challenge.
    struct ReaderConsent {
        /// Delegating key 33 B || receiving key 33 B || blinding 32 B, whose keccak256 is terms.keysHash.
        bytes keys;
        /// y of the receiving key.
        uint256 receivingY;
        /// Last second in which the signature is valid.
        uint64 deadline;
        /// By the receiving key: EIP-712, domain "KMS SilenceChallenges", "1", type
        /// Challenge(bytes32 policyId,address miner,bytes32 capsuleHash,address challenger,uint64 deadline)
        /// with the caller as challenger.
        bytes signature;
    }

    /// @notice Cfrag and receipt that answer a challenge; the receipt's other fields are those of the
    /// challenge.
    struct Answer {
        /// Cfrag of 359 bytes, of which the form alone is verified here, see SilenceChallenges.
        bytes cfrag;
        /// keccak256 of the author's commitments that the miner holds beside its kfrag.
        bytes32 commitmentsHash;
        /// Head of the chain that the node decided on.
        uint64 blockTime;
        bytes32 blockHash;
        /// Signature of the Receipt by a worker of the miner, see IStakingEscrow.minerOfSigner: 65 bytes r
        /// || s || v.
        bytes signature;
    }

    /// @notice Open challenge of a policy and a miner. When none is open all fields are zero but openedAt and
    /// distancePeriods, which are those of the last challenge.
    struct Challenge {
        /// Account that posted the bond, to which it returns.
        address challenger;
        uint40 openedAt;
        /// Length of the window of the answer, and of that of closing after it; as it was at the opening.
        uint32 windowSeconds;
        uint8 suspensionPeriods;
        /// Periods from that of the opening to the first in which the next challenge may be opened.
        uint16 distancePeriods;
        /// Account that the receipt must name: that of the receiving key, or terms.verifier for an author.
        address requester;
        uint88 bond;
        /// Penalty of silence, in bonds.
        uint8 penaltyBonds;
        /// keccak256 of the capsule's 98 bytes.
        bytes32 capsuleHash;
    }

    /// @notice What silence cost the miner and whom it paid; the rest of the penalty was burned. All zeros
    /// for a miner that was suspended already, or has less than the penalty at stake.
    struct Fine {
        uint96 penalty;
        /// Paid to the challenger, beside its bond.
        uint96 reward;
        /// Paid to whoever closed the challenge.
        uint96 fee;
        /// Paid to the policy's sponsor.
        uint96 toSponsor;
    }

    /// @notice End of a challenge without an answer. The bond returns in each case.
    enum Outcome {
        /// The window passed without an answer: the miner is fined and suspended.
        Silent,
        /// The access was revoked meanwhile: the miner owes no answer.
        Void,
        /// Nobody closed the challenge in time: the miner is not suspended.
        Lapsed
    }

    /// @notice A challenge was opened.
    /// @param seq sequence number of these events, without gaps, by which a node knows that it missed none.
    /// @param deadline last second of the answer.
    event ChallengeOpened(
        uint64 seq,
        bytes32 indexed policyId,
        address indexed miner,
        address indexed requester,
        address challenger,
        uint64 deadline,
        uint96 bond,
        bytes capsule
    );
    /// @notice A challenge was answered. With the capsule of the opening this is evidence for the
    /// Adjudicator: the receipt is (policyId, miner, capsuleHash, keccak256(cfrag), commitmentsHash,
    /// requester, blockTime, blockHash).
    event ChallengeAnswered(
        bytes32 indexed policyId,
        address indexed miner,
        address indexed requester,
        bytes32 capsuleHash,
        bytes32 commitmentsHash,
        uint64 blockTime,
        bytes32 blockHash,
        bytes cfrag,
        bytes signature
    );
    /// @notice A challenge ended without an answer.
    event ChallengeClosed(
        bytes32 indexed policyId,
        address indexed miner,
        address indexed challenger,
        Outcome outcome,
        Fine fine
    );

    error ChallengeNotAuthor(address caller);
    error ChallengeKeysMismatch();
    error ChallengeReceivingKeyInvalid();
    error ChallengeConsentExpired(uint64 deadline);
    error ChallengeConsentInvalid(address reader);
    /// @notice The policy, or the miner's arrangement, was revoked at this time.
    error ChallengeAccessRevoked(bytes32 policyId, address miner, uint64 revokedAt);
    error ChallengeNotStarted(uint32 firstPeriod, uint32 currentPeriod);
    /// @notice The window would reach beyond the last paid period.
    error ChallengeBeyondEnd(uint256 windowPeriod, uint32 effectiveLast);
    /// @notice The miner is not active, hence not paid, in the current period.
    error ChallengeMinerInactive(address miner, uint32 currentPeriod);
    /// @notice No worker of the miner signed the acknowledgement, or one that was dismissed before the policy
    /// began.
    error ChallengeNotAcknowledged(address miner);
    error ChallengeCapsuleInvalid();
    error ChallengeAlreadyOpen(bytes32 policyId, address miner);
    error ChallengeTooSoon(bytes32 policyId, address miner, uint256 allowedFrom);
    error ChallengeNotOpen(bytes32 policyId, address miner);
    error ChallengeWindowOver(uint256 deadline);
    error ChallengeWindowOpen(uint256 deadline);
    error ChallengeFragmentLength(uint256 length);
    /// @notice The receipt names a time that this chain has not reached yet.
    error ChallengeReceiptFromFuture(uint64 blockTime, uint256 presentTime);
    /// @notice The receipt is older than what convicts: `oldest` is the first second that counts now.
    error ChallengeReceiptTooOld(uint64 blockTime, uint256 oldest);
    /// @notice A point or a scalar of the cfrag is not one that a node writes, see UmbralProof.isCanonical.
    error ChallengeFragmentMalformed();
    /// @notice No worker of the miner signed the receipt over this challenge, or one that was dismissed
    /// before the policy began.
    error ChallengeReceiptInvalid(address miner);
    error ChallengeTransferFailed();
    /// @notice Thrown at construction when the contracts are not of one deployment.
    error ChallengeContractsMismatch();

    function token() external view returns (address);
    function escrow() external view returns (address);
    function rewards() external view returns (address);
    function policies() external view returns (address);
    // IControlled.control() sets bond, penalty, window, suspension and distance of the challenges to come.
    /// @notice Sequence number of the last opening; the first is 1.
    function lastSeq() external view returns (uint64);
    /// @notice The open challenge of a policy and a miner.
    function challengeOf(bytes32 policyId, address miner) external view returns (Challenge memory);

    /// @notice Opens a challenge by the caller, the policy's author, who pays the bond (allowance needed).
    /// The receipt must name terms.verifier.
    function openAsAuthor(Demand calldata demand) external returns (bytes32 policyId);
    /// @notice Opens a challenge by the reader's signature; the caller, which it names, pays the bond
    /// (allowance needed). The receipt must name the account of the receiving key.
    function openAsReader(Demand calldata demand, ReaderConsent calldata consent)
        external
        returns (bytes32 policyId);
    /// @notice Answers the open challenge, through its deadline. Half of the bond is paid to the miner, the
    /// rest returns. Callable by anyone who has the signed receipt. Never paused.
    function answer(IPolicyManager.Terms calldata terms, address miner, Answer calldata reply) external;
    /// @notice Ends a challenge that was not answered: at once after a revocation, else after the window. The
    /// bond returns to the challenger. Within a second window the miner is fined, and the caller paid.
    /// Callable by anyone. Never paused.
    function close(IPolicyManager.Terms calldata terms, address miner) external returns (Outcome outcome);
}
