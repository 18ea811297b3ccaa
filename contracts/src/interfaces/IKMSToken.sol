// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

/// @title KMS token
/// @notice ERC-20 with ERC-2612 permit and ERC-1363 transferAndCall, 18 decimals, capped. Its only
/// minter is the MiningRewards contract, fixed at construction; there is no owner.
interface IKMSToken is IERC20, IERC20Permit {
    /// @notice Thrown when somebody other than the minter mints.
    error KMSTokenNotMinter(address caller);

    /// @notice Thrown when a mint would lift the supply above the cap.
    error KMSTokenCapExceeded(uint256 supply, uint256 cap);

    /// @notice Thrown at construction: every amount of the system is kept in 96 bits.
    error KMSTokenCapTooLarge(uint256 cap, uint256 maximum);

    /// @notice Thrown at construction without a minter: nothing could ever be mined.
    error KMSTokenMinterZero();

    /// @notice The one address that may mint.
    function minter() external view returns (address);

    /// @notice Greatest supply there can ever be, in units of 1e-18 KMS.
    function cap() external view returns (uint256);

    /// @notice Mints `amount` units to `to`. Only the minter.
    function mint(address to, uint256 amount) external;

    /// @notice Destroys `amount` units of the caller's own.
    function burn(uint256 amount) external;
}
