use kms_protocol::{Amount, Period};

use crate::store::intent::NewIntent;
use crate::testkit::World;

#[tokio::test]
async fn what_was_earned_is_read_back_newest_word_first_to_count() {
    let world = World::new();
    let store = world.store().await;
    assert!(store.earned(Period(9), 5).await.unwrap().is_empty());
    for (period, total) in [(2, 20), (1, 10), (4, 40), (2, 21)] {
        let noted = store.note_earned(Period(period), Amount(total)).await;
        noted.unwrap();
    }
    let read = |last, limit| store.earned(Period(last), limit);
    let row = |period, total| (Period(period), Amount(total));
    assert_eq!(
        read(9, 5).await.unwrap(),
        [row(1, 10), row(2, 21), row(4, 40)]
    );
    assert_eq!(read(9, 2).await.unwrap(), [row(2, 21), row(4, 40)]);
    assert_eq!(read(3, 5).await.unwrap(), [row(1, 10), row(2, 21)]);
    assert!(read(0, 5).await.unwrap().is_empty());
}

#[tokio::test]
async fn intents_come_page_by_page_the_newest_first() {
    let world = World::new();
    let store = world.store().await;
    assert!(store.intents_before(i64::MAX, 3).await.unwrap().is_empty());
    for number in 1..=4 {
        let new = NewIntent {
            key: &number.to_string(),
            kind: "claim",
            payload: "{}",
            period: number,
        };
        store.plan_intent(&new).await.unwrap();
    }
    let page = store.intents_before(i64::MAX, 3).await.unwrap();
    let periods: Vec<u32> = page.iter().map(|past| past.intent.period).collect();
    assert_eq!(periods, [4, 3, 2]);
    assert!(page.iter().all(|past| past.attempts.is_empty()));
    let last = page.last().unwrap().intent.id;
    let rest = store.intents_before(last, 3).await.unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].intent.period, 1);
}
