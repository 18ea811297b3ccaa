// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {PenaltyBooks} from "./PenaltyBooks.sol";
import {IAdjudicator} from "./interfaces/IAdjudicator.sol";
import {IKMSToken} from "./interfaces/IKMSToken.sol";
import {IMiningRewards} from "./interfaces/IMiningRewards.sol";
import {IPolicyManager} from "./interfaces/IPolicyManager.sol";

/// @title Verdict books
/// @notice Keeps who was heard over each capsule, and what is held for the requester that was not. The tokens
/// of this contract are what is held, and what was sent to it by mistake, which stays.
abstract contract VerdictBooks is PenaltyBooks {
    // ---------------------------------------------------------------- types

    /// @notice Record of a conviction, in one slot.
    struct Verdict {
        uint96 held; // for the requester that was not heard
        uint32 convictedIn; // period; 0 for none
        bool readerHeard;
        bool authorHeard;
    }

    // ---------------------------------------------------------------- immutables

    IMiningRewards internal immutable _rewards;
    IKMSToken private immutable _token;
    /// @dev Periods that a requester has to come: the shortest lock, which no pause outlasts.
    uint32 private immutable _heldPeriods;

    // ---------------------------------------------------------------- storage

    /// @dev By keccak256(miner, policy, capsule), which no bytes of the evidence vary.
    mapping(bytes32 key => Verdict) internal _verdicts;

    // ---------------------------------------------------------------- constructor

    constructor(IPolicyManager policies_)
        PenaltyBooks(
            policies_.escrow(), policies_.control(), IMiningRewards(policies_.rewards()).maxLeasePeriods()
        )
    {
        _rewards = IMiningRewards(policies_.rewards());
        _token = IKMSToken(policies_.token());
        _heldPeriods = _escrow.minLockPeriods();
    }

    // ---------------------------------------------------------------- what nobody came for

    /// @inheritdoc IAdjudicator
    function burnHeld(address miner, bytes32 policyId, bytes32 capsuleHash) external override {
        (uint96 held, uint256 from) = heldOf(miner, policyId, capsuleHash);
        require(held > 0 && currentPeriod() >= from, AdjudicatorNothingToBurn(held, from));
        Verdict storage verdict = _verdicts[_keyOf(miner, policyId, capsuleHash)];
        verdict.held = 0;
        (verdict.readerHeard, verdict.authorHeard) = (true, true);
        emit HeldRewardBurned(policyId, miner, capsuleHash, held);
        _token.burn(held);
        _rewards.returnToReserve(held);
    }

    // ---------------------------------------------------------------- internal

    /// @dev Pays the requester that was not heard yet. The penalty fell before.
    function _payHeld(
        bytes32 policyId,
        bytes32 capsuleHash,
        Verdict memory verdict,
        Accusation calldata accusation
    ) internal {
        uint96 amount = verdict.held;
        verdict.held = 0;
        _verdicts[_keyOf(accusation.miner, policyId, capsuleHash)] = verdict;
        emit HeldRewardPaid(policyId, accusation.miner, accusation.challenger, capsuleHash, amount);
        _push(accusation.challenger, amount);
    }

    /// @dev Pays tokens of this contract. Cannot re-enter: transfer of the KMS token calls no one.
    function _push(address recipient, uint96 amount) internal {
        if (amount > 0) require(_token.transfer(recipient, amount), AdjudicatorTransferFailed());
    }

    /// @dev Key of the record of convictions.
    function _keyOf(address miner, bytes32 policyId, bytes32 capsuleHash) internal pure returns (bytes32) {
        return keccak256(abi.encode(miner, policyId, capsuleHash));
    }

    // ---------------------------------------------------------------- view

    /// @inheritdoc IAdjudicator
    function rewards() external view override returns (address) {
        return address(_rewards);
    }

    /// @inheritdoc IAdjudicator
    function isConvicted(address miner, bytes32 policyId, bytes32 capsuleHash)
        external
        view
        override
        returns (bool)
    {
        return _verdicts[_keyOf(miner, policyId, capsuleHash)].convictedIn != 0;
    }

    /// @inheritdoc IAdjudicator
    function heldOf(address miner, bytes32 policyId, bytes32 capsuleHash)
        public
        view
        override
        returns (uint96 held, uint256 from)
    {
        Verdict storage verdict = _verdicts[_keyOf(miner, policyId, capsuleHash)];
        if (verdict.convictedIn == 0) return (0, 0);
        return (verdict.held, uint256(verdict.convictedIn) + _heldPeriods);
    }
}
