"""The group of secp256k1, its signatures, and the hashes of KMS. Plain, not constant in time."""

import hashlib
import hmac

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class Refused(Exception):
    """Input that is refused, with its stable code and, for files, the place."""

    def __init__(self, code, at=None):
        super().__init__(code)
        self.code, self.at = code, at


# --- points: None is the identity, all others are (x, y) ---------------------------------------


def add(a, b):
    if a is None or b is None:
        return b if a is None else a
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def negate(a):
    return None if a is None else (a[0], -a[1] % P)


def double_j(x, y, z):
    s, m = 4 * x * y * y % P, 3 * x * x % P
    x3 = (m * m - 2 * s) % P
    return x3, (m * (s - x3) - 8 * y**4) % P, 2 * y * z % P


def add_j(a, b):
    """Adds an affine point b to a Jacobian one."""
    if a[2] == 0:
        return b[0], b[1], 1
    x, y, z = a
    u, s = b[0] * z * z % P, b[1] * z**3 % P
    if u == x:
        return double_j(x, y, z) if s == y else (0, 1, 0)
    h, r = u - x, s - y
    h2 = h * h % P
    x3 = (r * r - h2 * h - 2 * x * h2) % P
    return x3, (r * (x * h2 - x3) - y * h2 * h) % P, h * z % P


def mul(k, a):
    """k times a."""
    out = (0, 1, 0)
    if a is None:
        return None
    for bit in bin(k % N)[2:]:
        out = double_j(*out)
        if bit == "1":
            out = add_j(out, a)
    if out[2] == 0:
        return None
    inverse = pow(out[2], -1, P)
    return out[0] * inverse**2 % P, out[1] * inverse**3 % P


G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)


def lift(x, odd):
    """The point with this x, or None if there is none."""
    y = pow(x**3 + 7, (P + 1) // 4, P)
    if x >= P or y * y % P != (x**3 + 7) % P:
        return None
    return x, y if y % 2 == odd else P - y


def decode(data, judgeable=False):
    """A compressed point, 33 bytes; `judgeable`: with x < n."""
    x = int.from_bytes(data[1:], "big")
    point = lift(x, data[0] & 1) if len(data) == 33 and data[0] in (2, 3) else None
    if point is None or (judgeable and x >= N):
        raise Refused("encoding_invalid")
    return point


def encode(point):
    return bytes([2 + point[1] % 2]) + point[0].to_bytes(32, "big")


def scalar(data):
    """32 bytes in 1..n."""
    value = int.from_bytes(data, "big")
    if not 0 < value < N:
        raise Refused("encoding_invalid")
    return value


# --- hashes --------------------------------------------------------------------------------------


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def hmac256(key, *parts):
    return hmac.digest(key, b"".join(parts), "sha256")


def hkdf(salt, secret, info, length):
    """RFC 5869 with SHA-256."""
    prk, out, block = hmac256(salt or bytes(32), secret), b"", b""
    while len(out) < length:
        block = hmac256(prk, block, info, bytes([len(out) // 32 + 1]))
        out += block
    return out[:length]


def tagged(tag, *parts):
    """SHA-256(u32(len(tag)) || tag || parts)."""
    return sha256(len(tag).to_bytes(4, "big"), tag, *parts)


def hash_scalar(tag, *parts):
    """HS of umbral/README.md."""
    return int.from_bytes(tagged(tag, *parts), "big") % (N - 1) + 1


def keccak256(data):
    """Keccak-256 as Ethereum uses it: SHA-3's sponge of rate 136 with the padding 01."""
    data += b"\x01" + bytes(-(len(data) + 1) % 136)
    data = data[:-1] + bytes([data[-1] | 0x80])
    lanes = [0] * 25
    for start in range(0, len(data), 136):
        for i in range(17):
            lanes[i] ^= int.from_bytes(data[start + 8 * i : start + 8 * i + 8], "little")
        permute(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])


def permute(a):
    """Keccak-f[1600] on 25 lanes, lane (x, y) at x + 5y."""
    mask, lfsr = 2**64 - 1, 1
    for _ in range(24):
        c = [a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20] for x in range(5)]
        for i in range(25):
            right = c[(i + 1) % 5]
            a[i] ^= c[(i + 4) % 5] ^ ((right << 1 | right >> 63) & mask)
        x, y, moved = 1, 0, a[1]
        for t in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            turn = (t + 1) * (t + 2) // 2 % 64
            a[x + 5 * y], moved = (moved << turn | moved >> (64 - turn)) & mask, a[x + 5 * y]
        for row in range(0, 25, 5):
            b = a[row : row + 5]
            for x in range(5):
                a[row + x] = b[x] ^ (~b[(x + 1) % 5] & mask & b[(x + 2) % 5])
        for j in range(7):
            if lfsr & 1:
                a[0] ^= 1 << (2**j - 1)
            lfsr = (lfsr << 1) ^ (0x171 if lfsr & 0x80 else 0)


# --- ECDSA ---------------------------------------------------------------------------------------


def signature(data):
    """(r, s) of 64 bytes, both in 1..n, s low."""
    r, s = scalar(data[:32]), scalar(data[32:64])
    if s > N // 2:
        raise Refused("encoding_invalid")
    return r, s


def verify(key, digest, signed):
    """Whether (r, s) is the key's signature of the 32-byte digest, with R's x below n."""
    r, s = signed
    w = pow(s, -1, N)
    e = int.from_bytes(digest, "big")
    point = add(mul(e * w, G), mul(r * w, key))
    return point is not None and point[0] == r


def recover(digest, data):
    """The address that signed: 65 bytes r || s || v, v 27 or 28."""
    r, s, v = int.from_bytes(data[:32], "big"), int.from_bytes(data[32:64], "big"), data[64]
    if v not in (27, 28):
        raise Refused("signature_recovery")
    if not 0 < r < N or not 0 < s < N:
        raise Refused("signature_malformed")
    if s > N // 2:
        raise Refused("signature_high_s")
    point = lift(r, v - 27)
    if point is None:
        raise Refused("signature_malformed")
    w, e = pow(r, -1, N), int.from_bytes(digest, "big")
    return address(add(mul(s * w, point), negate(mul(e * w, G))))


def address(key):
    """The Ethereum account of a public key."""
    return keccak256(key[0].to_bytes(32, "big") + key[1].to_bytes(32, "big"))[12:]
