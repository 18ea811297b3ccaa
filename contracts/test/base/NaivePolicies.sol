// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";

/// @notice One policy told the simplest way: a table of miners and periods, each cell a fee that is
/// held, collected or returned, walked in full. No lengths, no counts of what is settled.
contract NaivePolicies {
    enum Fee {
        None,
        Held,
        Collected,
        Refunded, // idle, to the sponsor
        Returned, // revoked, to the sponsor
        Unserved // active without a delivery by then, to the sponsor
    }

    IPolicyManager.Terms private terms;
    uint32 public last;
    uint32 private end; // greatest `last` there ever was
    bool public revoked;
    mapping(uint256 index => bool) public revokedAlone;
    mapping(uint256 index => uint32) private lastAlone;
    mapping(uint256 index => uint32) public provedIn; // period of the delivery, 0 while it is not proved
    uint32 private immutable proofPeriods;
    mapping(uint256 index => mapping(uint256 period => Fee)) public fees;
    mapping(uint256 index => mapping(uint256 period => bool)) public active;

    constructor(IPolicyManager.Terms memory terms_, uint32 proofPeriods_) {
        terms = terms_;
        proofPeriods = proofPeriods_;
        last = terms_.firstPeriod - 1;
        extend(terms_.lastPeriod);
    }

    /// @notice The price of the new periods.
    function extend(uint32 newLast) public returns (uint256 price) {
        for (uint256 i = 0; i < terms.miners.length; ++i) {
            for (uint256 p = last + 1; p <= newLast && !revokedAlone[i]; ++p) {
                fees[i][p] = Fee.Held;
                price += terms.rate;
            }
        }
        last = newLast;
        if (newLast > end) end = newLast;
    }

    function confirm(uint256 index, uint256 first, uint256 through) external {
        for (uint256 p = first; p <= through; ++p) {
            active[index][p] = true;
        }
    }

    function revoke(uint32 current) external returns (uint256 amount) {
        for (uint256 i = 0; i < terms.miners.length; ++i) {
            amount += _return(i, current);
        }
        revoked = true;
        last = current < terms.firstPeriod ? terms.firstPeriod - 1 : current;
    }

    function revokeArrangement(uint256 index, uint32 current) external returns (uint256) {
        revokedAlone[index] = true;
        lastAlone[index] = current < terms.firstPeriod ? terms.firstPeriod - 1 : current;
        return _return(index, current);
    }

    /// @notice Fees to the miner, and to the sponsor those from before a delivery that this proves.
    function collect(uint256 index, uint32 current, uint32 delivery)
        external
        returns (uint256 amount, uint256 returned)
    {
        uint32 from = provedIn[index] == 0 ? delivery : provedIn[index];
        amount = count(index, from, current);
        if (from == 0 || amount == 0) return (0, 0);
        provedIn[index] = from;
        for (uint256 p = terms.firstPeriod; p < current; ++p) {
            if (fees[index][p] != Fee.Held || !active[index][p]) continue;
            fees[index][p] = p < from ? Fee.Unserved : Fee.Collected;
            if (p < from) returned += terms.rate;
        }
    }

    /// @notice Fees that are held for active, completed periods from `from` on.
    function count(uint256 index, uint32 from, uint32 current) public view returns (uint256 amount) {
        uint256 start = from < terms.firstPeriod ? terms.firstPeriod : from;
        for (uint256 p = start; p < current; ++p) {
            if (fees[index][p] == Fee.Held && active[index][p]) amount += terms.rate;
        }
    }

    /// @notice Fees for active, completed periods from the proved delivery on, collected or not.
    function earned(uint256 index, uint32 current) external view returns (uint256 amount) {
        uint32 from = provedIn[index];
        if (from == 0) return 0;
        for (uint256 p = from < terms.firstPeriod ? terms.firstPeriod : from; p < current; ++p) {
            Fee fee = fees[index][p];
            if (fee == Fee.Collected || (fee == Fee.Held && active[index][p])) amount += terms.rate;
        }
    }

    function refund(uint32 current) external returns (uint256 amount) {
        for (uint256 i = 0; i < terms.miners.length; ++i) {
            bool overdue = isOverdue(i, current);
            for (uint256 p = terms.firstPeriod; p < current; ++p) {
                if (fees[i][p] != Fee.Held || (active[i][p] && !overdue)) continue;
                fees[i][p] = active[i][p] ? Fee.Unserved : Fee.Refunded;
                amount += terms.rate;
            }
        }
    }

    /// @notice Whether nobody proved the delivery in time.
    function isOverdue(uint256 index, uint32 current) public view returns (bool) {
        uint32 own = revokedAlone[index] && lastAlone[index] < last ? lastAlone[index] : last;
        return provedIn[index] == 0 && current > own + proofPeriods;
    }

    /// @notice What the contract still owes to anyone, and of that: what could be settled at `current`.
    function owed(uint32 current) external view returns (uint256 all, uint256 settleable) {
        for (uint256 i = 0; i < terms.miners.length; ++i) {
            for (uint256 p = terms.firstPeriod; p <= end; ++p) {
                if (fees[i][p] != Fee.Held) continue;
                all += terms.rate;
                if (p < current) settleable += terms.rate;
            }
        }
    }

    function _return(uint256 index, uint32 current) private returns (uint256 amount) {
        for (uint256 p = current + 1; p <= last; ++p) {
            if (fees[index][p] == Fee.Held) {
                fees[index][p] = Fee.Returned;
                amount += terms.rate;
            }
        }
    }
}
