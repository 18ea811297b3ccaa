-- The version of what a key fragment's author signed, and the commitments it came with. Fragments
-- stored before are of version 1: kept until their policy is over, erased as any other, and refused
-- to readers, who do not accept them any more.

alter table kfrag add column version integer not null default 1;
alter table kfrag add column commitments blob not null default x'';
