// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "./base/KmsTest.sol";
import {IPolicyManager} from "../src/interfaces/IPolicyManager.sol";

/// @notice Nothing is behind a proxy: no storage layout can change under its data, nothing can be
/// initialised anew, and an address without code is never taken for a contract.
contract NoProxyTest is KmsTest {
    bytes1 private constant CALLCODE = 0xf2;
    bytes1 private constant DELEGATECALL = 0xf4;
    bytes1 private constant SELFDESTRUCT = 0xff;

    function _contracts() private view returns (address[8] memory) {
        return [
            address(token),
            address(control),
            address(timelock),
            adjudicator,
            challenges,
            address(escrow),
            address(rewards),
            address(policies)
        ];
    }

    /// @dev Occurrences of an instruction; the data of a PUSH is passed over.
    function _count(address where, bytes1 instruction) private view returns (uint256 count) {
        bytes memory code = where.code;
        for (uint256 i = 0; i < code.length; ++i) {
            if (code[i] == instruction) ++count;
            if (code[i] >= 0x60 && code[i] <= 0x7f) i += uint8(code[i]) - 0x5f;
        }
    }

    /// @dev Storage is laid out by the code it was made with, for good. Three contracts have multicall,
    /// which calls themselves.
    function test_noContractRunsForeignCodeOnItsStorage() public view {
        address[8] memory all = _contracts();
        for (uint256 i = 0; i < 8; ++i) {
            assertEq(_count(all[i], CALLCODE), 0);
            assertEq(_count(all[i], SELFDESTRUCT), 0);
            assertLe(_count(all[i], DELEGATECALL), i < 5 ? 0 : 1);
        }
    }

    /// @dev The same instruction runs in the contract's own code: what only others have is refused.
    function test_severalCallsRunOwnCodeOnly() public {
        bytes[] memory calls = new bytes[](1);
        calls[0] = abi.encodeCall(token.burn, (0));
        for (uint256 i = 5; i < 8; ++i) {
            (bool done,) = _contracts()[i].call(abi.encodeWithSignature("multicall(bytes[])", calls));
            assertFalse(done);
        }
    }

    function test_nothingIsInitialisedOrUpgraded() public {
        bytes[9] memory calls = [
            abi.encodeWithSignature("initialize()"),
            abi.encodeWithSignature("initialize(address)", bob),
            abi.encodeWithSignature("upgradeTo(address)", bob),
            abi.encodeWithSignature("upgradeToAndCall(address,bytes)", bob, ""),
            abi.encodeWithSignature("changeAdmin(address)", bob),
            abi.encodeWithSignature("upgrade(address)", bob),
            abi.encodeWithSignature("finishUpgrade(address)", bob),
            abi.encodeWithSignature("verifyState(address)", bob),
            abi.encodeWithSignature("rollback()")
        ];
        address[5] memory callers = [bob, guardian, proposer, address(timelock), address(this)];
        for (uint256 i = 0; i < 8; ++i) {
            for (uint256 k = 0; k < calls.length; ++k) {
                for (uint256 c = 0; c < callers.length; ++c) {
                    vm.prank(callers[c]);
                    (bool done,) = _contracts()[i].call(calls[k]);
                    assertFalse(done);
                }
            }
        }
    }

    function test_noContractIsBuiltOnAnAddressWithoutCode() public {
        address nobody = makeAddr("nobody");
        vm.expectRevert();
        _create("PolicyManager", abi.encode(nobody, address(escrow), address(rewards), control, MAX_POLICY));
        vm.expectRevert();
        _create("PolicyManager", abi.encode(token, nobody, address(rewards), control, MAX_POLICY));
        vm.expectRevert();
        _create("PolicyManager", abi.encode(token, address(escrow), nobody, control, MAX_POLICY));
        vm.expectRevert();
        _create("Adjudicator", abi.encode(nobody, GRACE_SECONDS));
        vm.expectRevert();
        _create("SilenceChallenges", abi.encode(nobody));
    }

    /// @dev A call to an address whose code is gone fails; it is not taken for success.
    function test_aDependencyWithoutCodeIsNoSuccess() public {
        (address[] memory miners, address[] memory workers) = _miners(2, 100);
        IPolicyManager.Terms memory terms = _terms(miners, 30);
        bytes32 id = _create(terms);
        _confirm(workers[0], _now() + 2);
        _skip(4);
        uint256 snapshot = vm.snapshotState();
        vm.etch(address(token), "");
        vm.expectRevert();
        policies.refund(terms);
        vm.startPrank(alice);
        vm.expectRevert();
        policies.revokePolicy(terms);
        vm.startPrank(miners[0]);
        vm.expectRevert();
        policies.collect(_one(terms), miners[0], _delivered(_one(terms), miners[0]));
        vm.expectRevert();
        rewards.claim(miners[0]);
        vm.stopPrank();
        vm.revertToState(snapshot);
        vm.etch(address(escrow), "");
        vm.prank(workers[0]);
        vm.expectRevert();
        rewards.confirmActivity(_now() + 1);
        terms.salt = bytes32(uint256(1));
        vm.prank(alice);
        vm.expectRevert();
        policies.createPolicy(terms, "");
        assertEq(policies.lastSeq(), 1);
        assertEq(policies.stateOf(id).refundedThrough, terms.firstPeriod - 1);
    }
}
