// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Vm} from "forge-std/Vm.sol";
import {ChallengeTest} from "../base/ChallengeTest.sol";
import {IControl} from "../../src/interfaces/IControl.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {ISilenceChallenges} from "../../src/interfaces/ISilenceChallenges.sol";
import {Secp256k1} from "../../src/libraries/Secp256k1.sol";

contract AnswerTest is ChallengeTest {
    ISilenceChallenges.Demand private demand;

    function setUp() public override {
        super.setUp();
        demand = _open(1);
    }

    function _refuses(ISilenceChallenges.Answer memory reply, bytes memory error) private {
        vm.expectRevert(error);
        vm.prank(worker);
        silence.answer(terms, miner, reply);
    }

    function _invalid() private view returns (bytes memory) {
        return abi.encodeWithSelector(ISilenceChallenges.ChallengeReceiptInvalid.selector, miner);
    }

    // ---------------------------------------------------------------- effect

    function test_halfOfTheBondPaysTheMinerAndTheRestReturns() public {
        ISilenceChallenges.Answer memory reply = _answerBy(worker, miner, 0x02);
        vm.expectEmit(address(silence));
        emit ISilenceChallenges.ChallengeAnswered(
            id,
            miner,
            terms.verifier,
            keccak256(demand.capsule),
            reply.commitmentsHash,
            reply.blockTime,
            reply.blockHash,
            reply.cfrag,
            reply.signature
        );
        (uint256 before, uint256 rest) = (token.balanceOf(miner), token.balanceOf(alice));
        vm.prank(worker);
        silence.answer(terms, miner, reply);
        assertEq(token.balanceOf(miner) - before, bond / 2);
        assertEq(token.balanceOf(alice) - rest, bond - bond / 2);
        assertEq(token.balanceOf(address(silence)), 0);
        assertEq(rewards.suspendedThrough(miner), 0);
        ISilenceChallenges.Challenge memory challenge = silence.challengeOf(id, miner);
        assertEq(challenge.challenger, address(0));
        assertEq(challenge.requester, address(0));
        assertEq(challenge.bond, 0);
        assertEq(challenge.capsuleHash, 0);
        assertEq(challenge.windowSeconds, 0);
        assertEq(challenge.distancePeriods, 7, "kept for the next one");
    }

    function test_anybodyMayBringTheAnswer() public {
        ISilenceChallenges.Answer memory reply = _answerBy(worker, miner, 0x02);
        vm.prank(bob);
        silence.answer(terms, miner, reply);
        assertEq(token.balanceOf(address(silence)), 0);
    }

    function test_theReceiptOfTheEventNamesItsSigner() public {
        vm.recordLogs();
        _answer();
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs[0].emitter, address(silence));
        ISilenceChallenges.Answer memory reply;
        bytes32 capsuleHash;
        bytes memory signature;
        (capsuleHash, reply.commitmentsHash, reply.blockTime, reply.blockHash, reply.cfrag, signature) =
            abi.decode(logs[0].data, (bytes32, bytes32, uint64, bytes32, bytes, bytes));
        assertEq(reply.commitmentsHash, keccak256("commitments"));
        address requester = address(uint160(uint256(logs[0].topics[3])));
        assertEq(capsuleHash, keccak256(demand.capsule));
        assertEq(requester, terms.verifier);
        assertEq(signature, _receipt(keyOf[worker], miner, capsuleHash, requester, reply));
    }

    function test_answersInTheLastSecondAndNotAfterIt() public {
        uint256 deadline = vm.getBlockTimestamp() + WINDOW;
        ISilenceChallenges.Answer memory reply = _answerBy(worker, miner, 0x02);
        vm.warp(deadline + 1);
        _refuses(reply, abi.encodeWithSelector(ISilenceChallenges.ChallengeWindowOver.selector, deadline));
        vm.warp(deadline);
        silence.answer(terms, miner, reply);
    }

    function test_aFormerWorkerMayAnswer() public {
        _bond(miner, makeAddr("another worker"));
        _answer();
    }

    function test_aNewWorkerMayAnswer() public {
        (address fresh, uint256 key) = makeAddrAndKey("another worker");
        keyOf[fresh] = key;
        _bond(miner, fresh);
        silence.answer(terms, miner, _answerBy(fresh, miner, 0x02));
    }

    function test_aReceiptGivenBeforeTheChallengeAnswersIt() public {
        ISilenceChallenges.Answer memory reply = _answerBy(worker, miner, 0x02);
        reply.blockTime = GENESIS;
        bytes32 hash = keccak256(demand.capsule);
        reply.signature = _receipt(keyOf[worker], miner, hash, terms.verifier, reply);
        silence.answer(terms, miner, reply);
    }

    function test_aPauseDoesNotBlockTheAnswer() public {
        vm.prank(guardian);
        control.pause();
        _answer();
    }

    function test_theBondIsTheOneOfTheOpening() public {
        IControl.ChallengeTerms memory parameters = _challengeTerms();
        parameters.bond = 1;
        parameters.windowSeconds = 1 hours;
        _setChallenge(parameters);
        vm.warp(vm.getBlockTimestamp() + WINDOW);
        uint256 before = token.balanceOf(miner);
        _answer();
        assertEq(token.balanceOf(miner) - before, bond / 2);
    }

    // ---------------------------------------------------------------- refused

    function test_refusesASecondAnswer() public {
        ISilenceChallenges.Answer memory reply = _answerBy(worker, miner, 0x02);
        silence.answer(terms, miner, reply);
        _refuses(reply, abi.encodeWithSelector(ISilenceChallenges.ChallengeNotOpen.selector, id, miner));
    }

    function test_refusesWhereNobodyAsked() public {
        ISilenceChallenges.Answer memory reply = _answerBy(workers[0], miners[0], 0x02);
        vm.expectRevert(abi.encodeWithSelector(ISilenceChallenges.ChallengeNotOpen.selector, id, miners[0]));
        silence.answer(terms, miners[0], reply);
        IPolicyManager.Terms memory other = terms;
        other.salt = bytes32(uint256(1));
        bytes32 unknown = policies.policyId(other);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyUnknown.selector, unknown));
        silence.answer(other, miner, reply);
    }

    function test_refusesAfterARevocation() public {
        ISilenceChallenges.Answer memory reply = _answerBy(worker, miner, 0x02);
        _revoke();
        _refuses(
            reply,
            abi.encodeWithSelector(
                ISilenceChallenges.ChallengeAccessRevoked.selector, id, miner, uint64(vm.getBlockTimestamp())
            )
        );
    }

    function test_refusesAfterTheArrangementsRevocation() public {
        ISilenceChallenges.Answer memory reply = _answerBy(worker, miner, 0x02);
        _revokeArrangement(miner);
        _refuses(
            reply,
            abi.encodeWithSelector(
                ISilenceChallenges.ChallengeAccessRevoked.selector, id, miner, uint64(vm.getBlockTimestamp())
            )
        );
    }

    function test_anotherArrangementsRevocationChangesNothing() public {
        _revokeArrangement(miners[0]);
        _answer();
    }

    function test_refusesAFragmentOfAnotherLength() public {
        ISilenceChallenges.Answer memory reply = _answerBy(worker, miner, 0x02);
        bytes32 hash = keccak256(demand.capsule);
        uint256[4] memory lengths = [uint256(0), 358, 360, 718];
        for (uint256 i = 0; i < 4; ++i) {
            reply.cfrag = new bytes(lengths[i]);
            reply.signature = _receipt(keyOf[worker], miner, hash, terms.verifier, reply);
            _refuses(
                reply,
                abi.encodeWithSelector(ISilenceChallenges.ChallengeFragmentLength.selector, lengths[i])
            );
        }
    }

    /// @dev Garbage is no answer, signed or not: the bond stays, and so does the deadline.
    function test_refusesAFragmentThatNoNodeWrites() public {
        uint256[8] memory tags = [uint256(0), 33, 98, 131, 164, 197, 230, 230];
        for (uint256 i = 0; i < 8; ++i) {
            _refusesForm(tags[i], hex"04");
            _refusesForm(tags[i], hex"00");
            // x = 0, and x = 2^256 - 1.
            _refusesForm(tags[i] + 1, abi.encode(0));
            _refusesForm(tags[i] + 1, abi.encode(type(uint256).max));
        }
        // From the order of the group on no multiple is judged; X, never multiplied, may be there.
        _refusesForm(1, abi.encode(Secp256k1.N));
        _refusesForm(99, abi.encode(Secp256k1.P));
        _refusesForm(263, abi.encode(0));
        _refusesForm(263, abi.encode(Secp256k1.N));
        _refusesForm(295, abi.encode(0));
        _refusesForm(295, abi.encode(Secp256k1.N));
        _refusesForm(327, abi.encode(0));
        _refusesForm(327, abi.encode(Secp256k1.HALF_N + 1));
        assertEq(silence.challengeOf(id, miner).bond, bond);
        silence.answer(terms, miner, _answerWith(99, abi.encode(Secp256k1.N)));
    }

    function _refusesForm(uint256 place, bytes memory part) private {
        bytes memory malformed =
            abi.encodeWithSelector(ISilenceChallenges.ChallengeFragmentMalformed.selector);
        _refuses(_answerWith(place, part), malformed);
    }

    /// @dev A signed answer whose cfrag has `part` at `place`.
    function _answerWith(uint256 place, bytes memory part)
        private
        view
        returns (ISilenceChallenges.Answer memory reply)
    {
        reply = _answerBy(worker, miner, 0x02);
        for (uint256 i = 0; i < part.length; ++i) {
            reply.cfrag[place + i] = part[i];
        }
        reply.signature = _receipt(keyOf[worker], miner, keccak256(demand.capsule), terms.verifier, reply);
    }

    function test_refusesAReceiptThatVouchesForSomethingElse() public {
        ISilenceChallenges.Answer memory reply = _answerBy(worker, miner, 0x02);
        bytes32 hash = keccak256(demand.capsule);
        uint256 key = keyOf[worker];
        reply.signature = _receipt(key, miner, keccak256("another capsule"), terms.verifier, reply);
        _refuses(reply, _invalid());
        reply.signature = _receipt(key, miner, hash, reader.addr, reply);
        _refuses(reply, _invalid());
        reply.signature = _receipt(key, miners[0], hash, terms.verifier, reply);
        _refuses(reply, _invalid());
        bytes32 this_ = id;
        id = keccak256("another policy");
        reply.signature = _receipt(key, miner, hash, terms.verifier, reply);
        id = this_;
        _refuses(reply, _invalid());
    }

    function test_refusesAFragmentCommitmentsOrTimeThatWereNotSigned() public {
        ISilenceChallenges.Answer memory reply = _answerBy(worker, miner, 0x02);
        reply.cfrag[358] = 0x03;
        _refuses(reply, _invalid());
        reply = _answerBy(worker, miner, 0x02);
        reply.commitmentsHash = keccak256("other commitments");
        _refuses(reply, _invalid());
        reply = _answerBy(worker, miner, 0x02);
        ++reply.blockTime;
        _refuses(reply, _invalid());
        reply = _answerBy(worker, miner, 0x02);
        reply.blockHash = bytes32(0);
        _refuses(reply, _invalid());
    }

    /// @dev It would convict nobody if it were false, so it is no answer.
    function test_refusesAReceiptOfATimeToCome() public {
        ISilenceChallenges.Answer memory reply = _answerBy(worker, miner, 0x02);
        reply.blockTime = uint64(vm.getBlockTimestamp() + 1);
        reply.signature = _receipt(keyOf[worker], miner, keccak256(demand.capsule), terms.verifier, reply);
        _refuses(
            reply,
            abi.encodeWithSelector(
                ISilenceChallenges.ChallengeReceiptFromFuture.selector, reply.blockTime, reply.blockTime - 1
            )
        );
        vm.warp(reply.blockTime);
        silence.answer(terms, miner, reply);
    }

    /// @dev The same: a false one could not be punished.
    function test_refusesAReceiptThatIsTooOld() public {
        ISilenceChallenges.Answer memory reply = _answerBy(worker, miner, 0x02);
        reply.blockTime = GENESIS - 1; // in the first periods nothing after genesis is too old
        reply.signature = _receipt(keyOf[worker], miner, keccak256(demand.capsule), terms.verifier, reply);
        _refuses(
            reply,
            abi.encodeWithSelector(
                ISilenceChallenges.ChallengeReceiptTooOld.selector, reply.blockTime, uint256(GENESIS)
            )
        );
    }

    function test_refusesWhoIsNoWorkerOfTheMiner() public {
        (address account, uint256 key) = makeAddrAndKey("stranger");
        keyOf[account] = key;
        _refuses(_answerBy(account, miner, 0x02), _invalid());
        // Another miner's worker, the challenger, and the owner of the position itself.
        _refuses(_answerBy(workers[0], miner, 0x02), _invalid());
        _refuses(_answerBy(alice, miner, 0x02), _invalid());
        (, keyOf[miner]) = makeAddrAndKey(vm.getLabel(miner));
        assertEq(vm.addr(keyOf[miner]), miner);
        _refuses(_answerBy(miner, miner, 0x02), _invalid());
    }

    function test_refusesAMisshapenSignature() public {
        ISilenceChallenges.Answer memory reply = _answerBy(worker, miner, 0x02);
        bytes memory signature = reply.signature;
        reply.signature = "";
        _refuses(reply, _invalid());
        reply.signature = new bytes(65);
        _refuses(reply, _invalid());
        reply.signature = bytes.concat(signature, hex"00");
        _refuses(reply, _invalid());
        // The other s of the same signature.
        (bytes32 r, bytes32 s, uint8 v) = _parts(signature);
        reply.signature = abi.encodePacked(r, bytes32(Secp256k1.N - uint256(s)), v == 27 ? 28 : 27);
        _refuses(reply, _invalid());
        reply.signature = abi.encodePacked(r, s, v - 27);
        _refuses(reply, _invalid());
    }

    function _parts(bytes memory signature) private pure returns (bytes32 r, bytes32 s, uint8 v) {
        bytes memory last = new bytes(32);
        bytes memory first = new bytes(32);
        for (uint256 i = 0; i < 32; ++i) {
            (first[i], last[i]) = (signature[i], signature[32 + i]);
        }
        return (bytes32(first), bytes32(last), uint8(signature[64]));
    }

    function testFuzz_refusesAnySignatureWithAByteChanged(uint256 place, uint8 change) public {
        vm.assume(change != 0);
        ISilenceChallenges.Answer memory reply = _answerBy(worker, miner, 0x02);
        place = bound(place, 0, 64);
        reply.signature[place] = bytes1(uint8(reply.signature[place]) ^ change);
        _refuses(reply, _invalid());
    }
}
