// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IPeriodClock} from "./IPeriodClock.sol";
import {StakeWord} from "../libraries/StakeWord.sol";

/// @title Staking escrow
/// @notice Custody of the miners' KMS: one position per owner address, the worker bonded to it and the
/// node record that readers and authors need to reach it. It calls no other contract but the token.
/// Tokens leave to their owner after the lock, or by a conviction: only the Adjudicator convicts.
interface IStakingEscrow is IPeriodClock {
    /// @notice A miner's position. Amounts in units of 1e-18 KMS, times in periods.
    struct Position {
        /// Tokens that carry weight.
        uint96 locked;
        /// Lock duration T: periods from the next one on until a wind-down or an unbond ends.
        uint32 lockPeriods;
        /// First period in which a winding-down position is free; 0 while it does not wind down.
        uint32 unlockPeriod;
        /// Tokens of the one unbonding tranche; they carry no weight but stay in custody.
        uint96 unbonding;
        /// First period in which the tranche may be withdrawn; 0 when there is none.
        uint32 releasePeriod;
    }

    /// @notice Everything a client needs to choose and reach a miner.
    struct MinerInfo {
        address miner;
        address worker;
        Position position;
        /// Least rate the miner accepts, units of KMS per period.
        uint96 minRate;
        /// Base URL of the node, e.g. `https://node.example:8443`; empty until registered.
        string url;
        /// The node's Umbral public key, 33 bytes compressed; empty until registered.
        bytes umbralKey;
    }

    event Deposited(
        address indexed miner, address indexed payer, uint96 amount, uint96 locked, uint32 lockPeriods
    );
    event LockExtended(address indexed miner, uint32 lockPeriods);
    /// @param unlockPeriod 0 when the wind-down was switched off.
    event WindDownSet(address indexed miner, uint32 unlockPeriod);
    event Unbonded(
        address indexed miner, uint96 amount, uint96 locked, uint96 unbonding, uint32 releasePeriod
    );
    event Withdrawn(address indexed miner, address indexed recipient, uint96 amount, uint96 locked);
    /// @param seq gap-free number of the events of this contract that a node must not miss.
    /// @param worker zero when the worker was unbonded.
    event WorkerBonded(uint64 seq, address indexed miner, address indexed worker);
    event NodeRegistered(uint64 seq, address indexed miner, string url, bytes umbralKey);
    event MinRatePosted(uint64 seq, address indexed miner, uint96 minRate);
    /// @param penalty taken from the position: `reward` went to the reporter, the rest was burned.
    /// @param locked what is left locked.
    /// @param unbonding what is left in the tranche.
    event Slashed(
        uint64 seq,
        address indexed miner,
        uint96 penalty,
        address indexed reporter,
        uint96 reward,
        uint96 locked,
        uint96 unbonding
    );
    event RestakeSet(address indexed miner, bool enabled);
    /// @param throughPeriod last period without deposits; 0 when the pause was lifted.
    event DepositsPaused(uint32 throughPeriod);

    error EscrowAmountZero();
    error EscrowBelowMinimum(uint256 locked, uint256 minimum);
    error EscrowAmountTooLarge(uint256 amount);
    error EscrowLockTooShort(uint32 lockPeriods, uint32 minimum);
    error EscrowLockTooLong(uint32 lockPeriods, uint32 maximum);
    error EscrowNoPosition(address miner);
    error EscrowInsufficientLocked(uint256 amount, uint256 locked);
    error EscrowNothingToWithdraw(address miner, uint32 releasePeriod, uint32 currentPeriod);
    error EscrowAlreadyWindingDown(address miner);
    error EscrowNotWindingDown(address miner);
    error EscrowWorkerTaken(address worker, address miner);
    error EscrowWorkerTooSoon(uint32 allowedFrom, uint32 currentPeriod);
    error EscrowWorkerInvalid(address worker);
    error EscrowNotMinerOrWorker(address caller);
    error EscrowUrlInvalid(uint256 length);
    error EscrowUmbralKeyInvalid(uint256 length);
    error EscrowNotToken(address caller);
    error EscrowRecipientZero();
    /// @notice An allowance to move somebody's tokens is no consent to lock them.
    error EscrowOperatorNotOwner(address operator, address owner);
    error EscrowTransferFailed();
    /// @notice A miner of a policy cannot serve it: no stake, a lock that may end too early, or a rate
    /// below its posted minimum.
    error EscrowMinerCannotServe(address miner, uint96 rate, uint32 lastPeriod);
    error EscrowRatesMismatch(uint256 miners, uint256 rates);
    error EscrowPaused(uint32 throughPeriod);
    error EscrowNotAdjudicator(address caller);
    error EscrowNotRewards(address caller);
    error EscrowNotControl(address caller);
    /// @notice A penalty beyond what the position and its tranche hold.
    error EscrowInsufficientStake(uint256 penalty, uint256 stake);
    /// @notice A reporter's share must stay below half, or reporting oneself would lose too little.
    error EscrowRewardTooHigh(uint96 reward, uint96 penalty);
    /// @notice Thrown at construction: a party that is the zero address could never act.
    error EscrowAddressZero();

