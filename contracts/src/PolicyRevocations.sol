// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {PolicyBooks} from "./PolicyBooks.sol";
import {IPolicyManager} from "./interfaces/IPolicyManager.sol";
import {PolicyWord} from "./libraries/PolicyWord.sol";

/// @title Policy revocations
/// @notice Revocations by the author: of the whole policy, or of the arrangement with one miner, and what the
/// judges ask about them. Revocations read neither the escrow nor the rewards, and no pause stops them.
abstract contract PolicyRevocations is PolicyBooks, EIP712 {
    using SafeCast for uint256;

    // ---------------------------------------------------------------- immutables

    bytes32 private constant REVOCATION_TYPEHASH =
        keccak256("Revocation(bytes32 policyId,uint256 deadline)");
    bytes32 private constant ARRANGEMENT_TYPEHASH =
        keccak256("ArrangementRevocation(bytes32 policyId,address miner,uint256 deadline)");

    // ---------------------------------------------------------------- the whole policy

    /// @inheritdoc IPolicyManager
    function revokePolicy(Terms calldata terms) external override returns (uint256 refunded) {
        require(msg.sender == terms.author, PolicyNotAuthor(msg.sender));
        (bytes32 id, PolicyWord word) = _load(terms);
        return _revoke(id, word, terms);
    }

    /// @inheritdoc IPolicyManager
    /// @dev Needs no nonce: a policy can be revoked once only.
    function revokePolicyWithSignature(Terms calldata terms, uint256 deadline, bytes calldata signature)
        external
        override
        returns (uint256 refunded)
    {
        (bytes32 id, PolicyWord word) = _load(terms);
        _checkSigned(terms.author, deadline, abi.encode(REVOCATION_TYPEHASH, id, deadline), signature);
        return _revoke(id, word, terms);
    }

    // ---------------------------------------------------------------- one arrangement

    /// @inheritdoc IPolicyManager
    function revokeArrangement(Terms calldata terms, address miner)
        external
        override
        returns (uint256 refunded)
    {
        require(msg.sender == terms.author, PolicyNotAuthor(msg.sender));
        refunded = _revokeArrangement(terms, miner);
        if (refunded > 0) _push(terms.sponsor, refunded);
    }

    /// @inheritdoc IPolicyManager
    /// @dev Needs no nonce: an arrangement can be revoked once only.
    function revokeArrangementWithSignature(
        Terms calldata terms,
        address miner,
        uint256 deadline,
        bytes calldata signature
    ) external override returns (uint256 refunded) {
        (bytes32 id,) = _load(terms);
        _checkSigned(
            terms.author, deadline, abi.encode(ARRANGEMENT_TYPEHASH, id, miner, deadline), signature
        );
        refunded = _revokeArrangement(terms, miner);
        if (refunded > 0) _push(terms.sponsor, refunded);
    }

    // ---------------------------------------------------------------- internal

    /// @dev Revokes a policy. Arrangements that were revoked before have no coming periods to refund.
    function _revoke(bytes32 id, PolicyWord word, Terms calldata terms) private returns (uint256 amount) {
        (uint32 newLast, uint16 length, uint256 coming) = _cut(id, word);
        amount = uint256(terms.rate) * (terms.miners.length - word.revokedArrangements()) * coming;
        _words[id] = word.withLength(length).withRevoked(_timeOfRevocation());
        emit PolicyRevoked(_nextSeq(), id, newLast, amount);
        if (amount > 0) _push(terms.sponsor, amount);
    }

    /// @dev Revokes the arrangement with `miner`; the caller pays `amount` to the sponsor.
    function _revokeArrangement(Terms calldata terms, address miner) internal returns (uint256 amount) {
        (bytes32 id, PolicyWord word) = _load(terms);
        (uint32 newLast, uint16 length, uint256 coming) = _cut(id, word);
        _indexOf(id, terms.miners, miner);
        Arrangement storage arrangement = _arrangements[id][miner];
        require(arrangement.revokedAt == 0, PolicyArrangementRevoked(id, miner));

        amount = uint256(terms.rate) * coming;
        arrangement.revokedAt = _timeOfRevocation();
        arrangement.length = length;
        _words[id] = word.withOneMoreRevokedArrangement();
        emit ArrangementRevoked(_nextSeq(), id, miner, newLast, amount);
    }

    /// @dev The present time, saturated at 2^40 - 1, the year 36,812, so that no clock stops a revocation.
    function _timeOfRevocation() private view returns (uint40) {
        return block.timestamp > type(uint40).max ? type(uint40).max : uint40(block.timestamp);
    }

    /// @dev End of a policy that is revoked now: the current period stays paid, or none before the start. The
    /// fees of `coming` periods per miner return. Reverts if the policy is revoked or ended already.
    function _cut(bytes32 id, PolicyWord word)
        private
        view
        returns (uint32 newLast, uint16 length, uint256 coming)
    {
        uint32 current = currentPeriod();
        uint32 first = word.firstPeriod();
        uint32 last = _effectiveLast(word);
        require(!word.revoked(), PolicyAlreadyRevoked(id));
        require(current <= last, PolicyEnded(id, last));
        newLast = current < first ? first - 1 : current;
        length = (uint256(newLast) + 1 - first).toUint16();
        coming = last - newLast;
    }

    /// @dev Requires a signature of `author` over `message`, within the deadline: by its key, or, if it is a
    /// contract, as ERC-1271 says. The key comes first: an account that carries code by EIP-7702 has both.
    function _checkSigned(address author, uint256 deadline, bytes memory message, bytes calldata signature)
        private
        view
    {
        require(block.timestamp <= deadline, PolicySignatureExpired(deadline));
        bytes32 digest = _hashTypedDataV4(keccak256(message));
        (address signer, ECDSA.RecoverError problem,) = ECDSA.tryRecoverCalldata(digest, signature);
        require(
            (problem == ECDSA.RecoverError.NoError && signer == author)
                || SignatureChecker.isValidERC1271SignatureNowCalldata(author, digest, signature),
            PolicySignatureInvalid(author)
        );
    }

    // ---------------------------------------------------------------- view

    /// @inheritdoc IPolicyManager
    function accessEnd(Terms calldata terms, address miner)
        external
        view
        override
        returns (bytes32 id, uint64 revokedAt)
    {
        PolicyWord word;
        (id, word) = _load(terms);
        _indexOf(id, terms.miners, miner);
        revokedAt = _accessEnd(id, word, miner);
    }

    /// @inheritdoc IPolicyManager
    function caseOf(Terms calldata terms, address miner)
        external
        view
        override
        returns (bytes32 id, uint64 revokedAt, uint256 paid)
    {
        PolicyWord word;
        (id, word) = _load(terms);
        uint256 index = _indexOf(id, terms.miners, miner);
        revokedAt = _accessEnd(id, word, miner);
        paid = _earned(id, terms, word, index);
    }

    /// @dev Time of the revocation. No arrangement of a revoked policy is revoked any more, so an
    /// arrangement's time is the earlier.
    function _accessEnd(bytes32 id, PolicyWord word, address miner) private view returns (uint64 time) {
        if (word.revokedArrangements() > 0) time = _arrangements[id][miner].revokedAt;
        if (time == 0) time = word.revokedAt();
    }
}
