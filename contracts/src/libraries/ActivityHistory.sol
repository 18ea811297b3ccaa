// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Activity history
/// @notice The closed runs of a miner's activity, oldest first. A run is a longest range of periods in which
/// the miner was active without a gap, kept as {start, end, cumulative}: active in start..=end, `cumulative`
/// active periods in this and all earlier runs. Runs neither touch nor overlap. One run takes 96 bits, so a
/// slot holds two. The open run, which may still grow, is kept in the LeaseWord.
library ActivityHistory {
    /// @dev start in bits 64..96, end in 32..64, cumulative in 0..32.
    type Run is uint96;

    struct History {
        Run[] runs;
    }

    /// @notice Appends a run. The caller provides ascending runs and the cumulative count.
    function push(History storage self, uint32 start, uint32 end, uint32 cumulative) internal {
        self.runs.push(Run.wrap((uint96(start) << 64) | (uint96(end) << 32) | cumulative));
    }

    /// @notice Counts the active periods up to and including `period` in the closed runs, in O(log runs).
    function countThrough(History storage self, uint32 period) internal view returns (uint32) {
        uint256 low = 0;
        uint256 high = self.runs.length;
        // Binary search for the number of runs that start at or before `period`.
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (_start(self.runs[middle]) <= period) low = middle + 1;
            else high = middle;
        }
        if (low == 0) return 0;
        uint96 word = Run.unwrap(self.runs[low - 1]);
        uint32 end = uint32(word >> 32);
        uint32 cumulative = uint32(word);
        // The run has end - start + 1 periods and `period` >= start, so the difference is not negative.
        return end > period ? cumulative - (end - period) : cumulative;
    }

    /// @notice Number of closed runs.
    function count(History storage self) internal view returns (uint256) {
        return self.runs.length;
    }

    /// @notice First and last period of the closed run at `index`.
    function runAt(History storage self, uint256 index) internal view returns (uint32 first, uint32 last) {
        uint96 word = Run.unwrap(self.runs[index]);
        return (uint32(word >> 64), uint32(word >> 32));
    }

    function _start(Run run) private pure returns (uint32) {
        return uint32(Run.unwrap(run) >> 64);
    }
}
