// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Vm} from "forge-std/Vm.sol";

/// @notice Base of the proofs. `check_` functions run under halmos, once for all inputs; `forge test`
/// passes them over.
abstract contract SymbolicTest {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    function assume(bool condition) internal pure {
        VM.assume(condition);
    }
}
