// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IPeriodClock} from "./IPeriodClock.sol";

/// @title Mining rewards
/// @notice Activity leases and the falling emission. In period p the miners active in p share
/// `R_p = floor(reserve_p * decay / 2^64)` in proportion to their locked tokens:
/// reward_i = locked_i * R_p / sum(locked), in the fixed-point form of the library RewardMath.
interface IMiningRewards is IPeriodClock {
    /// @notice A relayed confirmation, signed by the worker (EIP-712, domain "KMS MiningRewards", "1").
    /// Type: ActivityConfirmation(address miner,uint32 throughPeriod,uint32 validPeriod)
    struct SignedConfirmation {
        address miner;
        /// Last period of the lease.
        uint32 throughPeriod;
        /// The period in which the confirmation may be submitted.
        uint32 validPeriod;
        /// 65 bytes r || s || v, low s, v 27 or 28.
        bytes signature;
    }

    /// @notice A run of activity: active in every period of first..=last.
    struct ActivityRun {
        uint32 first;
        uint32 last;
    }

    /// @param fromPeriod first period whose weight this confirmation sets (the next one).
    /// @param weight the weight v_i in those periods (= locked when kappa is off).
    /// @param locked the locked tokens the weight was computed from.
    event ActivityConfirmed(
        address indexed miner, uint32 fromPeriod, uint32 throughPeriod, uint96 weight, uint96 locked
    );
    event RewardClaimed(address indexed miner, address indexed recipient, uint256 amount);
    /// @notice The miner's lease ends with the current period.
    /// @param throughPeriod last period in which its confirmations are refused.
    event MinerSuspended(address indexed miner, uint32 throughPeriod);
    /// @notice Tokens burned by a conviction are to be emitted anew.
    event ReserveReturned(uint96 amount);

    error RewardsNotWorker(address caller);
    error RewardsNotMinerOrWorker(address caller);
    error RewardsNothingLocked(address miner);
    error RewardsLeaseTooLong(uint32 throughPeriod, uint32 maximum);
    error RewardsLeaseInPast(uint32 throughPeriod, uint32 currentPeriod);
    error RewardsLeaseNotExtended(address miner, uint32 throughPeriod, uint32 leasedThrough);
    error RewardsBeyondUnlock(uint32 throughPeriod, uint32 unlockPeriod);
    error RewardsSuspended(address miner, uint32 throughPeriod);
    error RewardsNothingConfirmed();
    error RewardsNotJudge(address caller);
    error RewardsSuspensionTooLong(uint32 periods, uint32 maximum);
    /// @notice More would return to the reserve than was burned.
    error RewardsCapExceeded(uint256 total, uint256 cap);
    error RewardsNothingToClaim(address miner);
    error RewardsRecipientZero();
    error RewardsPeriodNotComplete(uint32 period, uint32 currentPeriod);
    error RewardsPeriodNotBegun(uint32 period, uint32 currentPeriod);
    // Thrown at construction only.
    error RewardsLeaseZero();
    error RewardsAddressZero();
    error RewardsTokenMismatch(address token, address escrowToken);
    error RewardsNotTokenMinter(address minter);
    error RewardsHalfLifeInvalid(uint64 halfLifeSeconds, uint32 periodSeconds);
    error RewardsKappaPeriodsZero();

    function token() external view returns (address);
    function escrow() external view returns (address);
    /// @notice May suspend a miner and return burned tokens to the reserve.
    function adjudicator() external view returns (address);
    /// @notice SilenceChallenges: may suspend a miner.
    function challenges() external view returns (address);
    /// @notice Longest lease L, in periods.
    function maxLeasePeriods() external view returns (uint32);
    /// @notice Time in which the reserve halves while somebody is active in every period.
    function halfLifeSeconds() external view returns (uint64);
    /// @notice floor(2^64 * (1 - 2^(-periodSeconds / halfLifeSeconds))), as RewardMath derives it.
    function decay() external view returns (uint64);
    /// @notice True when kappa = (T1 + min(T, T1)) / (2 T1) scales the weight.
    function kappaEnabled() external view returns (bool);
    function kappaPeriods() external view returns (uint32);
    /// @notice Tokens not yet emitted, after all completed periods, booked already or not.
    function reserve() external view returns (uint256);
    /// @notice Tokens emitted but not yet minted to anyone, after all completed periods: what can still
    /// be claimed, and the dust of rounding.
    function pool() external view returns (uint256);
    /// @notice Last period whose emission is booked in storage. Every other view works as if all
    /// completed periods were.
    function lastRolledPeriod() external view returns (uint32);

    /// @notice Total weight and locked of a period, known once the period has begun.
    function periodTotals(uint32 period) external view returns (uint256 weight, uint256 locked);
    /// @notice The same for `count` periods from `first` on; cut off after the current one.
    function periodTotalsPage(uint32 first, uint32 count)
        external
        view
        returns (uint256[] memory weights, uint256[] memory locked);
    /// @notice Current lease: last leased period and the weight. Zeros for none, and for a suspended
    /// miner, which may still be active in the current period.
    function leaseOf(address miner) external view returns (uint32 throughPeriod, uint96 weight);
    /// @notice Reward that `claim` would mint now, for completed periods only.
    function claimable(address miner) external view returns (uint256);
    /// @notice How many periods in [first, last] the miner was active; `last` must be complete.
    function activePeriods(address miner, uint32 first, uint32 last) external view returns (uint32);
    /// @notice Sum of activePeriods over `miners`, in one call.
    function sumActivePeriods(address[] calldata miners, uint32 first, uint32 last)
        external
        view
        returns (uint256);
    function isActive(address miner, uint32 period) external view returns (bool);

    /// @notice A page of the miner's runs of activity, oldest first, with the open one at the end.
    function activityRuns(address miner, uint256 offset, uint256 limit)
        external
        view
        returns (ActivityRun[] memory);
    /// @notice Last period in which confirmations of a suspended miner are refused, in the past once that
    /// is over; 0 if it was never suspended or has confirmed since.
    function suspendedThrough(address miner) external view returns (uint32);

    /// @notice Leases the periods currentPeriod + 1 ..= throughPeriod. Only the bonded worker.
    function confirmActivity(uint32 throughPeriod) external;
    /// @notice Relayed: anyone may submit. An entry that is stale, not signed by the worker, not allowed
    /// or already in force is passed over; reverts when none is left.
    function confirmActivityBatch(SignedConfirmation[] calldata confirmations)
        external
        returns (uint256 confirmed);
    /// @notice Mints the claimable reward of `miner` to `miner`. The miner or its worker.
    function claim(address miner) external returns (uint256 amount);
    /// @notice As claim for the caller's own position, to another recipient: the owner's word only.
    function claimTo(address recipient) external returns (uint256 amount);
    /// @notice As claim, and locks the reward in the miner's own position. The miner; its worker too
    /// while escrow.restakeEnabled(miner).
    function restake(address miner) external returns (uint256 amount);
    /// @notice Books all emission due up to now. Anyone.
    function roll() external;

    /// @notice Ends the miner's lease with the current period, which stays as it is, and refuses its
    /// confirmations in the current and the next `periods` periods (at most 64). A second suspension
    /// may extend the first, never shorten it. Only the adjudicator and the challenges.
    function suspend(address miner, uint32 periods) external;
    /// @notice Adds `amount`, burned by a conviction, to the reserve. Only the adjudicator.
    function returnToReserve(uint96 amount) external;
}
