//! TLS of the node's own: a certificate chain and its key from two PEM files, read again when they
//! change, as a renewal does. A connection keeps the certificate that it began with.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto};

use crate::config::TlsFiles;
use crate::error::NodeError;

/// The certificate in use, and what its files looked like when they were read.
pub(crate) struct Tls {
    files: TlsFiles,
    current: Mutex<Current>,
}

struct Current {
    acceptor: TlsAcceptor,
    stamps: Stamps,
}

/// Times of the last changes of both files; `None` where a file cannot be looked at.
type Stamps = [Option<SystemTime>; 2];

impl Tls {
    /// Reads the files. Blocking, and short.
    ///
    /// # Errors
    /// `Certificate`, naming the file; `Permissions` if others can read the key.
    pub(crate) fn load(files: TlsFiles) -> Result<Self, NodeError> {
        let current = Mutex::new(read(&files)?);
        Ok(Self { files, current })
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.acceptor.clone()
    }

    /// Reads the files again if they have changed, and says whether they had. On a failure the old
    /// certificate stays in use, and the next change is looked for.
    ///
    /// # Errors
    /// As [`Tls::load`].
    pub(crate) fn refresh(&self) -> Result<bool, NodeError> {
        let stamps = stamps(&self.files);
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if stamps == current.stamps {
            return Ok(false);
        }
        *current = read(&self.files)?;
        Ok(true)
    }
}

fn stamps(files: &TlsFiles) -> Stamps {
    let changed = |path: &Path| {
        std::fs::metadata(path)
            .and_then(|data| data.modified())
            .ok()
    };
    [changed(&files.certificate), changed(&files.key)]
}

fn read(files: &TlsFiles) -> Result<Current, NodeError> {
    let stamps = stamps(files);
    crate::host::identity::check_private(&files.key)?;
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable(&files.certificate, error))?;
    let key =
        PrivateKeyDer::from_pem_file(&files.key).map_err(|error| unusable(&files.key, error))?;
    let provider = Arc::new(crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| unusable(&files.certificate, error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Current {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        stamps,
    })
}

fn unusable(path: &Path, reason: impl ToString) -> NodeError {
    NodeError::Certificate {
        path: PathBuf::from(path),
        reason: reason.to_string(),
    }
}
