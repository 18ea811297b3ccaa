//! What the end-to-end tests add to the kit: a private world (`world`) of a chain and miners, a
//! grant handed over and asked for in it (`grant`), what of it goes to the judges (`judge`), and
//! servers that stand between (`proxy`) or answer falsely (`false_node`); a person at a terminal
//! (`terminal`).

pub(crate) mod false_node;
pub(crate) mod grant;
pub(crate) mod judge;
pub(crate) mod proxy;
pub(crate) mod terminal;
pub(crate) mod world;
