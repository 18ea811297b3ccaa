// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "../base/KmsTest.sol";
import {Misshapen} from "../base/Misshapen.sol";
import {MiningRewards} from "../../src/MiningRewards.sol";
import {IMiningRewards} from "../../src/interfaces/IMiningRewards.sol";

contract ConfirmTest is KmsTest {
    address private miner;
    address private worker;
    uint256 private key;

    function setUp() public override {
        super.setUp();
        (miner, worker, key) = _miner("miner", 10 * MIN_LOCKED, 100);
    }

    function _expect(bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(worker);
    }

    // ---------------------------------------------------------------- leases

    function test_leasesTheComingPeriodsOnly() public {
        uint32 now_ = _now();
        vm.expectEmit(address(rewards));
        emit IMiningRewards.ActivityConfirmed(miner, now_ + 1, now_ + 3, 10 * MIN_LOCKED, 10 * MIN_LOCKED);
        _confirm(worker, now_ + 3);
        (uint32 through, uint96 weight) = rewards.leaseOf(miner);
        assertEq(through, now_ + 3);
        assertEq(weight, 10 * MIN_LOCKED);
        assertFalse(rewards.isActive(miner, now_));
        assertTrue(rewards.isActive(miner, now_ + 1));
        assertTrue(rewards.isActive(miner, now_ + 3));
        assertFalse(rewards.isActive(miner, now_ + 4));
    }

    function test_onlyTheWorkerConfirms() public {
        vm.prank(miner);
        vm.expectRevert(abi.encodeWithSelector(IMiningRewards.RewardsNotWorker.selector, miner));
        rewards.confirmActivity(11);
    }

    function test_refusesALeaseThatIsTooLong() public {
        uint32 now_ = _now();
        _expect(
            abi.encodeWithSelector(
                IMiningRewards.RewardsLeaseTooLong.selector, now_ + LEASE + 1, now_ + LEASE
            )
        );
        rewards.confirmActivity(now_ + LEASE + 1);
    }

    function test_refusesALeaseInThePast() public {
        uint32 now_ = _now();
        _expect(abi.encodeWithSelector(IMiningRewards.RewardsLeaseInPast.selector, now_, now_));
        rewards.confirmActivity(now_);
    }

    function test_refusesALeaseThatExtendsNothing() public {
        uint32 now_ = _now();
        _confirm(worker, now_ + 3);
        _expect(
            abi.encodeWithSelector(
                IMiningRewards.RewardsLeaseNotExtended.selector, miner, now_ + 3, now_ + 3
            )
        );
        rewards.confirmActivity(now_ + 3);
        _expect(
            abi.encodeWithSelector(
                IMiningRewards.RewardsLeaseNotExtended.selector, miner, now_ + 2, now_ + 3
            )
        );
        rewards.confirmActivity(now_ + 2);
    }

    function test_anEqualEndTakesThePresentWeightWhenTheStakeChanged() public {
        uint32 now_ = _now();
        _confirm(worker, now_ + 3);
        _deposit(miner, MIN_LOCKED, 100);
        _confirm(worker, now_ + 3);
        (, uint96 weight) = rewards.leaseOf(miner);
        assertEq(weight, 11 * MIN_LOCKED);
        _skip(1);
        (, uint256 locked) = rewards.periodTotals(now_ + 1);
        assertEq(locked, 11 * MIN_LOCKED);
    }

    function test_theCurrentPeriodKeepsItsWeight() public {
        uint32 start = _now();
        _confirm(worker, start + 3);
        _skip(1);
        vm.prank(miner);
        escrow.unbond(4 * MIN_LOCKED);
        _confirm(worker, start + 4);
        (, uint256 locked) = rewards.periodTotals(start + 1);
        assertEq(locked, 10 * MIN_LOCKED);
        _skip(1);
        (, locked) = rewards.periodTotals(start + 2);
        assertEq(locked, 6 * MIN_LOCKED);
        _goto(start + 5);
        (, locked) = rewards.periodTotals(start + 4);
        assertEq(locked, 6 * MIN_LOCKED);
        (, locked) = rewards.periodTotals(start + 5);
        assertEq(locked, 0);
    }

    function test_refusesAnEmptyPosition() public {
        vm.prank(miner);
        escrow.unbond(10 * MIN_LOCKED);
        uint32 now_ = _now();
        _expect(abi.encodeWithSelector(IMiningRewards.RewardsNothingLocked.selector, miner));
        rewards.confirmActivity(now_ + 1);
    }

    function test_refusesALeaseThatReachesTheUnlock() public {
        vm.prank(miner);
        escrow.setWindDown(true);
        uint32 unlock = escrow.position(miner).unlockPeriod;
        _goto(unlock - 3);
        _expect(abi.encodeWithSelector(IMiningRewards.RewardsBeyondUnlock.selector, unlock, unlock));
        rewards.confirmActivity(unlock);
        _confirm(worker, unlock - 1);
    }

    function test_refusesTotalsOfThePeriodsToCome() public {
        uint32 now_ = _now();
        vm.expectRevert(
            abi.encodeWithSelector(IMiningRewards.RewardsPeriodNotBegun.selector, now_ + 1, now_)
        );
        rewards.periodTotals(now_ + 1);
    }

    function test_totalsOfAPeriodWithoutAMarkAreThoseBefore() public {
        uint32 start = _now();
        _confirm(worker, start + 7);
        _goto(start + 200);
        rewards.roll();
        for (uint32 p = start; p <= start + 9; ++p) {
            (, uint256 locked) = rewards.periodTotals(p);
            assertEq(locked, p > start && p <= start + 7 ? 10 * MIN_LOCKED : 0);
        }
        (, uint256 later) = rewards.periodTotals(start + 150);
        assertEq(later, 0);
        (, later) = rewards.periodTotals(0);
        assertEq(later, 0);
    }

    // ---------------------------------------------------------------- signed confirmations

    function _batch(IMiningRewards.SignedConfirmation memory entry)
        private
        pure
        returns (IMiningRewards.SignedConfirmation[] memory batch)
    {
        batch = new IMiningRewards.SignedConfirmation[](1);
        batch[0] = entry;
    }

    function _signed(uint32 through) private view returns (IMiningRewards.SignedConfirmation memory) {
        return _signConfirmation(rewards, key, miner, through, _now());
    }

    function _refusesSignature(bytes memory signature) private {
        IMiningRewards.SignedConfirmation memory entry = _signed(_now() + 1);
        entry.signature = signature;
        vm.expectRevert(IMiningRewards.RewardsNothingConfirmed.selector);
        rewards.confirmActivityBatch(_batch(entry));
    }

    function test_anyoneRelaysASignedConfirmation() public {
        IMiningRewards.SignedConfirmation[] memory batch = _batch(_signed(_now() + 5));
        // A contract relays here: nobody asks for tx.origin.
        rewards.confirmActivityBatch(batch);
        (uint32 through,) = rewards.leaseOf(miner);
        assertEq(through, _now() + 5);
    }

    function test_anEmptyBatchConfirmsNothing() public {
        vm.expectRevert(IMiningRewards.RewardsNothingConfirmed.selector);
        rewards.confirmActivityBatch(new IMiningRewards.SignedConfirmation[](0));
    }

    function test_replayInTheSamePeriodReverts() public {
        IMiningRewards.SignedConfirmation[] memory batch = _batch(_signed(_now() + 5));
        rewards.confirmActivityBatch(batch);
        vm.expectRevert(IMiningRewards.RewardsNothingConfirmed.selector);
        rewards.confirmActivityBatch(batch);
    }

    function test_replayInAnotherPeriodReverts() public {
        IMiningRewards.SignedConfirmation[] memory batch = _batch(_signed(_now() + 5));
        _skip(1);
        vm.expectRevert(IMiningRewards.RewardsNothingConfirmed.selector);
        rewards.confirmActivityBatch(batch);
        batch[0].validPeriod = _now();
        vm.expectRevert(IMiningRewards.RewardsNothingConfirmed.selector);
        rewards.confirmActivityBatch(batch);
    }

    function test_replayOnAnotherChainReverts() public {
        IMiningRewards.SignedConfirmation[] memory batch = _batch(_signed(_now() + 5));
        vm.chainId(block.chainid + 1);
        vm.expectRevert(IMiningRewards.RewardsNothingConfirmed.selector);
        rewards.confirmActivityBatch(batch);
    }

    function test_replayAtAnotherContractReverts() public {
        IMiningRewards other = IMiningRewards(makeAddr("other rewards"));
        IMiningRewards.SignedConfirmation memory entry =
            _signConfirmation(other, key, miner, _now() + 5, _now());
        vm.expectRevert(IMiningRewards.RewardsNothingConfirmed.selector);
        rewards.confirmActivityBatch(_batch(entry));
    }

    function test_misshapenSignaturesRevert() public {
        bytes[] memory bad = Misshapen.variantsOf(_signed(_now() + 1).signature);
        for (uint256 i = 0; i < bad.length; ++i) {
            _refusesSignature(bad[i]);
        }
        _refusesSignature("");
    }

    function test_theZeroAddressIsNobodysWorker() public {
        IMiningRewards.SignedConfirmation memory entry = _signed(_now() + 1);
        vm.prank(miner);
        escrow.unbondWorker();
        entry.signature = abi.encodePacked(bytes32(0), bytes32(0), uint8(27));
        vm.expectRevert(IMiningRewards.RewardsNothingConfirmed.selector);
        rewards.confirmActivityBatch(_batch(entry));
    }

    function _entryOf(string memory name, uint32 through, uint32 validPeriod)
        private
        returns (IMiningRewards.SignedConfirmation memory)
    {
        (address other,, uint256 otherKey) = _miner(name, MIN_LOCKED, 100);
        return _signConfirmation(rewards, otherKey, other, through, validPeriod);
    }

    /// @dev One entry of every kind that is passed over, and one that holds in the midst of them.
    function test_aBatchPassesOverWhatDoesNotHold() public {
        uint32 now_ = _now();
        IMiningRewards.SignedConfirmation[] memory batch = new IMiningRewards.SignedConfirmation[](10);
        batch[0] = _entryOf("stale", now_ + 5, now_ - 1);
        batch[1] = _entryOf("early", now_ + 5, now_ + 1);
        batch[2] = _entryOf("forged", now_ + 5, now_);
        batch[2].throughPeriod = now_ + 6;
        batch[3] = _entryOf("too long", now_ + LEASE + 1, now_);
        batch[4] = _signed(now_ + 5);
        batch[5] = batch[4];
        batch[6] = _entryOf("past", now_, now_);
        batch[7] = _entryOf("empty", now_ + 1, now_);
        vm.prank(batch[7].miner);
        escrow.unbond(MIN_LOCKED);
        batch[8] = _entryOf("suspended", now_ + 1, now_);
        vm.prank(adjudicator);
        rewards.suspend(batch[8].miner, 1);
        batch[9] = _entryOf("dismissed", now_ + 1, now_);
        vm.prank(batch[9].miner);
        escrow.unbondWorker();

        assertEq(rewards.confirmActivityBatch(batch), 1);
        for (uint256 i = 0; i < batch.length; ++i) {
            (uint32 through,) = rewards.leaseOf(batch[i].miner);
            assertEq(through, batch[i].miner == miner ? now_ + 5 : 0);
        }
    }

    function test_aBatchInWhichNothingHoldsReverts() public {
        uint32 now_ = _now();
        IMiningRewards.SignedConfirmation[] memory batch = new IMiningRewards.SignedConfirmation[](2);
        batch[0] = _entryOf("stale", now_ + 5, now_ - 1);
        batch[1] = _entryOf("too long", now_ + LEASE + 1, now_);
        vm.expectRevert(IMiningRewards.RewardsNothingConfirmed.selector);
        rewards.confirmActivityBatch(batch);
    }

    // ---------------------------------------------------------------- construction

    function _deployRewards(MiningRewards.Params memory params, bytes memory reason) private {
        vm.expectRevert(reason);
        _create("MiningRewards", abi.encode(params));
    }

    /// @dev Every other check is reached with the token saying that this test's next contract mints.
    function _deployAsMinter(MiningRewards.Params memory params, bytes memory reason) private {
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        vm.mockCall(address(token), abi.encodeWithSignature("minter()"), abi.encode(next));
        _deployRewards(params, reason);
    }

    function test_refusesSenselessParameters() public {
        MiningRewards.Params memory params = _rewardsParams(LEASE, false);
        _deployRewards(
            params, abi.encodeWithSelector(IMiningRewards.RewardsNotTokenMinter.selector, address(rewards))
        );
        params.maxLeasePeriods = 0;
        _deployAsMinter(params, abi.encodeWithSelector(IMiningRewards.RewardsLeaseZero.selector));
        params.maxLeasePeriods = MIN_LOCK + 1;
        _deployAsMinter(
            params,
            abi.encodeWithSelector(IMiningRewards.RewardsLeaseTooLong.selector, MIN_LOCK + 1, MIN_LOCK)
        );
        params = _rewardsParams(LEASE, false);
        params.adjudicator = address(0);
        _deployAsMinter(params, abi.encodeWithSelector(IMiningRewards.RewardsAddressZero.selector));
        params = _rewardsParams(LEASE, false);
        params.challenges = address(0);
        _deployAsMinter(params, abi.encodeWithSelector(IMiningRewards.RewardsAddressZero.selector));
        params = _rewardsParams(LEASE, true);
        params.kappaPeriods = 0;
        _deployAsMinter(params, abi.encodeWithSelector(IMiningRewards.RewardsKappaPeriodsZero.selector));
        params = _rewardsParams(LEASE, false);
        params.warmUpLocked = uint96(CAP + 1);
        _deployAsMinter(
            params, abi.encodeWithSelector(IMiningRewards.RewardsWarmUpAboveCap.selector, CAP + 1, CAP)
        );
        params.warmUpLocked = 0;
        params.halfLifeSeconds = DAY - 1;
        _deployAsMinter(
            params, abi.encodeWithSelector(IMiningRewards.RewardsHalfLifeInvalid.selector, DAY - 1, DAY)
        );
        params.halfLifeSeconds = type(uint64).max;
        vm.mockCall(address(escrow), abi.encodeWithSignature("periodSeconds()"), abi.encode(uint32(1)));
        _deployAsMinter(
            params,
            abi.encodeWithSelector(IMiningRewards.RewardsHalfLifeInvalid.selector, type(uint64).max, 1)
        );
        vm.clearMockedCalls();
        vm.mockCall(address(escrow), abi.encodeWithSignature("token()"), abi.encode(alice));
        _deployRewards(
            _rewardsParams(LEASE, false),
            abi.encodeWithSelector(IMiningRewards.RewardsTokenMismatch.selector, address(token), alice)
        );
    }

    function test_showsItsParameters() public view {
        assertEq(rewards.token(), address(token));
        assertEq(rewards.escrow(), address(escrow));
        assertEq(rewards.adjudicator(), adjudicator);
        assertEq(rewards.challenges(), challenges);
        assertEq(rewards.maxLeasePeriods(), LEASE);
        assertEq(rewards.halfLifeSeconds(), HALF_LIFE);
        assertFalse(rewards.kappaEnabled());
        assertEq(rewards.kappaPeriods(), KAPPA_PERIODS);
        assertEq(rewards.warmUpLocked(), 0);
        assertEq(rewards.reserve(), CAP - INITIAL);
        assertEq(rewards.pool(), 0);
        assertGe(escrow.minLockPeriods(), rewards.maxLeasePeriods());
    }
}
