// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {AdjudicatorTest} from "../base/AdjudicatorTest.sol";
import {IAdjudicator} from "../../src/interfaces/IAdjudicator.sol";

/// @notice The keys and the blinding that an accusation reveals to the judge.
contract KeysTest is AdjudicatorTest {
    /// @dev A commitment to the two keys alone would let anyone test pairs of known keys against a policy.
    function test_refusesKeysWithoutTheBlindingOfTheTerms() public {
        Charge memory charge = _falseScalar();
        bytes memory keys = delegation.keys;
        bytes[6] memory wrong = [
            _slice(keys, 0, 66), // without
            bytes.concat(_slice(keys, 0, 66), bytes32(0)),
            bytes.concat(_slice(keys, 0, 66), keccak256("the blinding of another grant of the pair")),
            _slice(keys, 0, 97),
            bytes.concat(keys, hex"00"),
            bytes.concat(_slice(keys, 66, 98), _slice(keys, 0, 66)) // in front
        ];
        for (uint256 i = 0; i < wrong.length; ++i) {
            charge.accusation.keys = wrong[i];
            vm.expectRevert(
                abi.encodeWithSelector(IAdjudicator.AdjudicatorKeysMismatch.selector, terms.keysHash)
            );
            _submit(charge);
        }
        charge.accusation.keys = keys;
        _submit(charge);
    }

    /// @dev Terms that commit to other bytes than 98 name no reader, though the hash fits.
    function test_refusesTermsOverKeysOfAnotherLength() public {
        bytes[3] memory wrong = [
            _slice(delegation.keys, 0, 66),
            _slice(delegation.keys, 0, 97),
            bytes.concat(delegation.keys, hex"00")
        ];
        for (uint256 i = 0; i < wrong.length; ++i) {
            terms.keysHash = keccak256(wrong[i]);
            policyId = _create(terms);
            Charge memory charge = _falseScalar();
            charge.accusation.keys = wrong[i];
            vm.expectRevert(
                abi.encodeWithSelector(IAdjudicator.AdjudicatorKeysMismatch.selector, terms.keysHash)
            );
            _submit(charge);
        }
    }
}
