// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IControlled} from "./IControl.sol";
import {IPeriodClock} from "./IPeriodClock.sol";
import {IPolicyManager} from "./IPolicyManager.sol";

/// @title Silence challenges
/// @notice A miner that is paid and does not answer can be asked on chain. Author or reader of a live
/// policy posts a capsule and a bond; the miner publishes its fragment and receipt inside a window and
/// earns the bond, or it is suspended and the bond returns. The fragment is useless to all but the
/// reader. A false answer is evidence for the Adjudicator.
///
/// Times are in seconds of Unix time unless said otherwise, amounts in units of 1e-18 KMS.
interface ISilenceChallenges is IPeriodClock, IControlled {
    /// @notice What is asked of whom, and the proof that an honest miner can answer it.
    struct Demand {
        IPolicyManager.Terms terms;
        address miner;
        /// E33 || V33 || s32.
        bytes capsule;
        /// W1.x W1.y W2.x W2.y V.y with W1 = sG, W2 = hE: see UmbralProof.capsuleValid.
        bytes capsuleWitness;
        /// keccak256 of the sealed key fragment that the miner acknowledged.
        bytes32 sealedHash;
        /// The KfragAck's, by a worker of the miner: 65 bytes r || s || v.
        bytes ackSignature;
    }

    /// @notice Proof that the reader wants the challenge.
    struct ReaderConsent {
        /// Delegating key 33 B || receiving key 33 B: their keccak256 is terms.keysHash.
        bytes keys;
        /// y of the receiving key.
        uint256 receivingY;
        /// Last second in which the signature holds.
        uint64 deadline;
        /// By the receiving key: EIP-712, domain "KMS SilenceChallenges", "1", type
        /// Challenge(bytes32 policyId,address miner,bytes32 capsuleHash,address challenger,uint64 deadline)
        /// with the caller as challenger.
        bytes signature;
    }

    /// @notice The fragment and the receipt that vouches for it; the receipt's other fields are those of
    /// the challenge.
    struct Answer {
        /// 359 bytes. Not verified here, see the contract.
        bytes cfrag;
        /// The head the node decided on.
        uint64 blockNumber;
        bytes32 blockHash;
        /// The Receipt's, by a worker of the miner, present or former: 65 bytes r || s || v.
        bytes signature;
    }

    /// @notice The open challenge of a policy and a miner. When there is none: zeros but for openedAt and
    /// distancePeriods, which are those of the last one.
    struct Challenge {
        /// Posted the bond and gets it back.
        address challenger;
        uint40 openedAt;
        /// Of the answer, and again of closing: parameters as they were at the opening.
        uint32 windowSeconds;
        uint8 suspensionPeriods;
        /// Periods from the one of the opening to the first in which the next may be opened.
        uint16 distancePeriods;
        /// Whom the receipt must name: the address of the receiving key, or terms.verifier of an author's.
        address requester;
        uint96 bond;
        /// keccak256 of the 98 bytes.
        bytes32 capsuleHash;
    }

    /// @notice How a challenge ended without an answer. The bond returned in each case.
    enum Outcome {
        /// The window passed: the miner was suspended.
        Silent,
        /// The reader's access was revoked meanwhile: nothing was owed any more.
        Void,
        /// Nobody closed it in time.
        Lapsed
    }

    /// @param seq gap-free number of the events that a node must not miss.
    /// @param deadline last second in which it may be answered.
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
    /// @notice With the capsule of the opening this is the Adjudicator's evidence: the receipt is
    /// (policyId, miner, capsuleHash, keccak256(cfrag), requester, blockNumber, blockHash).
    event ChallengeAnswered(
        bytes32 indexed policyId,
        address indexed miner,
        address indexed requester,
        bytes32 capsuleHash,
        uint64 blockNumber,
        bytes32 blockHash,
        bytes cfrag,
        bytes signature
    );
    event ChallengeClosed(
        bytes32 indexed policyId, address indexed miner, address indexed challenger, Outcome outcome
    );

    error ChallengeNotAuthor(address caller);
    error ChallengeKeysMismatch();
    error ChallengeReceivingKeyInvalid();
    error ChallengeConsentExpired(uint64 deadline);
    error ChallengeConsentInvalid(address reader);
    /// @notice The miner's access duty ended with a revocation in this block.
    error ChallengeAccessRevoked(bytes32 policyId, address miner, uint64 blockNumber);
    error ChallengeNotStarted(uint32 firstPeriod, uint32 currentPeriod);
    /// @notice The window would reach beyond the last paid period.
    error ChallengeBeyondEnd(uint256 windowPeriod, uint32 effectiveLast);
    /// @notice The miner is not paid for this period, so it owes nothing in it.
    error ChallengeMinerInactive(address miner, uint32 currentPeriod);
    /// @notice No worker of the miner, present or former, signed the acknowledgement.
    error ChallengeNotAcknowledged(address miner);
    error ChallengeCapsuleInvalid();
    error ChallengeAlreadyOpen(bytes32 policyId, address miner);
    error ChallengeTooSoon(bytes32 policyId, address miner, uint256 allowedFrom);
    error ChallengeNotOpen(bytes32 policyId, address miner);
    error ChallengeWindowOver(uint256 deadline);
    error ChallengeWindowOpen(uint256 deadline);
    error ChallengeFragmentLength(uint256 length);
    /// @notice No worker of the miner, present or former, signed the receipt over this challenge.
    error ChallengeReceiptInvalid(address miner);
    error ChallengeTransferFailed();
    /// @notice Thrown at construction when the contracts are not of one deployment.
    error ChallengeContractsMismatch();

    function token() external view returns (address);
    function escrow() external view returns (address);
    function rewards() external view returns (address);
    function policies() external view returns (address);
    // IControlled.control() sets bond, window, suspension and distance of the challenges to come.
    /// @notice Number of the last sequenced event; the first one carries 1.
    function lastSeq() external view returns (uint64);
    function challengeOf(bytes32 policyId, address miner) external view returns (Challenge memory);

    /// @notice The author asks; the caller pays the bond (allowance needed). The receipt will name
    /// terms.verifier.
    function openAsAuthor(Demand calldata demand) external returns (bytes32 policyId);
    /// @notice The reader asks by its signature; the caller, whom it names, pays the bond (allowance
    /// needed). The receipt will name the address of the receiving key.
    function openAsReader(Demand calldata demand, ReaderConsent calldata consent)
        external
        returns (bytes32 policyId);
    /// @notice Answers the open challenge through its deadline; the bond goes to the miner. Anybody may
    /// bring the answer: the receipt's signature is what counts. Never paused.
    function answer(IPolicyManager.Terms calldata terms, address miner, Answer calldata reply) external;
    /// @notice Ends a challenge that was not answered: after a revocation at once, else when the window is
    /// over. The bond returns to the challenger. Anybody. Never paused.
    function close(IPolicyManager.Terms calldata terms, address miner) external returns (Outcome outcome);
}
