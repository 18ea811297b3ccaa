// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Handler} from "./Handler.sol";
import {Deliveries} from "../base/Deliveries.sol";
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
        uint256 returned; // of active periods without a delivery by then
        uint32 effectiveLast;
        /// Bit i: the arrangement of the i-th miner was revoked; lasts[i] is its last paid period.
        uint256 revokedAlone;
        uint32[MINERS] lasts;
    }

    IPolicyManager internal immutable policies;
    address private constant AUTHOR = address(0xa11ce);
    uint256 private constant VERIFYING_KEY = 0xde11;
    IPolicyManager.Terms[] private _terms;
    Ghost[] private _ghosts;
    uint256 public policySeq;
    uint256 public arrangements;

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
        terms.verifier = vm.addr(VERIFYING_KEY);
        terms.salt = bytes32(_terms.length);
        terms.miners = _chosen(seed);
        if (terms.miners.length == 0 || !_canServe(terms, terms.lastPeriod)) return;
        uint256 price = policies.priceOf(terms);
        if (token.balanceOf(address(this)) < price) return;
        policies.createPolicy(terms, "");
        ++policySeq;
        _terms.push(terms);
        _ghosts.push();
        _ghosts[_ghosts.length - 1].deposited = price;
        _ghosts[_ghosts.length - 1].effectiveLast = terms.lastPeriod;
    }

    function extendPolicy(uint256 which, uint256 by) external {
        if (_terms.length == 0) return;
        which %= _terms.length;
        IPolicyManager.State memory state = policies.stateOf(policies.policyId(_terms[which]));
        if (state.revoked || state.effectiveLast < policies.currentPeriod()) return;
        uint32 last = state.effectiveLast + uint32(bound(by, 1, 10));
        IPolicyManager.Terms memory serving = _terms[which];
        serving.miners = _serving(which);
        if (serving.miners.length == 0 || !_canServe(serving, last)) return;
        uint256 price = uint256(serving.rate) * serving.miners.length * (last - state.effectiveLast);
        if (token.balanceOf(address(this)) < price) return;
        token.transfer(AUTHOR, price);
        vm.startPrank(AUTHOR);
        token.approve(address(policies), price);
        policies.extendPolicy(_terms[which], last, new address[](0));
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

    function revokeArrangement(uint256 which, uint256 who, uint256 rarely) external {
        if (_terms.length == 0 || rarely % 3 != 0) return;
        which %= _terms.length;
        who %= _terms[which].miners.length;
        IPolicyManager.State memory state = policies.stateOf(policies.policyId(_terms[which]));
        uint32 current = policies.currentPeriod();
        if (state.revoked || state.effectiveLast < current || revokedAlone(which, who)) return;
        vm.prank(AUTHOR);
        _ghosts[which].refundedFuture += policies.revokeArrangement(_terms[which], _terms[which].miners[who]);
        ++policySeq;
        ++arrangements;
        uint32 first = _terms[which].firstPeriod;
        _ghosts[which].revokedAlone |= 1 << who;
        _ghosts[which].lasts[who] = current < first ? first - 1 : current;
    }

    function refund(uint256 which) public {
        if (_terms.length == 0) return;
        which %= _terms.length;
        if (policies.refundable(_terms[which]) == 0) return;
        uint256 overdue = overdueOf(which);
        _ghosts[which].returned += overdue;
        _ghosts[which].refundedIdle += policies.refund(_terms[which]) - overdue;
    }

    function collect(uint256 which, uint256 who) public {
        if (_terms.length == 0) return;
        which %= _terms.length;
        address miner = _terms[which].miners[who % _terms[which].miners.length];
        IPolicyManager.Terms[] memory list = new IPolicyManager.Terms[](1);
        list[0] = _terms[which];
        IPolicyManager.Delivery[] memory deliveries = _deliveries(which, miner);
        uint256 due = policies.collectableEach(list, miner, deliveries)[0];
        if (due == 0) return;
        uint256 before = token.balanceOf(address(this));
        vm.prank(miner);
        require(policies.collect(list, miner, deliveries) == due, "collect differs from collectable");
        _ghosts[which].collected += due;
        _ghosts[which].returned += token.balanceOf(address(this)) - before;
    }

    /// @notice Fees whose delivery nobody proved in time.
    function overdueOf(uint256 which) public view returns (uint256 overdue) {
        IPolicyManager.Terms memory terms = _terms[which];
        for (uint256 i = 0; i < terms.miners.length; ++i) {
            (uint256 fees, uint256 through) = policies.unproven(terms, terms.miners[i]);
            if (policies.currentPeriod() > through) overdue += fees;
        }
    }

    /// @dev Of four miners of a policy one is never given its kfrag, one four periods late, one with a period
    /// to spare; none of them gets a word for the others.
    function _deliveries(uint256 which, address miner)
        private
        view
        returns (IPolicyManager.Delivery[] memory deliveries)
    {
        uint256 fate = uint256(keccak256(abi.encode(which, miner))) % 4;
        if (fate == 0) return deliveries;
        deliveries = new IPolicyManager.Delivery[](1);
        uint32 period = _terms[which].firstPeriod;
        if (fate == 1) period += 4;
        if (fate == 2) period -= 1;
        deliveries[0] = Deliveries.signed(address(policies), _terms[which], miner, period, VERIFYING_KEY);
    }

    function revokedAlone(uint256 which, uint256 index) public view returns (bool) {
        return (_ghosts[which].revokedAlone >> index) & 1 == 1;
    }

    /// @notice Last period of the i-th miner of a policy that is paid for.
    function lastOf(uint256 which, uint256 index) external view returns (uint32) {
        uint32 last = _ghosts[which].effectiveLast;
        uint32 own = _ghosts[which].lasts[index];
        return revokedAlone(which, index) && own < last ? own : last;
    }

    function _serving(uint256 which) private view returns (address[] memory serving) {
        address[] memory all = _terms[which].miners;
        uint256 size;
        for (uint256 i = 0; i < all.length; ++i) {
            if (!revokedAlone(which, i)) ++size;
        }
        serving = new address[](size);
        size = 0;
        for (uint256 i = 0; i < all.length; ++i) {
            if (!revokedAlone(which, i)) serving[size++] = all[i];
        }
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
