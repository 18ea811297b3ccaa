// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {KmsTest} from "../base/KmsTest.sol";
import {KMSTimelock} from "../../src/KMSTimelock.sol";
import {IControl} from "../../src/interfaces/IControl.sol";

contract TimelockTest is KmsTest {
    function _schedule(address target, bytes memory data, uint256 delay) private {
        vm.prank(proposer);
        timelock.schedule(target, 0, data, bytes32(0), bytes32(0), delay);
    }

    function _execute(address target, bytes memory data) private {
        timelock.execute(target, 0, data, bytes32(0), bytes32(0));
    }

    function _harsher() private pure returns (bytes memory) {
        IControl.PenaltyTerms memory terms = _penaltyTerms();
        (terms.floor, terms.shareBps, terms.historyBps) = (MIN_LOCKED / 2, 3_000, 10_000);
        return abi.encodeCall(IControl.setPenalty, (terms));
    }

    function test_refusesADelayOfNothing() public {
        vm.expectRevert(KMSTimelock.TimelockDelayZero.selector);
        _create("KMSTimelock", abi.encode(0, _list(proposer), _list(address(0))));
    }

    function test_nobodyButTheProposerAnnouncesOrCancels() public {
        bytes32 role = timelock.PROPOSER_ROLE();
        address[3] memory callers = [guardian, address(control), address(this)];
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IAccessControl.AccessControlUnauthorizedAccount.selector, callers[i], role
                )
            );
            vm.prank(callers[i]);
            timelock.schedule(address(control), 0, _harsher(), bytes32(0), bytes32(0), DELAY);
        }
        assertFalse(timelock.hasRole(timelock.DEFAULT_ADMIN_ROLE(), address(this)), "no deployer's power");
        assertFalse(timelock.hasRole(timelock.DEFAULT_ADMIN_ROLE(), proposer));
    }

    function test_refusesAShorterDelayThanAnnounced() public {
        bytes memory data = _harsher();
        vm.prank(proposer);
        vm.expectRevert(
            abi.encodeWithSelector(TimelockController.TimelockInsufficientDelay.selector, DELAY - 1, DELAY)
        );
        timelock.schedule(address(control), 0, data, bytes32(0), bytes32(0), DELAY - 1);
    }

    function test_nothingHappensBeforeTheDelayIsOver() public {
        bytes memory data = _harsher();
        vm.expectRevert();
        _execute(address(control), data);
        _schedule(address(control), data, DELAY);
        vm.warp(block.timestamp + DELAY - 1);
        vm.expectRevert();
        _execute(address(control), data);
        vm.warp(block.timestamp + 1);
        _execute(address(control), data);
        assertEq(control.penaltyTerms().shareBps, 3_000);
        vm.expectRevert();
        _execute(address(control), data);
    }

    function test_aCancelledChangeNeverHappens() public {
        bytes memory data = _harsher();
        _schedule(address(control), data, DELAY);
        bytes32 id = timelock.hashOperation(address(control), 0, data, bytes32(0), bytes32(0));
        vm.prank(proposer);
        timelock.cancel(id);
        vm.warp(block.timestamp + DELAY);
        vm.expectRevert();
        _execute(address(control), data);
    }

    function test_theDelayNeverFallsBelowThatOfTheDeployment() public {
        bytes memory data = abi.encodeCall(TimelockController.updateDelay, (0));
        _schedule(address(timelock), data, DELAY);
        vm.warp(block.timestamp + DELAY);
        _execute(address(timelock), data);
        assertEq(timelock.getMinDelay(), DELAY);
        bytes memory next = _harsher();
        vm.prank(proposer);
        vm.expectRevert(
            abi.encodeWithSelector(TimelockController.TimelockInsufficientDelay.selector, 0, DELAY)
        );
        timelock.schedule(address(control), 0, next, bytes32(0), bytes32(0), 0);
    }

    function test_theDelayMayRise() public {
        bytes memory data = abi.encodeCall(TimelockController.updateDelay, (2 * DELAY));
        _schedule(address(timelock), data, DELAY);
        vm.warp(block.timestamp + DELAY);
        _execute(address(timelock), data);
        assertEq(timelock.getMinDelay(), 2 * DELAY);
    }

    /// @dev Whoever holds the timelock cannot take a token, whatever it announces.
    function test_theTimelockMovesNoPrincipal() public {
        (address miner,,) = _miner("miner", MIN_LOCKED, 100);
        bytes[5] memory hostile = [
            abi.encodeCall(escrow.slash, (miner, MIN_LOCKED, proposer, 0)),
            abi.encodeCall(escrow.withdraw, (proposer)),
            abi.encodeCall(escrow.creditRestake, (proposer, MIN_LOCKED)),
            abi.encodeCall(escrow.setPause, (type(uint32).max)),
            abi.encodeCall(escrow.unbond, (MIN_LOCKED))
        ];
        for (uint256 i = 0; i < hostile.length; ++i) {
            _schedule(address(escrow), hostile[i], DELAY);
        }
        bytes memory mint = abi.encodeCall(token.mint, (proposer, 1));
        _schedule(address(token), mint, DELAY);
        vm.warp(block.timestamp + DELAY);
        for (uint256 i = 0; i < hostile.length; ++i) {
            vm.expectRevert();
            _execute(address(escrow), hostile[i]);
        }
        vm.expectRevert();
        _execute(address(token), mint);
        assertEq(escrow.position(miner).locked, MIN_LOCKED);
        assertEq(escrow.pausedThrough(), 0);
    }

    /// @dev G10: with the harshest terms announced, whoever leaves at once is gone before they hold, if its
    /// lock is not longer than the delay; and whoever stays loses at most what the code allows.
    function test_G10_everyStakerMayLeaveBeforeAHostileChange() public {
        vm.warp(GENESIS);
        KMSTimelock slow = KMSTimelock(
            _create("KMSTimelock", abi.encode((MIN_LOCK + 2) * DAY, _list(proposer), _list(address(0))))
        );
        vm.prank(address(timelock));
        control.transferOwnership(address(slow));
        vm.prank(address(slow));
        control.acceptOwnership();
        _goto(10);
        (address miner,,) = _miner("miner", 3 * MIN_LOCKED, MIN_LOCK);

        bytes memory data = _harsher();
        vm.prank(proposer);
        slow.schedule(address(control), 0, data, bytes32(0), bytes32(0), (MIN_LOCK + 2) * DAY);
        vm.prank(guardian);
        control.pause();
        vm.startPrank(miner);
        escrow.unbond(MIN_LOCKED);
        escrow.setWindDown(true);
        _skip(MIN_LOCK + 1);
        assertEq(escrow.withdraw(miner), 3 * MIN_LOCKED);
        vm.stopPrank();
        vm.expectRevert();
        slow.execute(address(control), 0, data, bytes32(0), bytes32(0));
        assertEq(control.penaltyTerms().shareBps, 1_000);
        _skip(1);
        slow.execute(address(control), 0, data, bytes32(0), bytes32(0));
        assertEq(control.penaltyTerms().shareBps, 3_000);
        assertEq(token.balanceOf(miner), 3 * MIN_LOCKED);
    }
}
