//! Names into addresses that may be reached.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use super::address::is_public;

/// Addresses of one name that are looked at.
const ADDRESSES: usize = 32;

/// Finds the addresses of a name.
#[async_trait]
pub trait Lookup: Send + Sync + 'static {
    /// Finds the addresses of a name.
    ///
    /// # Errors
    /// The name is not known, or nobody can say.
    async fn lookup(&self, name: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// Asks the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((name, 0)).await?;
        Ok(found.map(|address| address.ip()).take(ADDRESSES).collect())
    }
}

/// Why a name leads nowhere.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResolveError {
    /// It is not known.
    #[error("{name} is not known: {error}")]
    Unknown {
        /// The name.
        name: String,
        /// What was answered.
        error: std::io::Error,
    },
    /// All its addresses are near.
    #[error("{name} leads to {address}, which no grant names")]
    Near {
        /// The name.
        name: String,
        /// The first of its addresses.
        address: IpAddr,
    },
    /// It has no address.
    #[error("{0} has no address")]
    Empty(String),
}

/// Looks a name up once for each connection, so that what was checked is what is connected to.
#[derive(Clone)]
pub(super) struct Names {
    lookup: Arc<dyn Lookup>,
    only_public: bool,
}

impl Names {
    /// Hands on public addresses only: for names that plugins choose.
    pub(super) fn public(lookup: Arc<dyn Lookup>) -> Self {
        Self {
            lookup,
            only_public: true,
        }
    }

    /// Hands on every address: for names that the operator chooses.
    pub(super) fn any(lookup: Arc<dyn Lookup>) -> Self {
        Self {
            lookup,
            only_public: false,
        }
    }

    async fn find(self, name: String) -> Result<std::vec::IntoIter<SocketAddr>, ResolveError> {
        let found = self.lookup.lookup(&name).await;
        let found = found.map_err(|error| ResolveError::Unknown {
            name: name.clone(),
            error,
        })?;
        let Some(first) = found.first().copied() else {
            return Err(ResolveError::Empty(name));
        };
        let allowed: Vec<SocketAddr> = found
            .into_iter()
            .filter(|address| !self.only_public || is_public(*address))
            .take(ADDRESSES)
            .map(|address| SocketAddr::new(address, 0))
            .collect();
        if allowed.is_empty() {
            return Err(ResolveError::Near {
                name,
                address: first,
            });
        }
        Ok(allowed.into_iter())
    }
}

impl Service<Name> for Names {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = ResolveError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ResolveError>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), ResolveError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(self.clone().find(name.as_str().to_owned()))
    }
}
