//! The table of stable codes, exit codes and hints. No match has a wildcard over our own variants:
//! a new variant forces a decision about each of the three.

use kms_chain::ChainError;

use super::Error;

impl Error {
    /// A stable name of the error, the same in every release and on every surface.
    pub fn code(&self) -> &'static str {
        match self {
            Self::HomeExists { .. } => "home_exists",
            Self::HomeMissing { .. } => "home_missing",
            Self::HomeLocked { .. } => "home_locked",
            Self::HomeCorrupt { .. } => "home_corrupt",
            Self::PermissionsTooOpen { .. } => "permissions_too_open",
            Self::Io { .. } => "io",
            Self::OutputExists { .. } => "output_exists",
            Self::WrongPassphrase { .. } => "wrong_passphrase",
            Self::PassphraseMissing => "passphrase_missing",
            Self::PassphraseTooShort { .. } => "passphrase_too_short",
            Self::SeedInvalid => "seed_invalid",
            Self::Random => "random_failed",
            Self::NameInvalid { .. } => "name_invalid",
            Self::LabelUnknown { .. } => "label_unknown",
            Self::LabelExists { .. } => "label_exists",
            Self::FileOfUnknownLabel { .. } => "file_of_unknown_label",
            Self::LabelKeyInvalid { .. } => "label_key_invalid",
            Self::CardUnknown { .. } => "card_unknown",
            Self::CardExists { .. } => "card_exists",
            Self::CardInvalid { .. } => "card_invalid",
            Self::Format(error) => error.code(),
            Self::Umbral(_) => "umbral",
            Self::Protocol(_) => "protocol",
            Self::Chain(error) => chain_code(error),
            Self::HttpClient { .. } => "http_client",
            Self::TxReverted { .. } => "tx_reverted",
            Self::InsufficientFunds { .. } => "insufficient_funds",
            Self::FeeAboveMax { .. } => "fee_above_max",
            Self::SpecInvalid { .. } => "spec_invalid",
            Self::NotEnoughMiners { .. } => "not_enough_miners",
            Self::QuoteStale { .. } => "quote_stale",
            Self::GrantUnfinished { .. } => "grant_unfinished",
            Self::NoPolicy { .. } => "no_policy",
            Self::PolicyAmbiguous { .. } => "policy_ambiguous",
            Self::NotAuthor { .. } => "not_author",
            Self::PolicyNotStarted { .. } => "policy_not_started",
            Self::PolicyExpired { .. } => "policy_expired",
            Self::PolicyRevoked { .. } => "policy_revoked",
            Self::ArrangementsRevoked { .. } => "arrangements_revoked",
            Self::MinerUnknown { .. } => "miner_unknown",
            Self::ThresholdNotMet { .. } => "threshold_not_met",
            Self::SharesInconsistent { .. } => "shares_inconsistent",
            Self::FragmentsDoNotOpen { .. } => "fragments_do_not_open",
            Self::UrlRefused { .. } => "url_refused",
            Self::Interrupted => "interrupted",
            Self::Bug(_) => "bug",
        }
    }

    /// The exit code of the command line: 2 usage, 3 not found, 10 no policy, 11 expired,
    /// 12 revoked, 13 threshold not met, 14 inconsistent shares, 20 bad file, 21 wrong key,
    /// 22 tampered, 30 chain unreachable, 31 reverted, 32 insufficient funds, 33 fee above the
    /// limit, 40 wallet refused, 50 interrupted, 70 internal.
    pub fn exit(&self) -> i32 {
        match self {
            Self::HomeExists { .. }
            | Self::PassphraseTooShort { .. }
            | Self::SeedInvalid
            | Self::OutputExists { .. }
            | Self::NameInvalid { .. }
            | Self::LabelExists { .. }
            | Self::LabelKeyInvalid { .. }
            | Self::CardExists { .. }
            | Self::CardInvalid { .. }
            | Self::SpecInvalid { .. }
            | Self::GrantUnfinished { .. }
            | Self::PolicyAmbiguous { .. }
            | Self::UrlRefused { .. } => 2,
            Self::HomeMissing { .. }
            | Self::LabelUnknown { .. }
            | Self::CardUnknown { .. }
            | Self::MinerUnknown { .. } => 3,
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => 3,
            Self::NoPolicy { .. } | Self::PolicyNotStarted { .. } | Self::NotAuthor { .. } => 10,
            Self::PolicyExpired { .. } => 11,
            Self::PolicyRevoked { .. } | Self::ArrangementsRevoked { .. } => 12,
            Self::ThresholdNotMet { .. } | Self::NotEnoughMiners { .. } => 13,
            Self::SharesInconsistent { .. } => 14,
            Self::HomeCorrupt { .. } | Self::PermissionsTooOpen { .. } => 20,
            Self::Format(error) => format_exit(error),
            Self::WrongPassphrase { .. }
            | Self::FragmentsDoNotOpen { .. }
            | Self::FileOfUnknownLabel { .. } => 21,
            Self::Chain(error) => chain_exit(error),
            Self::TxReverted { .. } | Self::QuoteStale { .. } => 31,
            Self::InsufficientFunds { .. } => 32,
            Self::FeeAboveMax { .. } => 33,
            Self::PassphraseMissing => 40,
            Self::HomeLocked { .. } | Self::Interrupted => 50,
            Self::Io { .. }
            | Self::Random
            | Self::Umbral(_)
            | Self::Protocol(_)
            | Self::HttpClient { .. }
            | Self::Bug(_) => 70,
        }
    }

    /// What to do next, if there is something to do.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::HomeExists { .. } => "use another KMS_HOME, or the one that is there",
            Self::HomeMissing { .. } => "run `kms init`, or set KMS_HOME",
            Self::HomeLocked { .. } => "wait until the other command has finished",
            Self::HomeCorrupt { .. } => "restore the file from a backup, or the home from its seed",
            Self::PermissionsTooOpen { .. } => "take the rights of others away: chmod -R go= DIR",
            Self::OutputExists { .. } => "choose another output, or allow replacing it",
            Self::WrongPassphrase { .. } => "try again; the seed's backup restores a new home",
            Self::PassphraseMissing => "give one by prompt, KMS_PASSPHRASE_FILE or a descriptor",
            Self::NameInvalid { .. } => "choose another name",
            Self::LabelUnknown { .. } => "make it with `kms label new`, or pass a kmslabel1 line",
            Self::FileOfUnknownLabel { .. } => "make the label again with `kms label new NAME`",
            Self::NotAuthor { .. } => "use the home whose account made the grant",
            Self::CardUnknown { .. } => "add it with `kms card add`",
            Self::CardExists { .. } => "compare fingerprints; remove the stored card to replace it",
            Self::CardInvalid { .. } | Self::LabelKeyInvalid { .. } => "ask for the line again",
            Self::Chain(error) => return chain_hint(error),
            Self::InsufficientFunds { .. } => {
                "fund the account, or ask for fewer periods or miners"
            }
            Self::FeeAboveMax { .. } => "raise the limit, or ask for fewer periods or miners",
            Self::NotEnoughMiners { .. } => "raise the rate, or ask for fewer shares or periods",
            Self::QuoteStale { .. } => "ask for a new quote",
            Self::GrantUnfinished { .. } => "finish it with `kms grant --resume`, or revoke it",
            Self::NoPolicy { .. } => "ask the owner for a grant to your card",
            Self::PolicyAmbiguous { .. } => "name the policy by its id",
            Self::PolicyNotStarted { .. } => "try again when it has begun",
            Self::PolicyExpired { .. } => "ask the owner to renew",
            Self::ArrangementsRevoked { .. } => "only a new grant opens the label to this reader",
            Self::MinerUnknown { .. } => "`kms policies show` lists the policy's miners",
            Self::ThresholdNotMet { .. } => "see each miner's reason; some pass with time",
            Self::SharesInconsistent { .. } => {
                "no miner is at fault; ask the owner for a new grant"
            }
            Self::FragmentsDoNotOpen { .. } => "ask the owner for a new grant",
            Self::TxReverted { .. } => "ask for a new quote and try again",
            Self::HttpClient { .. } | Self::Random | Self::Bug(_) => "please report this",
            Self::Io { .. }
            | Self::PassphraseTooShort { .. }
            | Self::SeedInvalid
            | Self::LabelExists { .. }
            | Self::Format(_)
            | Self::Umbral(_)
            | Self::Protocol(_)
            | Self::SpecInvalid { .. }
            | Self::PolicyRevoked { .. }
            | Self::UrlRefused { .. }
            | Self::Interrupted => return None,
        })
    }
}

