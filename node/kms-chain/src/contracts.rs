//! The contracts of a deployment. The list in this file is the only one in the workspace;
//! `bindings` alone repeats their names, as input of a macro. `call` encodes calls, `events` and
//! `revert` decode events and errors.

use serde::{Deserialize, Serialize};

pub(crate) mod bindings;
pub(crate) mod call;
pub(crate) mod events;
pub(crate) mod revert;

/// Makes the enum and the struct from one list, in the order of deployment.
macro_rules! contracts {
    ($count:literal: $($variant:ident $field:ident $name:literal),* $(,)?) => {
        /// A contract of a deployment, in the order of deployment.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Contract {
            $(#[doc = concat!("`", $name, "`.")] $variant,)*
        }

        impl Contract {
            /// All contracts, in the order of deployment.
            pub const ALL: [Self; $count] = [$(Self::$variant),*];

            /// Name of the contract in Solidity.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Key of the contract in the record of a deployment.
            #[must_use]
            pub fn key(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($field),)*
                }
            }

            /// Artifact of the compiled contract: a JSON file, embedded in this program.
            pub(crate) fn artifact_json(self) -> &'static str {
                match self {
                    $(Self::$variant => include_str!(
                        concat!("../../../deployments/artifacts/", $name, ".json")
                    ),)*
                }
            }
        }

        /// One value for each contract, in the order of deployment.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct PerContract<T> {
            $(#[doc = concat!("Of `", $name, "`.")] pub $field: T,)*
        }

        impl<T> PerContract<T> {
            /// The values, in the order of deployment.
            #[must_use]
            pub fn all(&self) -> [&T; $count] {
                [$(&self.$field),*]
            }
        }

        impl<T> From<[T; $count]> for PerContract<T> {
            fn from([$($field),*]: [T; $count]) -> Self {
                Self { $($field),* }
            }
        }
    };
}

contracts! {
    8:
    Token token "KMSToken",
    Escrow escrow "StakingEscrow",
    Rewards rewards "MiningRewards",
    Policies policies "PolicyManager",
    Adjudicator adjudicator "Adjudicator",
    Challenges challenges "SilenceChallenges",
    Timelock timelock "KMSTimelock",
    Control control "Control",
}

impl std::fmt::Display for Contract {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
