// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "../base/KmsTest.sol";
import {IControl} from "../../src/interfaces/IControl.sol";

/// @notice The bond of a challenge goes to the miner that answers. One far above the gas of an answer would
/// pay it to answer challenges only, so it never exceeds the least penalty.
contract BondTest is KmsTest {
    function _refused(bytes memory call, uint96 bond, uint96 floor) private {
        bytes memory before = abi.encode(control.penaltyTerms(), control.challengeTerms());
        vm.expectRevert(abi.encodeWithSelector(IControl.ControlBondAboveFloor.selector, bond, floor));
        vm.prank(address(timelock));
        (bool done,) = address(control).call(call);
        done;
        assertEq(abi.encode(control.penaltyTerms(), control.challengeTerms()), before);
    }

    function _bond(uint96 bond) private pure returns (bytes memory) {
        IControl.ChallengeTerms memory terms = _challengeTerms();
        terms.bond = bond;
        return abi.encodeCall(IControl.setChallenge, (terms));
    }

    function _floor(uint96 floor) private pure returns (bytes memory) {
        IControl.PenaltyTerms memory terms = _penaltyTerms();
        terms.floor = floor;
        terms.rewardFloor = floor / 10;
        return abi.encodeCall(IControl.setPenalty, (terms));
    }

    /// @dev When no terms from before the last change count any more.
    function _set(bytes memory call) private returns (bool done) {
        _skip(EVIDENCE + 1);
        vm.prank(address(timelock));
        (done,) = address(control).call(call);
    }

    function testFuzz_refusesABondAboveTheFloor(uint96 bond) public {
        uint96 floor = _penaltyTerms().floor;
        bond = uint96(bound(bond, floor + 1, MIN_LOCKED));
        _refused(_bond(bond), bond, floor);
        _refused(_bond(floor + 1), floor + 1, floor);
        assertTrue(_set(_bond(floor)));
        assertEq(control.challengeTerms().bond, floor);
    }

    function testFuzz_refusesAFloorBelowTheBond(uint96 floor) public {
        uint96 bond = _challengeTerms().bond;
        floor = uint96(bound(floor, 1, bond - 1));
        _refused(_floor(floor), bond, floor);
        _refused(_floor(bond - 1), bond, bond - 1);
        assertTrue(_set(_floor(bond)));
        assertEq(control.penaltyTerms().floor, bond);
    }

    /// @dev Both can still be brought anywhere: down the bond first, up the floor first.
    function test_bothMoveTogetherInTheRightOrder() public {
        assertTrue(_set(_floor(MIN_LOCKED / 2)));
        assertTrue(_set(_bond(MIN_LOCKED / 2)));
        _refused(_floor(1), MIN_LOCKED / 2, 1);
        assertTrue(_set(_bond(1)));
        assertTrue(_set(_floor(1)));
        assertEq(control.challengeTerms().bond, control.penaltyTerms().floor);
    }

    /// @dev Whatever is asked for, in whatever order, and whatever of it is refused.
    function testFuzz_theBondNeverExceedsTheFloor(uint96[8] memory amounts) public {
        for (uint256 i = 0; i < 8; ++i) {
            uint96 amount = uint96(bound(amounts[i], 1, MIN_LOCKED / 2));
            (uint96 bond, uint96 floor) = (control.challengeTerms().bond, control.penaltyTerms().floor);
            if (amounts[i] % 2 == 0) assertEq(_set(_floor(amount)), bond <= amount);
            else assertEq(_set(_bond(amount)), amount <= floor);
            assertLe(control.challengeTerms().bond, control.penaltyTerms().floor);
        }
    }
}
