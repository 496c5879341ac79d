//! Whom the host trusts and as whom it shows itself. Reads PEM and PKCS#12; opens no file.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use p12_keystore::KeyStore;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore};
use webpki::{EndEntityCert, KeyUsage};

use super::egress::EgressError;
use crate::model::secret::Secret;

/// Why a certificate or a key is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// A certificate is damaged.
    #[error("holds a certificate that cannot be read")]
    BadCertificate,
    /// There is no certificate.
    #[error("holds no certificate in PEM")]
    NoCertificate,
    /// A certificate cannot be trusted as an authority's.
    #[error("holds a certificate, number {0}, that cannot be an authority's")]
    NoAuthority(usize),
    /// There is no key that can be used.
    #[error("holds no private key in PEM")]
    NoKey,
    /// The key is of a kind that is not known, or of another certificate.
    #[error("holds a key of another certificate, or of an unknown kind")]
    OtherKey,
    /// It is another kind of file.
    #[error("is neither PEM nor PKCS#12")]
    OtherKind,
    /// A store's password is another.
    #[error("is PKCS#12 that this password does not open")]
    Password,
    /// A store in PKCS#12 is damaged, or encrypted in a way that is not known.
    #[error("is PKCS#12 that cannot be read: {0}")]
    Pkcs12(String),
}

/// Reads the certificates of authorities.
///
/// # Errors
/// [`PemError`].
pub fn read_authorities(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let certificates = read_certificates(pem)?;
    let mut store = RootCertStore::empty();
    for (index, certificate) in certificates.iter().enumerate() {
        store
            .add(certificate.clone())
            .map_err(|_| PemError::NoAuthority(index + 1))?;
    }
    Ok(certificates)
}

fn read_certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| PemError::BadCertificate)?;
    if certificates.is_empty() {
        return Err(PemError::NoCertificate);
    }
    Ok(certificates)
}

/// A certificate with its key, shown to servers that want one.
#[derive(Clone)]
pub struct Identity(Arc<CertifiedKey>, Secret);

impl Identity {
    /// Reads a certificate, those that vouch for it after it, and its key.
    ///
    /// # Errors
    /// [`PemError::NoKey`] and [`PemError::OtherKey`] are the key's, the others the certificate's.
    pub fn from_pem(certificate: &[u8], key: &Secret) -> Result<Self, PemError> {
        let chain = read_certificates(certificate)?;
        let key_der = PrivateKeyDer::from_pem_slice(key.expose().as_bytes());
        let key_der = key_der.map_err(|_| PemError::NoKey)?;
        Self::of_parts(chain, key_der, key.clone())
    }

    /// Reads a file with a certificate and its key: PEM, or PKCS#12 that a password opens.
    ///
    /// # Errors
    /// [`PemError`].
    pub fn from_file(bytes: &[u8], password: Option<&Secret>) -> Result<Self, PemError> {
        const PEM: &[u8] = b"-----BEGIN";
        if bytes.windows(PEM.len()).any(|window| window == PEM) {
            let text = String::from_utf8_lossy(bytes).into_owned();
            return Self::from_pem(bytes, &Secret::new(text));
        }
        Self::from_pkcs12(bytes, password)
    }

    fn from_pkcs12(bytes: &[u8], password: Option<&Secret>) -> Result<Self, PemError> {
        let store = KeyStore::from_pkcs12(bytes, password.map_or("", Secret::expose));
        let store = store.map_err(|error| match error {
            p12_keystore::error::Error::DerError(_) => PemError::OtherKind,
            p12_keystore::error::Error::MacError(_) => PemError::Password,
            other => PemError::Pkcs12(other.to_string()),
        })?;
        let (_, chain) = store.private_key_chain().ok_or(PemError::NoKey)?;
        let certificates: Vec<CertificateDer<'static>> = chain
            .chain()
            .iter()
            .map(|certificate| CertificateDer::from(certificate.as_der().to_vec()))
            .collect();
        if certificates.is_empty() {
            return Err(PemError::NoCertificate);
        }
        let key = PrivateKeyDer::try_from(chain.key().to_vec()).map_err(|_| PemError::NoKey)?;
        // It tells two identities apart and is never shown.
        let secret = Secret::new(BASE64_STANDARD.encode(key.secret_der()));
        Self::of_parts(certificates, key, secret)
    }

    /// When the certificate has ended, in seconds since 1970; none where it has not.
    pub fn ended_at(&self) -> Option<u64> {
        let certificate = EndEntityCert::try_from(self.0.cert.first()?).ok()?;
        // Who vouches for it is the server's to know: its time is looked at before that.
        let verified = certificate.verify_for_usage(
            &[],
            &[],
            &[],
            UnixTime::now(),
            KeyUsage::client_auth(),
            None,
            None,
        );
        match verified.err() {
            Some(webpki::Error::CertExpired { not_after, .. }) => Some(not_after.as_secs()),
            _ => None,
        }
    }

    fn of_parts(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        secret: Secret,
    ) -> Result<Self, PemError> {
        let certified = CertifiedKey::from_der(chain, key, &ring::default_provider());
        let certified = certified.map_err(|error| match error {
            rustls::Error::InvalidCertificate(_) => PemError::BadCertificate,
            _ => PemError::OtherKey,
        })?;
        Ok(Self(Arc::new(certified), secret))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Identity(…)")
    }
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.0.cert == other.0.cert && self.1 == other.1
    }
}

impl Eq for Identity {}

/// Makes TLS settings that trust the same authorities, which are read once.
pub(super) struct Trust {
    provider: Arc<CryptoProvider>,
    verifier: Arc<dyn ServerCertVerifier>,
}

impl Trust {
    /// Trusts the system's authorities and these.
    pub(super) fn new(authorities: &[CertificateDer<'static>]) -> Result<Self, EgressError> {
        let provider = Arc::new(ring::default_provider());
        let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(
            authorities.iter().cloned(),
            provider.clone(),
        );
        Ok(Self {
            verifier: Arc::new(verifier.map_err(|error| setup(&error))?),
            provider,
        })
    }

    /// TLS settings for servers, or for a proxy, which speaks HTTP/1.1 only.
    pub(super) fn client(
        &self,
        identity: Option<&Identity>,
        protocols: &[&[u8]],
    ) -> Result<Arc<ClientConfig>, EgressError> {
        let builder = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| setup(&error))?
            .dangerous()
            // The system's verifier, which checks the name as well; not a laxer one.
            .with_custom_certificate_verifier(self.verifier.clone());
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let shown = SingleCertAndKey::from(identity.0.clone());
                builder.with_client_cert_resolver(Arc::new(shown))
            }
        };
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(Arc::new(config))
    }
}

fn setup(error: &rustls::Error) -> EgressError {
    EgressError::Setup(error.to_string())
}
