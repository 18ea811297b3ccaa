// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {PeriodClock} from "./PeriodClock.sol";
import {IControl, IControlled} from "./interfaces/IControl.sol";
import {IKMSToken} from "./interfaces/IKMSToken.sol";
import {IMiningRewards} from "./interfaces/IMiningRewards.sol";
import {IPeriodClock} from "./interfaces/IPeriodClock.sol";
import {IPolicyManager} from "./interfaces/IPolicyManager.sol";
import {ISilenceChallenges} from "./interfaces/ISilenceChallenges.sol";
import {IStakingEscrow} from "./interfaces/IStakingEscrow.sol";
import {SilenceMath} from "./libraries/SilenceMath.sol";

/// @title Challenge books
/// @notice Keeps the open challenges and their bonds, and what silence cost; SilenceChallenges decides.
abstract contract ChallengeBooks is PeriodClock, ISilenceChallenges {
    // ---------------------------------------------------------------- immutables

    IKMSToken internal immutable _token;
    IStakingEscrow internal immutable _escrow;
    IMiningRewards internal immutable _rewards;
    IPolicyManager internal immutable _policies;
    IControl internal immutable _control;

    // ---------------------------------------------------------------- storage

    mapping(bytes32 policyId => mapping(address miner => Challenge)) internal _challenges;
    /// @dev Paid out by fines beyond the gas, for each policy and miner.
    mapping(bytes32 policyId => mapping(address miner => uint96)) private _paidOut;

    // ---------------------------------------------------------------- constructor

    /// @dev `policies_` names all the others. The rewards must name this contract, else no suspension would
    /// succeed.
    constructor(address policies_)
        PeriodClock(IPeriodClock(policies_).genesisTime(), IPeriodClock(policies_).periodSeconds())
    {
        _policies = IPolicyManager(policies_);
        _token = IKMSToken(_policies.token());
        _escrow = IStakingEscrow(_policies.escrow());
        _rewards = IMiningRewards(_policies.rewards());
        _control = IControl(_policies.control());
        require(_rewards.challenges() == address(this), ChallengeContractsMismatch());
    }

    // ---------------------------------------------------------------- internal

    /// @dev The open challenge; reverts if there is none.
    function _opened(bytes32 id, address miner) internal view returns (Challenge memory challenge) {
        challenge = _challenges[id][miner];
        require(challenge.challenger != address(0), ChallengeNotOpen(id, miner));
    }

    /// @dev Clears the challenge but for openedAt and distancePeriods, which bound the next opening.
    function _clear(bytes32 id, address miner) internal {
        Challenge storage challenge = _challenges[id][miner];
        challenge.challenger = address(0);
        challenge.windowSeconds = 0;
        challenge.suspensionPeriods = 0;
        challenge.requester = address(0);
        challenge.bond = 0;
        challenge.penaltyBonds = 0;
        challenge.capsuleHash = 0;
    }

    /// @dev Suspends the miner and takes the penalty into this contract, but for what is burned. One silence,
    /// one penalty: towards however many policies it is shown, the miner pays once until it has confirmed
    /// again, and nothing while a conviction suspends it. A miner with less at stake than the penalty, which
    /// a conviction left so, is suspended only.
    function _punish(
        bytes32 id,
        IPolicyManager.Terms calldata terms,
        address miner,
        Challenge memory challenge
    ) internal returns (Fine memory fine) {
        bool first = _rewards.suspendedThrough(miner) == 0;
        _rewards.suspend(miner, challenge.suspensionPeriods);
        (uint96 locked, uint96 unbonding) = _escrow.stakeAtRisk(miner);
        uint256 penalty = uint256(challenge.bond) * challenge.penaltyBonds;
        if (first && uint256(locked) + unbonding >= penalty) fine = _fine(id, terms, miner, challenge);
    }

    function _fine(
        bytes32 id,
        IPolicyManager.Terms calldata terms,
        address miner,
        Challenge memory challenge
    ) private returns (Fine memory fine) {
        (,, uint256 paid) = _policies.caseOf(terms, miner);
        uint96 before = _paidOut[id][miner];
        fine = SilenceMath.fineOf(challenge.bond, challenge.penaltyBonds, paid > before ? paid - before : 0);
        uint96 out = fine.reward + fine.fee + fine.toSponsor;
        uint96 beyond = out - SilenceMath.gasOf(challenge.bond);
        if (beyond > 0) _paidOut[id][miner] = before + beyond;
        _escrow.slash(miner, fine.penalty, address(this), out);
        _rewards.returnToReserve(fine.penalty - out);
    }

    function _pay(address recipient, uint96 amount) internal {
        if (amount > 0) require(_token.transfer(recipient, amount), ChallengeTransferFailed());
    }

    /// @dev Last second of the answer; numbers of at most 40 bits, so the sum does not overflow.
    function _deadline(Challenge memory challenge) internal pure returns (uint256) {
        return uint256(challenge.openedAt) + challenge.windowSeconds;
    }

    /// @dev Last second in which a challenge that was not answered suspends the miner.
    function _lapse(Challenge memory challenge) internal pure returns (uint256) {
        return uint256(challenge.openedAt) + 2 * uint256(challenge.windowSeconds);
    }

    /// @dev First period in which the next challenge may be opened; 0 if there was none.
    function _allowedFrom(Challenge storage last) internal view returns (uint256) {
        uint256 openedAt = last.openedAt;
        return openedAt == 0 ? 0 : _periodAt(openedAt) + last.distancePeriods;
    }

    /// @dev Period of `timestamp`, which is not before genesis, by the formula of PeriodClock.
    function _periodAt(uint256 timestamp) internal view returns (uint256) {
        return (timestamp - genesisTime) / periodSeconds + 1;
    }

    // ---------------------------------------------------------------- view

    /// @inheritdoc ISilenceChallenges
    function token() external view override returns (address) {
        return address(_token);
    }

    /// @inheritdoc ISilenceChallenges
    function escrow() external view override returns (address) {
        return address(_escrow);
    }

    /// @inheritdoc ISilenceChallenges
    function rewards() external view override returns (address) {
        return address(_rewards);
    }

    /// @inheritdoc ISilenceChallenges
    function policies() external view override returns (address) {
        return address(_policies);
    }

    /// @inheritdoc IControlled
    function control() external view override returns (address) {
        return address(_control);
    }

    /// @inheritdoc ISilenceChallenges
    function challengeOf(bytes32 policyId, address miner) external view override returns (Challenge memory) {
        return _challenges[policyId][miner];
    }
}
