// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Secp256k1} from "./Secp256k1.sol";

/// @title Umbral proofs
/// @notice Judges a capsule or a cfrag by its bytes and a witness.
///
///     capsule   0 E33   33 V33   66 s32                                              98 bytes
///     cfrag     0 E1    33 V1    66 id32   98 X   131 E2   164 V2   197 U1   230 U2
///               263 z32   295 signature of the kfrag, r32 s32                        359 bytes
///
/// A cfrag is genuine if zE = E2 + hE1, zV = V2 + hV1, zU = U2 + hU1, its kfrag is signed and every field is
/// canonical. One false equation proves a fault; that a cfrag is genuine takes all of them and is proved
/// nowhere here. The `umbral` crate makes the witnesses: two bytes `which`, then as in the table:
///
///     code  fault                       which                witness
///     1 2 3 equation over E, V, U fails  0                    W1.x W1.y W2.x W2.y P2.y
///     4     z = 0 or z >= N              0                    -
///     5     tag, or x = 0, or x >= N     offset of the point  -            (X: x >= P)
///     6     point not on the curve       offset of the point  w with w^2 = -(x^3 + 7)
///     7     W2.x = P2.x                  0, 1, 2: E, V, U     as 1
///     8     kfrag not signed             0                    -            (see `isSigned`)
///
/// W1 = zP, W2 = hP1, each bound by `ecrecover`; P2.y by parity and curve. Integers are 32 bytes,
/// big-endian. A witness that does not fit reverts: it proves nothing about the cfrag.
library UmbralProof {
    uint256 internal constant CAPSULE_LENGTH = 98;
    uint256 internal constant FRAGMENT_LENGTH = 359;

    uint8 internal constant EQUATION_E = 1;
    uint8 internal constant EQUATION_V = 2;
    uint8 internal constant EQUATION_U = 3;
    uint8 internal constant BAD_SCALAR = 4;
    uint8 internal constant BAD_POINT_RANGE = 5;
    uint8 internal constant NOT_ON_CURVE = 6;
    uint8 internal constant DEGENERATE = 7;
    uint8 internal constant BAD_KFRAG_SIGNATURE = 8;

    /// @notice x of U, a constant of the scheme: RFC 9380, secp256k1_XMD:SHA-256_SSWU_RO_, "POINT_U" with
    /// the tag "PARAMETERS". Its encoding has tag 3.
    uint256 internal constant U_X = 0x079390d0fbe220fc34aab8ecbf49098098036820fadb98c03143e55db8ec73cd;
    uint256 private constant U_TAG = 3;
    /// @notice x of the generator; its y is even.
    uint256 private constant G_X = 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798;
    uint256 private constant G_TAG = 2;

    /// @notice A byte string has another length than the format fixes.
    error UmbralLengthInvalid(uint256 actual, uint256 expected);
    /// @notice No fault has this code, or `which` names no point or equation of that fault.
    error UmbralFaultUnknown(uint8 code, uint16 which);
    /// @notice W1 is not zP, W2 is not hP1, or `ecrecover` cannot compute multiples of P.
    error UmbralWitnessMismatch(uint256 offsetInWitness);
    /// @notice The given y does not belong to the point's encoding.
    error UmbralWitnessOffCurve();
    /// @notice The root does not prove that a point of the cfrag is off the curve, or of a capsule on it.
    error UmbralRootInvalid();

    // ---------------------------------------------------------------- parts

    /// @notice E1 || V1, the re-encrypted capsule: equal in all honest answers made with one kfrag.
    function imagesOf(bytes calldata cfrag) internal pure returns (bytes calldata) {
        return cfrag[0:66];
    }

    /// @notice U1, the commitment to the kfrag that the cfrag was made with.
    function commitmentOf(bytes calldata cfrag) internal pure returns (bytes calldata) {
        return cfrag[197:230];
    }

    // ---------------------------------------------------------------- challenges

    /// @notice h of a cfrag: HS("CFRAG_VERIFICATION", E, E1, E2, V, V1, V2, U, U1, U2), where
    /// HS(tag, data) = (SHA-256(u32 length of tag || tag || data) mod (N - 1)) + 1.
    function challenge(bytes calldata capsule, bytes calldata cfrag) internal pure returns (uint256) {
        // In two steps: so many slices at once overflow the stack of a build without the IR (coverage).
        bytes memory images = bytes.concat(
            hex"00000012", "CFRAG_VERIFICATION", capsule[0:33], cfrag[0:33], cfrag[131:164], capsule[33:66]
        );
        return _scalarOf(
            sha256(bytes.concat(images, cfrag[33:66], cfrag[164:197], hex"03", bytes32(U_X), cfrag[197:263]))
        );
    }

    /// @notice h of a capsule: HS("CAPSULE_POINTS", E, V).
    function capsuleChallenge(bytes calldata capsule) internal pure returns (uint256) {
        return _scalarOf(sha256(bytes.concat(hex"0000000e", "CAPSULE_POINTS", capsule[0:66])));
    }

    // ---------------------------------------------------------------- capsule

    /// @notice Whether E and V have x in 1..N and lie on the curve, given a root of x^3 + 7 for each.
    /// @dev A node refuses every other capsule, so nobody is convicted over one. Reverts if a root does not
    /// fit.
    /// @param roots y of E, y of V, of either sign.
    function isJudgeable(bytes calldata capsule, bytes calldata roots) internal pure returns (bool) {
        requireLength(capsule, CAPSULE_LENGTH);
        requireLength(roots, 64);
        if (!_inRange(capsule, 0, Secp256k1.N) || !_inRange(capsule, 33, Secp256k1.N)) return false;
        require(
            Secp256k1.isOnCurve(_word(capsule, 1), _word(roots, 0))
                && Secp256k1.isOnCurve(_word(capsule, 34), _word(roots, 32)),
            UmbralRootInvalid()
        );
        return true;
    }

    /// @notice Whether the capsule is one that the `umbral` crate accepts: E, V and s canonical,
    /// s*G = V + h*E, and V is not -E. `witness` is W1.x W1.y W2.x W2.y P2.y with W1 = sG, W2 = hE, P2 = V.
    /// @dev Reverts if the witness does not fit. Unlike in a conviction, whoever supplies the witness also
    /// chose the capsule: an invalid capsule passes by a collision of 160 bits of keccak256, which takes 2^80
    /// work and would forge addresses as well. h*E = V, out of reach like a preimage, counts as invalid.
    function capsuleValid(bytes calldata capsule, bytes calldata witness) internal pure returns (bool) {
        requireLength(capsule, CAPSULE_LENGTH);
        requireLength(witness, 160);
        uint256 s = _word(capsule, 66);
        uint256 e = _word(capsule, 1);
        if (!_inRange(capsule, 0, Secp256k1.N) || !_inRange(capsule, 33, Secp256k1.N)) return false;
        // V = -E opens to the identity; V = E, out of reach like a preimage, has the same x.
        if (s == 0 || s >= Secp256k1.N || e == _word(capsule, 34)) return false;
        require(Secp256k1.isMultiple(G_TAG, G_X, s, witness[0:64]), UmbralWitnessMismatch(0));
        require(
            Secp256k1.isMultiple(uint8(capsule[0]), e, capsuleChallenge(capsule), witness[64:128]),
            UmbralWitnessMismatch(64)
        );
        return _sum(capsule[33:66], witness) == Secp256k1.Sum.Holds;
    }

    // ---------------------------------------------------------------- fragment

    /// @notice Whether every point of the cfrag has tag 2 or 3 and an x in range, z and s of the signature
    /// are scalars, and r is not zero: what can be seen of its form without a witness. That each point is on
    /// the curve, the equations hold and the kfrag is signed is not part of it.
    function isCanonical(bytes calldata cfrag) internal pure returns (bool) {
        requireLength(cfrag, FRAGMENT_LENGTH);
        (uint256 z, uint256 r, uint256 s) = (_word(cfrag, 263), _word(cfrag, 295), _word(cfrag, 327));
        bool scalars =
            z != 0 && z < Secp256k1.N && r != 0 && r < Secp256k1.N && s != 0 && s <= Secp256k1.HALF_N;
        bool images = _inRange(cfrag, 0, Secp256k1.N) && _inRange(cfrag, 33, Secp256k1.N);
        bool proof = _inRange(cfrag, 131, Secp256k1.N) && _inRange(cfrag, 164, Secp256k1.N)
            && _inRange(cfrag, 197, Secp256k1.N) && _inRange(cfrag, 230, Secp256k1.N);
        return scalars && images && proof && _inRange(cfrag, 98, Secp256k1.P);
    }

    // ---------------------------------------------------------------- faults

    /// @notice Whether the witness proves the fault of this code, 1 to 7; code 8 takes `isSigned`.
    /// @param witness two bytes `which`, then the witness of the table in the library's head.
    function proves(bytes calldata capsule, bytes calldata cfrag, uint8 code, bytes calldata witness)
        internal
        pure
        returns (bool)
    {
        requireLength(cfrag, FRAGMENT_LENGTH);
        require(witness.length >= 2, UmbralLengthInvalid(witness.length, 2));
        uint16 which = uint16(bytes2(witness[0:2]));
        witness = witness[2:];
        if (code == DEGENERATE) {
            require(which <= 2, UmbralFaultUnknown(code, which));
            // which + 1 <= 3
            return equation(uint8(which + 1), capsule, cfrag, witness) == Secp256k1.Sum.Degenerate;
        }
        if (code == BAD_POINT_RANGE) {
            requireLength(witness, 0);
            return !_inRange(cfrag, which, _limitOf(code, which));
        }
        if (code == NOT_ON_CURVE) {
            requireLength(witness, 32);
            _limitOf(code, which);
            uint256 x = _word(cfrag, uint256(which) + 1);
            require(Secp256k1.isOffCurve(x, _word(witness, 0)), UmbralRootInvalid());
            return true;
        }
        require(which == 0, UmbralFaultUnknown(code, which));
        if (code == BAD_SCALAR) {
            requireLength(witness, 0);
            uint256 z = _word(cfrag, 263);
            return z == 0 || z >= Secp256k1.N;
        }
        require(code >= EQUATION_E && code <= EQUATION_U, UmbralFaultUnknown(code, which));
        return equation(code, capsule, cfrag, witness) == Secp256k1.Sum.Fails;
    }

    /// @notice Judges the equation of code 1, 2 or 3. Reverts if the witness does not fit.
    function equation(uint8 code, bytes calldata capsule, bytes calldata cfrag, bytes calldata witness)
        internal
        pure
        returns (Secp256k1.Sum)
    {
        requireLength(witness, 160);
        (uint256 tag, uint256 x, uint256 image, uint256 offset) = (U_TAG, U_X, 197, 230);
        if (code != EQUATION_U) {
            image = code == EQUATION_E ? 0 : 33;
            offset = 131 + image;
            (tag, x) = (uint8(capsule[image]), _word(capsule, image + 1));
        }
        require(Secp256k1.isMultiple(tag, x, _word(cfrag, 263), witness[0:64]), UmbralWitnessMismatch(0));
        uint256 h = challenge(capsule, cfrag);
        require(
            Secp256k1.isMultiple(uint8(cfrag[image]), _word(cfrag, image + 1), h, witness[64:128]),
            UmbralWitnessMismatch(64)
        );
        return _sum(cfrag[offset:offset + 33], witness);
    }

    // ---------------------------------------------------------------- signature of the kfrag

    /// @notice The grant that the author signed into a kfrag: for which policy, miner and time it holds.
    struct Grant {
        address policies;
        bytes32 policyId;
        address miner;
        uint16 threshold;
        uint16 shares;
        uint64 notBefore;
        uint64 expiry;
    }

    /// @notice Computes the digest that the author signs for one kfrag without further conditions:
    /// SHA-256(u32 15 || "UMBRAL_KFRAG_V2" || 2 || u64 chain id || contract || policy id || miner ||
    /// u16 threshold || u16 shares || u64 not-before || u64 expiry || 32 zeros || id || U1 || X || A || B).
    /// @param keys A33 || B33: the delegating and the receiving key.
    function grantDigest(Grant memory grant, bytes calldata cfrag, bytes calldata keys)
        internal
        view
        returns (bytes32)
    {
        bytes memory granted = abi.encodePacked(
            hex"0000000f",
            "UMBRAL_KFRAG_V2",
            uint8(2),
            uint64(block.chainid),
            grant.policies,
            grant.policyId,
            grant.miner,
            grant.threshold,
            grant.shares,
            grant.notBefore,
            grant.expiry,
            bytes32(0)
        );
        return sha256(bytes.concat(granted, cfrag[66:98], cfrag[197:230], cfrag[98:131], keys));
    }

    /// @notice Whether the cfrag's signature over `digest` is the signer's: r and s in 1..N, s low, and
    /// `ecrecover` finds the signer for one of the two parities.
    function isSigned(bytes calldata cfrag, bytes32 digest, address signer) internal pure returns (bool) {
        bytes32 r = bytes32(_word(cfrag, 295));
        bytes32 s = bytes32(_word(cfrag, 327));
        if (uint256(s) > Secp256k1.HALF_N) return false;
        // `ecrecover` returns zero if r or s is out of range, and the signer is not zero.
        return signer != address(0)
            && (ecrecover(digest, 27, r, s) == signer || ecrecover(digest, 28, r, s) == signer);
    }

    /// @notice The account of a compressed public key, given its y. Reverts if y does not fit.
    function accountOf(bytes calldata key, uint256 y) internal pure returns (address) {
        uint256 x = _word(key, 1);
        _requireRoot(uint8(key[0]), x, y);
        return address(uint160(uint256(keccak256(abi.encode(x, y)))));
    }

    // ---------------------------------------------------------------- internal

    function requireLength(bytes calldata text, uint256 expected) internal pure {
        require(text.length == expected, UmbralLengthInvalid(text.length, expected));
    }

    /// @dev Compares P2 + W2 with W1. The caller has proved W1 and W2.
    function _sum(bytes calldata p2, bytes calldata witness) private pure returns (Secp256k1.Sum) {
        (uint256 x, uint256 y) = (_word(p2, 1), _word(witness, 128));
        _requireRoot(uint8(p2[0]), x, y);
        return Secp256k1.sum(
            [_word(witness, 0), _word(witness, 32)], [_word(witness, 64), _word(witness, 96)], [x, y]
        );
    }

    /// @dev Requires that y belongs to the point with this tag and x, and that both are below P.
    function _requireRoot(uint256 tag, uint256 x, uint256 y) private pure {
        bool fits = x < Secp256k1.P && y < Secp256k1.P && tag == 2 + (y & 1) && Secp256k1.isOnCurve(x, y);
        require(fits, UmbralWitnessOffCurve());
    }

    /// @dev Maps a digest w to the scalar (w mod (N - 1)) + 1, which is never 0.
    function _scalarOf(bytes32 digest) private pure returns (uint256) {
        return uint256(digest) % (Secp256k1.N - 1) + 1;
    }

    /// @dev Whether the point at `offset` has tag 2 or 3 and 0 < x < limit.
    function _inRange(bytes calldata text, uint256 offset, uint256 limit) private pure returns (bool) {
        uint256 tag = uint8(text[offset]);
        uint256 x = _word(text, offset + 1);
        return (tag == 2 || tag == 3) && x != 0 && x < limit;
    }

    /// @dev Bound of x of the cfrag's point at offset `which`; reverts if no point is there. The bound of X,
    /// which is never multiplied here, is that of the field.
    function _limitOf(uint8 code, uint16 which) private pure returns (uint256) {
        if (which == 98) return Secp256k1.P;
        bool known =
            which == 0 || which == 33 || which == 131 || which == 164 || which == 197 || which == 230;
        require(known, UmbralFaultUnknown(code, which));
        return Secp256k1.N;
    }

    function _word(bytes calldata text, uint256 offset) private pure returns (uint256) {
        return uint256(bytes32(text[offset:offset + 32]));
    }
}
