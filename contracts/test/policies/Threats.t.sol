// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "../base/KmsTest.sol";
import {KMSToken} from "../../src/KMSToken.sol";
import {EscrowState} from "../../src/EscrowState.sol";
import {MiningRewards} from "../../src/MiningRewards.sol";
import {PolicyManager} from "../../src/PolicyManager.sol";
import {StakingEscrow} from "../../src/StakingEscrow.sol";
import {IPolicyManager} from "../../src/interfaces/IPolicyManager.sol";

/// @notice A token that calls back in the middle of a transfer, once, and then behaves.
contract ReentrantToken {
    mapping(address account => uint256) public balanceOf;
    address private target;
    bytes private inner;
    bool public refused;

    function set(address account, uint256 amount) external {
        balanceOf[account] = amount;
    }

    function arm(address target_, bytes calldata inner_) external {
        (target, inner) = (target_, inner_);
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        address callee = target;
        target = address(0);
        if (callee != address(0)) {
            (bool done,) = callee.call(inner);
            refused = !done;
        }
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
        return true;
    }
}

/// @notice Accepts nothing: every call to it reverts.
contract Refusing {
    fallback() external payable {
        revert("no");
    }
}

/// @notice The attacks on policies that are not about one function.
contract ThreatsTest is KmsTest {
    address[] private miners;
    address[] private workers;
    IPolicyManager.Terms private terms;
    bytes32 private id;

    function setUp() public override {
        super.setUp();
        (miners, workers) = _miners(3, 100);
        terms = _terms(miners, 30);
        id = _create(terms);
    }

    function _collect(address miner) private returns (uint256) {
        vm.prank(miner);
        return policies.collect(_one(terms), miner, _delivered(_one(terms), miner));
    }

    // ---------------------------------------------------------------- other tokens

    function test_aTokenThatReturnsFalseOrNothingMovesNoBooks() public {
        _skip(5);
        vm.mockCall(address(token), abi.encodeWithSelector(token.transfer.selector), abi.encode(false));
        vm.mockCall(address(token), abi.encodeWithSelector(token.transferFrom.selector), abi.encode(false));
        _everyPaymentReverts(abi.encodeWithSelector(IPolicyManager.PolicyTransferFailed.selector));
        vm.mockCall(address(token), abi.encodeWithSelector(token.transfer.selector), "");
        vm.mockCall(address(token), abi.encodeWithSelector(token.transferFrom.selector), "");
        _everyPaymentReverts("");
        vm.clearMockedCalls();
        policies.refund(terms);
        assertEq(policies.stateOf(id).refundedThrough, _now() - 1);
        assertEq(policies.lastSeq(), 1);
    }

    function _everyPaymentReverts(bytes memory reason) private {
        IPolicyManager.Terms memory next = _terms(miners, 10);
        vm.expectRevert(reason);
        policies.refund(terms);
        vm.startPrank(alice);
        vm.expectRevert(reason);
        policies.revokePolicy(terms);
        vm.expectRevert(reason);
        policies.revokeArrangement(terms, miners[0]);
        vm.expectRevert(reason);
        policies.extendPolicy(terms, terms.lastPeriod + 1, new address[](0));
        vm.expectRevert(reason);
        policies.createPolicy(next, "");
        vm.stopPrank();
    }

    /// @dev A token that took a fee could not keep the identity. None gets in: the three contracts must
    /// name the same token, and the rewards only work as the minter that KMSToken names.
    function test_noOtherTokenGetsIn() public {
        address other = _create("KMSToken", abi.encode(CAP, INITIAL, treasury, address(rewards)));
        vm.expectRevert(IPolicyManager.PolicyContractsMismatch.selector);
        _create(
            "PolicyManager",
            abi.encode(other, address(escrow), address(rewards), address(control), MAX_POLICY)
        );
        vm.mockCall(address(escrow), abi.encodeCall(escrow.token, ()), abi.encode(other));
        vm.expectRevert(IPolicyManager.PolicyContractsMismatch.selector);
        _create(
            "PolicyManager",
            abi.encode(other, address(escrow), address(rewards), address(control), MAX_POLICY)
        );
        vm.clearMockedCalls();
        vm.mockCall(address(rewards), abi.encodeCall(rewards.escrow, ()), abi.encode(other));
        vm.expectRevert(IPolicyManager.PolicyContractsMismatch.selector);
        _create(
            "PolicyManager",
            abi.encode(address(token), address(escrow), address(rewards), address(control), MAX_POLICY)
        );
    }

    /// @dev All effects precede the transfer: whatever is called from inside one finds them done.
    function test_aReentrantTokenGetsOnePayout() public {
        _confirm(workers[0], _now() + 2);
        _skip(5);
        vm.etch(address(token), address(new ReentrantToken()).code);
        ReentrantToken weird = ReentrantToken(address(token));
        weird.set(address(policies), 90 * uint256(RATE));

        weird.arm(address(policies), abi.encodeCall(policies.refund, (terms)));
        uint256 idle = policies.refund(terms);
        assertTrue(weird.refused());
        assertEq(weird.balanceOf(alice), idle);

        // The token itself takes the place of miner and author, so that the inner call is allowed.
        vm.mockCall(address(escrow), abi.encodeCall(escrow.minerOf, (address(weird))), abi.encode(miners[0]));
        weird.arm(
            address(policies),
            abi.encodeCall(policies.collect, (_one(terms), miners[0], _delivered(_one(terms), miners[0])))
        );
        uint256 due = _collect(miners[0]);
        assertTrue(weird.refused());
        assertEq(weird.balanceOf(miners[0]), due);
        assertEq(due, 2 * RATE);
    }

    function test_aReentrantTokenRevokesOnce() public {
        vm.etch(address(token), address(new ReentrantToken()).code);
        ReentrantToken weird = ReentrantToken(address(token));
        terms.author = address(weird);
        weird.set(address(policies), 1_000_000 ether);
        vm.mockCall(address(token), abi.encodeWithSelector(token.transferFrom.selector), abi.encode(true));
        vm.prank(alice);
        policies.createPolicy(terms, "");
        bytes memory whole = abi.encodeCall(policies.revokePolicy, (terms));
        bytes memory one = abi.encodeCall(policies.revokeArrangement, (terms, miners[0]));
        _paysOnce(weird, whole, whole, 90 * uint256(RATE));
        _paysOnce(weird, whole, one, 90 * uint256(RATE));
        _paysOnce(weird, one, one, 30 * uint256(RATE));
    }

    function _paysOnce(ReentrantToken weird, bytes memory outer, bytes memory inner, uint256 amount)
        private
    {
        uint256 snapshot = vm.snapshotState();
        weird.arm(address(policies), inner);
        vm.prank(address(weird));
        (bool done,) = address(policies).call(outer);
        assertTrue(done);
        assertTrue(weird.refused());
        assertEq(weird.balanceOf(alice), amount);
        vm.revertToState(snapshot);
    }

    // ---------------------------------------------------------------- recipients

    /// @dev A payment calls no recipient, so no recipient can refuse it or burn the payer's gas.
    function test_recipientsThatRefuseEverythingArePaidAndStopNobody() public {
        _confirm(workers[0], _now() + LEASE);
        _confirm(workers[1], _now() + LEASE);
        _skip(5);
        bytes memory refusing = address(new Refusing()).code;
        vm.etch(miners[0], refusing);
        vm.etch(alice, refusing);
        vm.prank(workers[0]);
        policies.collect(_one(terms), miners[0], _delivered(_one(terms), miners[0]));
        _collect(miners[1]);
        policies.refund(terms);
        vm.prank(alice);
        policies.revokePolicy(terms);
        assertEq(token.balanceOf(miners[0]), 4 * RATE);
        assertEq(token.balanceOf(miners[1]), 4 * RATE);
        assertEq(token.balanceOf(alice), uint256(RATE) * (4 + 3 * 25), "idle periods and coming ones");
    }

    // ---------------------------------------------------------------- donations, dust, maxima

    function test_donationsAndForcedEtherChangeNothing() public {
        _fund(address(policies), 7);
        vm.deal(address(policies), 1 ether);
        uint256 price = policies.priceOf(terms);
        vm.prank(alice);
        assertEq(policies.revokePolicy(terms), price);
        assertEq(token.balanceOf(address(policies)), 7);
    }

    function test_onePeriodAtOneUnitIsSettledToTheUnit() public {
        terms.rate = 1;
        terms.lastPeriod = terms.firstPeriod;
        uint256 held = token.balanceOf(address(policies));
        uint256 before = token.balanceOf(alice);
        _create(terms);
        _confirm(workers[2], _now() + 1);
        _skip(2);
        assertEq(_collect(miners[2]), 1);
        assertEq(policies.refund(terms), 2);
        assertEq(token.balanceOf(alice) - before, 2);
        assertEq(token.balanceOf(address(policies)), held);
    }

    /// @dev Longest policy, most miners, and periods just below the end of the clock.
    function test_everyCountAtItsMaximum() public {
        uint32 longest = 65_534;
        uint32 start = type(uint32).max - longest - 1;
        _deployWithLongLocks(longest);
        (miners, workers) = _miners(32, longest + 2 + EVIDENCE);
        _goto(start);
        terms = _terms(miners, longest);
        terms.rate = 100 ether;
        id = _create(terms);
        assertEq(token.balanceOf(address(policies)), 100 ether * uint256(longest) * 32);
        assertEq(policies.stateOf(id).effectiveLast, type(uint32).max - 1);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IPolicyManager.PolicyTooLong.selector, longest + 1, longest));
        policies.extendPolicy(terms, type(uint32).max, new address[](0));
        _goto(terms.firstPeriod + longest / 2 - 1);
        _confirm(workers[31], _now() + 1);
        _skip(2);
        assertEq(_collect(miners[31]), 100 ether);
        vm.startPrank(alice);
        policies.revokeArrangement(terms, miners[0]);
        vm.stopPrank();
        _goto(type(uint32).max);
        assertEq(_collectable(terms, miners[31]), 0);
        policies.refund(terms);
        assertEq(token.balanceOf(address(policies)), 0);
        assertEq(policies.stateOf(id).refundedThrough, type(uint32).max - 1);
        assertEq(policies.paidThrough(terms, miners[31]), terms.firstPeriod + longest / 2);
    }

    /// @dev The greatest rate is far beyond the supply; its product must not wrap into a small price.
    function test_theGreatestRateIsNotPayable() public {
        terms.rate = type(uint96).max;
        uint256 price = policies.priceOf(terms);
        assertEq(price, uint256(type(uint96).max) * 90);
        vm.startPrank(alice);
        token.approve(address(policies), type(uint256).max);
        vm.expectRevert();
        policies.createPolicy(terms, "");
        vm.stopPrank();
    }

    function _deployWithLongLocks(uint32 longest) private {
        EscrowState.Params memory params = _escrowParams();
        params.maxLockPeriods = longest + 2 + EVIDENCE;
        uint256 nonce = vm.getNonce(address(this));
        token = KMSToken(_create("KMSToken", abi.encode(CAP, INITIAL, treasury, _at(nonce + 2))));
        params.token = address(token);
        params.rewards = _at(nonce + 2);
        escrow = StakingEscrow(_create("StakingEscrow", abi.encode(params)));
        rewards = MiningRewards(_create("MiningRewards", abi.encode(_rewardsParams(LEASE, false))));
        policies = PolicyManager(
            _create(
                "PolicyManager",
                abi.encode(address(token), address(escrow), address(rewards), address(control), longest)
            )
        );
    }
}
