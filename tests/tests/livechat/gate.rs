//! What stands before a host, as a reverse proxy does: the platform's address of the bot stays the same
//! whichever host is behind it, and may have nobody there.

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};

/// A gate on loopback.
pub(crate) struct Gate {
    address: SocketAddr,
    behind: Arc<Mutex<Option<SocketAddr>>>,
}

impl Gate {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let behind: Arc<Mutex<Option<SocketAddr>>> = Arc::default();
        let known = behind.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let host = *known.lock();
                // Nobody is there: the connection is closed.
                let Some(host) = host else { continue };
                tokio::spawn(pass(client, host));
            }
        });
        Self { address, behind }
    }

    /// What the settings say of it.
    pub(crate) fn http(&self) -> String {
        format!(
            "[http]\nlisten = \"127.0.0.1:0\"\npublic-url = \"http://{}\"\n",
            self.address
        )
    }

    /// Puts a host behind it, or nobody.
    pub(crate) fn leads_to(&self, host: Option<SocketAddr>) {
        *self.behind.lock() = host;
    }
}

async fn pass(mut client: TcpStream, host: SocketAddr) {
    let Ok(mut server) = TcpStream::connect(host).await else {
        return;
    };
    // How either ends is the other's affair.
    if tokio::io::copy_bidirectional(&mut client, &mut server)
        .await
        .is_err()
    {}
}
