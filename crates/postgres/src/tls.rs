//! TLS as libpq's `sslmode` words mean it: which certificates are accepted. Opening connections is `connect.rs`.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_postgres_rustls::MakeRustlsConnect;
use whimbrel_core::{Error, Result};

/// What is demanded of the server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Any certificate: only listeners are kept out.
    Anything,
    /// It is signed by a known authority.
    Authority,
    /// Also, it is made out for the host that was asked for.
    Host,
}

/// The files that TLS needs.
#[derive(Debug, Clone, Default)]
pub(crate) struct TlsFiles {
    /// Authorities (`sslrootcert`): a file, or `system`.
    pub(crate) roots: Option<String>,
    /// The client's certificate and key (`sslcert`, `sslkey`).
    pub(crate) client: Option<(String, String)>,
}

/// Makes the connector for the demanded trust.
pub(crate) fn connector(trust: Trust, files: &TlsFiles) -> Result<MakeRustlsConnect> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        Trust::Anything => Arc::new(AnyCertificate {
            provider: Arc::clone(&provider),
        }),
        Trust::Authority | Trust::Host => {
            let (roots, pinned) = load_roots(files)?;
            let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .map_err(|cause| Error::invalid("no certificate authority can be used").with_cause(cause))?;
            Arc::new(KnownAuthority {
                inner,
                pinned,
                host: trust == Trust::Host,
            })
        }
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|cause| Error::bug("TLS cannot be set up").with_cause(cause))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let config = match &files.client {
        Some((certificate, key)) => builder
            .with_client_auth_cert(certificates(certificate)?, private_key(key)?)
            .map_err(|cause| Error::invalid("the client certificate cannot be used").with_cause(cause))?,
        None => builder.with_no_client_auth(),
    };
    Ok(MakeRustlsConnect::new(config))
}

/// The authorities, and those certificates of the file that a server may also present itself.
fn load_roots(files: &TlsFiles) -> Result<(RootCertStore, Vec<CertificateDer<'static>>)> {
    let mut roots = RootCertStore::empty();
    let file = files.roots.as_deref().filter(|roots| *roots != "system");
    let Some(file) = file else {
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            return Err(Error::invalid("the system has no certificate authorities")
                .with_hint("give the authority's certificate as `sslrootcert=FILE`"));
        }
        return Ok((roots, Vec::new()));
    };
    let pinned = certificates(file)?;
    let (added, _) = roots.add_parsable_certificates(pinned.iter().cloned());
    if added == 0 {
        return Err(Error::invalid(format!("`{file}` holds no certificate")));
    }
    Ok((roots, pinned))
}

fn certificates(file: &str) -> Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_file_iter(Path::new(file))
        .and_then(Iterator::collect)
        .map_err(|cause| {
            Error::invalid(format!("certificate file `{file}` cannot be read")).with_cause(cause)
        })
}

fn private_key(file: &str) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(Path::new(file))
        .map_err(|cause| Error::invalid(format!("key file `{file}` cannot be read")).with_cause(cause))
}

/// Accepts every certificate (`sslmode=require` without authorities).
#[derive(Debug)]
struct AnyCertificate {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Accepts what the authorities signed, and a certificate that stands in the authorities' file itself: servers
/// commonly present a self-signed certificate that is handed to clients as it is.
#[derive(Debug)]
struct KnownAuthority {
    inner: Arc<WebPkiServerVerifier>,
    pinned: Vec<CertificateDer<'static>>,
    host: bool,
}

impl ServerCertVerifier for KnownAuthority {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self
            .pinned
            .iter()
            .any(|pinned| pinned.as_ref() == certificate.as_ref())
        {
            if self.host {
                let parsed = ParsedCertificate::try_from(certificate)?;
                rustls::client::verify_server_name(&parsed, server_name)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        let verdict = self
            .inner
            .verify_server_cert(certificate, intermediates, server_name, ocsp, now);
        match verdict {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.host => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
