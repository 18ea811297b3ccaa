// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {PeriodClock} from "./PeriodClock.sol";
import {IKMSToken} from "./interfaces/IKMSToken.sol";
import {IStakingEscrow} from "./interfaces/IStakingEscrow.sol";
import {StakeWord, stakeWord} from "./libraries/StakeWord.sol";

/// @title Escrow state
/// @notice Keeps positions, workers and node records, and holds the views over them. StakingEscrow writes
/// them.
abstract contract EscrowState is PeriodClock, IStakingEscrow {
    // ---------------------------------------------------------------- types

    /// @notice Parameters of the constructor.
    struct Params {
        address token;
        uint64 genesisTime;
        uint32 periodSeconds;
        uint96 minLocked;
        uint32 minLockPeriods;
        uint32 maxLockPeriods;
        uint32 workerCooldown;
        uint32 evidencePeriods;
        // Predicted addresses of the contracts that are deployed later.
        address rewards;
        address adjudicator;
        address challenges;
        address control;
    }

    /// @notice Position, posted rate and worker of a miner, in three slots.
    struct Stake {
        // Slot 0: all that requireCanServe reads, and all that most convictions write.
        uint96 locked; // 0 or >= minLocked, unless a conviction took the rest
        uint24 lockPeriods; // 0 while locked is 0, else minLockPeriods..=maxLockPeriods
        uint32 unlockPeriod; // 0 unless winding down
        uint96 minRate;
        bool suspended; // from a suspension to the next confirmation
        // Slot 1.
        uint96 unbonding;
        uint32 releasePeriod; // 0 while unbonding is 0
        // Slot 2.
        address worker; // its entry in _bonds is this miner, retiredIn 0
        uint32 workerAllowedFrom; // first period in which another worker may be bonded
        bool restake; // the worker may restake
    }

    /// @notice The miner that a worker is or was bonded to, in one slot, written at the bonding and at the
    /// dismissal and never again.
    struct Bond {
        address miner; // zero for a key that never was a worker
        uint32 retiredIn; // period of its dismissal; 0 while it is the worker
    }

    /// @notice Sums over all positions and sequence number, in one slot.
    struct Totals {
        uint96 locked; // sum of Stake.locked
        uint96 unbonding; // sum of Stake.unbonding
        uint64 seq; // sequence number of the last event that has one
    }

    // ---------------------------------------------------------------- immutables

    IKMSToken internal immutable _token;
    /// @inheritdoc IStakingEscrow
    address public immutable override rewards;
    /// @inheritdoc IStakingEscrow
    address public immutable override adjudicator;
    /// @inheritdoc IStakingEscrow
    address public immutable override challenges;
    /// @inheritdoc IStakingEscrow
    address public immutable override control;
    /// @inheritdoc IStakingEscrow
    uint96 public immutable override minLocked;
    /// @inheritdoc IStakingEscrow
    uint32 public immutable override minLockPeriods;
    /// @inheritdoc IStakingEscrow
    uint32 public immutable override maxLockPeriods;
    /// @inheritdoc IStakingEscrow
    uint32 public immutable override workerCooldown;
    /// @inheritdoc IStakingEscrow
    uint32 public immutable override evidencePeriods;

    // ---------------------------------------------------------------- storage

    Totals internal _totals;
    /// @dev Last period without deposits.
    uint32 internal _pausedThrough;
    mapping(address miner => Stake) internal _stakes;
    mapping(address worker => Bond) internal _bonds;
    /// @dev Base URL of each miner's node.
    mapping(address miner => string) internal _urls;
    /// @dev Miners that ever registered a node, each once.
    address[] internal _registered;

    // ---------------------------------------------------------------- constructor

    /// @dev `params.token` must be a KMSToken: the constructor of MiningRewards checks that it has code and a
    /// 96-bit cap. The constructor of Control, the last contract of a deployment, checks that the later
    /// contracts name this one.
    constructor(Params memory params) PeriodClock(params.genesisTime, params.periodSeconds) {
        require(params.minLocked > 0, EscrowAmountZero());
        require(params.minLockPeriods > 0, EscrowLockTooShort(params.minLockPeriods, 1));
        require(
            params.minLockPeriods <= params.maxLockPeriods,
            EscrowLockTooLong(params.minLockPeriods, params.maxLockPeriods)
        );
        // Stake.lockPeriods has 24 bits: 46,000 years of days, or half a year of seconds.
        uint32 longest = type(uint24).max;
        require(params.maxLockPeriods <= longest, EscrowLockTooLong(params.maxLockPeriods, longest));
        require(
            params.rewards != address(0) && params.adjudicator != address(0)
                && params.challenges != address(0) && params.control != address(0),
            EscrowAddressZero()
        );
        _token = IKMSToken(params.token);
        rewards = params.rewards;
        adjudicator = params.adjudicator;
        challenges = params.challenges;
        control = params.control;
        minLocked = params.minLocked;
        minLockPeriods = params.minLockPeriods;
        maxLockPeriods = params.maxLockPeriods;
        workerCooldown = params.workerCooldown;
        evidencePeriods = params.evidencePeriods;
    }

    // ---------------------------------------------------------------- internal

    /// @dev The miner that `worker` is bonded to at present; zero if there is none.
    function _minerOf(address worker) internal view returns (address) {
        Bond storage bond = _bonds[worker];
        return bond.retiredIn == 0 ? bond.miner : address(0);
    }

    function _stakeWordOf(address miner) private view returns (StakeWord) {
        Stake storage stake = _stakes[miner];
        return stakeWord(stake.locked, stake.lockPeriods, stake.unlockPeriod);
    }

    function _infoOf(address miner) private view returns (MinerInfo memory) {
        Stake storage stake = _stakes[miner];
        return MinerInfo({
            miner: miner,
            worker: stake.worker,
            position: position(miner),
            minRate: stake.minRate,
            suspended: stake.suspended,
            url: _urls[miner]
        });
    }

    /// @dev Whether `miner` can serve now, and if not, the first of the reasons.
    function _serviceOf(address miner, uint256 current, uint96 rate, uint32 lastPeriod)
        private
        view
        returns (Service)
    {
        Stake storage stake = _stakes[miner];
        uint256 unlockPeriod = stake.unlockPeriod;
        // An offence in lastPeriod counts for so long. An unbond now is released in current + 1
        // + lockPeriods, which must lie after it.
        uint256 custody = uint256(lastPeriod) + evidencePeriods;
        bool outlasts = unlockPeriod == 0 ? current + stake.lockPeriods >= custody : unlockPeriod > custody;
        if (stake.locked < minLocked) return Service.StakeTooSmall;
        if (!outlasts) return Service.LockTooShort;
        if (stake.minRate > rate) return Service.RateTooLow;
        return stake.suspended ? Service.Suspended : Service.Able;
    }

    function _requireServes(address miner, uint256 current, uint96 rate, uint32 lastPeriod) private view {
        Service service = _serviceOf(miner, current, rate, lastPeriod);
        require(service == Service.Able, EscrowMinerCannotServe(miner, service, rate, lastPeriod));
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
        return _minerOf(worker);
    }

    /// @inheritdoc IStakingEscrow
    function minerOfSigner(address signer, uint32 firstPeriod) external view override returns (address) {
        Bond memory bond = _bonds[signer];
        uint256 counts = uint256(bond.retiredIn) + evidencePeriods;
        bool binds = bond.retiredIn == 0 || (firstPeriod <= bond.retiredIn && currentPeriod() <= counts);
        return binds ? bond.miner : address(0);
    }

    /// @inheritdoc IStakingEscrow
    function restakeEnabled(address miner) external view override returns (bool) {
        return _stakes[miner].restake;
    }

    /// @inheritdoc IStakingEscrow
    function pausedThrough() external view override returns (uint32) {
        return _pausedThrough;
    }

    /// @inheritdoc IStakingEscrow
    function stakeAtRisk(address miner) external view override returns (uint96, uint96) {
        Stake storage stake = _stakes[miner];
        return (stake.locked, stake.unbonding);
    }

    /// @inheritdoc IStakingEscrow
    function minRateOf(address miner) external view override returns (uint96) {
        return _stakes[miner].minRate;
    }

    /// @inheritdoc IStakingEscrow
    function workerAndStakeOf(address miner) external view override returns (address, StakeWord) {
        return (_stakes[miner].worker, _stakeWordOf(miner));
    }

    /// @inheritdoc IStakingEscrow
    function minerAndStakeOf(address worker) external view override returns (address miner, StakeWord) {
        miner = _minerOf(worker);
        return (miner, _stakeWordOf(miner));
    }

    /// @inheritdoc IStakingEscrow
    function minerInfo(address[] calldata miners) external view override returns (MinerInfo[] memory infos) {
        infos = new MinerInfo[](miners.length);
        for (uint256 i = 0; i < miners.length; ++i) {
            infos[i] = _infoOf(miners[i]);
        }
    }

    /// @inheritdoc IStakingEscrow
    function registeredCount() external view override returns (uint256) {
        return _registered.length;
    }

    /// @inheritdoc IStakingEscrow
    function registeredMiners(uint256 offset, uint256 limit)
        external
        view
        override
        returns (MinerInfo[] memory infos)
    {
        uint256 total = _registered.length;
        uint256 left = offset < total ? total - offset : 0;
        infos = new MinerInfo[](limit < left ? limit : left);
        for (uint256 i = 0; i < infos.length; ++i) {
            infos[i] = _infoOf(_registered[offset + i]);
        }
    }

    /// @inheritdoc IStakingEscrow
    function canServe(address miner, uint96 rate, uint32 lastPeriod)
        external
        view
        override
        returns (Service)
    {
        return _serviceOf(miner, currentPeriod(), rate, lastPeriod);
    }

    /// @inheritdoc IStakingEscrow
    function requireCanServe(address[] calldata miners, uint96 rate, uint32 lastPeriod)
        external
        view
        override
    {
        uint256 current = currentPeriod();
        for (uint256 i = 0; i < miners.length; ++i) {
            _requireServes(miners[i], current, rate, lastPeriod);
        }
    }

    /// @inheritdoc IStakingEscrow
    function requireCanServeEach(address[] calldata miners, uint96[] calldata rates, uint32 lastPeriod)
        external
        view
        override
        returns (address[] memory workers)
    {
        require(miners.length == rates.length, EscrowRatesMismatch(miners.length, rates.length));
        uint256 current = currentPeriod();
        workers = new address[](miners.length);
        for (uint256 i = 0; i < miners.length; ++i) {
            _requireServes(miners[i], current, rates[i], lastPeriod);
            workers[i] = _stakes[miners[i]].worker;
        }
    }
}
