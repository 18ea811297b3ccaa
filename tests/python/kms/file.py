"""The encrypted file of node/kms-format/FORMAT.md."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .curve import Refused, decode, hkdf, hmac256
from .umbral import Capsule

MAGIC = b"\x89KMS\r\n\x1a\n"
PARAMETERS = bytes([1, 1, 0, 0, 16, 0, 0, 0])
CHUNK = 65_536
SEALED = CHUNK + 16
NAME_SIZES = [48, 80, 112, 144, 176]
# Number of each known field: its type, and its length or lengths.
FIELDS = {
    1: (0x8001, [33]), 2: (0x8002, [98]), 3: (0x8003, [48]), 4: (0x8004, [32]),
    5: (0x0005, NAME_SIZES), 6: (0x0006, [52]),
}


class Header:
    """A header that is well formed; `unlock` shows that it is the one that was written."""

    def __init__(self, file):
        if file[:8] != MAGIC[: len(file)]:
            raise Refused("not_a_kms_file")
        if len(file) < 20:
            raise Refused("file_truncated", len(file))
        if file[8] != 1:
            raise Refused("unsupported_version")
        if file[8:16] != PARAMETERS:
            raise Refused("unsupported_parameter")
        self.length = int.from_bytes(file[16:20], "big")
        if not 52 <= self.length <= 16_384:
            raise Refused("header_malformed")
        if len(file) < self.length:
            raise Refused("file_truncated", len(file))
        self.bytes = file[: self.length]
        self.fields = self.read_fields()
        if not {1, 2, 3, 4} <= self.fields.keys():
            raise Refused("header_malformed")

    def read_fields(self):
        at, end, previous, fields = 20, self.length - 32, 0, {}
        while at < end:
            head, value = self.bytes[at : at + 4], at + 4
            kind, size = int.from_bytes(head[:2], "big"), int.from_bytes(head[2:], "big")
            at, number = value + size, kind & 0x7FFF
            if value > end or at > end or number <= previous:
                raise Refused("header_malformed")
            previous = number
            if number in FIELDS:
                wanted, sizes = FIELDS[number]
                if kind != wanted or size not in sizes:
                    raise Refused("header_malformed")
                fields[number] = self.check(number, self.bytes[value:at])
            elif kind & 0x8000:
                raise Refused("unknown_critical_field")
        return fields

    @staticmethod
    def check(number, value):
        if number in (1, 2):
            try:
                return decode(value) if number == 1 else Capsule(value)
            except Refused:
                raise Refused("header_key_invalid") from None
        if number == 6 and any(value[:24]):
            raise Refused("header_malformed")
        return value

    @property
    def capsule(self):
        return self.fields[2]

    @property
    def label_key(self):
        return self.fields[1]

    @property
    def sealed_name(self):
        return self.fields.get(5)

    def unlock(self, capsule_key):
        """The data key, from the capsule's key."""
        wrap = hkdf(b"KMS v1 capsule key", capsule_key, b"KMS v1 wrap", 32)
        commitment = hkdf(b"KMS v1 capsule key", capsule_key, b"KMS v1 commitment", 32)
        try:
            data_key = AESGCM(wrap).decrypt(bytes(12), self.fields[3], None)
        except InvalidTag:
            data_key = None
        if (data_key is None) and commitment != self.fields[4]:
            raise Refused("wrong_key")
        if data_key is None or commitment != self.fields[4]:
            raise Refused("header_tampered")
        key = hkdf(b"KMS v1 data key", data_key, b"header", 32)
        if hmac256(key, self.bytes[:-32]) != self.bytes[-32:]:
            raise Refused("header_tampered")
        return data_key


class Body:
    """The chunks of one data key."""

    def __init__(self, data_key):
        schedule = lambda info, size: hkdf(b"KMS v1 data key", data_key, info + PARAMETERS, size)
        self.cipher, self.id = AESGCM(schedule(b"chunks", 32)), schedule(b"body", 16)

    @staticmethod
    def nonce(number, last):
        return bytes(4) + number.to_bytes(7, "big") + bytes([last])

    def seal(self, plain):
        pieces = [plain[at : at + CHUNK] for at in range(0, len(plain), CHUNK)] or [b""]
        last = len(pieces) - 1
        return b"".join(
            self.cipher.encrypt(self.nonce(number, number == last), piece, self.id)
            for number, piece in enumerate(pieces)
        )

    def open_chunk(self, number, last, sealed):
        """The plaintext of a chunk, or None."""
        try:
            plain = self.cipher.decrypt(self.nonce(number, last), sealed, self.id)
        except InvalidTag:
            return None
        # No chunk is empty but the only one of an empty file.
        return None if plain == b"" and number > 0 else plain

    def open(self, header, file):
        out, at, number = [], header.length, 0
        while True:
            sealed, rest = file[at : at + SEALED], len(file) - at - SEALED
            last, end = rest <= 0, min(at + SEALED, len(file))
            if len(sealed) < 16:
                raise Refused("file_truncated", end)
            plain = self.open_chunk(number, last, sealed)
            if plain is None:
                self.explain(number, last, sealed, rest, end)
            out.append(plain)
            at, number = end, number + 1
            if last:
                return b"".join(out)

    def explain(self, number, last, sealed, rest, end):
        """Near the end of a file a full chunk may be right, and what follows it wrong."""
        near_end = len(sealed) == SEALED and rest < SEALED
        if near_end and self.open_chunk(number, not last, sealed) is not None:
            raise Refused("file_truncated" if last else "trailing_data", end)
        raise Refused("chunk_tampered", number)


def open_file(file, capsule_key_of):
    """The plaintext; `capsule_key_of` gives the key of a header's capsule."""
    header = Header(file)
    data_key = header.unlock(capsule_key_of(header))
    return Body(data_key).open(header, file)
