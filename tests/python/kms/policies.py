"""Ids of policies, and what only owner and reader of a policy can compute."""

from . import shape
from .curve import encode, hkdf, hmac256, keccak256, mul
from .messages import word

TERMS = [
    ("author", "address"), ("sponsor", "address"), ("verifier", "address"),
    ("keys_hash", "bytes32"), ("rate", "uint96"), ("first_period", "uint32"),
    ("last_period", "uint32"), ("threshold", "uint8"), ("salt", "bytes32"),
]


def read_terms(value):
    """Terms from their JSON: hexadecimal with 0x, the rate as decimal text."""
    json = shape.read(shape.terms, value, "terms_invalid")
    terms = {name: bytes.fromhex(json[name][2:]) for name, kind in TERMS if kind[0] != "u"}
    terms |= {name: int(json[name]) for name, kind in TERMS if kind[0] == "u"}
    return terms | {"miners": [bytes.fromhex(miner[2:]) for miner in json["miners"]]}


def encode_terms(terms):
    """The tuple of abi.encode: nine words, the offset of the miners, their number, the miners."""
    words = [word(kind, terms[name]) for name, kind in TERMS]
    miners = [word("address", miner) for miner in terms["miners"]]
    return b"".join(words + [word("uint", 320), word("uint", len(miners))] + miners)


def policy_id(terms, chain_id, contract):
    """keccak256(abi.encode(chain id, contract, terms))."""
    head = word("uint", chain_id) + word("address", contract) + word("uint", 96)
    return keccak256(head + encode_terms(terms))


class Pair:
    """The secret of an owner and a reader, from either's secret key and the other's public key."""

    def __init__(self, secret, other, delegating, receiving):
        self.keys = encode(delegating) + encode(receiving)
        made = hkdf(b"", encode(mul(secret, other)), b"KMS v1 pair" + self.keys, 128)
        self.look_up, self.tag_key = made[:64], made[64:]

    def blinding(self, number):
        return hmac256(self.look_up, number.to_bytes(4, "big"))

    def keys_hash(self, number):
        return keccak256(self.keys + self.blinding(number))

    def recognises(self, terms, chain_id, contract):
        """Whether the last 16 bytes of the salt are the tag of the terms."""
        untagged = terms | {"salt": terms["salt"][:16] + bytes(16)}
        message = b"KMS v1 policy tag" + chain_id.to_bytes(8, "big") + contract
        message += word("uint", 32) + encode_terms(untagged)
        return hmac256(self.tag_key, message)[:16] == terms["salt"][16:]
