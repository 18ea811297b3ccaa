// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "./KmsTest.sol";
import {Adjudicator} from "../../src/Adjudicator.sol";
import {IAdjudicator} from "../../src/interfaces/IAdjudicator.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {NodeMessages} from "../../src/libraries/NodeMessages.sol";

/// @notice One policy with one miner, whose node answered one capsule; cfrags and witnesses are those the
/// umbral crate wrote, signatures are made here.
abstract contract AdjudicatorTest is KmsTest {
    /// @notice Keys of an author and a reader, and honest answers to one capsule.
    struct Delegation {
        bytes keys;
        uint256 readerKey;
        uint256 authorKey;
        bytes capsule;
        bytes roots;
        bytes cfrag;
        bytes again; // as cfrag, another proof
        bytes other; // by another kfrag
        bytes[3] witnesses; // of the true equations
    }

    struct Forgery {
        string name;
        bytes cfrag;
        uint8 code;
        bytes witness;
    }

    /// @notice All that a transaction against a wrong cfrag consists of.
    struct Charge {
        IPolicyManager.Terms terms;
        IAdjudicator.Accusation accusation;
        IAdjudicator.Answer answer;
        bytes evidence;
    }

    /// @dev When the tests begin.
    uint64 internal constant ANSWERED_AT = GENESIS + 9 * DAY + DAY / 2;
    bytes32 internal constant BLOCK_HASH = keccak256("block");
    bytes32 internal constant COMMITMENTS_HASH = keccak256("commitments");
    bytes32 internal constant BLINDING = keccak256("blinding");

    Adjudicator internal judge;
    /// @dev Of the receipts that are signed here.
    uint64 internal answeredAt = ANSWERED_AT;
    Delegation internal delegation;
    Forgery[] internal forgeries;
    string internal json;
    address internal miner;
    address internal worker;
    uint256 internal workerKey;
    IPolicyManager.Terms internal terms;
    bytes32 internal policyId;
    address internal challenger = makeAddr("challenger");
    address internal reader;
    uint256 internal readerY;

    function setUp() public virtual override {
        super.setUp();
        judge = Adjudicator(adjudicator);
        json = vm.readFile("../tests/vectors/granted_witness.json");
        delegation = _delegation(0);
        reader = vm.addr(delegation.readerKey);
        readerY = vm.createWallet(delegation.readerKey).publicKeyY;
        (miner, worker, workerKey) = _miner("accused", 2 * MIN_LOCKED, 100);
        address[] memory miners = new address[](1);
        miners[0] = miner;
        terms = _termsFor(miners, delegation);
        policyId = _create(terms);
        assertEq(vm.getBlockTimestamp(), ANSWERED_AT);
    }

    // ---------------------------------------------------------------- vectors

    function _delegation(uint256 i) internal view returns (Delegation memory read) {
        string memory at = string.concat(".honest[", vm.toString(i), "]");
        read.keys = bytes.concat(_hex(at, ".delegating"), _hex(at, ".receiving"), BLINDING);
        read.readerKey = uint256(bytes32(_hex(at, ".receiving_secret")));
        read.authorKey = uint256(bytes32(_hex(at, ".signer_secret")));
        read.capsule = _hex(at, ".capsule");
        read.roots = _hex(at, ".roots");
        read.cfrag = _hex(at, ".cfrag");
        read.again = _hex(at, ".again");
        read.other = _hex(at, ".other");
        for (uint256 k = 0; k < 3; ++k) {
            read.witnesses[k] = _hex(at, string.concat(".true_witnesses[", vm.toString(k), "]"));
        }
    }

    function _readForgeries() internal {
        string memory at;
        for (uint256 i = 0; vm.keyExistsJson(json, at = string.concat(".cases[", vm.toString(i), "]")); ++i) {
            Forgery storage forgery = forgeries.push();
            forgery.name = vm.parseJsonString(json, string.concat(at, ".name"));
            forgery.cfrag = _hex(at, ".cfrag");
            forgery.code = uint8(vm.parseJsonUint(json, string.concat(at, ".code")));
            forgery.witness = _hex(at, ".witness");
        }
    }

    function _hex(string memory at, string memory key) internal view returns (bytes memory) {
        return vm.parseBytes(string.concat("0x", vm.parseJsonString(json, string.concat(at, key))));
    }

    // ---------------------------------------------------------------- what author and reader do

    function _verifyingKey() internal view override returns (uint256) {
        return delegation.authorKey;
    }

    function _termsFor(address[] memory miners, Delegation memory from)
        internal
        view
        returns (IPolicyManager.Terms memory made)
    {
        made = _terms(miners, 30);
        made.verifier = vm.addr(from.authorKey);
        made.keysHash = keccak256(from.keys);
    }

    /// @dev The cfrag with the author's signature for a policy and a miner: bytes 295 to 359.
    function _granted(
        bytes memory cfrag,
        IPolicyManager.Terms memory for_,
        address to,
        Delegation memory from
    ) internal view returns (bytes memory) {
        bytes32 id = policies.policyId(for_);
        bytes memory head = abi.encodePacked(
            uint32(15), "UMBRAL_KFRAG_V2", uint8(2), uint64(block.chainid), address(policies), id, to
        );
        bytes memory middle = abi.encodePacked(
            uint16(for_.threshold),
            uint16(for_.miners.length),
            uint64(for_.firstPeriod),
            uint64(for_.lastPeriod) + 1,
            bytes32(0)
        );
        bytes memory subject = bytes.concat(
            _slice(cfrag, 66, 98), _slice(cfrag, 197, 230), _slice(cfrag, 98, 131), _slice(from.keys, 0, 66)
        );
        (, bytes32 r, bytes32 s) = vm.sign(from.authorKey, sha256(bytes.concat(head, middle, subject)));
        return bytes.concat(_slice(cfrag, 0, 295), r, s);
    }

    // ---------------------------------------------------------------- what is signed

    function _receipt(bytes memory capsule, bytes memory cfrag)
        internal
        view
        returns (NodeMessages.Receipt memory)
    {
        return NodeMessages.Receipt({
            policyId: policyId,
            miner: miner,
            capsuleHash: keccak256(capsule),
            cfragHash: keccak256(cfrag),
            commitmentsHash: COMMITMENTS_HASH,
            requester: reader,
            blockTime: answeredAt,
            blockHash: BLOCK_HASH
        });
    }

    function _signReceipt(uint256 key, NodeMessages.Receipt memory receipt)
        internal
        view
        returns (bytes memory)
    {
        bytes32 typeHash = keccak256(
            "Receipt(bytes32 policyId,address miner,bytes32 capsuleHash,bytes32 cfragHash,"
            "bytes32 commitmentsHash,address requester,uint64 blockTime,bytes32 blockHash)"
        );
        return _sign(key, _digest("KMS Node", address(policies), keccak256(abi.encode(typeHash, receipt))));
    }

    function _signAccusation(uint256 key, address accused, bytes32 id, bytes32 capsuleHash, address for_)
        internal
        view
        returns (bytes memory)
    {
        bytes32 typeHash =
            keccak256("Accusation(address miner,bytes32 policyId,bytes32 capsuleHash,address challenger)");
        bytes32 structHash = keccak256(abi.encode(typeHash, accused, id, capsuleHash, for_));
        return _sign(key, _digest("KMS Adjudicator", address(judge), structHash));
    }

    function _sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev The same signature with the other s and the other v.
    function _highS(bytes memory signature) internal pure returns (bytes memory) {
        uint256 n = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        uint256 s = n - uint256(bytes32(_slice(signature, 32, 64)));
        uint8 v = uint8(signature[64]) == 27 ? 28 : 27;
        return abi.encodePacked(_slice(signature, 0, 32), s, v);
    }

    // ---------------------------------------------------------------- charges

    /// @dev The reader accuses; the miner's worker signed a receipt for `cfrag`.
    function _charge(bytes memory cfrag, uint8 code, bytes memory witness)
        internal
        view
        returns (Charge memory charge)
    {
        charge.terms = terms;
        charge.accusation = _accusation(keccak256(delegation.capsule));
        charge.answer = _answer(cfrag);
        charge.evidence = bytes.concat(delegation.capsule, cfrag, delegation.roots, bytes1(code), witness);
    }

    function _accusation(bytes32 capsuleHash) internal view returns (IAdjudicator.Accusation memory) {
        return IAdjudicator.Accusation({
            miner: miner,
            challenger: challenger,
            keys: delegation.keys,
            receivingY: readerY,
            signature: _signAccusation(delegation.readerKey, miner, policyId, capsuleHash, challenger)
        });
    }

    function _answer(bytes memory cfrag) internal view returns (IAdjudicator.Answer memory) {
        return _answerSigned(_signReceipt(workerKey, _receipt(delegation.capsule, cfrag)));
    }

    function _answerSigned(bytes memory signature) internal view returns (IAdjudicator.Answer memory) {
        return IAdjudicator.Answer(COMMITMENTS_HASH, answeredAt, BLOCK_HASH, signature);
    }

    /// @dev A cfrag with a false scalar: the cheapest crime.
    function _falseScalar() internal view returns (Charge memory) {
        bytes memory cfrag = delegation.cfrag;
        for (uint256 i = 263; i < 295; ++i) {
            cfrag[i] = 0;
        }
        return _charge(cfrag, 4, hex"0000");
    }

    function _capsuleHash(uint256 index) internal pure returns (bytes32) {
        return keccak256(abi.encode("capsule", index));
    }

    /// @dev The author accuses a miner that answered over made-up capsule `index` now, by a receipt
    /// signed with `key`.
    function _servedLate(address of_, uint256 key, IPolicyManager.Terms memory for_, uint256 index)
        internal
    {
        _servedAt(of_, key, for_, index, uint64(vm.getBlockTimestamp()));
    }

    /// @dev The same, with a receipt of `time`.
    function _servedAt(
        address of_,
        uint256 key,
        IPolicyManager.Terms memory for_,
        uint256 index,
        uint64 time
    ) internal {
        bytes32 id = policies.policyId(for_);
        bytes32 capsuleHash = _capsuleHash(index);
        IAdjudicator.Accusation memory accusation = IAdjudicator.Accusation({
            miner: of_,
            challenger: challenger,
            keys: "",
            receivingY: 0,
            signature: _signAccusation(delegation.authorKey, of_, id, capsuleHash, challenger)
        });
        NodeMessages.Receipt memory receipt = NodeMessages.Receipt({
            policyId: id,
            miner: of_,
            capsuleHash: capsuleHash,
            cfragHash: bytes32(index),
            commitmentsHash: COMMITMENTS_HASH,
            requester: for_.verifier,
            blockTime: time,
            blockHash: BLOCK_HASH
        });
        IAdjudicator.Answer memory answer =
            IAdjudicator.Answer(COMMITMENTS_HASH, time, BLOCK_HASH, _signReceipt(key, receipt));
        judge.accuseOfServingAfterRevocation(for_, accusation, answer, capsuleHash, bytes32(index));
    }

    function _submit(Charge memory charge) internal {
        judge.accuseOfWrongFragment(charge.terms, charge.accusation, charge.answer, charge.evidence);
    }

    function _expect(bytes4 selector) internal {
        vm.expectPartialRevert(selector);
    }

    /// @dev Everything a conviction would change.
    function _standing(address of_) internal view returns (bytes32) {
        (uint96 locked, uint96 unbonding) = escrow.stakeAtRisk(of_);
        return
            keccak256(
                abi.encode(locked, unbonding, rewards.suspendedThrough(of_), token.balanceOf(challenger))
            );
    }
}
