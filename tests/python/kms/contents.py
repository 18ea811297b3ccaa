"""The JSON inside the envelope, and that of /v2/info."""

from .shape import (
    address, choice, flag, hexed, number, one_of, point, record, several, terms, text,
)

WORD, SIGNATURE = hexed(32), hexed(65)
COMMITMENTS = hexed(*(164 + 33 * m for m in range(1, 33)))
PLACE = {"policy_id": WORD, "miner": address}
DECIDED = {"block_time": number(64), "block_hash": WORD}
ENDED = {"block_number": number(64), "block_hash": WORD}

UPLOAD = record({
    "terms": terms, "delegating_key": point, "receiving_key": point, "blinding": WORD,
    "verifying_key": point, "kfrag": hexed(195), "commitments": COMMITMENTS,
    "delivery": record({"period": number(32), "signature": SIGNATURE}),
    "signature": SIGNATURE,
})
REQUEST = record(PLACE | {
    "capsules": several(hexed(98), 1, 64), "block_time": number(64), "nonce": WORD,
    "signature": SIGNATURE,
})
MESSAGE = choice({"kfrag": UPLOAD, "reencrypt": REQUEST, "status": WORD})

ACK = record(PLACE | {"kfrag_hash": WORD, "signature": SIGNATURE})
ERASURE = record(PLACE | ENDED | {"kfrag_hash": WORD, "signature": SIGNATURE})
FRAGMENT = record({"cfrag": hexed(359), "signature": SIGNATURE})

CERTIFICATE = record({
    "miner": address, "key": WORD, "first_period": number(32), "last_period": number(32),
    "signature": SIGNATURE,
})
INFO = record({
    "miner": address, "worker": address, "chain_id": number(64), "policy_manager": address,
    "version": text, "head_block": number(64), "transport": CERTIFICATE, "signature": SIGNATURE,
})


def answer(refusals):
    """An answer, of a network with these codes of refusals."""
    problem = record({
        "code": one_of(*refusals), "title": text, "detail": text, "hint": text,
        "retry_after_s": number(32),
    }, optional=["retry_after_s"])
    reply = record(PLACE | DECIDED | {
        "verifying_key": point, "commitments": COMMITMENTS,
        "entries": several(choice({"fragment": FRAGMENT, "refused": problem}), 1, 64),
    })
    status = record({
        "policy_id": WORD, "serving": flag, "refusal": problem,
        "kfrag": one_of("stored", "missing", "erased"), "erasure": ERASURE,
    }, optional=["refusal", "erasure"])
    return choice({"stored": ACK, "fragments": reply, "status": status, "refused": problem})
