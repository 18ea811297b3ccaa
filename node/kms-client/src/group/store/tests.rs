//! Both stores keep the same promises.

use super::*;

async fn promises(store: &dyn GroupStore) {
    assert!(store.list("records").await.unwrap().is_empty());
    assert_eq!(
        store.get("records/0000000000000000", 9).await.unwrap(),
        None
    );
    put_record(store, 0, b"zero").await.unwrap();
    put_record(store, 11, b"eleven").await.unwrap();
    put_record(store, 2, b"").await.unwrap();
    let expected = vec![
        (0, b"zero".to_vec()),
        (2, Vec::new()),
        (11, b"eleven".to_vec()),
    ];
    assert_eq!(records(store).await.unwrap(), expected);
    put_record(store, 0, b"zero").await.unwrap();
    let taken = put_record(store, 0, b"other").await.unwrap_err();
    assert_eq!(taken.code(), "group_store_taken");
    assert_eq!(
        store
            .get("records/0000000000000000", 9)
            .await
            .unwrap()
            .unwrap(),
        b"zero"
    );
    let long = store.get("records/000000000000000b", 5).await.unwrap_err();
    assert_eq!(long.code(), "group_store_invalid");
    for number in [3, 0, 1] {
        let stored = Stored {
            mailbox: "ab".to_owned(),
            number,
            bytes: vec![1; 3],
        };
        put_message(store, &stored).await.unwrap();
    }
    assert_eq!(last_message(store, "ab").await.unwrap().unwrap().number, 3);
    assert!(last_message(store, "cd").await.unwrap().is_none());
    assert_eq!(messages(store).await.unwrap().len(), 3);
    for name in [
        "../etc",
        "records/../x",
        "/abs",
        "a//b",
        "A",
        "",
        "a/.part",
        &"a".repeat(65),
    ] {
        assert_eq!(
            store.put(name, b"x").await.unwrap_err().code(),
            "group_store_invalid"
        );
        assert_eq!(
            store.get(name, 9).await.unwrap_err().code(),
            "group_store_invalid"
        );
        assert_eq!(
            store.list(name).await.unwrap_err().code(),
            "group_store_invalid"
        );
    }
}

#[tokio::test]
async fn a_folder_and_a_file_keep_items_once() {
    let dir = tempfile::tempdir().unwrap();
    promises(&*store_at(&dir.path().join("folder")).unwrap()).await;
    promises(&*store_at(&dir.path().join("one.kmsg")).unwrap()).await;
    // What was written is there for the next one to open it.
    for path in ["folder", "one.kmsg"] {
        let again = store_at(&dir.path().join(path)).unwrap();
        assert_eq!(records(&*again).await.unwrap().len(), 3);
    }
}

#[tokio::test]
async fn what_else_lies_in_a_folder_is_no_item() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_at(dir.path()).unwrap();
    put_record(&*store, 0, b"zero").await.unwrap();
    for name in [
        ".hidden",
        "0000000000000001.part",
        "README",
        "1",
        "000000000000000G",
    ] {
        std::fs::write(dir.path().join("records").join(name), "x").unwrap();
    }
    assert_eq!(records(&*store).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_file_that_was_cut_loses_its_last_item_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("one.kmsg");
    let store = FileStore::create(&path).unwrap();
    put_record(&store, 0, b"zero").await.unwrap();
    put_record(&store, 1, b"one").await.unwrap();
    let whole = std::fs::read(&path).unwrap();
    for cut in 9..whole.len() {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let cut_off = FileStore::open(&path).unwrap();
        assert!(records(&cut_off).await.unwrap().len() < 2);
        put_record(&cut_off, 7, b"seven").await.unwrap();
        let again = records(&FileStore::open(&path).unwrap()).await.unwrap();
        assert_eq!(
            again.last().unwrap(),
            &(7, b"seven".to_vec()),
            "cut at {cut}"
        );
    }
    std::fs::write(&path, b"something else").unwrap();
    let foreign = FileStore::open(&path).map(|_| ()).unwrap_err();
    assert_eq!(foreign.code(), "group_store_invalid");
}

#[tokio::test]
async fn two_who_have_a_file_open_lose_nothing_of_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("one.kmsg");
    let one = FileStore::create(&path).unwrap();
    let other = FileStore::open(&path).unwrap();
    for number in 0..6 {
        let store = if number % 2 == 0 { &one } else { &other };
        put_record(store, number, b"x").await.unwrap();
    }
    let taken = put_record(&one, 5, b"y").await.unwrap_err();
    assert_eq!(taken.code(), "group_store_taken");
    assert_eq!(
        records(&FileStore::open(&path).unwrap())
            .await
            .unwrap()
            .len(),
        6
    );
}

#[tokio::test]
async fn copying_brings_what_is_missing_and_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let folder = store_at(&dir.path().join("folder")).unwrap();
    let file = store_at(&dir.path().join("one.kmsg")).unwrap();
    put_record(&*folder, 0, b"zero").await.unwrap();
    let stored = Stored {
        mailbox: "ab".to_owned(),
        number: 0,
        bytes: b"hello".to_vec(),
    };
    put_message(&*folder, &stored).await.unwrap();
    assert_eq!(copy_items(&*folder, &*file).await.unwrap(), 2);
    assert_eq!(copy_items(&*folder, &*file).await.unwrap(), 0);
    put_record(&*file, 1, b"one").await.unwrap();
    assert_eq!(copy_items(&*file, &*folder).await.unwrap(), 1);
    assert_eq!(records(&*folder).await.unwrap().len(), 2);
}
