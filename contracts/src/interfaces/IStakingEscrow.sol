// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IPeriodClock} from "./IPeriodClock.sol";
import {StakeWord} from "../libraries/StakeWord.sol";

/// @title Staking escrow
/// @notice Custody of the miners' KMS tokens: one position per miner, the worker bonded to it, and the node
/// record by which authors and readers reach its node. Calls no contract but the token. Tokens leave to the
/// miner after the lock, or by a conviction, of which only the Adjudicator decides.
interface IStakingEscrow is IPeriodClock {
    /// @notice Whether a miner can serve a policy, or the first reason why not. A reason keeps its number.
    enum Service {
        Able,
        /// Less than minLocked is locked.
        StakeTooSmall,
        /// The tokens may leave before the policy is over.
        LockTooShort,
        /// The miner's posted rate is higher.
        RateTooLow,
        /// It was suspended and has not confirmed activity since.
        Suspended
    }

    /// @notice A miner's position. Amounts in units of 1e-18 KMS, times in periods.
    struct Position {
        /// Tokens from which the weight of a lease is computed.
        uint96 locked;
        /// Lock duration T: number of periods, from the next one on, that a wind-down or an unbond takes.
        uint32 lockPeriods;
        /// First period in which a position that winds down may be withdrawn; 0 while it does not.
        uint32 unlockPeriod;
        /// Tokens of the unbonding tranche: in custody and slashable, without weight in coming leases.
        uint96 unbonding;
        /// First period in which the tranche may be withdrawn; 0 while there is none.
        uint32 releasePeriod;
    }

    /// @notice What a client needs to choose and reach a miner.
    struct MinerInfo {
        address miner;
        address worker;
        Position position;
        /// Posted rate: least fee per period that the miner accepts, in units of 1e-18 KMS.
        uint96 minRate;
        /// Suspended, and no activity confirmed since: not accepted for policies.
        bool suspended;
        /// Base URL of the node, e.g. `https://node.example:8443`; empty until registered.
        string url;
    }

    /// @notice `amount` was locked in the position of `miner`.
    /// @param payer the miner, or MiningRewards for a restake.
    /// @param locked locked tokens of the position after the deposit.
    event Deposited(
        address indexed miner, address indexed payer, uint96 amount, uint96 locked, uint32 lockPeriods
    );
    /// @notice The lock duration of the position was raised to `lockPeriods`.
    event LockExtended(address indexed miner, uint32 lockPeriods);
    /// @notice A wind-down began or was taken back.
    /// @param unlockPeriod first period in which the position may be withdrawn; 0 if it was taken back.
    event WindDownSet(address indexed miner, uint32 unlockPeriod);
    /// @notice `amount` was moved from the locked tokens to the tranche.
    /// @param locked locked tokens that remain.
    /// @param unbonding tokens of the tranche, released in `releasePeriod`.
    event Unbonded(
        address indexed miner, uint96 amount, uint96 locked, uint96 unbonding, uint32 releasePeriod
    );
    /// @notice `amount` was paid out to `recipient`.
    /// @param locked locked tokens that remain.
    event Withdrawn(address indexed miner, address indexed recipient, uint96 amount, uint96 locked);
    /// @notice `worker` was bonded to `miner`; the worker before it is dismissed.
    /// @param seq sequence number, without gaps, over the events of this contract that a node must not miss.
    /// @param worker zero when the worker was unbonded.
    event WorkerBonded(uint64 seq, address indexed miner, address indexed worker);
    /// @notice The node record of `miner` was set.
    event NodeRegistered(uint64 seq, address indexed miner, string url);
    /// @notice The posted rate of `miner` was set.
    event MinRatePosted(uint64 seq, address indexed miner, uint96 minRate);
    /// @notice A judge took `penalty` from the position: `reward` of it was paid to the judge, which pays it
    /// on (see `MinerConvicted` and `ChallengeClosed`), the rest was burned.
    /// @param locked locked tokens that remain.
    /// @param unbonding tokens of the tranche that remain.
    event Slashed(
        uint64 seq,
        address indexed miner,
        uint96 penalty,
        address indexed challenger,
        uint96 reward,
        uint96 locked,
        uint96 unbonding
    );
    /// @notice The miner allowed its worker to restake rewards, or forbade it.
    event RestakeSet(address indexed miner, bool enabled);
    /// @notice Deposits were paused, or the pause was lifted.
    /// @param throughPeriod last period without deposits; 0 when the pause was lifted.
    event DepositsPaused(uint32 throughPeriod);

