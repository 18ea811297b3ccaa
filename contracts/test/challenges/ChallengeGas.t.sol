// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {console} from "forge-std/console.sol";
import {ChallengeTest} from "../base/ChallengeTest.sol";
import {ISilenceChallenges} from "../../src/interfaces/ISilenceChallenges.sol";

/// @notice Whole transactions, each isolated with cold storage; the figures of SilenceChallenges' comment.
/// forge-config: default.isolate = true
contract ChallengeGasTest is ChallengeTest {
    function _transact(address from, bytes memory data) private returns (uint256) {
        vm.prank(from);
        (bool ok,) = address(silence).call(data);
        require(ok, "transaction failed");
        return vm.lastCallGas().gasTotalUsed;
    }

    /// @dev A policy of `count` miners in place of the three, challenged at the first of them.
    function _widen(uint256 count) private {
        (miners, workers) = _miners(count, 300);
        for (uint256 i = 0; i < count + 3; ++i) {
            (address account, uint256 key) =
                makeAddrAndKey(string.concat("miner ", vm.toString(i), " worker"));
            keyOf[account] = key;
        }
        terms.miners = miners;
        (terms.firstPeriod, terms.lastPeriod) = (_now() + 1, _now() + PERIODS);
        id = _create(terms);
        _funded(alice);
        _confirmAll();
        _skip(1);
        (miner, worker) = (miners[0], workers[0]);
    }

    function _measure(uint256 count) private returns (uint256 opening, uint256 answering) {
        if (count != 3) _widen(count);
        opening = _transact(alice, abi.encodeCall(silence.openAsAuthor, (_demand(1))));
        answering = _transact(
            worker, abi.encodeCall(silence.answer, (terms, miner, _answerBy(worker, miner, 0x02)))
        );
        console.log("miners / open / answer", count, opening, answering);
        // An attack that returned every bond would still burn more gas than it makes the miner burn.
        assertGt(opening, 3 * answering / 2);
    }

    function test_openingCostsMoreThanAnswering() public {
        (uint256 opening, uint256 answering) = _measure(3);
        assertLe(opening, 250_000);
        assertLe(answering, 112_500);
    }

    function test_openingCostsMoreThanAnsweringWithThirtyMiners() public {
        (uint256 opening, uint256 answering) = _measure(30);
        assertLe(opening, 300_000);
        assertLe(answering, 132_000);
    }

    /// @dev Under a policy that has paid, so that the fine pays sponsor and challenger beyond the gas.
    function test_readersOpeningAndClosing() public {
        _activeUntil(_now() + 5);
        _collect();
        ISilenceChallenges.Demand memory demand = _demand(1);
        ISilenceChallenges.ReaderConsent memory consent =
            _consent(demand, bob, uint64(vm.getBlockTimestamp()));
        uint256 opening = _transact(bob, abi.encodeCall(silence.openAsReader, (demand, consent)));
        uint256 snapshot = vm.snapshotState();
        vm.warp(vm.getBlockTimestamp() + WINDOW + 1);
        uint256 closing = _transact(alice, abi.encodeCall(silence.close, (terms, miner)));
        vm.revertToState(snapshot);
        _revoke();
        uint256 voiding = _transact(alice, abi.encodeCall(silence.close, (terms, miner)));
        console.log("open by the reader / close after silence / void", opening, closing, voiding);
        assertLe(opening, 260_000);
        assertLe(closing, 260_000);
        assertLe(voiding, 80_000);
    }

    function test_anAnswerThatComesTooLateCostsLittle() public {
        _open(1);
        bytes memory data = abi.encodeCall(silence.answer, (terms, miner, _answerBy(worker, miner, 0x02)));
        _revokeArrangement(miner);
        vm.prank(worker);
        (bool ok,) = address(silence).call(data);
        assertFalse(ok);
        uint256 gas = vm.lastCallGas().gasTotalUsed;
        console.log("an answer after a revocation", gas);
        assertLe(gas, 55_000);
    }
}
