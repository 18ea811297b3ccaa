// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Vm} from "forge-std/Vm.sol";
import {KmsTest} from "./KmsTest.sol";
import {SilenceChallenges} from "../../src/SilenceChallenges.sol";
import {IControl} from "../../src/interfaces/IControl.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {ISilenceChallenges} from "../../src/interfaces/ISilenceChallenges.sol";
import {Secp256k1} from "../../src/libraries/Secp256k1.sol";

/// @notice A live policy of three active miners that acknowledged their kfrags, and what author,
/// reader and workers sign.
abstract contract ChallengeTest is KmsTest {
    uint32 internal constant PERIODS = 60;
    uint256 internal constant WINDOW = 1 days;
    bytes32 internal constant KFRAG_HASH = keccak256("key fragment");
    bytes32 internal constant BLINDING = keccak256("blinding");

    SilenceChallenges internal silence;
    address[] internal miners;
    address[] internal workers;
    mapping(address account => uint256 key) internal keyOf;
    IPolicyManager.Terms internal terms;
    bytes32 internal id;
    address internal miner;
    address internal worker;
    Vm.Wallet internal reader;
    Vm.Wallet internal delegating;
    uint96 internal bond;

    function setUp() public virtual override {
        super.setUp();
        silence = SilenceChallenges(challenges);
        reader = vm.createWallet("reader");
        delegating = vm.createWallet("delegating");
        (miners, workers) = _miners(3, 400);
        // So that a worker may be changed from here on.
        _skip(COOLDOWN - 1);
        for (uint256 i = 0; i < 3; ++i) {
            (address account, uint256 key) =
                makeAddrAndKey(string.concat("miner ", vm.toString(i), " worker"));
            keyOf[account] = key;
        }
        (miner, worker) = (miners[1], workers[1]);
        (, keyOf[alice]) = makeAddrAndKey("alice");
        keyOf[reader.addr] = reader.privateKey;
        terms = _terms(miners, PERIODS);
        terms.keysHash = keccak256(_keys());
        id = _create(terms);
        bond = _challengeTerms().bond;
        _funded(alice);
        _funded(bob);
        _confirmAll();
        _skip(1);
    }

    /// @dev That of the account "verifier".
    function _verifyingKey() internal pure override returns (uint256) {
        return uint256(keccak256("verifier"));
    }

    function _funded(address challenger) internal {
        _fund(challenger, 100 * uint256(bond));
        vm.prank(challenger);
        token.approve(address(silence), type(uint256).max);
    }

    /// @dev Leases as long as possible for the three miners.
    function _confirmAll() internal {
        for (uint256 i = 0; i < workers.length; ++i) {
            _confirm(workers[i], _now() + LEASE);
        }
    }

    /// @dev To `period` with the three active all the way.
    function _activeUntil(uint32 period) internal {
        while (_now() < period) {
            uint32 next = _now() + LEASE - 1;
            _goto(next < period ? next : period);
            _confirmAll();
        }
    }

    // ---------------------------------------------------------------- keys and capsules

    function _compressed(Vm.Wallet memory point) internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(2 + (point.publicKeyY & 1)), point.publicKeyX);
    }

    function _keys() internal view returns (bytes memory) {
        return bytes.concat(_compressed(delegating), _compressed(reader), BLINDING);
    }

    /// @dev The capsule (rG, uG, u + r*h) and the witness that it is one.
    function _capsule(uint256 r, uint256 u) internal returns (bytes memory text, bytes memory witness) {
        Vm.Wallet memory v = vm.createWallet(u);
        bytes memory points = bytes.concat(_compressed(vm.createWallet(r)), _compressed(v));
        bytes32 digest = sha256(bytes.concat(hex"0000000e", "CAPSULE_POINTS", points));
        uint256 h = uint256(digest) % (Secp256k1.N - 1) + 1;
        uint256 s = addmod(u, mulmod(r, h, Secp256k1.N), Secp256k1.N);
        Vm.Wallet memory w1 = vm.createWallet(s);
        Vm.Wallet memory w2 = vm.createWallet(mulmod(r, h, Secp256k1.N));
        text = bytes.concat(points, bytes32(s));
        witness = abi.encodePacked(w1.publicKeyX, w1.publicKeyY, w2.publicKeyX, w2.publicKeyY, v.publicKeyY);
    }

    // ---------------------------------------------------------------- statements

    function _sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _ack(address by, bytes32 policyId, address of_, bytes32 kfragHash)
        internal
        view
        returns (bytes memory)
    {
        bytes32 typehash = keccak256("KfragAck(bytes32 policyId,address miner,bytes32 kfragHash)");
        bytes32 structHash = keccak256(abi.encode(typehash, policyId, of_, kfragHash));
        return _sign(keyOf[by], _digest("KMS Node", address(policies), structHash));
    }

    function _demand(uint256 seed) internal returns (ISilenceChallenges.Demand memory demand) {
        demand.terms = terms;
        demand.miner = miner;
        (demand.capsule, demand.capsuleWitness) = _capsule(2 * seed + 1, 2 * seed + 2);
        demand.kfragHash = KFRAG_HASH;
        demand.ackSignature = _ack(worker, id, miner, KFRAG_HASH);
    }

    function _consent(ISilenceChallenges.Demand memory demand, address challenger, uint64 deadline)
        internal
        view
        returns (ISilenceChallenges.ReaderConsent memory)
    {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Challenge(bytes32 policyId,address miner,bytes32 capsuleHash,address challenger,"
                    "uint64 deadline)"
                ),
                policies.policyId(demand.terms),
                demand.miner,
                keccak256(demand.capsule),
                challenger,
                deadline
            )
        );
        return ISilenceChallenges.ReaderConsent({
            keys: _keys(),
            receivingY: reader.publicKeyY,
            deadline: deadline,
            signature: _sign(
                keyOf[reader.addr], _digest("KMS SilenceChallenges", address(silence), structHash)
            )
        });
    }

    /// @dev An answer of `by` to the open challenge; its cfrag is 359 bytes of `filling`.
    function _answerBy(address by, address of_, bytes1 filling)
        internal
        view
        returns (ISilenceChallenges.Answer memory reply)
    {
        reply.cfrag = new bytes(359);
        for (uint256 i = 0; i < 359; ++i) {
            reply.cfrag[i] = filling;
        }
        reply.commitmentsHash = keccak256("commitments");
        reply.blockTime = uint64(vm.getBlockTimestamp() - 1);
        reply.blockHash = keccak256("a head");
        ISilenceChallenges.Challenge memory challenge = silence.challengeOf(id, of_);
        reply.signature = _receipt(keyOf[by], of_, challenge.capsuleHash, challenge.requester, reply);
    }

    function _receipt(
        uint256 key,
        address of_,
        bytes32 capsuleHash,
        address requester,
        ISilenceChallenges.Answer memory reply
    ) internal view returns (bytes memory) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Receipt(bytes32 policyId,address miner,bytes32 capsuleHash,bytes32 cfragHash,"
                    "bytes32 commitmentsHash,address requester,uint64 blockTime,bytes32 blockHash)"
                ),
                id,
                of_,
                capsuleHash,
                keccak256(reply.cfrag),
                reply.commitmentsHash,
                requester,
                reply.blockTime,
                reply.blockHash
            )
        );
        return _sign(key, _digest("KMS Node", address(policies), structHash));
    }

    // ---------------------------------------------------------------- acts

    /// @dev Alice, the author, challenges `miner`.
    function _open(uint256 seed) internal returns (ISilenceChallenges.Demand memory demand) {
        demand = _demand(seed);
        vm.prank(alice);
        silence.openAsAuthor(demand);
    }

    function _answer() internal {
        silence.answer(terms, miner, _answerBy(worker, miner, 0x02));
    }

    /// @dev The miner proves that it had its kfrag from the first period on, and collects what is due.
    function _collect() internal {
        IPolicyManager.Terms[] memory list = _one(terms);
        vm.prank(miner);
        policies.collect(list, miner, _delivered(list, miner));
    }

    /// @dev What the policy has paid the miner.
    function _paid() internal view returns (uint256 paid) {
        (,, paid) = policies.caseOf(terms, miner);
    }

    /// @dev The fine under the terms of the base, told in another way than the contract does.
    function _fineOf(uint256 due) internal view returns (ISilenceChallenges.Fine memory fine) {
        fine.penalty = 20 * bond;
        fine.fee = 3 * bond;
        // Half of the penalty are ten bonds, and five of them are gas.
        uint256 beyond = due < 5 * uint256(bond) ? due : 5 * uint256(bond) - 1;
        fine.toSponsor = uint96(beyond / 2);
        fine.reward = 2 * bond + uint96(beyond) - fine.toSponsor;
    }

    function _setChallenge(IControl.ChallengeTerms memory parameters) internal {
        vm.prank(address(timelock));
        control.setChallenge(parameters);
    }

    function _revoke() internal {
        vm.prank(alice);
        policies.revokePolicy(terms);
    }

    function _revokeArrangement(address of_) internal {
        vm.prank(alice);
        policies.revokeArrangement(terms, of_);
    }
}
