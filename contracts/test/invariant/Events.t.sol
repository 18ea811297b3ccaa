// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Vm} from "forge-std/Vm.sol";
import {JudgedBase} from "./Judged.t.sol";
import {IMiningRewards} from "../../src/interfaces/IMiningRewards.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {IStakingEscrow} from "../../src/interfaces/IStakingEscrow.sol";

/// @notice A node sees events only. From them alone it must know every position, worker, rate, lease and
/// policy, every conviction and suspension, and the numbers must show it that it missed none.
/// forge-config: default.fuzz.runs = 48
contract EventsTest is JudgedBase {
    struct PolicyView {
        uint32 effectiveLast;
        uint32 refundedThrough;
        bool revoked;
        uint256 revokedAlone;
    }

    mapping(address miner => IStakingEscrow.Position) private positions;
    mapping(address miner => address) private workers;
    mapping(address miner => uint96) private rates;
    mapping(address miner => uint32) private leases;
    mapping(address miner => uint32) private suspensions;
    mapping(address miner => bool) private restakes;
    uint32 private pausedThrough;
    mapping(bytes32 id => PolicyView) private views;
    mapping(bytes32 id => mapping(address miner => uint32)) private endsAlone;
    uint64 private escrowSeq;
    uint64 private policySeq;

    function _kappa() internal pure override returns (bool) {
        return false;
    }

    function setUp() public override {
        _prepare(LEASE, false);
    }

    function testFuzz_aNodeRebuildsEverythingFromEvents(uint256 seed) public {
        vm.recordLogs();
        for (uint256 i = 0; i < 80; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            _act(seed % 16, seed >> 8, seed >> 72, seed >> 136);
            if (seed % 7 == 0) handler.changeWorker(seed >> 16, seed >> 24);
            if (seed % 7 == 1) handler.postRecord(seed >> 16, uint96(seed >> 24));
            if (seed % 7 == 2) handler.extendLock(seed >> 16, seed >> 24);
            if (seed % 9 == 0) judge.convict(seed >> 16, seed >> 24, seed >> 88, uint32(seed >> 152));
            if (seed % 9 == 1) judge.suspend(seed >> 16, uint32(seed >> 24));
            if (seed % 9 == 2) judge.restake(seed >> 16, seed >> 24);
            if (seed % 9 == 3) judge.multicall(seed >> 16, uint96(seed >> 24), seed % 2 == 0);
            if (seed % 9 == 4) judge.pause(seed >> 16);
        }
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter == address(escrow)) _readStake(logs[i]);
            else if (logs[i].emitter == address(policies)) _readPolicy(logs[i]);
            else if (logs[i].emitter == address(rewards)) _readLease(logs[i]);
        }
        _compare();
    }

    function _readStake(Vm.Log memory log) private {
        bytes32 kind = log.topics[0];
        if (kind == IStakingEscrow.DepositsPaused.selector) {
            pausedThrough = abi.decode(log.data, (uint32));
            return;
        }
        address miner = address(uint160(uint256(log.topics[1])));
        IStakingEscrow.Position storage position = positions[miner];
        if (kind == IStakingEscrow.Deposited.selector) {
            (, position.locked, position.lockPeriods) = abi.decode(log.data, (uint96, uint96, uint32));
        } else if (kind == IStakingEscrow.LockExtended.selector) {
            position.lockPeriods = abi.decode(log.data, (uint32));
        } else if (kind == IStakingEscrow.WindDownSet.selector) {
            position.unlockPeriod = abi.decode(log.data, (uint32));
        } else if (kind == IStakingEscrow.Unbonded.selector) {
            (, position.locked, position.unbonding, position.releasePeriod) =
                abi.decode(log.data, (uint96, uint96, uint96, uint32));
            if (position.locked == 0) (position.lockPeriods, position.unlockPeriod) = (0, 0);
        } else if (kind == IStakingEscrow.Withdrawn.selector) {
            (uint96 amount, uint96 locked) = abi.decode(log.data, (uint96, uint96));
            if (amount > position.locked - locked) (position.unbonding, position.releasePeriod) = (0, 0);
            position.locked = locked;
            if (locked == 0) (position.lockPeriods, position.unlockPeriod) = (0, 0);
        } else if (kind == IStakingEscrow.RestakeSet.selector) {
            restakes[miner] = abi.decode(log.data, (bool));
        } else {
            assertEq(abi.decode(log.data, (uint64)), ++escrowSeq);
            if (kind == IStakingEscrow.Slashed.selector) {
                (,,, position.locked, position.unbonding) =
                    abi.decode(log.data, (uint64, uint96, uint96, uint96, uint96));
                if (position.locked == 0) (position.lockPeriods, position.unlockPeriod) = (0, 0);
                if (position.unbonding == 0) position.releasePeriod = 0;
            }
            if (kind == IStakingEscrow.WorkerBonded.selector) {
                workers[miner] = address(uint160(uint256(log.topics[2])));
            } else if (kind == IStakingEscrow.MinRatePosted.selector) {
                (, rates[miner]) = abi.decode(log.data, (uint64, uint96));
            }
        }
    }

    function _readLease(Vm.Log memory log) private {
        if (log.topics[0] == IMiningRewards.ReserveReturned.selector) return;
        address miner = address(uint160(uint256(log.topics[1])));
        if (log.topics[0] == IMiningRewards.ActivityConfirmed.selector) {
            (, leases[miner]) = abi.decode(log.data, (uint32, uint32));
            suspensions[miner] = 0;
        } else if (log.topics[0] == IMiningRewards.MinerSuspended.selector) {
            leases[miner] = 0;
            (, suspensions[miner]) = abi.decode(log.data, (uint32, uint32));
        }
    }

    function _readPolicy(Vm.Log memory log) private {
        bytes32 kind = log.topics[0];
        if (kind == IPolicyManager.PoliciesPaused.selector) return;
        PolicyView storage view_ = views[log.topics[1]];
        if (kind == IPolicyManager.PolicyRefunded.selector) {
            (view_.refundedThrough,) = abi.decode(log.data, (uint32, uint256));
            return;
        }
        if (kind == IPolicyManager.FeesCollected.selector) return;
        assertEq(abi.decode(log.data, (uint64)), ++policySeq);
        if (kind == IPolicyManager.PolicyCreated.selector) {
            (, IPolicyManager.Terms memory terms) = abi.decode(log.data, (uint64, IPolicyManager.Terms));
            (view_.effectiveLast, view_.refundedThrough) = (terms.lastPeriod, terms.firstPeriod - 1);
        } else if (kind == IPolicyManager.ArrangementRevoked.selector) {
            ++view_.revokedAlone;
            (, endsAlone[log.topics[1]][address(uint160(uint256(log.topics[2])))]) =
                abi.decode(log.data, (uint64, uint32));
        } else {
            (, view_.effectiveLast) = abi.decode(log.data, (uint64, uint32));
            view_.revoked = kind == IPolicyManager.PolicyRevoked.selector;
        }
    }

    function _compare() private view {
        assertEq(escrowSeq, escrow.lastSeq());
        assertEq(policySeq, policies.lastSeq());
        assertEq(pausedThrough, escrow.pausedThrough());
        for (uint256 i = 0; i < miners.length; ++i) {
            address miner = miners[i];
            assertEq(abi.encode(positions[miner]), abi.encode(escrow.position(miner)));
            assertEq(workers[miner], escrow.workerOf(miner));
            assertEq(rates[miner], escrow.minRateOf(miner));
            (uint32 through,) = rewards.leaseOf(miner);
            assertEq(leases[miner], through);
            assertEq(suspensions[miner], rewards.suspendedThrough(miner));
            assertEq(restakes[miner], escrow.restakeEnabled(miner));
        }
        for (uint256 k = 0; k < handler.count(); ++k) {
            bytes32 id = policies.policyId(handler.termsOf(k));
            IPolicyManager.State memory state = policies.stateOf(id);
            assertEq(views[id].effectiveLast, state.effectiveLast);
            assertEq(views[id].refundedThrough, state.refundedThrough);
            assertEq(views[id].revoked, state.revoked);
            _compareArrangements(handler.termsOf(k), id);
        }
    }

    function _compareArrangements(IPolicyManager.Terms memory terms, bytes32 id) private view {
        uint256 found;
        for (uint256 i = 0; i < terms.miners.length; ++i) {
            uint32 last = views[id].effectiveLast;
            uint32 own = endsAlone[id][terms.miners[i]];
            if (own != 0) {
                ++found;
                if (own < last) last = own;
                (, uint64 revokedAt) = policies.accessEnd(terms, terms.miners[i]);
                assertGt(revokedAt, 0);
            }
            assertEq(policies.effectiveLastOf(terms, terms.miners[i]), last);
        }
        assertEq(found, views[id].revokedAlone);
    }
}
