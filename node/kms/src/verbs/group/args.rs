//! Arguments of `kms group`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use crate::plan::DryArgs;
use crate::terms::TermsArgs;
use crate::time::Moment;

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// Name of the group: letters, digits and -_.@+
    pub(super) name: String,
    /// Folder for its items, or one file NAME.kmsg; made if need be
    #[arg(long, value_name = "PATH")]
    pub(super) store: PathBuf,
    /// Your own name in the group
    #[arg(long = "as", value_name = "NAME", default_value = "admin")]
    pub(super) admin: String,
}

#[derive(Debug, Args)]
pub(crate) struct JoinArgs {
    /// The line that the admin gave you, kmsgroup1...
    pub(super) line: String,
    /// Folder or file of its items
    #[arg(long, value_name = "PATH")]
    pub(super) store: PathBuf,
    /// Your own name for the group [default: the admin's]
    #[arg(long = "as", value_name = "NAME")]
    pub(super) known_as: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// Name of the group here
    pub(super) name: String,
    /// A card by its name here, or NAME=CARD; several devices may have one name
    #[arg(long, value_name = "NAME[=CARD]", required = true)]
    pub(super) member: Vec<MemberArg>,
    /// From when on they may read, written as for --until [default: now]
    #[arg(long, value_name = "TIME")]
    pub(super) since: Option<Moment>,
    /// Let them read only the epochs that begin before this time
    #[arg(long, value_name = "TIME", requires = "since")]
    pub(super) through: Option<Moment>,
    #[command(flatten)]
    pub(super) terms: TermsArgs,
    #[command(flatten)]
    pub(super) dry: DryArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// Name of the group here
    pub(super) name: String,
    /// Name of a member
    #[arg(long, value_name = "NAME", required = true)]
    pub(super) member: Vec<String>,
    /// Seconds to wait for the miners' refusals
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    #[arg(value_parser = clap::value_parser!(u64).range(0..=3600))]
    pub(super) wait: u64,
    #[command(flatten)]
    pub(super) dry: DryArgs,
}

#[derive(Debug, Args)]
pub(crate) struct NameArgs {
    /// Name of the group here
    pub(super) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct PostArgs {
    /// Name of the group here
    pub(super) name: String,
    /// The message; `-` is stdin
    pub(super) text: String,
}

#[derive(Debug, Args)]
pub(crate) struct SyncArgs {
    /// Name of the group here
    pub(super) name: String,
    /// The other folder, or file NAME.kmsg; made if need be
    pub(super) path: PathBuf,
}

/// A member's device: `NAME`, or `NAME=CARD`.
#[derive(Debug, Clone)]
pub(crate) struct MemberArg {
    pub(super) name: String,
    pub(super) card: String,
}

impl FromStr for MemberArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, card) = text.split_once('=').unwrap_or((text, text));
        if name.is_empty() || card.is_empty() {
            return Err(format!("{text:?} is not NAME or NAME=CARD"));
        }
        Ok(Self {
            name: name.to_owned(),
            card: card.to_owned(),
        })
    }
}
