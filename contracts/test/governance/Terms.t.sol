// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "../base/KmsTest.sol";
import {IControl} from "../../src/interfaces/IControl.sol";

/// @notice Terms of convictions are not retroactive: those of then hold for what was done then.
contract TermsTest is KmsTest {
    function _set(uint16 shareBps) private {
        IControl.PenaltyTerms memory terms = _penaltyTerms();
        terms.shareBps = shareBps;
        vm.prank(address(timelock));
        control.setPenalty(terms);
    }

    /// @dev For expectRevert: one call.
    function set(uint16 shareBps) external {
        _set(shareBps);
    }

    function testFuzz_theTermsAreThoseOfTheTime(uint64 time, uint32 periods) public {
        assertEq(control.penaltySince(), 0);
        assertEq(control.penaltyTermsAt(time).shareBps, 1_000, "no change yet");
        uint64 since = uint64(vm.getBlockTimestamp());
        _set(2_000);
        assertEq(control.penaltySince(), since);
        assertEq(control.penaltyTermsAt(time).shareBps, time < since ? 1_000 : 2_000);
        assertEq(control.penaltyTermsAt(since).shareBps, 2_000);
        assertEq(control.penaltyTermsAt(since - 1).shareBps, 1_000);
        // A later change leaves nothing of the first terms, and no evidence of their time counts any more.
        _skip(bound(periods, EVIDENCE + 1, 1_000));
        _set(3_000);
        assertEq(control.penaltyTermsAt(since - 1).shareBps, 2_000);
    }

    function test_theTermsStayUntilNoOlderEvidenceCounts() public {
        assertEq(control.nextPenaltyPeriod(), 0);
        _set(2_000);
        uint32 from = 10 + EVIDENCE + 1;
        assertEq(control.nextPenaltyPeriod(), from);
        _goto(from - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IControl.ControlTermsTooSoon.selector, uint256(from), from - 1)
        );
        this.set(3_000);
        assertEq(control.penaltyTerms().shareBps, 2_000);
        _goto(from);
        _set(3_000);
    }

    /// @dev A pause is of now, whatever the terms are of.
    function test_aPauseHoldsForTheTermsBeforeAsWell() public {
        _set(2_000);
        vm.prank(guardian);
        control.pause();
        uint32 through = control.penaltyTerms().pausedThrough;
        assertEq(control.penaltyTermsAt(0).pausedThrough, through);
        vm.prank(guardian);
        control.unpause();
        assertEq(control.penaltyTermsAt(0).pausedThrough, 0);
    }
}
