// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ChallengeTest} from "../base/ChallengeTest.sol";
import {IControl} from "../../src/interfaces/IControl.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {ISilenceChallenges} from "../../src/interfaces/ISilenceChallenges.sol";

/// @notice A deployment of its own with two policies over three miners, and acts within the rules as this
/// model understands them, so that nothing ever reverts. It books every bond beside the contract.
contract ChallengeHandler is ChallengeTest {
    /// @notice What the rules say of one policy and miner.
    struct Ghost {
        bool open;
        bool revoked;
        uint96 bond;
        uint8 penaltyBonds;
        uint256 paidOut;
        address challenger;
        uint256 openedAt;
        uint256 window;
        uint256 suspension;
        uint256 allowedFrom;
        bytes32 capsuleHash;
        address requester;
    }

    uint256 internal constant CAPSULES = 3;

    mapping(uint256 place => Ghost) private _ghosts;
    IPolicyManager.Terms[2] private _both;
    bytes[CAPSULES] private _texts;
    bytes[CAPSULES] private _witnesses;

    uint256 public opened;
    uint256 public answered;
    uint256 public closed;
    uint256 public posted;
    uint256 public paidToMiners;
    uint256 public returned;
    uint256 public donated;
    /// @dev Sums over all fines, and of each miner.
    uint256 public penalties;
    uint256 public finesPaidOut;
    uint256 public fines;
    mapping(address miner => uint256) public penaltiesOf;
    /// @dev Whether the miner was suspended and has not confirmed since.
    mapping(address miner => bool) private _isSuspended;
    mapping(address miner => uint256) public expectedThrough;
    mapping(ISilenceChallenges.Outcome outcome => uint256) public ended;

    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < 2; ++i) {
            IPolicyManager.Terms memory one = terms;
            (one.salt, one.firstPeriod, one.lastPeriod) = (bytes32(i + 1), _now() + 1, _now() + 290);
            _both[i] = one;
            _create(one);
        }
        for (uint256 i = 0; i < CAPSULES; ++i) {
            (_texts[i], _witnesses[i]) = _capsule(10 + 2 * i, 11 + 2 * i);
        }
        _skip(1);
        _funded(address(this));
    }

    // ---------------------------------------------------------------- for the invariants

    function places() external pure returns (uint256) {
        return 6;
    }

    function at(uint256 place) public view returns (bytes32 policyId, address of_, Ghost memory ghost) {
        return (policies.policyId(_both[place / 3]), miners[place % 3], _ghosts[place]);
    }

    function openBonds() public view returns (uint256 sum) {
        for (uint256 i = 0; i < 6; ++i) {
            if (_ghosts[i].open) sum += _ghosts[i].bond;
        }
    }

    function deployment() external view returns (address, address) {
        return (address(silence), address(token));
    }

    function stakeOf(address of_) external view returns (uint256) {
        (uint96 locked, uint96 unbonding) = escrow.stakeAtRisk(of_);
        return uint256(locked) + unbonding;
    }

    function minted() external view returns (uint256) {
        return token.totalSupply() + rewards.reserve() + rewards.pool();
    }

    function paidBy(uint256 place) external view returns (uint256 paid) {
        (,, paid) = policies.caseOf(_both[place / 3], miners[place % 3]);
    }

    function suspendedThrough(address of_) external view returns (uint32) {
        return rewards.suspendedThrough(of_);
    }

    // ---------------------------------------------------------------- acts

    function skipTime(uint256 seconds_) external {
        vm.warp(vm.getBlockTimestamp() + bound(seconds_, 1, WINDOW));
    }

    /// @dev The edges of the windows, which random times would miss.
    function skipToEdge(uint256 which, uint256 edge) external {
        Ghost storage ghost = _ghosts[which % 6];
        if (!ghost.open) return;
        uint256 time = ghost.openedAt + (1 + edge % 2) * ghost.window + (edge >> 8) % 2;
        if (time > vm.getBlockTimestamp()) vm.warp(time);
    }

    function confirm(uint256 who) external {
        who %= 3;
        uint32 current = _now();
        (uint32 through,) = rewards.leaseOf(miners[who]);
        if (rewards.suspendedThrough(miners[who]) >= current || through >= current + LEASE) return;
        _confirm(workers[who], current + LEASE);
        _isSuspended[miners[who]] = false;
    }

    /// @dev The miner proves that it had its kfrag and is paid, so that a fine has fees to return.
    function collect(uint256 which) external {
        _focus(which % 6);
        if (_collectable(terms, miner) > 0) _collect();
    }

    function open(uint256 which, uint256 capsule, bool asReader) external {
        which %= 6;
        Ghost storage ghost = _ghosts[which];
        _focus(which);
        uint256 end = vm.getBlockTimestamp() + control.challengeTerms().windowSeconds;
        bool ends = (end - GENESIS) / DAY + 1 > terms.lastPeriod;
        bool free = !ghost.open && !ghost.revoked && _now() >= ghost.allowedFrom;
        if (!free || ends || _now() < terms.firstPeriod || !rewards.isActive(miner, _now())) return;

        IControl.ChallengeTerms memory parameters = control.challengeTerms();
        address challenger = asReader ? bob : alice;
        if (token.balanceOf(challenger) < parameters.bond) _fund(challenger, parameters.bond);
        ISilenceChallenges.Demand memory demand = ISilenceChallenges.Demand({
            terms: terms,
            miner: miner,
            capsule: _texts[capsule % CAPSULES],
            capsuleWitness: _witnesses[capsule % CAPSULES],
            kfragHash: KFRAG_HASH,
            ackSignature: _ack(worker, id, miner, KFRAG_HASH)
        });
        ISilenceChallenges.ReaderConsent memory consent =
            _consent(demand, bob, uint64(vm.getBlockTimestamp()));
        uint256 before = token.balanceOf(challenger);
        vm.prank(challenger);
        if (asReader) silence.openAsReader(demand, consent);
        else silence.openAsAuthor(demand);
        require(before - token.balanceOf(challenger) == parameters.bond, "bond taken once");
        (ghost.open, ghost.bond, ghost.challenger) = (true, parameters.bond, challenger);
        ghost.penaltyBonds = parameters.penaltyBonds;
        (ghost.openedAt, ghost.window) = (vm.getBlockTimestamp(), parameters.windowSeconds);
        ghost.suspension = parameters.suspensionPeriods;
        ghost.allowedFrom = _now() + parameters.distancePeriods;
        ghost.capsuleHash = keccak256(demand.capsule);
        ghost.requester = asReader ? reader.addr : terms.verifier;
        ++opened;
        posted += parameters.bond;
    }

    function answer(uint256 which, uint256 filling) external {
        which %= 6;
        Ghost storage ghost = _ghosts[which];
        if (!ghost.open || ghost.revoked) return;
        if (vm.getBlockTimestamp() > ghost.openedAt + ghost.window) return;
        _focus(which);
        uint256 before = token.balanceOf(miner);
        uint256 rest = token.balanceOf(ghost.challenger);
        silence.answer(terms, miner, _answerBy(worker, miner, bytes1(uint8(2 + filling % 2))));
        require(token.balanceOf(miner) - before == ghost.bond / 2, "half of the bond paid once");
        rest = token.balanceOf(ghost.challenger) - rest;
        require(rest == ghost.bond - ghost.bond / 2, "the rest returned once");
        ghost.open = false;
        ++answered;
        paidToMiners += ghost.bond / 2;
        returned += rest;
    }

    function close(uint256 which) public {
        which %= 6;
        Ghost storage ghost = _ghosts[which];
        uint256 time = vm.getBlockTimestamp();
        if (!ghost.open || (!ghost.revoked && time <= ghost.openedAt + ghost.window)) return;
        _focus(which);
        (uint256 before, uint256 kept) = (_owned(ghost.challenger), escrow.position(miner).locked);
        uint256 paid = _paid();
        ISilenceChallenges.Outcome outcome = silence.close(terms, miner);
        uint256 got = _owned(ghost.challenger) - before;
        kept -= escrow.position(miner).locked;
        _bookFine(ghost, outcome, kept, got, paid);
        bool lapsed = time > ghost.openedAt + 2 * ghost.window;
        ISilenceChallenges.Outcome expected = ghost.revoked
            ? ISilenceChallenges.Outcome.Void
            : lapsed ? ISilenceChallenges.Outcome.Lapsed : ISilenceChallenges.Outcome.Silent;
        require(outcome == expected, "outcome differs from the model");
        if (outcome == ISilenceChallenges.Outcome.Silent) {
            uint256 through = _now() + ghost.suspension;
            if (through > expectedThrough[miner]) expectedThrough[miner] = through;
            _isSuspended[miner] = true;
        }
        ghost.open = false;
        ++closed;
        ++ended[outcome];
        returned += ghost.bond;
    }

    /// @dev What challenger, sponsor (alice) and closer (this) own.
    function _owned(address challenger) private view returns (uint256) {
        uint256 both = token.balanceOf(alice) + token.balanceOf(address(this));
        return challenger == alice ? both : both + token.balanceOf(challenger);
    }

    /// @dev `taken` left the stake; `got` reached challenger, closer and sponsor, the bond among it.
    function _bookFine(
        Ghost storage ghost,
        ISilenceChallenges.Outcome outcome,
        uint256 taken,
        uint256 got,
        uint256 paid
    ) private {
        uint256 penalty = uint256(ghost.bond) * ghost.penaltyBonds;
        bool fined = outcome == ISilenceChallenges.Outcome.Silent && !_isSuspended[miner]
            && taken + escrow.position(miner).locked >= penalty;
        require(taken == (fined ? penalty : 0), "the penalty is taken once");
        uint256 out = got - ghost.bond;
        if (!fined) require(out == 0, "nobody is paid without a fine");
        if (!fined) return;
        require(2 * out < penalty, "half or more is paid out");
        uint256 gas = 5 * uint256(ghost.bond);
        require(out >= gas && out - gas <= paid - ghost.paidOut, "more than the policy paid");
        ghost.paidOut += out - gas;
        penalties += penalty;
        penaltiesOf[miner] += penalty;
        finesPaidOut += out;
        ++fines;
    }

    /// @dev Everything that is still open, after its time.
    function closeAll() external {
        vm.warp(vm.getBlockTimestamp() + 3 * WINDOW);
        for (uint256 i = 0; i < 6; ++i) {
            close(i);
        }
    }

    function revokeArrangement(uint256 which, uint256 rarely) external {
        which %= 6;
        Ghost storage ghost = _ghosts[which];
        _focus(which);
        if (rarely % 12 != 0 || ghost.revoked || _now() > terms.lastPeriod) return;
        _revokeArrangement(miner);
        ghost.revoked = true;
    }

    function setTerms(uint96 newBond, uint32 window, uint16 suspension, uint32 distance) external {
        uint8 bonds = uint8(bound(newBond >> 8, 11, 255));
        _setChallenge(
            IControl.ChallengeTerms({
                bond: uint96(bound(newBond, 1, MIN_LOCKED / 10 / bonds)),
                windowSeconds: uint32(bound(window, 1 hours, WINDOW)),
                suspensionPeriods: uint16(bound(suspension, 0, 4)),
                distancePeriods: uint32(bound(distance, 1, 3)),
                penaltyBonds: bonds
            })
        );
    }

    function pause() external {
        if (_now() < control.nextPausePeriod()) return;
        vm.prank(guardian);
        control.pause();
    }

    function donate(uint256 amount) external {
        amount = bound(amount, 0, 1 ether);
        _fund(address(silence), amount);
        donated += amount;
    }

    /// @dev Points the base's helpers at a policy and a miner of it.
    function _focus(uint256 which) private {
        terms = _both[which / 3];
        id = policies.policyId(terms);
        (miner, worker) = (miners[which % 3], workers[which % 3]);
    }
}
