// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IPeriodClock} from "./interfaces/IPeriodClock.sol";

/// @title Period clock
/// @notice Turns `block.timestamp` into period numbers. Genesis and length are fixed at construction.
abstract contract PeriodClock is IPeriodClock {
    // ---------------------------------------------------------------- immutables

    /// @inheritdoc IPeriodClock
    uint64 public immutable override genesisTime;
    /// @inheritdoc IPeriodClock
    uint32 public immutable override periodSeconds;

    // ---------------------------------------------------------------- constructor

    constructor(uint64 genesisTime_, uint32 periodSeconds_) {
        require(periodSeconds_ > 0, ClockPeriodZero());
        require(genesisTime_ <= block.timestamp, ClockGenesisInFuture(genesisTime_, block.timestamp));
        genesisTime = genesisTime_;
        periodSeconds = periodSeconds_;
    }

    // ---------------------------------------------------------------- view

    /// @inheritdoc IPeriodClock
    function currentPeriod() public view override returns (uint32) {
        uint256 period;
        // The constructor proved genesisTime <= block.timestamp and time does not go back;
        // the length is not 0; the quotient of two 64-bit times is far below 2^256 - 1.
        unchecked {
            period = (block.timestamp - genesisTime) / periodSeconds + 1;
        }
        return period > type(uint32).max ? type(uint32).max : uint32(period);
    }

    // ---------------------------------------------------------------- internal

    /// @notice First second of which something still counts in the current period, when it does so through
    /// the `periods`-th one after its own.
    function _oldest(uint32 periods) internal view returns (uint256) {
        uint256 current = currentPeriod();
        return current > periods ? genesisTime + (current - periods - 1) * periodSeconds : genesisTime;
    }

    /// @notice First period in which a lock that starts after `period` and lasts `periods` is over:
    /// period + 1 + periods, saturated at 2^32 - 1.
    function _firstAfter(uint32 period, uint32 periods) internal pure returns (uint32) {
        uint256 first = uint256(period) + 1 + periods;
        return first > type(uint32).max ? type(uint32).max : uint32(first);
    }
}
