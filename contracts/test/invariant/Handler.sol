// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {CommonBase} from "forge-std/Base.sol";
import {StdUtils} from "forge-std/StdUtils.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {NaiveModel} from "../base/NaiveModel.sol";
import {IKMSToken} from "../../src/interfaces/IKMSToken.sol";
import {IMiningRewards} from "../../src/interfaces/IMiningRewards.sol";
import {IStakingEscrow} from "../../src/interfaces/IStakingEscrow.sol";
import {StakeWord} from "../../src/libraries/StakeWord.sol";

/// @notice Acts for a few miners within the rules, so that nothing ever reverts, and keeps the naive
/// model and the ghost sums beside it. PolicyHandler adds the policies.
contract Handler is CommonBase, StdUtils {
    uint256 internal constant MINERS = 4;

    IKMSToken internal immutable token;
    IStakingEscrow internal immutable escrow;
    IMiningRewards internal immutable rewards;
    NaiveModel public immutable model;

    address[] internal _miners;
    mapping(address miner => uint256) public paid; // rewards minted to it
    uint256 public minted;
    uint256 public burned;
    /// @notice Deposited and restaked, less withdrawn and slashed: what must be in custody.
    mapping(address miner => uint256) public staked;
    /// @notice Every key that ever was a worker, and whose.
    address[] internal _keys;
    mapping(address key => address miner) public bondedTo;
    /// @notice Period of the dismissal; 0 while the key is a worker.
    mapping(address key => uint32) public retiredIn;
    uint256 public donatedToEscrow;
    uint256 public escrowSeq;
    uint256 public confirmations;

    constructor(IKMSToken token_, IStakingEscrow escrow_, IMiningRewards rewards_) {
        (token, escrow, rewards) = (token_, escrow_, rewards_);
        for (uint256 i = 0; i < MINERS; ++i) {
            _miners.push(vm.addr(1_000 + i));
        }
        uint256 booked = rewards_.currentPeriod() - 1;
        uint256 reserve = token_.cap() - token_.totalSupply();
        model = new NaiveModel(reserve, rewards_.decay(), rewards_.warmUpLocked(), booked, _miners);
    }

    function miners() external view returns (address[] memory) {
        return _miners;
    }

    // ---------------------------------------------------------------- time

    function skip(uint256 seed) external {
        uint256 periods = seed % 8 == 0 ? bound(seed >> 8, 1, 45) : bound(seed >> 8, 1, 4);
        vm.warp(vm.getBlockTimestamp() + periods * escrow.periodSeconds());
        model.bookUntil(escrow.currentPeriod());
    }

    function skipSeconds(uint256 time) external {
        vm.warp(vm.getBlockTimestamp() + bound(time, 1, escrow.periodSeconds()));
        model.bookUntil(escrow.currentPeriod());
    }

    // ---------------------------------------------------------------- stakes

    function deposit(uint256 who, uint256 amount, uint256 lock) external {
        address miner = _pick(who);
        IStakingEscrow.Position memory position = escrow.position(miner);
        if (escrow.pausedThrough() >= escrow.currentPeriod()) return;
        uint256 minimum = escrow.minLocked();
        uint256 least = position.locked >= minimum ? 1 : minimum - position.locked;
        uint96 tokens = uint96(bound(amount, least, 20 * escrow.minLocked()));
        uint256 shortest = position.locked == 0 ? escrow.minLockPeriods() : position.lockPeriods;
        uint32 lockPeriods = uint32(bound(lock, shortest, _min(shortest + 20, escrow.maxLockPeriods())));
        if (token.balanceOf(address(this)) < tokens) return;
        token.transfer(miner, tokens);
        vm.startPrank(miner);
        token.approve(address(escrow), tokens);
        escrow.deposit(tokens, lockPeriods);
        staked[miner] += tokens;
        if (escrow.workerOf(miner) == address(0) && _mayBond(miner)) _bond(miner, _nextWorker(miner));
        vm.stopPrank();
    }

    function extendLock(uint256 who, uint256 lock) external {
        address miner = _pick(who);
        IStakingEscrow.Position memory position = escrow.position(miner);
        if (position.locked == 0 || position.lockPeriods == escrow.maxLockPeriods()) return;
        uint256 longest = _min(position.lockPeriods + 30, escrow.maxLockPeriods());
        vm.prank(miner);
        escrow.extendLock(uint32(bound(lock, position.lockPeriods + 1, longest)));
    }

    function toggleWindDown(uint256 who) external {
        address miner = _pick(who);
        IStakingEscrow.Position memory position = escrow.position(miner);
        if (position.locked == 0) return;
        vm.prank(miner);
        escrow.setWindDown(position.unlockPeriod == 0);
    }

    function unbond(uint256 who, uint256 amount) external {
        address miner = _pick(who);
        uint96 locked = escrow.position(miner).locked;
        if (locked == 0) return;
        uint96 most = locked < escrow.minLocked() ? 0 : locked - escrow.minLocked();
        vm.prank(miner);
        escrow.unbond(most == 0 || amount % 5 == 0 ? locked : uint96(bound(amount, 1, most)));
    }

    function withdraw(uint256 who) external {
        address miner = _pick(who);
        IStakingEscrow.Position memory position = escrow.position(miner);
        uint32 current = escrow.currentPeriod();
        bool released = position.unbonding > 0 && position.releasePeriod <= current;
        bool unlocked = position.unlockPeriod != 0 && position.unlockPeriod <= current;
        if (!released && !unlocked) return;
        vm.prank(miner);
        staked[miner] -= escrow.withdraw(address(this));
    }

    function changeWorker(uint256 who, uint256 seed) external {
        address miner = _pick(who);
        address present = escrow.workerOf(miner);
        if (seed % 4 == 0 && present != address(0)) {
            vm.prank(miner);
            escrow.unbondWorker();
            _retire(present);
            ++escrowSeq;
        } else if (_mayBond(miner) && escrow.position(miner).locked > 0) {
            vm.startPrank(miner);
            _bond(miner, _nextWorker(miner));
            vm.stopPrank();
        }
    }

    function postRecord(uint256 who, uint96 minRate) external {
        address miner = _pick(who);
        if (escrow.position(miner).locked == 0) return;
        vm.startPrank(miner);
        escrow.setMinRate(minRate % 4);
        escrow.registerNode("https://node.example");
        vm.stopPrank();
        escrowSeq += 2;
    }

    function donate(uint256 amount) external {
        amount = bound(amount, 0, 1 ether);
        if (token.balanceOf(address(this)) < amount) return;
        token.transfer(address(escrow), amount);
        donatedToEscrow += amount;
    }

    // ---------------------------------------------------------------- rewards

    function confirm(uint256 who, uint256 length) external {
        address miner = _pick(who);
        (address worker, StakeWord stake) = escrow.workerAndStakeOf(miner);
        (uint96 locked, uint32 unlockPeriod) = (stake.locked(), stake.unlockPeriod());
        if (worker == address(0) || locked == 0) return;
        uint32 current = rewards.currentPeriod();
        if (rewards.suspendedThrough(miner) >= current) return;
        uint32 through = current + uint32(bound(length, 1, rewards.maxLeasePeriods()));
        if (unlockPeriod != 0 && through >= unlockPeriod) return;
        (uint32 leased,) = rewards.leaseOf(miner);
        uint256 weight = _weight(miner, current);
        bool samePrice = model.lockedIn(miner, leased) == locked && model.weightIn(miner, leased) == weight;
        if (through < leased || (through == leased && samePrice)) return;
        vm.prank(worker);
        rewards.confirmActivity(through);
        model.confirm(miner, current, through, locked, weight);
        ++confirmations;
    }

    function claim(uint256 who) external {
        address miner = _pick(who);
        uint256 due = rewards.claimable(miner);
        if (due == 0) return;
        vm.prank(miner);
        uint256 amount = rewards.claimTo(address(this));
        require(amount == due, "claim differs from claimable");
        paid[miner] += amount;
        minted += amount;
        model.claimed(miner);
    }

    function roll() external {
        rewards.roll();
    }

    // ---------------------------------------------------------------- internal

    function _weight(address miner, uint256 current) internal view returns (uint256) {
        IStakingEscrow.Position memory position = escrow.position(miner);
        if (!rewards.kappaEnabled()) return position.locked;
        uint256 full = rewards.kappaPeriods();
        uint256 left = position.unlockPeriod == 0 ? position.lockPeriods : position.unlockPeriod - current;
        return position.locked * (full + _min(left, full)) / (2 * full);
    }

    function keys() external view returns (address[] memory) {
        return _keys;
    }

    /// @dev In the miner's name: the caller pranks.
    function _bond(address miner, address worker) private {
        _retire(escrow.workerOf(miner));
        bytes32 consent = keccak256(
            abi.encode(
                keccak256("WorkerConsent(address worker,address miner,uint256 deadline)"),
                worker,
                miner,
                type(uint256).max
            )
        );
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(_keyOfNext(miner), MessageHashUtils.toTypedDataHash(_escrowDomain(), consent));
        escrow.bondWorker(worker, type(uint256).max, abi.encodePacked(r, s, v));
        ++escrowSeq;
        _keys.push(worker);
        bondedTo[worker] = miner;
    }

    function _retire(address worker) private {
        if (worker != address(0)) retiredIn[worker] = escrow.currentPeriod();
    }

    mapping(address miner => uint256) private bondedAt;

    /// @dev The cooldown of the deployments that use this handler is 2 periods.
    function _mayBond(address miner) internal returns (bool may) {
        uint256 current = escrow.currentPeriod();
        may = bondedAt[miner] == 0 || bondedAt[miner] + escrow.workerCooldown() <= current;
        if (may && escrow.position(miner).locked > 0) bondedAt[miner] = current;
    }

    /// @dev A key that never was a worker: none is bonded twice.
    function _nextWorker(address miner) private view returns (address) {
        return vm.addr(_keyOfNext(miner));
    }

    function _keyOfNext(address miner) private view returns (uint256) {
        return uint256(keccak256(abi.encode(miner, _keys.length))) >> 8;
    }

    function _escrowDomain() private view returns (bytes32) {
        return MessageHashUtils.toDomainSeparator(
            hex"0f", keccak256("KMS StakingEscrow"), keccak256("1"), block.chainid, address(escrow), 0
        );
    }

    function _pick(uint256 who) internal view returns (address) {
        return _miners[who % MINERS];
    }

    function _min(uint256 a, uint256 b) internal pure returns (uint256) {
        return a < b ? a : b;
    }
}
