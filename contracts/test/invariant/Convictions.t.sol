// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {AdjudicatorTest} from "../base/AdjudicatorTest.sol";
import {IAdjudicator} from "../../src/interfaces/IAdjudicator.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {NodeMessages} from "../../src/libraries/NodeMessages.sol";

/// @notice A prosecutor who holds every receipt of an honest miner and helps itself to everything else: true
/// witnesses, forgers' witnesses, noise, the keys of author and reader, revocations. The miner is never
/// convicted. A dishonest one is beside it, so that a court that convicts nobody fails too.
contract ConvictionsTest is AdjudicatorTest {
    uint64 private constant REVOKED_AT = ANSWERED_AT + 1_000;
    uint256 private constant POLICIES = 4;

    Delegation[] private delegations;
    IPolicyManager.Terms[] private granted;
    bytes32[] private ids;

    function setUp() public override {
        super.setUp();
        _readForgeries();
        vm.warp(REVOKED_AT);
        for (uint256 i = 0; i < POLICIES; ++i) {
            Delegation memory from = _delegation(i);
            address[] memory miners = new address[](1);
            miners[0] = miner;
            IPolicyManager.Terms memory for_ = _termsFor(miners, from);
            for_.salt = bytes32(i + 1);
            ids.push(_create(for_));
            from.cfrag = _granted(from.cfrag, for_, miner, from);
            from.again = _granted(from.again, for_, miner, from);
            from.other = _granted(from.other, for_, miner, from);
            delegations.push(from);
            granted.push(for_);
        }
        // It answered before; two of the policies were revoked later.
        for (uint256 i = 0; i < POLICIES; i += 2) {
            vm.prank(alice);
            policies.revokePolicy(granted[i]);
        }
        // The policies have begun: no dismissal of the worker ends its word about them.
        _skip(1);
        bytes4[] memory selectors = new bytes4[](4);
        selectors[0] = this.accuseOfWrongFragment.selector;
        selectors[1] = this.accuseOfEquivocation.selector;
        selectors[2] = this.accuseOfServing.selector;
        selectors[3] = this.pass.selector;
        targetSelector(FuzzSelector(address(this), selectors));
        targetContract(address(this));
    }

    // ---------------------------------------------------------------- the prosecutor

    function accuseOfWrongFragment(uint256 seed, uint8 code, uint16 at, bytes32[5] calldata noise) external {
        uint256 i = seed % POLICIES;
        Delegation memory from = delegations[i];
        bytes memory cfrag = _answerOf(from, seed >> 8);
        bytes memory witness = _witness(from, seed >> 16, noise);
        bytes memory evidence = bytes.concat(from.capsule, cfrag, from.roots, bytes1(code % 10), witness);
        // Half of the time a bit of the witness, or of anything, is changed.
        if ((seed >> 24) % 2 == 0) evidence[at % evidence.length] ^= bytes1(uint8(1 << ((seed >> 32) % 8)));
        IAdjudicator.Accusation memory accusation = _accuse(i, from);
        IAdjudicator.Answer memory answer = _answerFor(i, from, cfrag);
        try judge.accuseOfWrongFragment(granted[i], accusation, answer, evidence) {} catch {}
    }

    function accuseOfEquivocation(uint256 seed, uint16 at) external {
        uint256 i = seed % POLICIES;
        Delegation memory from = delegations[i];
        bytes memory one = _answerOf(from, seed >> 8);
        bytes memory other = _answerOf(from, seed >> 16);
        IAdjudicator.Answer[2] memory answers = [_answerFor(i, from, one), _answerFor(i, from, other)];
        bytes memory cfrags = bytes.concat(one, other);
        if ((seed >> 24) % 2 == 0) cfrags[at % 718] ^= bytes1(uint8(1 << ((seed >> 32) % 8)));
        IAdjudicator.Accusation memory accusation = _accuse(i, from);
        try judge.accuseOfEquivocation(granted[i], accusation, answers, keccak256(from.capsule), cfrags) {}
            catch {}
    }

    function accuseOfServing(uint256 seed, uint64 blockTime) external {
        uint256 i = seed % POLICIES;
        Delegation memory from = delegations[i];
        IAdjudicator.Answer memory answer = _answerFor(i, from, from.cfrag);
        if ((seed >> 8) % 2 == 0) answer.blockTime = blockTime;
        IAdjudicator.Accusation memory accusation = _accuse(i, from);
        try judge.accuseOfServingAfterRevocation(
            granted[i], accusation, answer, keccak256(from.capsule), keccak256(from.cfrag)
        ) {}
            catch {}
    }

    /// @dev Time passes, revocations age, the worker is dismissed.
    function pass(uint256 seed) external {
        vm.warp(vm.getBlockTimestamp() + seed % 200);
        if (seed % 5 == 0) _skip(1);
        if (seed % 7 == 0 && escrow.workerOf(miner) != address(0)) {
            vm.prank(miner);
            escrow.unbondWorker();
        }
    }

    // ---------------------------------------------------------------- what it holds

    /// @dev Each is an honest answer: two proofs, two kfrags, all granted.
    function _answerOf(Delegation memory from, uint256 seed) private pure returns (bytes memory) {
        if (seed % 3 == 0) return from.cfrag;
        return seed % 3 == 1 ? from.again : from.other;
    }

    function _witness(Delegation memory from, uint256 seed, bytes32[5] calldata noise)
        private
        view
        returns (bytes memory)
    {
        if (seed % 3 == 0) return from.witnesses[(seed >> 2) % 3];
        if (seed % 3 == 1) return forgeries[(seed >> 2) % forgeries.length].witness;
        return abi.encodePacked(uint16((seed >> 2) % 300), noise);
    }

    function _accuse(uint256 i, Delegation memory from)
        private
        returns (IAdjudicator.Accusation memory accusation)
    {
        bytes32 capsuleHash = keccak256(from.capsule);
        accusation.miner = miner;
        accusation.challenger = challenger;
        accusation.keys = from.keys;
        accusation.receivingY = vm.createWallet(from.readerKey).publicKeyY;
        accusation.signature = _signAccusation(from.readerKey, miner, ids[i], capsuleHash, challenger);
    }

    function _answerFor(uint256 i, Delegation memory from, bytes memory cfrag)
        private
        view
        returns (IAdjudicator.Answer memory)
    {
        NodeMessages.Receipt memory receipt = _receipt(from.capsule, cfrag);
        receipt.policyId = ids[i];
        receipt.requester = vm.addr(from.readerKey);
        return _answerSigned(_signReceipt(workerKey, receipt));
    }

    // ---------------------------------------------------------------- invariants

    function invariant_theHonestMinerIsNeverConvicted() public view {
        (uint96 locked, uint96 unbonding) = escrow.stakeAtRisk(miner);
        assertEq(uint256(locked) + unbonding, 2 * MIN_LOCKED);
        assertEq(rewards.suspendedThrough(miner), 0);
        assertEq(token.balanceOf(challenger), 0);
    }

    /// @dev The same court convicts at once when the miner signs what is false.
    function afterInvariant() public {
        _submit(_falseScalar());
        assertTrue(judge.isConvicted(miner, policyId, keccak256(delegation.capsule)));
    }
}
