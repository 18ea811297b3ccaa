//! Errors of the database: a code and a remedy for the operator, a refusal without details for the
//! client.

use kms_protocol::Refusal;
use kms_protocol::messages::Problem;

/// Retry hint, in seconds, of a refusal for a full disk.
pub(crate) const FULL_RETRY_S: u32 = 60;
/// Retry hint, in seconds, while the database waits for a lock or the disk.
const WAITING_RETRY_S: u32 = 5;

/// Why an operation of the database failed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "fields are named after what they hold")]
pub enum StoreError {
    /// The file was written by a newer program.
    #[error("schema version {found} is newer than this program knows")]
    NewerSchema { found: i64 },
    /// The file is damaged, or another program changed it.
    #[error("damaged: {what}")]
    Corrupt { what: String },
    /// The disk has no room; new kfrags are refused meanwhile.
    #[error("the disk is full")]
    Full,
    /// Another program holds the database's lock.
    #[error("another program holds the database, or it does not answer: {0}")]
    Busy(#[source] sqlx::Error),
    /// The disk refuses to read or write.
    #[error("the disk does not read or write: {0}")]
    Disk(#[source] sqlx::Error),
    /// An endpoint omitted an event: its sequence number is missing.
    #[error("{contract}: event {expected} is missing, saw {found}")]
    SequenceGap {
        contract: &'static str,
        expected: u64,
        found: u64,
    },
    /// The events of an endpoint contradict each other: a row that can exist once came twice.
    #[error("events contradict each other: {what}")]
    Inconsistent { what: String },
    /// Signing failed inside the database transaction that takes the nonce.
    #[error("signing: {0}")]
    Signing(#[source] kms_chain::ChainError),
    /// PostgreSQL cannot be reached, or ended the connection.
    #[error("the database does not answer: {0}")]
    Away(#[source] sqlx::Error),
    /// Another node holds the lease of the shared database, or nobody does.
    #[error("this node does not hold the lease of the database")]
    Fenced,
    /// Any other error of the database.
    #[error("{0}")]
    Database(#[source] sqlx::Error),
}

impl StoreError {
    /// Stable identifier for scripts and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NewerSchema { .. } => "store_newer_schema",
            Self::Corrupt { .. } => "store_corrupt",
            Self::Full => "store_full",
            Self::Busy(_) => "store_busy",
            Self::Disk(_) => "store_disk",
            Self::Away(_) => "store_away",
            Self::Fenced => "store_fenced",
            Self::SequenceGap { .. } => "store_sequence_gap",
            Self::Inconsistent { .. } => "store_inconsistent",
            Self::Signing(_) => "store_signing",
            Self::Database(_) => "store_failed",
        }
    }

    /// The operator's remedy, one sentence.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NewerSchema { .. } => "run the newer program again, or restore an older backup",
            Self::Corrupt { .. } => "restore the database from a backup; nothing was overwritten",
            Self::Full => "free space on the disk of the data directory",
            Self::Busy(_) => "end whatever else writes the node's database, or start PostgreSQL",
            Self::Disk(_) => "check the disk of the data directory",
            Self::Fenced => "nothing: the node that holds the lease does it",
            Self::Away(_) => "start PostgreSQL, or correct `database`; the node goes on by itself",
            Self::SequenceGap { .. } | Self::Inconsistent { .. } => {
                "use another RPC endpoint; the node indexes again"
            }
            Self::Signing(_) => "report this with the log of the node",
            Self::Database(_) => "check the disk and permissions of the data directory",
        }
    }

    /// Whether the same operation may succeed later, with nothing lost: what was begun is undone.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Full | Self::Busy(_) | Self::Disk(_) | Self::Away(_) | Self::Fenced
        )
    }

    pub(super) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }
}

/// Primary result codes of SQLite: SQLITE_BUSY, SQLITE_LOCKED, SQLITE_IOERR, SQLITE_CORRUPT,
/// SQLITE_FULL, SQLITE_CANTOPEN and SQLITE_NOTADB.
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const IO: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANNOT_OPEN: i32 = 14;
const NOT_A_DATABASE: i32 = 26;

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let twice = |error: &dyn sqlx::error::DatabaseError| error.is_unique_violation();
        if error.as_database_error().is_some_and(twice) {
            return Self::Inconsistent {
                what: error.to_string(),
            };
        }
        let code = error.as_database_error().and_then(|error| error.code());
        if let Some(state) = code.as_deref().filter(|code| code.len() == STATE_LENGTH) {
            let state = state.to_owned();
            return of_postgres(&state, error);
        }
        let code = code.and_then(|code| code.parse::<i32>().ok());
        match code.map(|code| code & 0xff) {
            Some(FULL) => Self::Full,
            Some(BUSY | LOCKED) => Self::Busy(error),
            Some(IO | CANNOT_OPEN) => Self::Disk(error),
            // The writer before this one waits for a lock or the disk.
            None if matches!(error, sqlx::Error::PoolTimedOut) => Self::Busy(error),
            None if is_broken_connection(&error) => Self::Away(error),
            Some(CORRUPT | NOT_A_DATABASE) => Self::corrupt(error.to_string()),
            _ => Self::Database(error),
        }
    }
}

/// Length of a SQLSTATE; the codes of SQLite are shorter.
const STATE_LENGTH: usize = 5;

/// The error of PostgreSQL with a SQLSTATE, by its class (PostgreSQL, appendix A).
fn of_postgres(state: &str, error: sqlx::Error) -> StoreError {
    match state {
        // disk_full.
        "53100" => StoreError::Full,
        // lock_not_available, deadlock_detected, serialization_failure, query_canceled.
        "55P03" | "40P01" | "40001" | "57014" => StoreError::Busy(error),
        // io_error.
        "58030" => StoreError::Disk(error),
        // data_corrupted, index_corrupted.
        "XX001" | "XX002" => StoreError::corrupt(error.to_string()),
        // idle_in_transaction_session_timeout, read_only_sql_transaction (a standby).
        "25P03" | "25006" => StoreError::Away(error),
        // Connections, resources, operator intervention (a shutdown).
        _ if ["08", "53", "57"]
            .iter()
            .any(|class| state.starts_with(class)) =>
        {
            StoreError::Away(error)
        }
        _ => StoreError::Database(error),
    }
}

/// Whether the connection broke, which SQLite has none of.
fn is_broken_connection(error: &sqlx::Error) -> bool {
    matches!(
        error,
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_)
    )
}

/// Makes the refusal that the client receives; the cause goes to the log.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(code = error.code(), %error, "database");
        match error {
            StoreError::Full => Self::from(Refusal::StorageFull).retry_after(FULL_RETRY_S),
            StoreError::Busy(_)
            | StoreError::Disk(_)
            | StoreError::Away(_)
            | StoreError::Fenced => {
                Self::new(Refusal::TooMany, error.code()).retry_after(WAITING_RETRY_S)
            }
            StoreError::NewerSchema { .. }
            | StoreError::Corrupt { .. }
            | StoreError::SequenceGap { .. }
            | StoreError::Inconsistent { .. }
            | StoreError::Signing(_)
            | StoreError::Database(_) => Self::new(Refusal::Internal, error.code()),
        }
    }
}
