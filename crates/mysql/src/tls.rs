//! TLS as the engine's own ssl-mode words ask for it: which certificates are accepted. Opening connections is `connect.rs`.

use std::path::PathBuf;
use std::sync::Arc;

use mysql_async::{ClientIdentity, DriverError, SslOpts, TlsError};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::TlsConnector;
use whimbrel_core::{Error, Result};

/// The words of `ssl-mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Never encrypted.
    Disabled,
    /// Encrypted when the server can.
    Preferred,
    /// Encrypted, whoever the server is.
    Required,
    /// Also, a known authority signed the server's certificate.
    VerifyCa,
    /// Also, it is made out for the host that was asked for.
    VerifyIdentity,
}

impl Mode {
    /// Reads the word, in either case; the words of other engines' URLs for the same things are understood too.
    pub(crate) fn parse(word: &str) -> Result<Self> {
        let lower = word.to_ascii_lowercase().replace('-', "_");
        Ok(match lower.as_str() {
            "disabled" | "disable" => Self::Disabled,
            "preferred" | "prefer" | "allow" => Self::Preferred,
            "required" | "require" => Self::Required,
            "verify_ca" => Self::VerifyCa,
            "verify_identity" | "verify_full" => Self::VerifyIdentity,
            _ => {
                return Err(Error::invalid(format!(
                    "ssl-mode is `{word}`; must be `DISABLED`, `PREFERRED`, `REQUIRED`, `VERIFY_CA` or `VERIFY_IDENTITY`"
                )));
            }
        })
    }
}

/// The files that TLS needs.
#[derive(Debug, Clone, Default)]
pub(crate) struct TlsFiles {
    /// Certificates of authorities (`ssl-ca`).
    pub(crate) authorities: Option<String>,
    /// The client's certificate (`ssl-cert`).
    pub(crate) certificate: Option<String>,
    /// Its key (`ssl-key`).
    pub(crate) key: Option<String>,
}

/// Returns the driver's options for a mode that encrypts.
pub(crate) fn options(mode: Mode, files: &TlsFiles) -> Result<SslOpts> {
    // The driver asks for the process's provider; that another part of the process has set one is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let verified = matches!(mode, Mode::VerifyCa | Mode::VerifyIdentity);
    let mut options = SslOpts::default()
        .with_danger_accept_invalid_certs(!verified)
        .with_danger_skip_domain_validation(mode != Mode::VerifyIdentity);
    if let Some(file) = &files.authorities {
        options = options
            .with_root_certs(vec![readable(file)?.into()])
            .with_disable_built_in_roots(true);
    } else if verified {
        options = options.with_root_certs(authorities_of_the_system().into_iter().map(Into::into).collect());
    }
    match (&files.certificate, &files.key) {
        (Some(certificate), Some(key)) => {
            let identity = ClientIdentity::new(readable(certificate)?.into(), readable(key)?.into());
            Ok(options.with_client_identity(Some(identity)))
        }
        (None, None) => Ok(options),
        _ => Err(Error::invalid(
            "the URL has one of `ssl-cert` and `ssl-key`; must have both",
        )),
    }
}

fn readable(file: &str) -> Result<PathBuf> {
    std::fs::metadata(file)
        .map(|_| PathBuf::from(file))
        .map_err(|cause| Error::invalid(format!("file `{file}` cannot be read")).with_cause(cause))
}

/// The system's authorities, but for those that the driver could not take.
fn authorities_of_the_system() -> Vec<Vec<u8>> {
    rustls_native_certs::load_native_certs()
        .certs
        .into_iter()
        .filter(|certificate| RootCertStore::empty().add(certificate.clone()).is_ok())
        .map(|certificate| certificate.to_vec())
        .collect()
}

