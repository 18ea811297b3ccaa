// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ChallengeTest} from "../base/ChallengeTest.sol";
import {IControl} from "../../src/interfaces/IControl.sol";
import {IMiningRewards} from "../../src/interfaces/IMiningRewards.sol";
import {ISilenceChallenges} from "../../src/interfaces/ISilenceChallenges.sol";

contract CloseTest is ChallengeTest {
    uint256 private opened;

    function setUp() public override {
        super.setUp();
        _open(1);
        opened = vm.getBlockTimestamp();
    }

    function _closes(ISilenceChallenges.Outcome expected) private {
        ISilenceChallenges.Fine memory fine;
        if (expected == ISilenceChallenges.Outcome.Silent) fine = _fineOf(_paid());
        (uint256 before, uint256 fee) = (token.balanceOf(alice), token.balanceOf(bob));
        vm.expectEmit(address(silence));
        emit ISilenceChallenges.ChallengeClosed(id, miner, alice, expected, fine);
        vm.prank(bob);
        assertEq(uint8(silence.close(terms, miner)), uint8(expected));
        // Alice is the sponsor as well.
        assertEq(token.balanceOf(alice) - before, bond + fine.reward + fine.toSponsor, "the bond returns");
        assertEq(token.balanceOf(bob) - fee, fine.fee);
        assertEq(token.balanceOf(address(silence)), 0);
        assertEq(silence.challengeOf(id, miner).challenger, address(0));
    }

    // ---------------------------------------------------------------- silence

    function test_silenceSuspendsTheMiner() public {
        vm.warp(opened + WINDOW + 1);
        _closes(ISilenceChallenges.Outcome.Silent);
        uint32 through = _now() + 3;
        assertEq(rewards.suspendedThrough(miner), through);
        assertTrue(rewards.isActive(miner, _now()), "the current period stays");
        assertFalse(rewards.isActive(miner, _now() + 1));
        vm.expectRevert(abi.encodeWithSelector(IMiningRewards.RewardsSuspended.selector, miner, through));
        vm.prank(worker);
        rewards.confirmActivity(_now() + 1);
        _goto(through + 1);
        _confirm(worker, _now() + 1);
    }

    function test_theSponsorGetsTheSuspendedPeriodsBack() public {
        vm.warp(opened + WINDOW + 1);
        silence.close(terms, miner);
        uint32 current = _now();
        _goto(current + 4);
        uint256 before = token.balanceOf(terms.sponsor);
        policies.refund(terms);
        assertEq(token.balanceOf(terms.sponsor) - before, 3 * uint256(RATE));
    }

    function test_refusesToCloseBeforeTheWindowIsOver() public {
        bytes memory error =
            abi.encodeWithSelector(ISilenceChallenges.ChallengeWindowOpen.selector, opened + WINDOW);
        vm.expectRevert(error);
        silence.close(terms, miner);
        vm.warp(opened + WINDOW);
        vm.expectRevert(error);
        silence.close(terms, miner);
        vm.warp(opened + WINDOW + 1);
        _closes(ISilenceChallenges.Outcome.Silent);
    }

    function test_silenceIsShownThroughASecondWindowAndNotAfterIt() public {
        uint256 snapshot = vm.snapshotState();
        vm.warp(opened + 2 * WINDOW);
        _closes(ISilenceChallenges.Outcome.Silent);
        assertGt(rewards.suspendedThrough(miner), 0);
        vm.revertToState(snapshot);
        vm.warp(opened + 2 * WINDOW + 1);
        _closes(ISilenceChallenges.Outcome.Lapsed);
        assertEq(rewards.suspendedThrough(miner), 0);
    }

    function test_theTermsAreThoseOfTheOpening() public {
        IControl.ChallengeTerms memory parameters = _challengeTerms();
        parameters.bond = 1;
        parameters.windowSeconds = 1 hours;
        parameters.suspensionPeriods = 64;
        _setChallenge(parameters);
        vm.warp(opened + WINDOW);
        vm.expectRevert(
            abi.encodeWithSelector(ISilenceChallenges.ChallengeWindowOpen.selector, opened + WINDOW)
        );
        silence.close(terms, miner);
        vm.warp(opened + WINDOW + 1);
        _closes(ISilenceChallenges.Outcome.Silent);
        assertEq(rewards.suspendedThrough(miner), _now() + 3);
    }

    function test_aPauseDoesNotBlockClosing() public {
        vm.prank(guardian);
        control.pause();
        vm.warp(opened + WINDOW + 1);
        _closes(ISilenceChallenges.Outcome.Silent);
    }

    function test_silenceTowardsTwoPoliciesIsNoLongerThanTowardsOne() public {
        (uint32 first, uint32 last) = (terms.firstPeriod, terms.lastPeriod);
        (terms.salt, terms.firstPeriod, terms.lastPeriod) = (bytes32(uint256(1)), _now(), _now() + 20);
        id = _create(terms);
        vm.prank(alice);
        token.approve(address(silence), type(uint256).max);
        _open(2);
        vm.warp(vm.getBlockTimestamp() + WINDOW + 1);
        silence.close(terms, miner);
        uint32 through = rewards.suspendedThrough(miner);
        (terms.salt, terms.firstPeriod, terms.lastPeriod) = (0, first, last);
        silence.close(terms, miner);
        assertEq(rewards.suspendedThrough(miner), through);
        assertEq(token.balanceOf(address(silence)), 0);
    }

    // ---------------------------------------------------------------- void

    function test_aRevocationVoidsItAtOnce() public {
        _revoke();
        _closes(ISilenceChallenges.Outcome.Void);
        assertEq(rewards.suspendedThrough(miner), 0);
    }

    function test_theArrangementsRevocationVoidsItAtOnce() public {
        _revokeArrangement(miner);
        _closes(ISilenceChallenges.Outcome.Void);
        assertEq(rewards.suspendedThrough(miner), 0);
    }

    function test_aRevocationVoidsItAfterTheWindowToo() public {
        vm.warp(opened + WINDOW + 1);
        _revoke();
        _closes(ISilenceChallenges.Outcome.Void);
        assertEq(rewards.suspendedThrough(miner), 0);
    }

    function test_anotherArrangementsRevocationVoidsNothing() public {
        _revokeArrangement(miners[0]);
        vm.expectRevert(
            abi.encodeWithSelector(ISilenceChallenges.ChallengeWindowOpen.selector, opened + WINDOW)
        );
        silence.close(terms, miner);
        vm.warp(opened + WINDOW + 1);
        _closes(ISilenceChallenges.Outcome.Silent);
    }

    // ---------------------------------------------------------------- refused

    function test_refusesToCloseTwice() public {
        vm.warp(opened + WINDOW + 1);
        _closes(ISilenceChallenges.Outcome.Silent);
        vm.expectRevert(abi.encodeWithSelector(ISilenceChallenges.ChallengeNotOpen.selector, id, miner));
        silence.close(terms, miner);
    }

    function test_refusesToCloseWhatWasAnswered() public {
        _answer();
        vm.warp(opened + WINDOW + 1);
        vm.expectRevert(abi.encodeWithSelector(ISilenceChallenges.ChallengeNotOpen.selector, id, miner));
        silence.close(terms, miner);
        assertEq(rewards.suspendedThrough(miner), 0);
    }

    function test_refusesToCloseWhatWasNeverOpened() public {
        vm.warp(opened + WINDOW + 1);
        vm.expectRevert(abi.encodeWithSelector(ISilenceChallenges.ChallengeNotOpen.selector, id, miners[0]));
        silence.close(terms, miners[0]);
    }

    function test_refusesToAnswerWhatWasClosed() public {
        ISilenceChallenges.Answer memory reply = _answerBy(worker, miner, 0x02);
        vm.warp(opened + WINDOW + 1);
        _closes(ISilenceChallenges.Outcome.Silent);
        vm.warp(opened + WINDOW);
        vm.expectRevert(abi.encodeWithSelector(ISilenceChallenges.ChallengeNotOpen.selector, id, miner));
        silence.answer(terms, miner, reply);
    }
}
