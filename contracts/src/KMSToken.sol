// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC1363} from "@openzeppelin/contracts/token/ERC20/extensions/ERC1363.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {IKMSToken} from "./interfaces/IKMSToken.sol";

/// @title KMS token
/// @notice Implements IKMSToken. There is no owner and no pause.
contract KMSToken is ERC20, ERC20Permit, ERC1363, IKMSToken {
    // ---------------------------------------------------------------- immutables

    /// @inheritdoc IKMSToken
    address public immutable override minter;
    /// @inheritdoc IKMSToken
    uint256 public immutable override cap;

    // ---------------------------------------------------------------- constructor

    /// @param cap_ greatest supply, at most 2^96 - 1 units.
    /// @param initialSupply minted to `initialHolder` here; the rest is the reserve of MiningRewards.
    /// @param minter_ predicted address of MiningRewards, whose constructor checks it.
    constructor(uint256 cap_, uint256 initialSupply, address initialHolder, address minter_)
        ERC20("KMS", "KMS")
        ERC20Permit("KMS")
    {
        require(cap_ <= type(uint96).max, KMSTokenCapTooLarge(cap_, type(uint96).max));
        require(initialSupply <= cap_, KMSTokenCapExceeded(initialSupply, cap_));
        require(minter_ != address(0), KMSTokenMinterZero());
        cap = cap_;
        minter = minter_;
        _mint(initialHolder, initialSupply);
    }

    // ---------------------------------------------------------------- minting and burning

    /// @inheritdoc IKMSToken
    function mint(address to, uint256 amount) external override {
        require(msg.sender == minter, KMSTokenNotMinter(msg.sender));
        // ERC20._mint reverts if the sum overflows.
        _mint(to, amount);
        uint256 supply = totalSupply();
        require(supply <= cap, KMSTokenCapExceeded(supply, cap));
    }

    /// @inheritdoc IKMSToken
    function burn(uint256 amount) external override {
        _burn(msg.sender, amount);
    }

    // ---------------------------------------------------------------- view

    /// @inheritdoc IERC20Permit
    function nonces(address owner) public view override(ERC20Permit, IERC20Permit) returns (uint256) {
        return super.nonces(owner);
    }
}
