// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "../base/KmsTest.sol";
import {IMiningRewards} from "../../src/interfaces/IMiningRewards.sol";

contract ActivityTest is KmsTest {
    mapping(uint32 period => bool) private active;

    function test_theQuestionIsAboutTheMinerAskedFor() public {
        // January 2018: the getters ignored their argument and read the caller's own record.
        (address miner, address worker,) = _miner("miner", MIN_LOCKED, 100);
        (address idle,,) = _miner("idle", MIN_LOCKED, 100);
        uint32 start = _now();
        _confirm(worker, start + 3);
        _goto(start + 5);
        vm.prank(idle);
        assertEq(rewards.activePeriods(miner, start, start + 4), 3);
        vm.prank(miner);
        assertEq(rewards.activePeriods(idle, start, start + 4), 0);
    }

    function test_refusesPeriodsThatAreNotComplete() public {
        uint32 now_ = _now();
        vm.expectRevert(abi.encodeWithSelector(IMiningRewards.RewardsPeriodNotComplete.selector, now_, now_));
        rewards.activePeriods(alice, 1, now_);
        vm.expectRevert(abi.encodeWithSelector(IMiningRewards.RewardsPeriodNotComplete.selector, now_, now_));
        rewards.sumActivePeriods(new address[](0), 1, now_);
    }

    function test_edgesOfTheHistory() public {
        (address miner, address worker,) = _miner("miner", MIN_LOCKED, 100);
        uint32 start = _now();
        assertEq(rewards.activePeriods(miner, 0, start - 1), 0, "no run");
        _confirm(worker, start + 1);
        _goto(start + 3);
        assertEq(rewards.activePeriods(miner, 0, start + 2), 1, "one run");
        _confirm(worker, start + 4);
        assertEq(rewards.activePeriods(miner, start + 1, start + 1), 1, "the closed run");
        assertEq(rewards.activePeriods(miner, start + 2, start + 2), 0, "the gap");
        assertEq(rewards.activePeriods(miner, start + 2, start + 1), 0, "no periods");
        _goto(start + 6);
        assertEq(rewards.activePeriods(miner, start + 1, start + 5), 2, "two runs");
        assertEq(rewards.activePeriods(miner, start + 4, start + 4), 1);
        assertEq(rewards.activePeriods(miner, start + 5, start + 5), 0);
        assertFalse(rewards.isActive(miner, 0));
    }

    /// @dev Random leases and gaps against a plain table of periods.
    function testFuzz_countsLikeATable(uint256 seed) public {
        (address miner, address worker,) = _miner("miner", MIN_LOCKED, MAX_LOCK);
        uint32 start = _now();
        for (uint256 i = 0; i < 25; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint32 through = _now() + 1 + uint32(seed % LEASE);
            (uint32 leased,) = rewards.leaseOf(miner);
            if (through > leased) {
                _confirm(worker, through);
                for (uint32 p = _now() + 1; p <= through; ++p) {
                    active[p] = true;
                }
            }
            _skip(1 + (seed >> 8) % 12);
        }
        address[] memory twice = new address[](2);
        (twice[0], twice[1]) = (miner, miner);
        for (uint256 i = 0; i < 20; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint32 first = start + uint32(seed % (_now() - start));
            uint32 last = first + uint32((seed >> 32) % (_now() - first));
            uint32 expected;
            for (uint32 p = first; p <= last; ++p) {
                if (active[p]) ++expected;
            }
            assertEq(rewards.activePeriods(miner, first, last), expected);
            assertEq(rewards.sumActivePeriods(twice, first, last), 2 * expected);
            assertEq(rewards.isActive(miner, first), active[first]);
        }
    }
}
