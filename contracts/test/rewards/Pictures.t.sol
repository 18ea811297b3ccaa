// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "../base/KmsTest.sol";
import {EscrowState} from "../../src/EscrowState.sol";
import {KMSToken} from "../../src/KMSToken.sol";
import {MiningRewards} from "../../src/MiningRewards.sol";
import {StakingEscrow} from "../../src/StakingEscrow.sol";
import {IMiningRewards} from "../../src/interfaces/IMiningRewards.sol";

/// @notice Replays the pictures in the heads of EmissionBooks and LeaseLedger, number by number.
contract PicturesTest is KmsTest {
    uint96 private constant SUPPLY = 1_000;
    uint96 private constant RESERVE = 1_001;
    /// @dev Slot of EmissionBooks._buckets, the second variable of MiningRewards.
    uint256 private constant BUCKETS_SLOT = 1;

    /// @dev Token, escrow and rewards alone, with a reserve of 1001 units that halves every period.
    function setUp() public override {
        vm.warp(GENESIS);
        uint256 nonce = vm.getNonce(address(this));
        (adjudicator, challenges) = (makeAddr("adjudicator"), makeAddr("challenges"));
        token = KMSToken(_create("KMSToken", abi.encode(SUPPLY + RESERVE, SUPPLY, treasury, _at(nonce + 2))));
        rewards = MiningRewards(_at(nonce + 2));
        EscrowState.Params memory stakes = _escrowParams();
        (stakes.minLocked, stakes.control) = (1, makeAddr("control"));
        escrow = StakingEscrow(_create("StakingEscrow", abi.encode(stakes)));
        MiningRewards.Params memory mining = _rewardsParams(LEASE, false);
        mining.halfLifeSeconds = DAY;
        _create("MiningRewards", abi.encode(mining));
        _goto(10);
    }

    /// @dev Decodes the marked bucket of `period`: the change of the locked tokens, or their total.
    function _bucket(uint256 period) private view returns (int256) {
        int256 word = int256(uint256(vm.load(address(rewards), keccak256(abi.encode(period, BUCKETS_SLOT)))));
        assertEq(word & 1, 1, "the bucket has no mark");
        int256 locked = (word >> 1) / int256(2 ** 112);
        // Weight and locked tokens are the same without kappa.
        assertEq(word >> 1, locked * (2 ** 112 + 1));
        return locked;
    }

    function _isMarked(uint256 period) private view returns (bool) {
        return uint256(vm.load(address(rewards), keccak256(abi.encode(period, BUCKETS_SLOT)))) & 1 == 1;
    }

    function test_theLeaseOfThePicture() public {
        (address miner, address worker,) = _miner("miner", 100, 100);
        _confirm(worker, 13);
        assertEq(_bucket(11), 100);
        assertEq(_bucket(14), -100);
        _goto(12);
        _confirm(worker, 15);
        assertEq(_bucket(14), 0);
        assertEq(_bucket(16), -100);
        _goto(13);
        vm.prank(miner);
        escrow.unbond(40);
        _confirm(worker, 16);
        assertEq(_bucket(14), -40);
        assertEq(_bucket(16), 0);
        assertEq(_bucket(17), -60);
        // 11 and 12 are settled: of 100 tokens alone the whole emission, 500 and 250. 13 is pending.
        assertEq(rewards.claimable(miner), 750);
        _goto(14);
        assertEq(rewards.claimable(miner), 875);
        _goto(18);
        rewards.roll();
        int256[7] memory totals = [int256(100), 100, 100, 60, 60, 60, 0];
        bool[7] memory marks = [true, true, false, true, false, true, true];
        for (uint32 i = 0; i < 7; ++i) {
            (, uint256 locked) = rewards.periodTotals(11 + i);
            assertEq(locked, uint256(totals[i]));
            assertEq(_isMarked(11 + i), marks[i]);
            if (marks[i]) assertEq(_bucket(11 + i), totals[i]);
        }
        IMiningRewards.ActivityRun[] memory runs = rewards.activityRuns(miner, 0, 2);
        assertEq(runs.length, 1);
        assertEq(runs[0].first, 11);
        assertEq(runs[0].last, 16);
    }

    function test_theEmissionOfThePicture() public {
        (address a, address workerA,) = _miner("A", 50, 100);
        (address b, address workerB,) = _miner("B", 50, 100);
        _confirm(workerA, 12);
        _goto(11);
        _confirm(workerB, 13);
        assertEq(_bucket(11), 50);
        assertEq(_bucket(12), 50);
        assertEq(_bucket(13), -50);
        assertEq(_bucket(14), -50);
        uint256[4] memory locked = [uint256(50), 100, 50, 0];
        uint256[5] memory reserve = [uint256(1_001), 501, 251, 126, 126];
        // What A and B, with 50 tokens each, have earned at the end of 11, 12, 13 and 14.
        uint256[4] memory earnedByA = [uint256(500), 625, 625, 625];
        uint256[4] memory earnedByB = [uint256(0), 125, 250, 250];
        for (uint32 i = 0; i < 4; ++i) {
            _goto(11 + i);
            assertEq(rewards.reserve(), reserve[i]);
            (, uint256 total) = rewards.periodTotals(11 + i);
            assertEq(total, locked[i]);
            _skip(1);
            assertEq(rewards.reserve(), reserve[i + 1]);
            assertEq(rewards.pool(), RESERVE - reserve[i + 1]);
            assertEq(rewards.claimable(a), earnedByA[i]);
            assertEq(rewards.claimable(b), earnedByB[i]);
        }
        vm.prank(a);
        assertEq(rewards.claim(a), 625);
        vm.prank(b);
        assertEq(rewards.claim(b), 250);
        assertEq(rewards.pool(), 0);
    }
}
