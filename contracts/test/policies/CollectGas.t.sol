// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {console} from "forge-std/console.sol";
import {KmsTest} from "../base/KmsTest.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";

/// @notice Costs of collections from many policies, and with many policies on the miner, each call in a
/// transaction of its own.
/// forge-config: default.isolate = true
contract CollectGasTest is KmsTest {
    function _transact(address from, address to, bytes memory data) private returns (uint256) {
        vm.prank(from);
        (bool ok,) = to.call(data);
        require(ok, "transaction failed");
        return vm.lastCallGas().gasTotalUsed;
    }

    function test_collectMany() public {
        (address[] memory miners, address[] memory workers) = _miners(3, 400);
        IPolicyManager.Terms[] memory list = new IPolicyManager.Terms[](20);
        for (uint256 i = 0; i < 20; ++i) {
            list[i] = _terms(miners, 30);
            list[i].salt = bytes32(i);
            _create(list[i]);
        }
        _confirm(workers[0], _now() + LEASE);
        _skip(LEASE);
        rewards.roll();
        _fund(miners[0], 1);
        bytes memory data = abi.encodeCall(policies.collect, (list, miners[0], _delivered(list, miners[0])));
        uint256 first = _transact(miners[0], address(policies), data);
        _confirm(workers[0], _now() + LEASE);
        _skip(LEASE);
        rewards.roll();
        data = abi.encodeCall(policies.collect, (list, miners[0], new IPolicyManager.Delivery[](0)));
        uint256 gas = _transact(miners[0], address(policies), data);
        console.log("collect 20 policies", gas, "per further policy", (gas - 62_000) / 19);
        console.log("the first time, with 20 proofs", first, "per further policy", (first - 69_000) / 19);
        assertLe(gas, 62_000 + 19 * 20_000);
        assertLe(first, gas + 20 * 7_000);
    }

    /// @dev Nobody can make a miner's fees dear to collect by showering it with policies of one unit.
    function test_tenThousandPoliciesOfOthersCostTheirMinerNothing() public {
        (address[] memory miners, address[] memory workers) = _miners(3, 400);
        IPolicyManager.Terms memory terms = _terms(miners, 30);
        _create(terms);
        _confirm(workers[0], _now() + LEASE);
        _skip(5);
        rewards.roll();
        _fund(miners[0], 1);
        bytes memory data =
            abi.encodeCall(policies.collect, (_one(terms), miners[0], _delivered(_one(terms), miners[0])));
        uint256 snapshot = vm.snapshotState();
        uint256 few = _transact(miners[0], address(policies), data);
        vm.revertToState(snapshot);
        _shower(miners[0]);
        uint256 many = _transact(miners[0], address(policies), data);
        console.log("collect with 1 / 10,001 policies on the miner", few, many);
        assertApproxEqRel(many, few, 0.05e18);
    }

    function _shower(address miner) private {
        IPolicyManager.Terms[] memory list = new IPolicyManager.Terms[](100);
        _fund(bob, 10_000);
        vm.startPrank(bob);
        token.approve(address(policies), 10_000);
        for (uint256 round = 0; round < 100; ++round) {
            for (uint256 i = 0; i < 100; ++i) {
                list[i] = _terms(new address[](1), 1);
                list[i].miners[0] = miner;
                (list[i].author, list[i].sponsor, list[i].rate) = (bob, bob, 1);
                list[i].salt = bytes32(100 * round + i);
            }
            policies.createPolicies(list, new bytes[](list.length));
        }
        vm.stopPrank();
        assertEq(policies.lastSeq(), 10_001);
    }
}
