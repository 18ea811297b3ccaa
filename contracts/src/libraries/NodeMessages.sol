// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

/// @title Node messages
/// @notice Messages that a worker signs off chain and that are judged on chain: EIP-712 typed data in the
/// domain "KMS Node", "1", bound to the chain and to the PolicyManager. node/kms-protocol/src/messages
/// defines the same types.
///
/// The domain is hashed at each use, so that it follows the chain id through a fork of the chain.
library NodeMessages {
    /// @notice Receipt that a worker signs for each cfrag it gives to `requester`; commitmentsHash is the
    /// keccak256 of the author's commitments in the reply, blockTime and blockHash are those of the head
    /// that the node decided on. A time, not a number: what a contract sees as number is not, on every
    /// chain, what nodes see.
    struct Receipt {
        bytes32 policyId;
        address miner;
        bytes32 capsuleHash;
        bytes32 cfragHash;
        bytes32 commitmentsHash;
        address requester;
        uint64 blockTime;
        bytes32 blockHash;
    }

    /// @notice Acknowledgement that a worker signs once the kfrag, whose keccak256 it names, is stored
    /// durably.
    struct KfragAck {
        bytes32 policyId;
        address miner;
        bytes32 kfragHash;
    }

    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant NAME_HASH = keccak256("KMS Node");
    bytes32 private constant VERSION_HASH = keccak256("1");
    bytes32 private constant RECEIPT_TYPEHASH = keccak256(
        "Receipt(bytes32 policyId,address miner,bytes32 capsuleHash,bytes32 cfragHash,"
        "bytes32 commitmentsHash,address requester,uint64 blockTime,bytes32 blockHash)"
    );
    bytes32 private constant ACK_TYPEHASH =
        keccak256("KfragAck(bytes32 policyId,address miner,bytes32 kfragHash)");

    /// @notice Recovers the signer of `receipt`; zero unless the signature has 65 bytes, low s, v 27 or 28.
    function signerOf(Receipt memory receipt, address policies, bytes calldata signature)
        internal
        view
        returns (address)
    {
        // All fields are static, so this is the struct's EIP-712 encoding.
        return _recover(keccak256(abi.encode(RECEIPT_TYPEHASH, receipt)), policies, signature);
    }

    /// @notice Recovers the signer of `ack`; zero unless the signature has 65 bytes, low s, v 27 or 28.
    function signerOf(KfragAck memory ack, address policies, bytes calldata signature)
        internal
        view
        returns (address)
    {
        return _recover(keccak256(abi.encode(ACK_TYPEHASH, ack)), policies, signature);
    }

    function _recover(bytes32 structHash, address policies, bytes calldata signature)
        private
        view
        returns (address signer)
    {
        bytes32 domain =
            keccak256(abi.encode(DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH, block.chainid, policies));
        bytes32 digest = MessageHashUtils.toTypedDataHash(domain, structHash);
        // The signer is zero with any error.
        (signer,,) = ECDSA.tryRecoverCalldata(digest, signature);
    }
}
