//! The node's own TLS: what is served, what is refused, and what a renewal changes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use reqwest::{Certificate, Client};
use tempfile::TempDir;

use super::{Served, bind};
use crate::testkit::World;

struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a new certificate of this host and its key; returns the certificate.
    fn issue(&self) -> String {
        let CertifiedKey { cert, key_pair } =
            generate_simple_self_signed(vec!["127.0.0.1".into()]).unwrap();
        fs::write(self.path("key.pem"), key_pair.serialize_pem()).unwrap();
        self.protect(0o600);
        fs::write(self.path("chain.pem"), cert.pem()).unwrap();
        cert.pem()
    }

    fn protect(&self, mode: u32) {
        fs::set_permissions(self.path("key.pem"), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn world(&self) -> World {
        World::new()
            .set("tls_certificate", self.path("chain.pem").to_str().unwrap())
            .set("tls_key", self.path("key.pem").to_str().unwrap())
    }
}

/// A client that trusts this certificate alone, and keeps no connection.
fn trusting(certificate: &str) -> Client {
    Client::builder()
        .tls_built_in_root_certs(false)
        .add_root_certificate(Certificate::from_pem(certificate.as_bytes()).unwrap())
        .pool_max_idle_per_host(0)
        .build()
        .unwrap()
}

impl Served {
    async fn answers(&self, client: &Client) -> bool {
        let url = format!("https://{}/v2/info", self.address);
        let answered = client.get(url).send().await;
        answered.is_ok_and(|response| response.status().is_success())
    }

    /// Asks until the node answers with the certificate that the client trusts.
    async fn comes_to_answer(&self, client: &Client) {
        let asked = async { while !self.answers(client).await {} };
        tokio::time::timeout(Duration::from_secs(60), asked)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn serves_with_the_certificate_and_not_without_tls() {
    let files = Files::new();
    let client = trusting(&files.issue());
    let served = Served::new(files.world()).await;
    assert!(served.answers(&client).await);
    assert!(!served.answers(&trusting(&Files::new().issue())).await);
    assert!(
        served
            .client
            .get(served.url("/v2/info"))
            .send()
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_renewed_certificate_is_taken_without_a_restart() {
    let files = Files::new();
    let old = trusting(&files.issue());
    let served = Served::new(files.world()).await;
    assert!(served.answers(&old).await);

    fs::write(files.path("chain.pem"), "no certificate").unwrap();
    assert!(served.answers(&old).await, "a broken renewal ended service");

    let new = trusting(&files.issue());
    served.comes_to_answer(&new).await;
    assert!(!served.answers(&old).await);
}

#[tokio::test]
async fn a_client_that_shakes_no_hand_is_dropped() {
    let files = Files::new();
    files.issue();
    let served = Served::new(files.world().set("header_timeout_ms", "200")).await;
    let (answer, _) = served.raw(b"").await;
    assert_eq!(answer, "");
}

#[tokio::test]
async fn files_that_are_no_certificate_stop_the_start() {
    let files = Files::new();
    let refused = async |files: &Files| bind(&files.world().config()).await.err().unwrap();
    assert_eq!(refused(&files).await.code(), "file_unusable");

    files.issue();
    files.protect(0o644);
    assert_eq!(refused(&files).await.code(), "file_permissions");

    files.issue();
    fs::write(files.path("chain.pem"), "").unwrap();
    assert_eq!(refused(&files).await.code(), "certificate_unusable");

    // The certificate of another key.
    let other = Files::new().issue();
    files.issue();
    fs::write(files.path("chain.pem"), other).unwrap();
    let error = refused(&files).await;
    assert_eq!(error.code(), "certificate_unusable");
    assert!(error.to_string().contains("chain.pem"), "{error}");
}
