//! Who is answered, what every answer carries, and each page.

use super::*;

#[tokio::test]
async fn a_node_that_has_seen_nothing_answers_every_route() {
    let desk = Desk::new(World::new()).await;
    for path in ROUTES {
        assert_eq!(desk.get(path).await.status(), 200, "{path}");
    }
    let overview = desk.read("overview").await;
    assert_eq!(overview["ready"], false);
    for unknown in ["locked", "claimable", "ether", "lease_through"] {
        assert_eq!(overview[unknown], Value::Null, "{unknown}");
    }
    assert_eq!(overview["chain"]["head"], Value::Null);
    assert_eq!(desk.read("stake").await, Value::Null);
    assert_eq!(desk.read("earnings").await["periods"], Value::Array(vec![]));
    assert_eq!(desk.read("policies").await["total"], 0);
}

#[tokio::test]
async fn a_node_without_a_stake_answers_every_route() {
    let mut desk = Desk::new(World::new()).await;
    desk.live(3).await;
    for path in ROUTES {
        assert_eq!(desk.get(path).await.status(), 200, "{path}");
    }
    let overview = desk.read("overview").await;
    assert_eq!(overview["locked"], "0 KMS");
    assert_eq!(overview["claimable"], "0 KMS");
    assert_eq!(overview["lease_through"], Value::Null);
    let failing = overview["failing"].as_array().unwrap();
    let bonded = failing.iter().find(|check| check["id"] == "worker_bonded");
    assert!(bonded.unwrap()["remedy"].as_str().unwrap().contains("bond"));
    assert_eq!(desk.read("earnings").await["projection"], Value::Null);
}

#[tokio::test]
async fn a_foreign_host_is_refused_on_every_route() {
    let desk = Desk::staked(2).await;
    for path in ROUTES.iter().chain(&["/", "/nothing"]) {
        for host in ["evil.example", "evil.example:8471", "127.0.0.2", ""] {
            let asked = desk.ask(Method::GET, path).header("host", host);
            let response = asked.send().await.unwrap();
            assert_eq!(response.status(), 421, "{path} of {host}");
            assert!(!response.text().await.unwrap().contains("0x"));
        }
    }
    for host in ["localhost", "localhost:9000", "127.0.0.1:1"] {
        let asked = desk.ask(Method::GET, "/metrics").header("host", host);
        assert_eq!(asked.send().await.unwrap().status(), 200, "{host}");
    }
}

#[tokio::test]
async fn nothing_can_be_changed_and_no_page_reads_an_answer() {
    let desk = Desk::staked(2).await;
    for path in ROUTES.iter().chain(&["/nothing"]) {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let asked = desk
                .ask(method, path)
                .header("origin", "https://evil.example");
            let response = asked.send().await.unwrap();
            assert_eq!(response.status(), 405, "{path}");
            assert!(
                response
                    .headers()
                    .get("access-control-allow-origin")
                    .is_none()
            );
        }
        let asked = desk.ask(Method::GET, path);
        let response = asked.header("origin", "https://evil.example").send().await;
        let response = response.unwrap();
        let headers = response.headers();
        assert!(headers.get("access-control-allow-origin").is_none());
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"));
        assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
        assert_eq!(headers["cross-origin-resource-policy"], "same-origin");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["referrer-policy"], "no-referrer");
    }
}

