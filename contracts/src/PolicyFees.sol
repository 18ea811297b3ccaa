// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {PolicyBooks} from "./PolicyBooks.sol";
import {IPolicyManager} from "./interfaces/IPolicyManager.sol";
import {PAID_IN_WORD, PolicyWord, RETURNED} from "./libraries/PolicyWord.sol";

/// @title Policy fees
/// @notice Pays miners for service, and returns to the sponsor what nobody served for.
///
/// A lease shows that a miner works, not that it holds a kfrag. So a miner is paid from the period on in
/// which the author gave it the kfrag, by the author's word, which comes with the kfrag and which its node
/// checks before it takes it. The first collection supplies that word; a paid count above zero says that it
/// did. Whoever never had the kfrag has no word to show, and its fees become the sponsor's `proofPeriods`
/// after its last paid period. The author cannot withdraw its word, and one that is dated after the service
/// began is refused by the node.
abstract contract PolicyFees is PolicyBooks, EIP712 {
    // ---------------------------------------------------------------- types

    /// @dev What a miner may collect from one policy: the fees of its periods from.. through.
    struct Due {
        bytes32 id;
        PolicyWord word;
        uint256 index;
        uint16 paid; // paid count before
        uint16 from;
        uint16 through;
        uint256 amount;
    }

    // ---------------------------------------------------------------- immutables

    bytes32 private constant DELIVERY_TYPEHASH =
        keccak256("Delivery(bytes32 policyId,address miner,uint32 period)");

    // ---------------------------------------------------------------- refund and collect

    /// @inheritdoc IPolicyManager
    function refund(Terms calldata terms) external override returns (uint256 amount) {
        (bytes32 id, PolicyWord word) = _load(terms);
        uint16 completed = _completed(word);
        uint256 idle = _idleFees(id, terms, word, completed);
        uint256 returned;
        (returned, word) = _returnOverdue(id, terms, word);
        amount = idle + returned;
        require(amount > 0, PolicyNothingToRefund(id));

        _words[id] = word.withRefunded(completed);
        if (idle > 0) emit PolicyRefunded(id, _lastOf(word.firstPeriod(), completed), idle);
        _push(terms.sponsor, amount);
    }

    /// @inheritdoc IPolicyManager
    /// @dev Passes over a policy in which nothing is due, hence also a repeated one, without writing it.
    function collect(Terms[] calldata terms, address miner, Delivery[] calldata deliveries)
        external
        override
        returns (uint256 amount)
    {
        require(
            msg.sender == miner || _escrow.minerOf(msg.sender) == miner,
            PolicyNotMinerOrWorker(msg.sender, miner)
        );
        _checkDeliveries(deliveries.length, terms.length);
        bytes32 id;
        for (uint256 i = 0; i < terms.length; ++i) {
            Due memory due = _dueWith(terms[i], miner, _deliveryAt(deliveries, i));
            id = due.id;
            if (due.amount == 0) continue;
            amount += due.amount;
            _settle(terms[i], miner, due);
        }
        require(amount > 0, PolicyNothingToCollect(id, miner));
        _push(miner, amount);
    }

    // ---------------------------------------------------------------- internal: writing

    /// @dev Marks what is due as paid. The first time, the fees of active periods before the delivery return.
    function _settle(Terms calldata terms, address miner, Due memory due) private {
        uint32 first = due.word.firstPeriod();
        bool isLate = due.paid == 0 && due.from > 0;
        if (isLate) {
            due.word = due.word.withLate();
            _words[due.id] = due.word;
            _arrangements[due.id][miner].undelivered = due.from;
        }
        _setPaid(due.id, due.word, due.index, due.through);
        emit FeesCollected(due.id, miner, _lastOf(first, due.through), due.amount);
        if (!isLate) return;

        uint256 returned = _dueTo(terms, miner, due.word, 0, due.from);
        if (returned == 0) return;
        emit FeesReturned(due.id, miner, _lastOf(first, due.from), returned);
        _push(terms.sponsor, returned);
    }

    /// @dev Marks the fees of every miner whose delivery can no longer be proved as returned; the caller
    /// writes the word and pays. The tails are written here.
    function _returnOverdue(bytes32 id, Terms calldata terms, PolicyWord word)
        private
        returns (uint256 amount, PolicyWord)
    {
        uint256[] memory fees = _overdue(id, terms, word);
        for (uint256 i = 0; i < fees.length; ++i) {
            if (fees[i] == 0) continue;
            amount += fees[i];
            if (i < PAID_IN_WORD) word = word.withPaid(i, RETURNED);
            else _setPaid(id, word, i, RETURNED);
            uint16 length = _lengthAt(id, word, terms.miners[i], word.length());
            emit FeesReturned(id, terms.miners[i], _lastOf(word.firstPeriod(), length), fees[i]);
        }
        return (amount, word);
    }

    // ---------------------------------------------------------------- internal: reading

    /// @dev What `miner` may collect from one policy with this delivery.
    function _dueWith(Terms calldata terms, address miner, Delivery memory delivery)
        private
        view
        returns (Due memory due)
    {
        (due.id, due.word) = _load(terms);
        due.index = _indexOf(due.id, terms.miners, miner);
        due.paid = _paid(due.id, due.word, due.index);
        due.from = due.paid;
        if (due.paid == 0) {
            if (delivery.period == 0) return due;
            due.from = _undeliveredBy(due.id, terms.verifier, miner, due.word.firstPeriod(), delivery);
        }
        due.through = _lengthAt(due.id, due.word, miner, _completed(due.word));
        due.amount = _dueTo(terms, miner, due.word, due.from, due.through);
    }

    /// @dev Number of leading periods before a delivery, which the verifying key must have signed.
    function _undeliveredBy(
        bytes32 id,
        address verifier,
        address miner,
        uint32 first,
        Delivery memory delivery
    ) private view returns (uint16) {
        bytes32 digest = _hashTypedDataV4(
            keccak256(abi.encode(DELIVERY_TYPEHASH, id, miner, delivery.period))
        );
        (address signer, ECDSA.RecoverError problem,) = ECDSA.tryRecover(digest, delivery.r, delivery.vs);
        require(
            problem == ECDSA.RecoverError.NoError && signer == verifier, PolicyDeliveryInvalid(id, miner)
        );
        if (delivery.period <= first) return 0;
        uint32 after_ = delivery.period - first;
        // Beyond every length, nothing is due.
        return after_ < RETURNED ? uint16(after_) : RETURNED;
    }

    /// @dev Fees of the miner's active, completed periods while its delivery is neither proved nor given up.
    function _unproven(bytes32 id, Terms calldata terms, PolicyWord word, uint256 index)
        private
        view
        returns (uint256)
    {
        if (_paid(id, word, index) != 0) return 0;
        uint16 completed = _lengthAt(id, word, terms.miners[index], _completed(word));
        return _dueTo(terms, terms.miners[index], word, 0, completed);
    }

    /// @dev The same for each miner whose time of proof is over, else zero: that of all ends with the
    /// policy's, that of one whose arrangement was revoked earlier. Reads no slot after the last revoked one.
    function _overdue(bytes32 id, Terms calldata terms, PolicyWord word)
        private
        view
        returns (uint256[] memory fees)
    {
        uint256 current = currentPeriod();
        bool all = current > _provableThrough(word, word.length());
        uint256 left = word.revokedArrangements();
        if (!all && left == 0) return fees;
        fees = new uint256[](terms.miners.length);
        for (uint256 i = 0; i < fees.length && (all || left > 0); ++i) {
            bool alone = left > 0 && _arrangements[id][terms.miners[i]].revokedAt != 0;
            if (alone) --left;
            if (!all && !alone) continue;
            uint16 length = _lengthAt(id, word, terms.miners[i], word.length());
            if (current > _provableThrough(word, length)) fees[i] = _unproven(id, terms, word, i);
        }
    }

    /// @dev Last period in which the delivery to a miner that is paid for `length` periods can be proved for
    /// certain.
    function _provableThrough(PolicyWord word, uint16 length) private view returns (uint256) {
        return uint256(_lastOf(word.firstPeriod(), length)) + proofPeriods;
    }

    function _checkDeliveries(uint256 count, uint256 policies) private pure {
        require(count == 0 || count == policies, PolicyDeliveriesMismatch(count, policies));
    }

    /// @dev The delivery for policy number `i`; an empty one if none are given.
    function _deliveryAt(Delivery[] calldata deliveries, uint256 i)
        private
        pure
        returns (Delivery memory delivery)
    {
        if (deliveries.length > 0) delivery = deliveries[i];
    }

    // ---------------------------------------------------------------- view

    /// @inheritdoc IPolicyManager
    function collectable(Terms calldata terms, address miner) external view override returns (uint256) {
        Delivery memory none;
        return _dueWith(terms, miner, none).amount;
    }

    /// @inheritdoc IPolicyManager
    function collectableEach(Terms[] calldata terms, address miner, Delivery[] calldata deliveries)
        external
        view
        override
        returns (uint256[] memory amounts)
    {
        amounts = new uint256[](_checkedBatch(terms.length));
        _checkDeliveries(deliveries.length, terms.length);
        for (uint256 i = 0; i < terms.length; ++i) {
            amounts[i] = _dueWith(terms[i], miner, _deliveryAt(deliveries, i)).amount;
        }
    }

    /// @inheritdoc IPolicyManager
    function unproven(Terms calldata terms, address miner)
        external
        view
        override
        returns (uint256 fees, uint256 throughPeriod)
    {
        (bytes32 id, PolicyWord word) = _load(terms);
        uint256 index = _indexOf(id, terms.miners, miner);
        fees = _unproven(id, terms, word, index);
        throughPeriod = _provableThrough(word, _lengthAt(id, word, miner, word.length()));
    }

    /// @inheritdoc IPolicyManager
    function refundable(Terms calldata terms) public view override returns (uint256 amount) {
        (bytes32 id, PolicyWord word) = _load(terms);
        amount = _idleFees(id, terms, word, _completed(word));
        uint256[] memory overdue = _overdue(id, terms, word);
        for (uint256 i = 0; i < overdue.length; ++i) {
            amount += overdue[i];
        }
    }

    /// @inheritdoc IPolicyManager
    function refundableEach(Terms[] calldata terms)
        external
        view
        override
        returns (uint256[] memory amounts)
    {
        amounts = new uint256[](_checkedBatch(terms.length));
        for (uint256 i = 0; i < terms.length; ++i) {
            amounts[i] = refundable(terms[i]);
        }
    }
}
