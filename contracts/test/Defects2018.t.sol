// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "./base/KmsTest.sol";
import {IPolicyManager} from "../src/interfaces/IPolicyManager.sol";
import {IStakingEscrow} from "../src/interfaces/IStakingEscrow.sol";

/// @notice The defects of the January-2018 contracts, one test each, seen from
/// outside through a whole life. The owner of the stake here is a contract: this test.
contract Defects2018Test is KmsTest {
    address private worker = makeAddr("hot");
    address[] private miners;
    IPolicyManager.Terms private terms;

    function setUp() public override {
        super.setUp();
        _fund(address(this), MIN_LOCKED);
        token.approve(address(escrow), MIN_LOCKED);
        escrow.deposit(MIN_LOCKED, 500);
        escrow.bondWorker(worker, type(uint256).max, _consent(address(this), worker));
        miners.push(address(this));
        terms = _terms(miners, 365);
        _create(terms);
    }

    function test_defect1_activityIsReadForTheMinerNotForTheCaller() public {
        _confirm(worker, _now() + 3);
        _skip(5);
        vm.prank(address(policies));
        assertEq(rewards.activePeriods(address(this), _now() - 4, _now() - 1), 3);
    }

    function test_defect2_feesOfSkippedPeriodsAreCreditedOnce() public {
        for (uint256 i = 0; i < 10; ++i) {
            _confirm(worker, _now() + 2);
            _skip(5);
        }
        assertEq(
            policies.collect(_one(terms), address(this), _delivered(_one(terms), address(this))),
            20 * uint256(RATE)
        );
    }

    function test_defect3_refundIsOfIdlePeriodsAndOnce() public {
        _confirm(worker, _now() + 4);
        _skip(11);
        assertEq(policies.refund(terms), 6 * uint256(RATE));
        assertEq(policies.refundable(terms), 0);
    }

    function test_defect4_aPolicyOfAYearTouchesNoPerPeriodStorage() public {
        terms.salt = bytes32(uint256(1));
        uint256 price = policies.priceOf(terms);
        _fund(alice, price);
        vm.startPrank(alice);
        token.approve(address(policies), price);
        vm.record();
        policies.createPolicy(terms, "");
        vm.stopPrank();
        (, bytes32[] memory writes) = vm.accesses(address(policies));
        assertEq(writes.length, 2, "the policy word and the sequence number");
    }

    function test_defect5_revocationAfterPayoutsNeverReverts() public {
        _confirm(worker, _now() + LEASE);
        for (uint256 i = 0; i < 6; ++i) {
            _skip(1);
            if (_collectable(terms, address(this)) > 0) {
                policies.collect(_one(terms), address(this), _delivered(_one(terms), address(this)));
            }
        }
        vm.prank(alice);
        policies.revokePolicy(terms);
    }

    function test_defect6_dustOwnersCannotEnter() public {
        _fund(bob, MIN_LOCKED);
        vm.startPrank(bob);
        token.approve(address(escrow), MIN_LOCKED);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowBelowMinimum.selector, 1, MIN_LOCKED));
        escrow.deposit(1, 500);
        escrow.deposit(MIN_LOCKED, 500);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowBelowMinimum.selector, 1, MIN_LOCKED));
        escrow.unbond(MIN_LOCKED - 1);
        vm.stopPrank();
    }

    function test_defect7_nobodysFirstClaimFixesTheBase() public {
        (address other, address otherWorker,) = _miner("other", MIN_LOCKED, 500);
        _confirm(worker, _now() + 2);
        _confirm(otherWorker, _now() + 2);
        _skip(2);
        uint256 snapshot = vm.snapshotState();
        uint256 early = rewards.claim(address(this));
        _skip(1);
        early += rewards.claim(address(this));
        vm.prank(other);
        uint256 late = rewards.claim(other);
        assertApproxEqAbs(early, late, 1);
        vm.revertToState(snapshot);
        vm.prank(other);
        rewards.claim(other);
        _skip(1);
        assertApproxEqAbs(rewards.claim(address(this)), early, 1);
    }

    function test_defect8_aMinerRefusesAPriceBelowItsOwn() public {
        vm.prank(worker);
        escrow.setMinRate(RATE + 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IStakingEscrow.EscrowMinerCannotServe.selector,
                address(this),
                IStakingEscrow.Service.RateTooLow,
                RATE,
                terms.lastPeriod
            )
        );
        escrow.requireCanServe(miners, RATE, terms.lastPeriod);
    }

    function testFuzz_defect9_noFeeIsTooOddToDivide(uint96 rate) public {
        terms.rate = uint96(bound(rate, 1, 1e23));
        terms.salt = keccak256("another policy than that of setUp");
        _create(terms);
        _confirm(worker, _now() + 7);
        _goto(terms.lastPeriod + 1);
        uint256 paid = policies.collect(_one(terms), address(this), _delivered(_one(terms), address(this)))
            + policies.refund(terms);
        assertEq(paid, policies.priceOf(terms));
    }
}
