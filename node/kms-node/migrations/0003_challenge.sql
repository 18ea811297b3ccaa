-- Challenges of this miner's silence. One is open for a policy at most, so the newest opening without a
-- later end is the open one. Rows carry their block, so a reorg deletes what lies above the ancestor.

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