/// Returns what encrypts sessions of our own: the same certificates are accepted as the driver accepts.
pub(crate) async fn connector(options: &SslOpts) -> mysql_async::Result<TlsConnector> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut authorities = RootCertStore::empty();
    if !options.disable_built_in_roots() {
        authorities.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    for file in options.root_certs() {
        for certificate in certificates(&file.read().await?)? {
            authorities.add(certificate).map_err(TlsError::from)?;
        }
    }
    let authorities = Arc::new(authorities);
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::clone(&authorities), Arc::clone(&provider));
    let accepted = Accepted {
        anyone: options.accept_invalid_certs(),
        any_name: options.skip_domain_validation(),
        verifier: verifier.build().map_err(TlsError::from)?,
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::from)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(accepted));
    let config = match options.client_identity() {
        Some(identity) => {
            let chain = certificates(&identity.cert_chain().read().await?)?;
            let key = PrivateKeyDer::from_pem_slice(&identity.priv_key().read().await?);
            builder
                .with_client_auth_cert(chain, key.map_err(TlsError::from)?)
                .map_err(TlsError::from)?
        }
        None => builder.with_no_client_auth(),
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

/// The certificates of a file: PEM, or one as it is.
fn certificates(file: &[u8]) -> mysql_async::Result<Vec<CertificateDer<'static>>> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(file).collect();
    let read = read.map_err(TlsError::from)?;
    match read.is_empty() && !file.is_empty() {
        true => Ok(vec![CertificateDer::from(file.to_vec())]),
        false => Ok(read),
    }
}

/// Which servers are accepted.
#[derive(Debug)]
struct Accepted {
    /// Whoever it is.
    anyone: bool,
    /// Whatever name its certificate is made out for.
    any_name: bool,
    verifier: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for Accepted {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.anyone {
            return Ok(ServerCertVerified::assertion());
        }
        let verified =
            self.verifier
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            Err(error) if self.any_name && is_about_name(&error) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// Tells whether a certificate is good but for the name.
fn is_about_name(error: &rustls::Error) -> bool {
    matches!(
        error,
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
        )
    )
}

/// Tells whether the server cannot encrypt.
pub(crate) fn cannot_encrypt(error: &mysql_async::Error) -> bool {
    matches!(
        error,
        mysql_async::Error::Driver(DriverError::NoClientSslFlagFromServer)
    )
}

/// Tells whether a connection failed since the server cannot encrypt in a way that we can, so that `PREFERRED` goes without.
pub(crate) fn is_missing(error: &mysql_async::Error) -> bool {
    cannot_encrypt(error) || has_tls_cause(error)
}

/// Tells whether TLS itself failed: no common version, an unknown authority, another name.
pub(crate) fn has_tls_cause(error: &mysql_async::Error) -> bool {
    let mysql_async::Error::Io(error) = error else {
        return false;
    };
    match error {
        mysql_async::IoError::Tls(_) => true,
        mysql_async::IoError::Io(error) => error.get_ref().is_some_and(is_tls),
    }
}

/// Tells whether the server's certificate is made out for other names than the one that was asked for.
pub(crate) fn is_another_name(error: &mysql_async::Error) -> bool {
    let mysql_async::Error::Io(mysql_async::IoError::Io(error)) = error else {
        return false;
    };
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    cause.is_some_and(is_about_name)
}

fn is_tls(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    cause.is::<rustls::Error>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_read_in_either_case() {
        for (word, mode) in [
            ("DISABLED", Mode::Disabled),
            ("preferred", Mode::Preferred),
            ("REQUIRED", Mode::Required),
            ("verify-ca", Mode::VerifyCa),
            ("VERIFY_IDENTITY", Mode::VerifyIdentity),
        ] {
            assert_eq!(Mode::parse(word).unwrap(), mode);
        }
        assert!(Mode::parse("maybe").is_err());
    }

    #[test]
    fn a_certificate_needs_its_key() {
        let files = TlsFiles {
            certificate: Some("x".to_owned()),
            ..TlsFiles::default()
        };
        assert!(options(Mode::Required, &files).is_err());
    }
}
