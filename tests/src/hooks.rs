//! A sender of webhooks, as a partner's server is one.

use anyhow::Context as _;
use ring::hmac;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::guests;
use crate::harness::PATIENCE;

/// The secret that good senders sign with.
pub const SECRET: &str = include_str!("hooks/secret").trim_ascii_end();
/// The header that holds the signature.
pub const SIGNATURE: &str = "X-Signature-256";
/// The header that names the delivery.
pub const DELIVERY: &str = "X-Delivery";
/// Bytes of an answer's head.
const MAX_HEAD: usize = 16 * 1024;

/// The settings of a webhook that wants a signature, for a plugin's own file.
pub fn signed_webhook(name: &str, more: &str) -> String {
    format!(
        "[webhooks.{name}]\n\
         verify.hmac-sha256 = {{ secret = \"file:{}\", header = \"{SIGNATURE}\", prefix = \"sha256=\" }}\n\
         delivery-id = \"{DELIVERY}\"\n{more}\n",
        secret_file()
    )
}

/// The file that holds the secret, as settings name it.
pub fn secret_file() -> String {
    let path = guests::workspace().join("tests/src/hooks/secret");
    path.display().to_string()
}

/// The value of the header that a good sender signs a body with.
pub fn signature(secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, body);
    let digits: String = tag.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    format!("sha256={digits}")
}

/// A connection to an ingress, used for one call after the other.
pub struct Caller {
    address: String,
    stream: Option<TcpStream>,
}

impl Caller {
    /// Makes a caller of an address, `127.0.0.1:8642`.
    pub fn new(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            stream: None,
        }
    }

    /// Posts a signed body; the answer's status.
    ///
    /// # Errors
    /// When there is no answer, or it says more than its status.
    pub async fn post(&mut self, path: &str, id: &str, body: &[u8]) -> anyhow::Result<u16> {
        let signature = signature(SECRET, body);
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: hooks\r\nContent-Length: {}\r\n\
             {SIGNATURE}: {signature}\r\n{DELIVERY}: {id}\r\n\r\n",
            body.len()
        );
        self.send(head.as_bytes(), body).await
    }

    /// Sends a head and a body as they are; the answer's status.
    ///
    /// # Errors
    /// When there is no answer, or it says more than its status.
    pub async fn send(&mut self, head: &[u8], body: &[u8]) -> anyhow::Result<u16> {
        let answer = tokio::time::timeout(PATIENCE, self.exchange(head, body)).await;
        answer.context("no answer in time")?
    }

    async fn exchange(&mut self, head: &[u8], body: &[u8]) -> anyhow::Result<u16> {
        // A connection that was kept may be closed by now; a fresh one answers.
        if let Some(stream) = self.stream.take()
            && let Ok(status) = self.try_exchange(stream, head, body).await
        {
            return Ok(status);
        }
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        self.try_exchange(stream, head, body).await
    }

    async fn try_exchange(
        &mut self,
        mut stream: TcpStream,
        head: &[u8],
        body: &[u8],
    ) -> anyhow::Result<u16> {
        // Who is refused by its head may find no reader for its body; the answer tells.
        let mut is_whole = stream.write_all(head).await.is_ok();
        is_whole &= stream.write_all(body).await.is_ok();
        let mut answer = Vec::with_capacity(256);
        while !answer.ends_with(b"\r\n\r\n") {
            anyhow::ensure!(answer.len() < MAX_HEAD, "an answer without an end");
            let mut piece = [0; 512];
            let read = stream.read(&mut piece).await?;
            anyhow::ensure!(read > 0, "the connection ended before the answer");
            answer.extend_from_slice(&piece[..read]);
        }
        let text = String::from_utf8(answer)?.to_lowercase();
        anyhow::ensure!(
            text.contains("\r\ncontent-length: 0\r\n"),
            "the answer says more than its status: {text}"
        );
        if is_whole && !text.contains("\r\nconnection: close\r\n") {
            self.stream = Some(stream);
        }
        let status = text.split(' ').nth(1).context("no status")?;
        Ok(status.parse()?)
    }
}
