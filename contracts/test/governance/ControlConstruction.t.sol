// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {KmsTest} from "../base/KmsTest.sol";
import {Obedient} from "../base/Obedient.sol";
import {Control} from "../../src/Control.sol";
import {IControl} from "../../src/interfaces/IControl.sol";

/// @notice What Control asks of the deployment that it is the last contract of.
contract ControlConstructionTest is KmsTest {
    /// @dev Redeploys Control at the address that the others name: its code and nonce are taken back.
    function _constructs(Control.Params memory params, bytes memory reason) private {
        uint256 snapshot = vm.snapshotState();
        vm.expectRevert(reason);
        this.deployControl(params);
        vm.revertToState(snapshot);
    }

    function deployControl(Control.Params memory params) external {
        vm.etch(address(control), "");
        vm.setNonceUnsafe(address(control), 0);
        vm.setNonceUnsafe(address(this), vm.getNonce(address(this)) - 1);
        _create("Control", abi.encode(params));
    }

    function test_refusesContractsThatDoNotNameEachOther() public {
        bytes memory mismatch = abi.encodeWithSelector(IControl.ControlContractsMismatch.selector);
        Control.Params memory params = _controlParams();
        vm.expectRevert(mismatch);
        _create("Control", abi.encode(params)); // at another address than the one they were told

        address stranger = address(new Obedient(address(control)));
        for (uint256 i = 0; i < 2; ++i) {
            params = _controlParams();
            if (i == 0) params.adjudicator = stranger;
            else params.challenges = stranger;
            vm.expectRevert(mismatch);
            _create("Control", abi.encode(params));
        }
    }

    function test_everyNameIsChecked() public {
        bytes memory mismatch = abi.encodeWithSelector(IControl.ControlContractsMismatch.selector);
        address[11] memory targets = [
            address(escrow),
            address(escrow),
            address(escrow),
            address(rewards),
            address(rewards),
            address(rewards),
            address(policies),
            address(policies),
            address(policies),
            adjudicator,
            challenges
        ];
        string[11] memory names = [
            "rewards()",
            "adjudicator()",
            "control()",
            "escrow()",
            "adjudicator()",
            "challenges()",
            "escrow()",
            "rewards()",
            "control()",
            "control()",
            "control()"
        ];
        for (uint256 i = 0; i < 11; ++i) {
            vm.mockCall(targets[i], abi.encodeWithSignature(names[i]), abi.encode(alice));
            _constructs(_controlParams(), mismatch);
            vm.clearMockedCalls();
        }
    }

    function test_refusesSenselessParameters() public {
        Control.Params memory params = _controlParams();
        params.owner = address(0);
        _constructs(params, abi.encodeWithSelector(Ownable.OwnableInvalidOwner.selector, address(0)));
        params = _controlParams();
        params.guardian = address(0);
        _constructs(params, abi.encodeWithSelector(IControl.ControlGuardianZero.selector));
        params = _controlParams();
        params.maxPausePeriods = 0;
        bytes4 reason = IControl.ControlPauseOutOfBounds.selector;
        _constructs(params, abi.encodeWithSelector(reason, 0, MIN_LOCK - 1));
        params.maxPausePeriods = MIN_LOCK;
        _constructs(params, abi.encodeWithSelector(reason, MIN_LOCK, MIN_LOCK - 1));
        params = _controlParams();
        params.minWindowSeconds = 0;
        reason = IControl.ControlWindowOutOfBounds.selector;
        _constructs(params, abi.encodeWithSelector(reason, 0, 1, 7 days));
        params.minWindowSeconds = 7 days + 1;
        _constructs(params, abi.encodeWithSelector(reason, 7 days + 1, 1, 7 days));
        params = _controlParams();
        params.maxWindowSeconds = 7 days + 1;
        reason = IControl.ControlEvidenceTooShort.selector;
        _constructs(params, abi.encodeWithSelector(reason, EVIDENCE, EVIDENCE + 1));
        params = _controlParams();
        params.maxPausePeriods = MAX_PAUSE + 1;
        _constructs(params, abi.encodeWithSelector(reason, EVIDENCE, EVIDENCE + 1));
        params = _controlParams();
        params.penalty.floor = 0;
        _constructs(
            params, abi.encodeWithSelector(IControl.ControlFloorOutOfBounds.selector, 0, MIN_LOCKED / 2)
        );
        params = _controlParams();
        params.challenge.bond = 0;
        reason = IControl.ControlBondOutOfBounds.selector;
        _constructs(params, abi.encodeWithSelector(reason, 0, MIN_LOCKED / 200));
        params = _controlParams();
        (params.penalty.floor, params.penalty.rewardFloor) = (20 * params.challenge.bond - 1, 0);
        reason = IControl.ControlSilenceAboveFloor.selector;
        _constructs(params, abi.encodeWithSelector(reason, 20 * params.challenge.bond, params.penalty.floor));
    }

    function test_showsItsParameters() public view {
        assertEq(control.escrow(), address(escrow));
        assertEq(control.rewards(), address(rewards));
        assertEq(control.policies(), address(policies));
        assertEq(control.adjudicator(), adjudicator);
        assertEq(control.challenges(), challenges);
        assertEq(control.owner(), address(timelock));
        assertEq(control.guardian(), guardian);
        assertEq(control.maxPausePeriods(), MAX_PAUSE);
        assertEq(control.minWindowSeconds(), 1 hours);
        assertEq(control.maxWindowSeconds(), 7 days);
        assertEq(control.nextPausePeriod(), 0);
        assertEq(abi.encode(control.penaltyTerms()), abi.encode(_penaltyTerms()));
        assertEq(abi.encode(control.challengeTerms()), abi.encode(_challengeTerms()));
    }
}
