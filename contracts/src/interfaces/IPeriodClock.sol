// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Period clock
/// @notice Numbers chain time in periods of equal length. Period 1 starts at `genesisTime`; 0 means
/// "never". Every contract of a deployment shares one genesis and one length.
interface IPeriodClock {
    /// @notice Thrown at construction when periods would have no length.
    error ClockPeriodZero();

    /// @notice Thrown at construction when period 1 would not have begun yet: period 0 means "never",
    /// so no contract may exist in it.
    error ClockGenesisInFuture(uint64 genesisTime, uint256 blockTime);

    /// @notice Start of period 1, in seconds since the Unix epoch.
    function genesisTime() external view returns (uint64);

    /// @notice Length of a period, in seconds, > 0.
    function periodSeconds() external view returns (uint32);

    /// @notice `(block.timestamp - genesisTime) / periodSeconds + 1`, rounded down; it stays at
    /// 2^32 - 1 from there on, so that no clock reading can wrap or block an exit.
    function currentPeriod() external view returns (uint32);
}
