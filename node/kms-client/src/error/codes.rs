//! The table of errors: one row per variant, with its stable code and its remedy. Errors of the
//! crates below bring their own. The exit codes are the binary's.

use std::io::ErrorKind;

use super::Error;

macro_rules! table {
    (
        { $($variant:pat $(if $guard:expr)? => $code:literal, $remedy:literal;)+ }
        { $($below:pat => $error:ident;)+ }
    ) => {
        impl Error {
            /// Every code and remedy of this crate, without those of the crates below.
            pub const TABLE: &[(&str, &str)] = &[$(($code, $remedy)),+];

            /// The stable name of the error, the same in every release and on every surface.
            pub fn code(&self) -> &'static str {
                match self {
                    $($variant $(if $guard)? => $code,)+
                    $($below => $error.code(),)+
                }
            }

            /// The next step for whoever meets the error.
            pub fn remedy(&self) -> &'static str {
                match self {
                    $($variant $(if $guard)? => $remedy,)+
                    $($below => $error.remedy(),)+
                }
            }
        }
    };
}

table! {{
    Self::HomeExists { .. } => "home_exists", "use another KMS_HOME, or the one that is there";
    Self::HomeMissing { .. } => "home_missing", "run `kms init`, or set KMS_HOME";
    Self::ConsentForAnother { .. } =>
        "consent_for_another", "use the home of that miner, or make a node for this one";
    Self::HomeLocked { .. } => "home_locked", "wait until the other command has finished";
    Self::HomeCorrupt { .. } =>
        "home_corrupt", "restore the file from a backup, or the home from its seed";
    Self::ReaderHome { .. } =>
        "reader_home", "name the home of the owner with --home, or make one with `kms init`";
    Self::PermissionsTooOpen { .. } =>
        "permissions_too_open", "take the rights of others away: chmod -R go= DIR";
    Self::Io { source, .. } if source.kind() == ErrorKind::NotFound =>
        "not_found", "check the path";
    Self::Io { .. } => "io", "check the disk and the permissions of the path";
    Self::OutputExists { .. } => "output_exists", "choose another output, or allow replacing it";
    Self::NotPackable { .. } =>
        "not_packable", "move it out of the folder, or pack again when nothing changes in it";
    Self::NotMovable { .. } => "not_movable", "decrypt it, and encrypt it for the new label";
    Self::WrongPassphrase { .. } =>
        "wrong_passphrase", "try again; the seed's backup restores a new home";
    Self::PassphraseMissing =>
        "passphrase_missing", "run it at a terminal, unlock the home there with `kms agent`, or \
            name a file in KMS_PASSPHRASE_FILE";
    Self::PromptInBackground =>
        "prompt_in_background", "bring it to the foreground, unlock the home with `kms agent` \
            before, or name a file in KMS_PASSPHRASE_FILE";
    Self::PassphraseTooShort { .. } => "passphrase_too_short", "choose a longer passphrase";
    Self::LabelUnknown { .. } =>
        "label_unknown", "make it with `kms label new`, or pass a kmslabel1 line";
    Self::LabelExists { .. } => "label_exists", "choose another name for the label";
    Self::FileOfUnknownLabel { .. } =>
        "file_of_unknown_label", "name the label by hand: `kms decrypt --label NAME`";
    Self::SealedNameForeign { .. } =>
        "sealed_name_foreign",
        "use its owner's seed, or `kms read`; if it is yours, name its label with --label NAME";
    Self::FileOfOtherLabel { .. } =>
        "file_of_other_label", "name another label, or leave --label out";
    Self::CardUnknown { .. } => "card_unknown", "add it with `kms card add`";
    Self::CardExists { .. } =>
        "card_exists", "compare fingerprints; remove the stored card to replace it";
    Self::HttpClient { .. } => "http_client", "report this with the message";
    Self::InsufficientFunds { .. } =>
        "insufficient_funds", "fund the account, or ask for fewer periods or miners";
    Self::FeeAboveMax { .. } =>
        "fee_above_max", "raise the limit, or ask for fewer periods or miners";
    Self::SpecInvalid { .. } => "spec_invalid", "choose a value that keeps the rule";
    Self::NotEnoughMiners { .. } =>
        "not_enough_miners", "raise the rate, or ask for fewer miners or periods";
    Self::QuoteStale { .. } => "quote_stale", "ask for a new quote";
    Self::GrantUnfinished { .. } =>
        "grant_unfinished", "finish it with `kms grant --resume`, or revoke it";
    Self::AlreadyGranted { .. } =>
        "already_granted",
        "extend it with `kms renew`; --again pays for a second one beside it";
    Self::ChainBehind { .. } =>
        "chain_behind", "wait until the endpoint has caught up, or use another RPC endpoint";
    Self::NoPolicy { .. } => "no_policy", "ask the owner for a grant to your card";
    Self::SearchTimeout =>
        "search_timeout", "try again with a longer --timeout, or with another RPC endpoint";
    Self::PolicyAmbiguous { .. } => "policy_ambiguous", "name the policy by its id";
    Self::NotAuthor { .. } => "not_author", "use the home whose account made the grant";
    Self::PolicyNotStarted { .. } => "policy_not_started", "try again when it has begun";
    Self::PolicyExpired { .. } => "policy_expired", "ask the owner to renew";
    Self::PolicyRevoked { .. } => "policy_revoked", "only the owner can grant again";
    Self::RenewalRefused { .. } =>
        "renewal_refused", "renew without them (--without-unwilling) if enough are left, or make a \
            new grant at a rate that they accept";
    Self::ArrangementsRevoked { .. } =>
        "arrangements_revoked", "only a new grant opens the label to this reader";
    Self::MinerUnknown { .. } => "miner_unknown", "`kms policies show` lists the policy's miners";
    Self::ThresholdNotMet { .. } =>
        "threshold_not_met", "see each miner's reason; some pass with time";
    Self::SharesInconsistent { .. } =>
        "shares_inconsistent", "no miner is at fault; ask the owner for a new grant";
    Self::FragmentsDoNotOpen { .. } => "fragments_do_not_open", "ask the owner for a new grant";
    Self::UrlRefused { .. } => "url_refused", "choose another miner, or tell this one";
    Self::Interrupted => "interrupted", "run the command again: it goes on where it stopped";
    Self::Bug(_) => "bug", "report this with the message";
}
{
    Self::NoneOpens { nearest, .. } => nearest;
    Self::Core(error) => error;
    Self::Format(error) => error;
    Self::Umbral(error) => error;
    Self::Protocol(error) => error;
    Self::Chain(error) => error;
    Self::Group(error) => error;
    Self::Judge(error) => error;
}}
