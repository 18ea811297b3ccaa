// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ChallengeBooks} from "./ChallengeBooks.sol";
import {IControl} from "./interfaces/IControl.sol";
import {IPolicyManager} from "./interfaces/IPolicyManager.sol";
import {ISilenceChallenges} from "./interfaces/ISilenceChallenges.sol";
import {NodeMessages} from "./libraries/NodeMessages.sol";
import {Secp256k1} from "./libraries/Secp256k1.sol";
import {SilenceMath} from "./libraries/SilenceMath.sol";
import {UmbralProof} from "./libraries/UmbralProof.sol";

/// @title Silence challenges
/// @notice Implements ISilenceChallenges. This head tells for each abuse what it costs, and whom;
/// test/challenges/Grief.t.sol and Fine.t.sol have a test of each. Gas of whole transactions with cold
/// storage, for policies of 3 and of 30 miners:
///
///     openAsAuthor 210k / 229k     answer 111k / 131k    openAsReader 220k
///     close after silence 253k     close when void 57k     an answer too late, reverted 54k
///
/// An answer costs the miner its gas less half a bond, which is half of it: it does not pay to be asked on
/// chain only. It costs the challenger twice the gas of an answer and half a bond, so nobody makes a miner
/// burn gas but at five times the price. Silence costs the miner the fine, once per suspension;
/// of it challenger and closer get their gas, which SilenceMath counts in bonds, and challenger and sponsor
/// what the policy has paid the miner. More than half is burned: a miner that its friend challenges loses
/// that much, and the periods of the suspension. A challenger that finds the miner fined already gets its
/// bond back and loses its gas.
///
/// Against an honest miner:
/// - Flooding: there is one open challenge per policy and miner, with `distancePeriods` between two openings.
///   More challenges take more policies, which pay fees, more bonds and more openings. There is no limit per
///   miner, which the miner's own friends could use up to keep everybody else out; a miner that is down is
///   fined once, however many ask.
/// - Farming: from a miner that answers challenger, author and closer only lose. With a stolen worker key a
///   thief acknowledges what was never delivered: it gets its gas back, and what its own policy paid.
/// - A capsule that no node answers: its proof is checked as a node checks it, with both x in 1..N, and
///   V = -E refused. Whatever the author knows of the kfrag, it cannot bring about a false cfrag.
/// - A kfrag that was never delivered: the challenger shows the miner's acknowledgement. A node stores one
///   kfrag per policy and erases it after the policy's end or revocation only, so it still has it.
/// - A change of the challenge's terms: they are copied at the opening.
/// - Ending the policy before the answer: the window must lie within the paid periods; only a revocation
///   ends them early, and that voids the challenge. An author that takes the answer from the mempool and
///   revokes first costs the miner a reverted transaction, once, for more gas of its own; and it loses the
///   miner, since a revocation is final.
/// - A challenge kept open as a threat: it is closed within a second window, or it lapses.
/// - Many challenges at once: suspensions overlap, and the latest end counts. Only a miner that is active in
///   the current period, which is paid once the author's delivery is shown, can be challenged; for an idle
///   one the sponsor is refunded already.
/// - Reorganisation: a receipt names policy, capsule and requester, so it fits the same challenge on any
///   branch and no other. To censor an answer takes all blocks of a window.
/// - A stolen worker key can sign false acknowledgements until its miner dismisses it, and afterwards under
///   policies that had begun by then. It can also sign false receipts, which cost more stake than the fine.
///
/// By a miner:
/// - Changing or dismissing the worker: messages of former workers bind under the policies that had begun,
///   and former workers may answer under them, for evidencePeriods. An owner that hands its fragment over
///   again gets an acknowledgement of the present worker for the time after.
/// - A receipt of a time to come, or too old, which would convict nobody: it is no answer.
/// - Winding down or unbonding: the stake stays through the policy's end, and the miner may answer.
/// - Garbage: what is answered must have the form of a cfrag, see UmbralProof.isCanonical, and a receipt of a
///   worker over it, this capsule and this requester. That it is a true one is not verified: three equations
///   would cost each honest answer 31k gas, and the author's signature would show the keys that the terms
///   hide. A false answer earns half a bond, less than its gas, and the receipt in the event is evidence for
///   the Adjudicator, whose least penalty is never below the fine; requester and challenger can both know the
///   key that accuses (the receiving key, or the author's verifying key).
/// - Being challenged by a friend, to be safe from others: the miner must answer, publicly, by the deadline,
///   so those who must wait for the distance see that it serves. Or it is fined, and suspended.
///
/// Against the challenger: only the caller that the reader named can use its signature; anyone may close,
/// and bond and reward go to the one who posted it; if a suspension fails, the bond returns after the lapse.
///
/// A pause stops none of this. Tokens sent here by mistake stay; they cover no bond.
///
/// Cannot re-enter: it calls contracts of the deployment only, and transfers of the token that call no one.
/// All effects come before them but for the sum of what was paid out.
contract SilenceChallenges is ChallengeBooks, EIP712 {
    using SafeCast for uint256;

    // ---------------------------------------------------------------- immutables

    bytes32 private constant CHALLENGE_TYPEHASH = keccak256(
        "Challenge(bytes32 policyId,address miner,bytes32 capsuleHash,address challenger,uint64 deadline)"
    );

    uint32 private immutable _evidencePeriods;

    // ---------------------------------------------------------------- storage

    /// @inheritdoc ISilenceChallenges
    uint64 public override lastSeq;

    // ---------------------------------------------------------------- constructor

    constructor(address policies_) ChallengeBooks(policies_) EIP712("KMS SilenceChallenges", "1") {
        _evidencePeriods = _escrow.evidencePeriods();
    }

    // ---------------------------------------------------------------- open

    /// @inheritdoc ISilenceChallenges
    function openAsAuthor(Demand calldata demand) external override returns (bytes32 policyId) {
        require(msg.sender == demand.terms.author, ChallengeNotAuthor(msg.sender));
        IControl.ChallengeTerms memory parameters = _control.challengeTerms();
        policyId = _check(demand, parameters);
        _open(policyId, demand, demand.terms.verifier, parameters);
    }

    /// @inheritdoc ISilenceChallenges
    /// @dev Needs no nonce: the signature names the caller, who can only spend its own bonds with it.
    function openAsReader(Demand calldata demand, ReaderConsent calldata consent)
        external
        override
        returns (bytes32 policyId)
    {
        IControl.ChallengeTerms memory parameters = _control.challengeTerms();
        policyId = _check(demand, parameters);
        address reader = _readerOf(demand.terms.keysHash, consent);
        _requireConsent(policyId, demand, consent, reader);
        _open(policyId, demand, reader, parameters);
    }

    // ---------------------------------------------------------------- answer and close

    /// @inheritdoc ISilenceChallenges
    function answer(IPolicyManager.Terms calldata terms, address miner, Answer calldata reply)
        external
        override
    {
        (bytes32 id, uint64 revokedAt) = _policies.accessEnd(terms, miner);
        Challenge memory challenge = _opened(id, miner);
        uint256 deadline = _deadline(challenge);
        require(block.timestamp <= deadline, ChallengeWindowOver(deadline));
        require(revokedAt == 0, ChallengeAccessRevoked(id, miner, revokedAt));
        require(
            reply.cfrag.length == UmbralProof.FRAGMENT_LENGTH, ChallengeFragmentLength(reply.cfrag.length)
        );
        _requireCounts(reply.blockTime);
        require(UmbralProof.isCanonical(reply.cfrag), ChallengeFragmentMalformed());
        address signer = NodeMessages.signerOf(
            NodeMessages.Receipt({
                policyId: id,
                miner: miner,
                capsuleHash: challenge.capsuleHash,
                cfragHash: keccak256(reply.cfrag),
                commitmentsHash: reply.commitmentsHash,
                requester: challenge.requester,
                blockTime: reply.blockTime,
                blockHash: reply.blockHash
            }),
            address(_policies),
            reply.signature
        );
        require(_isOf(signer, terms, miner), ChallengeReceiptInvalid(miner));

        _clear(id, miner);
        emit ChallengeAnswered(
            id,
            miner,
            challenge.requester,
            challenge.capsuleHash,
            reply.commitmentsHash,
            reply.blockTime,
            reply.blockHash,
            reply.cfrag,
            reply.signature
        );
        uint88 share = SilenceMath.shareOf(challenge.bond);
        _pay(miner, share);
        _pay(challenge.challenger, challenge.bond - share);
    }

    /// @inheritdoc ISilenceChallenges
    function close(IPolicyManager.Terms calldata terms, address miner)
        external
        override
        returns (Outcome outcome)
    {
        (bytes32 id, uint64 revokedAt) = _policies.accessEnd(terms, miner);
        Challenge memory challenge = _opened(id, miner);
        uint256 deadline = _deadline(challenge);
        if (revokedAt != 0) {
            outcome = Outcome.Void;
        } else {
            require(block.timestamp > deadline, ChallengeWindowOpen(deadline));
            outcome = block.timestamp <= _lapse(challenge) ? Outcome.Silent : Outcome.Lapsed;
        }

        _clear(id, miner);
        Fine memory fine;
        if (outcome == Outcome.Silent) fine = _punish(id, terms, miner, challenge);
        emit ChallengeClosed(id, miner, challenge.challenger, outcome, fine);
        _pay(challenge.challenger, challenge.bond + fine.reward);
        _pay(msg.sender, fine.fee);
        _pay(terms.sponsor, fine.toSponsor);
    }

    // ---------------------------------------------------------------- internal

    /// @dev Checks of an opening but for the caller's right to it.
    function _check(Demand calldata demand, IControl.ChallengeTerms memory parameters)
        private
        view
        returns (bytes32 id)
    {
        address miner = demand.miner;
        uint32 current = currentPeriod();
        id = _requireServing(demand.terms, miner, current, parameters.windowSeconds);
        Challenge storage last = _challenges[id][miner];
        require(last.challenger == address(0), ChallengeAlreadyOpen(id, miner));
        uint256 allowedFrom = _allowedFrom(last);
        require(current >= allowedFrom, ChallengeTooSoon(id, miner, allowedFrom));
        NodeMessages.KfragAck memory ack = NodeMessages.KfragAck(id, miner, demand.kfragHash);
        address signer = NodeMessages.signerOf(ack, address(_policies), demand.ackSignature);
        // A fragment may be acknowledged in the period before the policy begins: whoever dismisses its worker
        // in that period stays bound by its word. A challenge costs no more than an answer.
        require(
            _escrow.minerOfSigner(signer, demand.terms.firstPeriod - 1) == miner,
            ChallengeNotAcknowledged(miner)
        );
        require(UmbralProof.capsuleValid(demand.capsule, demand.capsuleWitness), ChallengeCapsuleInvalid());
    }

    /// @dev Effects of an opening; takes the caller's bond.
    function _open(
        bytes32 id,
        Demand calldata demand,
        address requester,
        IControl.ChallengeTerms memory parameters
    ) private {
        Challenge memory challenge = Challenge({
            challenger: msg.sender,
            openedAt: block.timestamp.toUint40(),
            windowSeconds: parameters.windowSeconds,
            suspensionPeriods: uint256(parameters.suspensionPeriods).toUint8(),
            distancePeriods: uint256(parameters.distancePeriods).toUint16(),
            requester: requester,
            bond: uint256(parameters.bond).toUint88(),
            penaltyBonds: parameters.penaltyBonds,
            capsuleHash: keccak256(demand.capsule)
        });
        _challenges[id][demand.miner] = challenge;
        emit ChallengeOpened(
            ++lastSeq,
            id,
            demand.miner,
            requester,
            msg.sender,
            uint64(_deadline(challenge)),
            parameters.bond,
            demand.capsule
        );
        require(_token.transferFrom(msg.sender, address(this), parameters.bond), ChallengeTransferFailed());
    }

    /// @dev Requires that the miner owes this policy an answer now, and through the whole window unless the
    /// author revokes.
    function _requireServing(
        IPolicyManager.Terms calldata terms,
        address miner,
        uint32 current,
        uint32 windowSeconds
    ) private view returns (bytes32 id) {
        uint64 revokedAt;
        (id, revokedAt) = _policies.accessEnd(terms, miner);
        require(revokedAt == 0, ChallengeAccessRevoked(id, miner, revokedAt));
        uint32 last = _policies.stateOf(id).effectiveLast;
        uint256 windowPeriod = _periodAt(block.timestamp + windowSeconds);
        require(current >= terms.firstPeriod, ChallengeNotStarted(terms.firstPeriod, current));
        require(windowPeriod <= last, ChallengeBeyondEnd(windowPeriod, last));
        require(_rewards.isActive(miner, current), ChallengeMinerInactive(miner, current));
    }

    /// @dev Requires that a receipt of `time` could convict now.
    function _requireCounts(uint64 time) private view {
        require(time <= block.timestamp, ChallengeReceiptFromFuture(time, block.timestamp));
        uint256 oldest = _oldest(_evidencePeriods);
        require(time >= oldest, ChallengeReceiptTooOld(time, oldest));
    }

    /// @dev Account of the receiving key to which `keysHash` commits.
    function _readerOf(bytes32 keysHash, ReaderConsent calldata consent) private pure returns (address) {
        require(consent.keys.length == 98 && keccak256(consent.keys) == keysHash, ChallengeKeysMismatch());
        uint256 x = uint256(bytes32(consent.keys[34:66]));
        uint256 y = consent.receivingY;
        bool named = x < Secp256k1.P && y < Secp256k1.P && uint8(consent.keys[33]) == 2 + (y & 1)
            && Secp256k1.isOnCurve(x, y);
        require(named, ChallengeReceivingKeyInvalid());
        return address(uint160(uint256(keccak256(abi.encode(x, y)))));
    }

    /// @dev Requires the reader's signature, which names the caller as challenger.
    function _requireConsent(
        bytes32 id,
        Demand calldata demand,
        ReaderConsent calldata consent,
        address reader
    ) private view {
        require(block.timestamp <= consent.deadline, ChallengeConsentExpired(consent.deadline));
        bytes32 capsuleHash = keccak256(demand.capsule);
        bytes32 structHash = keccak256(
            abi.encode(CHALLENGE_TYPEHASH, id, demand.miner, capsuleHash, msg.sender, consent.deadline)
        );
        (address signer,,) = ECDSA.tryRecoverCalldata(_hashTypedDataV4(structHash), consent.signature);
        // The signer is zero with any error; the reader, a hash, is not.
        require(signer == reader, ChallengeConsentInvalid(reader));
    }

    /// @dev Whether the word of the signer counts for the miner under the policy. A signer of zero is none,
    /// and `miner`, which a policy names, is not zero.
    function _isOf(address signer, IPolicyManager.Terms calldata terms, address miner)
        private
        view
        returns (bool)
    {
        return _escrow.minerOfSigner(signer, terms.firstPeriod) == miner;
    }
}
