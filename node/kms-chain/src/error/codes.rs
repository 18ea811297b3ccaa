//! The table of codes and remedies. No match has a wildcard: a new variant has to decide on both.

use super::{ChainError, IdentityPart, JsonFile, KeystoreFault};
use crate::send::rejection::TxRejection;

impl ChainError {
    /// Stable identifier, the same on every surface and in every release.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoEndpoint => "no_endpoint",
            Self::BadUrl { .. } => "rpc_url_invalid",
            Self::HttpClient(_) => "http_client",
            Self::Unreachable { .. } => "chain_unreachable",
            Self::WrongChain { part, .. } => part.code(),
            Self::ChainUnsupported { .. } => "chain_unsupported",
            Self::Rpc { .. } => "rpc_error",
            Self::BadReply { .. } => "rpc_bad_reply",
            Self::Disagreement { .. } => "endpoints_disagree",
            Self::ChainMoved => "chain_moved",
            Self::Reverted { .. } | Self::RevertedOnChain { .. } => "tx_reverted",
            Self::Rejected { reason, .. } => reason.code(),
            Self::NotMined { .. } => "tx_not_mined",
            Self::ForeignNonce { .. } => "foreign_nonce",
            Self::FeeCap { .. } => "gas_price_above_max",
            Self::JournalBusy { .. } => "journal_busy",
            Self::File { .. } => "file_unusable",
            Self::FileExists { .. } => "file_exists",
            Self::Json { what, .. } => what.code(),
            Self::WrongPassword => "wrong_passphrase",
            Self::Keystore(_) => "keystore_invalid",
            Self::DeploymentIncomplete { .. } => "deployment_incomplete",
            Self::OtherDeployer { .. } => "other_deployer",
            Self::ParamsChanged { .. } => "params_changed",
            Self::ParamsSyntax(_) => "params_syntax",
            Self::Params { .. } => "params_invalid",
            Self::Artifact { .. } => "artifact_unusable",
            Self::AnvilMissing => "anvil_missing",
            Self::AnvilFailed { .. } => "anvil_failed",
            Self::Randomness => "random_failed",
            Self::Protocol(_) => "protocol",
            Self::Bug(_) => "bug",
        }
    }

    /// The next step of whoever meets the error, in one sentence.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NoEndpoint => "configure at least one RPC endpoint",
            Self::BadUrl { .. } => "write the endpoint as an http:// or https:// URL",
            Self::HttpClient(_) => "check this machine's certificates and limits, and try again",
            Self::Unreachable { .. } => "check the RPC URL and that its endpoint is up",
            Self::WrongChain { part, .. } => part.remedy(),
            Self::ChainUnsupported { .. } => "deploy on a chain of the kinds that README names",
            Self::Rpc { .. } | Self::BadReply { .. } => "try again, or use another RPC endpoint",
            Self::Disagreement { .. } => "find out which endpoint is wrong, and leave it out",
            Self::ChainMoved => "try again",
            Self::Reverted { .. } => "change what the named error complains about",
            Self::RevertedOnChain { .. } => "look at the state on chain, then try again",
            Self::Rejected { reason, .. } => reason.remedy(),
            Self::NotMined { .. } => "run the command again: the transaction is resumed",
            Self::ForeignNonce { .. } => "let one program alone send from this account",
            Self::FeeCap { .. } => "wait for lower gas prices, or raise the cap",
            Self::JournalBusy { .. } => "wait until the other command has finished",
            Self::File { .. } => "check that the path exists and this user may read and write it",
            Self::FileExists { .. } => "choose another path, or move the file away",
            Self::Json { what, .. } => what.remedy(),
            Self::WrongPassword => "give the passphrase that the key was stored with",
            Self::Keystore(fault) => fault.remedy(),
            Self::DeploymentIncomplete { .. } => {
                "get the record of the present deployment, or deploy anew"
            }
            Self::OtherDeployer { .. } => "use the account that began, or deploy anew",
            Self::ParamsChanged { .. } => "restore the parameters of the beginning, or deploy anew",
            Self::ParamsSyntax(_) | Self::Params { .. } => "correct the parameter file",
            Self::Artifact { .. } => "build the contracts and this program again",
            Self::AnvilMissing => "install it with `scripts/setup`, in the clone of this project",
            Self::AnvilFailed { .. } => {
                "free what its output complains about, or take another port, and try again"
            }
            Self::Randomness => "check the random source of this machine",
            Self::Protocol(_) => "check the values that were given",
            Self::Bug(_) => "please report this",
        }
    }
}

impl IdentityPart {
    fn code(self) -> &'static str {
        match self {
            Self::ChainId | Self::GenesisHash => "wrong_chain",
            Self::Code(_) => "contract_code_differs",
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::ChainId | Self::GenesisHash => {
                "use an endpoint of the deployment's chain, or the record of the endpoint's chain"
            }
            Self::Code(_) => "get the record of the contracts that are on the chain",
        }
    }
}

impl JsonFile {
    fn code(self) -> &'static str {
        match self {
            Self::Deployment => "deployment_invalid",
            Self::DeployJournal => "deploy_journal_invalid",
            Self::TxJournal => "tx_journal_invalid",
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::Deployment => "get the record again: its text was changed",
            Self::DeployJournal => "restore the journal, or move it away and deploy anew",
            Self::TxJournal => "restore the file, or move it away once its transaction is mined",
        }
    }
}

impl KeystoreFault {
    fn remedy(self) -> &'static str {
        match self {
            Self::Permissions => "chmod 600 the file",
            Self::KdfCost => "encrypt the key anew, with scrypt: n = 131072, r = 8, p = 1",
            Self::Malformed
            | Self::Version
            | Self::Cipher
            | Self::Kdf
            | Self::KdfParams
            | Self::Length => "restore the file from its backup",
        }
    }
}

impl TxRejection {
    fn code(self) -> &'static str {
        match self {
            Self::InsufficientFunds => "insufficient_funds",
            Self::NonceTooLow
            | Self::NonceTooHigh
            | Self::ReplacementUnderpriced
            | Self::FeeTooLow
            | Self::FeeTooHigh
            | Self::GasLimit
            | Self::PoolFull
            | Self::WouldRevert
            | Self::WrongChainId
            | Self::Unknown => "tx_rejected",
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::InsufficientFunds => "fund the account with ether",
            Self::NonceTooLow | Self::NonceTooHigh => "let one program alone send from the account",
            Self::ReplacementUnderpriced | Self::FeeTooLow => "raise the cap on fees, or wait",
            Self::FeeTooHigh => "lower the cap on fees, or use another RPC endpoint",
            Self::GasLimit => "ask for less in one transaction",
            Self::WouldRevert => "look at the state on chain, then try again",
            Self::WrongChainId => "use an endpoint of the deployment's chain",
            Self::PoolFull | Self::Unknown => "try again later, or use another RPC endpoint",
        }
    }
}
