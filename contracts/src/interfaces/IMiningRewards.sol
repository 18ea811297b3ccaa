// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IPeriodClock} from "./IPeriodClock.sol";
import {IStakingEscrow} from "./IStakingEscrow.sol";

/// @title Mining rewards
/// @notice Activity leases and the falling emission. In period p the miners active in p share
/// `R_p = floor(reserve_p * decay / 2^64)` in proportion to their locked tokens:
/// reward_i = locked_i * R_p / sum(locked), in the fixed-point form of the library RewardMath. While less
/// than `warmUpLocked` is locked, they share locked / warmUpLocked of R_p; the rest stays in the reserve.
interface IMiningRewards is IPeriodClock {
    /// @notice Activity confirmation that the worker signs and anyone relays: EIP-712, domain "KMS
    /// MiningRewards", "1", type ActivityConfirmation(address miner,uint32 throughPeriod,uint32 validPeriod)
    struct SignedConfirmation {
        address miner;
        /// Last period of the lease.
        uint32 throughPeriod;
        /// Only period in which the confirmation may be submitted.
        uint32 validPeriod;
        /// 65 bytes r || s || v, low s, v 27 or 28.
        bytes signature;
    }

    /// @notice Run of activity: a longest range first..=last of periods in which the miner was active.
    struct ActivityRun {
        uint32 first;
        uint32 last;
    }

    /// @notice What the contracts say of a miner at present.
    struct MinerStatus {
        /// Stake, worker, posted rate and node, from the escrow.
        IStakingEscrow.MinerInfo info;
        uint32 currentPeriod;
        /// As leaseOf.
        uint32 leasedThrough;
        uint96 weight;
        /// As suspendedThrough.
        uint32 suspendedThrough;
        /// As claimable.
        uint256 claimable;
    }

    /// @notice A worker leased the periods fromPeriod..=throughPeriod for its miner.
    /// @param fromPeriod the next period, the first whose weight this confirmation sets.
    /// @param weight weight v_i in those periods; equals `locked` when kappa is off.
    /// @param locked locked tokens that the weight is computed from.
    event ActivityConfirmed(
        address indexed miner, uint32 fromPeriod, uint32 throughPeriod, uint96 weight, uint96 locked
    );
    /// @notice `amount` was minted to `recipient` for completed periods of `miner`.
    event RewardClaimed(address indexed miner, address indexed recipient, uint256 amount);
    /// @notice A judge ended the miner's lease, if there was one, with `endPeriod`, the current one.
    /// @param throughPeriod last period of the suspension, in which confirmations are refused.
    event MinerSuspended(address indexed miner, uint32 endPeriod, uint32 throughPeriod);
    /// @notice Tokens that a judge burned were added to the reserve.
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
    /// @notice Supply, reserve and pool would exceed the cap: more would return than was burned.
    error RewardsCapExceeded(uint256 total, uint256 cap);
    error RewardsNothingToClaim(address miner);
    error RewardsRecipientZero();
    error RewardsPeriodNotComplete(uint32 period, uint32 currentPeriod);
    error RewardsPeriodNotBegun(uint32 period, uint32 currentPeriod);
    // Thrown at construction only:
    error RewardsLeaseZero();
    error RewardsAddressZero();
    error RewardsTokenMismatch(address token, address escrowToken);
    error RewardsNotTokenMinter(address minter);
    error RewardsHalfLifeInvalid(uint64 halfLifeSeconds, uint32 periodSeconds);
    error RewardsKappaPeriodsZero();
    error RewardsWarmUpAboveCap(uint96 warmUpLocked, uint256 cap);

