// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Handler} from "./Handler.sol";
import {IKMSToken} from "../../src/interfaces/IKMSToken.sol";
import {IMiningRewards} from "../../src/interfaces/IMiningRewards.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {IStakingEscrow} from "../../src/interfaces/IStakingEscrow.sol";

/// @notice Adds policies of one author to the handler of stakes and rewards.
contract PolicyHandler is Handler {
    struct Ghost {
        uint256 deposited;
        uint256 collected;
        uint256 refundedIdle;
        uint256 refundedFuture;
        uint32 effectiveLast;
    }

    IPolicyManager internal immutable policies;
    address private constant AUTHOR = address(0xa11ce);
    IPolicyManager.Terms[] private _terms;
    Ghost[] private _ghosts;
    uint256 public policySeq;

    constructor(IKMSToken t, IStakingEscrow e, IMiningRewards r, IPolicyManager p) Handler(t, e, r) {
        policies = p;
        t.approve(address(p), type(uint256).max);
    }

    function count() external view returns (uint256) {
        return _terms.length;
    }

    function termsOf(uint256 index) external view returns (IPolicyManager.Terms memory) {
        return _terms[index];
    }

    function ghostOf(uint256 index) external view returns (Ghost memory) {
        return _ghosts[index];
    }

    function createPolicy(uint256 seed, uint96 rate, uint32 delay, uint32 periods) external {
        if (_terms.length >= 12) return;
        IPolicyManager.Terms memory terms;
        terms.author = AUTHOR;
        terms.sponsor = address(this);
        terms.rate = uint96(bound(rate, 1, 1 ether));
        terms.firstPeriod = policies.currentPeriod() + uint32(bound(delay, 0, 3));
        terms.lastPeriod = terms.firstPeriod + uint32(bound(periods, 0, 25));
        terms.threshold = 1;
        terms.salt = bytes32(_terms.length);
        terms.miners = _chosen(seed);
        if (terms.miners.length == 0 || !_canServe(terms, terms.lastPeriod)) return;
        uint256 price = policies.priceOf(terms);
        if (token.balanceOf(address(this)) < price) return;
        policies.createPolicy(terms);
        ++policySeq;
        _terms.push(terms);
        _ghosts.push(Ghost(price, 0, 0, 0, terms.lastPeriod));
    }

    function extendPolicy(uint256 which, uint256 by) external {
        if (_terms.length == 0) return;
        which %= _terms.length;
        IPolicyManager.State memory state = policies.stateOf(policies.policyId(_terms[which]));
        if (state.revoked || state.effectiveLast < policies.currentPeriod()) return;
        uint32 last = state.effectiveLast + uint32(bound(by, 1, 10));
        if (!_canServe(_terms[which], last)) return;
        uint256 price =
            uint256(_terms[which].rate) * _terms[which].miners.length * (last - state.effectiveLast);
        if (token.balanceOf(address(this)) < price) return;
        token.transfer(AUTHOR, price);
        vm.startPrank(AUTHOR);
        token.approve(address(policies), price);
        policies.extendPolicy(_terms[which], last);
        vm.stopPrank();
        ++policySeq;
        _ghosts[which].deposited += price;
        _ghosts[which].effectiveLast = last;
    }

    function revokePolicy(uint256 which, uint256 rarely) external {
        if (_terms.length == 0 || rarely % 4 != 0) return;
        which %= _terms.length;
        IPolicyManager.State memory state = policies.stateOf(policies.policyId(_terms[which]));
        uint32 current = policies.currentPeriod();
        if (state.revoked || state.effectiveLast < current) return;
        vm.prank(AUTHOR);
        _ghosts[which].refundedFuture += policies.revokePolicy(_terms[which]);
        ++policySeq;
        uint32 first = _terms[which].firstPeriod;
        _ghosts[which].effectiveLast = current < first ? first - 1 : current;
    }

    function refund(uint256 which) public {
        if (_terms.length == 0) return;
        which %= _terms.length;
        if (policies.refundable(_terms[which]) == 0) return;
        _ghosts[which].refundedIdle += policies.refund(_terms[which]);
    }

    function collect(uint256 which, uint256 who) public {
        if (_terms.length == 0) return;
        which %= _terms.length;
        address miner = _terms[which].miners[who % _terms[which].miners.length];
        uint256 due = policies.collectable(_terms[which], miner);
        if (due == 0) return;
        IPolicyManager.Terms[] memory list = new IPolicyManager.Terms[](1);
        list[0] = _terms[which];
        vm.prank(miner);
        require(policies.collect(list, miner) == due, "collect differs from collectable");
        _ghosts[which].collected += due;
    }

    function _canServe(IPolicyManager.Terms memory terms, uint32 last) private view returns (bool) {
        if (policies.pausedThrough() >= policies.currentPeriod()) return false;
        try escrow.requireCanServe(terms.miners, terms.rate, last) {
            return true;
        } catch {
            return false;
        }
    }

    /// @dev A subset of the miners, ascending.
    function _chosen(uint256 seed) private view returns (address[] memory chosen) {
        uint256 size;
        for (uint256 i = 0; i < MINERS; ++i) {
            if ((seed >> i) & 1 == 1) ++size;
        }
        chosen = new address[](size);
        address previous = address(0);
        for (uint256 k = 0; k < size; ++k) {
            address next = address(type(uint160).max);
            for (uint256 i = 0; i < MINERS; ++i) {
                bool eligible = (seed >> i) & 1 == 1 && _miners[i] > previous && _miners[i] < next;
                if (eligible) next = _miners[i];
            }
            (chosen[k], previous) = (next, next);
        }
    }
}
