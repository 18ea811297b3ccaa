// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

/// @title KMS timelock
/// @notice Owner of Control: an operation is carried out at least `minimumDelay` after it was announced.
/// There is no administrator; roles and delay change by operations of the timelock itself, and the delay
/// never falls below `minimumDelay`.
contract KMSTimelock is TimelockController {
    // ---------------------------------------------------------------- immutables

    /// @notice Lower bound of the delay, in seconds; also the delay at construction.
    uint256 public immutable minimumDelay;

    /// @notice Thrown at construction when the delay is 0.
    error TimelockDelayZero();

    // ---------------------------------------------------------------- constructor

    /// @param proposers may announce and cancel operations.
    /// @param executors may carry out operations after the delay; the zero address stands for anyone.
    constructor(uint256 minimumDelay_, address[] memory proposers, address[] memory executors)
        TimelockController(minimumDelay_, proposers, executors, address(0))
    {
        require(minimumDelay_ > 0, TimelockDelayZero());
        minimumDelay = minimumDelay_;
    }

    // ---------------------------------------------------------------- view

    /// @inheritdoc TimelockController
    function getMinDelay() public view override returns (uint256) {
        uint256 delay = super.getMinDelay();
        return delay > minimumDelay ? delay : minimumDelay;
    }
}
