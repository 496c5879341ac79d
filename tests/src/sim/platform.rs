//! What a platform's simulator is to the parts that all of them share.

use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

use super::{Fault, Opened, Reply, Request};

/// Something a bot did.
#[derive(Clone, Debug, Serialize)]
pub struct Sent {
    /// Its number, from one.
    pub n: u64,
    /// `message`, `edit`, `delete`, `join`, `leave`, …
    pub kind: String,
    /// The room's name where it has one, else the id.
    pub conversation: String,
    /// What people read, where there is text.
    pub text: String,
    /// What the platform keeps of it.
    pub raw: Value,
    /// Who sees it: `all`, or as the platform says.
    pub visibility: String,
}

/// One platform.
#[async_trait]
pub trait Platform: Send + Sync + 'static {
    /// Its name, as on the command line.
    fn name(&self) -> &'static str;

    /// Answers one request; it may wait as long as the platform does.
    async fn handle(&self, request: Request) -> Reply;

    /// Takes a WebSocket that a client asks for; the answer that refuses it. None: here is no such thing,
    /// and it is a request as any.
    fn socket(&self, _request: &Request) -> Option<Result<Opened, Reply>> {
        None
    }

    /// Does what a script asks: `say`, `submit`, `member` and what else the platform knows.
    ///
    /// # Errors
    /// What is wrong with what was asked.
    fn act(&self, verb: &str, what: &Value) -> Result<Value, String>;

    /// What bots did after this number.
    fn sent(&self, after: u64) -> Vec<Sent>;

    /// The number of the last thing a bot did.
    fn sent_count(&self) -> u64;

    /// The webhooks that it sent, a line each, where it has any.
    fn called(&self) -> Vec<String> {
        Vec::new()
    }

    /// Rings whenever something may have changed.
    fn bell(&self) -> watch::Receiver<u64>;

    /// Does at once what a fault asks of the platform itself: `duplicate`, `reorder`, `expire_tokens`.
    fn disturb(&self, fault: &Fault);

    /// What a client needs to be a bot here.
    fn bot(&self) -> Value;
}
