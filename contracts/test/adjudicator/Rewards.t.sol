// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {AdjudicatorTest} from "../base/AdjudicatorTest.sol";
import {IAdjudicator} from "../../src/interfaces/IAdjudicator.sol";
import {IControl} from "../../src/interfaces/IControl.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {IStakingEscrow} from "../../src/interfaces/IStakingEscrow.sol";
import {NodeMessages} from "../../src/libraries/NodeMessages.sol";
import {PenaltyMath} from "../../src/libraries/PenaltyMath.sol";

/// @notice Whom a conviction pays, and how much: what the policy has paid the miner, or the gas.
contract RewardsTest is AdjudicatorTest {
    uint96 private constant FEE = 100 ether;
    address private sponsor = makeAddr("sponsor");
    address private authorsChallenger = makeAddr("the author's challenger");

    /// @dev A policy that pays FEE a period, sponsored by a third.
    function setUp() public override {
        super.setUp();
        terms.salt = keccak256("well paid");
        terms.rate = FEE;
        terms.sponsor = sponsor;
        policyId = _create(terms);
    }

    /// @dev The miner serves `periods` periods of the policy, which are complete then, and proves that it has
    /// its kfrag.
    function _serve(uint32 periods) private {
        _confirm(worker, _now() + LEASE);
        _goto(terms.firstPeriod + periods);
        if (periods > 0) _collectFrom(terms.firstPeriod);
    }

    function _collectFrom(uint32 delivered) private {
        IPolicyManager.Delivery[] memory deliveries = new IPolicyManager.Delivery[](1);
        deliveries[0] = _deliveredIn(terms, miner, delivered);
        vm.prank(miner);
        policies.collect(_one(terms), miner, deliveries);
    }

    function _paid() private view returns (uint256 paid) {
        (,, paid) = policies.caseOf(terms, miner);
    }

    function _held() private view returns (uint96 held) {
        (held,) = judge.heldOf(miner, policyId, keccak256(delegation.capsule));
    }

    /// @dev Another capsule, on the curve.
    function _nextCapsule(uint8 index) private {
        bytes memory capsule = delegation.capsule;
        capsule[97] = bytes1(index);
        delegation.capsule = capsule;
    }

    /// @dev The author accuses by a receipt given to its verifying key.
    function _byAuthor() private view returns (Charge memory charge) {
        charge = _falseScalar();
        NodeMessages.Receipt memory receipt = _receipt(delegation.capsule, _slice(charge.evidence, 98, 457));
        receipt.requester = terms.verifier;
        charge.answer = _answerSigned(_signReceipt(workerKey, receipt));
        charge.accusation.keys = "";
        charge.accusation.receivingY = 0;
        charge.accusation.challenger = authorsChallenger;
        charge.accusation.signature = _signAccusation(
            delegation.authorKey, miner, policyId, keccak256(delegation.capsule), authorsChallenger
        );
    }

    function _paidOut() private view returns (uint256) {
        return token.balanceOf(challenger) + token.balanceOf(authorsChallenger) + token.balanceOf(sponsor)
            + token.balanceOf(address(judge));
    }

    // ---------------------------------------------------------------- how much

    function test_whatThePolicyPaidIsDivided() public {
        _serve(3);
        assertEq(_paid(), 3 * FEE);
        _submit(_falseScalar());
        // 300 of which 20 are floors: 40 % of 280 to the sponsor, half of the rest to each requester.
        assertEq(token.balanceOf(sponsor), 112 ether);
        assertEq(token.balanceOf(challenger), 94 ether);
        assertEq(_held(), 94 ether);
        assertEq(token.balanceOf(address(judge)), 94 ether);
    }

    function test_aPolicyThatHasNotBegunPaysTheGas() public {
        _submit(_falseScalar());
        assertEq(token.balanceOf(challenger), REWARD_FLOOR);
        assertEq(token.balanceOf(sponsor), 0);
        assertEq(_held(), REWARD_FLOOR);
    }

    /// @dev Created and revoked is not paid.
    function test_aPolicyThatWasTakenBackPaysTheGas() public {
        vm.prank(alice);
        policies.revokePolicy(terms);
        uint256 returned = token.balanceOf(sponsor);
        _confirm(worker, _now() + LEASE);
        _goto(terms.firstPeriod + 5);
        assertEq(_paid(), 0);
        _submit(_falseScalar());
        assertEq(token.balanceOf(challenger), REWARD_FLOOR);
        assertEq(token.balanceOf(sponsor), returned);
    }

    /// @dev Fees of idle periods return to the sponsor: nothing was paid.
    function test_idlePeriodsAreNotPaid() public {
        _goto(terms.firstPeriod + 5);
        assertEq(_paid(), 0);
        _submit(_falseScalar());
        assertEq(token.balanceOf(challenger), REWARD_FLOOR);
        assertEq(token.balanceOf(sponsor), 0);
    }

    function test_thePresentPeriodIsNotPaidYet() public {
        _serve(0);
        assertEq(_paid(), 0);
        _submit(_falseScalar());
        assertEq(token.balanceOf(challenger), REWARD_FLOOR);
    }

    function test_noMoreThanTheShareOfThePenalty() public {
        terms.salt = keccak256("dear");
        terms.rate = 10_000 ether;
        policyId = _create(terms);
        _serve(3);
        (uint96 penalty, uint96 most) = judge.penaltyOf(miner);
        assertEq(most, penalty / 4);
        _submit(_falseScalar());
        assertEq(_paidOut(), most);
    }

    /// @dev All convictions of a policy together: what it paid, and the gas of each that comes too late.
    function test_laterConvictionsOfAPolicyPayWhatIsLeft() public {
        _serve(3);
        _submit(_falseScalar());
        assertEq(_paidOut(), 3 * FEE);
        _nextCapsule(1);
        _submit(_falseScalar());
        assertEq(_paidOut(), 3 * FEE + 2 * REWARD_FLOOR);
        assertEq(token.balanceOf(sponsor), 112 ether);
        // Another period is paid: 80 more than what went out.
        _goto(terms.firstPeriod + 4);
        _nextCapsule(2);
        _submit(_falseScalar());
        assertEq(_paidOut(), 4 * FEE);
    }

    /// @dev Once a delivery is proved, fees that were collected count like those that were not.
    function test_collectingChangesNothing() public {
        _serve(1);
        _goto(terms.firstPeriod + 3);
        assertEq(_paid(), 3 * FEE);
        _collectFrom(terms.firstPeriod);
        assertEq(_paid(), 3 * FEE);
        _submit(_falseScalar());
        assertEq(_paidOut(), 3 * FEE);
    }

    /// @dev Fees that may return to the sponsor are not paid: else a thief that withholds the delivery from
    /// the miner gets them twice.
    function test_whatIsNotProvedIsNotPaid() public {
        _confirm(worker, _now() + LEASE);
        _goto(terms.firstPeriod + 3);
        assertEq(_paid(), 0);
        _submit(_falseScalar());
        assertEq(_paidOut(), 2 * REWARD_FLOOR);
        _goto(terms.lastPeriod + MIN_LOCK + 1);
        policies.refund(terms);
        assertEq(_paid(), 0);
    }

    /// @dev Nor are those from before the delivery.
    function test_whatWasServedBeforeTheDeliveryIsNotPaid() public {
        _confirm(worker, _now() + LEASE);
        _goto(terms.firstPeriod + 3);
        uint256 before = _paidOut();
        _collectFrom(terms.firstPeriod + 2);
        assertEq(_paid(), FEE);
        assertEq(token.balanceOf(sponsor), 2 * FEE);
        _submit(_falseScalar());
        assertEq(_paidOut() - before, 2 * FEE + FEE);
    }

    /// @dev The thief of a worker key makes policies of its own and takes them back, as many as it likes: all
    /// before the first conviction, after which the miner is suspended and accepted for none.
    function test_aThiefGainsTheGasAtMost() public {
        (address thief, uint256 before) = (challenger, token.balanceOf(challenger));
        (terms.sponsor, terms.rate) = (alice, 1);
        uint256 count = 4;
        for (uint256 i = 0; i < count; ++i) {
            terms.salt = keccak256(abi.encode("own", i));
            _create(terms);
            vm.prank(alice);
            policies.revokePolicy(terms);
        }
        for (uint256 i = 0; i < count; ++i) {
            terms.salt = keccak256(abi.encode("own", i));
            policyId = policies.policyId(terms);
            _submit(_byThief(thief));
        }
        assertEq(token.balanceOf(thief) - before, count * REWARD_FLOOR);
        terms.salt = keccak256("one more");
        assertEq(
            uint8(escrow.canServe(miner, terms.rate, terms.lastPeriod)),
            uint8(IStakingEscrow.Service.Suspended)
        );
    }

    function _byThief(address thief) private returns (Charge memory charge) {
        authorsChallenger = thief;
        return _byAuthor();
    }

    // ---------------------------------------------------------------- to each requester

    function test_anAccompliceOfTheMinerDoesNotUseUpTheReadersEvidence() public {
        _serve(3);
        _submit(_byAuthor());
        assertEq(token.balanceOf(authorsChallenger), 94 ether);
        bytes32 standing = _standing(miner);
        uint256 supply = token.totalSupply();
        vm.expectEmit(address(judge));
        emit IAdjudicator.HeldRewardPaid(
            policyId, miner, challenger, keccak256(delegation.capsule), 94 ether
        );
        _submit(_falseScalar());
        assertEq(token.balanceOf(challenger), 94 ether);
        assertEq(token.balanceOf(address(judge)), 0);
        // The penalty fell once.
        assertEq(token.totalSupply(), supply);
        _takeBack(94 ether);
        assertEq(_standing(miner), standing);
    }

    /// @dev The challenger's balance is part of a standing.
    function _takeBack(uint256 amount) private {
        vm.prank(challenger);
        token.transfer(treasury, amount);
    }

    function test_norDoesTheReaderUseUpTheAuthors() public {
        _serve(3);
        _submit(_falseScalar());
        _submit(_byAuthor());
        assertEq(token.balanceOf(challenger), 94 ether);
        assertEq(token.balanceOf(authorsChallenger), 94 ether);
    }

    function test_neitherIsHeardTwice() public {
        bytes4 expected = IAdjudicator.AdjudicatorAlreadyConvicted.selector;
        Charge memory reader_ = _falseScalar();
        Charge memory author = _byAuthor();
        _submit(reader_);
        _expect(expected);
        _submit(reader_);
        _submit(author);
        _expect(expected);
        _submit(author);
        _expect(expected);
        _submit(reader_);
    }

    /// @dev What is held for a requester takes a receipt that was given to it, and a fault.
    function test_whatIsHeldTakesEvidenceOfItsOwn() public {
        _submit(_byAuthor());
        Charge memory charge = _falseScalar();
        charge.answer = _byAuthor().answer;
        _expect(IAdjudicator.AdjudicatorReceiptInvalid.selector);
        _submit(charge);
        bytes memory honest = _granted(delegation.cfrag, terms, miner, delegation);
        charge = _charge(honest, 1, delegation.witnesses[0]);
        _expect(IAdjudicator.AdjudicatorNoFault.selector);
        _submit(charge);
        charge = _falseScalar();
        charge.accusation.challenger = bob;
        _expect(IAdjudicator.AdjudicatorAccusationInvalid.selector);
        _submit(charge);
        assertEq(_held(), REWARD_FLOOR);
    }

    /// @dev The penalty fell already: neither an emptied stake nor a full window or day stands against it.
    function test_whatIsHeldIsPaidThoughTheMinerIsGone() public {
        vm.prank(miner);
        escrow.unbond(2 * MIN_LOCKED);
        _goto(_now() + 95);
        answeredAt = uint64(vm.getBlockTimestamp());
        terms.salt = keccak256("the last");
        (terms.firstPeriod, terms.lastPeriod, terms.rate) = (_now() + 1, _now() + 2, RATE);
        _deposit(miner, MIN_LOCKED, 100);
        policyId = _create(terms);
        Charge memory charge = _falseScalar();
        _submit(_byAuthor());
        uint96 left = uint96(_atRisk());
        vm.prank(adjudicator);
        escrow.slash(miner, left, bob, 0);
        _submit(charge);
        assertEq(token.balanceOf(challenger), REWARD_FLOOR);
    }

    function _atRisk() private view returns (uint256) {
        (uint96 locked, uint96 unbonding) = escrow.stakeAtRisk(miner);
        return uint256(locked) + unbonding;
    }

    function test_aPauseHoldsWhatIsHeldBack() public {
        _submit(_byAuthor());
        vm.prank(guardian);
        control.pause();
        Charge memory charge = _falseScalar();
        _expect(IAdjudicator.AdjudicatorPaused.selector);
        _submit(charge);
        _skip(MAX_PAUSE);
        _submit(charge);
        assertEq(token.balanceOf(challenger), REWARD_FLOOR);
    }

    // ---------------------------------------------------------------- what nobody came for

    function test_burnsWhatNobodyCameFor() public {
        _serve(3);
        bytes32 capsuleHash = keccak256(delegation.capsule);
        _submit(_falseScalar());
        (uint96 held, uint256 from) = judge.heldOf(miner, policyId, capsuleHash);
        assertEq(from, _now() + MIN_LOCK);
        bytes memory tooSoon =
            abi.encodeWithSelector(IAdjudicator.AdjudicatorNothingToBurn.selector, held, from);
        _goto(from - 1);
        vm.expectRevert(tooSoon);
        judge.burnHeld(miner, policyId, capsuleHash);
        _goto(from);
        rewards.roll();
        (uint256 supply, uint256 reserve) = (token.totalSupply(), rewards.reserve());
        vm.expectEmit(address(judge));
        emit IAdjudicator.HeldRewardBurned(policyId, miner, capsuleHash, held);
        vm.prank(bob);
        judge.burnHeld(miner, policyId, capsuleHash);
        assertEq(token.totalSupply(), supply - held);
        assertEq(rewards.reserve(), reserve + held);
        assertEq(token.balanceOf(address(judge)), 0);
        vm.expectRevert(abi.encodeWithSelector(IAdjudicator.AdjudicatorNothingToBurn.selector, 0, from));
        judge.burnHeld(miner, policyId, capsuleHash);
        Charge memory late = _byAuthor();
        _expect(IAdjudicator.AdjudicatorAlreadyConvicted.selector);
        _submit(late);
        assertTrue(judge.isConvicted(miner, policyId, capsuleHash));
    }

    function test_nothingIsHeldWithoutAConviction() public {
        bytes32 capsuleHash = keccak256(delegation.capsule);
        _skip(2 * MIN_LOCK);
        answeredAt = uint64(vm.getBlockTimestamp());
        vm.expectRevert(abi.encodeWithSelector(IAdjudicator.AdjudicatorNothingToBurn.selector, 0, 0));
        judge.burnHeld(miner, policyId, capsuleHash);
        _submit(_falseScalar());
        _submit(_byAuthor());
        _skip(MIN_LOCK);
        _expect(IAdjudicator.AdjudicatorNothingToBurn.selector);
        judge.burnHeld(miner, policyId, capsuleHash);
    }

    // ---------------------------------------------------------------- arithmetic

    function testFuzz_nobodyGetsBackMoreThanWasPaid(
        uint96 floor,
        uint16 share,
        uint96 most,
        uint128 paid,
        uint96 before
    ) public pure {
        IControl.PenaltyTerms memory at = _penaltyTerms();
        at.rewardFloor = floor;
        at.sponsorBps = uint16(bound(share, 0, 10_000));
        (uint96 out, uint96 toSponsor) = PenaltyMath.payoutOf(at, most, paid, before);
        uint256 floors = 2 * uint256(floor);
        assertLe(out, most);
        assertLe(toSponsor, out);
        assertTrue(out <= floors || uint256(before) + out <= paid);
        assertTrue(toSponsor == 0 || out - toSponsor >= floors, "a floor is the requesters'");
    }

    function test_caseOfRefusesStrangers() public {
        _expect(IPolicyManager.PolicyMinerUnknown.selector);
        policies.caseOf(terms, alice);
        terms.salt = keccak256("never created");
        _expect(IPolicyManager.PolicyUnknown.selector);
        policies.caseOf(terms, miner);
    }
}
