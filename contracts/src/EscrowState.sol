// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {PeriodClock} from "./PeriodClock.sol";
import {IKMSToken} from "./interfaces/IKMSToken.sol";
import {IStakingEscrow} from "./interfaces/IStakingEscrow.sol";

/// @title Escrow state
/// @notice The positions, workers and node records, and the questions about them. StakingEscrow is the
/// one that writes.
abstract contract EscrowState is PeriodClock, IStakingEscrow {
    // ---------------------------------------------------------------- types

    /// @notice Constructor parameters.
    struct Params {
        address token;
        uint64 genesisTime;
        uint32 periodSeconds;
        uint96 minLocked;
        uint32 minLockPeriods;
        uint32 maxLockPeriods;
        uint32 workerCooldown;
    }

    struct Stake {
        // Slot 0: all that requireCanServe reads.
        uint96 locked; // 0 or >= minLocked
        uint32 lockPeriods; // 0 while locked is 0, else minLockPeriods..=maxLockPeriods
        uint32 unlockPeriod; // 0 unless winding down
        uint96 minRate;
        // Slot 1.
        uint96 unbonding;
        uint32 releasePeriod; // 0 while unbonding is 0
        // Slot 2.
        address worker; // _minerOf[worker] is this miner
        uint32 workerAllowedFrom; // first period in which another worker may be bonded
    }

    struct NodeRecord {
        string url;
        bytes umbralKey;
    }

    /// @notice One slot: every operation writes it once.
    struct Totals {
        uint96 locked; // sum of Stake.locked
        uint96 unbonding; // sum of Stake.unbonding
        uint64 seq; // number of the last sequenced event
    }

    // ---------------------------------------------------------------- immutables

    IKMSToken internal immutable _token;
    /// @inheritdoc IStakingEscrow
    uint96 public immutable override minLocked;
    /// @inheritdoc IStakingEscrow
    uint32 public immutable override minLockPeriods;
    /// @inheritdoc IStakingEscrow
    uint32 public immutable override maxLockPeriods;
    /// @inheritdoc IStakingEscrow
    uint32 public immutable override workerCooldown;

    // ---------------------------------------------------------------- storage

    Totals internal _totals;
    mapping(address miner => Stake) internal _stakes;
    mapping(address worker => address miner) internal _minerOf;
    mapping(address miner => NodeRecord) internal _nodes;

    // ---------------------------------------------------------------- constructor

    /// @dev `params.token` must be a KMSToken: that it has code and a 96-bit cap is not checked here,
    /// the constructor of MiningRewards does.
    constructor(Params memory params) PeriodClock(params.genesisTime, params.periodSeconds) {
        require(params.minLocked > 0, EscrowAmountZero());
        require(params.minLockPeriods > 0, EscrowLockTooShort(params.minLockPeriods, 1));
        require(
            params.minLockPeriods <= params.maxLockPeriods,
            EscrowLockTooLong(params.minLockPeriods, params.maxLockPeriods)
        );
        _token = IKMSToken(params.token);
        minLocked = params.minLocked;
        minLockPeriods = params.minLockPeriods;
        maxLockPeriods = params.maxLockPeriods;
        workerCooldown = params.workerCooldown;
    }

    // ---------------------------------------------------------------- view

    /// @inheritdoc IStakingEscrow
    function token() external view override returns (address) {
        return address(_token);
    }

    /// @inheritdoc IStakingEscrow
    function lastSeq() external view override returns (uint64) {
        return _totals.seq;
    }

    /// @inheritdoc IStakingEscrow
    function totalLocked() external view override returns (uint256) {
        return _totals.locked;
    }

    /// @inheritdoc IStakingEscrow
    function totalUnbonding() external view override returns (uint256) {
        return _totals.unbonding;
    }

    /// @inheritdoc IStakingEscrow
    function position(address miner) public view override returns (Position memory) {
        Stake storage stake = _stakes[miner];
        return Position({
            locked: stake.locked,
            lockPeriods: stake.lockPeriods,
            unlockPeriod: stake.unlockPeriod,
            unbonding: stake.unbonding,
            releasePeriod: stake.releasePeriod
        });
    }

    /// @inheritdoc IStakingEscrow
    function workerOf(address miner) external view override returns (address) {
        return _stakes[miner].worker;
    }

    /// @inheritdoc IStakingEscrow
    function minerOf(address worker) external view override returns (address) {
        return _minerOf[worker];
    }

    /// @inheritdoc IStakingEscrow
    function minRateOf(address miner) external view override returns (uint96) {
        return _stakes[miner].minRate;
    }

    /// @inheritdoc IStakingEscrow
    function stakeOfMiner(address miner) external view override returns (address, uint96, uint32, uint32) {
        Stake storage stake = _stakes[miner];
        return (stake.worker, stake.locked, stake.lockPeriods, stake.unlockPeriod);
    }

    /// @inheritdoc IStakingEscrow
    function stakeOfWorker(address worker) external view override returns (address, uint96, uint32, uint32) {
        address miner = _minerOf[worker];
        Stake storage stake = _stakes[miner];
        return (miner, stake.locked, stake.lockPeriods, stake.unlockPeriod);
    }

    /// @inheritdoc IStakingEscrow
    function minerInfo(address[] calldata miners) external view override returns (MinerInfo[] memory infos) {
        infos = new MinerInfo[](miners.length);
        for (uint256 i = 0; i < miners.length; ++i) {
            address miner = miners[i];
            infos[i] = MinerInfo({
                miner: miner,
                worker: _stakes[miner].worker,
                position: position(miner),
                minRate: _stakes[miner].minRate,
                url: _nodes[miner].url,
                umbralKey: _nodes[miner].umbralKey
            });
        }
    }

    /// @inheritdoc IStakingEscrow
    function requireCanServe(address[] calldata miners, uint96 rate, uint32 lastPeriod)
        external
        view
        override
    {
        uint256 current = currentPeriod();
        for (uint256 i = 0; i < miners.length; ++i) {
            Stake storage stake = _stakes[miners[i]];
            uint256 unlockPeriod = stake.unlockPeriod;
            // An unbond now is released in current + 1 + lockPeriods, which must lie after lastPeriod.
            bool outlasts =
                unlockPeriod == 0 ? current + stake.lockPeriods >= lastPeriod : unlockPeriod > lastPeriod;
            require(
                outlasts && stake.locked >= minLocked && stake.minRate <= rate,
                EscrowMinerCannotServe(miners[i], rate, lastPeriod)
            );
        }
    }
}
