// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "../base/KmsTest.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";

/// @notice The memo of a creation: in the event, whatever way the policy is created, and nowhere else.
contract MemoTest is KmsTest {
    enum Way {
        Allowance,
        Permit,
        Batch,
        Quotes,
        Transfer
    }

    uint256 private constant LONGEST = 256;

    address[] private miners;
    IPolicyManager.Terms private terms;
    address private sponsor;
    uint256 private key;

    function setUp() public override {
        super.setUp();
        (miners,) = _miners(3, 100);
        (sponsor, key) = makeAddrAndKey("sponsor");
        terms = _terms(miners, 30);
        terms.sponsor = sponsor;
        _fund(sponsor, 1_000_000 ether);
        vm.prank(sponsor);
        token.approve(address(policies), type(uint256).max);
    }

    // ---------------------------------------------------------------- ways

    /// @dev The transaction, to be sent to `_target(way)`.
    function _call(Way way, bytes memory memo) private view returns (bytes memory) {
        uint256 price = policies.priceOf(terms);
        if (way == Way.Allowance) return abi.encodeCall(policies.createPolicy, (terms, memo));
        if (way == Way.Permit) {
            (uint8 v, bytes32 r, bytes32 s) =
                _signPermit(key, sponsor, address(policies), price, block.timestamp);
            return abi.encodeCall(policies.createPolicyWithPermit, (terms, memo, block.timestamp, v, r, s));
        }
        if (way == Way.Batch) {
            bytes[] memory memos = new bytes[](1);
            memos[0] = memo;
            return abi.encodeCall(policies.createPolicies, (_one(terms), memos));
        }
        if (way == Way.Quotes) {
            return
                abi.encodeCall(policies.createPolicyWithQuotes, (terms, memo, new IPolicyManager.Quote[](3)));
        }
        return abi.encodeWithSignature(
            "transferAndCall(address,uint256,bytes)",
            address(policies),
            price,
            abi.encodeCall(policies.createPolicy, (terms, memo))
        );
    }

    function _target(Way way) private view returns (address) {
        return way == Way.Transfer ? address(token) : address(policies);
    }

    function _emits(uint64 seq, Way way, bytes memory memo) private {
        // A permit sets the allowance to the price, which the creation uses up.
        vm.prank(sponsor);
        token.approve(address(policies), type(uint256).max);
        bytes memory data = _call(way, memo);
        bytes32 id = policies.policyId(terms);
        vm.expectEmit(address(policies));
        emit IPolicyManager.PolicyCreated(seq, id, terms.keysHash, alice, terms, memo);
        vm.prank(sponsor);
        (bool done,) = _target(way).call(data);
        assertTrue(done);
        assertTrue(policies.stateOf(id).exists);
    }

    /// @dev Bytes of another value for each length and place.
    function _memo(uint256 length) private pure returns (bytes memory memo) {
        memo = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            memo[i] = keccak256(abi.encode(length, i))[0];
        }
    }

    // ---------------------------------------------------------------- emitted

    function testFuzz_everyWayEmitsTheMemo(uint256 way, uint256 length) public {
        way = bound(way, 0, uint256(type(Way).max));
        _emits(1, Way(way), _memo(bound(length, 0, LONGEST)));
    }

    function test_everyWayEmitsTheLongestMemoAndNone() public {
        uint64 seq;
        for (uint256 way = 0; way <= uint256(type(Way).max); ++way) {
            for (uint256 length = 0; length <= LONGEST; length += LONGEST) {
                terms.salt = bytes32(uint256(++seq));
                _emits(seq, Way(way), _memo(length));
            }
        }
    }

    function test_eachOfABatchHasItsOwn() public {
        IPolicyManager.Terms[] memory list = new IPolicyManager.Terms[](3);
        bytes[] memory memos = new bytes[](3);
        for (uint256 i = 0; i < 3; ++i) {
            list[i] = terms;
            list[i].salt = bytes32(i);
            memos[i] = _memo(i * 128);
        }
        for (uint256 i = 0; i < 3; ++i) {
            bytes32 id = policies.policyId(list[i]);
            vm.expectEmit(address(policies));
            emit IPolicyManager.PolicyCreated(uint64(i + 1), id, terms.keysHash, alice, list[i], memos[i]);
        }
        vm.prank(sponsor);
        policies.createPolicies(list, memos);
    }

    // ---------------------------------------------------------------- refused

    function test_everyWayRefusesALongerMemo() public {
        uint256[3] memory lengths = [LONGEST + 1, LONGEST + 32, 4_096];
        for (uint256 way = 0; way <= uint256(type(Way).max); ++way) {
            for (uint256 i = 0; i < lengths.length; ++i) {
                bytes memory data = _call(Way(way), _memo(lengths[i]));
                vm.prank(sponsor);
                (bool done, bytes memory reason) = _target(Way(way)).call(data);
                assertFalse(done);
                assertEq(
                    reason, abi.encodeWithSelector(IPolicyManager.PolicyMemoTooLong.selector, lengths[i])
                );
            }
        }
        assertEq(token.balanceOf(address(policies)), 0);
        assertEq(policies.lastSeq(), 0);
    }

    function test_oneLongMemoRefusesTheBatch() public {
        IPolicyManager.Terms[] memory list = new IPolicyManager.Terms[](2);
        bytes[] memory memos = new bytes[](2);
        (list[0], list[1]) = (terms, terms);
        list[1].salt = bytes32(uint256(1));
        memos[1] = _memo(LONGEST + 1);
        vm.prank(sponsor);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyMemoTooLong.selector, LONGEST + 1));
        policies.createPolicies(list, memos);
        assertEq(policies.lastSeq(), 0);
    }

    function test_aBatchNeedsOneMemoForEachPolicy() public {
        IPolicyManager.Terms[] memory list = _one(terms);
        for (uint256 count = 0; count <= 2; count += 2) {
            vm.prank(sponsor);
            vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyMemosMismatch.selector, count, 1));
            policies.createPolicies(list, new bytes[](count));
        }
        vm.prank(sponsor);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyBatchInvalid.selector, 0, 256));
        policies.createPolicies(new IPolicyManager.Terms[](0), new bytes[](1));
    }

    function test_theDataOfATransferNeedsAMemo() public {
        uint256 price = policies.priceOf(terms);
        bytes memory whole = abi.encodeCall(policies.createPolicy, (terms, _memo(64)));
        bytes[4] memory data;
        data[0] = abi.encode(terms);
        data[1] = ""; // ERC-1363 without data
        data[2] = bytes.concat(abi.encode(uint256(0x40), type(uint256).max), abi.encode(terms));
        data[3] = whole;
        assembly ("memory-safe") {
            // The last word of the memo is cut off.
            mstore(mload(add(data, 0x60)), sub(mload(whole), 32))
        }
        for (uint256 i = 0; i < data.length; ++i) {
            vm.prank(sponsor);
            vm.expectRevert();
            token.transferAndCall(address(policies), price, data[i]);
        }
        assertEq(token.balanceOf(address(policies)), 0);
    }

    // ---------------------------------------------------------------- of no other effect

    function testFuzz_theMemoIsNotPartOfTheId(bytes32 one, bytes32 other) public {
        vm.assume(one != other);
        bytes32 id = policies.policyId(terms);
        vm.startPrank(sponsor);
        assertEq(policies.createPolicy(terms, abi.encode(one)), id);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyExists.selector, id));
        policies.createPolicy(terms, abi.encode(other));
        vm.stopPrank();
    }

    /// @dev Neither a slot more nor another value in one.
    function test_nothingOfTheMemoIsStored() public {
        uint256 snapshot = vm.snapshotState();
        bytes32 without = _writesOf("");
        vm.revertToState(snapshot);
        assertEq(_writesOf(_memo(LONGEST)), without);
    }

    function _writesOf(bytes memory memo) private returns (bytes32) {
        vm.record();
        vm.prank(sponsor);
        policies.createPolicy(terms, memo);
        (, bytes32[] memory slots) = vm.accesses(address(policies));
        bytes32[] memory values = new bytes32[](slots.length);
        for (uint256 i = 0; i < slots.length; ++i) {
            values[i] = vm.load(address(policies), slots[i]);
        }
        return keccak256(abi.encode(slots, values));
    }
}
