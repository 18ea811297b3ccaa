// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IERC1363} from "@openzeppelin/contracts/interfaces/IERC1363.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {KmsTest} from "./base/KmsTest.sol";
import {KMSToken} from "../src/KMSToken.sol";
import {IKMSToken} from "../src/interfaces/IKMSToken.sol";

contract KMSTokenTest is KmsTest {
    function test_deploysWithNameSupplyAndMinter() public view {
        assertEq(token.name(), "KMS");
        assertEq(token.symbol(), "KMS");
        assertEq(token.decimals(), 18);
        assertEq(token.cap(), CAP);
        assertEq(token.totalSupply(), INITIAL);
        assertEq(token.balanceOf(treasury), INITIAL);
        assertEq(token.minter(), address(rewards));
        assertTrue(token.supportsInterface(type(IERC1363).interfaceId));
    }

    function test_refusesACapAbove96Bits() public {
        uint256 cap = uint256(type(uint96).max) + 1;
        vm.expectRevert(
            abi.encodeWithSelector(IKMSToken.KMSTokenCapTooLarge.selector, cap, type(uint96).max)
        );
        _create("KMSToken", abi.encode(cap, 0, treasury, address(1)));
    }

    function test_refusesAnInitialSupplyAboveTheCap() public {
        vm.expectRevert(abi.encodeWithSelector(IKMSToken.KMSTokenCapExceeded.selector, 101, 100));
        _create("KMSToken", abi.encode(100, 101, treasury, address(1)));
    }

    function test_refusesToExistWithoutAMinter() public {
        vm.expectRevert(IKMSToken.KMSTokenMinterZero.selector);
        _create("KMSToken", abi.encode(100, 100, treasury, address(0)));
    }

    function testFuzz_onlyTheMinterMints(address caller) public {
        vm.assume(caller != address(rewards));
        vm.expectRevert(abi.encodeWithSelector(IKMSToken.KMSTokenNotMinter.selector, caller));
        vm.prank(caller);
        token.mint(caller, 1);
    }

    function testFuzz_neverExceedsTheCap(uint256 amount) public {
        amount = bound(amount, 0, type(uint256).max - INITIAL);
        vm.prank(address(rewards));
        if (amount > CAP - INITIAL) {
            vm.expectRevert(
                abi.encodeWithSelector(IKMSToken.KMSTokenCapExceeded.selector, INITIAL + amount, CAP)
            );
        }
        token.mint(bob, amount);
        assertLe(token.totalSupply(), CAP);
    }

    function testFuzz_burnsTheCallersOwnOnly(uint256 amount) public {
        amount = bound(amount, 0, 1_000 ether);
        _fund(bob, 1_000 ether);
        vm.prank(bob);
        token.burn(amount);
        assertEq(token.balanceOf(bob), 1_000 ether - amount);
        assertEq(token.totalSupply(), INITIAL - amount);
        assertEq(token.balanceOf(treasury), INITIAL - 1_000 ether);
    }

    function testFuzz_refusesToBurnMoreThanTheCallerHas(uint256 amount) public {
        amount = bound(amount, 11, type(uint256).max);
        _fund(bob, 10);
        vm.prank(treasury);
        token.approve(bob, type(uint256).max);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, bob, 10, amount)
        );
        vm.prank(bob);
        token.burn(amount);
    }

    function test_permitSetsTheAllowanceOnce() public {
        (address owner, uint256 key) = makeAddrAndKey("owner");
        (uint8 v, bytes32 r, bytes32 s) = _signPermit(key, owner, bob, 5, block.timestamp);
        token.permit(owner, bob, 5, block.timestamp, v, r, s);
        assertEq(token.allowance(owner, bob), 5);
        assertEq(token.nonces(owner), 1);
        vm.expectRevert();
        token.permit(owner, bob, 5, block.timestamp, v, r, s);
    }
}
