// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {KmsTest} from "../base/KmsTest.sol";
import {Misshapen} from "../base/Misshapen.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {IStakingEscrow} from "../../src/interfaces/IStakingEscrow.sol";

contract ArrangementTest is KmsTest {
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

    function _revoke(address miner) private returns (uint256) {
        vm.prank(author);
        return policies.revokeArrangement(terms, miner);
    }

    function _collect(address miner) private returns (uint256) {
        vm.prank(miner);
        return policies.collect(_one(terms), miner, _delivered(_one(terms), miner));
    }

    function _extend(uint32 last, uint256 price) private {
        _fund(author, price);
        vm.startPrank(author);
        token.approve(address(policies), price);
        policies.extendPolicy(terms, last, new address[](0));
        vm.stopPrank();
    }

    function _hash(bytes32 policy, address miner, uint256 deadline, address verifying)
        private
        view
        returns (bytes32)
    {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("ArrangementRevocation(bytes32 policyId,address miner,uint256 deadline)"),
                policy,
                miner,
                deadline
            )
        );
        return _digest("KMS PolicyManager", verifying, structHash);
    }

    function _sign(bytes32 digest) private view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    // ---------------------------------------------------------------- effect

    function testFuzz_theComingPeriodsOfOneMinerReturn(uint32 elapsed, uint8 which) public {
        elapsed = uint32(bound(elapsed, 0, 30));
        address miner = miners[which % 3];
        address other = miners[(which % 3 + 1) % 3];
        _goto(terms.firstPeriod - 1 + elapsed); // 0: before the start
        uint256 expected = uint256(RATE) * (30 - elapsed);
        vm.expectEmit(address(policies));
        emit IPolicyManager.ArrangementRevoked(2, id, miner, _now(), expected);
        assertEq(_revoke(miner), expected);
        assertEq(token.balanceOf(alice), expected, "to the sponsor");
        assertEq(policies.effectiveLastOf(terms, miner), _now());
        assertEq(policies.effectiveLastOf(terms, other), terms.lastPeriod);
        assertEq(policies.lastSeq(), 2);
        IPolicyManager.State memory state = policies.stateOf(id);
        assertFalse(state.revoked);
        assertEq(state.effectiveLast, terms.lastPeriod, "the others go on");
        // Nobody was active: in the end the sponsor has everything again.
        _goto(terms.lastPeriod + 1);
        policies.refund(terms);
        assertEq(token.balanceOf(alice), policies.priceOf(terms));
        assertEq(token.balanceOf(address(policies)), 0);
    }

    function test_theMinerIsPaidThroughThePeriodOfItsRevocation() public {
        _confirm(workers[0], _now() + LEASE);
        _confirm(workers[1], _now() + LEASE);
        _skip(3);
        _revoke(miners[0]);
        _skip(10);
        assertEq(_collect(miners[0]), 3 * RATE, "two before, the one of the revocation");
        assertEq(_collect(miners[1]), 7 * RATE);
        assertEq(_collectable(terms, miners[0]), 0);
    }

    function test_settledPeriodsStaySettled() public {
        _confirm(workers[0], _now() + 2);
        _skip(5);
        uint256 collected = _collect(miners[0]);
        policies.refund(terms);
        _revoke(miners[0]);
        _goto(terms.lastPeriod + 1);
        policies.refund(terms);
        assertEq(collected, 2 * RATE);
        assertEq(_collectable(terms, miners[0]), 0);
        assertEq(token.balanceOf(alice) + collected, policies.priceOf(terms));
        assertEq(token.balanceOf(address(policies)), 0);
    }

    function test_allArrangementsOneByOneIsTheWholePolicy() public {
        _skip(5);
        uint256 snapshot = vm.snapshotState();
        vm.prank(author);
        uint256 whole = policies.revokePolicy(terms);
        vm.revertToState(snapshot);
        assertEq(_revoke(miners[0]) + _revoke(miners[1]) + _revoke(miners[2]), whole);
        vm.prank(author);
        assertEq(policies.revokePolicy(terms), 0, "nothing is left to return");
    }

    function test_aRevocationOfThePolicyReturnsTheOthersOnly() public {
        _skip(5);
        _revoke(miners[1]);
        _skip(5);
        vm.prank(author);
        assertEq(policies.revokePolicy(terms), 2 * 20 * uint256(RATE));
        _skip(30);
        policies.refund(terms);
        assertEq(token.balanceOf(alice), policies.priceOf(terms));
    }

    function test_anExtensionPassesTheRevokedMinerOver() public {
        _skip(1);
        _revoke(miners[1]);
        vm.prank(miners[1]);
        escrow.unbond(MIN_LOCKED); // it may leave, and need not be able to serve
        uint256 price = 2 * 10 * uint256(RATE);
        _extend(terms.lastPeriod + 10, price);
        assertEq(token.balanceOf(author), 0, "two miners, ten periods");
        assertEq(policies.effectiveLastOf(terms, miners[0]), terms.lastPeriod + 10);
        assertEq(policies.effectiveLastOf(terms, miners[1]), _now());
        _goto(terms.lastPeriod + 11);
        policies.refund(terms);
        assertEq(token.balanceOf(alice), policies.priceOf(terms) + price);
        assertEq(token.balanceOf(address(policies)), 0);
    }

    function test_thirtyTwoArrangements() public {
        (miners, workers) = _miners(32, 100);
        terms.miners = miners;
        id = _create(terms);
        for (uint256 i = 0; i < 32; ++i) {
            _confirm(workers[i], _now() + LEASE);
        }
        _skip(3);
        uint256 left = token.balanceOf(address(policies));
        for (uint256 i = 32; i > 0; --i) {
            assertEq(_revoke(miners[i - 1]), 27 * uint256(RATE));
        }
        assertEq(left - token.balanceOf(address(policies)), 32 * 27 * uint256(RATE));
        _skip(1);
        for (uint256 i = 0; i < 32; ++i) {
            assertEq(_collect(miners[i]), 3 * RATE);
        }
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyNothingToRefund.selector, id));
        policies.refund(terms);
        vm.prank(author);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyMinersInvalid.selector, 0));
        policies.extendPolicy(terms, terms.lastPeriod + 1, new address[](0));
    }

    function test_theLastPeriodIsTheLastChance() public {
        uint256 end = GENESIS + uint256(terms.lastPeriod) * DAY;
        vm.warp(end - 1);
        uint256 snapshot = vm.snapshotState();
        assertEq(_revoke(miners[0]), 0, "nothing to return, yet access ends");
        (, uint64 revokedAt) = policies.accessEnd(terms, miners[0]);
        assertEq(revokedAt, end - 1);
        vm.revertToState(snapshot);
        for (uint256 time = end; time <= end + 1; ++time) {
            vm.warp(time);
            vm.prank(author);
            vm.expectRevert(
                abi.encodeWithSelector(IPolicyManager.PolicyEnded.selector, id, terms.lastPeriod)
            );
            policies.revokeArrangement(terms, miners[0]);
        }
    }

    function test_theStartDecidesWhetherTheFirstPeriodIsPaid() public {
        uint256 start = GENESIS + uint256(terms.firstPeriod - 1) * DAY;
        uint256[3] memory refunds = [uint256(30), 29, 29];
        for (uint256 i = 0; i < 3; ++i) {
            uint256 snapshot = vm.snapshotState();
            vm.warp(start - 1 + i);
            assertEq(_revoke(miners[0]), refunds[i] * RATE);
            vm.revertToState(snapshot);
        }
    }

    // ---------------------------------------------------------------- end of access

    function test_accessEndsAtTheEarlierTime() public {
        for (uint256 i = 0; i < 3; ++i) {
            (bytes32 found, uint64 none) = policies.accessEnd(terms, miners[i]);
            assertEq(found, id);
            assertEq(none, 0);
        }
        uint64 first = uint64(vm.getBlockTimestamp());
        _revoke(miners[1]);
        uint64 second = first + 2_000;
        vm.warp(second);
        vm.prank(author);
        policies.revokePolicy(terms);
        vm.warp(second + 1_000);
        uint64[3] memory times = [second, first, second];
        for (uint256 i = 0; i < 3; ++i) {
            (, uint64 revokedAt) = policies.accessEnd(terms, miners[i]);
            assertEq(revokedAt, times[i]);
        }
    }

    function test_aPolicyThatRanOutWasNotRevoked() public {
        _goto(terms.lastPeriod + 5);
        (, uint64 revokedAt) = policies.accessEnd(terms, miners[0]);
        assertEq(revokedAt, 0);
    }

    function test_accessEndKnowsOnlyWhatExists() public {
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyMinerUnknown.selector, id, bob));
        policies.accessEnd(terms, bob);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyMinerUnknown.selector, id, bob));
        policies.effectiveLastOf(terms, bob);
        terms.threshold = 2;
        bytes32 other = policies.policyId(terms);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyUnknown.selector, other));
        policies.accessEnd(terms, miners[0]);
    }

    // ---------------------------------------------------------------- refusals

    function testFuzz_onlyTheAuthor(address caller) public {
        vm.assume(caller != author);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyNotAuthor.selector, caller));
        policies.revokeArrangement(terms, miners[0]);
    }

    function test_onceAndNotAfterThePolicyAndNotOfAStranger() public {
        _revoke(miners[0]);
        vm.startPrank(author);
        vm.expectRevert(
            abi.encodeWithSelector(IPolicyManager.PolicyArrangementRevoked.selector, id, miners[0])
        );
        policies.revokeArrangement(terms, miners[0]);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyMinerUnknown.selector, id, bob));
        policies.revokeArrangement(terms, bob);
        policies.revokePolicy(terms);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyAlreadyRevoked.selector, id));
        policies.revokeArrangement(terms, miners[1]);
        terms.salt = bytes32(uint256(3));
        bytes32 other = policies.policyId(terms);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyUnknown.selector, other));
        policies.revokeArrangement(terms, miners[1]);
        vm.stopPrank();
    }

    function test_theOthersMustBeAbleToServeAnExtension() public {
        _revoke(miners[0]);
        vm.prank(miners[1]);
        escrow.unbond(MIN_LOCKED);
        vm.prank(author);
        vm.expectRevert(
            abi.encodeWithSelector(
                IStakingEscrow.EscrowMinerCannotServe.selector,
                miners[1],
                IStakingEscrow.Service.StakeTooSmall,
                RATE,
                terms.lastPeriod + 1
            )
        );
        policies.extendPolicy(terms, terms.lastPeriod + 1, new address[](0));
    }

    // ---------------------------------------------------------------- signatures

    function test_anyoneRelaysTheAuthorsSignatureThroughItsLastSecond() public {
        uint256 deadline = vm.getBlockTimestamp() + 100;
        bytes memory signature = _sign(_hash(id, miners[1], deadline, address(policies)));
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicySignatureExpired.selector, deadline));
        policies.revokeArrangementWithSignature(terms, miners[1], deadline, signature);
        vm.warp(deadline);
        vm.prank(bob);
        assertEq(
            policies.revokeArrangementWithSignature(terms, miners[1], deadline, signature),
            30 * uint256(RATE)
        );
        vm.expectRevert(
            abi.encodeWithSelector(IPolicyManager.PolicyArrangementRevoked.selector, id, miners[1])
        );
        policies.revokeArrangementWithSignature(terms, miners[1], deadline, signature);
    }

    function test_aSignatureIsForOneMinerPolicyContractChainAndDeadline() public {
        uint256 deadline = vm.getBlockTimestamp();
        bytes32 elsewhere = _hash(id, miners[1], deadline, address(escrow));
        vm.chainId(31_338);
        bytes32 otherChain = _hash(id, miners[1], deadline, address(policies));
        vm.chainId(31_337);
        bytes[6] memory bad = [
            _sign(_hash(id, miners[0], deadline, address(policies))),
            _sign(_hash(keccak256("another policy"), miners[1], deadline, address(policies))),
            _sign(_hash(id, miners[1], deadline + 1, address(policies))),
            _sign(elsewhere),
            _sign(otherChain),
            // A revocation of the whole policy is not one of an arrangement.
            _sign(
                _digest(
                    "KMS PolicyManager",
                    address(policies),
                    keccak256(
                        abi.encode(keccak256("Revocation(bytes32 policyId,uint256 deadline)"), id, deadline)
                    )
                )
            )
        ];
        for (uint256 i = 0; i < bad.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicySignatureInvalid.selector, author));
            policies.revokeArrangementWithSignature(terms, miners[1], deadline, bad[i]);
        }
        bytes memory good = _sign(_hash(id, miners[1], deadline, address(policies)));
        // Nor the other way round.
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicySignatureInvalid.selector, author));
        policies.revokePolicyWithSignature(terms, deadline, good);
        policies.revokeArrangementWithSignature(terms, miners[1], deadline, good);
    }

    function test_misshapenSignaturesRevert() public {
        uint256 deadline = vm.getBlockTimestamp();
        bytes[] memory bad = Misshapen.variantsOf(_sign(_hash(id, miners[1], deadline, address(policies))));
        for (uint256 i = 0; i < bad.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicySignatureInvalid.selector, author));
            policies.revokeArrangementWithSignature(terms, miners[1], deadline, bad[i]);
        }
    }

    function test_aContractAuthorSignsByERC1271() public {
        address wallet = makeAddr("wallet");
        vm.etch(wallet, hex"00");
        terms.author = wallet;
        id = _create(terms);
        uint256 deadline = vm.getBlockTimestamp();
        bytes memory question = abi.encodeCall(
            IERC1271.isValidSignature, (_hash(id, miners[0], deadline, address(policies)), hex"abcd")
        );
        bytes[3] memory refusals = [abi.encode(bytes4(0xffffffff)), abi.encode(bytes4(0)), bytes("")];
        for (uint256 i = 0; i < 3; ++i) {
            vm.mockCall(wallet, question, refusals[i]);
            vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicySignatureInvalid.selector, wallet));
            policies.revokeArrangementWithSignature(terms, miners[0], deadline, hex"abcd");
        }
        vm.mockCall(wallet, question, abi.encode(IERC1271.isValidSignature.selector));
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicySignatureInvalid.selector, wallet));
        policies.revokeArrangementWithSignature(terms, miners[1], deadline, hex"abcd");
        policies.revokeArrangementWithSignature(terms, miners[0], deadline, hex"abcd");
        assertEq(policies.effectiveLastOf(terms, miners[0]), _now());
    }
}
