//! What an operator does about each failing check.

/// The check of a task's heartbeat.
pub(super) fn task_check(task: &str) -> &'static str {
    match task {
        "chain" => "task_chain",
        "duties" => "task_duties",
        "http" => "task_http",
        "replica" => "task_replica",
        "sweeper" => "task_sweeper",
        _ => "task",
    }
}

/// The next step for a check that fails, one sentence.
pub(super) fn remedy(id: &str) -> &'static str {
    match id {
        "chain_view" => "check the endpoints in rpc_urls and this machine's clock, then wait",
        "head_fresh" | "standing_known" => {
            "check the endpoints in rpc_urls and this machine's clock"
        }
        "store" => "check the disk of data_dir, then start the node again",
        "shutdown" => "start the node again when it has ended",
        "events_complete" => {
            "wait until it is indexed again; leave out an endpoint that hides events"
        }
        "endpoints_agree" => "find out which endpoint is wrong and take it out of rpc_urls",
        "endpoints" => "check the endpoint that is named; the node goes on with the others",
        "browsers" => "set tls_certificate and tls_key, or a proxy, and an https public_url",
        "disk" => "free space on the disk of data_dir",
        "lease_held" => "start a node of role all or chain on this database",
        "shared_store" => "check that PostgreSQL runs; the node goes on by itself",
        "task" | "task_chain" | "task_duties" | "task_http" | "task_replica" | "task_sweeper" => {
            "start the node again, and report what its log says"
        }
        "rpc" => "check the endpoints in rpc_urls, or add another one",
        "duties" => "check the endpoints in rpc_urls; the node tries again by itself",
        "fees_within_cap" => "wait for lower fees, or raise max_fee_per_gas",
        "worker_bonded" => "bond the worker with the owner's key: kms worker bond",
        "next_period_leased" => "read the log for what keeps the confirmation back",
        "not_suspended" => "nothing: the node confirms again when the suspension is over",
        "worker_balance" => "send ether to the worker",
        "transaction_age" => "wait, or raise max_fee_per_gas: the node offers more by itself",
        "no_challenge" => "nothing while the node serves: it answers by itself, in time",
        "stake_locked" => "deposit again to go on, or let the stake go",
        "erased_log" => "end whatever else reads the node's database",
        "erasure_evidence" => "check the endpoints; the kfrag is refused and kept meanwhile",
        _ => "read the node's log",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_of_the_sources_has_a_remedy_of_its_own() {
        let sources = [
            include_str!("../../duties/act.rs"),
            include_str!("../../duties/act/send.rs"),
            include_str!("../../duties/act/standing.rs"),
            include_str!("../../view/follow.rs"),
            include_str!("../../kfrag/erase.rs"),
            include_str!("../report.rs"),
            include_str!("../../run.rs"),
        ];
        let mut found = 0;
        for source in sources {
            let source: String = source.split_whitespace().collect();
            for (at, _) in source.match_indices("\",Concern::") {
                let id = source[..at].rsplit('"').next().unwrap();
                assert_ne!(remedy(id), remedy("?"), "{id}");
                found += 1;
            }
        }
        assert!(found > 15, "{found}");
        for task in ["chain", "duties", "http", "sweeper"] {
            assert_ne!(task_check(task), "task");
        }
    }
}
