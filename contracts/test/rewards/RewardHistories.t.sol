// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {stdJson} from "forge-std/StdJson.sol";
import {KmsTest} from "../base/KmsTest.sol";

/// @notice Replays the histories that `kms-protocol` wrote with its own reward formula: acts of three
/// miners, and after them what everybody may claim, to the last unit. How to write the file anew says
/// node/kms-protocol/examples/reward_histories; a Rust test keeps it fresh.
contract RewardHistoriesTest is KmsTest {
    using stdJson for string;

    string private constant FILE = "../tests/vectors/reward_histories.json";
    uint256 private constant MINERS = 3;

    /// @dev What an act does; the two numbers of each stand behind it.
    enum Code {
        Deposit, // amount, periods of the lock
        Unbond, // amount
        WindDown, // 1 to begin, 0 to stop
        ExtendLock, // periods
        Confirm, // last period of the lease
        Claim, // amount paid
        Skip, // periods
        Worth, // amount claimable
        Totals, // weight and locked tokens of the current period
        Books // reserve, pool
    }

    string private json;
    address[MINERS] private miners;
    address[MINERS] private workers;

    function setUp() public override {
        super.setUp();
        json = vm.readFile(FILE);
        for (uint256 i = 0; i < MINERS; ++i) {
            miners[i] = makeAddr(string.concat("history ", vm.toString(i)));
            workers[i] = makeAddr(string.concat("history worker ", vm.toString(i)));
        }
    }

    function test_theRewardsOfEveryHistoryAgreeWithRust() public {
        assertEq(json.readUint(".start"), _now());
        assertEq(json.readUint(".reserve"), rewards.reserve());
        assertEq(json.readUint(".decay"), rewards.decay());
        uint256 count = 0;
        string memory path = ".histories[0]";
        while (vm.keyExistsJson(json, path)) {
            _replay(path);
            path = string.concat(".histories[", vm.toString(++count), "]");
        }
        assertEq(count, 20, "histories replayed");
    }

    function _replay(string memory path) private {
        vm.warp(GENESIS);
        uint256 lease = json.readUint(string.concat(path, ".lease"));
        warmUp = uint96(json.readUint(string.concat(path, ".warmUp")));
        _deploy(uint32(lease), json.readBool(string.concat(path, ".kappa")));
        _goto(json.readUint(".start"));
        uint256[] memory acts = json.readUintArray(string.concat(path, ".acts"));
        for (uint256 i = 0; i < acts.length; i += 4) {
            string memory what = string.concat(path, ", act ", vm.toString(i / 4));
            _act(Code(acts[i]), acts[i + 1], acts[i + 2], acts[i + 3], what);
        }
        assertEq(token.totalSupply() + rewards.reserve() + rewards.pool(), CAP, path);
    }

    function _act(Code code, uint256 who, uint256 first, uint256 second, string memory what) private {
        address miner = miners[who];
        if (code == Code.Deposit) {
            _deposit(miner, uint96(first), uint32(second));
            if (escrow.workerOf(miner) == address(0)) {
                _bond(miner, workers[who]);
            }
        } else if (code == Code.Confirm) {
            _confirm(workers[who], uint32(first));
        } else if (code == Code.Skip) {
            _skip(first);
        } else if (code <= Code.ExtendLock) {
            _change(code, miner, first);
        } else {
            _compare(code, miner, first, second, what);
        }
    }

    function _change(Code code, address miner, uint256 value) private {
        vm.prank(miner);
        if (code == Code.Unbond) escrow.unbond(uint96(value));
        else if (code == Code.WindDown) escrow.setWindDown(value == 1);
        else escrow.extendLock(uint32(value));
    }

    function _compare(Code code, address miner, uint256 first, uint256 second, string memory what) private {
        if (code == Code.Claim) {
            vm.prank(miner);
            assertEq(rewards.claim(miner), first, what);
        } else if (code == Code.Worth) {
            assertEq(rewards.claimable(miner), first, what);
        } else if (code == Code.Totals) {
            (uint256 weight, uint256 locked) = rewards.periodTotals(_now());
            assertEq(weight, first, what);
            assertEq(locked, second, what);
        } else {
            assertEq(rewards.reserve(), first, what);
            assertEq(rewards.pool(), second, what);
        }
    }
}
