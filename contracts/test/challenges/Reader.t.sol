// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ChallengeTest} from "../base/ChallengeTest.sol";
import {ISilenceChallenges} from "../../src/interfaces/ISilenceChallenges.sol";
import {Secp256k1} from "../../src/libraries/Secp256k1.sol";

/// @notice Opening by the reader's word.
contract ReaderTest is ChallengeTest {
    function test_theReaderOpensWithSomebodysBond() public {
        ISilenceChallenges.Demand memory demand = _demand(1);
        uint64 deadline = uint64(vm.getBlockTimestamp());
        ISilenceChallenges.ReaderConsent memory consent = _consent(demand, bob, deadline);
        vm.prank(bob);
        assertEq(silence.openAsReader(demand, consent), id);
        ISilenceChallenges.Challenge memory challenge = silence.challengeOf(id, miner);
        assertEq(challenge.challenger, bob);
        assertEq(challenge.requester, reader.addr);
    }

    function _refusesConsent(
        ISilenceChallenges.Demand memory demand,
        ISilenceChallenges.ReaderConsent memory consent,
        bytes memory error
    ) private {
        vm.expectRevert(error);
        vm.prank(bob);
        silence.openAsReader(demand, consent);
    }

    function test_consentHoldsThroughItsDeadline() public {
        ISilenceChallenges.Demand memory demand = _demand(1);
        uint64 deadline = uint64(vm.getBlockTimestamp()) + 60;
        ISilenceChallenges.ReaderConsent memory consent = _consent(demand, bob, deadline);
        vm.warp(deadline + 1);
        _refusesConsent(
            demand,
            consent,
            abi.encodeWithSelector(ISilenceChallenges.ChallengeConsentExpired.selector, deadline)
        );
        vm.warp(deadline);
        vm.prank(bob);
        silence.openAsReader(demand, consent);
    }

    function test_refusesKeysThatThePolicyDoesNotName() public {
        ISilenceChallenges.Demand memory demand = _demand(1);
        uint64 deadline = uint64(vm.getBlockTimestamp());
        ISilenceChallenges.ReaderConsent memory consent = _consent(demand, bob, deadline);
        bytes memory error = abi.encodeWithSelector(ISilenceChallenges.ChallengeKeysMismatch.selector);
        bytes memory keys = consent.keys;
        consent.keys = bytes.concat(_compressed(reader), _compressed(delegating), BLINDING);
        _refusesConsent(demand, consent, error);
        consent.keys = bytes.concat(_compressed(delegating), _compressed(reader), ~BLINDING);
        _refusesConsent(demand, consent, error);
        consent.keys = bytes.concat(_compressed(delegating), _compressed(reader));
        _refusesConsent(demand, consent, error);
        consent.keys = bytes.concat(BLINDING, _compressed(delegating), _compressed(reader));
        _refusesConsent(demand, consent, error);
        consent.keys = bytes.concat(keys, hex"00");
        _refusesConsent(demand, consent, error);
        consent.keys = "";
        _refusesConsent(demand, consent, error);
    }

    function test_refusesAnotherYOfTheReceivingKey() public {
        ISilenceChallenges.Demand memory demand = _demand(1);
        ISilenceChallenges.ReaderConsent memory consent =
            _consent(demand, bob, uint64(vm.getBlockTimestamp()));
        bytes memory error = abi.encodeWithSelector(ISilenceChallenges.ChallengeReceivingKeyInvalid.selector);
        uint256[4] memory wrong =
            [Secp256k1.P - reader.publicKeyY, reader.publicKeyY ^ 2, 0, type(uint256).max];
        for (uint256 i = 0; i < 4; ++i) {
            consent.receivingY = wrong[i];
            _refusesConsent(demand, consent, error);
        }
    }

    function test_refusesConsentToSomethingElse() public {
        ISilenceChallenges.Demand memory demand = _demand(1);
        uint64 deadline = uint64(vm.getBlockTimestamp());
        bytes memory error =
            abi.encodeWithSelector(ISilenceChallenges.ChallengeConsentInvalid.selector, reader.addr);
        // To another challenger: a copy from the mempool.
        _refusesConsent(demand, _consent(demand, alice, deadline), error);
        _refusesConsent(demand, _consent(_demand(2), bob, deadline), error);
        ISilenceChallenges.ReaderConsent memory consent = _consent(demand, bob, deadline);
        consent.deadline = deadline + 1;
        _refusesConsent(demand, consent, error);
        consent = _consent(demand, bob, deadline);
        consent.signature = "";
        _refusesConsent(demand, consent, error);
        ISilenceChallenges.Demand memory other = _demand(1);
        other.miner = miners[2];
        _refusesConsent(demand, _consent(other, bob, deadline), error);
    }

    function test_refusesConsentOfAnotherKey() public {
        ISilenceChallenges.Demand memory demand = _demand(1);
        keyOf[reader.addr] = delegating.privateKey;
        _refusesConsent(
            demand,
            _consent(demand, bob, uint64(vm.getBlockTimestamp())),
            abi.encodeWithSelector(ISilenceChallenges.ChallengeConsentInvalid.selector, reader.addr)
        );
    }
}
