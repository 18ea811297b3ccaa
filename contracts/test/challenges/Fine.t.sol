// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ChallengeTest} from "../base/ChallengeTest.sol";
import {IControl} from "../../src/interfaces/IControl.sol";
import {ISilenceChallenges} from "../../src/interfaces/ISilenceChallenges.sol";
import {SilenceMath} from "../../src/libraries/SilenceMath.sol";

/// @notice What silence costs, and whom it pays. Carol closes; alice is author, challenger and sponsor.
contract FineTest is ChallengeTest {
    address private carol = makeAddr("carol");

    function _silent() private {
        vm.warp(vm.getBlockTimestamp() + WINDOW + 1);
        vm.prank(carol);
        assertEq(uint8(silence.close(terms, miner)), uint8(ISilenceChallenges.Outcome.Silent));
    }

    function _stake() private view returns (uint256) {
        (uint96 locked, uint96 unbonding) = escrow.stakeAtRisk(miner);
        return uint256(locked) + unbonding;
    }

    // ---------------------------------------------------------------- who is paid

    function test_thePenaltyIsSharedToTheLastUnit() public {
        _activeUntil(_now() + 5);
        _collect();
        (uint256 hers, uint256 stake, uint256 reserve) =
            (token.balanceOf(alice), _stake(), rewards.reserve());
        _open(1);
        _silent();
        ISilenceChallenges.Fine memory fine = _fineOf(_paid());
        assertGt(_paid(), 3 ether, "something was paid");
        assertEq(stake - _stake(), fine.penalty);
        assertEq(token.balanceOf(carol), fine.fee);
        assertEq(token.balanceOf(alice) - hers, fine.reward + fine.toSponsor);
        assertEq(token.balanceOf(address(silence)), 0);
        uint256 out = uint256(fine.reward) + fine.fee + fine.toSponsor;
        assertGe(rewards.reserve() + rewards.pool(), reserve + fine.penalty - out, "the rest is reserve");
        assertEq(token.totalSupply() + rewards.reserve() + rewards.pool(), CAP);
    }

    /// @dev Whoever challenges a silent miner and closes gets the gas of both back, and fees besides.
    function test_aChallengerOfASilentMinerGains() public {
        _activeUntil(_now() + 5);
        _collect();
        uint256 before = token.balanceOf(alice);
        _open(1);
        vm.warp(vm.getBlockTimestamp() + WINDOW + 1);
        vm.prank(alice);
        silence.close(terms, miner);
        uint256 gas = (SilenceMath.OPENING_BONDS + SilenceMath.CLOSING_BONDS) * bond;
        assertGt(_paid(), 0);
        assertEq(token.balanceOf(alice) - before, gas + _paid());
    }

    /// @dev Without the author's word the policy has paid nothing that a fine could return.
    function test_withoutADeliveryTheGasIsPaidOnly() public {
        _activeUntil(_now() + 5);
        uint256 before = token.balanceOf(alice);
        _open(1);
        _silent();
        assertEq(_paid(), 0);
        assertEq(token.balanceOf(alice) - before, SilenceMath.OPENING_BONDS * bond);
        assertEq(token.balanceOf(carol), SilenceMath.CLOSING_BONDS * bond);
    }

    function test_theReadersHelperIsPaidAndTheSponsorToo() public {
        _activeUntil(_now() + 5);
        _collect();
        ISilenceChallenges.Demand memory demand = _demand(1);
        ISilenceChallenges.ReaderConsent memory consent =
            _consent(demand, bob, uint64(vm.getBlockTimestamp()));
        (uint256 his, uint256 hers) = (token.balanceOf(bob), token.balanceOf(alice));
        vm.prank(bob);
        silence.openAsReader(demand, consent);
        _silent();
        ISilenceChallenges.Fine memory fine = _fineOf(_paid());
        assertEq(token.balanceOf(bob) - his, fine.reward);
        assertEq(token.balanceOf(alice) - hers, fine.toSponsor);
        assertGt(fine.toSponsor, 0);
    }

    function test_aPolicyThatPaidNothingPaysTheGasOnly() public {
        IControl.ChallengeTerms memory parameters = _challengeTerms();
        parameters.windowSeconds = 1 hours;
        _setChallenge(parameters);
        (terms.salt, terms.firstPeriod, terms.lastPeriod) = (bytes32(uint256(1)), _now(), _now() + 20);
        id = _create(terms);
        _funded(alice);
        uint256 before = token.balanceOf(alice);
        _open(2);
        // Closed in the policy's first period, which is not complete.
        vm.warp(vm.getBlockTimestamp() + 1 hours + 1);
        vm.prank(carol);
        silence.close(terms, miner);
        assertEq(_paid(), 0);
        assertEq(token.balanceOf(alice) - before, SilenceMath.OPENING_BONDS * bond);
        assertEq(token.balanceOf(carol), SilenceMath.CLOSING_BONDS * bond);
    }

    /// @dev Beyond the gas, all fines under a policy pay out what it paid the miner, and no more.
    function test_manyFinesPayOutWhatThePolicyPaidOnce() public {
        _activeUntil(_now() + 1);
        _collect();
        uint256 beyond;
        for (uint256 i = 1; i <= 4; ++i) {
            uint256 before = token.balanceOf(alice) + token.balanceOf(carol);
            _open(i);
            _silent();
            uint256 gas = (SilenceMath.OPENING_BONDS + SilenceMath.CLOSING_BONDS) * bond;
            beyond += token.balanceOf(alice) + token.balanceOf(carol) - before - gas;
            assertEq(beyond, _paid());
            assertGt(beyond, 0);
            _goto(rewards.suspendedThrough(miner) + 1);
            _confirmAll();
            _goto(_now() + 5);
        }
    }

    // ---------------------------------------------------------------- one silence, one penalty

    function test_silenceTowardsManyPoliciesIsFinedOnce() public {
        (uint32 first, uint32 last, uint32 now_) = (terms.firstPeriod, terms.lastPeriod, _now());
        (terms.salt, terms.firstPeriod, terms.lastPeriod) = (bytes32(uint256(1)), now_, now_ + 20);
        id = _create(terms);
        vm.prank(alice);
        token.approve(address(silence), type(uint256).max);
        _open(2);
        (terms.salt, terms.firstPeriod, terms.lastPeriod) = (0, first, last);
        id = policies.policyId(terms);
        _open(3);
        uint256 stake = _stake();
        _silent();
        uint256 left = _stake();
        assertEq(stake - left, 20 * bond);
        (uint256 hers, uint256 fee) = (token.balanceOf(alice), token.balanceOf(carol));
        (terms.salt, terms.firstPeriod, terms.lastPeriod) = (bytes32(uint256(1)), now_, now_ + 20);
        vm.prank(carol);
        assertEq(uint8(silence.close(terms, miner)), uint8(ISilenceChallenges.Outcome.Silent));
        assertEq(_stake(), left);
        assertEq(token.balanceOf(alice) - hers, bond, "the bond returns");
        assertEq(token.balanceOf(carol), fee);
    }

    function test_theNextSilenceIsFinedAnew() public {
        uint256 stake = _stake();
        _open(1);
        _silent();
        _goto(rewards.suspendedThrough(miner) + 1);
        _confirmAll();
        _goto(_now() + 5);
        _open(2);
        _silent();
        assertEq(stake - _stake(), 40 * bond);
    }

    function test_aConvictedMinerIsNotFinedAsWell() public {
        _deposit(miner, MIN_LOCKED, 400);
        _open(1);
        _convict(miner, MIN_LOCKED / 10, 1, 3);
        uint256 stake = _stake();
        _silent();
        assertEq(_stake(), stake);
        assertEq(token.balanceOf(carol), 0);
    }

    function test_aMinerWithLessThanThePenaltyIsSuspendedOnly() public {
        _open(1);
        vm.prank(adjudicator);
        escrow.slash(miner, MIN_LOCKED - 20 * bond + 1, bob, 0);
        _silent();
        assertEq(_stake(), 20 * uint256(bond) - 1);
        assertGt(rewards.suspendedThrough(miner), _now());
    }

    function test_aMinerWithJustThePenaltyLosesIt() public {
        _open(1);
        vm.prank(adjudicator);
        escrow.slash(miner, MIN_LOCKED - 20 * bond, bob, 0);
        _silent();
        assertEq(_stake(), 0);
    }

    function test_tokensOnTheirWayOutAreFinedToo() public {
        _open(1);
        vm.prank(miner);
        escrow.unbond(MIN_LOCKED);
        _silent();
        assertEq(_stake(), MIN_LOCKED - 20 * bond);
    }

    function test_theFineIsTheOneOfTheOpening() public {
        uint256 stake = _stake();
        _open(1);
        IControl.ChallengeTerms memory parameters = _challengeTerms();
        (parameters.bond, parameters.penaltyBonds) = (1, 255);
        _setChallenge(parameters);
        _silent();
        assertEq(stake - _stake(), 20 * bond);
    }

    function test_neitherAVoidNorALapsedChallengeCostsOrPays() public {
        uint256 stake = _stake();
        _open(1);
        vm.warp(vm.getBlockTimestamp() + 2 * WINDOW + 1);
        vm.prank(carol);
        silence.close(terms, miner);
        _activeUntil(_now() + 7);
        _open(2);
        _revokeArrangement(miner);
        vm.prank(carol);
        silence.close(terms, miner);
        assertEq(_stake(), stake);
        assertEq(token.balanceOf(carol), 0);
    }

    // ---------------------------------------------------------------- nobody profits

    /// @dev The miner's friends are challenger, closer and sponsor: together they lose more than half.
    function test_aMinerAndItsFriendsLoseMoreThanHalfOfThePenalty() public {
        _activeUntil(_now() + 30);
        _collect();
        uint256 before = _stake() + token.balanceOf(alice) + token.balanceOf(carol);
        _open(1);
        _silent();
        uint256 lost = before - _stake() - token.balanceOf(alice) - token.balanceOf(carol);
        assertGt(2 * lost, 20 * uint256(bond));
    }

    /// @dev Against a miner that answers, challenger, author and closer lose half a bond and all their gas;
    /// the miner gets half the gas of its answer.
    function test_anHonestMinerCannotBeFarmed() public {
        for (uint256 i = 1; i <= 3; ++i) {
            uint256 hers = token.balanceOf(alice);
            uint256 his = token.balanceOf(miner);
            _open(i);
            _answer();
            assertEq(hers - token.balanceOf(alice), bond / 2);
            assertEq(token.balanceOf(miner) - his, bond / 2);
            _activeUntil(_now() + 7);
        }
        assertEq(_stake(), MIN_LOCKED);
    }

    // ---------------------------------------------------------------- the formula

    function testFuzz_theFormulaPaysOutLessThanHalf(uint88 bond_, uint8 bonds, uint256 due) public pure {
        bond_ = uint88(bound(bond_, 1, type(uint88).max));
        bonds = uint8(bound(bonds, 11, 255));
        ISilenceChallenges.Fine memory fine = SilenceMath.fineOf(bond_, bonds, due);
        uint256 out = uint256(fine.reward) + fine.fee + fine.toSponsor;
        uint256 gas = SilenceMath.gasOf(bond_);
        assertEq(fine.penalty, uint256(bond_) * bonds);
        assertLt(2 * out, fine.penalty);
        assertEq(fine.fee, SilenceMath.CLOSING_BONDS * bond_);
        assertGe(out, gas);
        assertLe(out - gas, due);
        uint256 beyond = fine.reward - SilenceMath.OPENING_BONDS * bond_;
        assertLe(beyond - fine.toSponsor, 1, "half and half, the odd unit to the challenger");
        // All of it, unless the bound cuts it.
        if (out - gas < due) assertGe(2 * out + 2, fine.penalty);
    }

    function testFuzz_halfOfTheBondAndTheRestMakeTheBond(uint88 bond_) public pure {
        uint88 share = SilenceMath.shareOf(bond_);
        assertLe(share, bond_ - share);
        assertLe(bond_ - share - share, 1);
    }
}
