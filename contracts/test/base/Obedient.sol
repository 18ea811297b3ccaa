// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IControlled} from "../../src/interfaces/IControl.sol";

/// @notice Stands where a judge would: names its control, and the tests act in its name.
contract Obedient is IControlled {
    address public immutable override control;

    constructor(address control_) {
        control = control_;
    }
}
