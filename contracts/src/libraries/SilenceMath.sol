// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ISilenceChallenges} from "../interfaces/ISilenceChallenges.sol";

/// @title Silence mathematics
/// @notice What a challenge costs and pays, in bonds. Control sets the bond to the gas of an answer in KMS,
/// so the gas of this code, which never changes, is a number of bonds. Every division rounds down.
library SilenceMath {
    /// @notice Gas of an opening, in bonds.
    uint256 internal constant OPENING_BONDS = 2;
    /// @notice Gas of closing a challenge that was not answered, in bonds.
    uint256 internal constant CLOSING_BONDS = 3;

    /// @notice Computes the miner's part of the bond when it answers: half, which is about half the gas of
    /// the answer. More, and to answer on chain only would pay; less, and a challenger would burn too
    /// cheaply.
    function shareOf(uint88 bond) internal pure returns (uint88) {
        return bond / 2;
    }

    /// @notice Computes the gas of an opening and a closing in KMS.
    function gasOf(uint88 bond) internal pure returns (uint96) {
        return uint96((OPENING_BONDS + CLOSING_BONDS) * bond);
    }

    /// @notice Computes what silence costs the miner and whom it pays, with `due` what the policy has paid
    /// the miner and earlier fines have not paid out:
    ///
    ///     penalty = penaltyBonds * bond
    ///     beyond  = min(due, (penalty - 1) / 2 - (OPENING_BONDS + CLOSING_BONDS) * bond)
    ///     reward  = OPENING_BONDS * bond + beyond - beyond / 2         to the challenger
    ///     fee     = CLOSING_BONDS * bond                               to whoever closes
    ///     sponsor = beyond / 2
    ///
    /// What is paid out is below penalty / 2, so a miner that has itself challenged by a friend loses more
    /// than half. Beyond the gas nobody gets more than the policy has paid, so a policy made for this gains
    /// nothing. Needs penaltyBonds > 2 * (OPENING_BONDS + CLOSING_BONDS) and bond > 0.
    function fineOf(uint88 bond, uint8 penaltyBonds, uint256 due)
        internal
        pure
        returns (ISilenceChallenges.Fine memory fine)
    {
        // A bond below 2^88 times at most 255: every amount here is below 2^96.
        uint256 penalty = uint256(bond) * penaltyBonds;
        uint256 beyond = (penalty - 1) / 2 - gasOf(bond);
        if (due < beyond) beyond = due;
        fine.penalty = uint96(penalty);
        fine.toSponsor = uint96(beyond / 2);
        fine.reward = uint96(OPENING_BONDS * bond + beyond - beyond / 2);
        fine.fee = uint96(CLOSING_BONDS * bond);
    }
}
