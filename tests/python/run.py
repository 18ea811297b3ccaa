"""Passes the kit of tests/vectors: `python3 tests/python/run.py`; prints the number of cases."""

import hashlib
import json
import sys
from pathlib import Path

from kms import contents, messages, policies, sealed, shape, texts, umbral
from kms.curve import G, Refused, address, decode, encode, keccak256, mul, recover
from kms.file import Body, Header, open_file

FOLDER = Path(__file__).resolve().parent.parent / "vectors"
unhex = bytes.fromhex


class Edited:
    """What changes of bases give."""

    def inserted(self, part):
        if isinstance(part, list):
            return b"".join(map(self.inserted, part))
        if isinstance(part, str):
            return unhex(part)
        if "zeros" in part:
            return bytes(part["zeros"])
        return self.base(part["base"])[part["from"] : part["from"] + part["length"]]

    def after(self, given):
        data = bytearray(self.base(given["base"]))
        for edit in given["edits"]:
            at = edit["at"]
            if "xor" in edit:
                for offset, mask in enumerate(unhex(edit["xor"])):
                    data[at + offset] ^= mask
            else:
                data[at : at + edit["remove"]] = self.inserted(edit["insert"])
        return bytes(data)


def digest(plain):
    return {"length": len(plain), "sha256": hashlib.sha256(plain).hexdigest()}


# --- files.json ----------------------------------------------------------------------------------


class Files(Edited):
    def __init__(self, kit):
        self.kit, self.made = kit, {}
        self.seed = unhex(kit["owner"]["seed"])

    def base(self, name):
        if name not in self.made:
            base = self.kit["bases"][name]
            header = unhex(base["header"])
            plain = bytes([base["plaintext"]["byte"]]) * base["plaintext"]["length"]
            read = Header(header)
            body = Body(read, unhex(base["data_key"])).seal(plain)
            if read.segmented or read.signed:
                body = unhex(base["body"])
            assert "body" not in base or unhex(base["body"]) == body, name
            self.made[name] = header + body
        return self.made[name]

    def edited(self, given):
        file = self.after(given)
        assert hashlib.sha256(file).hexdigest() == given["sha256"]
        return file

    def file(self, given):
        secret = texts.label_secret(self.seed, given["label"])
        of = lambda header, capsule: capsule.open(secret)
        plain, signer = open_file(self.edited(given), of)
        return digest(plain) | ({} if signer is None else {"signer": signer.hex()})

    def restore(self, given):
        return digest(sealed.restore(self.edited(given), given["words"])[0])


# --- grants.json ---------------------------------------------------------------------------------


class Grants:
    def __init__(self, kit):
        self.grants = kit["grants"]

    def grant(self, given):
        """The grant of a case, with what the case says otherwise."""
        said = self.grants[given["grant"]] | given
        policy = dict(said["policy"])
        for field in ("contract", "policy_id", "conditions"):
            policy[field] = unhex(policy[field])
        keys = [decode(unhex(said[key])) for key in ("delegating", "receiving", "verifying")]
        secret = int(said["receiving_secret"], 16)
        miners = [unhex(miner) for miner in said["miners"]]
        return said, umbral.Grant(*keys, policy), miners, secret

    def kfrag(self, given):
        said, grant, miners, _ = self.grant(given)
        identity = umbral.check_kfrag(unhex(said["kfrag"]), grant, miners[said["miner"]])
        return {"id": identity.hex()}

    def commitments(self, given):
        said, grant, _, secret = self.grant(given)
        commitments = umbral.Commitments(unhex(said["commitments"]))
        commitments.check(grant, secret)
        return {"threshold": len(commitments.points)}

    def cfrag(self, given):
        said, grant, miners, secret = self.grant(given)
        cfrag = umbral.Cfrag(unhex(said["cfrag"]))
        cfrag.check(Header(unhex(said["file"])).capsule, grant, miners[said["miner"]])
        umbral.Commitments(unhex(said["commitments"])).check_share(cfrag, secret)
        return {"id": cfrag.id.hex()}

    def open(self, given):
        said, grant, miners, secret = self.grant(given)
        file = unhex(said["file"])
        capsule, cfrags = Header(file).capsule, []
        for piece in said["cfrags"]:
            cfrags.append(umbral.Cfrag(unhex(piece["cfrag"])))
            cfrags[-1].check(capsule, grant, miners[piece["miner"]])
        key = umbral.open_cfrags(cfrags, capsule, grant, secret)
        return digest(open_file(file, lambda header, capsule: key)[0])


# --- texts.json ----------------------------------------------------------------------------------


class Texts:
    def __init__(self, kit):
        pass

    def seed(self, given):
        seed = texts.seed_of(given["words"])
        return {"fingerprint": texts.fingerprint(b"KMS seed fingerprint v1", seed)}

    def keys(self, given):
        seed, name = unhex(given["seed"]), texts.label(given["label"])
        public = lambda secret: mul(secret, G)
        purpose = lambda label: umbral.factory(seed, label)
        reader = umbral.make_key(purpose(b"kms/v1/reader"), bytes(4))
        wallet = umbral.make_key(purpose(b"kms/v1/wallet"), b"0")
        key = encode(public(texts.label_secret(seed, name)))
        return {
            "label": key.hex(),
            "reader": encode(public(reader)).hex(),
            "wallet": address(public(wallet)).hex(),
        }

    def label(self, given):
        return {"name": texts.label(given["typed"])}

    def card(self, given):
        name, key = texts.read_card(given["line"])
        shown = texts.fingerprint(b"KMS key fingerprint v1", key)
        return {"name": name, "key": key.hex(), "fingerprint": shown}

    def label_key(self, given):
        key, name = texts.read_label_key(given["line"])
        shown = texts.fingerprint(b"KMS key fingerprint v1", key)
        return {"key": key.hex(), "sealed": name.hex(), "fingerprint": shown}


