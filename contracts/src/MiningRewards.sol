// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";
import {EmissionBooks} from "./EmissionBooks.sol";
import {LeaseLedger} from "./LeaseLedger.sol";
import {LeaseViews} from "./LeaseViews.sol";
import {PeriodClock} from "./PeriodClock.sol";
import {IKMSToken} from "./interfaces/IKMSToken.sol";
import {IMiningRewards} from "./interfaces/IMiningRewards.sol";
import {IPeriodClock} from "./interfaces/IPeriodClock.sol";
import {IStakingEscrow} from "./interfaces/IStakingEscrow.sol";
import {RewardMath} from "./libraries/RewardMath.sol";
import {StakeWord} from "./libraries/StakeWord.sol";

/// @title Mining rewards
/// @notice Implements IMiningRewards. The contract holds no tokens: a claim mints them.
///
/// A lease keeps its weight until the next confirmation, even when tokens are unbonded meanwhile. That is
/// safe because those tokens stay in the escrow's custody for longer: tokens unbonded or wound down in
/// period c are free in c + 1 + lockPeriods at the earliest, a lease confirmed up to c ends in c + L at the
/// latest, and the constructor requires minLockPeriods >= L.
contract MiningRewards is LeaseViews, EIP712, Multicall {
    // ---------------------------------------------------------------- types

    /// @notice Parameters of the constructor.
    struct Params {
        address token;
        address escrow;
        uint32 maxLeasePeriods;
        uint64 halfLifeSeconds;
        bool kappaEnabled;
        uint32 kappaPeriods;
        uint96 warmUpLocked;
        // Predicted addresses of the contracts that are deployed later.
        address adjudicator;
        address challenges;
    }

    // ---------------------------------------------------------------- immutables

    bytes32 private constant CONFIRMATION_TYPEHASH =
        keccak256("ActivityConfirmation(address miner,uint32 throughPeriod,uint32 validPeriod)");
    /// @dev Upper bound of L, which bounds the gas of a roll.
    uint32 private constant LONGEST_LEASE = 64;
    /// @dev Upper bound of one suspension, whatever a judge asks for.
    uint32 private constant LONGEST_SUSPENSION = 64;

    IKMSToken private immutable _token;
    IStakingEscrow private immutable _escrow;
    /// @dev The token's cap.
    uint256 private immutable _cap;
    /// @inheritdoc IMiningRewards
    uint64 public immutable override halfLifeSeconds;
    /// @inheritdoc IMiningRewards
    address public immutable override adjudicator;
    /// @inheritdoc IMiningRewards
    address public immutable override challenges;

    // ---------------------------------------------------------------- constructor

    /// @dev Takes the clock of the escrow. The reserve is the token's cap less its supply.
    constructor(Params memory params)
        PeriodClock(IPeriodClock(params.escrow).genesisTime(), IPeriodClock(params.escrow).periodSeconds())
        EmissionBooks(
            _reserveOf(params.token), _decayOf(params), params.maxLeasePeriods, params.warmUpLocked
        )
        LeaseLedger(params.kappaEnabled, params.kappaPeriods)
        EIP712("KMS MiningRewards", "1")
    {
        IStakingEscrow stakes = IStakingEscrow(params.escrow);
        address minter = IKMSToken(params.token).minter();
        uint32 longest = stakes.minLockPeriods();
        if (LONGEST_LEASE < longest) longest = LONGEST_LEASE;
        require(stakes.token() == params.token, RewardsTokenMismatch(params.token, stakes.token()));
        require(minter == address(this), RewardsNotTokenMinter(minter));
        require(params.maxLeasePeriods > 0, RewardsLeaseZero());
        require(params.adjudicator != address(0) && params.challenges != address(0), RewardsAddressZero());
        require(params.maxLeasePeriods <= longest, RewardsLeaseTooLong(params.maxLeasePeriods, longest));

        _token = IKMSToken(params.token);
        _escrow = stakes;
        _cap = _token.cap();
        require(params.warmUpLocked <= _cap, RewardsWarmUpAboveCap(params.warmUpLocked, _cap));
        halfLifeSeconds = params.halfLifeSeconds;
        adjudicator = params.adjudicator;
        challenges = params.challenges;
    }

    function _reserveOf(address token_) private view returns (uint256) {
        return IKMSToken(token_).cap() - IKMSToken(token_).totalSupply();
    }

    function _decayOf(Params memory params) private view returns (uint64 decay_) {
        uint32 length = IPeriodClock(params.escrow).periodSeconds();
        require(params.halfLifeSeconds >= length, RewardsHalfLifeInvalid(params.halfLifeSeconds, length));
        decay_ = RewardMath.decayOf(length, params.halfLifeSeconds);
        // Zero for a half-life so long that nothing would ever be emitted.
        require(decay_ > 0, RewardsHalfLifeInvalid(params.halfLifeSeconds, length));
    }

    // ---------------------------------------------------------------- activity

    /// @inheritdoc IMiningRewards
    function confirmActivity(uint32 throughPeriod) external override {
        (address miner, StakeWord stake) = _escrow.minerAndStakeOf(msg.sender);
        require(miner != address(0), RewardsNotWorker(msg.sender));
        uint32 current = currentPeriod();
        _roll(current);
        Refusal refusal = _lease(miner, stake, throughPeriod, current);
        if (refusal != Refusal.None) _revertFor(refusal, miner, stake, throughPeriod, current);
    }

    /// @inheritdoc IMiningRewards
    /// @dev A signature needs no nonce: it is valid in one period, and a second use extends nothing. If the
    /// stake has changed since, a second use brings the lease to the present weight, as any confirmation
    /// does.
    function confirmActivityBatch(SignedConfirmation[] calldata confirmations)
        external
        override
        returns (uint256 confirmed)
    {
        uint32 current = currentPeriod();
        _roll(current);
        for (uint256 i = 0; i < confirmations.length; ++i) {
            SignedConfirmation calldata entry = confirmations[i];
            if (entry.validPeriod != current) continue;
            (address worker, StakeWord stake) = _escrow.workerAndStakeOf(entry.miner);
            if (!_signedBy(worker, entry)) continue;
            if (_lease(entry.miner, stake, entry.throughPeriod, current) == Refusal.None) ++confirmed;
        }
        require(confirmed > 0, RewardsNothingConfirmed());
    }

    // ---------------------------------------------------------------- claims

    /// @inheritdoc IMiningRewards
    function claim(address miner) external override returns (uint256 amount) {
        require(
            msg.sender == miner || _escrow.workerOf(miner) == msg.sender, RewardsNotMinerOrWorker(msg.sender)
        );
        return _claim(miner, miner);
    }

    /// @inheritdoc IMiningRewards
    function claimTo(address recipient) external override returns (uint256 amount) {
        require(recipient != address(0), RewardsRecipientZero());
        return _claim(msg.sender, recipient);
    }

    /// @inheritdoc IMiningRewards
    function restake(address miner) external override returns (uint256 amount) {
        bool allowed =
            msg.sender == miner || (_escrow.workerOf(miner) == msg.sender && _escrow.restakeEnabled(miner));
        require(allowed, RewardsNotMinerOrWorker(msg.sender));
        amount = _claim(miner, address(_escrow));
        // The pool is kept in 96 bits.
        _escrow.creditRestake(miner, uint96(amount));
    }

    /// @inheritdoc IMiningRewards
    function roll() external override {
        _roll(currentPeriod());
    }

    // ---------------------------------------------------------------- judges

    /// @inheritdoc IMiningRewards
    function suspend(address miner, uint32 periods) external override {
        require(msg.sender == adjudicator || msg.sender == challenges, RewardsNotJudge(msg.sender));
        require(periods <= LONGEST_SUSPENSION, RewardsSuspensionTooLong(periods, LONGEST_SUSPENSION));
        uint32 current = currentPeriod();
        _roll(current);
        // Saturated so that the next period fits into 32 bits.
        uint256 through = uint256(current) + periods;
        if (through >= type(uint32).max) through = type(uint32).max - 1;
        emit MinerSuspended(miner, current, _suspend(miner, uint32(through), current));
        _escrow.setSuspended(miner, true);
    }

    /// @inheritdoc IMiningRewards
    function returnToReserve(uint96 amount) external override {
        require(msg.sender == adjudicator || msg.sender == challenges, RewardsNotJudge(msg.sender));
        _roll(currentPeriod());
        uint256 total = _addToReserve(amount) + _token.totalSupply();
        require(total <= _cap, RewardsCapExceeded(total, _cap));
        emit ReserveReturned(amount);
    }

    // ---------------------------------------------------------------- internal

    /// @dev The escrow accepts the miner for policies again.
    function _endSuspension(address miner) internal override {
        _escrow.setSuspended(miner, false);
    }

    function _claim(address miner, address recipient) private returns (uint256 amount) {
        amount = _takeAccrued(miner);
        emit RewardClaimed(miner, recipient, amount);
        _token.mint(recipient, amount);
    }

    function _revertFor(Refusal refusal, address miner, StakeWord stake, uint32 through, uint32 current)
        private
        view
    {
        if (refusal == Refusal.NothingLocked) revert RewardsNothingLocked(miner);
        if (refusal == Refusal.LeaseInPast) revert RewardsLeaseInPast(through, current);
        if (refusal == Refusal.BeyondUnlock) revert RewardsBeyondUnlock(through, stake.unlockPeriod());
        if (refusal == Refusal.Suspended) revert RewardsSuspended(miner, _accounts[miner].suspendedThrough);
        if (refusal == Refusal.NotExtended) {
            revert RewardsLeaseNotExtended(miner, through, _leases[miner].word.through());
        }
        uint256 maximum = uint256(current) + maxLeasePeriods;
        revert RewardsLeaseTooLong(through, maximum > type(uint32).max ? type(uint32).max : uint32(maximum));
    }

    /// @dev Accepts signatures of keys only: 65 bytes, low s, v 27 or 28.
    function _signedBy(address worker, SignedConfirmation calldata entry) private view returns (bool) {
        bytes32 digest = _hashTypedDataV4(
            keccak256(abi.encode(CONFIRMATION_TYPEHASH, entry.miner, entry.throughPeriod, entry.validPeriod))
        );
        (address signer, ECDSA.RecoverError problem,) = ECDSA.tryRecoverCalldata(digest, entry.signature);
        // The signer of a valid signature is not zero, so that of a miner without a worker is refused too.
        return problem == ECDSA.RecoverError.NoError && signer == worker;
    }

    // ---------------------------------------------------------------- view

    /// @inheritdoc IMiningRewards
    function token() external view override returns (address) {
        return address(_token);
    }

    /// @inheritdoc IMiningRewards
    function escrow() external view override returns (address) {
        return address(_escrow);
    }

    /// @inheritdoc IMiningRewards
    function minerStatus(address miner) external view override returns (MinerStatus memory status) {
        address[] memory miners = new address[](1);
        miners[0] = miner;
        status.info = _escrow.minerInfo(miners)[0];
        status.currentPeriod = currentPeriod();
        (status.leasedThrough, status.weight) = leaseOf(miner);
        status.suspendedThrough = suspendedThrough(miner);
        status.claimable = claimable(miner);
    }
}
