// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {PolicyHandler} from "./PolicyHandler.sol";
import {IControl} from "../../src/interfaces/IControl.sol";
import {IKMSToken} from "../../src/interfaces/IKMSToken.sol";
import {IMiningRewards} from "../../src/interfaces/IMiningRewards.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {IStakingEscrow} from "../../src/interfaces/IStakingEscrow.sol";

interface IMulticall {
    function multicall(bytes[] calldata data) external returns (bytes[] memory);
}

/// @notice Adds the judges, the guardian, restaking and several calls in one, each in its own name.
contract JudgeHandler is PolicyHandler {
    IControl private immutable control;
    uint256 public suspensions;
    uint256 public pauses;
    mapping(address miner => uint256) public slashed;
    mapping(address miner => uint32) public expectedThrough;

    constructor(IKMSToken t, IStakingEscrow e, IMiningRewards r, IPolicyManager p, IControl c)
        PolicyHandler(t, e, r, p)
    {
        control = c;
    }

    /// @notice A conviction: slash, return to the reserve, suspend.
    function convict(uint256 who, uint256 amount, uint256 share, uint32 periods) external {
        address miner = _pick(who);
        IStakingEscrow.Position memory position = escrow.position(miner);
        uint96 atRisk = position.locked + position.unbonding;
        if (atRisk == 0) return;
        uint96 penalty = uint96(bound(amount, 1, amount % 7 == 0 ? atRisk : atRisk / 4 + 1));
        if (penalty > atRisk) penalty = atRisk;
        uint96 reward = uint96(bound(share, 0, (penalty - 1) / 2));
        address judge = escrow.adjudicator();
        vm.startPrank(judge);
        escrow.slash(miner, penalty, address(this), reward);
        rewards.returnToReserve(penalty - reward);
        vm.stopPrank();
        _suspendAs(judge, miner, uint32(bound(periods, 0, 20)));
        ++escrowSeq;
        slashed[miner] += penalty;
        staked[miner] -= penalty;
        burned += penalty - reward;
        model.returned(penalty - reward);
    }

    function suspend(uint256 who, uint32 periods) external {
        _suspendAs(rewards.challenges(), _pick(who), uint32(bound(periods, 0, 10)));
    }

    function restake(uint256 who, uint256 byWorker) external {
        address miner = _pick(who);
        uint256 due = rewards.claimable(miner);
        address worker = escrow.workerOf(miner);
        if (due == 0 || escrow.position(miner).locked == 0) return;
        bool asWorker = byWorker % 2 == 0 && worker != address(0) && escrow.restakeEnabled(miner);
        vm.prank(asWorker ? worker : miner);
        require(rewards.restake(miner) == due, "restake differs from claimable");
        paid[miner] += due;
        minted += due;
        staked[miner] += due;
        model.claimed(miner);
    }

    function pause(uint256 seed) external {
        uint32 current = escrow.currentPeriod();
        address guardian = control.guardian();
        if (control.penaltyTerms().pausedThrough >= current) {
            if (seed % 2 == 0) return;
            vm.prank(guardian);
            control.unpause();
        } else if (current >= control.nextPausePeriod()) {
            vm.prank(guardian);
            control.pause();
            ++pauses;
        }
    }

    /// @notice Owner and worker each do several things at once.
    function multicall(uint256 who, uint96 minRate, bool restakes) external {
        address miner = _pick(who);
        if (escrow.position(miner).locked == 0) return;
        bytes[] memory calls = new bytes[](3);
        calls[0] = abi.encodeCall(escrow.setMinRate, (minRate % 4));
        calls[1] = abi.encodeCall(escrow.setRestake, (restakes));
        calls[2] = abi.encodeCall(escrow.setMinRate, (minRate % 3));
        vm.prank(miner);
        IMulticall(address(escrow)).multicall(calls);
        escrowSeq += 2;

        uint256 due = rewards.claimable(miner);
        calls = new bytes[](due > 0 ? 2 : 1);
        calls[0] = abi.encodeCall(rewards.roll, ());
        if (due > 0) calls[1] = abi.encodeCall(rewards.claim, (miner));
        vm.prank(miner);
        IMulticall(address(rewards)).multicall(calls);
        if (due == 0) return;
        vm.prank(miner);
        token.transfer(address(this), due);
        paid[miner] += due;
        minted += due;
        model.claimed(miner);
    }

    function _suspendAs(address judge, address miner, uint32 periods) private {
        uint32 current = rewards.currentPeriod();
        vm.prank(judge);
        rewards.suspend(miner, periods);
        model.suspend(miner, current);
        ++suspensions;
        if (current + periods > expectedThrough[miner]) expectedThrough[miner] = current + periods;
    }
}