# --- sealed.json ---------------------------------------------------------------------------------


class Sealed:
    def __init__(self, kit):
        pass

    def name(self, given):
        seed, name, key = (unhex(given[field]) for field in ("seed", "sealed", "key"))
        return {"label": sealed.open_name(seed, name, key)}

    def memo(self, given):
        fields = "seed", "sealed", "keys_hash", "author"
        number, key, label, reader = sealed.open_memo(*(unhex(given[field]) for field in fields))
        return {"number": number, "receiving": key.hex(), "label": label, "reader": reader}


# --- policies.json -------------------------------------------------------------------------------


class Policies:
    def __init__(self, kit):
        self.named = kit["terms"]

    def read(self, given):
        """The terms of a name, changed as the case says."""
        fields = self.named[given["terms"]] | given["change"]
        fields.pop(given.get("without"), None)
        return policies.read_terms(fields)

    def terms(self, given):
        terms = self.read(given)
        identity = policies.policy_id(terms, given["chain_id"], unhex(given["contract"]))
        return {"id": identity.hex()}

    def pairs(self, given):
        """The pair as the owner computes it, and as the reader does."""
        names = "delegating_secret", "receiving_secret"
        a, b = (umbral.secret(unhex(given[name])) for name in names)
        public = mul(a, G), mul(b, G)
        return policies.Pair(a, public[1], *public), policies.Pair(b, public[0], *public)

    def pair(self, given):
        owner, reader = self.pairs(given)
        number = given["number"]
        assert owner.blinding(number) == reader.blinding(number)
        hashed = owner.keys_hash(number).hex()
        return {"blinding": owner.blinding(number).hex(), "keys_hash": hashed}

    def tag(self, given):
        terms, (owner, reader) = self.read(given), self.pairs(given)
        place = given["chain_id"], unhex(given["contract"])
        known = owner.recognises(terms, *place)
        assert known == reader.recognises(terms, *place)
        return {"recognised": known}


# --- messages.json -------------------------------------------------------------------------------


class Messages:
    def __init__(self, kit):
        pass

    def digest(self, given):
        """The digest of a statement, and who signed it."""
        kinds = given["type"][:-1].split("(")[1].split(",")
        values = []
        for field, value in zip(kinds, given["values"], strict=True):
            number, text = field.startswith("uint"), field.startswith("string")
            values.append(int(value) if number else value.encode() if text else unhex(value))
        place = given["chain_id"], unhex(given["contract"])
        signed = messages.digest(given["domain"], *place, given["type"], values)
        return {"digest": signed.hex(), "signer": recover(signed, unhex(given["signature"])).hex()}

    def opened(self, given):
        secret = messages.derive_secret(unhex(given["ikm"]))
        place = given["chain_id"], unhex(given["contract"]), unhex(given["miner"])
        return messages.open_message(secret, unhex(given["sealed"]), *place)

    def envelope(self, given):
        return {"plain": self.opened(given)[0].hex()}

    def reply(self, given):
        """The reply to a message, which its worker signed."""
        plain = messages.open_reply(self.opened(given)[1], unhex(given["reply"]))
        if len(plain) < 65:
            raise Refused("message_malformed")
        hashes = [keccak256(unhex(given["sealed"])), keccak256(plain[65:])]
        signed = messages.digest(
            "KMS Node", given["chain_id"], unhex(given["contract"]), messages.ANSWER,
            [unhex(given["miner"])] + hashes,
        )
        return {"answer": plain[65:].decode(), "signer": recover(signed, plain[:65]).hex()}


# --- contents.json -------------------------------------------------------------------------------


class Contents(Edited):
    def __init__(self, kit):
        self.bases, self.answers = kit["bases"], contents.answer(kit["refusals"])

    def base(self, name):
        return self.bases[name]["text"].encode()

    def read(self, kind, given):
        value = shape.parse(kind, self.after(given), "message_malformed")
        options = {"sort_keys": True, "ensure_ascii": False, "separators": (",", ":")}
        one_form = json.dumps(value, **options)
        return {"sha256": hashlib.sha256(one_form.encode()).hexdigest()}

    def message(self, given):
        return self.read(contents.MESSAGE, given)

    def answer(self, given):
        return self.read(self.answers, given)

    def info(self, given):
        return self.read(contents.INFO, given)


# --- all -----------------------------------------------------------------------------------------


KIT = {"files.json": Files, "grants.json": Grants, "texts.json": Texts, "sealed.json": Sealed,
       "policies.json": Policies, "messages.json": Messages,
       "contents.json": Contents}


def outcome(run, given):
    try:
        return {"out": run(given)}
    except Refused as refused:
        place = {} if refused.at is None else {"at": refused.at}
        return {"error": refused.code} | place


def main():
    passed, wrong = 0, []
    for name, kind in KIT.items():
        kit = json.loads((FOLDER / name).read_text())
        assert kit["format"] == 1, name
        cases = kind(kit)
        for case in kit["cases"]:
            wanted = {key: case[key] for key in ("out", "error", "at") if key in case}
            found = outcome(getattr(cases, case["kind"]), case["in"])
            if found == wanted:
                passed += 1
            else:
                wrong.append(f"{name}: {case['name']}: {found} for {wanted}")
    print("\n".join(wrong + [f"{passed} passed, {len(wrong)} failed"]))
    sys.exit(1 if wrong or not passed else 0)


if __name__ == "__main__":
    main()
