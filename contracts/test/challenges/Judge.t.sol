// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Vm} from "forge-std/Vm.sol";
import {ChallengeTest} from "../base/ChallengeTest.sol";
import {Adjudicator} from "../../src/Adjudicator.sol";
import {IAdjudicator} from "../../src/interfaces/IAdjudicator.sol";
import {ISilenceChallenges} from "../../src/interfaces/ISilenceChallenges.sol";
import {UmbralProof} from "../../src/libraries/UmbralProof.sol";

/// @notice A false answer convicts the miner, by the events of the challenge alone.
contract JudgeTest is ChallengeTest {
    uint256 private constant R = 21;
    uint256 private constant U = 22;

    bytes private capsule;
    Vm.Log[] private told;

    /// @dev A root of -(5^3 + 7): no point of the curve has x = 5.
    uint256 private constant ROOT = 0x350ae3b48047adacdeea49fb8a0b289a94f726801078408aba79631fa7a1b6ba;

    /// @dev An answer of the right form whose E1 is off the curve.
    function _answerFalsely() private {
        ISilenceChallenges.Answer memory reply = _answerBy(worker, miner, 0x02);
        for (uint256 i = 0; i < 32; ++i) {
            reply.cfrag[1 + i] = bytes32(uint256(5))[i];
        }
        ISilenceChallenges.Challenge memory open = silence.challengeOf(id, miner);
        reply.signature = _receipt(keyOf[worker], miner, open.capsuleHash, open.requester, reply);
        vm.recordLogs();
        silence.answer(terms, miner, reply);
        Vm.Log[] memory seen = vm.getRecordedLogs();
        delete told;
        for (uint256 i = 0; i < seen.length; ++i) {
            told.push(seen[i]);
        }
    }

    /// @dev What the event says, and the evidence made of it with the capsule of the opening.
    function _evidence() private returns (IAdjudicator.Answer memory judged, bytes memory evidence) {
        bytes memory cfrag;
        (, judged.commitmentsHash, judged.blockTime, judged.blockHash, cfrag, judged.signature) =
            abi.decode(told[0].data, (bytes32, bytes32, uint64, bytes32, bytes, bytes));
        evidence = bytes.concat(
            capsule,
            cfrag,
            abi.encode(vm.createWallet(R).publicKeyY, vm.createWallet(U).publicKeyY),
            bytes1(UmbralProof.NOT_ON_CURVE),
            bytes2(0),
            bytes32(ROOT)
        );
    }

    function _accusation(uint256 key, address challenger, bytes memory keys, uint256 y)
        private
        view
        returns (IAdjudicator.Accusation memory)
    {
        bytes32 typehash = keccak256(
            "Accusation(address miner,bytes32 policyId,bytes32 capsuleHash,address challenger)"
        );
        bytes32 structHash = keccak256(abi.encode(typehash, miner, id, keccak256(capsule), challenger));
        return IAdjudicator.Accusation({
            miner: miner,
            challenger: challenger,
            keys: keys,
            receivingY: y,
            signature: _sign(key, _digest("KMS Adjudicator", adjudicator, structHash))
        });
    }

    function _asked() private returns (ISilenceChallenges.Demand memory demand) {
        demand = _demand(1);
        (demand.capsule, demand.capsuleWitness) = _capsule(R, U);
        capsule = demand.capsule;
    }

    function test_aFalseAnswerToTheReaderConvicts() public {
        ISilenceChallenges.Demand memory demand = _asked();
        ISilenceChallenges.ReaderConsent memory consent =
            _consent(demand, bob, uint64(vm.getBlockTimestamp()));
        vm.prank(bob);
        silence.openAsReader(demand, consent);
        _answerFalsely();
        (IAdjudicator.Answer memory judged, bytes memory evidence) = _evidence();
        IAdjudicator.Accusation memory accusation =
            _accusation(reader.privateKey, bob, _keys(), reader.publicKeyY);
        (uint96 penalty,) = Adjudicator(adjudicator).penaltyOf(miner);
        uint256 before = token.balanceOf(bob);
        Adjudicator(adjudicator).accuseOfWrongFragment(terms, accusation, judged, evidence);
        assertEq(token.balanceOf(bob) - before, REWARD_FLOOR);
        assertEq(escrow.position(miner).locked, MIN_LOCKED - penalty);
        assertGt(penalty, bond, "a false answer does not pay");
        assertGt(rewards.suspendedThrough(miner), _now());
    }

    function test_aFalseAnswerToTheAuthorConvicts() public {
        ISilenceChallenges.Demand memory demand = _asked();
        vm.prank(alice);
        silence.openAsAuthor(demand);
        _answerFalsely();
        (IAdjudicator.Answer memory judged, bytes memory evidence) = _evidence();
        (, uint256 key) = makeAddrAndKey("verifier");
        Adjudicator(adjudicator)
            .accuseOfWrongFragment(terms, _accusation(key, alice, "", 0), judged, evidence);
        assertLt(escrow.position(miner).locked, MIN_LOCKED);
    }

    function test_theAnswerToOneConvictsForNobodyElse() public {
        ISilenceChallenges.Demand memory demand = _asked();
        vm.prank(alice);
        silence.openAsAuthor(demand);
        _answerFalsely();
        (IAdjudicator.Answer memory judged, bytes memory evidence) = _evidence();
        // The author asked, so the reader's key is not the requester's.
        IAdjudicator.Accusation memory accusation =
            _accusation(reader.privateKey, bob, _keys(), reader.publicKeyY);
        vm.expectPartialRevert(IAdjudicator.AdjudicatorReceiptInvalid.selector);
        Adjudicator(adjudicator).accuseOfWrongFragment(terms, accusation, judged, evidence);
    }
}
