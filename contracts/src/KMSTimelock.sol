// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

/// @title KMS timelock
/// @notice The owner of Control: whatever it does was announced at least `minimumDelay` before. There is
/// no administrator beside it; roles and delay change through the timelock itself, and the delay
/// never falls below that of the deployment.
contract KMSTimelock is TimelockController {
    // ---------------------------------------------------------------- immutables

    /// @notice Shortest delay there can ever be, in seconds.
    uint256 public immutable minimumDelay;

    /// @notice Thrown at construction: an owner that acts at once is no timelock.
    error TimelockDelayZero();

    // ---------------------------------------------------------------- constructor

    /// @param proposers may announce and cancel.
    /// @param executors may carry out what has waited long enough; the zero address stands for anyone.
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
