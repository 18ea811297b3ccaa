// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {KmsTest} from "../base/KmsTest.sol";
import {Misshapen} from "../base/Misshapen.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";

/// @notice A contract account that accepts exactly one hash.
contract Wallet is IERC1271 {
    bytes32 private accepted;

    function accept(bytes32 hash) external {
        accepted = hash;
    }

    function isValidSignature(bytes32 hash, bytes memory) external view returns (bytes4) {
        return hash == accepted ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }
}

contract RevokeTest is KmsTest {
    address[] private miners;
    address[] private workers;
    IPolicyManager.Terms private terms;
    bytes32 private id;
    address private author;
    uint256 private key;

    function setUp() public override {
        super.setUp();
        (author, key) = makeAddrAndKey("author");
        (miners, workers) = _miners(3, 100);
        terms = _terms(miners, 30);
        terms.author = author;
        id = _create(terms);
    }

    function _signRevocation(bytes32 policy, uint256 deadline) private view returns (bytes memory) {
        bytes32 structHash = keccak256(
            abi.encode(keccak256("Revocation(bytes32 policyId,uint256 deadline)"), policy, deadline)
        );
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(key, _digest("KMS PolicyManager", address(policies), structHash));
        return abi.encodePacked(r, s, v);
    }

    // ---------------------------------------------------------------- effect

    function test_beforeTheStartEverythingReturns() public {
        uint256 price = policies.priceOf(terms);
        vm.expectEmit(address(policies));
        emit IPolicyManager.PolicyRevoked(2, id, terms.firstPeriod - 1, price);
        vm.prank(author);
        assertEq(policies.revokePolicy(terms), price);
        assertEq(token.balanceOf(alice), price, "to the sponsor");
        assertEq(token.balanceOf(address(policies)), 0);
        IPolicyManager.State memory state = policies.stateOf(id);
        assertTrue(state.exists);
        assertTrue(state.revoked);
        assertEq(state.effectiveLast, terms.firstPeriod - 1);
        _skip(50);
        assertEq(_collectable(terms, miners[0]), 0);
        assertEq(policies.refundable(terms), 0);
    }

    function testFuzz_theCurrentPeriodStaysPaid(uint32 elapsed) public {
        elapsed = uint32(bound(elapsed, 0, 29));
        _goto(terms.firstPeriod + elapsed);
        vm.prank(author);
        uint256 refunded = policies.revokePolicy(terms);
        assertEq(refunded, uint256(RATE) * 3 * (29 - elapsed));
        assertEq(policies.stateOf(id).effectiveLast, _now());
        // Nobody was active: all the rest is refunded too once the current period is over.
        _skip(1);
        policies.refund(terms);
        assertEq(token.balanceOf(alice), policies.priceOf(terms));
    }

    function test_revocationAfterAPayoutDoesNotUnderflow() public {
        // January 2018: the revocation subtracted periods already paid and reverted.
        _confirm(workers[0], _now() + LEASE);
        _skip(6);
        vm.prank(miners[0]);
        uint256 collected = policies.collect(_one(terms), miners[0], _delivered(_one(terms), miners[0]));
        policies.refund(terms);
        vm.prank(author);
        policies.revokePolicy(terms);
        _skip(60);
        vm.prank(miners[0]);
        collected += policies.collect(_one(terms), miners[0], _delivered(_one(terms), miners[0]));
        policies.refund(terms);
        assertEq(collected, 6 * RATE, "periods 1 to 5 before, the current one after");
        assertEq(token.balanceOf(alice) + collected, policies.priceOf(terms));
        assertEq(token.balanceOf(address(policies)), 0);
    }

    function test_onlyOnce() public {
        vm.startPrank(author);
        policies.revokePolicy(terms);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyAlreadyRevoked.selector, id));
        policies.revokePolicy(terms);
        vm.stopPrank();
    }

    function test_theLastPeriodIsTheLastChance() public {
        uint256 end = GENESIS + uint256(terms.lastPeriod) * DAY;
        vm.warp(end - 1);
        uint256 snapshot = vm.snapshotState();
        vm.prank(author);
        assertEq(policies.revokePolicy(terms), 0, "nothing to return, yet access ends");
        vm.revertToState(snapshot);
        for (uint256 time = end; time <= end + 1; ++time) {
            vm.warp(time);
            vm.prank(author);
            vm.expectRevert(
                abi.encodeWithSelector(IPolicyManager.PolicyEnded.selector, id, terms.lastPeriod)
            );
            policies.revokePolicy(terms);
        }
    }

    // ---------------------------------------------------------------- who

    function testFuzz_onlyTheAuthor(address caller) public {
        vm.assume(caller != author);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyNotAuthor.selector, caller));
        policies.revokePolicy(terms);
    }

    function test_termsThatDifferInAnythingAreUnknown() public {
        terms.salt = bytes32(uint256(7));
        bytes32 other = policies.policyId(terms);
        vm.prank(author);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyUnknown.selector, other));
        policies.revokePolicy(terms);
    }

    function test_anyoneRelaysTheAuthorsSignature() public {
        bytes memory signature = _signRevocation(id, block.timestamp);
        vm.prank(bob);
        policies.revokePolicyWithSignature(terms, block.timestamp, signature);
        assertTrue(policies.stateOf(id).revoked);
    }

    function test_signatureOfAnotherChainPolicyOrPastDeadlineReverts() public {
        bytes memory signature = _signRevocation(id, block.timestamp);
        vm.chainId(31_338);
        // On the other chain the terms have another id, so the policy is not even known there.
        bytes32 there = policies.policyId(terms);
        assertNotEq(there, id);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyUnknown.selector, there));
        policies.revokePolicyWithSignature(terms, block.timestamp, signature);
        vm.chainId(31_337);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicySignatureInvalid.selector, author));
        policies.revokePolicyWithSignature(terms, block.timestamp + 1, signature);
        bytes memory other = _signRevocation(keccak256("another policy"), block.timestamp);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicySignatureInvalid.selector, author));
        policies.revokePolicyWithSignature(terms, block.timestamp, other);
        uint256 deadline = vm.getBlockTimestamp();
        _skip(1);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicySignatureExpired.selector, deadline));
        policies.revokePolicyWithSignature(terms, deadline, signature);
    }

    function test_misshapenSignaturesRevert() public {
        bytes[] memory bad = Misshapen.variantsOf(_signRevocation(id, block.timestamp));
        for (uint256 i = 0; i < bad.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicySignatureInvalid.selector, author));
            policies.revokePolicyWithSignature(terms, block.timestamp, bad[i]);
        }
    }

    function test_signatureForAnotherContractReverts() public {
        bytes32 structHash = keccak256(
            abi.encode(keccak256("Revocation(bytes32 policyId,uint256 deadline)"), id, block.timestamp)
        );
        address[3] memory others = [address(escrow), address(rewards), address(0)];
        string[2] memory names = ["KMS PolicyManager", "KMS MiningRewards"];
        for (uint256 i = 0; i < 6; ++i) {
            // Last: the right contract under the wrong name.
            address verifying = i == 5 ? address(policies) : others[i % 3];
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, _digest(names[i / 3], verifying, structHash));
            vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicySignatureInvalid.selector, author));
            policies.revokePolicyWithSignature(terms, block.timestamp, abi.encodePacked(r, s, v));
        }
    }

    function test_aContractAuthorSignsByERC1271() public {
        Wallet wallet = new Wallet();
        terms.author = address(wallet);
        id = _create(terms);
        vm.expectRevert(
            abi.encodeWithSelector(IPolicyManager.PolicySignatureInvalid.selector, address(wallet))
        );
        policies.revokePolicyWithSignature(terms, block.timestamp, "");
        bytes32 structHash = keccak256(
            abi.encode(keccak256("Revocation(bytes32 policyId,uint256 deadline)"), id, block.timestamp)
        );
        wallet.accept(_digest("KMS PolicyManager", address(policies), structHash));
        policies.revokePolicyWithSignature(terms, block.timestamp, "");
        assertTrue(policies.stateOf(id).revoked);
    }

    /// @dev An account that carries code by EIP-7702 keeps its key; the code may know nothing of signatures.
    function test_anAuthorWhoseAccountCarriesCodeSignsByItsKey() public {
        vm.etch(author, abi.encodePacked(hex"ef0100", address(token)));
        bytes memory good = _signRevocation(id, block.timestamp);
        bytes[] memory bad = Misshapen.variantsOf(good);
        for (uint256 i = 0; i < bad.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicySignatureInvalid.selector, author));
            policies.revokePolicyWithSignature(terms, block.timestamp, bad[i]);
        }
        policies.revokePolicyWithSignature(terms, block.timestamp, good);
        assertTrue(policies.stateOf(id).revoked);
    }
}