    function token() external view returns (address);
    /// @notice The one that credits restaked rewards.
    function rewards() external view returns (address);
    /// @notice The one that slashes.
    function adjudicator() external view returns (address);
    /// @notice The one that pauses deposits.
    function control() external view returns (address);
    function minLocked() external view returns (uint96);
    function minLockPeriods() external view returns (uint32);
    function maxLockPeriods() external view returns (uint32);
    /// @notice Periods a miner must keep a worker before it may bond another.
    function workerCooldown() external view returns (uint32);
    /// @notice Number of the last sequenced event; the first one carries 1.
    function lastSeq() external view returns (uint64);
    /// @notice Sum of all locked and all unbonding tokens.
    function totalLocked() external view returns (uint256);
    function totalUnbonding() external view returns (uint256);

    function position(address miner) external view returns (Position memory);
    function workerOf(address miner) external view returns (address);
    /// @notice The miner whose worker the address is now; zero when it is nobody's.
    function minerOf(address worker) external view returns (address);
    /// @notice The miner whose worker the address is or ever was; zero for never. A key once bonded
    /// answers for the same miner for good, so what a dismissed worker signed stays attributable.
    function minerOfSigner(address signer) external view returns (address);
    function minRateOf(address miner) external view returns (uint96);
    /// @notice What a relayed confirmation needs of a miner, in one call. The worker is zero when none is
    /// bonded. (Both names come early in the dispatch by selector, which every confirmation pays for.)
    function workerAndStakeOf(address miner) external view returns (address worker, StakeWord stake);
    /// @notice The same from the worker's side. The miner is zero, and so is the stake, when the address
    /// is nobody's worker.
    function minerAndStakeOf(address worker) external view returns (address miner, StakeWord stake);
    /// @notice What the Adjudicator needs of a miner: `locked + unbonding` is at risk. Convictions are
    /// counted up to 255.
    function stakeAtRisk(address miner)
        external
        view
        returns (address worker, uint96 locked, uint96 unbonding, uint32 convictions);
    /// @notice Whether the worker may restake the miner's rewards. The owner always may.
    function restakeEnabled(address miner) external view returns (bool);
    /// @notice Last period in which deposits are paused; in the past when they are not.
    function pausedThrough() external view returns (uint32);
    /// @notice How many miners ever registered a node.
    function registeredCount() external view returns (uint256);
    /// @notice A page of them in the order of their first registration; short or empty at the end.
    function registeredMiners(uint256 offset, uint256 limit) external view returns (MinerInfo[] memory);
    /// @notice One entry per address asked for, in the same order; zeros for strangers.
    function minerInfo(address[] calldata miners) external view returns (MinerInfo[] memory);
    /// @notice Reverts with EscrowMinerCannotServe unless every miner can serve at `rate` through
    /// `lastPeriod`. `miners` must be strictly ascending; PolicyManager checks that.
    function requireCanServe(address[] calldata miners, uint96 rate, uint32 lastPeriod) external view;
    /// @notice As requireCanServe with a rate per miner, and returns their workers. A rate of 2^96 - 1
    /// passes every posted minimum: the price was agreed otherwise.
    function requireCanServeEach(address[] calldata miners, uint96[] calldata rates, uint32 lastPeriod)
        external
        view
        returns (address[] memory workers);

    /// @notice Locks `amount` (allowance needed). First deposit sets the duration; a later one may
    /// lengthen it (`lockPeriods` >= the present one) and resets a wind-down.
    function deposit(uint96 amount, uint32 lockPeriods) external;
    /// @notice As deposit, with an ERC-2612 permit in the same transaction; a permit that somebody
    /// else already submitted does no harm.
    function depositWithPermit(
        uint96 amount,
        uint32 lockPeriods,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;
    // ERC-1363: `token.transferAndCall(escrow, amount, abi.encode(uint32 lockPeriods))` deposits too.
    function extendLock(uint32 lockPeriods) external;
    function setWindDown(bool enabled) external;
    /// @notice Moves `amount` of the locked tokens to the tranche; the rest must be 0 or >= minLocked.
    /// The tranche is released at max(its present release, currentPeriod + 1 + lockPeriods).
    function unbond(uint96 amount) external;
    /// @notice Pays everything that is free (released tranche, wound-down position) to `recipient`.
    function withdraw(address recipient) external returns (uint96 amount);
    /// @notice Bonds `worker` (zero unbonds). A worker serves one miner, now and later: once bonded it
    /// can only be bonded to the same miner again. It is an account without code and not itself a miner.
    function bondWorker(address worker) external;
    /// @notice Sets the node record. Owner or worker.
    function registerNode(string calldata url, bytes calldata umbralKey) external;
    /// @notice Sets the least accepted rate. Owner or worker.
    function setMinRate(uint96 minRate) external;
    /// @notice Lets the worker restake, or stops it. Owner only.
    function setRestake(bool enabled) external;

    /// @notice Takes `penalty` from the locked tokens, then from the tranche; pays `reward` of it to the
    /// reporter and burns the rest. Only the adjudicator.
    function slash(address miner, uint96 penalty, address reporter, uint96 reward) external;
    /// @notice Locks `amount` more, which has just been minted to this contract. Keeps lock and
    /// wind-down. Only the rewards.
    function creditRestake(address miner, uint96 amount) external;
    /// @notice Refuses deposits through `throughPeriod`; 0 admits them again. Only the control.
    function setPause(uint32 throughPeriod) external;
}