    error EscrowAmountZero();
    error EscrowBelowMinimum(uint256 locked, uint256 minimum);
    error EscrowLockTooShort(uint32 lockPeriods, uint32 minimum);
    error EscrowLockTooLong(uint32 lockPeriods, uint32 maximum);
    error EscrowNoPosition(address miner);
    error EscrowInsufficientLocked(uint256 amount, uint256 locked);
    error EscrowNothingToWithdraw(address miner, uint32 releasePeriod, uint32 currentPeriod);
    error EscrowAlreadyWindingDown(address miner);
    error EscrowNotWindingDown(address miner);
    /// @notice The key is or was a worker of `miner`. A dismissed key may have been stolen, so it is not
    /// bonded to its own miner again either.
    error EscrowWorkerTaken(address worker, address miner);
    error EscrowWorkerTooSoon(uint32 allowedFrom, uint32 currentPeriod);
    /// @notice The worker has a position of its own.
    error EscrowWorkerInvalid(address worker);
    /// @notice No worker is bonded to `miner`.
    error EscrowNoWorker(address miner);
    error EscrowConsentExpired(uint256 deadline);
    /// @notice The signature is not that of `worker` over its bond to `miner`, this contract and this chain.
    error EscrowConsentInvalid(address worker, address miner);
    error EscrowNotMinerOrWorker(address caller);
    error EscrowUrlInvalid(uint256 length);
    error EscrowNotToken(address caller);
    error EscrowRecipientZero();
    /// @notice An allowance to move somebody's tokens is no consent to lock them.
    error EscrowOperatorNotOwner(address operator, address owner);
    /// @notice The payment of `amount` does not come with a call of `deposit` over the same amount.
    error EscrowNoDeposit(address payer, uint256 amount);
    error EscrowTransferFailed();
    /// @notice A miner of a policy cannot serve it, for this reason.
    error EscrowMinerCannotServe(address miner, Service reason, uint96 rate, uint32 lastPeriod);
    error EscrowRatesMismatch(uint256 miners, uint256 rates);
    error EscrowPaused(uint32 throughPeriod);
    error EscrowNotJudge(address caller);
    error EscrowNotRewards(address caller);
    error EscrowNotControl(address caller);
    /// @notice The penalty exceeds the locked and unbonding tokens together.
    error EscrowInsufficientStake(uint256 penalty, uint256 stake);
    /// @notice The challenger's reward is not below half of the penalty, so that accusing oneself could pay.
    error EscrowRewardTooHigh(uint96 reward, uint96 penalty);
    /// @notice Thrown at construction when the rewards, the adjudicator or the control is the zero address.
    error EscrowAddressZero();

    function token() external view returns (address);
    /// @notice The MiningRewards, which credits restaked rewards.
    function rewards() external view returns (address);
    /// @notice The Adjudicator, which slashes.
    function adjudicator() external view returns (address);
    /// @notice The SilenceChallenges, which slashes what silence costs.
    function challenges() external view returns (address);
    /// @notice The Control, which pauses deposits.
    function control() external view returns (address);
    /// @notice Least locked tokens of a position, in units of 1e-18 KMS.
    function minLocked() external view returns (uint96);
    function minLockPeriods() external view returns (uint32);
    function maxLockPeriods() external view returns (uint32);
    /// @notice Number of periods that a miner must keep a worker before it may bond another.
    function workerCooldown() external view returns (uint32);
    /// @notice The E of this deployment: for how many periods evidence counts after the period it is of, a
    /// dismissed worker's word after the period of its dismissal, and for how many the stake stays in custody
    /// after the last period that a policy pays for. Longer than the longest pause and the longest window of
    /// a challenge together, which the constructor of Control checks.
    function evidencePeriods() external view returns (uint32);
    /// @notice Sequence number of the last event that has one; the first is 1.
    function lastSeq() external view returns (uint64);
    /// @notice Sum of the locked tokens of all positions.
    function totalLocked() external view returns (uint256);
    /// @notice Sum of the unbonding tokens of all positions.
    function totalUnbonding() external view returns (uint256);

