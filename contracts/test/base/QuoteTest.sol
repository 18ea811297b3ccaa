// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "./KmsTest.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";

/// @notice Two miners that post more than the terms offer, and quote less.
abstract contract QuoteTest is KmsTest {
    bytes32 internal constant TYPEHASH = keccak256(
        "Quote(address miner,address taker,uint96 rate,uint32 maxPeriods,uint64 validUntil,uint32 capacity,"
        "bytes32 salt)"
    );

    address[] internal miners;
    mapping(address miner => uint256) internal keys;
    IPolicyManager.Terms internal terms;
    IPolicyManager.Quote[] internal quotes;

    function setUp() public virtual override {
        super.setUp();
        (address a, address workerA, uint256 keyA) = _miner("a", MIN_LOCKED, 100);
        (address b, address workerB, uint256 keyB) = _miner("b", MIN_LOCKED, 100);
        (keys[a], keys[b]) = (keyA, keyB);
        miners = a < b ? [a, b] : [b, a];
        vm.prank(workerA);
        escrow.setMinRate(5 * RATE);
        vm.prank(workerB);
        escrow.setMinRate(5 * RATE);
        terms = _terms(miners, 30);
        _fund(alice, 1_000_000 ether);
        vm.prank(alice);
        token.approve(address(policies), type(uint256).max);
        quotes.push(_quoteOf(miners[0]));
        quotes.push(_quoteOf(miners[1]));
    }

    function _quoteOf(address miner) internal view returns (IPolicyManager.Quote memory quote) {
        quote.rate = RATE;
        quote.maxPeriods = 30;
        quote.validUntil = uint64(vm.getBlockTimestamp() + 100);
        quote.capacity = 2;
        quote.salt = keccak256("quote");
        quote.signature = _sign(keys[miner], miner, quote, address(policies));
    }

    function _sign(uint256 key, address miner, IPolicyManager.Quote memory quote, address verifying)
        internal
        view
        returns (bytes memory)
    {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, _hash(miner, quote, verifying));
        return abi.encodePacked(r, s, v);
    }

    function _hash(address miner, IPolicyManager.Quote memory quote, address verifying)
        internal
        view
        returns (bytes32)
    {
        bytes32 structHash = keccak256(
            abi.encode(
                TYPEHASH,
                miner,
                quote.taker,
                quote.rate,
                quote.maxPeriods,
                quote.validUntil,
                quote.capacity,
                quote.salt
            )
        );
        return _digest("KMS PolicyManager", verifying, structHash);
    }

    /// @dev Signs the first quote anew after a change.
    function _resign() internal {
        quotes[0].signature = _sign(keys[miners[0]], miners[0], quotes[0], address(policies));
    }

    function _createQuoted() internal returns (bytes32) {
        vm.prank(alice);
        return policies.createPolicyWithQuotes(terms, "", quotes);
    }

    function _holder(uint256 index, uint32 seat) internal view returns (bytes32) {
        bytes32 digest = _hash(miners[index], quotes[index], address(policies));
        return policies.quoteHolder(miners[index], digest, seat);
    }

    function _refuses(bytes memory reason) internal {
        vm.expectRevert(reason);
        _createQuoted();
    }

    function _refusesSignature() internal {
        _refuses(abi.encodeWithSelector(IPolicyManager.PolicyQuoteSignatureInvalid.selector, miners[0]));
    }
}
