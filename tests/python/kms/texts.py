"""What people exchange and type: seeds in words, cards, labels."""

import hashlib
import unicodedata
from pathlib import Path

from .curve import Refused, decode, keccak256, sha256, signature, verify
from .file import NAME_SIZES
from .umbral import factory, make_key

WORDS = Path(__file__).with_name("english.txt").read_text().split()
LINE_MAX = 400
LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def seed_of(words):
    """The 32 bytes of 24 words (BIP-39, without its passphrase and stretching)."""
    words = words.lower().split()
    if len(words) != 24 or not set(words) <= set(WORDS):
        raise Refused("seed_invalid")
    number = 0
    for word in words:
        number = number << 11 | WORDS.index(word)
    seed = (number >> 8).to_bytes(32, "big")
    if number & 0xFF != hashlib.sha256(seed).digest()[0] or not any(seed):
        raise Refused("seed_invalid")
    return seed


def fingerprint(tag, data):
    """The first 10 bytes of the tagged hash, in five groups."""
    digits = keccak256(tag + data)[:10].hex()
    return "-".join(digits[at : at + 4] for at in range(0, 20, 4))


# --- bech32m (BIP-350) ---------------------------------------------------------------------------


def checksum(values):
    state = 1
    for value in values:
        top, state = state >> 25, (state & 0x1FFFFFF) << 5 ^ value
        for bit, mask in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            state ^= mask if top >> bit & 1 else 0
    return state


def expanded(prefix):
    return [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]


def bech32m(line, prefix, code):
    """The bytes of a line, which has one form: lower case, no bits left over."""
    line = line.strip()
    body = line[len(prefix) + 1 :]
    if not line.startswith(prefix + "1") or len(line) > LINE_MAX or not set(body) <= set(LETTERS):
        raise Refused(code)
    values = [LETTERS.index(letter) for letter in body]
    if len(values) < 6 or checksum(expanded(prefix) + values) != 0x2BC830A3:
        raise Refused(code)
    bits = "".join(f"{value:05b}" for value in values[:-6])
    rest = bits[len(bits) // 8 * 8 :]
    if len(rest) > 4 or "1" in rest:
        raise Refused(code)
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8))


def read_card(line):
    """(name, key) of a reader's card: version 1, key 33, signature 64, name."""
    data = bech32m(line, "kmscard", "card_invalid")
    try:
        name = data[98:].decode()
        key, signed = decode(data[1:34]), signature(data[34:98])
    except (Refused, UnicodeDecodeError, IndexError):
        raise Refused("card_invalid") from None
    message = b"KMS reader card v1" + data[1:34] + data[98:]
    if data[0] != 1 or not card_name(name) or not verify(key, sha256(message), signed):
        raise Refused("card_invalid")
    return name, data[1:34]


def read_label_key(line):
    """(key, sealed name) of a label key: version 1, key 33, sealed name."""
    data = bech32m(line, "kmslabel", "label_key_invalid")
    try:
        decode(data[1:34])
    except (Refused, IndexError):
        raise Refused("label_key_invalid") from None
    if data[0] != 1 or len(data) - 34 not in NAME_SIZES:
        raise Refused("label_key_invalid")
    return data[1:34], data[34:]


def card_name(name):
    letters = all(c.isascii() and (c.isalnum() or c in "-_.@+") for c in name)
    keys = name.startswith(("kmscard1", "kmslabel1"))
    return 1 <= len(name) <= 64 and letters and name[0] not in ".-" and not keys


# --- labels --------------------------------------------------------------------------------------


# Of Default_Ignorable_Code_Point those that are neither format characters nor unassigned.
INVISIBLE = [
    (0x34F, 0x34F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180D), (0x180F, 0x180F),
    (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xE0100, 0xE01EF),
]


def label(typed):
    """The one form of a label's name."""
    name = unicodedata.normalize("NFC", typed)
    for c in name:
        hidden = any(first <= ord(c) <= last for first, last in INVISIBLE)
        space = c.isspace() and c != " "
        if unicodedata.category(c)[0] == "C" or hidden or space:
            raise Refused("name_invalid")
    keys = name.startswith(("kmslabel1", "kmscard1"))
    if not 1 <= len(name.encode()) <= 128 or name.strip() != name or keys:
        raise Refused("name_invalid")
    return name


def label_secret(seed, name):
    """The secret key of a label."""
    return make_key(factory(seed, b"kms/v1/label"), name.encode())
