// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ChallengeTest} from "../base/ChallengeTest.sol";
import {SilenceChallenges} from "../../src/SilenceChallenges.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {ISilenceChallenges} from "../../src/interfaces/ISilenceChallenges.sol";
import {Secp256k1} from "../../src/libraries/Secp256k1.sol";
import {UmbralProof} from "../../src/libraries/UmbralProof.sol";

contract OpenTest is ChallengeTest {
    function _refusesDemand(ISilenceChallenges.Demand memory demand, bytes memory error) private {
        vm.expectRevert(error);
        vm.prank(alice);
        silence.openAsAuthor(demand);
    }

    // ---------------------------------------------------------------- effect

    function test_theAuthorOpens() public {
        ISilenceChallenges.Demand memory demand = _demand(1);
        uint256 before = token.balanceOf(alice);
        vm.expectEmit(address(silence));
        emit ISilenceChallenges.ChallengeOpened(
            1,
            id,
            miner,
            terms.verifier,
            alice,
            uint64(vm.getBlockTimestamp() + WINDOW),
            bond,
            demand.capsule
        );
        vm.prank(alice);
        assertEq(silence.openAsAuthor(demand), id);
        assertEq(before - token.balanceOf(alice), bond);
        assertEq(token.balanceOf(address(silence)), bond);
        assertEq(silence.lastSeq(), 1);
        ISilenceChallenges.Challenge memory challenge = silence.challengeOf(id, miner);
        assertEq(challenge.challenger, alice);
        assertEq(challenge.requester, terms.verifier);
        assertEq(challenge.openedAt, vm.getBlockTimestamp());
        assertEq(challenge.windowSeconds, WINDOW);
        assertEq(challenge.suspensionPeriods, 3);
        assertEq(challenge.distancePeriods, 7);
        assertEq(challenge.bond, bond);
        assertEq(challenge.capsuleHash, keccak256(demand.capsule));
    }

    function test_eachMinerOfAPolicyHasItsOwn() public {
        ISilenceChallenges.Demand memory demand = _open(1);
        demand.miner = miners[2];
        demand.ackSignature = _ack(workers[2], id, miners[2], KFRAG_HASH);
        vm.prank(alice);
        silence.openAsAuthor(demand);
        assertEq(silence.lastSeq(), 2);
        assertEq(token.balanceOf(address(silence)), 2 * uint256(bond));
    }

    function testFuzz_opensWithAnyCapsuleMadeHonestly(uint256 r, uint256 u) public {
        r = bound(r, 1, Secp256k1.N - 1);
        u = bound(u, 1, Secp256k1.N - 1);
        vm.assume(u != r && u != Secp256k1.N - r);
        ISilenceChallenges.Demand memory demand = _demand(1);
        (demand.capsule, demand.capsuleWitness) = _capsule(r, u);
        vm.prank(alice);
        silence.openAsAuthor(demand);
    }

    function test_aFormerWorkersAcknowledgementHolds() public {
        _bond(miner, makeAddr("another worker"));
        _open(1);
    }

    /// @dev Through the last period in which its receipts would convict; an author that wants more asks the
    /// present worker to acknowledge the fragment as well.
    function test_aFormerWorkersAcknowledgementEndsWithItsWord() public {
        uint32 retiredIn = _now();
        (address fresh, uint256 key) = makeAddrAndKey("another worker");
        keyOf[fresh] = key;
        workers[1] = fresh;
        _bond(miner, fresh);
        _activeUntil(retiredIn + EVIDENCE);
        uint256 snapshot = vm.snapshotState();
        _open(1);
        vm.revertToState(snapshot);
        _activeUntil(retiredIn + EVIDENCE + 1);
        _refusesDemand(
            _demand(1), abi.encodeWithSelector(ISilenceChallenges.ChallengeNotAcknowledged.selector, miner)
        );
        worker = fresh;
        _open(1);
    }

    /// @dev Else the finder of a key that was a worker once could demand answers over kfrags that the miner
    /// never had.
    function test_refusesTheAcknowledgementOfAKeyThatWasRetiredBefore() public {
        _bond(miner, makeAddr("another worker"));
        terms.salt = keccak256("later");
        terms.firstPeriod = _now() + 2;
        id = _create(terms);
        _skip(2);
        _refusesDemand(
            _demand(1), abi.encodeWithSelector(ISilenceChallenges.ChallengeNotAcknowledged.selector, miner)
        );
    }

    /// @dev Else a miner could acknowledge in the period before the policy, dismiss the worker in it, and be
    /// paid for silence.
    function test_aWorkerDismissedInThePeriodBeforeStaysBoundByItsWord() public {
        terms.salt = keccak256("acknowledged early");
        terms.firstPeriod = _now() + 1;
        id = _create(terms);
        _bond(miner, makeAddr("another worker"));
        _skip(1);
        ISilenceChallenges.Demand memory demand = _demand(1);
        vm.prank(alice);
        assertEq(silence.openAsAuthor(demand), id);
    }

    function test_theNextOneOpensAtTheDistance() public {
        _open(1);
        _answer();
        uint32 allowed = _now() + 7;
        _activeUntil(allowed - 1);
        vm.warp(GENESIS + (allowed - 1) * DAY - 1);
        _refusesDemand(
            _demand(2),
            abi.encodeWithSelector(ISilenceChallenges.ChallengeTooSoon.selector, id, miner, allowed)
        );
        vm.warp(GENESIS + (allowed - 1) * DAY);
        _open(2);
        assertEq(silence.lastSeq(), 2);
    }

    // ---------------------------------------------------------------- time

    function test_opensInTheFirstSecondAndNotBefore() public {
        vm.warp(GENESIS + (uint256(terms.firstPeriod) - 1) * DAY - 1);
        bytes memory early = abi.encodeWithSelector(
            ISilenceChallenges.ChallengeNotStarted.selector, terms.firstPeriod, terms.firstPeriod - 1
        );
        _refusesDemand(_demand(1), early);
        vm.warp(GENESIS + (uint256(terms.firstPeriod) - 1) * DAY);
        _open(1);
    }

    function test_opensWhileTheWindowEndsInThePolicyAndNotASecondLonger() public {
        uint32 last = terms.lastPeriod;
        _activeUntil(last - 1);
        // The last second of the policy less the window.
        vm.warp(GENESIS + uint256(last) * DAY - WINDOW);
        bytes memory late =
            abi.encodeWithSelector(ISilenceChallenges.ChallengeBeyondEnd.selector, last + 1, last);
        _refusesDemand(_demand(1), late);
        vm.warp(GENESIS + uint256(last) * DAY - WINDOW - 1);
        _open(1);
    }

    function test_anExtensionCounts() public {
        uint32 last = terms.lastPeriod;
        _activeUntil(last);
        vm.startPrank(alice);
        token.approve(address(policies), type(uint256).max);
        _fundPlain(alice, 1_000 ether);
        policies.extendPolicy(terms, last + 2, new address[](0));
        vm.stopPrank();
        _open(1);
    }

    function _fundPlain(address account, uint256 amount) private {
        vm.stopPrank();
        _fund(account, amount);
        vm.startPrank(account);
    }

    // ---------------------------------------------------------------- nothing is owed

    function test_refusesWhoIsNotTheAuthor() public {
        ISilenceChallenges.Demand memory demand = _demand(1);
        vm.expectRevert(abi.encodeWithSelector(ISilenceChallenges.ChallengeNotAuthor.selector, bob));
        vm.prank(bob);
        silence.openAsAuthor(demand);
    }

    function test_refusesAnUnknownPolicy() public {
        ISilenceChallenges.Demand memory demand = _demand(1);
        demand.terms.salt = bytes32(uint256(1));
        bytes32 unknown = policies.policyId(demand.terms);
        _refusesDemand(demand, abi.encodeWithSelector(IPolicyManager.PolicyUnknown.selector, unknown));
    }

    function test_refusesAMinerThatThePolicyDoesNotName() public {
        ISilenceChallenges.Demand memory demand = _demand(1);
        demand.miner = bob;
        _refusesDemand(demand, abi.encodeWithSelector(IPolicyManager.PolicyMinerUnknown.selector, id, bob));
    }

    function test_refusesARevokedPolicy() public {
        _revoke();
        _refusesDemand(
            _demand(1),
            abi.encodeWithSelector(
                ISilenceChallenges.ChallengeAccessRevoked.selector, id, miner, uint64(vm.getBlockTimestamp())
            )
        );
    }

    function test_refusesARevokedArrangementOnly() public {
        _revokeArrangement(miner);
        _refusesDemand(
            _demand(1),
            abi.encodeWithSelector(
                ISilenceChallenges.ChallengeAccessRevoked.selector, id, miner, uint64(vm.getBlockTimestamp())
            )
        );
        miner = miners[2];
        worker = workers[2];
        _open(1);
    }

    function test_refusesAMinerThatIsNotPaidForThisPeriod() public {
        _skip(LEASE);
        _refusesDemand(
            _demand(1),
            abi.encodeWithSelector(ISilenceChallenges.ChallengeMinerInactive.selector, miner, _now())
        );
        _confirm(worker, _now() + 1);
        _refusesDemand(
            _demand(1),
            abi.encodeWithSelector(ISilenceChallenges.ChallengeMinerInactive.selector, miner, _now())
        );
        _skip(1);
        _open(1);
    }

    function test_refusesASecondWhileOneIsOpen() public {
        _open(1);
        bytes memory error =
            abi.encodeWithSelector(ISilenceChallenges.ChallengeAlreadyOpen.selector, id, miner);
        _refusesDemand(_demand(2), error);
        _activeUntil(_now() + 10);
        _refusesDemand(_demand(2), error);
    }

    // ---------------------------------------------------------------- acknowledgement

    function test_refusesWithoutTheMinersAcknowledgement() public {
        ISilenceChallenges.Demand memory demand = _demand(1);
        bytes memory error =
            abi.encodeWithSelector(ISilenceChallenges.ChallengeNotAcknowledged.selector, miner);
        bytes[7] memory wrong = [
            bytes(""),
            new bytes(65),
            _ack(workers[0], id, miner, KFRAG_HASH), // another miner's worker
            _ack(alice, id, miner, KFRAG_HASH), // the author itself
            _ack(worker, keccak256("another policy"), miner, KFRAG_HASH),
            _ack(worker, id, miners[0], KFRAG_HASH), // for another miner
            _ack(worker, id, miner, keccak256("another fragment"))
        ];
        for (uint256 i = 0; i < wrong.length; ++i) {
            demand.ackSignature = wrong[i];
            _refusesDemand(demand, error);
        }
    }

    function test_refusesAnAcknowledgementInAnotherDomain() public {
        ISilenceChallenges.Demand memory demand = _demand(1);
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("KfragAck(bytes32 policyId,address miner,bytes32 kfragHash)"),
                id,
                miner,
                KFRAG_HASH
            )
        );
        bytes memory error =
            abi.encodeWithSelector(ISilenceChallenges.ChallengeNotAcknowledged.selector, miner);
        demand.ackSignature = _sign(keyOf[worker], _digest("KMS Node", address(silence), structHash));
        _refusesDemand(demand, error);
        demand.ackSignature =
            _sign(keyOf[worker], _digest("KMS PolicyManager", address(policies), structHash));
        _refusesDemand(demand, error);
    }

    function testFuzz_refusesAnAcknowledgementOfAnyOtherKey(uint256 key) public {
        key = bound(key, 1, Secp256k1.N - 1);
        vm.assume(key != keyOf[worker]);
        keyOf[bob] = key;
        ISilenceChallenges.Demand memory demand = _demand(1);
        demand.ackSignature = _ack(bob, id, miner, KFRAG_HASH);
        _refusesDemand(
            demand, abi.encodeWithSelector(ISilenceChallenges.ChallengeNotAcknowledged.selector, miner)
        );
    }

    // ---------------------------------------------------------------- capsule

    function test_refusesACapsuleOfAnotherLength() public {
        ISilenceChallenges.Demand memory demand = _demand(1);
        bytes memory whole = demand.capsule;
        demand.capsule = bytes.concat(whole, hex"00");
        _refusesDemand(demand, abi.encodeWithSelector(UmbralProof.UmbralLengthInvalid.selector, 99, 98));
        demand.capsule = "";
        _refusesDemand(demand, abi.encodeWithSelector(UmbralProof.UmbralLengthInvalid.selector, 0, 98));
        demand.capsule = whole;
        demand.capsuleWitness = bytes.concat(demand.capsuleWitness, hex"00");
        _refusesDemand(demand, abi.encodeWithSelector(UmbralProof.UmbralLengthInvalid.selector, 161, 160));
    }

    function testFuzz_refusesAnyCapsuleOrWitnessWithAByteChanged(uint256 place, uint8 change) public {
        vm.assume(change != 0);
        ISilenceChallenges.Demand memory demand = _demand(1);
        place = bound(place, 0, 98 + 160 - 1);
        bytes memory text = place < 98 ? demand.capsule : demand.capsuleWitness;
        if (place >= 98) place -= 98;
        text[place] = bytes1(uint8(text[place]) ^ change);
        vm.expectRevert();
        vm.prank(alice);
        silence.openAsAuthor(demand);
    }

    function test_refusesAScalarOutOfRange() public {
        ISilenceChallenges.Demand memory demand = _demand(1);
        bytes memory points = new bytes(66);
        for (uint256 i = 0; i < 66; ++i) {
            points[i] = demand.capsule[i];
        }
        uint256[3] memory scalars = [0, Secp256k1.N, type(uint256).max];
        for (uint256 i = 0; i < 3; ++i) {
            demand.capsule = bytes.concat(points, bytes32(scalars[i]));
            _refusesDemand(
                demand, abi.encodeWithSelector(ISilenceChallenges.ChallengeCapsuleInvalid.selector)
            );
        }
    }

    // ---------------------------------------------------------------- bond

    function test_refusesWithoutTheBond() public {
        vm.prank(alice);
        token.approve(address(silence), bond - 1);
        _refusesDemand(
            _demand(1),
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector, address(silence), bond - 1, bond
            )
        );
        vm.startPrank(alice);
        token.approve(address(silence), bond);
        token.transfer(bob, token.balanceOf(alice) - bond + 1);
        vm.stopPrank();
        _refusesDemand(
            _demand(1),
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, alice, bond - 1, bond)
        );
        assertEq(silence.lastSeq(), 0);
        assertEq(silence.challengeOf(id, miner).challenger, address(0));
    }

    // ---------------------------------------------------------------- construction

    function test_standsWhereTheRewardsLookForIt() public {
        assertEq(silence.token(), address(token));
        assertEq(silence.escrow(), address(escrow));
        assertEq(silence.rewards(), address(rewards));
        assertEq(silence.policies(), address(policies));
        assertEq(silence.control(), address(control));
        assertEq(silence.currentPeriod(), policies.currentPeriod());
        vm.expectRevert(ISilenceChallenges.ChallengeContractsMismatch.selector);
        _create("SilenceChallenges", abi.encode(address(policies)));
    }
}
