"""Umbral as umbral/README.md lays it out: keys, capsules, kfrags, commitments, cfrags, opening."""

from .curve import (
    G, N, Refused, add, decode, encode, hash_scalar, hkdf, mul, negate, scalar, sha256,
    signature, tagged, verify,
)

U = decode(bytes.fromhex("03079390d0fbe220fc34aab8ecbf49098098036820fadb98c03143e55db8ec73cd"))


class Fields:
    """Takes fields off bytes of an exact length."""

    def __init__(self, data, length):
        if len(data) != length:
            raise Refused("encoding_invalid")
        self.data, self.at = data, 0

    def take(self, count):
        self.at += count
        return self.data[self.at - count : self.at]

    def point(self, judgeable=False):
        return decode(self.take(33), judgeable)


def secret(data):
    """A secret key of 32 bytes."""
    return scalar(Fields(data, 32).take(32))


# --- keys: a factory is its 32 bytes -------------------------------------------------------------


def factory(seed, label):
    return hkdf(b"", seed, b"FACTORY_DERIVATION/" + label, 32)


def make_secret(seed, label):
    return hkdf(b"", seed, b"SECRET_DERIVATION/" + label, 64)


def make_key(seed, label):
    info = b"KEY_DERIVATION/" + label
    return hash_scalar(info, hkdf(b"", seed, info, 64))


# --- capsules ------------------------------------------------------------------------------------


class Capsule:
    def __init__(self, data):
        fields = Fields(data, 98)
        self.bytes = data
        self.e, self.v = fields.point(True), fields.point(True)
        s = scalar(fields.take(32))
        h = hash_scalar(b"CAPSULE_POINTS", encode(self.e), encode(self.v))
        if mul(s, G) != add(self.v, mul(h, self.e)) or add(self.e, self.v) is None:
            raise Refused("encoding_invalid")
        self.s, self.h = s, h

    def open(self, secret):
        """The capsule's key, by the key it was made for."""
        return capsule_key(mul(secret, add(self.e, self.v)))


def capsule_key(shared):
    return hkdf(b"", encode(shared), b"", 32)


# --- what is signed ------------------------------------------------------------------------------


def policy_bytes(policy):
    number = lambda name, size: policy[name].to_bytes(size, "big")
    return b"".join((
        number("chain_id", 8), policy["contract"], policy["policy_id"], number("threshold", 2),
        number("shares", 2), number("not_before", 8), number("expiry", 8), policy["conditions"],
    ))


def kfrag_digest(grant, miner, identity, u1, x):
    policy = grant.policy
    number = lambda name, size: policy[name].to_bytes(size, "big")
    return tagged(
        b"UMBRAL_KFRAG_V2", b"\x02", number("chain_id", 8), policy["contract"],
        policy["policy_id"], miner, number("threshold", 2), number("shares", 2),
        number("not_before", 8), number("expiry", 8), policy["conditions"],
        identity, encode(u1), encode(x), encode(grant.delegating), encode(grant.receiving),
    )


class Grant:
    """Keys, policy and miners of a delegation, points decoded."""

    def __init__(self, delegating, receiving, verifying, policy):
        self.delegating, self.receiving, self.verifying = delegating, receiving, verifying
        self.policy = policy


class Shared:
    """What owner and reader share: X, B and DH = bX."""

    def __init__(self, x, secret):
        self.parts = [encode(x), encode(mul(secret, G)), encode(mul(secret, x))]
        self.d = hash_scalar(b"SHARED_SECRET", *self.parts)

    def argument(self, identity):
        return hash_scalar(b"POLYNOMIAL_ARG", *self.parts, identity)


# --- kfrags, commitments, cfrags -----------------------------------------------------------------


def check_kfrag(data, grant, miner):
    """Checks a kfrag as its miner does; returns its id."""
    fields = Fields(data, 195)
    if fields.take(1) != b"\x02":
        raise Refused("encoding_invalid")
    identity, rk = fields.take(32), scalar(fields.take(32))
    x, u1 = fields.point(), fields.point(True)
    signed = signature(fields.take(64))
    digest = kfrag_digest(grant, miner, identity, u1, x)
    if mul(rk, U) != u1 or not verify(grant.verifying, digest, signed):
        raise Refused("not_authentic")
    return identity


