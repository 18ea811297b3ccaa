// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "../base/KmsTest.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {IStakingEscrow} from "../../src/interfaces/IStakingEscrow.sol";

/// @notice Extensions in one transaction, without the miners that do not go on, and in a pause.
contract ExtendTest is KmsTest {
    address[] private miners;
    IPolicyManager.Terms private terms;
    bytes32 private id;
    address private sponsor = makeAddr("sponsor");

    function setUp() public override {
        super.setUp();
        (miners,) = _miners(3, 200);
        terms = _terms(miners, 30);
        terms.sponsor = sponsor;
        id = _create(terms);
        _fund(alice, 1_000 ether);
        _skip(5);
    }

    function _call(uint32 last, address[] memory without) private view returns (bytes memory) {
        return abi.encodeCall(policies.extendPolicy, (terms, last, without));
    }

    function _pay(address payer, uint256 amount, bytes memory data) private {
        vm.prank(payer);
        token.transferAndCall(address(policies), amount, data);
    }

    function _raise(address miner) private {
        vm.prank(miner);
        escrow.setMinRate(RATE + 1);
    }

    // ---------------------------------------------------------------- one transaction

    function testFuzz_aPaymentExtendsAndLeavesNoAllowance(uint32 periods) public {
        periods = uint32(bound(periods, 1, 100));
        uint32 last = terms.lastPeriod + periods;
        vm.expectEmit(address(policies));
        emit IPolicyManager.PolicyExtended(2, id, last, alice);
        _pay(alice, 3 * periods * uint256(RATE), _call(last, new address[](0)));
        assertEq(policies.stateOf(id).effectiveLast, last);
        assertEq(token.allowance(alice, address(policies)), 0);
        assertEq(token.balanceOf(alice), 1_000 ether - 3 * periods * uint256(RATE));
    }

    function test_thePaymentIsExact() public {
        bytes memory data = _call(terms.lastPeriod + 1, new address[](0));
        uint256 price = 3 * uint256(RATE);
        for (uint256 paid = price - 1; paid <= price + 1; paid += 2) {
            vm.expectRevert(
                abi.encodeWithSelector(IPolicyManager.PolicyPaymentMismatch.selector, paid, price)
            );
            _pay(alice, paid, data);
        }
        _pay(alice, price, data);
    }

    function test_theAuthorAlonePays() public {
        bytes memory data = _call(terms.lastPeriod + 1, new address[](0));
        _fund(bob, 10 ether);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyNotAuthor.selector, bob));
        _pay(bob, 3 ether, data);
        // Nor does somebody with an allowance over the author's tokens.
        vm.prank(alice);
        token.approve(bob, 3 ether);
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicySponsorMismatch.selector, alice, bob));
        token.transferFromAndCall(alice, address(policies), 3 ether, data);
    }

    function test_aPaymentForNothingIsRefused() public {
        bytes4[3] memory others =
            [policies.refund.selector, policies.collect.selector, policies.revokePolicy.selector];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyNothingToPay.selector, others[i]));
            _pay(alice, 3 ether, abi.encodeWithSelector(others[i], terms));
        }
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyNothingToPay.selector, bytes4(0)));
        _pay(alice, 3 ether, "");
        vm.expectRevert(
            abi.encodeWithSelector(IPolicyManager.PolicyNothingToPay.selector, bytes4(uint32(0x20)))
        );
        _pay(alice, 3 ether, abi.encodePacked(uint32(0x20)));
    }

    /// @dev The terms are read where the data says: whatever stands there hashes to a policy, or is refused.
    function testFuzz_misplacedTermsAreNone(uint256 offset, uint256 cut) public {
        bytes memory good = _call(terms.lastPeriod + 1, new address[](0));
        bytes memory bad = bytes.concat(good);
        vm.assume(offset != 0x60);
        assembly ("memory-safe") {
            mstore(add(bad, 36), offset)
        }
        vm.expectRevert();
        _pay(alice, 3 ether, bad);
        bad = bytes.concat(good);
        cut = bound(cut, 4, good.length - 1);
        assembly ("memory-safe") {
            mstore(bad, cut)
        }
        vm.expectRevert();
        _pay(alice, 3 ether, bad);
        assertEq(policies.stateOf(id).effectiveLast, terms.lastPeriod);
    }

    // ---------------------------------------------------------------- without the unwilling

    function test_aMinerThatAsksForMoreHoldsNobodyBack() public {
        _raise(miners[1]);
        uint32 last = terms.lastPeriod + 10;
        bytes memory reason = abi.encodeWithSelector(
            IStakingEscrow.EscrowMinerCannotServe.selector,
            miners[1],
            IStakingEscrow.Service.RateTooLow,
            RATE,
            last
        );
        vm.expectRevert(reason);
        _pay(alice, 30 ether, _call(last, new address[](0)));

        uint32 current = _now();
        uint256 coming = (terms.lastPeriod - current) * uint256(RATE);
        vm.expectEmit(address(policies));
        emit IPolicyManager.ArrangementRevoked(2, id, miners[1], current, coming);
        vm.expectEmit(address(policies));
        emit IPolicyManager.PolicyExtended(3, id, last, alice);
        _pay(alice, 20 ether, _call(last, _list(miners[1])));
        assertEq(policies.effectiveLastOf(terms, miners[0]), last);
        assertEq(policies.effectiveLastOf(terms, miners[1]), current);
        assertEq(policies.effectiveLastOf(terms, miners[2]), last);
        assertEq(token.balanceOf(sponsor), coming, "the refund is the sponsor's");
        assertEq(token.balanceOf(alice), 980 ether);
    }

    function test_severalAreLeftOutAtOnceAndPaidForWithAnAllowanceToo() public {
        _raise(miners[0]);
        _raise(miners[2]);
        address[] memory without = new address[](2);
        (without[0], without[1]) = (miners[2], miners[0]);
        uint32 last = terms.lastPeriod + 1;
        vm.startPrank(alice);
        token.approve(address(policies), RATE);
        policies.extendPolicy(terms, last, without);
        vm.stopPrank();
        assertEq(token.allowance(alice, address(policies)), 0);
        assertEq(policies.effectiveLastOf(terms, miners[1]), last);
        _goto(last + 1);
        policies.refund(terms);
        assertEq(token.balanceOf(address(policies)), 0, "nobody was active");
        assertEq(token.balanceOf(sponsor) + token.balanceOf(alice), 1_000 ether + 90 ether);
    }

    function test_refusesWhoCannotBeLeftOut() public {
        uint32 last = terms.lastPeriod + 1;
        address[] memory twice = new address[](2);
        (twice[0], twice[1]) = (miners[0], miners[0]);
        vm.expectRevert(
            abi.encodeWithSelector(IPolicyManager.PolicyArrangementRevoked.selector, id, miners[0])
        );
        _pay(alice, 2 ether, _call(last, twice));
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyMinerUnknown.selector, id, bob));
        _pay(alice, 3 ether, _call(last, _list(bob)));
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyMinersInvalid.selector, 0));
        _pay(alice, 1 ether, _call(last, miners));
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyNotAuthor.selector, bob));
        vm.prank(bob);
        policies.extendPolicy(terms, last, _list(miners[0]));
        assertEq(policies.effectiveLastOf(terms, miners[0]), terms.lastPeriod);
        assertEq(policies.lastSeq(), 1);
    }

    // ---------------------------------------------------------------- pause

    /// @dev Once, a pause across the end of a policy ended it for good.
    function test_aPauseEndsNoPolicy() public {
        _goto(terms.lastPeriod);
        vm.prank(guardian);
        control.pause();
        assertGe(policies.pausedThrough(), _now());
        _pay(alice, 3 ether, _call(terms.lastPeriod + 1, new address[](0)));
        vm.startPrank(alice);
        token.approve(address(policies), 3 ether);
        policies.extendPolicy(terms, terms.lastPeriod + 2, new address[](0));
        vm.stopPrank();
        assertEq(policies.stateOf(id).effectiveLast, terms.lastPeriod + 2);
    }
}
