//! The address at which a platform calls the host, in whichever life it is: what stands before a host that
//! is started anew, and is reached by nobody meanwhile.

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A reverse proxy that knows one host, or none.
pub(super) struct Door {
    address: SocketAddr,
    host: Arc<Mutex<Option<SocketAddr>>>,
    carrying: JoinHandle<()>,
}

impl Door {
    /// Listens.
    pub(super) async fn open() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let host = Arc::new(Mutex::new(None));
        let leads = Arc::clone(&host);
        let carrying = tokio::spawn(async move {
            // A caller that cannot be taken calls again.
            while let Ok((outer, _)) = listener.accept().await {
                let host = *leads.lock();
                if let Some(host) = host {
                    tokio::spawn(carry(outer, host));
                }
            }
        });
        Ok(Self {
            address,
            host,
            carrying,
        })
    }

    /// What platforms are told.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Leads there from now on; nowhere where there is no host.
    pub(super) fn lead(&self, host: Option<SocketAddr>) {
        *self.host.lock() = host;
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.carrying.abort();
    }
}

async fn carry(mut outer: TcpStream, host: SocketAddr) {
    let Ok(mut inner) = TcpStream::connect(host).await else {
        return;
    };
    // However it ends, both are closed then.
    if tokio::io::copy_bidirectional(&mut outer, &mut inner)
        .await
        .is_err()
    {}
}
