// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "../base/KmsTest.sol";
import {PolicyManager} from "../../src/PolicyManager.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {IStakingEscrow} from "../../src/interfaces/IStakingEscrow.sol";

contract CreateTest is KmsTest {
    address[] private miners;
    IPolicyManager.Terms private terms;

    function setUp() public override {
        super.setUp();
        (miners,) = _miners(3, 100);
        terms = _terms(miners, 30);
        _fund(alice, 1_000_000 ether);
        vm.prank(alice);
        token.approve(address(policies), type(uint256).max);
    }

    function _refuses(bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(alice);
        policies.createPolicy(terms, "");
        terms = _terms(miners, 30);
    }

    // ---------------------------------------------------------------- creation

    function testFuzz_paysExactlyTheProduct(uint96 rate, uint32 periods, uint8 count) public {
        rate = uint96(bound(rate, 1, 1_000 ether));
        periods = uint32(bound(periods, 1, 100 - EVIDENCE));
        count = uint8(bound(count, 1, 3));
        address[] memory some = new address[](count);
        for (uint256 i = 0; i < count; ++i) {
            some[i] = miners[i];
        }
        terms = _terms(some, periods);
        terms.rate = rate;
        uint256 price = uint256(rate) * periods * count;
        assertEq(policies.priceOf(terms), price);
        uint256 before = token.balanceOf(alice);
        bytes32 id = keccak256(abi.encode(block.chainid, address(policies), terms));
        vm.expectEmit(address(policies));
        emit IPolicyManager.PolicyCreated(1, id, terms.keysHash, alice, terms, "");
        vm.prank(alice);
        assertEq(policies.createPolicy(terms, ""), id);
        assertEq(policies.policyId(terms), id);
        assertEq(before - token.balanceOf(alice), price);
        assertEq(token.balanceOf(address(policies)), price);
        IPolicyManager.State memory state = policies.stateOf(id);
        assertTrue(state.exists);
        assertFalse(state.revoked);
        assertEq(state.effectiveLast, terms.lastPeriod);
        assertEq(state.refundedThrough, terms.firstPeriod - 1);
        assertEq(policies.paidThrough(terms, some[0]), terms.firstPeriod - 1);
        assertEq(policies.lastSeq(), 1);
    }

    function test_longPoliciesCostNoMoreThanShortOnes() public {
        // January 2018: gas grew with the duration (8.4 million at 365 periods).
        (address[] memory long,) = _miners(1, MAX_LOCK);
        vm.startPrank(alice);
        policies.createPolicy(terms, "");
        terms = _terms(long, 1);
        uint256 gas = gasleft();
        policies.createPolicy(terms, "");
        uint256 short = gas - gasleft();
        terms = _terms(long, MAX_LOCK - EVIDENCE);
        gas = gasleft();
        policies.createPolicy(terms, "");
        assertApproxEqAbs(gas - gasleft(), short, 200);
        vm.stopPrank();
    }

    function test_stateOfAStrangerIsEmpty() public view {
        IPolicyManager.State memory state = policies.stateOf(keccak256("stranger"));
        assertFalse(state.exists);
        assertEq(state.effectiveLast, 0);
    }

    function test_thirtyTwoMinersOfThirtyTwo() public {
        (miners,) = _miners(32, 100);
        terms = _terms(miners, 30);
        terms.threshold = 32;
        vm.prank(alice);
        policies.createPolicy(terms, "");
    }

    function test_theSameTermsOnlyOnce() public {
        vm.startPrank(alice);
        bytes32 id = policies.createPolicy(terms, "");
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyExists.selector, id));
        policies.createPolicy(terms, "");
        // A revoked policy stays known: its id never comes back.
        policies.revokePolicy(terms);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyExists.selector, id));
        policies.createPolicy(terms, "");
        terms.salt = bytes32(uint256(1));
        policies.createPolicy(terms, "");
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- refusals

    function test_refusesDuplicateMissingAndTooManyMiners() public {
        // v5.3.3 took a repeated node.
        terms.miners[1] = terms.miners[0];
        _refuses(abi.encodeWithSelector(IPolicyManager.PolicyMinersUnsorted.selector, 1));
        (terms.miners[1], terms.miners[2]) = (terms.miners[2], terms.miners[1]);
        _refuses(abi.encodeWithSelector(IPolicyManager.PolicyMinersUnsorted.selector, 2));
        terms.miners[0] = address(0);
        _refuses(abi.encodeWithSelector(IPolicyManager.PolicyMinersUnsorted.selector, 0));
        terms.miners = new address[](0);
        _refuses(abi.encodeWithSelector(IPolicyManager.PolicyMinersInvalid.selector, 0));
        terms.miners = new address[](33);
        _refuses(abi.encodeWithSelector(IPolicyManager.PolicyMinersInvalid.selector, 33));
    }

    function test_refusesBadThresholds() public {
        terms.threshold = 0;
        _refuses(abi.encodeWithSelector(IPolicyManager.PolicyThresholdInvalid.selector, 0, 3));
        terms.threshold = 4;
        _refuses(abi.encodeWithSelector(IPolicyManager.PolicyThresholdInvalid.selector, 4, 3));
    }

    function test_refusesNoRateAndNoAuthor() public {
        terms.rate = 0;
        _refuses(abi.encodeWithSelector(IPolicyManager.PolicyRateZero.selector));
        terms.author = address(0);
        _refuses(abi.encodeWithSelector(IPolicyManager.PolicyAuthorZero.selector));
    }

    function test_refusesPeriodsInThePastReversedOrTooMany() public {
        uint32 now_ = _now();
        terms.firstPeriod = now_ - 1;
        _refuses(
            abi.encodeWithSelector(IPolicyManager.PolicyPeriodsInvalid.selector, now_ - 1, now_ + 30, now_)
        );
        terms.lastPeriod = terms.firstPeriod - 1;
        _refuses(abi.encodeWithSelector(IPolicyManager.PolicyPeriodsInvalid.selector, now_ + 1, now_, now_));
        terms.lastPeriod = now_ + MAX_POLICY + 1;
        _refuses(abi.encodeWithSelector(IPolicyManager.PolicyTooLong.selector, MAX_POLICY + 1, MAX_POLICY));
        terms.lastPeriod = type(uint32).max;
        _refuses(
            abi.encodeWithSelector(
                IPolicyManager.PolicyTooLong.selector, type(uint32).max - now_, MAX_POLICY
            )
        );
    }

    function test_thePolicyMayStartInTheCurrentPeriod() public {
        terms.firstPeriod = _now();
        vm.prank(alice);
        policies.createPolicy(terms, "");
    }

    function test_theFirstPeriodMustNotBeOver() public {
        uint256 end = GENESIS + uint256(terms.firstPeriod) * DAY;
        uint256 snapshot = vm.snapshotState();
        vm.warp(end - 1);
        vm.prank(alice);
        policies.createPolicy(terms, "");
        vm.revertToState(snapshot);
        for (uint256 time = end; time <= end + 1; ++time) {
            vm.warp(time);
            vm.prank(alice);
            vm.expectRevert(
                abi.encodeWithSelector(
                    IPolicyManager.PolicyPeriodsInvalid.selector,
                    terms.firstPeriod,
                    terms.lastPeriod,
                    terms.firstPeriod + 1
                )
            );
            policies.createPolicy(terms, "");
        }
    }

    function test_onlyTheSponsorPays() public {
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicySponsorMismatch.selector, alice, bob));
        policies.createPolicy(terms, "");
    }

    function test_aMinerMayRefuseAPolicyOfOneUnit() public {
        // January 2018: a miner could not refuse a policy priced at one unit.
        vm.prank(miners[1]);
        escrow.setMinRate(2);
        terms.rate = 1;
        _refuses(
            abi.encodeWithSelector(
                IStakingEscrow.EscrowMinerCannotServe.selector,
                miners[1],
                IStakingEscrow.Service.RateTooLow,
                1,
                terms.lastPeriod
            )
        );
    }

    function test_refusesAMinerThatMayUnlockBeforeTheEnd() public {
        terms.lastPeriod = _now() + 101 - EVIDENCE;
        _refuses(
            abi.encodeWithSelector(
                IStakingEscrow.EscrowMinerCannotServe.selector,
                miners[0],
                IStakingEscrow.Service.LockTooShort,
                RATE,
                _now() + 101 - EVIDENCE
            )
        );
        vm.prank(miners[2]);
        escrow.unbond(MIN_LOCKED);
        _refuses(
            abi.encodeWithSelector(
                IStakingEscrow.EscrowMinerCannotServe.selector,
                miners[2],
                IStakingEscrow.Service.StakeTooSmall,
                RATE,
                terms.lastPeriod
            )
        );
    }

    // ---------------------------------------------------------------- ways to pay

    function test_transferAndCallNeedsNoAllowance() public {
        vm.startPrank(alice);
        token.approve(address(policies), 0);
        token.transferAndCall(
            address(policies), policies.priceOf(terms), abi.encodeCall(policies.createPolicy, (terms, ""))
        );
        vm.stopPrank();
        assertTrue(policies.stateOf(policies.policyId(terms)).exists);
        assertEq(token.allowance(alice, address(policies)), 0);
    }

    function test_transferAndCallPaysExactly() public {
        uint256 price = policies.priceOf(terms);
        vm.startPrank(alice);
        for (uint256 paid = price - 1; paid <= price + 1; paid += 2) {
            vm.expectRevert(
                abi.encodeWithSelector(IPolicyManager.PolicyPaymentMismatch.selector, paid, price)
            );
            token.transferAndCall(
                address(policies), paid, abi.encodeCall(policies.createPolicy, (terms, ""))
            );
        }
        vm.stopPrank();
    }

    function test_refusesAnOperatorWhoSpendsTheTokensOfAnother() public {
        uint256 price = policies.priceOf(terms);
        vm.prank(alice);
        token.approve(bob, price);
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicySponsorMismatch.selector, alice, bob));
        token.transferFromAndCall(
            alice, address(policies), price, abi.encodeCall(policies.createPolicy, (terms, ""))
        );
        terms.sponsor = bob;
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicySponsorMismatch.selector, alice, bob));
        token.transferFromAndCall(
            alice, address(policies), price, abi.encodeCall(policies.createPolicy, (terms, ""))
        );
    }

    function testFuzz_onlyTheTokenReportsATransfer(address caller) public {
        vm.assume(caller != address(token));
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyNotToken.selector, caller));
        policies.onTransferReceived(alice, alice, 1, abi.encodeCall(policies.createPolicy, (terms, "")));
    }

    function test_permitFrontRunAndNothingLeft() public {
        (address sponsor, uint256 key) = makeAddrAndKey("sponsor");
        terms.sponsor = sponsor;
        uint256 price = policies.priceOf(terms);
        _fund(sponsor, price);
        (uint8 v, bytes32 r, bytes32 s) =
            _signPermit(key, sponsor, address(policies), price, block.timestamp);
        vm.prank(bob);
        token.permit(sponsor, address(policies), price, block.timestamp, v, r, s);
        vm.prank(sponsor);
        policies.createPolicyWithPermit(terms, "", block.timestamp, v, r, s);
        assertEq(token.allowance(sponsor, address(policies)), 0);
        assertEq(token.balanceOf(sponsor), 0);
    }

    function test_permitAndCreateInOne() public {
        (address sponsor, uint256 key) = makeAddrAndKey("sponsor");
        terms.sponsor = sponsor;
        uint256 price = policies.priceOf(terms);
        _fund(sponsor, price);
        (uint8 v, bytes32 r, bytes32 s) =
            _signPermit(key, sponsor, address(policies), price, block.timestamp);
        vm.prank(sponsor);
        bytes32 id = policies.createPolicyWithPermit(terms, "", block.timestamp, v, r, s);
        assertTrue(policies.stateOf(id).exists);
    }

    // ---------------------------------------------------------------- construction

    function test_refusesForeignPartsAndSenselessLimits() public {
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyTooLong.selector, 0, 65_534));
        _create(
            "PolicyManager",
            abi.encode(address(token), address(escrow), address(rewards), address(control), 0)
        );
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyTooLong.selector, 65_535, 65_534));
        _create(
            "PolicyManager",
            abi.encode(address(token), address(escrow), address(rewards), address(control), 65_535)
        );
        vm.expectRevert(IPolicyManager.PolicyContractsMismatch.selector);
        _create("PolicyManager", abi.encode(alice, address(escrow), address(rewards), address(control), 1));
    }

    function test_showsItsParameters() public view {
        assertEq(policies.token(), address(token));
        assertEq(policies.escrow(), address(escrow));
        assertEq(policies.rewards(), address(rewards));
        assertEq(policies.maxPolicyPeriods(), MAX_POLICY);
    }
}
