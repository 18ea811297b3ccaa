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
        Returned // revoked, to the sponsor
    }

    IPolicyManager.Terms private terms;
    uint32 public last;
    uint32 private end; // greatest `last` there ever was
    bool public revoked;
    mapping(uint256 index => bool) public revokedAlone;
    mapping(uint256 index => mapping(uint256 period => Fee)) public fees;
    mapping(uint256 index => mapping(uint256 period => bool)) public active;

    constructor(IPolicyManager.Terms memory terms_) {
        terms = terms_;
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
        return _return(index, current);
    }

    function collect(uint256 index, uint32 current) external returns (uint256 amount) {
        for (uint256 p = terms.firstPeriod; p < current; ++p) {
            if (fees[index][p] == Fee.Held && active[index][p]) {
                fees[index][p] = Fee.Collected;
                amount += terms.rate;
            }
        }
    }

    function refund(uint32 current) external returns (uint256 amount) {
        for (uint256 i = 0; i < terms.miners.length; ++i) {
            for (uint256 p = terms.firstPeriod; p < current; ++p) {
                if (fees[i][p] == Fee.Held && !active[i][p]) {
                    fees[i][p] = Fee.Refunded;
                    amount += terms.rate;
                }
            }
        }
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
