// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IERC1363Receiver} from "@openzeppelin/contracts/interfaces/IERC1363Receiver.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";
import {EscrowState} from "./EscrowState.sol";
import {IStakingEscrow} from "./interfaces/IStakingEscrow.sol";

/// @title Staking escrow
/// @notice Implements IStakingEscrow. Positions are counted here and never read from the token's balance, so
/// tokens sent to the contract change no position.
contract StakingEscrow is EscrowState, EIP712, IERC1363Receiver, Multicall {
    // ---------------------------------------------------------------- immutables

    uint256 private constant MAX_URL_LENGTH = 256;
    /// @dev Bytes of an encoded call of `deposit`.
    uint256 private constant DEPOSIT_LENGTH = 68;
    bytes32 private constant CONSENT_TYPEHASH =
        keccak256("WorkerConsent(address worker,address miner,uint256 deadline)");

    // ---------------------------------------------------------------- constructor

    constructor(Params memory params) EscrowState(params) EIP712("KMS StakingEscrow", "1") {}

    // ---------------------------------------------------------------- deposit and lock

    /// @inheritdoc IStakingEscrow
    function deposit(uint96 amount, uint32 lockPeriods) external override {
        _deposit(msg.sender, amount, lockPeriods);
        _pull(msg.sender, amount);
    }

    /// @inheritdoc IStakingEscrow
    function depositWithPermit(
        uint96 amount,
        uint32 lockPeriods,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external override {
        // A permit that was front-run has set the allowance; without one _pull reverts.
        try _token.permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
        _deposit(msg.sender, amount, lockPeriods);
        _pull(msg.sender, amount);
    }

    /// @notice Deposits by `token.transferAndCall`; `data` is the call that it stands for,
    /// abi.encodeCall(deposit, (value, lockPeriods)), to the byte: a payment that was meant for another
    /// contract, or says nothing, locks nothing (EscrowNoDeposit). Callable by the token only, which has
    /// moved `value` before.
    function onTransferReceived(address operator, address from, uint256 value, bytes calldata data)
        external
        override
        returns (bytes4)
    {
        require(msg.sender == address(_token), EscrowNotToken(msg.sender));
        require(operator == from, EscrowOperatorNotOwner(operator, from));
        require(
            data.length == DEPOSIT_LENGTH && bytes4(data) == this.deposit.selector,
            EscrowNoDeposit(from, value)
        );
        (uint96 amount, uint32 lockPeriods) = abi.decode(data[4:], (uint96, uint32));
        require(amount == value, EscrowNoDeposit(from, value));
        _deposit(from, amount, lockPeriods);
        return IERC1363Receiver.onTransferReceived.selector;
    }

    /// @inheritdoc IStakingEscrow
    function extendLock(uint32 lockPeriods) external override {
        Stake storage stake = _stakes[msg.sender];
        require(stake.locked > 0, EscrowNoPosition(msg.sender));
        uint32 present = stake.lockPeriods;
        require(lockPeriods > present, EscrowLockTooShort(lockPeriods, _firstAfter(present, 0)));
        require(lockPeriods <= maxLockPeriods, EscrowLockTooLong(lockPeriods, maxLockPeriods));

        // At most maxLockPeriods, which the constructor bounds by 2^24 - 1.
        stake.lockPeriods = uint24(lockPeriods);
        emit LockExtended(msg.sender, lockPeriods);
        _stopWindDown(stake, msg.sender);
    }

    /// @inheritdoc IStakingEscrow
    function setWindDown(bool enabled) external override {
        Stake storage stake = _stakes[msg.sender];
        require(stake.locked > 0, EscrowNoPosition(msg.sender));
        if (enabled) {
            require(stake.unlockPeriod == 0, EscrowAlreadyWindingDown(msg.sender));
            uint32 unlockPeriod = _firstAfter(currentPeriod(), stake.lockPeriods);
            stake.unlockPeriod = unlockPeriod;
            emit WindDownSet(msg.sender, unlockPeriod);
        } else {
            require(stake.unlockPeriod != 0, EscrowNotWindingDown(msg.sender));
            _stopWindDown(stake, msg.sender);
        }
    }

    // ---------------------------------------------------------------- unbond and withdraw

    /// @inheritdoc IStakingEscrow
    function unbond(uint96 amount) external override {
        Stake storage stake = _stakes[msg.sender];
        uint96 locked = stake.locked;
        require(amount > 0, EscrowAmountZero());
        require(locked > 0, EscrowNoPosition(msg.sender));
        require(amount <= locked, EscrowInsufficientLocked(amount, locked));
        uint96 rest = locked - amount;
        require(rest == 0 || rest >= minLocked, EscrowBelowMinimum(rest, minLocked));

        uint32 releasePeriod = _firstAfter(currentPeriod(), stake.lockPeriods);
        if (stake.releasePeriod > releasePeriod) releasePeriod = stake.releasePeriod;
        uint96 unbonding = stake.unbonding + amount;
        _setLocked(stake, rest);
        stake.unbonding = unbonding;
        stake.releasePeriod = releasePeriod;
        _totals.locked -= amount;
        _totals.unbonding += amount;
        emit Unbonded(msg.sender, amount, rest, unbonding, releasePeriod);
    }

    /// @inheritdoc IStakingEscrow
    function withdraw(address recipient) external override returns (uint96 amount) {
        require(recipient != address(0), EscrowRecipientZero());
        Stake storage stake = _stakes[msg.sender];
        uint32 current = currentPeriod();
        uint96 locked = stake.locked;
        uint32 unlockPeriod = stake.unlockPeriod;
        uint96 released = stake.releasePeriod <= current ? stake.unbonding : 0;
        uint96 unlocked = unlockPeriod != 0 && unlockPeriod <= current ? locked : 0;
        amount = released + unlocked;
        require(amount > 0, EscrowNothingToWithdraw(msg.sender, _firstFree(stake), current));

        if (released > 0) {
            stake.unbonding = 0;
            stake.releasePeriod = 0;
            _totals.unbonding -= released;
        }
        if (unlocked > 0) {
            locked = 0;
            _setLocked(stake, 0);
            _totals.locked -= unlocked;
        }
        emit Withdrawn(msg.sender, recipient, amount, locked);
        require(_token.transfer(recipient, amount), EscrowTransferFailed());
    }

    // ---------------------------------------------------------------- worker and node record

    /// @inheritdoc IStakingEscrow
    /// @dev Deliberately not checked: that the worker is an account without code. It signs with a key, so it
    /// is none of a contract; code that its account carries by EIP-7702 changes nothing.
    function bondWorker(address worker, uint256 deadline, bytes calldata consent) external override {
        Stake storage stake = _stakes[msg.sender];
        uint32 current = currentPeriod();
        require(stake.locked > 0, EscrowNoPosition(msg.sender));
        Bond memory bond = _bonds[worker];
        require(bond.miner == address(0), EscrowWorkerTaken(worker, bond.miner));
        Stake storage other = _stakes[worker];
        require(other.locked == 0 && other.unbonding == 0, EscrowWorkerInvalid(worker));
        require(stake.workerAllowedFrom <= current, EscrowWorkerTooSoon(stake.workerAllowedFrom, current));
        require(block.timestamp <= deadline, EscrowConsentExpired(deadline));
        bytes32 digest =
            _hashTypedDataV4(keccak256(abi.encode(CONSENT_TYPEHASH, worker, msg.sender, deadline)));
        (address signer, ECDSA.RecoverError problem,) = ECDSA.tryRecoverCalldata(digest, consent);
        require(
            problem == ECDSA.RecoverError.NoError && signer == worker,
            EscrowConsentInvalid(worker, msg.sender)
        );

        _bonds[worker] = Bond({miner: msg.sender, retiredIn: 0});
        // A dismissal leaves this as it is: to dismiss a worker is always allowed, to change it is not.
        stake.workerAllowedFrom = workerCooldown == 0 ? current : _firstAfter(current, workerCooldown - 1);
        _setWorker(stake, worker);
    }

    /// @inheritdoc IStakingEscrow
    function unbondWorker() external override {
        Stake storage stake = _stakes[msg.sender];
        require(stake.worker != address(0), EscrowNoWorker(msg.sender));
        _setWorker(stake, address(0));
    }

    /// @inheritdoc IStakingEscrow
    /// @dev Deliberately not checked: that the URL answers. Clients check it before they pay.
    function registerNode(string calldata url) external override {
        address miner = _minerOfCaller();
        uint256 urlLength = bytes(url).length;
        require(urlLength > 0 && urlLength <= MAX_URL_LENGTH, EscrowUrlInvalid(urlLength));

        // A URL that was set once is never empty again.
        if (bytes(_urls[miner]).length == 0) _registered.push(miner);
        _urls[miner] = url;
        emit NodeRegistered(_nextSeq(), miner, url);
    }

    /// @inheritdoc IStakingEscrow
    function setMinRate(uint96 minRate) external override {
        address miner = _minerOfCaller();
        _stakes[miner].minRate = minRate;
        emit MinRatePosted(_nextSeq(), miner, minRate);
    }

    /// @inheritdoc IStakingEscrow
    function setRestake(bool enabled) external override {
        _stakes[msg.sender].restake = enabled;
        emit RestakeSet(msg.sender, enabled);
    }

    // ---------------------------------------------------------------- the other contracts

    /// @inheritdoc IStakingEscrow
    /// @dev Lock and release of the tranche stay as they are. The rest may be below minLocked: such a miner
    /// serves no new policy, and may unbond or deposit.
    function slash(address miner, uint96 penalty, address challenger, uint96 reward) external override {
        Stake storage stake = _stakes[miner];
        (uint96 locked, uint96 unbonding) = (stake.locked, stake.unbonding);
        uint256 atRisk = uint256(locked) + unbonding;
        require(msg.sender == adjudicator || msg.sender == challenges, EscrowNotJudge(msg.sender));
        require(penalty > 0, EscrowAmountZero());
        require(penalty <= atRisk, EscrowInsufficientStake(penalty, atRisk));
        require(2 * uint256(reward) < penalty, EscrowRewardTooHigh(reward, penalty));

        uint96 fromLocked = penalty < locked ? penalty : locked;
        uint96 fromTranche = penalty - fromLocked;
        locked -= fromLocked;
        _setLocked(stake, locked);
        _totals.locked -= fromLocked;
        if (fromTranche > 0) {
            unbonding -= fromTranche;
            stake.unbonding = unbonding;
            if (unbonding == 0) stake.releasePeriod = 0;
            _totals.unbonding -= fromTranche;
        }
        emit Slashed(_nextSeq(), miner, penalty, challenger, reward, locked, unbonding);
        if (reward > 0) require(_token.transfer(challenger, reward), EscrowTransferFailed());
        _token.burn(penalty - reward);
    }

    /// @inheritdoc IStakingEscrow
    /// @dev Deliberately not checked: that the tokens arrived. MiningRewards mints them in the same call.
    function creditRestake(address miner, uint96 amount) external override {
        Stake storage stake = _stakes[miner];
        uint96 locked = stake.locked;
        require(msg.sender == rewards, EscrowNotRewards(msg.sender));
        require(locked > 0, EscrowNoPosition(miner));
        locked += amount;
        stake.locked = locked;
        _totals.locked += amount;
        emit Deposited(miner, msg.sender, amount, locked, stake.lockPeriods);
    }

    /// @inheritdoc IStakingEscrow
    function setSuspended(address miner, bool suspended_) external override {
        require(msg.sender == rewards, EscrowNotRewards(msg.sender));
        _stakes[miner].suspended = suspended_;
    }

    /// @inheritdoc IStakingEscrow
    function setPause(uint32 throughPeriod) external override {
        require(msg.sender == control, EscrowNotControl(msg.sender));
        _pausedThrough = throughPeriod;
        emit DepositsPaused(throughPeriod);
    }

    // ---------------------------------------------------------------- internal

    /// @dev Checks and effects of every kind of deposit; the caller moves the tokens.
    function _deposit(address miner, uint96 amount, uint32 lockPeriods) private {
        Stake storage stake = _stakes[miner];
        uint96 locked = stake.locked;
        uint32 shortest = locked == 0 ? minLockPeriods : stake.lockPeriods;
        uint32 paused = _pausedThrough;
        require(currentPeriod() > paused, EscrowPaused(paused));
        require(amount > 0, EscrowAmountZero());
        require(lockPeriods >= shortest, EscrowLockTooShort(lockPeriods, shortest));
        require(lockPeriods <= maxLockPeriods, EscrowLockTooLong(lockPeriods, maxLockPeriods));
        // Tokens that exist (cap < 2^96) cannot overflow; checked all the same.
        locked += amount;
        require(locked >= minLocked, EscrowBelowMinimum(locked, minLocked));

        stake.locked = locked;
        // At most maxLockPeriods, which the constructor bounds by 2^24 - 1.
        stake.lockPeriods = uint24(lockPeriods);
        _totals.locked += amount;
        emit Deposited(miner, miner, amount, locked, lockPeriods);
        _stopWindDown(stake, miner);
    }

    /// @dev Takes tokens from `payer`. Cannot re-enter: transferFrom of the KMS token calls no one.
    function _pull(address payer, uint96 amount) private {
        require(_token.transferFrom(payer, address(this), amount), EscrowTransferFailed());
    }

    /// @dev Sets the locked tokens. An emptied position loses its lock duration: a later deposit sets it
    /// anew.
    function _setLocked(Stake storage stake, uint96 locked) private {
        stake.locked = locked;
        if (locked == 0) {
            stake.lockPeriods = 0;
            stake.unlockPeriod = 0;
        }
    }

    /// @dev Takes a wind-down back, if there is one.
    function _stopWindDown(Stake storage stake, address miner) private {
        if (stake.unlockPeriod == 0) return;
        stake.unlockPeriod = 0;
        emit WindDownSet(miner, 0);
    }

    /// @dev Bonds `worker`, or none, in the place of the present one, which is dismissed.
    function _setWorker(Stake storage stake, address worker) private {
        address present = stake.worker;
        if (present != address(0)) _bonds[present].retiredIn = currentPeriod();
        stake.worker = worker;
        emit WorkerBonded(_nextSeq(), msg.sender, worker);
    }

    function _nextSeq() private returns (uint64 seq) {
        seq = _totals.seq + 1;
        _totals.seq = seq;
    }

    /// @dev The miner that the caller acts for. Its own position comes first, so that nobody can make a miner
    /// act for another record by bonding it as a worker.
    function _minerOfCaller() private view returns (address miner) {
        miner = _stakes[msg.sender].locked > 0 ? msg.sender : _minerOf(msg.sender);
        require(miner != address(0), EscrowNotMinerOrWorker(msg.sender));
    }

    /// @dev First period in which something may be withdrawn; 0 when nothing unbonds or winds down.
    function _firstFree(Stake storage stake) private view returns (uint32 period) {
        period = stake.releasePeriod;
        uint32 unlockPeriod = stake.unlockPeriod;
        if (unlockPeriod != 0 && (period == 0 || unlockPeriod < period)) period = unlockPeriod;
    }
}
