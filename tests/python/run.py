"""Passes the kit of tests/vectors: `python3 tests/python/run.py`; prints the number of cases."""

import hashlib
import json
import sys
from pathlib import Path

from kms import umbral
from kms.curve import Refused, decode
from kms.file import Body, Header, open_file

FOLDER = Path(__file__).resolve().parent.parent / "vectors"
unhex = bytes.fromhex


def digest(plain):
    return {"length": len(plain), "sha256": hashlib.sha256(plain).hexdigest()}


# --- files.json ----------------------------------------------------------------------------------


class Files:
    def __init__(self, kit):
        self.kit, self.seed, self.made = kit, unhex(kit["owner"]["seed"]), {}

    def base(self, name):
        if name not in self.made:
            base = self.kit["bases"][name]
            plain = bytes([base["plaintext"]["byte"]]) * base["plaintext"]["length"]
            body = Body(unhex(base["data_key"])).seal(plain)
            assert "body" not in base or unhex(base["body"]) == body, name
            self.made[name] = unhex(base["header"]) + body
        return self.made[name]

    def inserted(self, part):
        if isinstance(part, list):
            return b"".join(map(self.inserted, part))
        if isinstance(part, str):
            return unhex(part)
        if "zeros" in part:
            return bytes(part["zeros"])
        return self.base(part["base"])[part["from"] : part["from"] + part["length"]]

    def edited(self, given):
        file = bytearray(self.base(given["base"]))
        for edit in given["edits"]:
            at = edit["at"]
            if "xor" in edit:
                for offset, mask in enumerate(unhex(edit["xor"])):
                    file[at + offset] ^= mask
            else:
                file[at : at + edit["remove"]] = self.inserted(edit["insert"])
        assert hashlib.sha256(file).hexdigest() == given["sha256"]
        return bytes(file)

    def file(self, given):
        labels = umbral.factory(self.seed, b"kms/v1/label")
        secret = umbral.make_key(labels, given["label"].encode())
        return digest(open_file(self.edited(given), lambda header: header.capsule.open(secret)))


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
        return digest(open_file(file, lambda header: key))


# --- all -----------------------------------------------------------------------------------------


KIT = {"files.json": Files, "grants.json": Grants}


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
