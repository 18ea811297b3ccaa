-- What the node keeps. Hashes, ids and keys are blobs; block numbers, periods and times integers.
-- PostgreSQL reads bytea and bigint (`store/connect.rs`).
-- Rows taken from the chain carry their block, so a reorg deletes what lies above the ancestor.

create table meta (
    name text not null primary key,
    value text not null
);

-- The newest blocks, at most 256: the cursor of the follower.
create table block_header (
    number integer not null primary key,
    hash blob not null,
    parent blob not null,
    timestamp integer not null,
    base_fee text not null
);

-- Policies this miner is in.
create table policy (
    policy_id blob not null,
    terms text not null,
    created_block integer not null,
    constraint policy_id_unique unique (policy_id)
);
create index policy_created_block on policy (created_block);

create table policy_extension (
    policy_id blob not null,
    block_number integer not null,
    log_index integer not null,
    last_period integer not null,
    constraint policy_extension_unique unique (block_number, log_index)
);
create index policy_extension_policy on policy_extension (policy_id);

create table policy_revocation (
    policy_id blob not null,
    block_number integer not null,
    log_index integer not null,
    last_period integer not null,
    constraint policy_revocation_unique unique (block_number, log_index)
);
create index policy_revocation_policy on policy_revocation (policy_id);

-- Fees this miner has collected.
create table policy_collection (
    policy_id blob not null,
    block_number integer not null,
    log_index integer not null,
    through_period integer not null,
    constraint policy_collection_unique unique (block_number, log_index)
);
create index policy_collection_policy on policy_collection (policy_id);

-- Facts about this miner, append-only; the newest of a kind holds.
create table miner_fact (
    kind text not null,
    block_number integer not null,
    log_index integer not null,
    value text not null,
    constraint miner_fact_unique unique (block_number, log_index, kind)
);

-- Sequence numbers seen, per contract: a gap means that an endpoint dropped an event.
create table event_seq (
    contract text not null,
    block_number integer not null,
    log_index integer not null,
    seq integer not null,
    constraint event_seq_unique unique (contract, seq)
);

-- Challenges of this miner's silence. At most one is open for a policy: the newest opening without
-- a later end.
create table challenge (
    seq integer not null,
    policy_id blob not null,
    block_number integer not null,
    log_index integer not null,
    requester blob not null,
    deadline integer not null,
    capsule blob not null,
    constraint challenge_unique unique (block_number, log_index)
);
create index challenge_policy on challenge (policy_id);

create table challenge_end (
    policy_id blob not null,
    block_number integer not null,
    log_index integer not null,
    constraint challenge_end_unique unique (block_number, log_index)
);
create index challenge_end_policy on challenge_end (policy_id);

-- Kfrags. `sealed` is AES-256-GCM under a key of the row, derived from the storage root and `salt`;
-- `commitments` are those of the kfrag's delegation.
create table kfrag (
    policy_id blob not null,
    kfrag_hash blob not null,
    delegating_key blob not null,
    receiving_key blob not null,
    blinding blob not null,
    verifying_key blob not null,
    last_period integer not null,
    commitments blob not null,
    salt blob not null,
    sealed blob not null,
    constraint kfrag_policy_unique unique (policy_id)
);

-- The authors' words that kfrags were delivered, by which this miner is paid. They outlive the kfrags.
create table delivery (
    policy_id blob not null,
    period integer not null,
    signature blob not null,
    constraint delivery_policy_unique unique (policy_id)
);

-- What this miner had earned in rewards, claimed or not, through the end of each period, as the chain
-- said in the next one.
create table earned (
    period integer not null,
    total text not null,
    constraint earned_period_unique unique (period)
);

-- Tombstones: a kfrag that was erased never comes back.
create table erasure (
    erasure_id integer primary key,
    policy_id blob not null,
    kfrag_hash blob not null,
    reason text not null,
    block_number integer not null,
    block_hash blob not null,
    signature blob not null,
    constraint erasure_policy_unique unique (policy_id),
    constraint erasure_reason check (reason in ('revoked', 'ended'))
);

-- Effects wanted on chain, and the signed transactions that try to bring them about.
create table intent (
    intent_id integer primary key,
    idempotency_key text not null,
    kind text not null,
    payload text not null,
    period integer not null,
    state text not null,
    detail text not null default '',
    constraint intent_key_unique unique (idempotency_key),
    constraint intent_state check (
        state in ('planned', 'signed', 'mined', 'done', 'reverted', 'abandoned')
    )
);
create index intent_state_index on intent (state);

create table attempt (
    attempt_id integer primary key,
    intent_id integer not null references intent (intent_id),
    sender blob not null,
    nonce integer not null,
    raw blob not null,
    hash blob not null,
    max_fee text not null,
    tip text not null,
    mined_block integer,
    mined_hash blob,
    succeeded integer,
    constraint attempt_hash_unique unique (hash),
    constraint attempt_nonce_unique unique (sender, nonce, hash)
);
create index attempt_intent on attempt (intent_id);

-- Of a database that several nodes share: who holds the lease until when, by the database's time;
-- when the index was found up to date (0: nothing may be decided on it); how often it lost blocks;
-- the time before which requests are forgotten.
create table lease (
    name text not null primary key,
    holder text not null,
    epoch integer not null,
    expires_ms integer not null,
    view_ms integer not null,
    undone integer not null,
    floor integer not null
);

-- Requests of the window of time, of nodes that share a database.
create table nonce (
    policy_id blob not null,
    nonce blob not null,
    time integer not null,
    constraint nonce_unique unique (policy_id, nonce)
);
create index nonce_time on nonce (time);

-- Transport keys of nodes that share a database, sealed as kfrags are.
create table transport_key (
    first_period integer not null primary key,
    salt blob not null,
    sealed blob not null,
    made_ms integer not null
);
