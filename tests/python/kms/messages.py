"""Statements that are signed (EIP-712), and the envelope of messages (HPKE)."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .curve import Refused, hkdf, hmac256, keccak256

ANSWER = "Answer(address miner,bytes32 messageHash,bytes32 answerHash)"
DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"


def word(kind, value):
    """One field of 32 bytes: numbers and addresses to the right, strings and bytes hashed."""
    if kind.startswith("uint"):
        return int(value).to_bytes(32, "big")
    if kind in ("string", "bytes"):
        return keccak256(value)
    return value.rjust(32, b"\0")


def struct_hash(type_text, values):
    """hashStruct: the type's hash and its fields, in its order."""
    kinds = [field.split(" ")[0] for field in type_text[:-1].split("(")[1].split(",")]
    words = [word(kind, value) for kind, value in zip(kinds, values, strict=True)]
    return keccak256(keccak256(type_text.encode()) + b"".join(words))


def digest(name, chain_id, contract, type_text, values):
    """What is signed in the domain of this name, version 1."""
    separator = struct_hash(DOMAIN, [name.encode(), b"1", chain_id, contract])
    return keccak256(b"\x19\x01" + separator + struct_hash(type_text, values))


# --- the envelope: RFC 9180, base mode, X25519, HKDF-SHA256, ChaCha20Poly1305 ----------------------

KEM, SUITE = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x03"


def extract(suite, salt, label, secret):
    return hmac256(salt or bytes(32), b"HPKE-v1", suite, label, secret)


def expand(suite, prk, label, info, length):
    labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    out, block = b"", b""
    while len(out) < length:
        block = hmac256(prk, block, labelled, bytes([len(out) // 32 + 1]))
        out += block
    return out[:length]


def raw(key):
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


class Context:
    """The receiver's side of one message."""

    def __init__(self, secret, encapsulated, info):
        private = X25519PrivateKey.from_private_bytes(secret)
        try:
            dh = private.exchange(X25519PublicKey.from_public_bytes(encapsulated))
        except ValueError:
            raise Refused("envelope_broken") from None
        prk = extract(KEM, b"", b"eae_prk", dh)
        both = encapsulated + raw(private.public_key())
        shared = expand(KEM, prk, b"shared_secret", both, 32)
        schedule = b"\0" + extract(SUITE, b"", b"psk_id_hash", b"")
        schedule += extract(SUITE, b"", b"info_hash", info)
        prk = extract(SUITE, shared, b"secret", b"")
        self.key = expand(SUITE, prk, b"key", schedule, 32)
        self.nonce = expand(SUITE, prk, b"base_nonce", schedule, 12)
        self.exporter = expand(SUITE, prk, b"exp", schedule, 32)

    def export(self, context, length):
        return expand(SUITE, self.exporter, b"sec", context, length)


def derive_secret(ikm):
    """DeriveKeyPair of RFC 9180, section 7.1.3."""
    return expand(KEM, extract(KEM, b"", b"dkp_prk", ikm), b"sk", b"", 32)


def decrypt(key, nonce, ciphertext, associated):
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, ciphertext, associated)
    except InvalidTag:
        raise Refused("envelope_broken") from None


def open_message(secret, sealed, chain_id, contract, miner):
    """The content of a sealed message, and what opens its reply."""
    public = raw(X25519PrivateKey.from_private_bytes(secret).public_key())
    if sealed[:9] != b"\x01" + keccak256(public)[:8] or len(sealed) < 57:
        raise Refused("envelope_broken")
    encapsulated = sealed[9:41]
    info = b"KMS v1 message" + chain_id.to_bytes(8, "big") + contract + miner
    context = Context(secret, encapsulated, info)
    plain = decrypt(context.key, context.nonce, sealed[41:], sealed[:9])
    return plain, (encapsulated, context.export(b"KMS v1 reply", 32))


def open_reply(exchange, sealed):
    """The content of the reply to a message: nonce 32, ciphertext, tag."""
    if len(sealed) < 48:
        raise Refused("envelope_broken")
    encapsulated, secret = exchange
    salt = encapsulated + sealed[:32]
    key, nonce = hkdf(salt, secret, b"key", 32), hkdf(salt, secret, b"nonce", 12)
    return decrypt(key, nonce, sealed[32:], None)
