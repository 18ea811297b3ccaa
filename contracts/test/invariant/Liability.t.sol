// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {AdjudicatorTest} from "../base/AdjudicatorTest.sol";
import {IAdjudicator} from "../../src/interfaces/IAdjudicator.sol";
import {IControl} from "../../src/interfaces/IControl.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {NodeMessages} from "../../src/libraries/NodeMessages.sol";

/// @notice A thief holds every key that ever was a worker of the miner, makes policies of its own and accuses
/// with invented capsules as fast as it can. What the miner loses stays within the bounds, and a retired key
/// counts only under policies that began by the day of its dismissal, and only for so long; no receipt counts
/// that is older. The thief has not more in the end than it paid, but for the gas of its accusations.
contract LiabilityInvariantsTest is AdjudicatorTest {
    /// @notice A capsule over which the author was heard and the reader was not.
    struct Heard {
        uint256 policy;
        uint256 index;
    }

    uint256[] private keys;
    mapping(uint256 key => uint32) private retiredIn; // 0 while it is the worker
    IPolicyManager.Terms[] private made;
    uint256 private capsules;
    uint256 private convictions;
    uint256 private owned; // by the thief at the start
    uint256 private spent; // of the thief: author, sponsor and challenger are one
    uint256 private accusations; // that were heard
    Heard[] private halfHeard;
    // The books, told a second time.
    uint32 private windowOpened;
    uint256 private windowLost;
    uint256 private day;
    uint256 private dayLost;
    uint256 private dayBound;

    function setUp() public override {
        super.setUp();
        keys.push(workerKey);
        owned = token.balanceOf(alice) + token.balanceOf(challenger);
        // So that the day's bound is sometimes the narrower one.
        _deposit(bob, 6 * MIN_LOCKED, 300);
        IControl.PenaltyTerms memory at = _penaltyTerms();
        at.networkCapBps = 800;
        vm.prank(address(timelock));
        control.setPenalty(at);
        this.makePolicy(0);
        bytes4[] memory selectors = new bytes4[](7);
        selectors[0] = this.accuse.selector;
        selectors[1] = this.accuse.selector;
        selectors[2] = this.makePolicy.selector;
        selectors[3] = this.rotate.selector;
        selectors[4] = this.stakeMore.selector;
        selectors[5] = this.pass.selector;
        selectors[6] = this.accuseAsReader.selector;
        targetSelector(FuzzSelector(address(this), selectors));
        targetContract(address(this));
    }

    // ---------------------------------------------------------------- thief, owner, time

    function accuse(uint256 seed) external {
        uint256 key = keys[seed % keys.length];
        IPolicyManager.Terms memory terms_ = made[(seed >> 8) % made.length];
        uint256 before = _atRisk();
        uint256 staked = escrow.totalLocked() + escrow.totalUnbonding();
        // Of today, or dated back by up to two E.
        uint256 age = seed % 2 == 0 ? 0 : (seed >> 16) % (2 * uint256(EVIDENCE) * DAY);
        uint64 time = uint64(vm.getBlockTimestamp() - age);
        try this.servedAt(key, terms_, capsules, time) {
            halfHeard.push(Heard((seed >> 8) % made.length, capsules));
            ++capsules;
            ++convictions;
            ++accusations;
            uint32 end = retiredIn[key];
            assertTrue(end == 0 || terms_.firstPeriod <= end, "a retired key under a later policy");
            assertTrue(end == 0 || _now() <= end + EVIDENCE, "a key retired long ago");
            assertLe(_now(), (time - GENESIS) / DAY + 1 + EVIDENCE, "old evidence");
            _enter(before - _atRisk(), staked);
        } catch {
            assertEq(_atRisk(), before);
            assertFalse(judge.isConvicted(miner, policies.policyId(terms_), _capsuleHash(capsules)));
        }
    }

    function servedAt(uint256 key, IPolicyManager.Terms calldata terms_, uint256 index, uint64 time)
        external
    {
        _servedAt(miner, key, terms_, index, time);
    }

    /// @dev The thief holds the reader's key too, and comes for what is held.
    function accuseAsReader(uint256 seed) external {
        if (halfHeard.length == 0) return;
        uint256 at = seed % halfHeard.length;
        Heard memory heard = halfHeard[at];
        uint256 before = _atRisk();
        try this.servedReader(keys[(seed >> 16) % keys.length], made[heard.policy], heard.index) {
            halfHeard[at] = halfHeard[halfHeard.length - 1];
            halfHeard.pop();
            ++accusations;
        } catch {}
        assertEq(_atRisk(), before, "the penalty falls once");
    }

    function servedReader(uint256 key, IPolicyManager.Terms calldata terms_, uint256 index) external {
        bytes32 id = policies.policyId(terms_);
        bytes32 capsuleHash = _capsuleHash(index);
        IAdjudicator.Accusation memory accusation = IAdjudicator.Accusation({
            miner: miner,
            challenger: challenger,
            keys: delegation.keys,
            receivingY: readerY,
            signature: _signAccusation(delegation.readerKey, miner, id, capsuleHash, challenger)
        });
        NodeMessages.Receipt memory receipt = _receipt(delegation.capsule, delegation.cfrag);
        (receipt.policyId, receipt.capsuleHash) = (id, capsuleHash);
        receipt.blockTime = uint64(vm.getBlockTimestamp());
        IAdjudicator.Answer memory answer =
            IAdjudicator.Answer(COMMITMENTS_HASH, receipt.blockTime, BLOCK_HASH, _signReceipt(key, receipt));
        judge.accuseOfServingAfterRevocation(terms_, accusation, answer, capsuleHash, receipt.cfragHash);
    }

    function makePolicy(uint256 seed) external {
        IPolicyManager.Terms memory own = terms;
        own.salt = keccak256(abi.encode("own", made.length));
        own.firstPeriod = _now() + uint32(seed % 2);
        own.lastPeriod = own.firstPeriod;
        _fund(alice, own.rate);
        spent += own.rate;
        vm.startPrank(alice);
        token.approve(address(policies), own.rate);
        try policies.createPolicy(own, "") {
            policies.revokePolicy(own);
            made.push(own);
        } catch {} // the miner is too poor by now to serve
        vm.stopPrank();
        vm.warp(vm.getBlockTimestamp() + 200);
    }

    function rotate(uint256 seed) external {
        address present = escrow.workerOf(miner);
        uint256 next = uint256(keccak256(abi.encode("key", keys.length))) >> 8;
        bool unbonds = seed % 3 == 0;
        address fresh = vm.addr(next);
        bytes memory call = unbonds
            ? abi.encodeCall(escrow.unbondWorker, ())
            : abi.encodeCall(
                escrow.bondWorker,
                (fresh, type(uint256).max, _signConsent(next, fresh, miner, type(uint256).max))
            );
        vm.prank(miner);
        (bool done,) = address(escrow).call(call);
        if (!done) return; // the cooldown, nobody to dismiss, or no stake
        if (present != address(0)) retiredIn[keys[keys.length - 1]] = _now();
        if (!unbonds) keys.push(next);
    }

    function stakeMore(uint256 seed) external {
        if (_atRisk() < 8 * MIN_LOCKED) {
            _deposit(miner, uint96(bound(seed, MIN_LOCKED, 4 * MIN_LOCKED)), 300);
        }
    }

    function pass(uint256 seed) external {
        if (seed % 3 == 0) vm.warp(vm.getBlockTimestamp() + seed % DAY);
        else _skip(1 + seed % 4);
    }

    // ---------------------------------------------------------------- what is taken

    function _enter(uint256 lost, uint256 staked) private {
        if (windowOpened == 0 || _now() >= windowOpened + LEASE) (windowOpened, windowLost) = (_now(), 0);
        windowLost += lost;
        if (day != vm.getBlockTimestamp() / 1 days) {
            (day, dayLost, dayBound) = (vm.getBlockTimestamp() / 1 days, 0, staked * 800 / 10_000);
        }
        assertTrue(dayLost == 0 || dayLost < dayBound, "the day was full");
        dayLost += lost;
    }

    function invariant_noWindowTakesMoreThanTheCap() public view {
        uint256 stake = _atRisk() + windowLost;
        uint256 floor = _penaltyTerms().floor;
        assertLe(windowLost, stake / 2 > floor ? stake / 2 : floor);
        (uint32 opened, uint96 taken,) = judge.windowOf(miner);
        bool over = windowOpened == 0 || _now() >= windowOpened + LEASE;
        assertEq(opened, over ? _now() : windowOpened);
        assertEq(taken, over ? 0 : windowLost);
    }

    function invariant_noDayTakesMoreThanItsBoundAndOnePenalty() public view {
        (uint64 number, uint96 taken, uint96 most) = judge.lastDay();
        assertEq(number, day);
        assertEq(taken, dayLost);
        assertEq(most, dayBound);
    }

    /// @dev What author, sponsor and accuser have got, less what they put in, is the gas at most.
    function invariant_theThiefGainsTheGasAtMost() public view {
        uint256 has = token.balanceOf(alice) + token.balanceOf(challenger);
        assertLe(has, spent + owned + accusations * REWARD_FLOOR);
    }

    /// @dev The key that is bonded binds its miner under every policy.
    function invariant_thePresentWorkerBinds() public view {
        address present = escrow.workerOf(miner);
        if (present != address(0)) assertEq(escrow.minerOfSigner(present, type(uint32).max), miner);
    }

    /// @dev So that a court that convicts nobody fails too.
    function test_theThiefTakesTheFirstCap() public {
        for (uint256 i = 0; i < 12; ++i) {
            this.accuse(i << 8);
            this.pass(1);
        }
        assertGt(convictions, 3);
    }

    function _atRisk() private view returns (uint256) {
        (uint96 locked, uint96 unbonding) = escrow.stakeAtRisk(miner);
        return uint256(locked) + unbonding;
    }
}
