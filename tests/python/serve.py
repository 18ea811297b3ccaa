"""Uses `kms serve` as a program in another language does: the standard library only.

`python3 tests/python/serve.py ADDRESS TOKEN_FILE CARD OTHER_FILE`: ADDRESS is the base URL, CARD a
reader's line, OTHER_FILE a file below the content folder that was encrypted for the label "things".
Prints one JSON object: the policy that it granted, renewed and revoked.
"""

import http.client
import json
import sys
import threading
from urllib.parse import quote, urlsplit


class Refused(Exception):
    def __init__(self, status, problem):
        super().__init__(f"{status} {problem.get('code')}: {problem.get('message')}")
        self.status = status
        self.code = problem.get("code")


class Client:
    def __init__(self, address, token):
        self.host = urlsplit(address).netloc
        self.token = token

    def connect(self):
        return http.client.HTTPConnection(self.host, timeout=120)

    def ask(self, method, path, body=None, **headers):
        connection = self.connect()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named.setdefault("Authorization", f"Bearer {self.token}")
        connection.request(method, path, body=body, headers=named)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if answer.status >= 400:
            raise Refused(answer.status, json.loads(content))
        return answer, content

    def json(self, method, path, value=None, **headers):
        body = None if value is None else json.dumps(value).encode()
        return json.loads(self.ask(method, path, body, **headers)[1])


def refused(code, status, call):
    try:
        call()
    except Refused as error:
        assert (error.code, error.status) == (code, status), error
    else:
        raise AssertionError(f"{code} was expected")


def guards(client):
    path = "/v1/labels"
    assert client.json("GET", "/v1/health", Authorization="none")["ok"]
    refused("token_missing", 401, lambda: client.ask("GET", path, Authorization="Bearer x"))
    refused("host_refused", 403, lambda: client.ask("GET", path, Host="evil.example"))
    refused("origin_refused", 403, lambda: client.ask("GET", path, Origin="http://evil.example"))
    refused("route_unknown", 404, lambda: client.ask("GET", "/v1/nothing"))
    refused("request_invalid", 400, lambda: client.ask("POST", path, b"{"))
    refused("request_invalid", 400, lambda: client.ask("POST", path, b'{"label":"a","b":1}'))
    refused("label_unknown", 404, lambda: client.ask("POST", "/v1/datakey?label=nothing"))


def pieces(data, size=70_001):
    for at in range(0, len(data), size):
        yield data[at : at + size]


def files(client, other):
    plain = bytes(range(256)) * 4_000
    # An iterator has no length: http.client sends it in chunks.
    sealed = client.ask("POST", "/v1/encrypt?label=things", pieces(plain))[1]
    assert plain[:64] not in sealed
    assert client.ask("POST", "/v1/decrypt", pieces(sealed))[1] == plain
    refused("not_a_kms_file", 422, lambda: client.ask("POST", "/v1/decrypt", b"something else"))
    broken = bytearray(sealed)
    broken[-5] ^= 1
    try:
        client.ask("POST", "/v1/decrypt", bytes(broken))
    except (http.client.IncompleteRead, ConnectionError):
        pass
    else:
        raise AssertionError("a file that was tampered with came out whole")
    path = f"/v1/content?file={quote(other)}"
    whole = client.ask("GET", path)[1]
    answer, part = client.ask("GET", path, Range="bytes=70000-70099")
    assert (answer.status, part) == (206, whole[70_000:70_100])
    assert answer.getheader("Content-Range") == f"bytes 70000-70099/{len(whole)}"
    assert client.ask("GET", path, Range="bytes=-7")[1] == whole[-7:]
    refused("range_refused", 416, lambda: client.ask("GET", path, Range="bytes=1-2,4-5"))
    for name in ["../config.json", "/etc/passwd", "nothing.kms", ""]:
        refused("not_found", 404, lambda: client.ask("GET", f"/v1/content?file={quote(name)}"))


