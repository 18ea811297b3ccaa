// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {EmissionBooks} from "./EmissionBooks.sol";
import {IMiningRewards} from "./interfaces/IMiningRewards.sol";
import {ActivityHistory} from "./libraries/ActivityHistory.sol";
import {LeaseWord, basisOf} from "./libraries/LeaseWord.sol";
import {PeriodTotals, totalsOf} from "./libraries/PeriodTotals.sol";
import {RewardMath} from "./libraries/RewardMath.sol";
import {StakeWord} from "./libraries/StakeWord.sol";

/// @title Lease ledger
/// @notice Keeps what each miner leased and earned. MiningRewards checks who may change it; LeaseViews
/// holds the views over it.
///
/// A lease makes its miner active in a range of coming periods, at one weight. It is entered in two
/// buckets of EmissionBooks: its weight is added in the first period and taken out after the last. A
/// lease of 100 tokens, confirmed in period 10, extended in 12, and in 13, after 40 were unbonded:
///
///     period               11   12   13   14   15   16   17    buckets written
///     10: through 13      100  100  100                        11: +100   14: -100
///     12: through 15      100  100  100  100  100              14: 0      16: -100
///     13: through 16      100  100  100 | 60   60   60         14: -40    16: 0     17: -60
///     rolled in 18        100  100  100   60   60   60    0    totals; marked in 11, 12, 14, 16, 17
///
/// - At the same basis (what the weight is computed from) a confirmation moves the end and nothing else.
/// - At another basis it ends the old lease with the current period, 13: the rewards of 11 and 12 are settled
///   into `owed`, 13 is pending at its old weight until it is complete, and a new lease begins in 14.
/// - 11..=16 is one run of activity: a longest range of periods without a gap. A run is open while the lease
///   may still extend it; the next lease that begins after a gap closes it, which writes it to the history.
abstract contract LeaseLedger is EmissionBooks {
    using ActivityHistory for ActivityHistory.History;
    using SafeCast for uint256;

    // ---------------------------------------------------------------- types

    /// @notice Settled rewards, the pending period and the suspension of a miner, in one slot.
    struct Account {
        uint96 owed; // settled rewards
        uint96 pendingWeight; // weight of the pending period: current when the weight changed ...
        uint32 pendingPeriod; // ... and its number; 0 for none
        uint32 suspendedThrough; // last period of a suspension; 0 if none since the last lease
    }

    /// @notice The word of a miner's lease.
    /// @dev A struct, so that reading and writing hash the slot once.
    struct Lease {
        LeaseWord word;
    }

    /// @notice Reasons to refuse a confirmation.
    enum Refusal {
        None,
        NothingLocked,
        Suspended,
        LeaseInPast,
        LeaseTooLong,
        BeyondUnlock,
        NotExtended
    }

    // ---------------------------------------------------------------- immutables

    /// @inheritdoc IMiningRewards
    bool public immutable override kappaEnabled;
    /// @inheritdoc IMiningRewards
    uint32 public immutable override kappaPeriods;
    /// @dev kappaPeriods, or 0 when kappa is off, as RewardMath.weightDown takes it.
    uint32 internal immutable _kappa;

    // ---------------------------------------------------------------- storage

    mapping(address miner => Lease) internal _leases;
    mapping(address miner => Account) internal _accounts;
    mapping(address miner => ActivityHistory.History) internal _histories;

    // ---------------------------------------------------------------- constructor

    constructor(bool kappaEnabled_, uint32 kappaPeriods_) {
        require(!kappaEnabled_ || kappaPeriods_ > 0, RewardsKappaPeriodsZero());
        kappaEnabled = kappaEnabled_;
        kappaPeriods = kappaPeriods_;
        _kappa = kappaEnabled_ ? kappaPeriods_ : 0;
    }

    // ---------------------------------------------------------------- internal: leases

    /// @dev Leases current + 1 ..= through at the weight of `stake`, or returns the reason to refuse and
    /// changes nothing. The caller has rolled the books.
    function _lease(address miner, StakeWord stake, uint32 through, uint32 current)
        internal
        returns (Refusal refusal)
    {
        Lease storage slot = _leases[miner];
        LeaseWord lease = slot.word;
        uint32 leased = lease.through();
        (uint128 basis, uint96 weight) = _basisOf(stake, current);
        bool sameBasis = lease.basis() == basis;
        refusal = _refusal(stake, through, current);
        if (refusal != Refusal.None) return refusal;

        uint96 locked = stake.locked();
        PeriodTotals totals = totalsOf(locked, weight);
        // An empty lease has basis 0, that of a stake is not 0: such a lease is never extended.
        if (sameBasis && leased >= current) {
            if (through <= leased) return Refusal.NotExtended;
            // The end moves from the old bucket to the new one.
            _addAfter(leased, totals);
        } else {
            // Needed in this branch only: the lease of a suspended miner is over, or empty.
            if (current <= _accounts[miner].suspendedThrough) return Refusal.Suspended;
            if (through < leased) return Refusal.NotExtended;
            if (leased < current) {
                if (leased != 0) _settle(miner, lease, current);
                if (_accounts[miner].suspendedThrough != 0) {
                    _accounts[miner].suspendedThrough = 0;
                    _endSuspension(miner);
                }
                lease = lease.withRun(current + 1, _closeRun(miner, lease, leased));
            } else {
                if (lease.from() <= current) _settleAllButCurrent(miner, lease, current);
                _cutLease(lease, current);
            }
            // through > current, so current + 1 fits.
            lease = lease.withBasis(basis).withFrom(current + 1);
            _addAfter(current, totals);
        }
        slot.word = lease.withThrough(through);
        _removeAfter(through, totals);
        emit ActivityConfirmed(miner, current + 1, through, weight, locked);
    }

    /// @dev Ends the lease with the current period and refuses confirmations through `through`, a period from
    /// `current` on. Returns the end of the suspension in force. The caller has rolled the books. A lease
    /// that is over, and the run of activity, stay as they are: the next lease settles the one and closes the
    /// other, as after any gap.
    function _suspend(address miner, uint32 through, uint32 current) internal returns (uint32) {
        Lease storage slot = _leases[miner];
        LeaseWord lease = slot.word;
        uint32 present = _accounts[miner].suspendedThrough;
        if (through <= present) return present;
        if (lease.through() >= current && !lease.isEmpty()) {
            if (lease.from() <= current) _settleAllButCurrent(miner, lease, current);
            if (lease.through() > current) _cutLease(lease, current);
            slot.word = lease.ended(current);
        }
        _accounts[miner].suspendedThrough = through;
        return through;
    }

    /// @dev Called when a miner confirms for the first time after a suspension.
    function _endSuspension(address miner) internal virtual;

    function _refusal(StakeWord stake, uint32 through, uint32 current) private view returns (Refusal) {
        uint32 unlockPeriod = stake.unlockPeriod();
        if (stake.locked() == 0) return Refusal.NothingLocked;
        if (through <= current) return Refusal.LeaseInPast;
        // through > current.
        if (through - current > maxLeasePeriods) return Refusal.LeaseTooLong;
        if (unlockPeriod != 0 && through >= unlockPeriod) return Refusal.BeyondUnlock;
        return Refusal.None;
    }

    /// @dev Takes the lease out of the totals of the coming periods.
    function _cutLease(LeaseWord lease, uint32 current) private {
        PeriodTotals old = totalsOf(lease.locked(), _weightOf(lease.locked(), lease.term()));
        _removeAfter(current, old);
        _addAfter(lease.through(), old);
    }

    /// @dev Writes the open run, if it has a period up to `last`, to the history. Returns the number of
    /// active periods in all closed runs.
    function _closeRun(address miner, LeaseWord lease, uint32 last) private returns (uint32 active) {
        uint32 runStart = lease.runStart();
        active = lease.runsBefore();
        if (last == 0 || runStart > last) return active;
        active += last - runStart + 1;
        _histories[miner].push(runStart, last, active);
    }

    // ---------------------------------------------------------------- internal: rewards

    /// @dev Settles the completed periods of a lease that ends with the current one, and makes that one,
    /// which is not complete yet, the pending period at the lease's weight.
    function _settleAllButCurrent(address miner, LeaseWord lease, uint32 current) private {
        _settle(miner, lease, current);
        Account storage account = _accounts[miner];
        account.pendingWeight = _weightOf(lease.locked(), lease.term());
        account.pendingPeriod = current;
    }

    /// @dev Moves the rewards of completed periods into `owed`. The caller has rolled the books. An earlier
    /// pending period is complete: it lies before the lease's first unsettled period.
    function _settle(address miner, LeaseWord lease, uint32 current) private {
        Account storage account = _accounts[miner];
        account.owed = _accrued(lease, account, current).toUint96();
        if (account.pendingPeriod != 0) _clearPending(account);
    }

    /// @dev Takes the rewards of all completed periods out of the miner's account and out of the pool.
    function _takeAccrued(address miner) internal returns (uint256 amount) {
        uint32 current = currentPeriod();
        _roll(current);
        LeaseWord lease = _leases[miner].word;
        Account storage account = _accounts[miner];
        amount = _accrued(lease, account, current);
        require(amount > 0, RewardsNothingToClaim(miner));

        uint32 end = _lastComplete(lease, current);
        if (end >= lease.from()) _leases[miner].word = lease.withFrom(end + 1);
        if (account.owed > 0) account.owed = 0;
        uint32 pending = account.pendingPeriod;
        if (pending != 0 && pending < current) _clearPending(account);
        _takeFromPool(amount);
    }

    /// @dev Computes the rewards of completed periods that are not claimed yet.
    function _accrued(LeaseWord lease, Account storage account, uint32 current)
        internal
        view
        returns (uint256 amount)
    {
        amount = account.owed;
        uint32 period = account.pendingPeriod;
        if (period != 0 && period < current) amount += _reward(account.pendingWeight, period, period);
        uint32 end = _lastComplete(lease, current);
        if (end >= lease.from() && lease.through() != 0) {
            amount += _reward(_weightOf(lease.locked(), lease.term()), lease.from(), end);
        }
    }

    function _clearPending(Account storage account) private {
        account.pendingWeight = 0;
        account.pendingPeriod = 0;
    }

    function _reward(uint96 weight, uint32 first, uint32 last) private view returns (uint256) {
        uint256 difference = _indexAt(last) - _indexAt(uint256(first) - 1);
        return RewardMath.rewardDown(weight, difference);
    }

    /// @dev The lease's last completed period; a period before `from` if it has none.
    function _lastComplete(LeaseWord lease, uint32 current) private pure returns (uint32) {
        uint32 through = lease.through();
        return through < current ? through : current - 1;
    }

    function _weightOf(uint96 locked, uint32 term) internal view returns (uint96) {
        return RewardMath.weightDown(locked, term, _kappa);
    }

    /// @dev The basis of a lease confirmed now, and the weight computed from it.
    function _basisOf(StakeWord stake, uint32 current) private view returns (uint128 basis, uint96 weight) {
        uint96 locked = stake.locked();
        if (_kappa == 0) return (locked, locked);
        uint32 unlockPeriod = stake.unlockPeriod();
        uint32 term = stake.lockPeriods();
        if (unlockPeriod != 0) term = unlockPeriod > current ? unlockPeriod - current : 0;
        if (term > _kappa) term = _kappa;
        return (basisOf(locked, term), _weightOf(locked, term));
    }
}
