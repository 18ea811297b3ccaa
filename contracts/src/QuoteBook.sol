// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {PolicyBooks} from "./PolicyBooks.sol";
import {IPolicyManager} from "./interfaces/IPolicyManager.sol";
import {PolicyWord} from "./libraries/PolicyWord.sol";

/// @title Quote book
/// @notice Checks the quotes that workers sign off chain. A quote has as many seats as its capacity; each
/// policy that is created with it holds one. The seat is free again when the policy, or its arrangement with
/// the miner, is revoked before it begins: then the miner has been paid nothing, and whoever creates and
/// revokes uses up nothing but its own gas.
abstract contract QuoteBook is PolicyBooks, EIP712 {
    // ---------------------------------------------------------------- immutables

    bytes32 private constant QUOTE_TYPEHASH = keccak256(
        "Quote(address miner,address taker,uint96 rate,uint32 maxPeriods,uint64 validUntil,uint32 capacity,"
        "bytes32 salt)"
    );
    /// @dev Rate that the escrow accepts whatever the posted rate is, for a miner that quoted.
    uint96 private constant AGREED = type(uint96).max;

    // ---------------------------------------------------------------- storage

    /// @dev The policy that took a seat last.
    mapping(bytes32 digest => mapping(uint32 seat => bytes32 id)) private _seats;
    mapping(bytes32 digest => bool) private _cancelled;

    // ---------------------------------------------------------------- cancellation

    /// @inheritdoc IPolicyManager
    function cancelQuote(address miner, Quote calldata quote) external override {
        require(
            msg.sender == miner || _escrow.minerOf(msg.sender) == miner,
            PolicyNotMinerOrWorker(msg.sender, miner)
        );
        bytes32 digest = _quoteDigest(miner, quote);
        _cancelled[digest] = true;
        emit QuoteCancelled(miner, digest);
    }

    // ---------------------------------------------------------------- internal

    /// @dev Requires that every miner can serve, at its quoted rate if it quoted, else at its posted one, and
    /// takes the seats. quotes[i] is that of terms.miners[i]; the policy lasts `periods`.
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
            _checkQuote(miner, quotes[i], terms, periods);
            _takeSeat(id, miner, workers[i], quotes[i]);
        }
    }

    /// @dev Requires that the terms keep to the quote.
    function _checkQuote(address miner, Quote calldata quote, Terms memory terms, uint32 periods)
        private
        view
    {
        bool mayTake = quote.taker == address(0) || quote.taker == terms.sponsor;
        require(mayTake, PolicyQuoteNotForSponsor(miner, quote.taker, terms.sponsor));
        require(terms.rate >= quote.rate, PolicyQuoteRateTooLow(miner, terms.rate, quote.rate));
        require(periods <= quote.maxPeriods, PolicyQuoteTooShort(miner, periods, quote.maxPeriods));
        require(block.timestamp <= quote.validUntil, PolicyQuoteExpired(miner, quote.validUntil));
        require(quote.seat < quote.capacity, PolicyQuoteSeatUnknown(miner, quote.seat, quote.capacity));
    }

    /// @dev Requires the worker's signature and takes the seat. Accepts signatures of keys only: 65 bytes,
    /// low s, v 27 or 28. The signer of a valid one is not zero, so a miner without a worker has no quotes;
    /// a key is bonded once, so the quotes of a dismissed worker are void for ever.
    function _takeSeat(bytes32 id, address miner, address worker, Quote calldata quote) private {
        bytes32 digest = _quoteDigest(miner, quote);
        (address signer, ECDSA.RecoverError problem,) = ECDSA.tryRecoverCalldata(digest, quote.signature);
        require(
            problem == ECDSA.RecoverError.NoError && signer == worker, PolicyQuoteSignatureInvalid(miner)
        );
        require(!_cancelled[digest], PolicyQuoteIsCancelled(miner, digest));
        bytes32 holder = _holderOf(miner, digest, quote.seat);
        require(holder == 0, PolicyQuoteSeatTaken(miner, quote.seat, holder));
        _seats[digest][quote.seat] = id;
        emit QuoteUsed(id, miner, digest, quote.seat);
    }

    /// @dev The policy that holds a seat; zero if none ever took it, or the last one was revoked, as a whole
    /// or its arrangement with the miner, before it began.
    function _holderOf(address miner, bytes32 digest, uint32 seat) private view returns (bytes32 id) {
        id = _seats[digest][seat];
        if (id == 0) return 0;
        PolicyWord word = _words[id];
        return _lengthAt(id, word, miner, word.length()) == 0 ? bytes32(0) : id;
    }

    function _quoteDigest(address miner, Quote calldata quote) private view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    QUOTE_TYPEHASH,
                    miner,
                    quote.taker,
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
    function quoteHolder(address miner, bytes32 digest, uint32 seat)
        external
        view
        override
        returns (bytes32)
    {
        return _holderOf(miner, digest, seat);
    }

    /// @inheritdoc IPolicyManager
    function quoteCancelled(bytes32 digest) external view override returns (bool) {
        return _cancelled[digest];
    }
}
