// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IERC1363Receiver} from "@openzeppelin/contracts/interfaces/IERC1363Receiver.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";
import {PolicyBooks} from "./PolicyBooks.sol";
import {PolicyFees} from "./PolicyFees.sol";
import {PolicyRevocations} from "./PolicyRevocations.sol";
import {QuoteBook} from "./QuoteBook.sol";
import {IPolicyManager} from "./interfaces/IPolicyManager.sol";
import {PolicyWord, newPolicyWord} from "./libraries/PolicyWord.sol";

/// @title Policy manager
/// @notice Implements IPolicyManager. A fee is a rate times a whole number of periods, so nothing is ever
/// divided: per policy, deposit = collected + refunded + still owed, to the last unit, after extensions,
/// revocations, refunds and collections in any order.
///
/// Cannot re-enter: it calls views of the escrow and the rewards, and transfers of the token that call no
/// one. All effects on a policy come before the transfer of its tokens.
contract PolicyManager is PolicyFees, PolicyRevocations, QuoteBook, Multicall, IERC1363Receiver {
    // ---------------------------------------------------------------- immutables

    uint256 private constant MAX_MINERS = 32;
    /// @dev Bytes of the longest memo.
    uint256 private constant MAX_MEMO = 256;

    // ---------------------------------------------------------------- constructor

    /// @param control_ predicted address of Control.
    /// @param maxPolicyPeriods_ length of the longest policy, extensions included; at most 65,534.
    constructor(
        address token_,
        address escrow_,
        address rewards_,
        address control_,
        uint32 maxPolicyPeriods_
    ) PolicyBooks(token_, escrow_, rewards_, control_, maxPolicyPeriods_) EIP712("KMS PolicyManager", "1") {}

    // ---------------------------------------------------------------- create and extend

    /// @inheritdoc IPolicyManager
    function createPolicy(Terms calldata terms, bytes calldata memo) external override returns (bytes32 id) {
        uint256 price;
        (id, price) = _create(terms, memo, msg.sender);
        _pull(msg.sender, price);
    }

    /// @inheritdoc IPolicyManager
    function createPolicyWithPermit(
        Terms calldata terms,
        bytes calldata memo,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external override returns (bytes32 id) {
        uint256 price;
        (id, price) = _create(terms, memo, msg.sender);
        // A permit that was front-run has set the allowance; without one _pull reverts.
        try _token.permit(msg.sender, address(this), price, deadline, v, r, s) {} catch {}
        _pull(msg.sender, price);
    }

    /// @inheritdoc IPolicyManager
    function createPolicies(Terms[] calldata terms, bytes[] calldata memos)
        external
        override
        returns (bytes32[] memory ids)
    {
        uint256 price;
        (ids, price) = _createEach(terms, memos, msg.sender);
        _pull(msg.sender, price);
    }

    /// @inheritdoc IPolicyManager
    function createPolicyWithQuotes(Terms calldata terms, bytes calldata memo, Quote[] calldata quotes)
        external
        override
        returns (bytes32 id)
    {
        Terms memory copy = terms;
        uint16 length;
        (id, length) = _admit(copy, msg.sender);
        _requireQuoted(id, copy, quotes, length);
        _pull(msg.sender, _open(id, copy, memo, length));
    }

    /// @notice Creates or extends policies by `token.transferAndCall(policies, price, data)`; `data` is the
    /// call that the payment is for: abi.encodeCall of createPolicy or createPolicies by the sponsor, who
    /// pays priceOf(terms) of each, or of extendPolicy by the author, who pays the new periods. Reverts as
    /// these do, with PolicyNothingToPay for any other data, and with PolicyPaymentMismatch. Callable by the
    /// token only (PolicyNotToken), which has moved `value` before.
    function onTransferReceived(address operator, address from, uint256 value, bytes calldata data)
        external
        override
        returns (bytes4)
    {
        require(msg.sender == address(_token), PolicyNotToken(msg.sender));
        // An allowance over somebody's tokens is no consent to a policy in its name.
        require(operator == from, PolicySponsorMismatch(from, operator));
        bytes4 selector = bytes4(data);
        uint256 price;
        if (selector == this.createPolicy.selector) {
            (Terms memory terms, bytes memory memo) = abi.decode(data[4:], (Terms, bytes));
            (, price) = _create(terms, memo, from);
        } else if (selector == this.createPolicies.selector) {
            (Terms[] memory terms, bytes[] memory memos) = abi.decode(data[4:], (Terms[], bytes[]));
            (, price) = _createEach(terms, memos, from);
        } else if (selector == this.extendPolicy.selector) {
            // In the place of the terms: where they begin, which _termsOf reads.
            (, uint32 newLastPeriod, address[] memory without) =
                abi.decode(data[4:], (uint256, uint32, address[]));
            price = _extend(_termsOf(data), newLastPeriod, without, from);
        } else {
            revert PolicyNothingToPay(selector);
        }
        require(value == price, PolicyPaymentMismatch(value, price));
        return IERC1363Receiver.onTransferReceived.selector;
    }

    /// @inheritdoc IPolicyManager
    function extendPolicy(Terms calldata terms, uint32 newLastPeriod, address[] calldata without)
        external
        override
    {
        _pull(msg.sender, _extend(terms, newLastPeriod, without, msg.sender));
    }

    // ---------------------------------------------------------------- pause

    /// @inheritdoc IPolicyManager
    function setPause(uint32 throughPeriod) external override {
        require(msg.sender == control, PolicyNotControl(msg.sender));
        _writePause(throughPeriod);
        emit PoliciesPaused(throughPeriod);
    }

    // ---------------------------------------------------------------- internal

    /// @dev Checks and effects of a creation at posted rates; the caller takes the payment.
    function _create(Terms memory terms, bytes memory memo, address payer)
        private
        returns (bytes32 id, uint256 price)
    {
        uint16 length;
        (id, length) = _admit(terms, payer);
        _escrow.requireCanServe(terms.miners, terms.rate, terms.lastPeriod);
        price = _open(id, terms, memo, length);
    }

    /// @dev Checks the terms but for the miners' stakes and rates; `length` is the number of their periods.
    /// Deliberately not checked: verifier, keysHash and salt (nodes refuse a policy with senseless ones),
    /// and the author's consent (only the author can deliver kfrags and revoke; the sponsor pays by its own
    /// will).
    function _admit(Terms memory terms, address payer) private view returns (bytes32 id, uint16 length) {
        uint32 current = currentPeriod();
        address[] memory miners = terms.miners;
        uint256 count = miners.length;
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
        length = _checkedLength(uint256(terms.lastPeriod) - terms.firstPeriod + 1);
        // Strictly ascending from the zero address: no miner twice, none of them zero.
        address previous = address(0);
        for (uint256 i = 0; i < count; ++i) {
            address miner = miners[i];
            require(miner > previous, PolicyMinersUnsorted(i));
            previous = miner;
        }
        id = _idOf(terms);
        require(!_words[id].exists(), PolicyExists(id));
    }

    /// @dev Effects of a creation. The memo is of no concern to the contract: it only goes into the event.
    function _open(bytes32 id, Terms memory terms, bytes memory memo, uint16 length)
        private
        returns (uint256 price)
    {
        require(memo.length <= MAX_MEMO, PolicyMemoTooLong(memo.length));
        _words[id] = newPolicyWord(terms.firstPeriod, length);
        emit PolicyCreated(_nextSeqUnlessPaused(), id, terms.keysHash, terms.author, terms, memo);
        price = uint256(terms.rate) * terms.miners.length * length;
    }

    /// @dev Creates policies, all or none; the caller takes the price of them all from `sponsor`.
    function _createEach(Terms[] memory terms, bytes[] memory memos, address sponsor)
        private
        returns (bytes32[] memory ids, uint256 price)
    {
        ids = new bytes32[](_checkedBatch(terms.length));
        require(memos.length == terms.length, PolicyMemosMismatch(memos.length, terms.length));
        for (uint256 i = 0; i < terms.length; ++i) {
            uint256 one;
            (ids[i], one) = _create(terms[i], memos[i], sponsor);
            price += one;
        }
    }

    /// @dev Revokes the arrangements with the miners `without`, returns their coming fees to the sponsor, and
    /// extends the others; the caller takes the price from `author`.
    function _extend(Terms calldata terms, uint32 newLastPeriod, address[] memory without, address author)
        private
        returns (uint256 price)
    {
        require(author == terms.author, PolicyNotAuthor(author));
        uint256 refunded;
        for (uint256 i = 0; i < without.length; ++i) {
            refunded += _revokeArrangement(terms, without[i]);
        }
        (bytes32 id, PolicyWord word) = _load(terms);
        uint32 last = _effectiveLast(word);
        {
            uint32 current = currentPeriod();
            require(!word.revoked(), PolicyAlreadyRevoked(id));
            require(current <= last, PolicyEnded(id, last));
            require(newLastPeriod > last, PolicyPeriodsInvalid(terms.firstPeriod, newLastPeriod, current));
        }
        uint16 length = _checkedLength(newLastPeriod - word.firstPeriod() + 1);
        address[] memory serving = _serving(id, word, terms.miners);
        require(serving.length > 0, PolicyMinersInvalid(0));
        _escrow.requireCanServe(serving, terms.rate, newLastPeriod);

        _words[id] = word.withLength(length);
        emit PolicyExtended(_nextSeq(), id, newLastPeriod, author);
        if (refunded > 0) _push(terms.sponsor, refunded);
        price = uint256(terms.rate) * serving.length * (newLastPeriod - last);
    }

    /// @dev The terms in `call`, an encoded call of extendPolicy. Nothing is checked here: whatever is read
    /// must hash to the id of a policy that exists, and reading it as terms reverts where it is not encoded
    /// so.
    function _termsOf(bytes calldata call) private pure returns (Terms calldata terms) {
        // Solidity has no other way to a struct in calldata inside bytes; a copy in memory would double the
        // functions that take terms.
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            let arguments := add(call.offset, 4)
            terms := add(arguments, calldataload(arguments))
        }
    }

    /// @dev Requires that a policy of `periods` periods is not too long.
    function _checkedLength(uint256 periods) private view returns (uint16) {
        uint32 shown = periods > type(uint32).max ? type(uint32).max : uint32(periods);
        require(periods <= maxPolicyPeriods, PolicyTooLong(shown, maxPolicyPeriods));
        // The constructor bounds maxPolicyPeriods by 2^16 - 2.
        return uint16(periods);
    }
}