#[tokio::test]
async fn the_dashboard_is_in_the_program() {
    let desk = Desk::new(World::new()).await;
    for (path, media_type) in [
        ("/", "text/html"),
        ("/app.js", "text/javascript"),
        ("/style.css", "text/css"),
        ("/icon.svg", "image/svg+xml"),
    ] {
        let response = desk.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        let told = response.headers()["content-type"].to_str().unwrap();
        assert!(told.starts_with(media_type), "{path}: {told}");
        let text = response.text().await.unwrap();
        assert!(!text.contains("https://"), "{path} names another host");
    }
    for path in ["/index.html", "/app.js/", "/..%2fapp.js", "/nothing"] {
        assert_eq!(desk.get(path).await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn a_malformed_question_is_refused() {
    let desk = Desk::staked(2).await;
    for question in [
        "earnings?from=x",
        "earnings?to=-1",
        "policies?cursor=1",
        "transactions?cursor=x",
    ] {
        let response = desk.get(&format!("/v1/admin/{question}")).await;
        assert_eq!(response.status(), 400, "{question}");
    }
    assert_eq!(desk.get("/v1/admin/nothing").await.status(), 404);
    let none = desk.read("earnings?from=9&to=3").await;
    assert_eq!(none["periods"], Value::Array(vec![]));
}

#[tokio::test]
async fn the_stake_is_told_with_what_leaves_it() {
    let mut desk = Desk::staked(6).await;
    let kms = |count: u64| kms_protocol::Amount::from_kms(count).unwrap();
    let stake = desk.read("stake").await;
    assert_eq!(stake["locked"], "100 KMS");
    assert_eq!(stake["unbonding"], "0 KMS");
    assert_eq!(stake["release_period"], Value::Null);
    assert_eq!(stake["lock_periods"], 50);
    desk.world.chain.queue(ChainEvent::Unbonded {
        miner: MINER,
        amount: kms(30),
        locked: kms(70),
        unbonding: kms(30),
        release_period: Period(60),
    });
    desk.live(1).await;
    let stake = desk.read("stake").await;
    assert_eq!(stake["locked"], "70 KMS");
    assert_eq!(stake["unbonding"], "30 KMS");
    assert_eq!(stake["release_period"], 60);
    desk.world.chain.queue(ChainEvent::Withdrawn {
        miner: MINER,
        recipient: MINER,
        amount: kms(30),
        locked: kms(70),
    });
    desk.live(1).await;
    let stake = desk.read("stake").await;
    assert_eq!(stake["locked"], "70 KMS");
    assert_eq!(stake["unbonding"], "0 KMS");
    assert_eq!(stake["release_period"], Value::Null);
}

#[tokio::test]
async fn a_withdrawal_of_the_stake_leaves_the_tranche() {
    let mut desk = Desk::staked(3).await;
    let kms = |count: u64| kms_protocol::Amount::from_kms(count).unwrap();
    desk.world.chain.queue(ChainEvent::Unbonded {
        miner: MINER,
        amount: kms(30),
        locked: kms(70),
        unbonding: kms(30),
        release_period: Period(60),
    });
    desk.world.chain.queue(ChainEvent::Withdrawn {
        miner: MINER,
        recipient: MINER,
        amount: kms(70),
        locked: kms(0),
    });
    desk.live(1).await;
    let stake = desk.read("stake").await;
    assert_eq!(
        (&stake["locked"], &stake["unbonding"]),
        (&"0 KMS".into(), &"30 KMS".into())
    );
}

#[tokio::test]
async fn transactions_are_told_with_their_attempts() {
    let desk = Desk::staked(8).await;
    let page = desk.read("transactions").await;
    let rows = page["transactions"].as_array().unwrap();
    assert_eq!(page["next"], Value::Null);
    let confirmed = rows.iter().find(|row| row["kind"] == "confirm_activity");
    let confirmed = confirmed.unwrap();
    assert_eq!(confirmed["state"], "done");
    assert!(confirmed["duty"]["through"].is_number());
    let attempt = &confirmed["attempts"][0];
    let hash = desk.world.chain.broadcasts_of("confirm_activity")[0];
    assert_eq!(attempt["hash"], hash.to_string());
    assert_eq!(attempt["succeeded"], true);
    assert!(attempt["max_fee"].as_str().unwrap().ends_with("wei"));
    let oldest = rows.last().unwrap()["id"].as_i64().unwrap();
    let rest = desk.read(&format!("transactions?cursor={oldest}")).await;
    assert_eq!(rest["transactions"], Value::Array(vec![]));
}

#[tokio::test]
async fn health_names_every_check_with_its_remedy() {
    let desk = Desk::staked(6).await;
    let reason = Some("full".to_owned());
    let health = &desk.running.node.health;
    health.set("disk", crate::host::health::Concern::Serving, reason);
    let page = desk.read("health").await;
    assert_eq!(page["ready"], false);
    let checks = page["checks"].as_array().unwrap();
    let find = |id: &str| checks.iter().find(|check| check["id"] == id).unwrap();
    assert_eq!(find("disk")["reason"], "full");
    assert_eq!(find("disk")["concern"], "serving");
    assert_eq!(find("disk")["remedy"], "free space on the disk of data_dir");
    assert_eq!(find("worker_bonded")["ok"], true);
    assert_eq!(find("browsers")["concern"], "pages");
}

#[tokio::test]
async fn a_line_comes_for_each_new_snapshot_until_the_node_stops() {
    let mut desk = Desk::staked(2).await;
    let mut lines = desk.get("/v1/admin/events").await;
    assert_eq!(lines.headers()["content-type"], "text/event-stream");
    for _ in 0..3 {
        let line = lines.chunk().await.unwrap().unwrap();
        let line = String::from_utf8(line.to_vec()).unwrap();
        let moment: Value =
            serde_json::from_str(line.trim().strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(moment["head"], desk.world.chain.height());
        desk.live(1).await;
    }
    desk.stopper.stop();
    while let Ok(Some(_)) = lines.chunk().await {}
    desk.task.await.unwrap();
}

#[tokio::test]
async fn an_empty_address_opens_nothing() {
    let config = World::new().set("admin_listen", "").config();
    assert!(bind(&config).await.unwrap().is_none());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let config = World::new().set("admin_listen", &address).config();
    let refused = bind(&config).await.unwrap_err();
    assert_eq!(refused.code(), "listen_failed");
    assert!(refused.to_string().contains(&address));
}
