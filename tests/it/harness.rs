//! What the tests stand on: a private world (`world`) with a chain and miners, nodes as processes
//! (`node`), the command line (`kms`), a hand-made grant with every key in reach (`grant`), what of
//! it goes to the judges (`judge`), servers that stand between (`proxy`), and waiting for
//! conditions (`wait`).

pub(crate) mod grant;
pub(crate) mod judge;
pub(crate) mod kms;
pub(crate) mod node;
pub(crate) mod proxy;
pub(crate) mod wait;
pub(crate) mod world;
