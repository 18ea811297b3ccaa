// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {SymbolicTest} from "./SymbolicTest.sol";
import {RewardMath} from "../../src/libraries/RewardMath.sol";

/// @notice What of the reward formula a solver can decide: the edges of the products. Products of two
/// free 96-bit numbers are beyond it, and so are quotients by 730; test/rewards fuzzes those, and the
/// histories of tests/vectors compare them with the Rust formula. Proved by halmos.
contract RewardsSymbolic is SymbolicTest {
    function check_withoutKappaTheWeightIsWhatIsLocked(uint96 locked, uint32 term) public pure {
        assert(RewardMath.weightDown(locked, term, 0) == locked);
    }

    function check_noReserveEmitsNothing(uint64 decay, uint96 reserve) public pure {
        assert(RewardMath.emissionDown(0, decay) == 0);
        assert(RewardMath.emissionDown(reserve, 0) == 0);
    }

    /// @dev decay is at most 2^63 (RewardMathTest): no period ever emits more than half the reserve.
    function check_theGreatestDecayHalvesTheReserve(uint96 reserve) public pure {
        assert(RewardMath.emissionDown(reserve, 2 ** 63) == reserve / 2);
    }

    function check_aLoneUnitTakesTheWholeEmission(uint96 emission) public pure {
        uint256 step = RewardMath.indexStepDown(emission, 1, 0);
        assert(RewardMath.emittedUp(1, step) == emission);
        assert(RewardMath.rewardDown(1, step) == emission);
    }

    /// @dev Between two powers of two of the index step, what is booked covers what is paid.
    function check_whatIsBookedCoversWhatIsPaid(uint96 weight, uint8 shift) public pure {
        assume(shift <= 96);
        uint256 step = uint256(1) << shift;
        uint256 emitted = RewardMath.emittedUp(weight, step);
        uint256 reward = RewardMath.rewardDown(weight, step);
        assert(reward <= emitted && emitted - reward <= 1);
    }
}
