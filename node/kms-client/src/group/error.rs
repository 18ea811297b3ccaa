//! What can be wrong with a group: its line, its store, its admin's records, a change of members.
//! Neighbour: the crate's error wraps it.

/// Why a group cannot be read, written or changed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "a message names its fields")]
pub enum GroupError {
    /// The home has no group of that name.
    #[error("this home has no group named {name:?}")]
    Unknown { name: String },
    /// The home has a group of that name.
    #[error("this home has a group named {name:?} already")]
    Exists { name: String },
    /// The text is no `kmsgroup1...` line.
    #[error("not a group: {why}")]
    LineInvalid { why: &'static str },
    /// The store holds no record of the group.
    #[error("the store holds no records of the group {name:?}")]
    StoreEmpty { name: String },
    /// The path of the store is neither a folder nor a file of items.
    #[error("the store cannot be read: {why}")]
    StoreInvalid { why: &'static str },
    /// Somebody wrote the same item first.
    #[error("the store has an item {key} already")]
    Taken { key: String },
    /// A record is not what the group's admin signed, or does not follow the one before it.
    #[error("record {number} of the group is at fault: {why}")]
    RecordInvalid { number: u64, why: &'static str },
    /// The store ends before a record that this home has seen.
    #[error("the store ends with record {found}, and had come to record {seen} before")]
    RolledBack { seen: u64, found: u64 },
    /// The admin's record is another one than this home has seen.
    #[error("record {number} of the group is not the one that this home has seen")]
    Forked { number: u64 },
    /// The door's capsule opens, and what is behind it is not the epoch's key.
    #[error("the door of epoch {epoch} does not lead to its key")]
    DoorBroken { epoch: u64 },
    /// None of the keys is a member's.
    #[error("none of this home's keys is a member of the group's present epoch")]
    NotMember,
    /// The writer's own last message lies in an epoch that is closed to it, and in no sheet.
    #[error("your message {number} lies in an epoch that is closed to you")]
    OwnMessageSealed { number: u64 },
    /// The seed is not the admin's.
    #[error("this home's seed is not the admin's of the group {name:?}")]
    NotAdmin { name: String },
    /// The group has no member of that name.
    #[error("the group has no member named {name:?}")]
    MemberUnknown { name: String },
    /// The key is a member's already.
    #[error("the key of {name:?} is in the group already")]
    MemberExists { name: String },
    /// A message, a sheet or a list is too long.
    #[error("{what} takes {bytes}, at most {most} fit")]
    TooLong {
        what: &'static str,
        bytes: usize,
        most: usize,
    },
    /// No epoch lies between the two dates.
    #[error("no epoch of the group begins in that time")]
    WindowEmpty,
    /// So few miners refuse the members who were removed that they could still read on.
    #[error("{refusing} miners refuse a member who was removed, {need} are needed")]
    RemovalUnconfirmed { refusing: usize, need: usize },
}

impl GroupError {
    /// The stable name of the error, the same on every surface.
    pub const fn code(&self) -> &'static str {
        self.row().0
    }

    /// The next step for whoever meets the error.
    pub const fn remedy(&self) -> &'static str {
        self.row().1
    }

    #[rustfmt::skip]
    const fn row(&self) -> (&'static str, &'static str) {
        match self {
            Self::Unknown { .. } => ("group_unknown", "join it with `kms group join`"),
            Self::Exists { .. } => ("group_exists", "choose another name with --as"),
            Self::LineInvalid { .. } => ("group_line_invalid", "ask the admin for the line again"),
            Self::StoreEmpty { .. } => {
                ("group_store_empty", "check the path of the store, or fetch it again")
            }
            Self::StoreInvalid { .. } => {
                ("group_store_invalid", "name the folder or the file that the group is kept in")
            }
            Self::Taken { .. } => ("group_store_taken", "run the command again"),
            Self::RecordInvalid { .. } => {
                ("group_record_invalid", "fetch the store again; ask the admin if it stays so")
            }
            Self::RolledBack { .. } => {
                ("group_rolled_back", "fetch the store again: somebody shows an older one")
            }
            Self::Forked { .. } => {
                ("group_forked", "ask the admin: two histories are signed with its key")
            }
            Self::DoorBroken { .. } => ("group_door_broken", "ask the admin for a new epoch"),
            Self::NotMember => ("not_a_member", "ask the admin to add your card"),
            Self::OwnMessageSealed { .. } => {
                ("own_message_sealed", "ask the admin for a new epoch, then post again")
            }
            Self::NotAdmin { .. } => ("not_group_admin", "use the home that made the group"),
            Self::MemberUnknown { .. } => ("member_unknown", "`kms group log` lists the members"),
            Self::MemberExists { .. } => ("member_exists", "remove the member first"),
            Self::TooLong { .. } => ("group_too_long", "share a file and post its name"),
            Self::WindowEmpty => ("group_window_empty", "`kms group log` lists the epochs"),
            Self::RemovalUnconfirmed { .. } => {
                ("removal_unconfirmed", "run it again when more miners can be reached")
            }
        }
    }
}
