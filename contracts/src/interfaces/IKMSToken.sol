// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

/// @title KMS token
/// @notice ERC-20 with ERC-2612 permit and ERC-1363 transferAndCall, 18 decimals, capped. Its only
/// minter is the MiningRewards contract, fixed at construction; there is no owner.
interface IKMSToken is IERC20, IERC20Permit {
    /// @notice Thrown when the caller of `mint` is not the minter.
    error KMSTokenNotMinter(address caller);

    /// @notice Thrown when a mint would raise the supply above the cap.
    error KMSTokenCapExceeded(uint256 supply, uint256 cap);

    /// @notice Thrown at construction when the cap does not fit into 96 bits, as all amounts do.
    error KMSTokenCapTooLarge(uint256 cap, uint256 maximum);

    /// @notice Thrown at construction when the minter is the zero address.
    error KMSTokenMinterZero();

    /// @notice The only address that may mint: MiningRewards.
    function minter() external view returns (address);

    /// @notice Greatest supply, in units of 1e-18 KMS.
    function cap() external view returns (uint256);

    /// @notice Mints `amount` units to `to`. Callable by the minter only.
    function mint(address to, uint256 amount) external;

    /// @notice Burns `amount` units of the caller's balance.
    function burn(uint256 amount) external;
}
