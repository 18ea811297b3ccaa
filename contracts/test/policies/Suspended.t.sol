// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "../base/KmsTest.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";
import {IStakingEscrow} from "../../src/interfaces/IStakingEscrow.sol";

/// @notice A miner that a judge suspended is not accepted for policies until it has confirmed again.
contract SuspendedTest is KmsTest {
    address[] private miners;
    address[] private workers;
    IPolicyManager.Terms private terms;

    function setUp() public override {
        super.setUp();
        (miners, workers) = _miners(3, 300);
        for (uint256 i = 0; i < 3; ++i) {
            _confirm(workers[i], _now() + LEASE);
        }
        terms = _terms(miners, 30);
    }

    function _suspend(address miner, uint32 periods) private {
        vm.prank(challenges);
        rewards.suspend(miner, periods);
    }

    function _refused(address miner, uint32 last) private view returns (bytes memory) {
        return abi.encodeWithSelector(
            IStakingEscrow.EscrowMinerCannotServe.selector,
            miner,
            IStakingEscrow.Service.Suspended,
            terms.rate,
            last
        );
    }

    function _refusesToCreate() private {
        uint256 price = policies.priceOf(terms);
        _fund(alice, price);
        vm.startPrank(alice);
        token.approve(address(policies), price);
        vm.expectRevert(_refused(miners[1], terms.lastPeriod));
        policies.createPolicy(terms, "");
        vm.stopPrank();
    }

    function _later() private {
        (terms.firstPeriod, terms.lastPeriod) = (_now() + 1, _now() + 30);
    }

    function test_noNewPolicyWhileItIsSuspendedOrIdleSince() public {
        _suspend(miners[1], 3);
        uint32 through = rewards.suspendedThrough(miners[1]);
        _refusesToCreate();
        _goto(through);
        _later();
        _refusesToCreate();
        // Over, but the miner has not come back.
        _goto(through + 10);
        _later();
        _refusesToCreate();
        _confirm(workers[1], _now() + 1);
        _create(terms);
    }

    function test_norByQuotesNorByTransferNorInABatch() public {
        _suspend(miners[1], 3);
        uint256 price = policies.priceOf(terms);
        _fund(alice, 3 * price);
        IPolicyManager.Quote[] memory quotes = new IPolicyManager.Quote[](3);
        vm.startPrank(alice);
        token.approve(address(policies), type(uint256).max);
        vm.expectRevert(_refused(miners[1], terms.lastPeriod));
        policies.createPolicyWithQuotes(terms, "", quotes);
        vm.expectRevert(_refused(miners[1], terms.lastPeriod));
        policies.createPolicies(_one(terms), new bytes[](1));
        vm.expectRevert();
        token.transferAndCall(address(policies), price, abi.encodeCall(policies.createPolicy, (terms, "")));
        vm.stopPrank();
        assertEq(token.balanceOf(address(policies)), 0);
    }

    function test_noExtensionUntilItIsBackOrDismissed() public {
        _create(terms);
        _suspend(miners[1], 3);
        _fund(alice, 1_000 ether);
        vm.startPrank(alice);
        token.approve(address(policies), type(uint256).max);
        vm.expectRevert(_refused(miners[1], terms.lastPeriod + 1));
        policies.extendPolicy(terms, terms.lastPeriod + 1, new address[](0));
        uint256 snapshot = vm.snapshotState();
        policies.revokeArrangement(terms, miners[1]);
        policies.extendPolicy(terms, terms.lastPeriod + 1, new address[](0));
        vm.revertToState(snapshot);
        vm.stopPrank();
        _goto(rewards.suspendedThrough(miners[1]) + 1);
        _confirm(workers[1], _now() + 1);
        vm.prank(alice);
        policies.extendPolicy(terms, terms.lastPeriod + 1, new address[](0));
    }

    function test_othersAreNotConcerned() public {
        _suspend(makeAddr("somebody"), 3);
        _create(terms);
    }

    function test_aConvictionSuspendsAsWell() public {
        _deposit(miners[1], 10 * MIN_LOCKED, 300);
        _convict(miners[1], MIN_LOCKED, 1, 2);
        _refusesToCreate();
    }

    function test_aNewWorkerADepositOrAnEmptiedPositionLiftsNothing() public {
        _suspend(miners[1], 3);
        (address fresh,) = makeAddrAndKey("fresh worker");
        _skip(COOLDOWN);
        _bond(miners[1], fresh);
        vm.startPrank(miners[1]);
        escrow.unbond(MIN_LOCKED);
        vm.stopPrank();
        _deposit(miners[1], 2 * MIN_LOCKED, 300);
        _later();
        _refusesToCreate();
        _goto(rewards.suspendedThrough(miners[1]) + 1);
        _later();
        _confirm(fresh, _now() + 1);
        _create(terms);
    }

    function test_theSecondSuspensionHoldsUntilItIsOverToo() public {
        _suspend(miners[1], 3);
        _goto(rewards.suspendedThrough(miners[1]) + 1);
        _confirm(workers[1], _now() + 1);
        _suspend(miners[1], 3);
        _later();
        _refusesToCreate();
        assertTrue(escrow.minerInfo(miners)[1].suspended);
        assertFalse(escrow.minerInfo(miners)[0].suspended);
    }

    function testFuzz_onlyTheRewardsSaySo(address caller, bool suspended) public {
        vm.assume(caller != address(rewards));
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IStakingEscrow.EscrowNotRewards.selector, caller));
        escrow.setSuspended(miners[1], suspended);
    }
}