    /// @notice The position of `miner`; all zeros if there is none.
    function position(address miner) external view returns (Position memory);
    /// @notice The worker bonded to `miner`; zero if there is none.
    function workerOf(address miner) external view returns (address);
    /// @notice The miner that `worker` is bonded to; zero if there is none.
    function minerOf(address worker) external view returns (address);
    /// @notice The miner for which a message of `signer` counts that is about a policy with this first
    /// period; zero if there is none. A worker binds its miner under every policy; once dismissed, under
    /// those that began in the period of its dismissal or before, for which it may have signed, for
    /// evidencePeriods more; then for nobody. Whoever gets hold of a retired key cannot make a policy to use
    /// it with.
    function minerOfSigner(address signer, uint32 firstPeriod) external view returns (address);
    /// @notice Posted rate of `miner`.
    function minRateOf(address miner) external view returns (uint96);
    /// @notice Worker and stake of `miner`, for a relayed confirmation. The worker is zero when none is
    /// bonded.
    /// @dev Name chosen for an early place in the dispatch by selector, which every confirmation pays for.
    function workerAndStakeOf(address miner) external view returns (address worker, StakeWord stake);
    /// @notice Miner of `worker`, and its stake, for a confirmation. Both are zero when it is bonded to none.
    /// @dev Name chosen like that of workerAndStakeOf.
    function minerAndStakeOf(address worker) external view returns (address miner, StakeWord stake);
    /// @notice All of `miner` that a conviction may take from: `locked + unbonding`.
    function stakeAtRisk(address miner) external view returns (uint96 locked, uint96 unbonding);
    /// @notice Whether the worker may restake the miner's rewards; the miner itself always may.
    function restakeEnabled(address miner) external view returns (bool);
    /// @notice Last period without deposits; past when there is no pause.
    function pausedThrough() external view returns (uint32);
    /// @notice Number of miners that ever registered a node.
    function registeredCount() external view returns (uint256);
    /// @notice Page of the miners that ever registered a node, in the order of their first registration;
    /// shorter than `limit` at the end.
    function registeredMiners(uint256 offset, uint256 limit) external view returns (MinerInfo[] memory);
    /// @notice One entry for each of `miners`, in their order; all zeros but the address for an unknown one.
    function minerInfo(address[] calldata miners) external view returns (MinerInfo[] memory);
    /// @notice Whether `miner` could serve a policy of this rate that is created or extended now: it has
    /// minLocked at least, locked beyond `lastPeriod`
    /// + evidencePeriods, a posted rate of at most `rate`, and is not suspended.
    function canServe(address miner, uint96 rate, uint32 lastPeriod) external view returns (Service);
    /// @notice Reverts with EscrowMinerCannotServe unless canServe tells that each of `miners` is able.
    function requireCanServe(address[] calldata miners, uint96 rate, uint32 lastPeriod) external view;
    /// @notice Requires the same as requireCanServe with a rate per miner, and returns their workers. A rate
    /// of 2^96 - 1 accepts any posted rate, for a miner that agreed to its rate by a quote.
    function requireCanServeEach(address[] calldata miners, uint96[] calldata rates, uint32 lastPeriod)
        external
        view
        returns (address[] memory workers);

    /// @notice Locks `amount` of the caller's tokens (allowance needed). The first deposit sets the lock
    /// duration; a later one may raise it, never lower it, and takes a wind-down back.
    function deposit(uint96 amount, uint32 lockPeriods) external;
    /// @notice Deposits with an ERC-2612 permit in the same transaction. A permit that was front-run does not
    /// make it fail.
    function depositWithPermit(
        uint96 amount,
        uint32 lockPeriods,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;
    // ERC-1363: token.transferAndCall(escrow, amount, abi.encodeCall(deposit, (amount, lockPeriods)))
    // deposits too.
    /// @notice Raises the lock duration of the caller's position and takes a wind-down back.
    function extendLock(uint32 lockPeriods) external;
    /// @notice Begins the wind-down of the caller's position, or takes it back. The position is free, as a
    /// whole, from period currentPeriod + 1 + lockPeriods on.
    function setWindDown(bool enabled) external;
    /// @notice Moves `amount` of the caller's locked tokens to the tranche; the rest must be 0 or >=
    /// minLocked. The tranche is released in period max(present releasePeriod, currentPeriod + 1 +
    /// lockPeriods).
    function unbond(uint96 amount) external;
    /// @notice Pays the caller's released tranche and wound-down position to `recipient`.
    function withdraw(address recipient) external returns (uint96 amount);
    /// @notice Bonds `worker` to the caller by the worker's EIP-712 signature (domain "KMS StakingEscrow",
    /// "1"), type WorkerConsent(address worker,address miner,uint256 deadline), through the second
    /// `deadline`; the present worker is dismissed. A worker has no position of its own, and is bonded once:
    /// a key that was dismissed is never bonded again, to nobody. Reverts with EscrowNoPosition,
    /// EscrowWorkerTaken, EscrowWorkerInvalid, EscrowWorkerTooSoon, EscrowConsentExpired,
    /// EscrowConsentInvalid.
    function bondWorker(address worker, uint256 deadline, bytes calldata consent) external;
    /// @notice Dismisses the caller's worker (EscrowNoWorker if there is none). Always allowed.
    function unbondWorker() external;
    /// @notice Sets the node record. Callable by the miner and its worker.
    function registerNode(string calldata url) external;
    /// @notice Sets the posted rate. Callable by the miner and its worker.
    function setMinRate(uint96 minRate) external;
    /// @notice Allows the caller's worker to restake rewards, or forbids it.
    function setRestake(bool enabled) external;

    /// @notice Takes `penalty` from the locked tokens, then from the tranche; pays `reward` of it to
    /// `challenger`, the judge itself, and burns the rest. Callable by Adjudicator and SilenceChallenges
    /// only.
    function slash(address miner, uint96 penalty, address challenger, uint96 reward) external;
    /// @notice Locks `amount` more tokens, just minted to this contract, in the miner's position. Lock
    /// duration and wind-down stay. Callable by MiningRewards only.
    function creditRestake(address miner, uint96 amount) external;
    /// @notice Notes that the miner was suspended, or confirmed for the first time since: in between it is
    /// not accepted for policies. Callable by MiningRewards only.
    function setSuspended(address miner, bool suspended) external;
    /// @notice Pauses deposits through `throughPeriod`; 0 lifts the pause. Callable by Control only.
    function setPause(uint32 throughPeriod) external;
}
