// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {PeriodClock} from "./PeriodClock.sol";
import {VerdictBooks} from "./VerdictBooks.sol";
import {IAdjudicator} from "./interfaces/IAdjudicator.sol";
import {IControl} from "./interfaces/IControl.sol";
import {IPeriodClock} from "./interfaces/IPeriodClock.sol";
import {IPolicyManager} from "./interfaces/IPolicyManager.sol";
import {NodeMessages} from "./libraries/NodeMessages.sol";
import {UmbralProof} from "./libraries/UmbralProof.sol";

/// @title Adjudicator
/// @notice Implements IAdjudicator. An honest miner answers only what the `umbral` crate lets it answer,
/// stops when it sees a revocation and keeps its worker's key. It cannot be convicted: each offence takes its
/// worker's signature under a message that such a miner never signs.
contract Adjudicator is VerdictBooks, EIP712 {
    using SafeCast for uint256;

    // ---------------------------------------------------------------- types

    /// @notice Facts of a case that do not depend on the offence, checked by `_open`.
    struct Case {
        IControl.PenaltyTerms terms;
        bytes32 policyId;
        uint32 firstPeriod;
        uint64 revokedAt; // 0 if access was not revoked
        bytes32 capsuleHash;
        bytes32 key; // of the record of convictions, see _keyOf
        address requester;
        address worker;
        uint256 paid; // fees of the miner's active, completed periods
    }

    /// @notice What a conviction takes, and whom it pays; the rest of the penalty is burned.
    struct Sentence {
        uint96 penalty;
        uint96 reward; // of the challenger
        uint96 toSponsor;
        uint96 held; // for the requester that was not heard
    }

    // ---------------------------------------------------------------- immutables

    bytes32 private constant ACCUSATION_TYPEHASH =
        keccak256("Accusation(address miner,bytes32 policyId,bytes32 capsuleHash,address challenger)");
    // Delegating key 33 B || receiving key 33 B || blinding 32 B.
    uint256 private constant BLINDING_AT = 66;
    uint256 private constant KEYS_LENGTH = BLINDING_AT + 32;
    // Offsets in the evidence against a cfrag.
    uint256 private constant ROOTS_AT = UmbralProof.CAPSULE_LENGTH + UmbralProof.FRAGMENT_LENGTH;
    uint256 private constant CODE_AT = ROOTS_AT + 64;

    /// @dev Enough for a block and a node's look at it; at most a week.
    uint32 private constant MIN_GRACE_SECONDS = 60;
    uint32 private constant MAX_GRACE_SECONDS = 7 days;

    IPolicyManager private immutable _policies;
    /// @inheritdoc IAdjudicator
    uint32 public immutable override graceSeconds;
    /// @inheritdoc IAdjudicator
    uint32 public immutable override evidencePeriods;

    // ---------------------------------------------------------------- constructor

    /// @dev `policies_` names the others. The constructor of Control checks that all name each other.
    constructor(address policies_, uint32 graceSeconds_)
        PeriodClock(IPeriodClock(policies_).genesisTime(), IPeriodClock(policies_).periodSeconds())
        VerdictBooks(IPolicyManager(policies_))
        EIP712("KMS Adjudicator", "1")
    {
        require(
            graceSeconds_ >= MIN_GRACE_SECONDS && graceSeconds_ <= MAX_GRACE_SECONDS,
            AdjudicatorGraceOutOfBounds(graceSeconds_, MIN_GRACE_SECONDS, MAX_GRACE_SECONDS)
        );
        graceSeconds = graceSeconds_;
        evidencePeriods = _escrow.evidencePeriods();
        _policies = IPolicyManager(policies_);
        bool named = _escrow.adjudicator() == address(this) && _rewards.adjudicator() == address(this);
        require(named, AdjudicatorContractsMismatch());
    }

    // ---------------------------------------------------------------- offences

    /// @inheritdoc IAdjudicator
    function accuseOfWrongFragment(
        IPolicyManager.Terms calldata terms,
        Accusation calldata accusation,
        Answer calldata answer,
        bytes calldata evidence
    ) external override {
        require(evidence.length > CODE_AT, AdjudicatorEvidenceTooShort(evidence.length));
        bytes calldata capsule = evidence[0:UmbralProof.CAPSULE_LENGTH];
        bytes calldata cfrag = evidence[UmbralProof.CAPSULE_LENGTH:ROOTS_AT];
        Case memory case_ = _open(terms, accusation, keccak256(capsule), answer.blockTime);
        _requireReceipt(case_, accusation.miner, answer, keccak256(cfrag));
        require(UmbralProof.isJudgeable(capsule, evidence[ROOTS_AT:CODE_AT]), AdjudicatorCapsuleInvalid());
        uint8 code = uint8(evidence[CODE_AT]);
        bytes calldata witness = evidence[CODE_AT + 1:];
        bool guilty;
        if (code == UmbralProof.BAD_KFRAG_SIGNATURE) {
            guilty = !_isGranted(case_.policyId, terms, accusation, cfrag);
        } else {
            guilty = UmbralProof.proves(capsule, cfrag, code, witness);
        }
        require(guilty, AdjudicatorNoFault(code));
        _convict(case_, terms, accusation, Offence.WrongFragment, code);
    }

    /// @inheritdoc IAdjudicator
    function accuseOfServingAfterRevocation(
        IPolicyManager.Terms calldata terms,
        Accusation calldata accusation,
        Answer calldata answer,
        bytes32 capsuleHash,
        bytes32 cfragHash
    ) external override {
        Case memory case_ = _open(terms, accusation, capsuleHash, answer.blockTime);
        require(case_.revokedAt != 0, AdjudicatorAccessNotRevoked(case_.policyId, accusation.miner));
        uint256 firstPunishable = uint256(case_.revokedAt) + graceSeconds;
        require(
            answer.blockTime >= firstPunishable, AdjudicatorWithinGrace(answer.blockTime, firstPunishable)
        );
        _requireReceipt(case_, accusation.miner, answer, cfragHash);
        _convict(case_, terms, accusation, Offence.ServedAfterRevocation, 0);
    }

    /// @inheritdoc IAdjudicator
    /// @dev E1 = rk*E and V1 = rk*V for the rk of U1 = rk*U: with one kfrag there is one honest pair.
    /// Different kfrags of one policy, which an author can deliver, rightly give different pairs.
    function accuseOfEquivocation(
        IPolicyManager.Terms calldata terms,
        Accusation calldata accusation,
        Answer[2] calldata answers,
        bytes32 capsuleHash,
        bytes calldata cfrags
    ) external override {
        UmbralProof.requireLength(cfrags, 2 * UmbralProof.FRAGMENT_LENGTH);
        bytes calldata one = cfrags[0:UmbralProof.FRAGMENT_LENGTH];
        bytes calldata other = cfrags[UmbralProof.FRAGMENT_LENGTH:];
        require(
            keccak256(UmbralProof.commitmentOf(one)) == keccak256(UmbralProof.commitmentOf(other)),
            AdjudicatorKeyFragmentsDiffer()
        );
        require(
            keccak256(UmbralProof.imagesOf(one)) != keccak256(UmbralProof.imagesOf(other)),
            AdjudicatorAnswersAgree()
        );
        (uint64 first, uint64 second) = (answers[0].blockTime, answers[1].blockTime);
        Case memory case_ = _open(terms, accusation, capsuleHash, first > second ? first : second);
        _requireReceipt(case_, accusation.miner, answers[0], keccak256(one));
        _requireReceipt(case_, accusation.miner, answers[1], keccak256(other));
        _convict(case_, terms, accusation, Offence.Equivocation, 0);
    }

    // ---------------------------------------------------------------- internal

    /// @dev Checks what does not depend on the offence: no pause, an existing policy that names the miner, a
    /// requester that was not heard before, its accusation. `committedAt` is the time of the offence, whose
    /// terms hold.
    function _open(
        IPolicyManager.Terms calldata terms,
        Accusation calldata accusation,
        bytes32 capsuleHash,
        uint64 committedAt
    ) private view returns (Case memory case_) {
        address miner = accusation.miner;
        case_.terms = _control.penaltyTermsAt(committedAt);
        uint32 pausedThrough = case_.terms.pausedThrough;
        require(pausedThrough < currentPeriod(), AdjudicatorPaused(pausedThrough));
        (case_.policyId, case_.revokedAt, case_.paid) = _policies.caseOf(terms, miner);
        case_.firstPeriod = terms.firstPeriod;
        case_.capsuleHash = capsuleHash;
        case_.key = _keyOf(miner, case_.policyId, capsuleHash);
        Verdict storage verdict = _verdicts[case_.key];
        bool heard = accusation.receivingY == 0 ? verdict.authorHeard : verdict.readerHeard;
        require(!heard, AdjudicatorAlreadyConvicted(miner, case_.policyId, capsuleHash));
        case_.requester = _requesterOf(terms, accusation);
        _requireAccusation(case_, accusation);
        case_.worker = _escrow.workerOf(miner);
    }

    /// @dev Account that the receipt must name as requester. The terms fix it: if the receipt did, a miner
    /// that sees an accusation could convict itself first, for the challenger's reward.
    function _requesterOf(IPolicyManager.Terms calldata terms, Accusation calldata accusation)
        private
        pure
        returns (address)
    {
        if (accusation.receivingY == 0) return terms.verifier;
        _requireKeys(terms, accusation.keys);
        return UmbralProof.accountOf(accusation.keys[33:BLINDING_AT], accusation.receivingY);
    }

    /// @dev Requires that the keys are those that the terms commit to.
    function _requireKeys(IPolicyManager.Terms calldata terms, bytes calldata keys) private pure {
        require(
            keys.length == KEYS_LENGTH && keccak256(keys) == terms.keysHash,
            AdjudicatorKeysMismatch(terms.keysHash)
        );
    }

    /// @dev Requires the requester's signature over the accusation.
    function _requireAccusation(Case memory case_, Accusation calldata accusation) private view {
        require(accusation.challenger != address(0), AdjudicatorChallengerZero());
        bytes32 structHash = keccak256(
            abi.encode(
                ACCUSATION_TYPEHASH,
                accusation.miner,
                case_.policyId,
                case_.capsuleHash,
                accusation.challenger
            )
        );
        // The signer is zero with any error: not 65 bytes, high s, another v.
        (address signer,,) = ECDSA.tryRecoverCalldata(_hashTypedDataV4(structHash), accusation.signature);
        require(
            signer != address(0) && signer == case_.requester,
            AdjudicatorAccusationInvalid(signer, case_.requester)
        );
    }

    /// @dev Requires that the receipt is neither of a time to come nor too old, and that a worker signed it
    /// whose word counts for the miner under this policy.
    function _requireReceipt(Case memory case_, address miner, Answer calldata answer, bytes32 cfragHash)
        private
        view
    {
        require(
            answer.blockTime <= block.timestamp,
            AdjudicatorReceiptFromFuture(answer.blockTime, block.timestamp)
        );
        uint256 oldest = _oldest(evidencePeriods);
        require(answer.blockTime >= oldest, AdjudicatorReceiptTooOld(answer.blockTime, oldest));
        address signer = NodeMessages.signerOf(
            NodeMessages.Receipt({
                policyId: case_.policyId,
                miner: miner,
                capsuleHash: case_.capsuleHash,
                cfragHash: cfragHash,
                commitmentsHash: answer.commitmentsHash,
                requester: case_.requester,
                blockTime: answer.blockTime,
                blockHash: answer.blockHash
            }),
            address(_policies),
            answer.signature
        );
        bool answers = signer != address(0)
            && (signer == case_.worker || _escrow.minerOfSigner(signer, case_.firstPeriod) == miner);
        require(answers, AdjudicatorReceiptInvalid(signer, miner));
    }

    /// @dev Whether the author granted the cfrag's kfrag for this policy and miner. An extension changes the
    /// policy's end on chain, not the signed grant, which has that of the terms.
    function _isGranted(
        bytes32 policyId,
        IPolicyManager.Terms calldata terms,
        Accusation calldata accusation,
        bytes calldata cfrag
    ) private view returns (bool) {
        _requireKeys(terms, accusation.keys);
        UmbralProof.Grant memory grant = UmbralProof.Grant({
            policies: address(_policies),
            policyId: policyId,
            miner: accusation.miner,
            threshold: terms.threshold,
            shares: terms.miners.length.toUint16(),
            notBefore: terms.firstPeriod,
            expiry: uint64(terms.lastPeriod) + 1
        });
        return UmbralProof.isSigned(
            cfrag, UmbralProof.grantDigest(grant, cfrag, accusation.keys[0:BLINDING_AT]), terms.verifier
        );
    }

    /// @dev Records the conviction, slashes, suspends and pays; or pays what is held if the miner was
    /// convicted over this capsule before. Cannot re-enter: the contracts called here call none but the
    /// token.
    function _convict(
        Case memory case_,
        IPolicyManager.Terms calldata terms,
        Accusation calldata accusation,
        Offence offence,
        uint8 code
    ) private {
        Verdict memory verdict = _verdicts[case_.key];
        if (accusation.receivingY == 0) verdict.authorHeard = true;
        else verdict.readerHeard = true;
        if (verdict.convictedIn != 0) {
            _payHeld(case_.policyId, case_.capsuleHash, verdict, accusation);
            return;
        }
        address miner = accusation.miner;
        Sentence memory sentence = _pass(case_, miner);
        verdict.held = sentence.held;
        verdict.convictedIn = currentPeriod();
        _verdicts[case_.key] = verdict;
        emit MinerConvicted(
            case_.policyId,
            miner,
            accusation.challenger,
            offence,
            code,
            case_.capsuleHash,
            sentence.penalty,
            sentence.reward,
            sentence.toSponsor,
            sentence.held
        );
        uint96 out = sentence.reward + sentence.toSponsor + sentence.held;
        _escrow.slash(miner, sentence.penalty, address(this), out);
        _rewards.returnToReserve(sentence.penalty - out);
        // So that no coming weight exceeds the tokens that back it.
        _rewards.suspend(miner, case_.terms.suspensionPeriods);
        _push(accusation.challenger, sentence.reward);
        _push(terms.sponsor, sentence.toSponsor);
    }

    /// @dev Enters a conviction in the books of penalties and of what was paid out.
    function _pass(Case memory case_, address miner) private returns (Sentence memory sentence) {
        uint256 stake = _stakeOf(miner);
        require(stake > 0, AdjudicatorNothingAtStake(miner));
        uint96 most;
        (sentence.penalty, most) = _enterPenalty(miner, case_.terms, stake);
        uint96 out;
        (out, sentence.toSponsor) = _enterPayout(case_.policyId, miner, case_.terms, most, case_.paid);
        sentence.held = (out - sentence.toSponsor) / 2;
        sentence.reward = out - sentence.toSponsor - sentence.held;
    }

    // ---------------------------------------------------------------- view

    /// @inheritdoc IAdjudicator
    function policies() external view override returns (address) {
        return address(_policies);
    }
}
