//! End-to-end tests: real chains, real nodes, the real binary. Each test has a private anvil and a
//! private directory, so they run side by side. They need `target/release/kms` (scripts/test builds
//! it), the pinned anvil (scripts/setup installs it) and ffmpeg (Debian's package).

#[cfg(test)]
mod harness;

#[cfg(test)]
mod accuse;
#[cfg(test)]
mod agent;
#[cfg(test)]
mod archives;
#[cfg(test)]
mod arrangement;
#[cfg(test)]
mod conviction;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod dev;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod files;
#[cfg(test)]
mod fragments;
#[cfg(test)]
mod gate;
#[cfg(test)]
mod group;
#[cfg(test)]
mod journey;
#[cfg(test)]
mod lost;
#[cfg(test)]
mod mistakes;
#[cfg(test)]
mod planted;
#[cfg(test)]
mod provider;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod relay;
#[cfg(test)]
mod renewal;
#[cfg(test)]
mod reorg;
#[cfg(test)]
mod restore;
#[cfg(test)]
mod seed;
#[cfg(test)]
mod serve;
#[cfg(test)]
mod session;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod shared;
#[cfg(test)]
mod shares;
#[cfg(test)]
mod shell;
#[cfg(test)]
mod silence;
#[cfg(test)]
mod stream;
#[cfg(test)]
mod transactions;
#[cfg(test)]
mod twice;
