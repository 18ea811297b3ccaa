//! What holds of either database. `over_postgres` runs these and all other tests of this crate that
//! open one once more, over PostgreSQL.

mod over_postgres;
mod shared;
pub(super) mod sqlite;

use super::write::Writing;
use super::*;

fn path(dir: &tempfile::TempDir) -> std::path::PathBuf {
    dir.path().join("node.sqlite")
}

/// The lock of the database.
pub(crate) struct HeldLock(Writing);

impl HeldLock {
    pub(crate) async fn rollback(mut self) -> Result<()> {
        sqlx::query("rollback").execute(&mut *self.0).await?;
        Ok(())
    }
}

impl Store {
    /// Takes the lock of the database, as another program would.
    pub(crate) async fn hold_lock(&self) -> HeldLock {
        HeldLock(self.begin().await.unwrap())
    }

    /// Writes other terms over those of a policy; returns the old ones.
    pub(crate) async fn replace_terms(&self, id: kms_protocol::PolicyId, terms: &str) -> String {
        let id = id.0.0.to_vec();
        let old = sqlx::query_scalar("select terms from policy where policy_id = $1")
            .bind(&id)
            .fetch_one(&self.write)
            .await
            .unwrap();
        sqlx::query("update policy set terms = $1 where policy_id = $2")
            .bind(terms)
            .bind(&id)
            .execute(&self.write)
            .await
            .unwrap();
        old
    }
}

#[tokio::test]
async fn a_value_is_pinned_by_the_first_who_sets_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::of_test(&path(&dir)).await.unwrap();
    assert_eq!(store.pin_meta("chain id", "1").await.unwrap(), None);
    drop(store);
    let store = Store::of_test(&path(&dir)).await.unwrap();
    assert_eq!(store.pin_meta("chain id", "1").await.unwrap(), None);
    assert_eq!(
        store.pin_meta("chain id", "2").await.unwrap(),
        Some("1".into())
    );
    assert_eq!(store.pin_meta("chain id", "1").await.unwrap(), None);
}

#[tokio::test]
async fn an_unapplied_batch_leaves_nothing() {
    use super::chain::{Batch, Fact, Place};
    let dir = tempfile::tempdir().unwrap();
    let store = Store::of_test(&path(&dir)).await.unwrap();
    let place = |log_index| Place {
        block_number: 1,
        log_index,
    };
    let facts = vec![
        (
            place(0),
            Fact::Miner {
                kind: "url",
                value: "a".into(),
            },
        ),
        (
            place(1),
            Fact::Sequence {
                contract: "escrow",
                seq: 2,
            },
        ),
    ];
    let error = store
        .apply(&Batch {
            headers: Vec::new(),
            facts,
        })
        .await
        .unwrap_err();
    let expected = StoreError::SequenceGap {
        contract: "escrow",
        expected: 1,
        found: 2,
    };
    assert_eq!(error.to_string(), expected.to_string());
    assert!(store.miner_facts().await.unwrap().is_empty());
}

/// Another program on the same database.
struct Neighbour(Store);

impl Neighbour {
    async fn of(dir: &tempfile::TempDir) -> Self {
        Self(Store::of_test(&path(dir)).await.unwrap())
    }

    async fn sees(&self, name: &str) -> bool {
        let found = sqlx::query("select 1 from meta where name = $1").bind(name);
        found.fetch_optional(&self.0.read).await.unwrap().is_some()
    }
}

#[tokio::test]
async fn what_follows_a_failed_commit_is_durable() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::of_test(&path(&dir)).await.unwrap();
    let tables = "create table whole (id integer primary key); create table part \
        (id integer references whole (id) deferrable initially deferred)";
    sqlx::raw_sql(tables).execute(&store.write).await.unwrap();
    let neighbour = Neighbour::of(&dir).await;

    let mut writing = store.begin().await.unwrap();
    sqlx::query("insert into part values (1)")
        .execute(&mut *writing)
        .await
        .unwrap();
    // SQLite checks the reference now, and leaves the transaction open.
    writing.commit().await.unwrap_err();

    store.pin_meta("after", "1").await.unwrap();
    assert!(neighbour.sees("after").await);
}

#[tokio::test]
async fn a_transaction_that_is_given_up_leaves_nothing_and_holds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::of_test(&path(&dir)).await.unwrap();
    let neighbour = Neighbour::of(&dir).await;
    let mut writing = store.begin().await.unwrap();
    sqlx::query("insert into meta values ('given up', '1')")
        .execute(&mut *writing)
        .await
        .unwrap();
    drop(writing);
    store.pin_meta("after", "1").await.unwrap();
    assert!(neighbour.sees("after").await);
    assert!(!neighbour.sees("given up").await);
}

#[tokio::test]
async fn a_foreign_lock_is_waited_for_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::of_test(&path(&dir)).await.unwrap();
    let neighbour = Neighbour::of(&dir).await;
    let lock = neighbour.0.begin().await.unwrap();
    for _ in 0..2 {
        let busy = store.pin_meta("mine", "1").await.unwrap_err();
        assert_eq!(busy.code(), "store_busy");
        assert!(busy.is_passing());
    }
    lock.commit().await.unwrap();
    store.pin_meta("mine", "1").await.unwrap();
    assert!(neighbour.sees("mine").await);
}
