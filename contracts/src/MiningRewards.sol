// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {EmissionBooks} from "./EmissionBooks.sol";
import {LeaseLedger} from "./LeaseLedger.sol";
import {PeriodClock} from "./PeriodClock.sol";
import {IKMSToken} from "./interfaces/IKMSToken.sol";
import {IMiningRewards} from "./interfaces/IMiningRewards.sol";
import {IPeriodClock} from "./interfaces/IPeriodClock.sol";
import {IStakingEscrow} from "./interfaces/IStakingEscrow.sol";
import {ActivityHistory} from "./libraries/ActivityHistory.sol";
import {PeriodTotals, totalsOf} from "./libraries/PeriodTotals.sol";
import {RewardMath} from "./libraries/RewardMath.sol";

/// @title Mining rewards
/// @notice See IMiningRewards. The contract holds no tokens: a claim mints.
///
/// A lease keeps the weight it was confirmed with until it is confirmed anew, even when tokens are
/// unbonded meanwhile. That is safe because those tokens stay in the escrow's custody for longer: an
/// unbond or wind-down in period c is free in c + 1 + lockPeriods at the earliest, a lease confirmed
/// up to c ends in c + L at the latest, and the constructor requires minLockPeriods >= L.
contract MiningRewards is LeaseLedger, EIP712 {
    using ActivityHistory for ActivityHistory.History;
    using SafeCast for uint256;

    // ---------------------------------------------------------------- types

    /// @notice Constructor parameters.
    struct Params {
        address token;
        address escrow;
        uint32 maxLeasePeriods;
        uint64 halfLifeSeconds;
        bool kappaEnabled;
        uint32 kappaPeriods;
    }

    /// @notice What the escrow says of a miner, and what a confirmation makes of it.
    struct Basis {
        uint96 locked;
        uint32 lockPeriods;
        uint32 unlockPeriod;
    }

    // ---------------------------------------------------------------- immutables

    bytes32 private constant CONFIRMATION_TYPEHASH =
        keccak256("ActivityConfirmation(address miner,uint32 throughPeriod,uint32 validPeriod)");
    /// @dev Bounds the gas of a roll.
    uint32 private constant LONGEST_LEASE = 64;

    IKMSToken private immutable _token;
    IStakingEscrow private immutable _escrow;
    /// @inheritdoc IMiningRewards
    uint64 public immutable override halfLifeSeconds;

    // ---------------------------------------------------------------- constructor

    /// @dev The clock is the escrow's. The reserve is all the token does not have in supply yet.
    constructor(Params memory params)
        PeriodClock(IPeriodClock(params.escrow).genesisTime(), IPeriodClock(params.escrow).periodSeconds())
        EmissionBooks(_reserveOf(params.token), _decayOf(params), params.maxLeasePeriods)
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
        require(params.maxLeasePeriods <= longest, RewardsLeaseTooLong(params.maxLeasePeriods, longest));

        _token = IKMSToken(params.token);
        _escrow = stakes;
        halfLifeSeconds = params.halfLifeSeconds;
    }

    function _reserveOf(address token_) private view returns (uint256) {
        return IKMSToken(token_).cap() - IKMSToken(token_).totalSupply();
    }

    function _decayOf(Params memory params) private view returns (uint64 decay_) {
        uint32 length = IPeriodClock(params.escrow).periodSeconds();
        require(params.halfLifeSeconds >= length, RewardsHalfLifeInvalid(params.halfLifeSeconds, length));
        decay_ = RewardMath.decayOf(length, params.halfLifeSeconds);
        // So long that nothing would ever be emitted.
        require(decay_ > 0, RewardsHalfLifeInvalid(params.halfLifeSeconds, length));
    }

    // ---------------------------------------------------------------- activity

    /// @inheritdoc IMiningRewards
    function confirmActivity(uint32 throughPeriod) external override {
        (address miner, uint96 locked, uint32 lockPeriods, uint32 unlockPeriod) =
            _escrow.stakeOfWorker(msg.sender);
        require(miner != address(0), RewardsNotWorker(msg.sender));
        uint32 current = currentPeriod();
        _roll(current);
        _confirm(miner, Basis(locked, lockPeriods, unlockPeriod), throughPeriod, current);
    }

    /// @inheritdoc IMiningRewards
    /// @dev A signature needs no nonce: it holds for one period, and used again it extends nothing.
    /// Should the stake have changed since, a second use re-prices the lease to what is locked now,
    /// which is what any confirmation does.
    function confirmActivityBatch(SignedConfirmation[] calldata confirmations) external override {
        uint32 current = currentPeriod();
        _roll(current);
        for (uint256 i = 0; i < confirmations.length; ++i) {
            SignedConfirmation calldata entry = confirmations[i];
            require(entry.validPeriod == current, RewardsWrongPeriod(entry.validPeriod, current));
            (address worker, uint96 locked, uint32 lockPeriods, uint32 unlockPeriod) =
                _escrow.stakeOfMiner(entry.miner);
            require(_signedBy(worker, entry), RewardsSignatureInvalid(entry.miner));
            _confirm(entry.miner, Basis(locked, lockPeriods, unlockPeriod), entry.throughPeriod, current);
        }
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
    function roll() external override {
        _roll(currentPeriod());
    }

    // ---------------------------------------------------------------- internal

    /// @dev Leases current + 1 ..= through at the weight of `basis`. The books are rolled.
    function _confirm(address miner, Basis memory basis, uint32 through, uint32 current) private {
        Lease storage lease = _leases[miner];
        uint32 leased = lease.through;
        uint96 locked = basis.locked;
        uint32 term = _termOf(basis, current);
        bool samePrice = locked == lease.locked && term == lease.term;
        _checkLease(miner, basis, through, current);
        require(
            through > leased || (through == leased && !samePrice),
            RewardsLeaseNotExtended(miner, through, leased)
        );

        uint96 weight = _weightOf(locked, term);
        PeriodTotals totals = totalsOf(locked, weight);
        // through > current, so current + 1 fits.
        uint32 next = current + 1;
        if (leased >= current && samePrice) {
            // The old end moves from leased + 1 to through + 1.
            _addFrom(uint256(leased) + 1, totals);
        } else {
            if (leased < current) {
                _startRun(miner, lease, next, current);
            } else {
                if (lease.from <= current) _carry(miner, lease, current);
                // The old weight is taken out of the coming periods.
                PeriodTotals old = totalsOf(lease.locked, _weightOf(lease.locked, lease.term));
                _removeFrom(next, old);
                _addFrom(uint256(leased) + 1, old);
            }
            lease.locked = locked;
            lease.term = term;
            lease.from = next;
            _addFrom(next, totals);
        }
        lease.through = through;
        _removeFrom(uint256(through) + 1, totals);
        emit ActivityConfirmed(miner, next, through, weight, locked);
    }

    function _checkLease(address miner, Basis memory basis, uint32 through, uint32 current) private view {
        uint256 maximum = uint256(current) + maxLeasePeriods;
        uint32 unlockPeriod = basis.unlockPeriod;
        require(basis.locked > 0, RewardsNothingLocked(miner));
        require(through > current, RewardsLeaseInPast(through, current));
        require(through <= maximum, RewardsLeaseTooLong(through, _saturate(maximum)));
        require(unlockPeriod == 0 || through < unlockPeriod, RewardsBeyondUnlock(through, unlockPeriod));
    }

    /// @dev The miner was not active in the current period, so a new run begins. Closes the one before.
    function _startRun(address miner, Lease storage lease, uint32 next, uint32 current) private {
        uint32 through = lease.through;
        if (through != 0) {
            _settle(miner, lease, current);
            uint32 runStart = lease.runStart;
            uint32 active = lease.runsBefore + (through - runStart + 1);
            lease.runsBefore = active;
            _histories[miner].push(runStart, through, active);
        }
        lease.runStart = next;
    }

    /// @dev Settles the completed periods of the old weight; the current one, which is not complete
    /// yet, is kept aside at that weight.
    function _carry(address miner, Lease storage lease, uint32 current) private {
        _settle(miner, lease, current);
        Account storage account = _accounts[miner];
        account.carryLocked = lease.locked;
        account.carryTerm = lease.term;
        account.carryPeriod = current;
    }

    /// @dev Moves what completed periods earned into `owed`. The books are rolled, and an earlier
    /// carried period is complete: it lies before the lease's first unsettled period.
    function _settle(address miner, Lease storage lease, uint32 current) private {
        Account storage account = _accounts[miner];
        account.owed = _accrued(lease, account, current).toUint96();
        _dropCarry(account);
    }

    function _claim(address miner, address recipient) private returns (uint256 amount) {
        uint32 current = currentPeriod();
        _roll(current);
        Lease storage lease = _leases[miner];
        Account storage account = _accounts[miner];
        amount = _accrued(lease, account, current);
        require(amount > 0, RewardsNothingToClaim(miner));

        uint32 end = _lastComplete(lease, current);
        if (end >= lease.from) lease.from = end + 1;
        if (account.owed > 0) account.owed = 0;
        uint32 carried = account.carryPeriod;
        if (carried != 0 && carried < current) _dropCarry(account);
        _takeFromPool(amount);
        emit RewardClaimed(miner, recipient, amount);
        _token.mint(recipient, amount);
    }

    function _dropCarry(Account storage account) private {
        account.carryLocked = 0;
        account.carryTerm = 0;
        account.carryPeriod = 0;
    }

    function _termOf(Basis memory basis, uint32 current) private view returns (uint32 term) {
        if (_kappa == 0) return 0;
        term = basis.lockPeriods;
        if (basis.unlockPeriod != 0) {
            term = basis.unlockPeriod > current ? basis.unlockPeriod - current : 0;
        }
        if (term > _kappa) term = _kappa;
    }

    function _saturate(uint256 period) private pure returns (uint32) {
        return period > type(uint32).max ? type(uint32).max : uint32(period);
    }

    /// @dev EOA signatures only: 65 bytes, low s, v 27 or 28 (ECDSA refuses the rest).
    function _signedBy(address worker, SignedConfirmation calldata entry) private view returns (bool) {
        bytes32 digest = _hashTypedDataV4(
            keccak256(abi.encode(CONFIRMATION_TYPEHASH, entry.miner, entry.throughPeriod, entry.validPeriod))
        );
        (address signer, ECDSA.RecoverError problem,) = ECDSA.tryRecoverCalldata(digest, entry.signature);
        // Without error the signer is not zero, so a miner without a worker is refused too.
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
}
