//! A proxy that wants a password, and knows names that nobody else knows.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Bytes of a request's head that the proxy reads.
const MAX_HEAD: usize = 16 * 1024;

/// A proxy that wants a password, and connects to the names that it knows.
pub struct TestProxy {
    /// Where it is.
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl TestProxy {
    /// Starts one; it knows these names.
    ///
    /// # Panics
    /// When loopback cannot be listened on.
    pub async fn start(username: &str, password: &str, names: &[(&str, SocketAddr)]) -> Self {
        let pair =
            base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}"));
        let wanted = format!("basic {pair}");
        let names = names
            .iter()
            .map(|(name, address)| ((*name).to_owned(), *address));
        let names: BTreeMap<String, SocketAddr> = names.collect();
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("loopback can be listened on");
        let address = listener.local_addr().expect("it has an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (known, kept) = (Arc::new((wanted, names)), asked.clone());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (known, kept) = (known.clone(), kept.clone());
                tokio::spawn(async move { serve(socket, &known.0, &known.1, &kept).await });
            }
        });
        Self { address, asked }
    }

    /// The names that it was asked to connect to, `api.example:443`, in order.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().clone()
    }
}

async fn serve(
    mut client: TcpStream,
    wanted: &str,
    names: &BTreeMap<String, SocketAddr>,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < MAX_HEAD {
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    let shown = headers.find(|(name, _)| name.eq_ignore_ascii_case("proxy-authorization"));
    // The scheme's name is read without regard to case, the rest is not.
    let is_known = shown.is_some_and(|(_, value)| {
        let (scheme, pair) = value.split_once(' ').unwrap_or_default();
        format!("{} {pair}", scheme.to_ascii_lowercase()) == wanted
    });
    let target = head
        .strip_prefix("CONNECT ")
        .and_then(|rest| rest.split(' ').next());
    let server = match target {
        _ if !is_known => Err("407 Proxy Authentication Required"),
        None => Err("405 Method Not Allowed"),
        Some(target) => {
            asked.lock().push(target.to_owned());
            let name = target.rsplit_once(':').map_or(target, |(name, _)| name);
            names.get(name).ok_or("502 Bad Gateway")
        }
    };
    match server {
        Err(status) => {
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            client.write_all(answer.as_bytes()).await
        }
        Ok(address) => {
            let mut server = TcpStream::connect(address).await?;
            client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await?;
            tokio::io::copy_bidirectional(&mut client, &mut server).await?;
            Ok(())
        }
    }
}
