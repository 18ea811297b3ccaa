// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Test} from "forge-std/Test.sol";
import {VmSafe} from "forge-std/Vm.sol";

/// @notice Deploys what is shipped: tests are compiled without the optimizer, which takes seconds instead of
/// minutes, while the contracts under test are the optimized ones of foundry.toml's first profile.
abstract contract Shipped is Test {
    /// @dev Where the profile under test writes its artifacts, for runs with another one than the first.
    string private constant OUT = "KMS_FORGE_OUT";

    /// @dev Creates the contract `name` of the file `name`.sol with the constructor's encoded `arguments`.
    /// A coverage run has compiled, and counts, only its own instrumented build.
    function _create(string memory name, bytes memory arguments) internal returns (address payable) {
        string memory file = string.concat(name, ".sol");
        if (vm.isContext(VmSafe.ForgeContext.Coverage)) {
            return payable(vm.deployCode(string.concat(file, ":", name), arguments));
        }
        string memory folder = string.concat(vm.envOr(OUT, string("out")), "/", file, "/");
        return payable(vm.deployCode(string.concat(folder, name, ".json"), arguments));
    }

    /// @dev Bytes from..to of `text`.
    function _slice(bytes memory text, uint256 from, uint256 to) internal pure returns (bytes memory part) {
        part = new bytes(to - from);
        for (uint256 i = from; i < to; ++i) {
            part[i - from] = text[i];
        }
    }
}