class Commitments:
    def __init__(self, data):
        if len(data) < 3 or data[0] != 2:
            raise Refused("encoding_invalid")
        m = int.from_bytes(data[1:3], "big")
        if not 1 <= m <= 255:
            raise Refused("quorum_invalid")
        fields = Fields(data, 164 + 33 * m)
        fields.take(3)
        self.x = fields.point()
        self.points = [fields.point() for _ in range(m)]
        self.proof = scalar(fields.take(32)), scalar(fields.take(32))
        self.statement = data[: fields.at]
        self.signature = signature(fields.take(64))

    def check(self, grant, secret):
        """Checks signature and origin as the reader does."""
        a, b = encode(grant.delegating), encode(grant.receiving)
        digest = tagged(
            b"UMBRAL_COMMITMENTS_V2", grant.policy["policy_id"], a, b, self.statement
        )
        signed = verify(grant.verifying, digest, self.signature)
        if not signed or len(self.points) != grant.policy["threshold"]:
            raise Refused("not_authentic")
        image = mul(Shared(self.x, secret).d, self.points[0])
        c, s = self.proof
        r1 = add(mul(s, G), mul(c, grant.delegating))
        r2 = add(mul(s, U), mul(c, image))
        if None in (r1, r2):
            raise Refused("not_authentic")
        origin = policy_bytes(grant.policy), encode(self.x), a, b, encode(grant.verifying)
        proven = map(encode, (image, r1, r2))
        if hash_scalar(b"UMBRAL_POLICY_ORIGIN_V2", *origin, *proven) != c:
            raise Refused("not_authentic")

    def check_share(self, cfrag, secret):
        """Checks that a cfrag's share is on the polynomial."""
        x, total, power = Shared(self.x, secret).argument(cfrag.id), None, 1
        for point in self.points:
            total, power = add(total, mul(power, point)), power * x % N
        if total != cfrag.u1 or cfrag.x != self.x:
            raise Refused("not_authentic")


class Cfrag:
    def __init__(self, data):
        fields = Fields(data, 359)
        self.e1, self.v1 = fields.point(True), fields.point(True)
        self.id = fields.take(32)
        self.x = fields.point()
        self.e2, self.v2, self.u1, self.u2 = (fields.point(True) for _ in range(4))
        self.z = scalar(fields.take(32))
        self.signature = signature(fields.take(64))

    def check(self, capsule, grant, miner):
        digest = kfrag_digest(grant, miner, self.id, self.u1, self.x)
        if not verify(grant.verifying, digest, self.signature):
            raise Refused("not_authentic")
        points = [capsule.e, self.e1, self.e2, capsule.v, self.v1, self.v2, U, self.u1, self.u2]
        h = hash_scalar(b"CFRAG_VERIFICATION", *map(encode, points))
        for base, image, offset in zip(points[::3], points[1::3], points[2::3]):
            if mul(self.z, base) != add(offset, mul(h, image)):
                raise Refused("not_authentic")


def open_cfrags(cfrags, capsule, grant, secret):
    """The capsule's key, from checked cfrags and the reader's secret key."""
    ids = {cfrag.id for cfrag in cfrags}
    if not cfrags or len(ids) < len(cfrags) or any(c.x != cfrags[0].x for c in cfrags):
        raise Refused("cfrags_unfit")
    shared = Shared(cfrags[0].x, secret)
    arguments = [shared.argument(cfrag.id) for cfrag in cfrags]
    e = v = None
    for cfrag, x in zip(cfrags, arguments):
        weight = shared.d
        for other in arguments:
            if other != x:
                weight = weight * other * pow(other - x, -1, N) % N
        e, v = add(e, mul(weight, cfrag.e1)), add(v, mul(weight, cfrag.v1))
    # e is rE times a and v is uE times a if the cfrags are m of one polynomial.
    if mul(capsule.s, grant.delegating) != add(v, mul(capsule.h, e)):
        raise Refused("cfrags_unfit")
    return capsule_key(add(e, v))
