// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title secp256k1
/// @notice Checks on the curve y^2 = x^3 + 7 over the field of P elements, group order N. No inverse and no
/// root is computed: whoever claims something supplies the coordinates.
///
/// Multiplication is `ecrecover`, which finds the address of (s*R - e*G)/r. With e = 0, r = R.x and
/// s = k*R.x mod N that is the address of k*R; R is given by x and the parity of y. It returns zero if
/// x is 0, not below N or not on the curve, or if k is a multiple of N.
library Secp256k1 {
    /// @notice Result of comparing P2 + W2 with W1; Degenerate if W2.x = P2.x, where there is no slope.
    enum Sum {
        Holds,
        Fails,
        Degenerate
    }

    /// @notice Order of the field.
    uint256 internal constant P = 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f;
    /// @notice Order of the group, a prime; P - N is about 2^128.4.
    uint256 internal constant N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
    /// @notice N / 2, the greatest s that is low.
    uint256 internal constant HALF_N = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @notice Whether `product`, x then y, is k times the point with this tag (2, or 3 if y is odd) and x.
    /// @dev False whenever `ecrecover` cannot compute the multiple: other tags, x = 0, x >= N, x not on the
    /// curve, k = 0 mod N. Another pair with the address of k*R is a second preimage of 160 bits of
    /// keccak256.
    function isMultiple(uint256 tag, uint256 x, uint256 k, bytes calldata product)
        internal
        pure
        returns (bool)
    {
        if (tag != 2 && tag != 3) return false;
        address found = ecrecover(0, uint8(25 + tag), bytes32(x), bytes32(mulmod(k, x, N)));
        return found != address(0) && found == address(uint160(uint256(keccak256(product))));
    }

    /// @notice x^3 + 7 mod P.
    function curve(uint256 x) internal pure returns (uint256) {
        return addmod(mulmod(mulmod(x, x, P), x, P), 7, P);
    }

    /// @notice Whether x has a point, given a root of x^3 + 7.
    function isOnCurve(uint256 x, uint256 root) internal pure returns (bool) {
        return mulmod(root, root, P) == curve(x);
    }

    /// @notice Whether x has no point, given a root of -(x^3 + 7): P = 3 mod 4, so -1 is no square, and
    /// of a number that is not 0 and its negative exactly one is a square.
    function isOffCurve(uint256 x, uint256 root) internal pure returns (bool) {
        return root != 0 && root < P && addmod(mulmod(root, root, P), curve(x), P) == 0;
    }

    /// @notice Compares P2 + W2 with W1, all below P and on the curve, by cross-multiplication with the
    /// slope's denominator dx = W2.x - P2.x; dy likewise:
    ///     dy^2 = (W1.x + W2.x + P2.x) dx^2  and  dy (P2.x - W1.x) = (W1.y + P2.y) dx
    function sum(uint256[2] memory w1, uint256[2] memory w2, uint256[2] memory p2)
        internal
        pure
        returns (Sum)
    {
        // All six are below P, so P - a cannot underflow.
        uint256 dx = addmod(w2[0], P - p2[0], P);
        if (dx == 0) return Sum.Degenerate;
        uint256 dy = addmod(w2[1], P - p2[1], P);
        uint256 abscissas = addmod(addmod(w1[0], w2[0], P), p2[0], P);
        if (mulmod(dy, dy, P) != mulmod(abscissas, mulmod(dx, dx, P), P)) return Sum.Fails;
        uint256 left = mulmod(dy, addmod(p2[0], P - w1[0], P), P);
        return left == mulmod(addmod(w1[1], p2[1], P), dx, P) ? Sum.Holds : Sum.Fails;
    }
}
