// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ChallengeTest} from "../base/ChallengeTest.sol";
import {IMiningRewards} from "../../src/interfaces/IMiningRewards.sol";
import {ISilenceChallenges} from "../../src/interfaces/ISilenceChallenges.sol";
import {Secp256k1} from "../../src/libraries/Secp256k1.sol";

/// @notice One test for each way to hurt somebody that SilenceChallenges' comment goes through.
contract GriefTest is ChallengeTest {
    // ---------------------------------------------------------------- against a miner

    function test_anAuthorWhoNeverDeliveredTheFragmentCannotChallenge() public {
        ISilenceChallenges.Demand memory demand = _demand(1);
        // All it has is what it can sign itself.
        demand.ackSignature = _ack(alice, id, miner, KFRAG_HASH);
        vm.expectRevert(abi.encodeWithSelector(ISilenceChallenges.ChallengeNotAcknowledged.selector, miner));
        vm.prank(alice);
        silence.openAsAuthor(demand);
    }

    function test_aCapsuleThatNoMinerAnswersCannotBePosted() public {
        ISilenceChallenges.Demand memory demand = _demand(1);
        // V = -E satisfies the equation, and every node refuses it: it opens to the identity.
        (demand.capsule, demand.capsuleWitness) = _capsule(5, Secp256k1.N - 5);
        vm.expectRevert(ISilenceChallenges.ChallengeCapsuleInvalid.selector);
        vm.prank(alice);
        silence.openAsAuthor(demand);
    }

    function test_aPointThatOnlyAJudgeCouldMistakeCannotBePosted() public {
        ISilenceChallenges.Demand memory demand = _demand(1);
        bytes memory text = demand.capsule;
        // x between the group's order and the field's: a node refuses it.
        for (uint256 i = 0; i < 32; ++i) {
            text[1 + i] = bytes32(Secp256k1.P - 3)[i];
        }
        demand.capsule = text;
        vm.expectRevert(ISilenceChallenges.ChallengeCapsuleInvalid.selector);
        vm.prank(alice);
        silence.openAsAuthor(demand);
    }

    function test_aChallengeHeldBackDoesNotHangOverTheMiner() public {
        _open(1);
        _activeUntil(_now() + 30);
        assertEq(uint8(silence.close(terms, miner)), uint8(ISilenceChallenges.Outcome.Lapsed));
        assertEq(rewards.suspendedThrough(miner), 0);
        assertTrue(rewards.isActive(miner, _now()));
    }

    function test_aFloodIsOnePerPolicyAndDistance() public {
        uint32 start = _now();
        uint256 opened;
        uint256 earned = token.balanceOf(miner);
        for (uint32 period = start; period < start + 21; ++period) {
            _activeUntil(period);
            ISilenceChallenges.Demand memory demand = _demand(period);
            vm.prank(alice);
            try silence.openAsAuthor(demand) {
                ++opened;
                _answer();
            } catch {}
        }
        assertEq(opened, 3);
        assertEq(token.balanceOf(miner) - earned, 3 * uint256(bond / 2), "and each pays the miner");
    }

    function test_aMinerAlreadySuspendedIsNotChallengedAgain() public {
        _open(1);
        vm.warp(vm.getBlockTimestamp() + WINDOW + 1);
        silence.close(terms, miner);
        uint32 through = rewards.suspendedThrough(miner);
        for (uint32 period = _now() + 1; period <= through; ++period) {
            _goto(period);
            ISilenceChallenges.Demand memory demand = _demand(2);
            vm.expectRevert(
                abi.encodeWithSelector(ISilenceChallenges.ChallengeMinerInactive.selector, miner, period)
            );
            vm.prank(alice);
            silence.openAsAuthor(demand);
        }
    }

    function test_theAuthorMayTakeTheAnswerAndRevokeButOnlyOnce() public {
        _open(1);
        ISilenceChallenges.Answer memory reply = _answerBy(worker, miner, 0x02);
        // It saw the answer in the mempool and came first: the miner loses the gas of a revert ...
        _revokeArrangement(miner);
        uint64 revokedAt = uint64(vm.getBlockTimestamp());
        vm.expectRevert(
            abi.encodeWithSelector(ISilenceChallenges.ChallengeAccessRevoked.selector, id, miner, revokedAt)
        );
        silence.answer(terms, miner, reply);
        assertEq(uint8(silence.close(terms, miner)), uint8(ISilenceChallenges.Outcome.Void));
        // ... and the author the miner.
        _activeUntil(_now() + 10);
        ISilenceChallenges.Demand memory demand = _demand(2);
        vm.expectRevert(
            abi.encodeWithSelector(ISilenceChallenges.ChallengeAccessRevoked.selector, id, miner, revokedAt)
        );
        vm.prank(alice);
        silence.openAsAuthor(demand);
    }

    function test_theEndOfAPolicyCannotBeUsedToCutTheWindowShort() public {
        _activeUntil(terms.lastPeriod);
        ISilenceChallenges.Demand memory demand = _demand(1);
        vm.expectRevert(
            abi.encodeWithSelector(
                ISilenceChallenges.ChallengeBeyondEnd.selector, terms.lastPeriod + 1, terms.lastPeriod
            )
        );
        vm.prank(alice);
        silence.openAsAuthor(demand);
    }

    function test_aReorganisationCannotTurnOneAnswerIntoAnother() public {
        uint256 snapshot = vm.snapshotState();
        _open(1);
        ISilenceChallenges.Answer memory reply = _answerBy(worker, miner, 0x02);
        vm.revertToState(snapshot);
        // On the other branch another capsule was asked, or none.
        vm.expectRevert(abi.encodeWithSelector(ISilenceChallenges.ChallengeNotOpen.selector, id, miner));
        silence.answer(terms, miner, reply);
        _open(2);
        vm.expectRevert(abi.encodeWithSelector(ISilenceChallenges.ChallengeReceiptInvalid.selector, miner));
        silence.answer(terms, miner, reply);
    }

    function test_aReorganisationThatKeepsTheChallengeKeepsTheAnswer() public {
        uint256 snapshot = vm.snapshotState();
        _open(1);
        ISilenceChallenges.Answer memory reply = _answerBy(worker, miner, 0x02);
        vm.revertToState(snapshot);
        vm.warp(vm.getBlockTimestamp() + 12);
        _open(1);
        silence.answer(terms, miner, reply);
    }

    // ---------------------------------------------------------------- by a miner

    function test_aMinerCannotEscapeByDismissingItsWorker() public {
        _open(1);
        vm.prank(miner);
        escrow.unbondWorker();
        vm.warp(vm.getBlockTimestamp() + WINDOW + 1);
        assertEq(uint8(silence.close(terms, miner)), uint8(ISilenceChallenges.Outcome.Silent));
        assertGt(rewards.suspendedThrough(miner), _now());
    }

    function test_aMinerCannotEscapeByChangingItsWorkerFirst() public {
        ISilenceChallenges.Demand memory demand = _demand(1);
        _bond(miner, makeAddr("another worker"));
        vm.prank(alice);
        silence.openAsAuthor(demand);
    }

    function test_aMinerThatWindsDownIsBoundAndMayAnswer() public {
        vm.prank(miner);
        escrow.setWindDown(true);
        _open(1);
        uint256 snapshot = vm.snapshotState();
        _answer();
        vm.revertToState(snapshot);
        vm.warp(vm.getBlockTimestamp() + WINDOW + 1);
        assertEq(uint8(silence.close(terms, miner)), uint8(ISilenceChallenges.Outcome.Silent));
    }

    function test_aMinerThatUnbondedEverythingIsSuspendedAllTheSame() public {
        _open(1);
        vm.prank(miner);
        escrow.unbond(MIN_LOCKED);
        vm.warp(vm.getBlockTimestamp() + WINDOW + 1);
        silence.close(terms, miner);
        assertFalse(rewards.isActive(miner, _now() + 1));
    }

    function test_suspensionCannotBeConfirmedAwayByAnotherWorker() public {
        _open(1);
        vm.warp(vm.getBlockTimestamp() + WINDOW + 1);
        silence.close(terms, miner);
        address fresh = makeAddr("another worker");
        _bond(miner, fresh);
        vm.expectRevert(
            abi.encodeWithSelector(
                IMiningRewards.RewardsSuspended.selector, miner, rewards.suspendedThrough(miner)
            )
        );
        vm.prank(fresh);
        rewards.confirmActivity(_now() + 1);
    }

    function test_anotherMinersAnswerHelpsNobody() public {
        _open(1);
        ISilenceChallenges.Answer memory reply = _answerBy(workers[0], miner, 0x02);
        vm.expectRevert(abi.encodeWithSelector(ISilenceChallenges.ChallengeReceiptInvalid.selector, miner));
        vm.prank(workers[0]);
        silence.answer(terms, miner, reply);
    }

    // ---------------------------------------------------------------- against the challenger

    function test_aCopyOfTheReadersWordIsWorthless() public {
        ISilenceChallenges.Demand memory demand = _demand(1);
        ISilenceChallenges.ReaderConsent memory consent =
            _consent(demand, bob, uint64(vm.getBlockTimestamp()));
        vm.expectRevert(
            abi.encodeWithSelector(ISilenceChallenges.ChallengeConsentInvalid.selector, reader.addr)
        );
        vm.prank(alice);
        silence.openAsReader(demand, consent);
    }

    function test_anUnresponsiveChallengerGetsItsBondAllTheSame() public {
        uint256 before = token.balanceOf(alice);
        _open(1);
        vm.warp(vm.getBlockTimestamp() + 1_000 days);
        vm.prank(makeAddr("stranger"));
        silence.close(terms, miner);
        assertEq(token.balanceOf(alice), before);
        assertEq(token.balanceOf(makeAddr("stranger")), 0, "nobody is fined after the second window");
    }

    function test_aFailingSuspensionHoldsTheBondNoLongerThanTheSecondWindow() public {
        uint256 before = token.balanceOf(alice);
        _open(1);
        vm.mockCallRevert(
            address(rewards), abi.encodeWithSelector(IMiningRewards.suspend.selector), "broken"
        );
        vm.warp(vm.getBlockTimestamp() + WINDOW + 1);
        vm.expectRevert("broken");
        silence.close(terms, miner);
        vm.warp(vm.getBlockTimestamp() + WINDOW);
        silence.close(terms, miner);
        assertEq(token.balanceOf(alice), before);
    }

    function test_tokensSentByMistakeDisturbNoBond() public {
        _fund(address(silence), 5 ether);
        _open(1);
        _answer();
        assertEq(token.balanceOf(address(silence)), 5 ether);
    }
}
