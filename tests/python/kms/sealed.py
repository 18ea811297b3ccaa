"""What an owner seals for itself with AES-256-SIV: names of labels, memos of policies."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from .curve import G, Refused, decode, encode, mul
from .file import NAME_SIZES, open_file
from .texts import card_name, label, label_secret, seed_of
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


def open_memo(seed, sealed, keys_hash, author):
    """(number, reader's key, label, reader's name) of the memo beside a policy."""
    beside = [b"KMS v1 policy memo", keys_hash, author]
    plain = unseal(seed, b"kms/v1/memo", sealed, beside)
    try:
        number, key, size = int.from_bytes(plain[1:5], "big"), plain[5:38], plain[38]
        name, rest = one_form(plain[39 : 39 + size]), plain[39 + size :]
        reader, padding = rest[1 : 1 + rest[0]].decode(), rest[1 + rest[0] :]
        decode(key)
    except (Refused, UnicodeDecodeError, IndexError, TypeError):
        raise Refused("memo_unknown") from None
    whole = -(-(16 + 40 + size + rest[0]) // 32) * 32 - 16
    good = plain[0] == 1 and name is not None and card_name(reader)
    if not good or len(plain) != whole or any(padding):
        raise Refused("memo_unknown")
    return number, key, name, reader


def restore(file, words):
    """The plaintext of a file, with nothing but the 24 words of its owner's seed."""
    seed = seed_of(words)

    def capsule_key(header, capsule):
        if header.sealed_name is None:
            raise Refused("file_of_unknown_label")
        name = open_name(seed, header.sealed_name, encode(header.label_key))
        return capsule.open(label_secret(seed, name))

    return open_file(file, capsule_key)
