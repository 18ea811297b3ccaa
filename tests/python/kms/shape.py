"""The shape of JSON between client and node. A reader takes what a JSON parser gave and returns it
in its one form, or refuses it."""

import json

from .curve import Refused, decode, keccak256


class Malformed(Exception):
    """JSON that is not of the shape."""


def need(holds):
    if not holds:
        raise Malformed


# --- single values -------------------------------------------------------------------------------


def number(bits):
    def read(value):
        need(type(value) is int and 0 <= value < 2**bits)
        return value

    return read


def flag(value):
    need(type(value) is bool)
    return value


def data(value, sizes):
    """Bytes as 0x and two digits each, of one of these sizes."""
    need(type(value) is str and value.startswith("0x") and value.isascii())
    need(all(digit in "0123456789abcdefABCDEF" for digit in value[2:]))
    need(len(value) % 2 == 0 and len(value) // 2 - 1 in sizes)
    return bytes.fromhex(value[2:])


def hexed(*sizes):
    return lambda value: "0x" + data(value, sizes).hex()


def point(value):
    """A public key, which is on the curve."""
    try:
        decode(data(value, [33]))
    except Refused:
        raise Malformed from None
    return value.lower()


def checksummed(account):
    """EIP-55."""
    digits = account.hex()
    marks = keccak256(digits.encode()).hex()
    letters = (d.upper() if int(mark, 16) > 7 else d for d, mark in zip(digits, marks))
    return "0x" + "".join(letters)


def address(value):
    """20 bytes; digits in both cases carry their checksum."""
    form, digits = checksummed(data(value, [20])), value[2:]
    need(digits in (digits.lower(), digits.upper()) or value == form)
    return form


def units(value):
    """An amount in the smallest unit, below 2^128."""
    need(type(value) is str and value.isascii() and value.isdigit() and len(value) < 40)
    need(str(int(value)) == value and int(value) < 2**128)
    return value


def text(value):
    """At most 1,000 bytes of UTF-8 without control and direction characters."""
    need(type(value) is str)
    need(not any(0xD800 <= ord(c) < 0xE000 for c in value) and len(value.encode()) <= 1_000)
    hidden = [range(0x20), range(0x7F, 0xA0), range(0x202A, 0x202F), range(0x2066, 0x206A)]
    need(not any(ord(c) in part for c in value for part in hidden))
    return value


def one_of(*words):
    def read(value):
        need(type(value) is str and value in words)
        return value

    return read


# --- values of several ---------------------------------------------------------------------------


def record(fields, optional=()):
    """An object of exactly these fields; an optional one may be null or absent, and is left out."""

    def read(value):
        need(type(value) is dict and value.keys() <= fields.keys())
        need(fields.keys() - value.keys() <= set(optional))
        given = {k: v for k, v in value.items() if v is not None or k not in optional}
        return {name: fields[name](given[name]) for name in fields if name in given}

    return read


def choice(kinds):
    """An object of one field, which says what it is."""

    def read(value):
        need(type(value) is dict and len(value) == 1)
        [(name, content)] = value.items()
        need(name in kinds)
        return {name: kinds[name](content)}

    return read


def several(kind, least, most):
    def read(value):
        need(type(value) is list and least <= len(value) <= most)
        return [kind(entry) for entry in value]

    return read


# --- terms ---------------------------------------------------------------------------------------

TERMS = {
    "author": address, "sponsor": address, "verifier": address, "keys_hash": hexed(32),
    "rate": units, "first_period": number(32), "last_period": number(32), "threshold": number(8),
    "salt": hexed(32), "miners": several(address, 1, 32),
}


def terms(value):
    """Terms that the contract would take, as far as it can tell without its state."""
    read = record(TERMS)(value)
    accounts = [bytes.fromhex(read[name][2:]) for name in ("author", "sponsor", "verifier")]
    miners = [bytes.fromhex(miner[2:]) for miner in read["miners"]]
    need(all(map(any, accounts)) and 0 < int(read["rate"]) < 2**96)
    need(0 < read["first_period"] <= read["last_period"])
    need(all(a < b for a, b in zip(miners, miners[1:])) and 0 < read["threshold"] <= len(miners))
    return read


# --- text of JSON --------------------------------------------------------------------------------


def once(pairs):
    """An object that names no field twice."""
    need(len(dict(pairs)) == len(pairs))
    return dict(pairs)


def refuse(_):
    raise Malformed


def whole(digits):
    need(digits != "-0")
    return int(digits)


def read(kind, value, code):
    """The one form of a value of this kind, as a JSON parser gave it."""
    try:
        return kind(value)
    except Malformed:
        raise Refused(code) from None


def parse(kind, written, code):
    """The one form of JSON of this kind, in UTF-8."""
    try:
        value = json.loads(
            written.decode(), object_pairs_hook=once, parse_constant=refuse, parse_int=whole
        )
    except (Malformed, ValueError):
        raise Refused(code) from None
    return read(kind, value, code)
