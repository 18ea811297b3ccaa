// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @notice The emission rules told the simplest way: a table of periods and miners, walked in full.
/// No leases, no differences, no index. Sums are kept unrounded, 96 bits below the unit.
contract NaiveModel {
    uint256 public reserve;
    uint256 public emitted;
    uint256 public booked;
    /// @notice What the schedule alone would allow: the sum of floor(reserve * decay) over active periods.
    uint256 public scheduled;
    uint256 private immutable decay;
    uint256 private immutable warmUp;
    address[] private miners;
    mapping(address miner => mapping(uint256 period => uint256)) public lockedIn;
    mapping(address miner => mapping(uint256 period => uint256)) public weightIn;
    /// @notice Sum of weight * dA over all booked periods, times 2^96.
    mapping(address miner => uint256) public earnedX96;
    /// @notice How often the contract may have rounded this miner's reward down.
    mapping(address miner => uint256) public cuts;

    constructor(
        uint256 reserve_,
        uint64 decay_,
        uint256 warmUp_,
        uint256 booked_,
        address[] memory miners_
    ) {
        (reserve, decay, warmUp, booked, miners) = (reserve_, decay_, warmUp_, booked_, miners_);
    }

    function confirm(address miner, uint256 current, uint256 through, uint256 locked, uint256 weight)
        external
    {
        for (uint256 p = current + 1; p <= through; ++p) {
            lockedIn[miner][p] = locked;
            weightIn[miner][p] = weight;
        }
        cuts[miner] += 2;
    }

    /// @dev The coming periods of a lease, which are the ones right after the current one, are taken away.
    function suspend(address miner, uint256 current) external {
        for (uint256 p = current + 1; lockedIn[miner][p] != 0; ++p) {
            lockedIn[miner][p] = 0;
            weightIn[miner][p] = 0;
        }
        cuts[miner] += 2;
    }

    function returned(uint256 amount) external {
        reserve += amount;
    }

    function claimed(address miner) external {
        cuts[miner] += 2;
    }

    /// @notice Books every period before `current`.
    function bookUntil(uint256 current) external {
        while (booked + 1 < current) {
            _book(++booked);
        }
    }

    function _book(uint256 period) private {
        (uint256 weight, uint256 locked) = totals(period);
        if (locked == 0) return;
        uint256 emission = reserve * decay / 2 ** 64;
        scheduled += emission;
        // The part of the emission that a token earns: one of all those locked, or of the threshold's.
        uint256 perUnit = emission * 2 ** 96 / (locked < warmUp ? warmUp : locked);
        uint256 share = weight * perUnit;
        uint256 whole = share / 2 ** 96;
        if (share % 2 ** 96 != 0) ++whole;
        reserve -= whole;
        emitted += whole;
        for (uint256 i = 0; i < miners.length; ++i) {
            earnedX96[miners[i]] += weightIn[miners[i]][period] * perUnit;
        }
    }

    function totals(uint256 period) public view returns (uint256 weight, uint256 locked) {
        for (uint256 i = 0; i < miners.length; ++i) {
            weight += weightIn[miners[i]][period];
            locked += lockedIn[miners[i]][period];
        }
    }

    function activeIn(address miner, uint256 first, uint256 last) external view returns (uint256 count) {
        for (uint256 p = first; p <= last; ++p) {
            if (lockedIn[miner][p] > 0) ++count;
        }
    }
}
