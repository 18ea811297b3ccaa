// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IERC1363Receiver} from "@openzeppelin/contracts/interfaces/IERC1363Receiver.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {PeriodClock} from "./PeriodClock.sol";
import {IKMSToken} from "./interfaces/IKMSToken.sol";
import {IMiningRewards} from "./interfaces/IMiningRewards.sol";
import {IPeriodClock} from "./interfaces/IPeriodClock.sol";
import {IPolicyManager} from "./interfaces/IPolicyManager.sol";
import {IStakingEscrow} from "./interfaces/IStakingEscrow.sol";
import {PAID_IN_WORD, PolicyWord, countAt, newPolicyWord, withCountAt} from "./libraries/PolicyWord.sol";

/// @title Policy manager
/// @notice See IPolicyManager. A fee is rate times a whole number of periods, so nothing is ever
/// divided: per policy, deposit = collected + refunded + still owed, to the last unit.
///
/// Whether a completed period was active never changes any more (leases only cover coming periods),
/// so miners and sponsor may settle in any order and as often as they like: each active period is paid
/// once to its miner, each idle one once to the sponsor.
///
/// Cannot re-enter: it calls the escrow and the rewards to read, and the token's plain transfers,
/// which call nobody. All effects come before the transfer.
contract PolicyManager is PeriodClock, EIP712, IPolicyManager, IERC1363Receiver {
    using SafeCast for uint256;

    // ---------------------------------------------------------------- immutables

    uint256 private constant MAX_MINERS = 32;
    bytes32 private constant REVOCATION_TYPEHASH =
        keccak256("Revocation(bytes32 policyId,uint256 deadline)");

    IKMSToken private immutable _token;
    IStakingEscrow private immutable _escrow;
    IMiningRewards private immutable _rewards;
    /// @inheritdoc IPolicyManager
    uint32 public immutable override maxPolicyPeriods;

    // ---------------------------------------------------------------- storage

    /// @inheritdoc IPolicyManager
    uint64 public override lastSeq;
    mapping(bytes32 id => PolicyWord) private _words;
    /// @dev Paid counts of the miners from index PAID_IN_WORD on, 16 to a word.
    mapping(bytes32 id => mapping(uint256 index => uint256)) private _paidTails;

    // ---------------------------------------------------------------- constructor

    /// @param maxPolicyPeriods_ longest policy, extensions included; at most 65,535.
    constructor(address token_, address escrow_, address rewards_, uint32 maxPolicyPeriods_)
        PeriodClock(IPeriodClock(escrow_).genesisTime(), IPeriodClock(escrow_).periodSeconds())
        EIP712("KMS PolicyManager", "1")
    {
        bool matching = IStakingEscrow(escrow_).token() == token_
            && IMiningRewards(rewards_).token() == token_ && IMiningRewards(rewards_).escrow() == escrow_;
        require(matching, PolicyContractsMismatch());
        require(
            maxPolicyPeriods_ > 0 && maxPolicyPeriods_ <= type(uint16).max,
            PolicyTooLong(maxPolicyPeriods_, type(uint16).max)
        );
        _token = IKMSToken(token_);
        _escrow = IStakingEscrow(escrow_);
        _rewards = IMiningRewards(rewards_);
        maxPolicyPeriods = maxPolicyPeriods_;
    }

    // ---------------------------------------------------------------- create and extend

    /// @inheritdoc IPolicyManager
    function createPolicy(Terms calldata terms) external override returns (bytes32 id) {
        uint256 price;
        (id, price) = _create(terms, msg.sender);
        _pull(msg.sender, price);
    }

    /// @inheritdoc IPolicyManager
    function createPolicyWithPermit(Terms calldata terms, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
        override
        returns (bytes32 id)
    {
        uint256 price;
        (id, price) = _create(terms, msg.sender);
        // A permit that was front-run has done its work; without any allowance _pull reverts.
        try _token.permit(msg.sender, address(this), price, deadline, v, r, s) {} catch {}
        _pull(msg.sender, price);
    }

    /// @notice Creation by `token.transferAndCall(policies, price, abi.encode(terms))` of the sponsor.
    /// @dev The token has moved `value` before it calls.
    function onTransferReceived(address operator, address from, uint256 value, bytes calldata data)
        external
        override
        returns (bytes4)
    {
        require(msg.sender == address(_token), PolicyNotToken(msg.sender));
        Terms memory terms = abi.decode(data, (Terms));
        // An allowance to move the sponsor's tokens is no consent to a policy in its name.
        require(operator == terms.sponsor, PolicySponsorMismatch(terms.sponsor, operator));
        (, uint256 price) = _create(terms, from);
        require(value == price, PolicyPaymentMismatch(value, price));
        return IERC1363Receiver.onTransferReceived.selector;
    }

    /// @inheritdoc IPolicyManager
    function extendPolicy(Terms calldata terms, uint32 newLastPeriod) external override {
        require(msg.sender == terms.author, PolicyNotAuthor(msg.sender));
        (bytes32 id, PolicyWord word) = _load(terms);
        uint32 current = currentPeriod();
        uint256 first = word.firstPeriod();
        uint32 last = _effectiveLast(word);
        require(!word.revoked(), PolicyAlreadyRevoked(id));
        require(current <= last, PolicyEnded(id, last));
        require(newLastPeriod > last, PolicyPeriodsInvalid(terms.firstPeriod, newLastPeriod, current));
        uint16 length = _checkedLength(newLastPeriod - first + 1);
        _escrow.requireCanServe(terms.miners, terms.rate, newLastPeriod);

        _words[id] = word.withLength(length);
        emit PolicyExtended(_nextSeq(), id, newLastPeriod, msg.sender);
        _pull(msg.sender, uint256(terms.rate) * terms.miners.length * (newLastPeriod - last));
    }

    // ---------------------------------------------------------------- revoke

    /// @inheritdoc IPolicyManager
    function revokePolicy(Terms calldata terms) external override returns (uint256 refunded) {
        require(msg.sender == terms.author, PolicyNotAuthor(msg.sender));
        (bytes32 id, PolicyWord word) = _load(terms);
        return _revoke(id, word, terms);
    }

    /// @inheritdoc IPolicyManager
    /// @dev No nonce: a policy can be revoked only once.
    function revokePolicyWithSignature(Terms calldata terms, uint256 deadline, bytes calldata signature)
        external
        override
        returns (uint256 refunded)
    {
        require(block.timestamp <= deadline, PolicySignatureExpired(deadline));
        (bytes32 id, PolicyWord word) = _load(terms);
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(REVOCATION_TYPEHASH, id, deadline)));
        require(
            SignatureChecker.isValidSignatureNowCalldata(terms.author, digest, signature),
            PolicySignatureInvalid(terms.author)
        );
        return _revoke(id, word, terms);
    }

    // ---------------------------------------------------------------- refund and collect

    /// @inheritdoc IPolicyManager
    function refund(Terms calldata terms) external override returns (uint256 amount) {
        (bytes32 id, PolicyWord word) = _load(terms);
        uint16 completed = _completed(word);
        amount = _idleFees(terms, word, completed);
        require(amount > 0, PolicyNothingToRefund(id));

        _words[id] = word.withRefunded(completed);
        emit PolicyRefunded(id, word.firstPeriod() + completed - 1, amount);
        _push(terms.sponsor, amount);
    }

    /// @inheritdoc IPolicyManager
    /// @dev A policy in which nothing is due is passed over and not written; so is a repeated one.
    function collect(Terms[] calldata terms, address miner) external override returns (uint256 amount) {
        require(
            msg.sender == miner || _escrow.minerOf(msg.sender) == miner,
            PolicyNotMinerOrWorker(msg.sender, miner)
        );
        bytes32 id;
        for (uint256 i = 0; i < terms.length; ++i) {
            uint256 due;
            (id, due) = _collect(terms[i], miner);
            amount += due;
        }
        require(amount > 0, PolicyNothingToCollect(id, miner));
        _push(miner, amount);
    }

    // ---------------------------------------------------------------- internal

    /// @dev Checks and effects of every kind of creation; the caller sees to the payment.
    /// Deliberately not checked: verifier, keysHash and salt (a policy with nonsense in them is of use
    /// to nobody, and its nodes refuse it), and the author's consent (only the author can make nodes
    /// serve a policy, and only it can revoke; the sponsor pays by its own will).
    function _create(Terms memory terms, address payer) private returns (bytes32 id, uint256 price) {
        uint256 count = terms.miners.length;
        uint32 current = currentPeriod();
        require(terms.author != address(0), PolicyAuthorZero());
        require(terms.sponsor == payer, PolicySponsorMismatch(terms.sponsor, payer));
        require(terms.rate > 0, PolicyRateZero());
        require(count > 0 && count <= MAX_MINERS, PolicyMinersInvalid(count));
        require(
            terms.threshold > 0 && terms.threshold <= count, PolicyThresholdInvalid(terms.threshold, count)
        );
        require(
            terms.firstPeriod >= current && terms.lastPeriod >= terms.firstPeriod,
            PolicyPeriodsInvalid(terms.firstPeriod, terms.lastPeriod, current)
        );
        uint16 length = _checkedLength(uint256(terms.lastPeriod) - terms.firstPeriod + 1);
        // Strictly ascending from the zero address: no miner twice, none of them zero.
        address previous = address(0);
        for (uint256 i = 0; i < count; ++i) {
            address miner = terms.miners[i];
            require(miner > previous, PolicyMinersUnsorted(i));
            previous = miner;
        }
        id = _idOf(terms);
        require(!_words[id].exists(), PolicyExists(id));
        _escrow.requireCanServe(terms.miners, terms.rate, terms.lastPeriod);

        _words[id] = newPolicyWord(terms.firstPeriod, length);
        emit PolicyCreated(_nextSeq(), id, terms.keysHash, terms.author, terms);
        price = uint256(terms.rate) * count * length;
    }

    function _revoke(bytes32 id, PolicyWord word, Terms calldata terms) private returns (uint256 amount) {
        uint32 current = currentPeriod();
        uint32 last = _effectiveLast(word);
        require(!word.revoked(), PolicyAlreadyRevoked(id));
        require(current <= last, PolicyEnded(id, last));

        // The current period stays paid; before the start there is none.
        uint32 first = word.firstPeriod();
        uint32 newLast = current < first ? first - 1 : current;
        uint256 length = uint256(newLast) + 1 - first;
        amount = uint256(terms.rate) * terms.miners.length * (last - newLast);
        _words[id] = word.withLength(length.toUint16()).withRevoked();
        emit PolicyRevoked(_nextSeq(), id, newLast, amount);
        if (amount > 0) _push(terms.sponsor, amount);
    }

    /// @dev Marks what is due to `miner` in one policy as paid.
    function _collect(Terms calldata terms, address miner) private returns (bytes32 id, uint256 due) {
        PolicyWord word;
        (id, word) = _load(terms);
        uint256 index = _indexOf(id, terms.miners, miner);
        uint16 completed = _completed(word);
        due = _dueTo(terms, miner, word, _paid(id, word, index), completed);
        if (due == 0) return (id, 0);

        if (index < PAID_IN_WORD) {
            _words[id] = word.withPaid(index, completed);
        } else {
            (uint256 slot, uint256 shift) = _tailPlace(index);
            _paidTails[id][slot] = withCountAt(_paidTails[id][slot], shift, completed);
        }
        emit FeesCollected(id, miner, word.firstPeriod() + completed - 1, due);
    }

    function _pull(address payer, uint256 amount) private {
        require(_token.transferFrom(payer, address(this), amount), PolicyTransferFailed());
    }

    function _push(address recipient, uint256 amount) private {
        require(_token.transfer(recipient, amount), PolicyTransferFailed());
    }

    function _nextSeq() private returns (uint64 seq) {
        seq = lastSeq + 1;
        lastSeq = seq;
    }

    function _load(Terms calldata terms) private view returns (bytes32 id, PolicyWord word) {
        id = keccak256(abi.encode(block.chainid, address(this), terms));
        word = _words[id];
        require(word.exists(), PolicyUnknown(id));
    }

    function _idOf(Terms memory terms) private view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), terms));
    }

    function _checkedLength(uint256 periods) private view returns (uint16) {
        uint32 shown = periods > type(uint32).max ? type(uint32).max : uint32(periods);
        require(periods <= maxPolicyPeriods, PolicyTooLong(shown, maxPolicyPeriods));
        // The constructor bounds maxPolicyPeriods by 2^16 - 1.
        return uint16(periods);
    }

    function _effectiveLast(PolicyWord word) private pure returns (uint32) {
        // firstPeriod >= 1; the sum is a period that was checked to fit when it was set.
        return (uint256(word.firstPeriod()) + word.length() - 1).toUint32();
    }

    /// @dev Leading periods of the policy that are paid for and complete.
    function _completed(PolicyWord word) private view returns (uint16) {
        uint256 current = currentPeriod();
        uint256 first = word.firstPeriod();
        if (current <= first) return 0;
        uint256 elapsed = current - first;
        uint16 length = word.length();
        return elapsed < length ? uint16(elapsed) : length;
    }

    function _idleFees(Terms calldata terms, PolicyWord word, uint16 completed)
        private
        view
        returns (uint256)
    {
        uint16 settled = word.refunded();
        if (completed <= settled) return 0;
        uint32 first = word.firstPeriod();
        uint256 periods = terms.miners.length * (completed - settled);
        uint256 active = _rewards.sumActivePeriods(terms.miners, first + settled, first + completed - 1);
        return terms.rate * (periods - active);
    }

    function _dueTo(Terms calldata terms, address miner, PolicyWord word, uint16 paid_, uint16 completed)
        private
        view
        returns (uint256)
    {
        if (completed <= paid_) return 0;
        uint32 first = word.firstPeriod();
        return uint256(terms.rate) * _rewards.activePeriods(miner, first + paid_, first + completed - 1);
    }

    function _paid(bytes32 id, PolicyWord word, uint256 index) private view returns (uint16) {
        if (index < PAID_IN_WORD) return word.paid(index);
        (uint256 slot, uint256 shift) = _tailPlace(index);
        return countAt(_paidTails[id][slot], shift);
    }

    function _tailPlace(uint256 index) private pure returns (uint256 slot, uint256 shift) {
        uint256 place = index - PAID_IN_WORD;
        return (place / 16, (place % 16) * 16);
    }

    function _indexOf(bytes32 id, address[] calldata miners, address miner) private pure returns (uint256) {
        for (uint256 i = 0; i < miners.length; ++i) {
            if (miners[i] == miner) return i;
        }
        revert PolicyMinerUnknown(id, miner);
    }

    // ---------------------------------------------------------------- view

    /// @inheritdoc IPolicyManager
    function token() external view override returns (address) {
        return address(_token);
    }

    /// @inheritdoc IPolicyManager
    function escrow() external view override returns (address) {
        return address(_escrow);
    }

    /// @inheritdoc IPolicyManager
    function rewards() external view override returns (address) {
        return address(_rewards);
    }

    /// @inheritdoc IPolicyManager
    function policyId(Terms calldata terms) external view override returns (bytes32) {
        return _idOf(terms);
    }

    /// @inheritdoc IPolicyManager
    function priceOf(Terms calldata terms) external pure override returns (uint256) {
        return
            uint256(terms.rate) * terms.miners.length * (uint256(terms.lastPeriod) + 1 - terms.firstPeriod);
    }

    /// @inheritdoc IPolicyManager
    function stateOf(bytes32 id) external view override returns (State memory state) {
        PolicyWord word = _words[id];
        if (!word.exists()) return state;
        state.exists = true;
        state.revoked = word.revoked();
        state.effectiveLast = _effectiveLast(word);
        state.refundedThrough = word.firstPeriod() + word.refunded() - 1;
    }

    /// @inheritdoc IPolicyManager
    function collectable(Terms calldata terms, address miner) external view override returns (uint256) {
        (bytes32 id, PolicyWord word) = _load(terms);
        uint256 index = _indexOf(id, terms.miners, miner);
        return _dueTo(terms, miner, word, _paid(id, word, index), _completed(word));
    }

    /// @inheritdoc IPolicyManager
    function refundable(Terms calldata terms) external view override returns (uint256) {
        (, PolicyWord word) = _load(terms);
        return _idleFees(terms, word, _completed(word));
    }

    /// @inheritdoc IPolicyManager
    function paidThrough(Terms calldata terms, address miner) external view override returns (uint32) {
        (bytes32 id, PolicyWord word) = _load(terms);
        return word.firstPeriod() + _paid(id, word, _indexOf(id, terms.miners, miner)) - 1;
    }
}
