use kms_protocol::B256;

use super::*;

fn policy(byte: u8) -> PolicyId {
    PolicyId(B256([byte; 32]))
}

#[tokio::test]
async fn admits_workers_and_queue_and_no_more() {
    let pool = Pool::new(1, 2, 1);
    let tickets: Vec<Ticket> = (0..3).map(|_| pool.admit().unwrap()).collect();
    assert_eq!(pool.depth(), 3);
    let refused = pool.admit().err().unwrap();
    assert_eq!(refused.code, Refusal::TooMany);
    assert_eq!(refused.retry_after_s, Some(1));
    drop(tickets);
    assert!(pool.admit().is_ok());
}

#[tokio::test]
async fn a_job_that_panics_refuses_itself_and_frees_its_place() {
    let pool = Pool::new(1, 0, 1);
    let failed = pool.admit().unwrap().run::<()>(|| panic!("planted")).await;
    assert_eq!(failed.unwrap_err().code, Refusal::Internal);
    assert_eq!(pool.admit().unwrap().run(|| Ok(7)).await.unwrap(), 7);
    assert_eq!(pool.depth(), 0);
}

#[tokio::test]
async fn a_policy_takes_its_part_of_the_places_and_leaves_the_rest() {
    let pool = Pool::new(1, 7, 2);
    let mut tickets: Vec<Ticket> = (0..2).map(|_| pool.admit_for(policy(1)).unwrap()).collect();
    let refused = pool.admit_for(policy(1)).err().unwrap();
    assert_eq!(refused.code, Refusal::QuotaUsedUp);
    assert!(
        refused.detail.contains("policy_in_flight"),
        "{}",
        refused.detail
    );
    assert_eq!(refused.retry_after_s, Some(1));
    assert_eq!(pool.depth(), 2, "a refusal takes no place");
    assert!(pool.admit_for(policy(2)).is_ok());
    tickets.pop();
    assert!(pool.admit_for(policy(1)).is_ok());
}

#[tokio::test]
async fn policies_that_flood_together_leave_places() {
    for flooding in [1, 4, 8] {
        let pool = Pool::new(2, 62, 16);
        let mut tickets = Vec::new();
        let mut taken = true;
        while taken {
            taken = false;
            for number in 0..flooding {
                if let Ok(ticket) = pool.admit_for(policy(number)) {
                    tickets.push(ticket);
                    taken = true;
                }
            }
        }
        assert!(pool.depth() < 60, "{flooding}: {}", pool.depth());
        assert!(pool.admit_for(policy(99)).is_ok());
    }
}

#[tokio::test]
async fn a_place_comes_back_after_the_job_and_after_a_full_queue() {
    let pool = Pool::new(1, 0, 1);
    let other = pool.admit().unwrap();
    for _ in 0..3 {
        let refused = pool.admit_for(policy(1)).err().unwrap();
        assert_eq!(refused.code, Refusal::TooMany);
    }
    drop(other);
    for _ in 0..3 {
        let ticket = pool.admit_for(policy(1)).unwrap();
        assert_eq!(ticket.run(|| Ok(7)).await.unwrap(), 7);
        let ticket = pool.admit_for(policy(1)).unwrap();
        assert!(ticket.run::<()>(|| panic!("planted")).await.is_err());
    }
    assert!(pool.policies.lock().unwrap().is_empty());
}
