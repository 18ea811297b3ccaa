// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {PolicyBooks} from "./PolicyBooks.sol";
import {IPolicyManager} from "./interfaces/IPolicyManager.sol";

/// @title Quote book
/// @notice Checks the quotes that workers sign off chain, and counts the uses of each.
abstract contract QuoteBook is PolicyBooks, EIP712 {
    // ---------------------------------------------------------------- immutables

    bytes32 private constant QUOTE_TYPEHASH = keccak256(
        "Quote(address miner,uint96 rate,uint32 maxPeriods,uint64 validUntil,uint32 capacity,bytes32 salt)"
    );
    /// @dev Rate that the escrow accepts whatever the posted rate is, for a miner that quoted.
    uint96 private constant AGREED = type(uint96).max;

    // ---------------------------------------------------------------- storage

    mapping(bytes32 digest => uint32 uses) private _quoteUses;

    // ---------------------------------------------------------------- internal

    /// @dev Requires that every miner can serve, at its quoted rate if it quoted, else at its posted one, and
    /// counts the uses. quotes[i] is that of terms.miners[i]; the policy lasts `periods`.
    function _requireQuoted(bytes32 id, Terms memory terms, Quote[] calldata quotes, uint32 periods)
        internal
    {
        uint256 count = terms.miners.length;
        require(quotes.length == count, PolicyQuotesMismatch(quotes.length, count));
        uint96[] memory rates = new uint96[](count);
        for (uint256 i = 0; i < count; ++i) {
            rates[i] = quotes[i].signature.length == 0 ? terms.rate : AGREED;
        }
        address[] memory workers = _escrow.requireCanServeEach(terms.miners, rates, terms.lastPeriod);
        for (uint256 i = 0; i < count; ++i) {
            if (quotes[i].signature.length == 0) continue;
            address miner = terms.miners[i];
            _checkQuote(miner, quotes[i], terms.rate, periods);
            _useQuote(id, miner, workers[i], quotes[i]);
        }
    }

    /// @dev Requires that the terms keep to the quote.
    function _checkQuote(address miner, Quote calldata quote, uint96 rate, uint32 periods) private view {
        require(rate >= quote.rate, PolicyQuoteRateTooLow(miner, rate, quote.rate));
        require(periods <= quote.maxPeriods, PolicyQuoteTooShort(miner, periods, quote.maxPeriods));
        require(block.timestamp <= quote.validUntil, PolicyQuoteExpired(miner, quote.validUntil));
    }

    /// @dev Requires the worker's signature and counts one more use. Accepts signatures of accounts without
    /// code only: 65 bytes, low s, v 27 or 28. The signer of a valid one is not zero, so a miner without a
    /// worker has no quotes.
    function _useQuote(bytes32 id, address miner, address worker, Quote calldata quote) private {
        bytes32 digest = _quoteDigest(miner, quote);
        (address signer, ECDSA.RecoverError problem,) = ECDSA.tryRecoverCalldata(digest, quote.signature);
        require(
            problem == ECDSA.RecoverError.NoError && signer == worker, PolicyQuoteSignatureInvalid(miner)
        );
        uint32 uses = _quoteUses[digest];
        require(uses < quote.capacity, PolicyQuoteUsedUp(miner, quote.capacity));
        // uses < capacity <= 2^32 - 1
        _quoteUses[digest] = ++uses;
        emit QuoteUsed(id, miner, digest, uses);
    }

    function _quoteDigest(address miner, Quote calldata quote) private view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    QUOTE_TYPEHASH,
                    miner,
                    quote.rate,
                    quote.maxPeriods,
                    quote.validUntil,
                    quote.capacity,
                    quote.salt
                )
            )
        );
    }

    // ---------------------------------------------------------------- view

    /// @inheritdoc IPolicyManager
    function quoteDigest(address miner, Quote calldata quote) external view override returns (bytes32) {
        return _quoteDigest(miner, quote);
    }

    /// @inheritdoc IPolicyManager
    function quoteUses(bytes32 digest) external view override returns (uint32) {
        return _quoteUses[digest];
    }
}