def data_keys(client):
    made = [client.json("POST", "/v1/datakey?label=things") for _ in range(3)]
    items = [
        {"label_key": key["label_key"], "capsule": key["capsule"], "reference": number}
        for number, key in enumerate(made)
    ]
    items.insert(1, {**items[0], "capsule": "00" * 98, "reference": "bad"})
    items.append({**items[0], "capsule": "zz", "reference": {"row": 7}})
    opened = client.json("POST", "/v1/open", {"items": items})["items"]
    assert [item["reference"] for item in opened] == [0, "bad", 1, 2, {"row": 7}]
    assert [opened[at]["key"] for at in (0, 2, 3)] == [key["key"] for key in made]
    assert all("problem" in opened[at] and "key" not in opened[at] for at in (1, 4))
    assert len({key["key"] for key in made}) == 3
    many = {"items": items[:1] * 257}
    refused("request_invalid", 400, lambda: client.json("POST", "/v1/open", many))


class Events(threading.Thread):
    """Gathers the names of events until `wanted` has come."""

    def __init__(self, client, wanted):
        super().__init__(daemon=True)
        self.client, self.wanted, self.names = client, wanted, []

    def run(self):
        connection = self.client.connect()
        token = {"Authorization": f"Bearer {self.client.token}"}
        connection.request("GET", "/v1/events", headers=token)
        answer = connection.getresponse()
        while self.wanted not in self.names:
            line = answer.readline().decode()
            if line.startswith("event: "):
                self.names.append(line.split()[1])


def life_of_a_policy(client, card):
    name = client.json("POST", "/v1/cards", {"card": card, "as": "reader"})["name"]
    terms = {"label": "things", "to": [name], "threshold": 2, "shares": 3, "rate": "0.1 KMS"}
    terms["periods"] = 3
    quoted = client.json("POST", "/v1/quotes", terms)["quotes"][0]
    assert len(quoted["miners"]) == 3
    assert client.json("GET", "/v1/policies")["policies"] == []
    grant = lambda key, value: client.json("POST", "/v1/policies", value, Idempotency_Key=key)
    refused("idempotency_key_missing", 400, lambda: client.json("POST", "/v1/policies", terms))
    refused("fee_above_max", 402, lambda: grant("dear", {**terms, "max_fee": "0.1 KMS"}))
    events = Events(client, "revoked")
    events.start()
    granted = grant("one", terms)
    assert grant("one", terms) == granted
    refused("idempotency_key_reused", 409, lambda: grant("one", {**terms, "periods": 4}))
    refused("already_granted", 400, lambda: grant("two", terms))
    policy = granted["policies"][0]["policy"]
    path = f"/v1/policies/{policy}"
    until = {"until": quoted["expires_at"] + 3_600}
    renew = lambda: client.json("PATCH", path, until, Idempotency_Key="renewal")
    renewed = renew()
    assert renewed == renew() and renewed["last_period"] > quoted["last_period"]
    listed = client.json("GET", "/v1/policies")["policies"]
    assert [(row["policy"], row["reader"]) for row in listed] == [(policy, "reader")]
    revoke = lambda: client.json("DELETE", f"{path}?wait=30", Idempotency_Key="revocation")
    revoked = revoke()
    assert revoked == revoke() and len(revoked["refusing"]) == 3, revoked
    assert client.json("GET", "/v1/policies")["policies"][0]["standing"] == "revoked"
    events.join(60)
    assert "revoked" in events.names, events.names
    return policy


def main():
    address, token_file, card, other = sys.argv[1:]
    with open(token_file, encoding="ascii") as file:
        client = Client(address, file.read().strip())
    guards(client)
    assert client.json("POST", "/v1/labels", {"label": "things"})["label_key"].startswith("kmslabel1")
    files(client, other)
    data_keys(client)
    assert "/v1/open" in client.json("GET", "/v1/openapi.json")["paths"]
    print(json.dumps({"policy": life_of_a_policy(client, card)}))


if __name__ == "__main__":
    main()
