// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {PeriodClock} from "./PeriodClock.sol";
import {IKMSToken} from "./interfaces/IKMSToken.sol";
import {IMiningRewards} from "./interfaces/IMiningRewards.sol";
import {IPeriodClock} from "./interfaces/IPeriodClock.sol";
import {IPolicyManager} from "./interfaces/IPolicyManager.sol";
import {IStakingEscrow} from "./interfaces/IStakingEscrow.sol";
import {PAID_IN_WORD, PolicyWord, RETURNED, countAt, withCountAt} from "./libraries/PolicyWord.sol";

/// @title Policy books
/// @notice Keeps the state of policies, computes fees, and holds the views over both. PolicyFees,
/// PolicyRevocations, QuoteBook and PolicyManager write the state.
///
/// The first `length` periods of the policy are paid for with each miner, or fewer once its own arrangement
/// was revoked. The fee of a completed one is paid once: to the miner if it was active in it and held its
/// kfrag by then, else to the sponsor. Leases cover coming periods only, so the activity in a completed
/// period is final, and all may settle in any order and as often as they like.
abstract contract PolicyBooks is PeriodClock, IPolicyManager {
    // ---------------------------------------------------------------- types

    /// @notice What distinguishes an arrangement from its policy, in one slot; zero while nothing does.
    struct Arrangement {
        uint40 revokedAt; // > 0 when revoked alone
        uint16 length; // then: periods that stay paid for with this miner, <= the policy's at that time
        uint16 undelivered; // leading periods before the delivery that was proved, never paid to the miner
    }

    // ---------------------------------------------------------------- immutables

    uint256 private constant MAX_BATCH = 256;
    uint256 private constant PAUSE_OFFSET = 64;

    IKMSToken internal immutable _token;
    IStakingEscrow internal immutable _escrow;
    IMiningRewards internal immutable _rewards;
    /// @inheritdoc IPolicyManager
    address public immutable override control;
    /// @inheritdoc IPolicyManager
    uint32 public immutable override maxPolicyPeriods;
    /// @inheritdoc IPolicyManager
    uint32 public immutable override proofPeriods;

    // ---------------------------------------------------------------- storage

    /// @dev Sequence number of the last event that has one in bits 0..64, last paused period in bits 64..96.
    /// Packed by hand: the compiler writes the fields of a struct one by one.
    uint256 private _counters;
    mapping(bytes32 id => PolicyWord) internal _words;
    /// @dev Paid counts of the miners from index PAID_IN_WORD on, 16 to a word.
    mapping(bytes32 id => mapping(uint256 index => uint256)) private _paidTails;
    mapping(bytes32 id => mapping(address miner => Arrangement)) internal _arrangements;

    // ---------------------------------------------------------------- constructor

    /// @dev Deliberately not checked: `control_`. Control is deployed last and checks that all contracts name
    /// each other.
    constructor(
        address token_,
        address escrow_,
        address rewards_,
        address control_,
        uint32 maxPolicyPeriods_
    ) PeriodClock(IPeriodClock(escrow_).genesisTime(), IPeriodClock(escrow_).periodSeconds()) {
        bool matching = IStakingEscrow(escrow_).token() == token_
            && IMiningRewards(rewards_).token() == token_ && IMiningRewards(rewards_).escrow() == escrow_;
        require(matching, PolicyContractsMismatch());
        // So that a length, and a length plus one, fit into 16 bits.
        uint32 longest = type(uint16).max - 1;
        require(
            maxPolicyPeriods_ > 0 && maxPolicyPeriods_ <= longest, PolicyTooLong(maxPolicyPeriods_, longest)
        );
        _token = IKMSToken(token_);
        _escrow = IStakingEscrow(escrow_);
        _rewards = IMiningRewards(rewards_);
        control = control_;
        maxPolicyPeriods = maxPolicyPeriods_;
        proofPeriods = IStakingEscrow(escrow_).minLockPeriods();
    }

    // ---------------------------------------------------------------- internal: writing

    /// @dev Takes the next sequence number.
    function _nextSeq() internal returns (uint64) {
        // 2^64 events do not happen, so the sum stays out of the pause's bits.
        uint256 counters = _counters + 1;
        _counters = counters;
        return uint64(counters);
    }

    /// @dev Takes the next sequence number of a creation, which a pause forbids; reverts the transaction
    /// during a pause.
    function _nextSeqUnlessPaused() internal returns (uint64) {
        uint256 counters = _counters + 1;
        uint32 paused = uint32(counters >> PAUSE_OFFSET);
        require(currentPeriod() > paused, PolicyPaused(paused));
        _counters = counters;
        return uint64(counters);
    }

    function _writePause(uint32 throughPeriod) internal {
        _counters = uint64(_counters) | (uint256(throughPeriod) << PAUSE_OFFSET);
    }

    /// @dev Sets the paid count of the miner at `index` of the terms.
    function _setPaid(bytes32 id, PolicyWord word, uint256 index, uint16 count) internal {
        if (index < PAID_IN_WORD) {
            _words[id] = word.withPaid(index, count);
        } else {
            (uint256 slot, uint256 shift) = _tailPlace(index);
            _paidTails[id][slot] = withCountAt(_paidTails[id][slot], shift, count);
        }
    }

    /// @dev Takes tokens from `payer`. Cannot re-enter: transferFrom of the KMS token calls no one.
    function _pull(address payer, uint256 amount) internal {
        require(_token.transferFrom(payer, address(this), amount), PolicyTransferFailed());
    }

    /// @dev Pays tokens to `recipient`. Cannot re-enter: transfer of the KMS token calls no one.
    function _push(address recipient, uint256 amount) internal {
        require(_token.transfer(recipient, amount), PolicyTransferFailed());
    }

    // ---------------------------------------------------------------- internal: reading

    /// @dev Id and word of an existing policy.
    function _load(Terms calldata terms) internal view returns (bytes32 id, PolicyWord word) {
        id = keccak256(abi.encode(block.chainid, address(this), terms));
        word = _words[id];
        require(word.exists(), PolicyUnknown(id));
    }

    function _idOf(Terms memory terms) internal view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), terms));
    }

    function _indexOf(bytes32 id, address[] calldata miners, address miner) internal pure returns (uint256) {
        for (uint256 i = 0; i < miners.length; ++i) {
            if (miners[i] == miner) return i;
        }
        revert PolicyMinerUnknown(id, miner);
    }

    function _checkedBatch(uint256 count) internal pure returns (uint256) {
        require(count > 0 && count <= MAX_BATCH, PolicyBatchInvalid(count, MAX_BATCH));
        return count;
    }

    /// @dev Last period that is paid for; firstPeriod - 1 if the policy was revoked before its start.
    function _effectiveLast(PolicyWord word) internal pure returns (uint32) {
        return _lastOf(word.firstPeriod(), word.length());
    }

    /// @dev Last of the first `periods` periods. first >= 1, so nothing wraps below; the sum was a uint32
    /// when the length was set, so nothing wraps above.
    function _lastOf(uint32 first, uint16 periods) internal pure returns (uint32) {
        return uint32(uint256(first) + periods - 1);
    }

    /// @dev Number of leading periods of the policy that are paid for and complete.
    function _completed(PolicyWord word) internal view returns (uint16) {
        uint256 current = currentPeriod();
        uint256 first = word.firstPeriod();
        if (current <= first) return 0;
        uint256 elapsed = current - first;
        uint16 length = word.length();
        return elapsed < length ? uint16(elapsed) : length;
    }

    /// @dev Number of leading periods that are paid for with one miner, at most `length`. Reads no storage
    /// while no arrangement of the policy is revoked.
    function _lengthAt(bytes32 id, PolicyWord word, address miner, uint16 length)
        internal
        view
        returns (uint16)
    {
        if (word.revokedArrangements() == 0) return length;
        Arrangement memory arrangement = _arrangements[id][miner];
        return arrangement.revokedAt != 0 && arrangement.length < length ? arrangement.length : length;
    }

    /// @dev Fees that return to the sponsor for the periods refunded.. completed, over all miners.
    function _idleFees(bytes32 id, Terms calldata terms, PolicyWord word, uint16 completed)
        internal
        view
        returns (uint256)
    {
        uint16 settled = word.refunded();
        if (completed <= settled) return 0;
        uint256 idle = word.revokedArrangements() == 0
            ? _idlePeriods(terms.miners, word, settled, completed)
            : _idlePeriods(_serving(id, word, terms.miners), word, settled, completed)
                + _idleOfRevoked(id, terms.miners, word, completed);
        return terms.rate * idle;
    }

    /// @dev Number of idle periods among settled.. end, over `miners`.
    function _idlePeriods(address[] memory miners, PolicyWord word, uint16 settled, uint16 end)
        private
        view
        returns (uint256)
    {
        if (miners.length == 0 || end <= settled) return 0;
        uint32 first = word.firstPeriod();
        uint256 active = _rewards.sumActivePeriods(miners, first + settled, first + end - 1);
        return miners.length * (end - settled) - active;
    }

    /// @dev Number of idle periods of the miners whose arrangement was revoked, each up to its own last one.
    function _idleOfRevoked(bytes32 id, address[] calldata miners, PolicyWord word, uint16 completed)
        private
        view
        returns (uint256 idle)
    {
        uint256 left = word.revokedArrangements();
        address[] memory one = new address[](1);
        for (uint256 i = 0; left > 0; ++i) {
            if (_arrangements[id][miners[i]].revokedAt == 0) continue;
            --left;
            one[0] = miners[i];
            idle += _idlePeriods(one, word, word.refunded(), _lengthAt(id, word, miners[i], completed));
        }
    }

    /// @dev The miners whose arrangement is not revoked, in their order. Reads no slot after the last revoked
    /// one.
    function _serving(bytes32 id, PolicyWord word, address[] calldata miners)
        internal
        view
        returns (address[] memory serving)
    {
        uint256 left = word.revokedArrangements();
        if (left == 0) return miners;
        serving = new address[](miners.length - left);
        uint256 count;
        for (uint256 i = 0; i < miners.length; ++i) {
            if (left > 0 && _arrangements[id][miners[i]].revokedAt != 0) --left;
            else serving[count++] = miners[i];
        }
    }

    /// @dev Fees of `miner` for its active ones among the periods paid_.. completed.
    function _dueTo(Terms calldata terms, address miner, PolicyWord word, uint16 paid_, uint16 completed)
        internal
        view
        returns (uint256)
    {
        if (completed <= paid_) return 0;
        uint32 first = word.firstPeriod();
        return uint256(terms.rate) * _rewards.activePeriods(miner, first + paid_, first + completed - 1);
    }

    /// @dev Fees that are the miner's own, collected or not: those of its active, completed periods from the
    /// proved delivery on; none before it is proved.
    function _earned(bytes32 id, Terms calldata terms, PolicyWord word, uint256 index)
        internal
        view
        returns (uint256)
    {
        uint16 paid_ = _paid(id, word, index);
        if (paid_ == 0 || paid_ == RETURNED) return 0;
        uint16 from = word.late() ? _arrangements[id][terms.miners[index]].undelivered : 0;
        uint16 completed = _lengthAt(id, word, terms.miners[index], _completed(word));
        return _dueTo(terms, terms.miners[index], word, from, completed);
    }

    /// @dev Paid count of the miner at `index` of the terms: leading periods it has collected the fees of.
    function _paid(bytes32 id, PolicyWord word, uint256 index) internal view returns (uint16) {
        if (index < PAID_IN_WORD) return word.paid(index);
        (uint256 slot, uint256 shift) = _tailPlace(index);
        return countAt(_paidTails[id][slot], shift);
    }

    /// @dev Place of a paid count outside the policy's word.
    function _tailPlace(uint256 index) private pure returns (uint256 slot, uint256 shift) {
        uint256 place = index - PAID_IN_WORD;
        return (place / 16, (place % 16) * 16);
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
    function lastSeq() external view override returns (uint64) {
        return uint64(_counters);
    }

    /// @inheritdoc IPolicyManager
    function pausedThrough() external view override returns (uint32) {
        return uint32(_counters >> PAUSE_OFFSET);
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
    function stateOf(bytes32 id) public view override returns (State memory state) {
        PolicyWord word = _words[id];
        if (!word.exists()) return state;
        state.exists = true;
        state.revoked = word.revoked();
        state.effectiveLast = _effectiveLast(word);
        state.refundedThrough = _lastOf(word.firstPeriod(), word.refunded());
    }

    /// @inheritdoc IPolicyManager
    function statesOf(bytes32[] calldata ids) external view override returns (State[] memory states) {
        states = new State[](_checkedBatch(ids.length));
        for (uint256 i = 0; i < ids.length; ++i) {
            states[i] = stateOf(ids[i]);
        }
    }

    /// @inheritdoc IPolicyManager
    function paidThrough(Terms calldata terms, address miner) external view override returns (uint32) {
        (bytes32 id, PolicyWord word) = _load(terms);
        uint16 paid_ = _paid(id, word, _indexOf(id, terms.miners, miner));
        return _lastOf(word.firstPeriod(), paid_ == RETURNED ? 0 : paid_);
    }

    /// @inheritdoc IPolicyManager
    function effectiveLastOf(Terms calldata terms, address miner) external view override returns (uint32) {
        (bytes32 id, PolicyWord word) = _load(terms);
        _indexOf(id, terms.miners, miner);
        return _lastOf(word.firstPeriod(), _lengthAt(id, word, miner, word.length()));
    }
}
