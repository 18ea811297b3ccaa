// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {KmsTest} from "../base/KmsTest.sol";
import {IControl} from "../../src/interfaces/IControl.sol";

contract ControlTest is KmsTest {
    function _refusesPenalty(IControl.PenaltyTerms memory terms, bytes memory reason) private {
        bytes memory before = abi.encode(control.penaltyTerms());
        vm.expectRevert(reason);
        vm.prank(address(timelock));
        control.setPenalty(terms);
        assertEq(abi.encode(control.penaltyTerms()), before);
    }

    function _refusesChallenge(IControl.ChallengeTerms memory terms, bytes memory reason) private {
        bytes memory before = abi.encode(control.challengeTerms());
        vm.expectRevert(reason);
        vm.prank(address(timelock));
        control.setChallenge(terms);
        assertEq(abi.encode(control.challengeTerms()), before);
    }

    // ---------------------------------------------------------------- who

    function testFuzz_onlyTheOwnerSetsTerms(address caller) public {
        vm.assume(caller != address(timelock));
        bytes memory reason = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, caller);
        vm.startPrank(caller);
        vm.expectRevert(reason);
        control.setPenalty(_penaltyTerms());
        vm.expectRevert(reason);
        control.setChallenge(_challengeTerms());
        vm.expectRevert(reason);
        control.proposeGuardian(caller);
        vm.expectRevert(reason);
        control.transferOwnership(caller);
        vm.stopPrank();
    }

    function test_theGuardianIsProposedAndAccepts() public {
        vm.prank(address(timelock));
        control.proposeGuardian(alice);
        assertEq(control.guardian(), guardian, "until it accepts");
        assertEq(control.pendingGuardian(), alice);
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(IControl.ControlNotPendingGuardian.selector, bob));
        control.acceptGuardian();
        vm.expectEmit(address(control));
        emit IControl.GuardianChanged(guardian, alice);
        vm.prank(alice);
        control.acceptGuardian();
        assertEq(control.guardian(), alice);
        assertEq(control.pendingGuardian(), address(0));
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IControl.ControlNotPendingGuardian.selector, alice));
        control.acceptGuardian();
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IControl.ControlNotGuardian.selector, guardian));
        control.pause();
    }

    function test_aProposalIsTakenBack() public {
        vm.startPrank(address(timelock));
        control.proposeGuardian(alice);
        control.proposeGuardian(address(0));
        vm.stopPrank();
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IControl.ControlNotPendingGuardian.selector, alice));
        control.acceptGuardian();
    }

    function test_theOwnerChangesInTwoSteps() public {
        vm.prank(address(timelock));
        control.transferOwnership(alice);
        assertEq(control.owner(), address(timelock));
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, bob));
        control.acceptOwnership();
        vm.prank(alice);
        control.acceptOwnership();
        assertEq(control.owner(), alice);
    }

    function test_nobodyGivesTheOwnershipUp() public {
        vm.prank(address(timelock));
        vm.expectRevert(IControl.ControlOwnerNeeded.selector);
        control.renounceOwnership();
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, guardian));
        control.renounceOwnership();
        assertEq(control.owner(), address(timelock));
    }

    // ---------------------------------------------------------------- bounds of the penalty

    function testFuzz_refusesAFloorOfNothingOrAboveHalfTheLeastStake(uint96 floor) public {
        IControl.PenaltyTerms memory terms = _penaltyTerms();
        terms.floor = 0;
        _refusesPenalty(
            terms, abi.encodeWithSelector(IControl.ControlFloorOutOfBounds.selector, 0, MIN_LOCKED / 2)
        );
        terms.floor = uint96(bound(floor, MIN_LOCKED / 2 + 1, type(uint96).max));
        _refusesPenalty(
            terms,
            abi.encodeWithSelector(IControl.ControlFloorOutOfBounds.selector, terms.floor, MIN_LOCKED / 2)
        );
    }

    function testFuzz_refusesSharesOutOfBounds(uint16 wrong) public {
        IControl.PenaltyTerms memory terms = _penaltyTerms();
        terms.shareBps = uint16(bound(wrong, 3_001, type(uint16).max));
        _refusesPenalty(
            terms, abi.encodeWithSelector(IControl.ControlShareOutOfBounds.selector, terms.shareBps, 3_000)
        );
        terms = _penaltyTerms();
        terms.historyBps = uint16(bound(wrong, 10_001, type(uint16).max));
        _refusesPenalty(
            terms,
            abi.encodeWithSelector(IControl.ControlHistoryOutOfBounds.selector, terms.historyBps, 10_000)
        );
        terms = _penaltyTerms();
        terms.capBps = uint16(bound(wrong, 5_001, type(uint16).max));
        _refusesPenalty(
            terms,
            abi.encodeWithSelector(IControl.ControlCapOutOfBounds.selector, terms.capBps, 1_000, 5_000)
        );
        terms.capBps = uint16(bound(wrong, 0, 999));
        _refusesPenalty(
            terms,
            abi.encodeWithSelector(IControl.ControlCapOutOfBounds.selector, terms.capBps, 1_000, 5_000)
        );
        terms = _penaltyTerms();
        terms.networkCapBps = uint16(bound(wrong, 5_001, type(uint16).max));
        bytes4 reason = IControl.ControlNetworkCapOutOfBounds.selector;
        _refusesPenalty(terms, abi.encodeWithSelector(reason, terms.networkCapBps, 50, 5_000));
        terms.networkCapBps = uint16(bound(wrong, 0, 49));
        _refusesPenalty(terms, abi.encodeWithSelector(reason, terms.networkCapBps, 50, 5_000));
        terms = _penaltyTerms();
        terms.rewardBps = uint16(bound(wrong, 5_000, type(uint16).max));
        _refusesPenalty(
            terms, abi.encodeWithSelector(IControl.ControlRewardOutOfBounds.selector, terms.rewardBps, 4_999)
        );
    }

    function testFuzz_refusesAFloorOfRewardsOutOfBounds(uint96 floor, uint96 wrong) public {
        IControl.PenaltyTerms memory terms = _penaltyTerms();
        terms.floor = uint96(bound(floor, 20 * _challengeTerms().bond, MIN_LOCKED / 2));
        uint96 highest = terms.floor / 10;
        terms.rewardFloor = uint96(bound(wrong, uint256(highest) + 1, type(uint96).max));
        _refusesPenalty(
            terms,
            abi.encodeWithSelector(
                IControl.ControlRewardFloorOutOfBounds.selector, terms.rewardFloor, highest
            )
        );
    }

    function testFuzz_refusesASponsorsShareOutOfBounds(uint16 wrong) public {
        IControl.PenaltyTerms memory terms = _penaltyTerms();
        terms.sponsorBps = uint16(bound(wrong, 10_001, type(uint16).max));
        _refusesPenalty(
            terms,
            abi.encodeWithSelector(
                IControl.ControlSponsorShareOutOfBounds.selector, terms.sponsorBps, 10_000
            )
        );
    }

    function testFuzz_refusesTimesOutOfBounds(uint32 wrong) public {
        IControl.PenaltyTerms memory terms = _penaltyTerms();
        terms.suspensionPeriods = uint16(bound(wrong, 65, type(uint16).max));
        _refusesPenalty(
            terms,
            abi.encodeWithSelector(
                IControl.ControlSuspensionOutOfBounds.selector, terms.suspensionPeriods, 64
            )
        );
    }

    /// @dev Nobody but the guardian stops convictions, and the owner not by the way.
    function testFuzz_thePauseIsNotSetWithTheTerms(uint32 through) public {
        IControl.PenaltyTerms memory terms = _penaltyTerms();
        terms.pausedThrough = uint32(bound(through, 1, type(uint32).max));
        _refusesPenalty(
            terms, abi.encodeWithSelector(IControl.ControlPauseNotSettable.selector, terms.pausedThrough)
        );
    }

    function testFuzz_acceptsEverythingWithinTheBounds(uint256 seed) public {
        IControl.ChallengeTerms memory challenge = _challengeTerms();
        challenge.bond = 1;
        vm.prank(address(timelock));
        control.setChallenge(challenge);
        IControl.PenaltyTerms memory terms = IControl.PenaltyTerms({
            floor: uint96(bound(seed, 20, MIN_LOCKED / 2)),
            shareBps: uint16(bound(seed >> 8, 0, 3_000)),
            historyBps: uint16(bound(seed >> 16, 0, 10_000)),
            capBps: uint16(bound(seed >> 24, 3_000, 5_000)),
            networkCapBps: uint16(bound(seed >> 28, 50, 5_000)),
            rewardBps: uint16(bound(seed >> 32, 0, 4_999)),
            suspensionPeriods: uint16(bound(seed >> 40, 0, 64)),
            pausedThrough: 0,
            rewardFloor: 0,
            sponsorBps: uint16(bound(seed >> 56, 0, 10_000))
        });
        terms.rewardFloor = uint96(bound(seed >> 64, 0, terms.floor / 10));
        vm.prank(guardian);
        control.pause();
        uint32 through = control.penaltyTerms().pausedThrough;
        vm.prank(address(timelock));
        control.setPenalty(terms);
        terms.pausedThrough = through;
        assertEq(abi.encode(control.penaltyTerms()), abi.encode(terms), "terms and the pause as it was");
    }

    /// @dev The escrow's own bound on the reward holds for every reward share that can be set.
    function testFuzz_theChallengersShareIsAlwaysBelowHalf(uint96 penalty, uint16 rewardBps) public pure {
        penalty = uint96(bound(penalty, 1, type(uint96).max));
        rewardBps = uint16(bound(rewardBps, 0, 4_999));
        assertLt(2 * (uint256(penalty) * rewardBps / 10_000), penalty);
    }

    // ---------------------------------------------------------------- bounds of a challenge

    function testFuzz_refusesABondOutOfBounds(uint96 bond) public {
        IControl.ChallengeTerms memory terms = _challengeTerms();
        terms.bond = 0;
        bytes4 reason = IControl.ControlBondOutOfBounds.selector;
        // Twenty bonds are a tenth of the least stake.
        uint96 highest = MIN_LOCKED / 200;
        _refusesChallenge(terms, abi.encodeWithSelector(reason, 0, highest));
        terms.bond = uint96(bound(bond, uint256(highest) + 1, type(uint96).max));
        _refusesChallenge(terms, abi.encodeWithSelector(reason, terms.bond, highest));
    }

    /// @dev With eleven bonds or more, less than half is paid out: five of them are gas.
    function testFuzz_refusesAFineThatPaysOutHalf(uint8 bonds) public {
        IControl.ChallengeTerms memory terms = _challengeTerms();
        terms.penaltyBonds = uint8(bound(bonds, 0, 10));
        _refusesChallenge(
            terms,
            abi.encodeWithSelector(IControl.ControlPenaltyBondsOutOfBounds.selector, terms.penaltyBonds, 11)
        );
        (terms.penaltyBonds, terms.bond) = (11, 1);
        vm.prank(address(timelock));
        control.setChallenge(terms);
    }

    function testFuzz_refusesAWindowOutOfBounds(uint32 window) public {
        IControl.ChallengeTerms memory terms = _challengeTerms();
        terms.windowSeconds = uint32(bound(window, 0, 1 hours - 1));
        bytes4 reason = IControl.ControlWindowOutOfBounds.selector;
        _refusesChallenge(terms, abi.encodeWithSelector(reason, terms.windowSeconds, 1 hours, 7 days));
        terms.windowSeconds = uint32(bound(window, 7 days + 1, type(uint32).max));
        _refusesChallenge(terms, abi.encodeWithSelector(reason, terms.windowSeconds, 1 hours, 7 days));
    }

    function testFuzz_refusesPeriodsOutOfBounds(uint32 periods) public {
        IControl.ChallengeTerms memory terms = _challengeTerms();
        terms.suspensionPeriods = uint16(bound(periods, 65, type(uint16).max));
        _refusesChallenge(
            terms,
            abi.encodeWithSelector(
                IControl.ControlSuspensionOutOfBounds.selector, terms.suspensionPeriods, 64
            )
        );
        terms = _challengeTerms();
        terms.distancePeriods = 0;
        _refusesChallenge(
            terms, abi.encodeWithSelector(IControl.ControlDistanceOutOfBounds.selector, 0, 400)
        );
        terms.distancePeriods = uint32(bound(periods, 401, type(uint32).max));
        _refusesChallenge(
            terms,
            abi.encodeWithSelector(IControl.ControlDistanceOutOfBounds.selector, terms.distancePeriods, 400)
        );
    }

    function test_setsTheTermsOfChallenges() public {
        IControl.ChallengeTerms memory terms = _challengeTerms();
        (terms.bond, terms.windowSeconds) = (_penaltyTerms().floor / 20, 7 days);
        vm.expectEmit(address(control));
        emit IControl.ChallengeTermsSet(terms);
        vm.prank(address(timelock));
        control.setChallenge(terms);
        assertEq(abi.encode(control.challengeTerms()), abi.encode(terms));
    }
}