    function token() external view returns (address);
    function escrow() external view returns (address);
    /// @notice The Adjudicator, which may suspend miners and return burned tokens to the reserve.
    function adjudicator() external view returns (address);
    /// @notice The SilenceChallenges, which may suspend miners.
    function challenges() external view returns (address);
    /// @notice Longest lease, L, in periods.
    function maxLeasePeriods() external view returns (uint32);
    /// @notice Threshold of the warm-up: locked tokens of active miners from which the whole emission of a
    /// period is emitted; below it, in proportion. 0: no warm-up.
    function warmUpLocked() external view returns (uint96);
    /// @notice Time in which the reserve halves if at least warmUpLocked, and somebody, is active in every
    /// period.
    function halfLifeSeconds() external view returns (uint64);
    /// @notice Emission of a period as a share of the reserve, times 2^64:
    /// floor(2^64 * (1 - 2^(-periodSeconds / halfLifeSeconds))), computed by RewardMath.decayOf.
    function decay() external view returns (uint64);
    /// @notice Whether the weight is the locked tokens times kappa = (T1 + min(T, T1)) / (2 T1), with T the
    /// lock duration, or what is left of it in a wind-down, and T1 = kappaPeriods.
    function kappaEnabled() external view returns (bool);
    /// @notice T1: lock duration from which kappa is 1, in periods.
    function kappaPeriods() external view returns (uint32);
    /// @notice Tokens not yet emitted, after the emission of all completed periods, booked or not.
    function reserve() external view returns (uint256);
    /// @notice Tokens emitted and not yet minted, after the emission of all completed periods: the sum of
    /// what can be claimed, and what rounding left.
    function pool() external view returns (uint256);
    /// @notice Last period whose emission is booked in storage. All other views compute as if the books were
    /// rolled over all completed periods.
    function lastRolledPeriod() external view returns (uint32);

    /// @notice Sums of the weights and of the locked tokens of the miners active in a period that has begun.
    function periodTotals(uint32 period) external view returns (uint256 weight, uint256 locked);
    /// @notice periodTotals of `count` periods from `first` on, up to the current one at most.
    function periodTotalsPage(uint32 first, uint32 count)
        external
        view
        returns (uint256[] memory weights, uint256[] memory locked);
    /// @notice Last leased period and weight of the miner's latest lease. Zeros for a miner that never
    /// confirmed, and from a suspension to the next confirmation, even while the current period is active.
    function leaseOf(address miner) external view returns (uint32 throughPeriod, uint96 weight);
    /// @notice All that the contracts say of `miner`, at once; all zeros but the address for an unknown one.
    function minerStatus(address miner) external view returns (MinerStatus memory);
    /// @notice Reward of completed periods that `claim` would mint now.
    function claimable(address miner) external view returns (uint256);
    /// @notice Number of periods in first..=last in which the miner was active; `last` must be complete.
    function activePeriods(address miner, uint32 first, uint32 last) external view returns (uint32);
    /// @notice Sum of activePeriods over `miners`.
    function sumActivePeriods(address[] calldata miners, uint32 first, uint32 last)
        external
        view
        returns (uint256);
    /// @notice Whether the miner is active in `period`, which may be a coming one of its lease.
    function isActive(address miner, uint32 period) external view returns (bool);

    /// @notice Page of the miner's runs of activity, oldest first; the last one may still grow.
    function activityRuns(address miner, uint256 offset, uint256 limit)
        external
        view
        returns (ActivityRun[] memory);
    /// @notice Last period of the miner's suspension, in which confirmations are refused; past once it is
    /// over. 0 if the miner was not suspended since its last confirmation.
    function suspendedThrough(address miner) external view returns (uint32);

    /// @notice Leases the periods currentPeriod + 1 ..= throughPeriod. Callable by a bonded worker only.
    function confirmActivity(uint32 throughPeriod) external;
    /// @notice Leases by signed confirmations, which anyone may relay. Passes over an entry that is stale,
    /// not signed by the worker, refused or already in force; reverts when none is accepted.
    function confirmActivityBatch(SignedConfirmation[] calldata confirmations)
        external
        returns (uint256 confirmed);
    /// @notice Mints the claimable reward of `miner` to `miner`. Callable by the miner and its worker.
    function claim(address miner) external returns (uint256 amount);
    /// @notice Mints the claimable reward of the caller, a miner, to `recipient`.
    function claimTo(address recipient) external returns (uint256 amount);
    /// @notice Claims the reward and locks it in the miner's position. Callable by the miner, and by its
    /// worker while escrow.restakeEnabled(miner).
    function restake(address miner) external returns (uint256 amount);
    /// @notice Rolls the books: books the emission of every completed period. Callable by anyone.
    function roll() external;

    /// @notice Ends the miner's lease with the current period, which stays as it is, and refuses its
    /// confirmations in the current and the next `periods` periods, at most 64. A second suspension may
    /// extend the first, never shorten it. Callable by Adjudicator and SilenceChallenges only.
    function suspend(address miner, uint32 periods) external;
    /// @notice Adds `amount`, burned by a judge, to the reserve. Callable by Adjudicator and
    /// SilenceChallenges only.
    function returnToReserve(uint96 amount) external;
}
