//! What the end-to-end tests add to the kit: servers that stand between (`proxy`) or answer falsely
//! (`false_node`), a person at a terminal (`terminal`). World and grants are the kit's.

pub(crate) mod false_node;
pub(crate) mod proxy;
pub(crate) mod terminal;

pub(crate) use kms_kit::world::{self, grant};
