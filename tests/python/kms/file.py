"""The encrypted file of node/kms-format/FORMAT.md."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from .curve import Refused, decode, hkdf, hmac256, sha256, signature, verify
from .umbral import Capsule

MAGIC = b"\x89KMS\r\n\x1a\n"
SUITES = {1: AESGCM, 2: ChaCha20Poly1305}
SEGMENTED, SIGNED, ARCHIVE = 1, 2, 4
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
        self.parameters = file[8:16]
        self.read_parameters()
        self.length = int.from_bytes(file[16:20], "big")
        if not 52 <= self.length <= 16_384:
            raise Refused("header_malformed")
        if len(file) < self.length:
            raise Refused("file_truncated", len(file))
        self.bytes = file[: self.length]
        self.fields = self.read_fields()
        if not {1, 2, 3, 4} <= self.fields.keys():
            raise Refused("header_malformed")

    def read_parameters(self):
        _, suite, f0, flags, chunk, ahead, r0, r1 = self.parameters
        self.suite, self.ahead = SUITES.get(suite), ahead
        self.segmented, self.signed = bool(flags & SEGMENTED), bool(flags & SIGNED)
        known = self.suite and not f0 and flags < 8 and chunk == 16 and not r0 and not r1
        if not known or ahead > (4 if self.segmented else 0):
            raise Refused("unsupported_parameter")

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
        data_key = unwrap(self, capsule_key, self.fields[3], self.fields[4], "header_tampered")
        if Body(self, data_key).mac(self.bytes[:-32]) != self.bytes[-32:]:
            raise Refused("header_tampered")
        return data_key


def unwrap(header, capsule_key, wrapped, commitment, changed, at=None):
    """The key that is wrapped beside a capsule."""
    suite = header.parameters[1:2]
    wrap = hkdf(b"KMS v1 capsule key", capsule_key, b"KMS v1 wrap" + suite, 32)
    committed = hkdf(b"KMS v1 capsule key", capsule_key, b"KMS v1 commitment", 32) == commitment
    try:
        key = header.suite(wrap).decrypt(bytes(12), wrapped, None)
    except InvalidTag:
        key = None
    if key is None and not committed:
        raise Refused("wrong_key")
    if key is None or not committed:
        raise Refused(changed, at)
    return key


class Body:
    """What follows a header, under one data key."""

    def __init__(self, header, data_key):
        self.header = header
        schedule = lambda info, size: hkdf(
            b"KMS v1 data key", data_key, info + header.parameters, size
        )
        self.root, self.id = schedule(b"chunks", 32), schedule(b"body", 16)
        self.mac_key, self.signature_key = schedule(b"header", 32), schedule(b"signature", 32)

    def mac(self, message):
        return hmac256(self.mac_key, message)

    def cipher(self, segment, key=b""):
        derived = hkdf(b"KMS v1 segment key", self.root + key, segment.to_bytes(4, "big"), 32)
        return self.header.suite(derived)

    @staticmethod
    def nonce(segment, number, last):
        return segment.to_bytes(4, "big") + number.to_bytes(7, "big") + bytes([last])

    @staticmethod
    def frame(kind, content):
        return bytes([kind]) + len(content).to_bytes(3, "big") + content

    def seal(self, plain):
        """The body of a file without segments and signature."""
        pieces = [plain[at : at + CHUNK] for at in range(0, len(plain), CHUNK)] or [b""]
        last, cipher = len(pieces) - 1, self.cipher(0)
        frames = [
            self.frame(
                2 if number == last else 1,
                cipher.encrypt(self.nonce(0, number, number == last), piece, self.id),
            )
            for number, piece in enumerate(pieces)
        ]
        end = len(plain).to_bytes(8, "big") + bytes(8)
        return b"".join(frames) + self.frame(6, end + self.mac(b"end" + end))


class Reader:
    """Opens a whole file. `capsule_key_of` gives the key of a capsule."""

    def __init__(self, header, data_key, file, capsule_key_of):
        self.header, self.body, self.file = header, Body(header, data_key), file
        self.capsule_key_of, self.at = capsule_key_of, header.length
        self.chunks, self.plain, self.index, self.told = 0, [], [], []
        self.signer = None

    def need(self, size):
        if len(self.file) - self.at < size:
            raise Refused("file_truncated", len(self.file))
        return self.file[self.at : self.at + size]

    def head(self):
        head = self.need(4)
        return head[0], int.from_bytes(head[1:], "big")

    def content(self, size):
        content = self.need(4 + size)[4:]
        self.at += 4 + size
        return content

    def open(self):
        if not self.header.segmented:
            self.read_chunks(0, b"")
        else:
            while self.head()[0] == 3:
                self.segment(len(self.index))
            if not self.index:
                raise Refused("segment_tampered", 0)
        self.tail()
        return b"".join(self.plain)

    def read_chunks(self, segment, key):
        cipher, number, last = self.body.cipher(segment, key), 0, False
        while not last:
            kind, size = self.head()
            last = kind == 2
            least = 16 if number == 0 else 17
            if not (kind == 1 and size == CHUNK + 16 or last and least <= size <= CHUNK + 16):
                raise Refused("chunk_tampered", self.chunks)
            sealed = self.content(size)
            try:
                nonce = self.body.nonce(segment, number, last)
                self.plain.append(cipher.decrypt(nonce, sealed, self.body.id))
            except InvalidTag:
                raise Refused("chunk_tampered", self.chunks) from None
            self.chunks, number = self.chunks + 1, number + 1

    def segment(self, number):
        changed, begin = Refused("segment_tampered", number), self.at - self.header.length
        size = 4 + 178 * (self.header.ahead + 1) + 32
        if self.head()[1] != size:
            raise changed
        content = self.content(size)
        if self.body.mac(b"segment" + content[:-32]) != content[-32:]:
            raise changed
        if int.from_bytes(content[:4], "big") != number:
            raise changed
        records = [content[at : at + 178] for at in range(4, size - 32, 178)]
        capsules = []
        for record in records:
            try:
                capsules.append(Capsule(record[:98]))
            except Refused:
                raise changed from None
        if any(told != now for told, now in zip(self.told[1:], records)):
            raise changed
        self.told, wrapped = records, records[0][98:]
        secret = self.capsule_key_of(capsules[0])
        key = unwrap(
            self.header, secret, wrapped[:48], wrapped[48:], "segment_tampered", number
        )
        before = sum(map(len, self.plain))
        self.index.append(None)
        self.read_chunks(number, key)
        plain = sum(map(len, self.plain)) - before
        self.index[-1] = begin.to_bytes(8, "big") + plain.to_bytes(8, "big") + records[0]

    def expect(self, kind, size):
        if self.head() != (kind, size):
            raise Refused("end_tampered")
        return self.content(size)

    def tail(self):
        start, plain = self.at, b"".join(self.plain)
        if self.header.signed:
            self.signer = self.verify(self.expect(4, 113), plain)
        if self.header.segmented:
            entries = b"".join(self.index)
            if self.expect(5, len(entries)) != entries:
                raise Refused("end_tampered")
        tail = self.file[start : self.at]
        end = self.expect(6, 48)
        sizes = len(self.index).to_bytes(4, "big") + len(tail).to_bytes(4, "big")
        told = len(plain).to_bytes(8, "big") + sizes
        if end != told + self.body.mac(b"end" + tail + told):
            raise Refused("end_tampered")
        if self.at != len(self.file):
            raise Refused("trailing_data", self.at)

    def verify(self, sealed, plain):
        """Who signed the content."""
        try:
            cipher = self.header.suite(self.body.signature_key)
            signed = cipher.decrypt(bytes(12), sealed, self.body.id)
        except InvalidTag:
            raise Refused("end_tampered") from None
        digest = sha256(plain)
        message = b"KMS v1 file" + self.body.id + len(plain).to_bytes(8, "big") + digest
        try:
            key, parts = decode(signed[:33]), signature(signed[33:])
            holds = verify(key, sha256(message), parts)
        except Refused:
            holds = False
        if not holds:
            raise Refused("signature_invalid")
        return signed[:33]


def open_file(file, capsule_key_of):
    """The plaintext and who signed it; `capsule_key_of` gives the key of a capsule of the header,
    or of a segment: its arguments are the header and the capsule."""
    header = Header(file)
    of = lambda capsule: capsule_key_of(header, capsule)
    reader = Reader(header, header.unlock(of(header.capsule)), file, of)
    return reader.open(), reader.signer
