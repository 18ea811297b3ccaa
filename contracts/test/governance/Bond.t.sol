// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "../base/KmsTest.sol";
import {IControl} from "../../src/interfaces/IControl.sol";

/// @notice Silence never costs more than the least conviction, whichever of the two is changed: else a false
/// answer would be cheaper. The fine is a number of bonds, so this bounds the bond as well.
contract BondTest is KmsTest {
    uint96 private constant BONDS = 20;
    /// @dev The fine is a tenth of the least stake at most.
    uint96 private constant HIGHEST = MIN_LOCKED / 10 / BONDS;

    function _refused(bytes memory call, uint96 bond, uint96 floor) private {
        bytes memory before = abi.encode(control.penaltyTerms(), control.challengeTerms());
        vm.expectRevert(
            abi.encodeWithSelector(IControl.ControlSilenceAboveFloor.selector, uint256(BONDS) * bond, floor)
        );
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

    function testFuzz_refusesAFineAboveTheFloor(uint96 bond) public {
        uint96 floor = BONDS * 40 ether;
        bond = uint96(bound(bond, 40 ether + 1, HIGHEST));
        assertTrue(_set(_bond(1)));
        assertTrue(_set(_floor(floor)));
        _refused(_bond(bond), bond, floor);
        _refused(_bond(40 ether + 1), 40 ether + 1, floor);
        assertTrue(_set(_bond(40 ether)));
        assertEq(control.challengeTerms().bond, 40 ether);
    }

    function testFuzz_refusesAFloorBelowTheFine(uint96 floor) public {
        uint96 bond = _challengeTerms().bond;
        floor = uint96(bound(floor, 1, BONDS * bond - 1));
        _refused(_floor(floor), bond, floor);
        _refused(_floor(BONDS * bond - 1), bond, BONDS * bond - 1);
        assertTrue(_set(_floor(BONDS * bond)));
        assertEq(control.penaltyTerms().floor, BONDS * bond);
    }

    /// @dev Both can still be brought anywhere: down the bond first, up the floor first.
    function test_bothMoveTogetherInTheRightOrder() public {
        assertTrue(_set(_floor(MIN_LOCKED / 2)));
        assertTrue(_set(_bond(HIGHEST)));
        _refused(_floor(1), HIGHEST, 1);
        assertTrue(_set(_bond(1)));
        assertTrue(_set(_floor(BONDS)));
        assertEq(BONDS * control.challengeTerms().bond, control.penaltyTerms().floor);
    }

    /// @dev Whatever is asked for, in whatever order, and whatever of it is refused.
    function testFuzz_theFineNeverExceedsTheFloor(uint96[8] memory amounts) public {
        for (uint256 i = 0; i < 8; ++i) {
            (uint96 bond, uint96 floor) = (control.challengeTerms().bond, control.penaltyTerms().floor);
            if (amounts[i] % 2 == 0) {
                uint96 amount = uint96(bound(amounts[i], 1, MIN_LOCKED / 2));
                assertEq(_set(_floor(amount)), BONDS * bond <= amount);
            } else {
                uint96 amount = uint96(bound(amounts[i], 1, HIGHEST));
                assertEq(_set(_bond(amount)), BONDS * amount <= floor);
            }
            assertLe(BONDS * control.challengeTerms().bond, control.penaltyTerms().floor);
        }
    }
}
