// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Vm} from "forge-std/Vm.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";

/// @notice The word of an author that a miner was given its kfrag. Calls no contract but the cheat codes.
library Deliveries {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @notice The word for a policy of `manager`, signed by `key`; empty for period 0.
    function signed(
        address manager,
        IPolicyManager.Terms memory terms,
        address miner,
        uint32 period,
        uint256 key
    ) internal view returns (IPolicyManager.Delivery memory delivery) {
        if (period == 0) return delivery;
        bytes32 id = keccak256(abi.encode(block.chainid, manager, terms));
        (bytes32 r, bytes32 vs) = vm.signCompact(key, digest(manager, id, miner, period));
        return IPolicyManager.Delivery(period, r, vs);
    }

    /// @notice What the author signs.
    function digest(address manager, bytes32 id, address miner, uint32 period)
        internal
        view
        returns (bytes32)
    {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("KMS PolicyManager"),
                keccak256("1"),
                block.chainid,
                manager
            )
        );
        bytes32 typeHash = keccak256("Delivery(bytes32 policyId,address miner,uint32 period)");
        bytes32 message = keccak256(abi.encode(typeHash, id, miner, period));
        return keccak256(abi.encodePacked(hex"1901", domain, message));
    }
}
