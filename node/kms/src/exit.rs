//! The table of exit codes: each with its meaning and the errors that end with it. README's table
//! is checked against this one, and no error of any crate may be missing here.

#[cfg(test)]
mod tests;

/// One exit code of the process, with its meaning.
pub(crate) struct Exit {
    pub(crate) number: u8,
    pub(crate) meaning: &'static str,
    /// Codes of the errors that end with this exit code.
    pub(crate) errors: &'static [&'static str],
}

/// Exit code of internal errors, which the user cannot mend, and of errors missing in [`TABLE`].
const INTERNAL: u8 = 70;

#[rustfmt::skip]
pub(crate) const TABLE: [Exit; 19] = [
    exit(0, "done", &[]),
    exit(2, "wrong use", &[
        "usage", "home_exists", "reader_home", "passphrase_too_short", "seed_invalid",
        "output_exists", "not_packable", "not_movable",
        "file_exists", "name_invalid", "label_exists", "label_key_invalid", "card_exists",
        "card_invalid", "spec_invalid", "grant_unfinished", "already_granted", "policy_ambiguous",
        "url_refused", "range_outside_file", "config_invalid", "already_initialised",
        "config_unreadable", "config_syntax", "config_unknown_key", "config_missing",
        "other_deployer", "params_changed", "hex_invalid", "length_wrong", "address_checksum",
        "amount_invalid", "amount_unit_missing", "amount_decimals", "amount_overflow",
        "terms_invalid", "count_wrong", "commitments_length", "text_invalid", "refusal_unknown",
        "candidates_few", "candidate_twice", "message_mismatch", "consent_invalid",
        "consent_for_another",
        "group_exists", "group_line_invalid", "member_exists", "group_too_long",
        "group_window_empty", "not_group_admin",
    ]),
    exit(3, "not found", &[
        "not_found", "home_missing", "label_unknown", "card_unknown", "key_unknown",
        "miner_unknown", "node_missing", "anvil_missing", "group_unknown", "group_store_empty",
        "member_unknown", "evidence_unknown", "not_granted_here",
    ]),
    exit(10, "no policy for this reader", &[
        "no_policy", "policy_not_started", "not_author", "not_acknowledged", "not_a_member",
        "own_message_sealed",
    ]),
    exit(11, "policy ended", &["policy_expired"]),
    exit(12, "policy revoked", &["policy_revoked", "arrangements_revoked"]),
    exit(13, "too few miners, each with its reason", &[
        "threshold_not_met", "not_enough_miners", "renewal_refused",
        "removal_unconfirmed",
    ]),
    exit(14, "the author's shares contradict each other", &["shares_inconsistent"]),
    exit(20, "bad file", &[
        "home_corrupt", "permissions_too_open", "not_a_kms_file", "unsupported_version",
        "unsupported_parameter", "unknown_critical_field", "header_malformed", "header_key_invalid",
        "file_truncated", "trailing_data", "file_too_long", "archive_malformed", "keystore_invalid",
        "file_permissions", "evidence_void", "order_invalid",
        "deployment_invalid", "foreign_database", "deployment_incomplete", "params_syntax",
        "params_invalid", "deploy_journal_invalid", "tx_journal_invalid", "group_store_invalid",
    ]),
    exit(21, "wrong key or passphrase", &[
        "wrong_passphrase", "wrong_key", "fragments_do_not_open", "file_of_unknown_label",
        "sealed_name_foreign", "file_of_other_label", "card_not_verified",
        "evidence_foreign",
    ]),
    exit(22, "tampered", &[
        "header_tampered", "chunk_tampered", "segment_tampered", "end_tampered",
        "signature_invalid",
        "group_record_invalid", "group_rolled_back", "group_forked", "group_door_broken",
    ]),
    exit(30, "chain unreachable", &[
        "chain_unreachable", "wrong_chain", "no_endpoint", "rpc_url_invalid", "rpc_error",
        "rpc_bad_reply", "chain_moved", "tx_not_mined", "contract_code_differs",
        "search_timeout", "chain_behind", "endpoints_disagree", "other_network",
        "chain_unsupported",
    ]),
    exit(31, "transaction reverted or refused", &[
        "tx_reverted", "quote_stale", "tx_rejected", "foreign_nonce",
    ]),
    exit(32, "insufficient funds", &["insufficient_funds"]),
    exit(33, "fee above the limit", &["fee_above_max", "gas_price_above_max"]),
    exit(40, "nobody to ask for a passphrase", &["passphrase_missing", "prompt_in_background"]),
    exit(50, "interrupted, or busy", &[
        "interrupted", "broken_pipe", "home_locked", "already_running", "journal_busy",
        "group_store_taken", "store_busy",
    ]),
    exit(60, "a check found something to mend", &["checks_failed"]),
    exit(INTERNAL, "internal", &[
        "bug", "io", "read_failed", "write_failed", "random_failed", "rng_failed",
        "encapsulate_failed", "sign_failed", "segment_key_missing", "http_client", "file_unusable",
        "listen_failed", "crypto_failed", "certificate_unusable", "store_disk", "store_away",
        "store_fenced", "task_stopped", "protocol", "randomness_missing", "secret_key_invalid",
        "period_length_zero", "signature_malformed", "signature_high_s", "signature_recovery",
        "signer_wrong", "reward_invalid", "artifact_unusable", "anvil_failed", "store_newer_schema",
        "store_corrupt", "store_full", "store_sequence_gap", "store_inconsistent", "store_signing",
        "store_failed", "derivation_failed", "encoding_invalid", "quorum_invalid", "not_authentic",
        "cfrags_unfit", "ciphertext_invalid", "plaintext_too_long", "certificate_period",
        "envelope_broken", "message_malformed", "agent_failed",
    ]),
];

const fn exit(number: u8, meaning: &'static str, errors: &'static [&'static str]) -> Exit {
    Exit {
        number,
        meaning,
        errors,
    }
}

/// The exit code for an error's code.
pub(crate) fn of(error: &str) -> u8 {
    let row = TABLE.iter().find(|row| row.errors.contains(&error));
    row.map_or(INTERNAL, |row| row.number)
}
