// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "./base/KmsTest.sol";
import {IPolicyManager} from "../src/interfaces/IPolicyManager.sol";

/// @notice A miner, author and sponsor that calls back into everything when it is paid.
contract Greedy {
    struct Call {
        address target;
        bytes data;
    }

    Call[] private calls;
    uint256 public entered;
    uint256 public succeeded;

    function arm(address target, bytes calldata data) external {
        calls.push(Call(target, data));
    }

    function act(address target, bytes calldata data) external returns (bytes memory) {
        (bool done, bytes memory result) = target.call(data);
        require(done, "refused");
        return result;
    }

    fallback() external {
        ++entered;
        for (uint256 i = 0; i < calls.length; ++i) {
            (bool done,) = calls[i].target.call(calls[i].data);
            if (done) ++succeeded;
        }
    }
}

/// @notice A token that lets the recipient of every payment act before the transfer is over.
contract CallingToken {
    mapping(address account => uint256) public balanceOf;
    bool private inside;

    function set(address account, uint256 amount) external {
        balanceOf[account] = amount;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        balanceOf[msg.sender] -= amount;
        _pay(to, amount);
        return true;
    }

    function mint(address to, uint256 amount) external {
        _pay(to, amount);
    }

    function _pay(address to, uint256 amount) private {
        balanceOf[to] += amount;
        if (inside) return;
        inside = true;
        (bool done,) = to.call("paid");
        require(done);
        inside = false;
    }
}

/// @notice Answers every call with a megabyte.
contract Verbose {
    fallback() external {
        assembly ("memory-safe") {
            return(0, 1000000)
        }
    }
}

/// @notice Burns all the gas it is given.
contract Burning {
    fallback() external {
        while (true) {}
    }
}

contract ReentryTest is KmsTest {
    Greedy private greedy;
    address private worker = makeAddr("hot");
    IPolicyManager.Terms private terms;

    function setUp() public override {
        super.setUp();
        greedy = new Greedy();
        _deposit(address(greedy), MIN_LOCKED, 20 + EVIDENCE);
        _bond(address(greedy), worker);
        address[] memory miners = new address[](1);
        miners[0] = address(greedy);
        terms = _terms(miners, 20);
        (terms.author, terms.sponsor) = (address(greedy), address(greedy));
        _create(terms);
        _confirm(worker, _now() + 3);
        _skip(6);
    }

    function _payments() private view returns (address[5] memory targets, bytes[5] memory calls) {
        targets =
            [address(rewards), address(policies), address(policies), address(policies), address(escrow)];
        calls = [
            abi.encodeCall(rewards.claim, (address(greedy))),
            abi.encodeCall(
                policies.collect, (_one(terms), address(greedy), _delivered(_one(terms), address(greedy)))
            ),
            abi.encodeCall(policies.refund, (terms)),
            abi.encodeCall(policies.revokePolicy, (terms)),
            abi.encodeCall(escrow.withdraw, (address(greedy)))
        ];
    }

    /// @dev The token calls nobody, so a recipient has nothing to enter from.
    function test_noPaymentCallsItsRecipient() public {
        (address[5] memory targets, bytes[5] memory calls) = _payments();
        for (uint256 i = 0; i < 5; ++i) {
            greedy.arm(targets[i], calls[i]);
        }
        vm.prank(address(greedy));
        escrow.unbond(MIN_LOCKED);
        _goto(_now() + 12);
        uint256 due = rewards.claimable(address(greedy));
        for (uint256 i = 0; i < 4; ++i) {
            greedy.act(targets[i], calls[i]);
        }
        _skip(20 + EVIDENCE);
        policies.refund(terms); // the period of the revocation, which stayed paid
        greedy.act(targets[4], calls[4]);
        assertEq(greedy.entered(), 0);
        assertEq(token.balanceOf(address(greedy)), due + MIN_LOCKED + 20 * uint256(RATE));
        assertEq(token.balanceOf(address(policies)), 0);
        assertEq(token.balanceOf(address(escrow)), 0);
    }

    /// @dev Even a token that did call would find each payment made: once out, none again from inside.
    function test_aReceiverThatEntersAgainGetsOnePayout() public {
        vm.prank(address(greedy));
        escrow.unbond(MIN_LOCKED);
        _goto(_now() + 12);
        uint256[5] memory amounts = [
            rewards.claimable(address(greedy)),
            _collectable(terms, address(greedy)),
            policies.refundable(terms),
            0,
            MIN_LOCKED
        ];
        amounts[3] = uint256(terms.lastPeriod - _now()) * RATE;
        assertGt(amounts[0], 0);
        assertGt(amounts[3], 0);
        for (uint256 i = 0; i < 5; ++i) {
            if (i == 4) _skip(20 + EVIDENCE);
            _paysOnce(i, amounts[i]);
        }
    }

    function _paysOnce(uint256 i, uint256 amount) private {
        uint256 snapshot = vm.snapshotState();
        (address[5] memory targets, bytes[5] memory calls) = _payments();
        vm.etch(address(token), address(new CallingToken()).code);
        CallingToken(address(token)).set(address(policies), 1_000_000 ether);
        CallingToken(address(token)).set(address(escrow), 1_000_000 ether);
        CallingToken(address(token)).set(address(greedy), 0);
        greedy.arm(targets[i], calls[i]);
        greedy.act(targets[i], calls[i]);
        assertEq(greedy.entered(), 1);
        assertEq(greedy.succeeded(), 0, "a second payout");
        assertEq(token.balanceOf(address(greedy)), amount);
        vm.revertToState(snapshot);
    }

    /// @dev Whoever is paid or named costs the others nothing: less than twice the gas, here not a unit more.
    function test_recipientsThatBurnGasOrReturnAMegabyteCostNobody() public {
        uint256[5] memory plain = _gasWith("");
        uint256[5] memory verbose = _gasWith(address(new Verbose()).code);
        uint256[5] memory burning = _gasWith(address(new Burning()).code);
        for (uint256 i = 0; i < 5; ++i) {
            assertLt(verbose[i], 2 * plain[i]);
            assertLt(burning[i], 2 * plain[i]);
        }
    }

    function _gasWith(bytes memory code) private returns (uint256[5] memory used) {
        uint256 snapshot = vm.snapshotState();
        vm.etch(address(greedy), code);
        vm.etch(bob, code);
        uint256 start = gasleft();
        vm.prank(worker);
        rewards.claim(address(greedy));
        used[0] = start - gasleft();
        start = gasleft();
        vm.prank(worker);
        policies.collect(_one(terms), address(greedy), _delivered(_one(terms), address(greedy)));
        used[1] = start - gasleft();
        start = gasleft();
        policies.refund(terms);
        used[2] = start - gasleft();
        start = gasleft();
        vm.prank(address(greedy));
        policies.revokePolicy(terms);
        used[3] = start - gasleft();
        start = gasleft();
        vm.prank(adjudicator);
        escrow.slash(address(greedy), 3, bob, 1);
        used[4] = start - gasleft();
        vm.revertToState(snapshot);
    }
}
