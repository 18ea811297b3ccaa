// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {QuoteTest} from "../base/QuoteTest.sol";
import {Misshapen} from "../base/Misshapen.sol";
import {PolicyManager} from "../../src/PolicyManager.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {IStakingEscrow} from "../../src/interfaces/IStakingEscrow.sol";

contract QuotesTest is QuoteTest {
    // ---------------------------------------------------------------- use

    function test_servesBelowThePostedRate() public {
        vm.prank(alice);
        vm.expectRevert(
            abi.encodeWithSelector(
                IStakingEscrow.EscrowMinerCannotServe.selector,
                miners[0],
                IStakingEscrow.Service.RateTooLow,
                RATE,
                terms.lastPeriod
            )
        );
        policies.createPolicy(terms, "");

        bytes32 id = policies.policyId(terms);
        uint256 before = token.balanceOf(alice);
        for (uint256 i = 0; i < 2; ++i) {
            bytes32 digest = _hash(miners[i], quotes[i], address(policies));
            assertEq(policies.quoteDigest(miners[i], quotes[i]), digest);
            vm.expectEmit(address(policies));
            emit IPolicyManager.QuoteUsed(id, miners[i], digest, 0);
        }
        vm.expectEmit(address(policies));
        emit IPolicyManager.PolicyCreated(1, id, terms.keysHash, alice, terms, "");
        assertEq(_createQuoted(), id);
        assertEq(before - token.balanceOf(alice), 2 * 30 * uint256(RATE));
        assertEq(_holder(0, 0), id);
        assertEq(_holder(0, 1), 0);
        assertEq(policies.lastSeq(), 1);
    }

    function test_anEmptyPlaceAsksThePostedRate() public {
        quotes[1].signature = "";
        _refuses(
            abi.encodeWithSelector(
                IStakingEscrow.EscrowMinerCannotServe.selector,
                miners[1],
                IStakingEscrow.Service.RateTooLow,
                RATE,
                terms.lastPeriod
            )
        );
        vm.prank(miners[1]);
        escrow.setMinRate(RATE);
        quotes[1].validUntil = 0; // nothing of an empty place is read
        _createQuoted();
        assertEq(_holder(1, 0), 0);
    }

    function testFuzz_aRateAboveTheQuotedOneIsWelcome(uint96 rate, uint32 periods) public {
        terms.rate = uint96(bound(rate, RATE, 1_000 * RATE));
        terms.lastPeriod = terms.firstPeriod + uint32(bound(periods, 1, 30)) - 1;
        bytes32 id = _createQuoted();
        assertTrue(policies.stateOf(id).exists);
        assertEq(token.balanceOf(address(policies)), policies.priceOf(terms));
    }

    function test_anyoneMayUseAQuote() public {
        terms.sponsor = bob;
        terms.author = bob;
        _fund(bob, 60 ether);
        vm.startPrank(bob);
        token.approve(address(policies), 60 ether);
        policies.createPolicyWithQuotes(terms, "", quotes);
        vm.stopPrank();
        assertEq(token.allowance(bob, address(policies)), 0);
    }

    // ---------------------------------------------------------------- bounds

    function test_notBelowTheQuotedRate() public {
        terms.rate = RATE - 1;
        _refuses(
            abi.encodeWithSelector(IPolicyManager.PolicyQuoteRateTooLow.selector, miners[0], RATE - 1, RATE)
        );
    }

    function test_notLongerThanQuoted() public {
        ++terms.lastPeriod;
        _refuses(abi.encodeWithSelector(IPolicyManager.PolicyQuoteTooShort.selector, miners[0], 31, 30));
    }

    function test_throughTheLastSecond() public {
        uint64 until = quotes[0].validUntil;
        vm.warp(until + 1);
        _refuses(abi.encodeWithSelector(IPolicyManager.PolicyQuoteExpired.selector, miners[0], until));
        vm.warp(until);
        _createQuoted();
    }

    function test_noMorePoliciesThanSeats() public {
        for (uint32 seat = 0; seat < 2; ++seat) {
            terms.salt = bytes32(uint256(seat));
            (quotes[0].seat, quotes[1].seat) = (seat, 1 - seat);
            _createQuoted();
        }
        bytes32 first = _holder(0, 0);
        terms.salt = bytes32(uint256(2));
        quotes[0].seat = 0;
        _refuses(abi.encodeWithSelector(IPolicyManager.PolicyQuoteSeatTaken.selector, miners[0], 0, first));
        quotes[0].seat = 2;
        _refuses(abi.encodeWithSelector(IPolicyManager.PolicyQuoteSeatUnknown.selector, miners[0], 2, 2));
        // Another salt is another quote; a larger capacity too, but only the worker can sign it.
        quotes[0].seat = 0;
        quotes[0].salt = keccak256("another");
        _resign();
        _refuses(
            abi.encodeWithSelector(
                IPolicyManager.PolicyQuoteSeatTaken.selector, miners[1], quotes[1].seat, _holder(1, 0)
            )
        );
        quotes[0].capacity = 0;
        _resign();
        _refuses(abi.encodeWithSelector(IPolicyManager.PolicyQuoteSeatUnknown.selector, miners[0], 0, 0));
    }

    function test_aRefusedCreationUsesNothing() public {
        terms.threshold = 0;
        _refuses(abi.encodeWithSelector(IPolicyManager.PolicyThresholdInvalid.selector, 0, 2));
        terms.threshold = 1;
        quotes[1].capacity = 3;
        _refuses(abi.encodeWithSelector(IPolicyManager.PolicyQuoteSignatureInvalid.selector, miners[1]));
        assertEq(_holder(0, 0), 0);
    }

    function test_oneQuotePerMiner() public {
        quotes.pop();
        _refuses(abi.encodeWithSelector(IPolicyManager.PolicyQuotesMismatch.selector, 1, 2));
        quotes.push(_quoteOf(miners[1]));
        quotes.push(_quoteOf(miners[1]));
        _refuses(abi.encodeWithSelector(IPolicyManager.PolicyQuotesMismatch.selector, 3, 2));
        delete quotes;
        _refuses(abi.encodeWithSelector(IPolicyManager.PolicyQuotesMismatch.selector, 0, 2));
    }

    function test_theLockIsAskedForAsEver() public {
        vm.prank(miners[1]);
        escrow.unbond(MIN_LOCKED);
        _refuses(
            abi.encodeWithSelector(
                IStakingEscrow.EscrowMinerCannotServe.selector,
                miners[1],
                IStakingEscrow.Service.StakeTooSmall,
                type(uint96).max,
                terms.lastPeriod
            )
        );
    }

    function test_anExtensionAsksThePostedRate() public {
        _createQuoted();
        vm.prank(alice);
        vm.expectRevert(
            abi.encodeWithSelector(
                IStakingEscrow.EscrowMinerCannotServe.selector,
                miners[0],
                IStakingEscrow.Service.RateTooLow,
                RATE,
                terms.lastPeriod + 1
            )
        );
        policies.extendPolicy(terms, terms.lastPeriod + 1, new address[](0));
    }

    function test_badTermsAreBadWithQuotesToo() public {
        terms.miners[1] = terms.miners[0];
        _refuses(abi.encodeWithSelector(IPolicyManager.PolicyMinersUnsorted.selector, 1));
        terms.miners = miners;
        terms.sponsor = bob;
        _refuses(abi.encodeWithSelector(IPolicyManager.PolicySponsorMismatch.selector, bob, alice));
        terms.sponsor = alice;
        bytes32 id = _createQuoted();
        _refuses(abi.encodeWithSelector(IPolicyManager.PolicyExists.selector, id));
    }

    // ---------------------------------------------------------------- signatures

    function test_theQuoteOfAnotherMinerIsNone() public {
        quotes[0].signature = quotes[1].signature;
        _refusesSignature();
    }

    function test_anyChangeOfAFieldIsRefused() public {
        IPolicyManager.Quote memory good = quotes[0];
        quotes[0].rate = good.rate - 1;
        _refusesSignature();
        quotes[0] = good;
        quotes[0].maxPeriods = good.maxPeriods + 1;
        _refusesSignature();
        quotes[0] = good;
        quotes[0].validUntil = good.validUntil + 1;
        _refusesSignature();
        quotes[0] = good;
        quotes[0].capacity = good.capacity + 1;
        _refusesSignature();
        quotes[0] = good;
        quotes[0].taker = alice;
        _refusesSignature();
        quotes[0] = good;
        quotes[0].salt = keccak256("another");
        _refusesSignature();
        quotes[0] = good;
        _createQuoted();
    }

    function test_notOfAnotherChainOrPolicyManager() public {
        PolicyManager other = PolicyManager(
            _create(
                "PolicyManager",
                abi.encode(address(token), address(escrow), address(rewards), address(control), MAX_POLICY)
            )
        );
        quotes[0].signature = _sign(keys[miners[0]], miners[0], quotes[0], address(other));
        _refusesSignature();
        vm.chainId(31_338);
        _resign();
        vm.chainId(31_337);
        _refusesSignature();
        _resign();
        vm.chainId(31_338); // changed after the deployment
        _refusesSignature();
    }

    function test_misshapenSignaturesRevert() public {
        bytes[] memory bad = Misshapen.variantsOf(quotes[0].signature);
        for (uint256 i = 0; i < bad.length; ++i) {
            quotes[0].signature = bad[i];
            _refusesSignature();
        }
    }

    function test_onlyThePresentWorkerQuotes() public {
        (, uint256 strange) = makeAddrAndKey("stranger");
        quotes[0].signature = _sign(strange, miners[0], quotes[0], address(policies));
        _refusesSignature();
        _resign();
        _skip(COOLDOWN);
        quotes[0].validUntil = uint64(vm.getBlockTimestamp());
        quotes[1] = _quoteOf(miners[1]);
        _resign();
        terms = _terms(miners, 30);
        // A dismissed worker's word is worth nothing, and a miner without a worker cannot quote.
        vm.startPrank(miners[0]);
        escrow.unbondWorker();
        vm.stopPrank();
        _refusesSignature();
        (address next, uint256 key) = makeAddrAndKey("next worker");
        _bond(miners[0], next);
        _refusesSignature();
        keys[miners[0]] = key;
        _resign();
        _createQuoted();
    }
}
