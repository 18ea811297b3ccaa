// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {AdjudicatorTest} from "../base/AdjudicatorTest.sol";
import {IAdjudicator} from "../../src/interfaces/IAdjudicator.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {IStakingEscrow} from "../../src/interfaces/IStakingEscrow.sol";

/// @notice One number of periods, E: how old evidence may be, how long a dismissed worker binds its miner,
/// and how long the stake stays after the last period of service. Whoever is guilty in the last second of a
/// policy is punishable, whenever it began to leave and whoever pauses; its exit has a date all the same.
contract EvidenceTest is AdjudicatorTest {
    uint32 private constant LAST = 40;
    /// @dev The shortest lock for a policy that ends in LAST, in period 10, where the tests begin.
    uint32 private constant LOCK = LAST + EVIDENCE - 10;
    uint32 private constant FREE = LAST + EVIDENCE + 1;

    address private leaver;
    uint256 private key;
    IPolicyManager.Terms private served;

    function setUp() public override {
        super.setUp();
        (leaver,, key) = _miner("leaver", 2 * MIN_LOCKED, LOCK);
        served = _termsFor(_list(leaver), delegation);
        assertEq(served.lastPeriod, LAST);
        _create(served);
    }

    /// @dev For expectRevert: one call. The leaver answered at `time`.
    function accuse(uint256 index, uint256 time) external {
        _servedAt(leaver, key, served, index, uint64(time));
    }

    function _revokeIn(uint32 period) private {
        _goto(period);
        vm.prank(alice);
        policies.revokePolicy(served);
    }

    function _leave() private {
        vm.prank(leaver);
        escrow.setWindDown(true);
        assertEq(escrow.position(leaver).unlockPeriod, FREE);
    }

    function _endOf(uint256 period) private pure returns (uint256) {
        return GENESIS + period * DAY - 1;
    }

    function _atRisk() private view returns (uint256) {
        (uint96 locked, uint96 unbonding) = escrow.stakeAtRisk(leaver);
        return uint256(locked) + unbonding;
    }

    function _cannotWithdraw() private {
        vm.prank(leaver);
        vm.expectPartialRevert(IStakingEscrow.EscrowNothingToWithdraw.selector);
        escrow.withdraw(leaver);
    }

    // ---------------------------------------------------------------- who leaves

    function test_anOffenceInTheLastSecondOfServiceIsPunishable() public {
        _leave();
        _revokeIn(30);
        uint256 offence = _endOf(LAST);
        vm.warp(offence);
        // The second after, and the last one that E gives.
        uint256[2] memory times = [offence + 1, _endOf(LAST + EVIDENCE)];
        for (uint256 i = 0; i < 2; ++i) {
            vm.warp(times[i]);
            _cannotWithdraw();
            uint256 before = _atRisk();
            this.accuse(i, offence);
            assertLt(_atRisk(), before);
        }
    }

    /// @dev No exit is held up: its date was known when it began.
    function test_theExitComesWhenItWasAnnounced() public {
        _leave();
        _revokeIn(30);
        vm.warp(_endOf(LAST + EVIDENCE) + 1);
        vm.prank(leaver);
        assertEq(escrow.withdraw(leaver), 2 * MIN_LOCKED);
        _expect(IAdjudicator.AdjudicatorReceiptTooOld.selector);
        this.accuse(0, _endOf(LAST));
    }

    function test_aPartThatUnbondsIsLiableAsLong() public {
        vm.prank(leaver);
        escrow.unbond(MIN_LOCKED);
        assertEq(escrow.position(leaver).releasePeriod, FREE);
        vm.prank(leaver);
        escrow.unbond(MIN_LOCKED);
        _revokeIn(30);
        vm.warp(_endOf(LAST + EVIDENCE));
        _cannotWithdraw();
        this.accuse(0, _endOf(LAST));
        assertLt(_atRisk(), 2 * MIN_LOCKED);
    }

    function test_whoLeavesBeforeAPauseIsPunishedAfterIt() public {
        _leave();
        _revokeIn(30);
        vm.warp(_endOf(LAST));
        vm.prank(guardian);
        control.pause();
        uint32 through = LAST + MAX_PAUSE - 1;
        vm.warp(_endOf(through));
        vm.expectRevert(abi.encodeWithSelector(IAdjudicator.AdjudicatorPaused.selector, through));
        this.accuse(0, _endOf(LAST));
        vm.warp(_endOf(through) + 1);
        _cannotWithdraw();
        this.accuse(0, _endOf(LAST));
    }

    /// @dev The second pause begins as early as may be, and ends a period before the stake is free.
    function test_twoPausesLeaveTimeToPunish() public {
        _leave();
        _revokeIn(12);
        uint32 second = FREE - MAX_PAUSE - 1;
        _goto(second - 2 * MAX_PAUSE);
        vm.prank(guardian);
        control.pause();
        vm.warp(_endOf(LAST));
        uint256 snapshot = vm.snapshotState();
        this.accuse(0, _endOf(LAST));
        vm.revertToState(snapshot);
        _goto(second);
        vm.prank(guardian);
        control.pause();
        _goto(FREE - 2);
        _expect(IAdjudicator.AdjudicatorPaused.selector);
        this.accuse(0, _endOf(LAST));
        _goto(FREE - 1);
        this.accuse(0, _endOf(LAST));
    }

    /// @dev The same for what an extension paid for, whose end is not that of the terms.
    function test_anExtensionThatEndedBindsAsLong() public {
        IPolicyManager.Terms memory short = served;
        (short.lastPeriod, short.salt) = (LAST - 20, keccak256("extended"));
        _create(short);
        _fund(alice, 20 * RATE);
        vm.startPrank(alice);
        token.approve(address(policies), 20 * RATE);
        policies.extendPolicy(short, LAST, new address[](0));
        vm.stopPrank();
        _leave();
        _goto(30);
        vm.prank(alice);
        policies.revokePolicy(short);
        vm.warp(_endOf(LAST + EVIDENCE));
        _cannotWithdraw();
        served = short;
        this.accuse(0, _endOf(LAST));
    }

    // ---------------------------------------------------------------- who may serve

    function _tooShort(address who, uint32 last) private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            IStakingEscrow.EscrowMinerCannotServe.selector,
            who,
            IStakingEscrow.Service.LockTooShort,
            RATE,
            last
        );
    }

    function test_servesNothingThatOutlastsTheCustody() public {
        (address brief,,) = _miner("brief", MIN_LOCKED, LOCK - 1);
        IPolicyManager.Terms memory wanted = _termsFor(_list(brief), delegation);
        bytes memory refused = _tooShort(brief, LAST);
        vm.expectRevert(refused);
        escrow.requireCanServe(wanted.miners, RATE, LAST);
        uint96[] memory rates = new uint96[](1);
        rates[0] = RATE;
        vm.expectRevert(refused);
        escrow.requireCanServeEach(wanted.miners, rates, LAST);
        escrow.requireCanServe(wanted.miners, RATE, LAST - 1);
        escrow.requireCanServe(served.miners, RATE, LAST);
    }

    function test_whoLeavesServesNothingThatOutlastsTheCustody() public {
        _leave();
        _goto(20);
        escrow.requireCanServe(served.miners, RATE, LAST);
        vm.expectRevert(_tooShort(leaver, LAST + 1));
        escrow.requireCanServe(served.miners, RATE, LAST + 1);
    }

    function testFuzz_noExitThatBeginsAfterwardsComesBeforeTheEvidenceIsOld(uint32 last, uint32 later)
        public
    {
        last = uint32(bound(last, 10, 10 + MAX_LOCK));
        try escrow.requireCanServe(served.miners, RATE, last) {}
        catch {
            return;
        }
        _goto(bound(later, 10, last));
        vm.prank(leaver);
        escrow.setWindDown(true);
        assertGt(escrow.position(leaver).unlockPeriod, uint256(last) + EVIDENCE);
    }

    function test_anExtensionTakesTheSameLock() public {
        _fund(alice, RATE);
        vm.startPrank(alice);
        token.approve(address(policies), RATE);
        vm.expectPartialRevert(IStakingEscrow.EscrowMinerCannotServe.selector);
        policies.extendPolicy(served, LAST + 1, new address[](0));
        vm.stopPrank();
        _skip(1);
        vm.prank(alice);
        policies.extendPolicy(served, LAST + 1, new address[](0));
    }

    // ---------------------------------------------------------------- age of evidence

    function test_aReceiptCountsForThePeriodsOfTheDeployment() public {
        _revokeIn(12);
        uint256 first = _endOf(13) + 1; // first second of period 14
        vm.warp(_endOf(14 + EVIDENCE));
        this.accuse(0, first);
        _expect(IAdjudicator.AdjudicatorReceiptTooOld.selector);
        this.accuse(1, first - 1);
        vm.warp(_endOf(14 + EVIDENCE) + 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAdjudicator.AdjudicatorReceiptTooOld.selector, _endOf(14), _endOf(14) + 1
            )
        );
        this.accuse(1, _endOf(14));
        this.accuse(1, _endOf(14) + 1);
    }

    function testFuzz_theAgeIsExact(uint256 offence, uint256 later) public {
        _revokeIn(12);
        offence = bound(offence, _endOf(12) + 1, _endOf(20));
        later = bound(later, offence, offence + 2 * uint256(EVIDENCE) * DAY);
        vm.warp(later);
        uint256 of_ = (offence - GENESIS) / DAY + 1;
        if (_now() > of_ + EVIDENCE) _expect(IAdjudicator.AdjudicatorReceiptTooOld.selector);
        this.accuse(0, offence);
    }

    /// @dev Nothing was signed then: there was no deployment.
    function testFuzz_nothingCountsFromBeforeGenesis(uint256 time) public {
        Charge memory charge = _falseScalar();
        charge.answer.blockTime = uint64(bound(time, 0, GENESIS - 1));
        vm.expectRevert(
            abi.encodeWithSelector(
                IAdjudicator.AdjudicatorReceiptTooOld.selector, charge.answer.blockTime, GENESIS
            )
        );
        _submit(charge);
    }

    /// @dev Both halves of an equivocation have the same age limit.
    function test_anEquivocationTakesTwoReceiptsThatCount() public {
        bytes memory other = delegation.cfrag;
        other[1] ^= bytes1(uint8(1));
        bytes32 capsuleHash = keccak256(delegation.capsule);
        bytes memory cfrags = bytes.concat(delegation.cfrag, other);
        IAdjudicator.Accusation memory accusation = _accusation(capsuleHash);
        IAdjudicator.Answer memory old = _answer(delegation.cfrag);
        _goto(10 + EVIDENCE + 1);
        answeredAt = uint64(vm.getBlockTimestamp());
        IAdjudicator.Answer memory fresh = _answer(other);
        _expect(IAdjudicator.AdjudicatorReceiptTooOld.selector);
        judge.accuseOfEquivocation(terms, accusation, [old, fresh], capsuleHash, cfrags);
        cfrags = bytes.concat(other, delegation.cfrag);
        _expect(IAdjudicator.AdjudicatorReceiptTooOld.selector);
        judge.accuseOfEquivocation(terms, accusation, [fresh, old], capsuleHash, cfrags);
    }

    // ---------------------------------------------------------------- retired keys

    function test_aRetiredKeyCountsForThePeriodsOfTheDeployment() public {
        _revokeIn(12);
        vm.prank(leaver);
        escrow.unbondWorker();
        vm.warp(_endOf(12 + EVIDENCE));
        address signer = vm.addr(key);
        assertEq(escrow.minerOfSigner(signer, 12), leaver);
        assertEq(escrow.minerOfSigner(signer, 13), address(0));
        this.accuse(0, vm.getBlockTimestamp());
        vm.warp(_endOf(12 + EVIDENCE) + 1);
        assertEq(escrow.minerOfSigner(signer, 12), address(0));
        vm.expectRevert(
            abi.encodeWithSelector(IAdjudicator.AdjudicatorReceiptInvalid.selector, signer, leaver)
        );
        this.accuse(1, vm.getBlockTimestamp());
    }

    /// @dev Nothing brings a key back: bonded again it is refused, and its old word ends all the same.
    function test_aRetiredKeyIsNeverBondedAgain() public {
        _skip(COOLDOWN + 1);
        bytes memory consent = _consent(leaver, vm.addr(key));
        vm.startPrank(leaver);
        escrow.unbondWorker();
        _skip(2 * EVIDENCE);
        vm.expectRevert(
            abi.encodeWithSelector(IStakingEscrow.EscrowWorkerTaken.selector, vm.addr(key), leaver)
        );
        escrow.bondWorker(vm.addr(key), type(uint256).max, consent);
        vm.stopPrank();
        assertEq(escrow.minerOfSigner(vm.addr(key), 1), address(0));
    }
}
