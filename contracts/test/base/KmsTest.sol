// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Deployed} from "./Deployed.sol";
import {Deliveries} from "./Deliveries.sol";
import {MiningRewards} from "../../src/MiningRewards.sol";
import {StakingEscrow} from "../../src/StakingEscrow.sol";
import {IMiningRewards} from "../../src/interfaces/IMiningRewards.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";

/// @notice One deployment with funded accounts, and the short ways the tests use it.
abstract contract KmsTest is Deployed {
    // ---------------------------------------------------------------- tokens and stakes

    function _fund(address account, uint256 amount) internal {
        vm.prank(treasury);
        token.transfer(account, amount);
    }

    function _deposit(address miner, uint96 amount, uint32 lockPeriods) internal {
        _fund(miner, amount);
        vm.startPrank(miner);
        token.approve(address(escrow), amount);
        escrow.deposit(amount, lockPeriods);
        vm.stopPrank();
    }

    /// @dev A funded miner with a bonded worker: (miner, worker, worker's key).
    function _miner(string memory name, uint96 amount, uint32 lockPeriods)
        internal
        returns (address miner, address worker, uint256 key)
    {
        miner = makeAddr(name);
        (worker, key) = makeAddrAndKey(string.concat(name, " worker"));
        _deposit(miner, amount, lockPeriods);
        _bond(miner, worker);
    }

    /// @dev Bonds a named account as a worker, with its consent.
    function _bond(address miner, address worker) internal {
        bytes memory consent = _consent(miner, worker);
        vm.prank(miner);
        escrow.bondWorker(worker, type(uint256).max, consent);
    }

    /// @dev The consent of a named account to be the worker of `miner` for ever.
    function _consent(address miner, address worker) internal view returns (bytes memory) {
        return _signConsent(_keyOf[worker], worker, miner, type(uint256).max);
    }

    function _confirm(address worker, uint32 through) internal {
        vm.prank(worker);
        rewards.confirmActivity(through);
    }

    /// @dev Keeps a worker's miner active in every period until `period` is the current one.
    function _stayActiveUntil(address worker, uint32 period) internal {
        while (_now() < period) {
            _confirm(worker, _now() + LEASE);
            uint32 next = _now() + LEASE;
            _goto(next < period ? next : period);
        }
    }

    // ---------------------------------------------------------------- judges

    /// @dev All that a conviction does, in the adjudicator's name.
    function _convict(address miner, uint96 penalty, uint96 reward, uint32 periods) internal {
        vm.startPrank(adjudicator);
        escrow.slash(miner, penalty, bob, reward);
        rewards.returnToReserve(penalty - reward);
        rewards.suspend(miner, periods);
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- signatures

    function _signConfirmation(
        IMiningRewards to,
        uint256 key,
        address miner,
        uint32 through,
        uint32 validPeriod
    ) internal view returns (IMiningRewards.SignedConfirmation memory) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("ActivityConfirmation(address miner,uint32 throughPeriod,uint32 validPeriod)"),
                miner,
                through,
                validPeriod
            )
        );
        bytes32 digest = _digest("KMS MiningRewards", address(to), structHash);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return IMiningRewards.SignedConfirmation(miner, through, validPeriod, abi.encodePacked(r, s, v));
    }

    function _signConsent(uint256 key, address worker, address miner, uint256 deadline)
        internal
        view
        returns (bytes memory)
    {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("WorkerConsent(address worker,address miner,uint256 deadline)"),
                worker,
                miner,
                deadline
            )
        );
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(key, _digest("KMS StakingEscrow", address(escrow), structHash));
        return abi.encodePacked(r, s, v);
    }

    function _digest(string memory name, address verifying, bytes32 structHash)
        internal
        view
        returns (bytes32)
    {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256(bytes(name)),
                keccak256("1"),
                block.chainid,
                verifying
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function _signPermit(uint256 key, address owner, address spender, uint256 value, uint256 deadline)
        internal
        view
        returns (uint8 v, bytes32 r, bytes32 s)
    {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
                ),
                owner,
                spender,
                value,
                token.nonces(owner),
                deadline
            )
        );
        return vm.sign(key, _digest("KMS", address(token), structHash));
    }

    // ---------------------------------------------------------------- policies

    /// @dev `count` miners with workers, each locked for `lockPeriods`, sorted by address.
    function _miners(uint256 count, uint32 lockPeriods)
        internal
        returns (address[] memory miners, address[] memory workers)
    {
        miners = new address[](count);
        workers = new address[](count);
        for (uint256 i = 0; i < count; ++i) {
            string memory name = string.concat("miner ", vm.toString(minerCount++));
            (address miner, address worker,) = _miner(name, MIN_LOCKED, lockPeriods);
            uint256 place = i;
            while (place > 0 && miners[place - 1] > miner) {
                miners[place] = miners[place - 1];
                workers[place] = workers[place - 1];
                --place;
            }
            miners[place] = miner;
            workers[place] = worker;
        }
    }

    /// @dev A policy of alice over `miners`, from the next period on.
    function _terms(address[] memory miners, uint32 periods)
        internal
        view
        returns (IPolicyManager.Terms memory)
    {
        return IPolicyManager.Terms({
            author: alice,
            sponsor: alice,
            verifier: vm.addr(_verifyingKey()),
            keysHash: keccak256("keys"),
            rate: RATE,
            firstPeriod: _now() + 1,
            lastPeriod: _now() + periods,
            threshold: 1,
            salt: bytes32(0),
            miners: miners
        });
    }

    function _create(IPolicyManager.Terms memory terms) internal returns (bytes32 id) {
        uint256 price = policies.priceOf(terms);
        _fund(terms.sponsor, price);
        vm.startPrank(terms.sponsor);
        token.approve(address(policies), price);
        id = policies.createPolicy(terms, "");
        vm.stopPrank();
    }

    /// @dev The key that signs deliveries, of the verifier of `_terms`.
    function _verifyingKey() internal view virtual returns (uint256) {
        return uint256(keccak256("verifying key"));
    }

    /// @dev The author's word for each policy that `miner` had its kfrag before the first period.
    function _delivered(IPolicyManager.Terms[] memory list, address miner)
        internal
        view
        returns (IPolicyManager.Delivery[] memory deliveries)
    {
        deliveries = new IPolicyManager.Delivery[](list.length);
        for (uint256 i = 0; i < list.length; ++i) {
            deliveries[i] = _deliveredIn(list[i], miner, list[i].firstPeriod);
        }
    }

    /// @dev The author's word that `miner` had its kfrag in `period`; empty for period 0.
    function _deliveredIn(IPolicyManager.Terms memory terms, address miner, uint32 period)
        internal
        view
        returns (IPolicyManager.Delivery memory)
    {
        return Deliveries.signed(address(policies), terms, miner, period, _verifyingKey());
    }

    /// @dev What `miner` could collect now with a delivery before the first period.
    function _collectable(IPolicyManager.Terms memory terms, address miner) internal view returns (uint256) {
        IPolicyManager.Terms[] memory list = _one(terms);
        return policies.collectableEach(list, miner, _delivered(list, miner))[0];
    }

    function _one(IPolicyManager.Terms memory terms)
        internal
        pure
        returns (IPolicyManager.Terms[] memory list)
    {
        list = new IPolicyManager.Terms[](1);
        list[0] = terms;
    }
}
