"""What an owner seals for itself with AES-256-SIV: names of labels."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from .curve import G, Refused, encode, mul
from .file import NAME_SIZES, open_file
from .texts import label, label_secret, seed_of
from .umbral import make_secret


def unseal(seed, purpose, sealed, associated):
    """The plaintext, or None if it was sealed by or beside something else."""
    try:
        return AESSIV(make_secret(seed, purpose)).decrypt(sealed, associated)
    except (InvalidTag, ValueError):
        return None


def one_form(name):
    """The label of this name, or None if it is not in its one form."""
    try:
        typed = name.decode()
        return typed if label(typed) == typed else None
    except (Refused, UnicodeDecodeError):
        return None


def open_name(seed, sealed, key):
    """The label whose name was sealed beside its key: length, name, zeros up to 32 times n."""
    if len(sealed) not in NAME_SIZES:
        raise Refused("header_malformed")
    plain = unseal(seed, b"kms/v1/names", sealed, [b"KMS v1 label name", key])
    if plain is None or len(plain) != -(-(1 + plain[0]) // 32) * 32 or any(plain[1 + plain[0] :]):
        raise Refused("sealed_name_foreign")
    name = one_form(plain[1 : 1 + plain[0]])
    if name is None or encode(mul(label_secret(seed, name), G)) != key:
        raise Refused("sealed_name_foreign")
    return name


def restore(file, words):
    """The plaintext of a file, with nothing but the 24 words of its owner's seed."""
    seed = seed_of(words)

    def capsule_key(header):
        if header.sealed_name is None:
            raise Refused("file_of_unknown_label")
        name = open_name(seed, header.sealed_name, encode(header.label_key))
        return header.capsule.open(label_secret(seed, name))

    return open_file(file, capsule_key)
