//! Names into addresses that may be reached.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

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

/// Looks a name up once for each connection and hands on public addresses only, so that what was
/// checked is what is connected to.
pub(super) struct PublicOnly(pub(super) Arc<dyn Lookup>);

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let lookup = self.0.clone();
        Box::pin(async move {
            let name = name.as_str().to_owned();
            let found = lookup.lookup(&name).await;
            let found = found.map_err(|error| ResolveError::Unknown {
                name: name.clone(),
                error,
            })?;
            let Some(first) = found.first().copied() else {
                return Err(ResolveError::Empty(name).into());
            };
            let public: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| is_public(*address))
                .take(ADDRESSES)
                .map(|address| SocketAddr::new(address, 0))
                .collect();
            if public.is_empty() {
                return Err(ResolveError::Near {
                    name,
                    address: first,
                }
                .into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}
