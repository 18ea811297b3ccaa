// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Period clock
/// @notice Numbers chain time in periods of equal length. Period 1 starts at `genesisTime`; 0 stands for
/// "never". All contracts of a deployment have the same genesis and period length.
interface IPeriodClock {
    /// @notice Thrown at construction when the period length is 0.
    error ClockPeriodZero();

    /// @notice Thrown at construction before genesis: it would be period 0, which stands for "never".
    error ClockGenesisInFuture(uint64 genesisTime, uint256 blockTime);

    /// @notice Start of period 1, in seconds of Unix time.
    function genesisTime() external view returns (uint64);

    /// @notice Length of a period, in seconds, > 0.
    function periodSeconds() external view returns (uint32);

    /// @notice The current period: `(block.timestamp - genesisTime) / periodSeconds + 1`, rounded down and
    /// saturated at 2^32 - 1, so that the clock neither wraps nor blocks an exit.
    function currentPeriod() external view returns (uint32);
}