/// Other crates' errors may grow, so their tables end in a wildcard.
fn format_exit(error: &kms_format::Error) -> i32 {
    use kms_format::Error as Format;
    match error {
        Format::WrongKey => 21,
        Format::HeaderTampered | Format::ChunkTampered { .. } => 22,
        Format::RangeOutside { .. } => 2,
        Format::Read(_) | Format::Write(_) | Format::Rng => 70,
        Format::Encapsulate(_) | Format::Bug(_) => 70,
        _ => 20,
    }
}

fn chain_code(error: &ChainError) -> &'static str {
    match error {
        ChainError::Unreachable { .. } | ChainError::NoEndpoint | ChainError::BadUrl { .. } => {
            "chain_unreachable"
        }
        ChainError::WrongChain { .. } => "wrong_chain",
        ChainError::Reverted { .. } | ChainError::RevertedOnChain { .. } => "tx_reverted",
        ChainError::NotMined { .. } => "tx_not_mined",
        ChainError::FeeCap { .. } => "gas_price_above_max",
        ChainError::JournalBusy { .. } => "home_locked",
        ChainError::WrongPassword => "wrong_passphrase",
        ChainError::Keystore(_) => "keystore_invalid",
        _ => "chain",
    }
}

fn chain_exit(error: &ChainError) -> i32 {
    match error {
        ChainError::Reverted { .. } | ChainError::RevertedOnChain { .. } => 31,
        ChainError::Rejected { .. } => 31,
        ChainError::FeeCap { .. } => 33,
        ChainError::WrongPassword => 21,
        ChainError::Keystore(_) | ChainError::Json { .. } => 20,
        ChainError::JournalBusy { .. } => 50,
        ChainError::FileExists { .. } => 2,
        ChainError::File { .. } | ChainError::Randomness | ChainError::Bug(_) => 70,
        ChainError::Protocol(_) => 70,
        _ => 30,
    }
}

fn chain_hint(error: &ChainError) -> Option<&'static str> {
    Some(match error {
        ChainError::Unreachable { .. } => "check the RPC URL in the home's config.json",
        ChainError::WrongChain { .. } => "the RPC serves another chain than this home's",
        ChainError::NotMined { .. } => "run the command again: the transaction is resumed",
        ChainError::FeeCap { .. } => "wait for lower gas prices, or raise the cap",
        ChainError::JournalBusy { .. } => "wait until the other command has finished",
        _ => return None,
    })
}
