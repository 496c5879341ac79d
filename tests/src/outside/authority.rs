//! Certificates of an authority of the test's own, and servers that show them.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The year until whose end certificates are good where nothing else is said.
const LAST_YEAR: i32 = 4_000;

/// How much a server wants a client's certificate.
#[derive(Clone, Copy)]
enum Asked {
    Needed,
    Welcome,
}

/// An authority that nobody trusts who is not told to.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM.
pub struct Pair {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

impl Authority {
    /// Makes one.
    ///
    /// # Panics
    /// When no key can be made.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names are names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key can be made");
        Self(CertifiedIssuer::self_signed(params, key).expect("it signs itself"))
    }

    /// Its certificate, in PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    fn issue(
        &self,
        names: &[&str],
        usage: ExtendedKeyUsagePurpose,
        until_year: i32,
    ) -> (KeyPair, rcgen::Certificate) {
        let common = names.first().copied().unwrap_or("nobody");
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names are names");
        params.distinguished_name.push(DnType::CommonName, common);
        params.extended_key_usages = vec![usage];
        params.not_after = date_time_ymd(until_year, 12, 31);
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params.signed_by(&key, &self.0).expect("it is signed");
        (key, certificate)
    }

    /// Makes a certificate for a client.
    ///
    /// # Panics
    /// When no key can be made.
    pub fn client(&self, name: &str) -> Pair {
        self.client_until(name, LAST_YEAR)
    }

    /// Makes a certificate for a client that is good until the end of this year.
    ///
    /// # Panics
    /// When no key can be made.
    pub fn client_until(&self, name: &str, year: i32) -> Pair {
        let (key, certificate) = self.issue(&[name], ExtendedKeyUsagePurpose::ClientAuth, year);
        Pair {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    /// Serves some names with TLS; asks for certificates of an authority where one is given.
    ///
    /// # Panics
    /// When loopback cannot be listened on.
    pub async fn serve(
        &self,
        names: &[&str],
        clients: Option<&Self>,
        router: Router,
    ) -> SocketAddr {
        let mut config = self.config(names, clients, Asked::Needed);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = TlsListener {
            listener: listener.expect("loopback can be listened on"),
            acceptor: TlsAcceptor::from(Arc::new(config)),
        };
        let address = listener.listener.local_addr().expect("it has an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    /// How a server of HTTP/1.1 shows itself by these names; certificates of these clients are asked
    /// for, and `strict`ly needed or not.
    pub(crate) fn http1(
        &self,
        names: &[&str],
        clients: Option<&Self>,
        strict: bool,
    ) -> Arc<ServerConfig> {
        let asked = if strict {
            Asked::Needed
        } else {
            Asked::Welcome
        };
        let mut config = self.config(names, clients, asked);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }

    fn config(&self, names: &[&str], clients: Option<&Self>, asked: Asked) -> ServerConfig {
        let (key, certificate) = self.issue(names, ExtendedKeyUsagePurpose::ServerAuth, LAST_YEAR);
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .expect("the provider knows TLS");
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let mut store = RootCertStore::empty();
                store.add(clients.0.der().clone()).expect("an authority");
                let roots = Arc::new(store);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
                let verifier = match asked {
                    Asked::Needed => verifier,
                    Asked::Welcome => verifier.allow_unauthenticated(),
                };
                builder.with_client_cert_verifier(verifier.build().expect("an authority"))
            }
        };
        builder
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a certificate and its key")
    }
}

struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            // Who does not get through the handshake is no concern of the others.
            if let Ok((stream, address)) = self.listener.accept().await
                && let Ok(stream) = self.acceptor.accept(stream).await
            {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}
