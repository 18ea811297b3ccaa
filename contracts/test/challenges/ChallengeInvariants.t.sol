// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Test} from "forge-std/Test.sol";
import {ChallengeHandler} from "./ChallengeHandler.sol";
import {ISilenceChallenges} from "../../src/interfaces/ISilenceChallenges.sol";
import {IKMSToken} from "../../src/interfaces/IKMSToken.sol";

/// @notice What must hold of the bonds after every call, for any sequence of calls.
contract ChallengeInvariants is Test {
    ChallengeHandler private handler;
    ISilenceChallenges private silence;
    IKMSToken private token;

    function setUp() public {
        handler = new ChallengeHandler();
        handler.setUp();
        (address challenges, address kms) = handler.deployment();
        (silence, token) = (ISilenceChallenges(challenges), IKMSToken(kms));
        bytes4[] memory acts = new bytes4[](13);
        acts[0] = handler.skipTime.selector;
        acts[1] = handler.skipToEdge.selector;
        acts[2] = handler.confirm.selector;
        acts[3] = handler.open.selector;
        acts[4] = handler.answer.selector;
        acts[5] = handler.close.selector;
        acts[6] = handler.revokeArrangement.selector;
        acts[7] = handler.setTerms.selector;
        acts[8] = handler.pause.selector;
        acts[9] = handler.donate.selector;
        // Twice, or little would happen between the steps of time.
        acts[10] = handler.open.selector;
        acts[11] = handler.confirm.selector;
        acts[12] = handler.collect.selector;
        targetContract(address(handler));
        targetSelector(FuzzSelector({addr: address(handler), selectors: acts}));
    }

    /// @dev The contract holds the open bonds, and what was given to it.
    function invariant_balanceIsTheSumOfTheOpenBonds() public view {
        assertEq(token.balanceOf(address(silence)), handler.openBonds() + handler.donated());
    }

    /// @dev A bond is open, or it returned, or half of it was paid for an answer.
    function invariant_eachBondIsPaidExactlyOnce() public view {
        assertEq(handler.posted(), handler.paidToMiners() + handler.returned() + handler.openBonds());
        uint256 open;
        for (uint256 i = 0; i < handler.places(); ++i) {
            (,, ChallengeHandler.Ghost memory ghost) = handler.at(i);
            if (ghost.open) ++open;
        }
        assertEq(handler.opened(), handler.answered() + handler.closed() + open);
        assertEq(silence.lastSeq(), handler.opened());
    }

    /// @dev What is stored is what was opened, under the terms of then; nothing is left of what ended.
    function invariant_challengesAreWhatWasOpened() public view {
        for (uint256 i = 0; i < handler.places(); ++i) {
            (bytes32 id, address miner, ChallengeHandler.Ghost memory ghost) = handler.at(i);
            ISilenceChallenges.Challenge memory challenge = silence.challengeOf(id, miner);
            assertEq(challenge.challenger, ghost.open ? ghost.challenger : address(0));
            assertEq(challenge.requester, ghost.open ? ghost.requester : address(0));
            assertEq(challenge.capsuleHash, ghost.open ? ghost.capsuleHash : bytes32(0));
            assertEq(challenge.bond, ghost.open ? ghost.bond : 0);
            assertEq(challenge.penaltyBonds, ghost.open ? ghost.penaltyBonds : 0);
            assertEq(challenge.windowSeconds, ghost.open ? ghost.window : 0);
            assertEq(challenge.openedAt, ghost.openedAt);
        }
    }

    /// @dev Challenger, closer and sponsor together get less than half of what silent miners lose, and beyond
    /// the gas no more than the policy paid; from a miner that answers they get less than they posted.
    function invariant_nobodyProfitsFromAMinerOfItsOwn() public view {
        assertLe(2 * handler.finesPaidOut() + handler.fines(), handler.penalties());
        assertLe(handler.returned() + handler.paidToMiners(), handler.posted());
        for (uint256 i = 0; i < handler.places(); ++i) {
            (,, ChallengeHandler.Ghost memory ghost) = handler.at(i);
            assertLe(ghost.paidOut, handler.paidBy(i));
        }
    }

    /// @dev Stakes lose the penalties and nothing else; what is not paid out is burned and becomes reserve.
    function invariant_penaltiesAreExact() public view {
        uint256 lost;
        for (uint256 i = 0; i < 3; ++i) {
            (, address miner,) = handler.at(i);
            assertEq(handler.stakeOf(miner) + handler.penaltiesOf(miner), 15_000 ether);
            lost += handler.penaltiesOf(miner);
        }
        assertEq(lost, handler.penalties());
        assertEq(handler.minted(), token.cap());
    }

    /// @dev Only shown silence suspends, and never longer than the terms of the challenge say.
    function invariant_onlySilenceSuspends() public view {
        for (uint256 i = 0; i < 3; ++i) {
            (, address miner,) = handler.at(i);
            assertLe(handler.suspendedThrough(miner), handler.expectedThrough(miner));
        }
    }

    /// @dev The acts reach all there is to reach, or the invariants would say little.
    function test_aLongWalkMeetsEveryOutcome() public {
        uint256 seed = 1;
        for (uint256 i = 0; i < 1_500; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 act = seed % 16;
            if (act < 4) handler.open(seed >> 8, seed >> 16, (seed >> 24) % 2 == 0);
            else if (act < 8) handler.confirm(seed >> 8);
            else if (act < 9) handler.answer(seed >> 8, seed >> 16);
            else if (act < 11) handler.skipTime(seed >> 8);
            else if (act < 12) handler.skipToEdge(seed >> 8, seed >> 16);
            else if (act < 14) handler.close(seed >> 8);
            else if (act < 15 && i % 2 == 0) handler.collect(seed >> 8);
            else if (act < 15) handler.setTerms(uint96(seed >> 8), 1 days, 1, 1);
            else if (i > 1_000) handler.revokeArrangement(seed >> 8, 0);
        }
        assertGt(handler.opened(), 30);
        assertGt(handler.answered(), 5);
        assertGt(handler.ended(ISilenceChallenges.Outcome.Silent), 2);
        assertGt(handler.ended(ISilenceChallenges.Outcome.Void), 0);
        assertGt(handler.ended(ISilenceChallenges.Outcome.Lapsed), 2);
        invariant_balanceIsTheSumOfTheOpenBonds();
        invariant_eachBondIsPaidExactlyOnce();
        invariant_challengesAreWhatWasOpened();
        invariant_onlySilenceSuspends();
        invariant_nobodyProfitsFromAMinerOfItsOwn();
        invariant_penaltiesAreExact();
        assertGt(handler.fines(), 2);
        uint256 fees;
        for (uint256 i = 0; i < handler.places(); ++i) {
            (,, ChallengeHandler.Ghost memory ghost) = handler.at(i);
            fees += ghost.paidOut;
        }
        assertGt(fees, 0, "no fine returned fees");
    }

    /// @dev Whatever happened, every bond can leave.
    function afterInvariant() public {
        handler.closeAll();
        assertEq(handler.openBonds(), 0);
        assertEq(token.balanceOf(address(silence)), handler.donated());
    }
}
