// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";
import {KmsTest} from "./base/KmsTest.sol";

/// @notice Every contract that checks signatures tells its EIP-712 domain (EIP-5267).
contract DomainsTest is KmsTest {
    function _tells(address verifying, string memory name) private view {
        (
            bytes1 fields,
            string memory name_,
            string memory version,
            uint256 chainId,
            address verifying_,
            bytes32 salt,
            uint256[] memory extensions
        ) = IERC5267(verifying).eip712Domain();
        assertEq(fields, hex"0f");
        assertEq(name_, name);
        assertEq(version, "1");
        assertEq(chainId, block.chainid);
        assertEq(verifying_, verifying);
        assertEq(salt, 0);
        assertEq(extensions.length, 0);
    }

    function test_everyDomainIsTold() public {
        for (uint256 i = 0; i < 2; ++i) {
            _tells(address(token), "KMS");
            _tells(address(escrow), "KMS StakingEscrow");
            _tells(address(rewards), "KMS MiningRewards");
            _tells(address(policies), "KMS PolicyManager");
            _tells(adjudicator, "KMS Adjudicator");
            _tells(challenges, "KMS SilenceChallenges");
            // It follows the chain through a fork.
            vm.chainId(31_338);
        }
    }

    /// @dev Control and timelock check no signature.
    function test_othersHaveNone() public {
        vm.expectRevert();
        IERC5267(address(control)).eip712Domain();
        vm.expectRevert();
        IERC5267(address(timelock)).eip712Domain();
    }
}
