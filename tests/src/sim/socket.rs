//! WebSockets of a simulator: agreed to on the server that all of it shares, then the platform's own.

use std::pin::Pin;

use axum::http::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    UPGRADE,
};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_util::sync::CancellationToken;

use super::{Reply, Request};

/// A socket that is open.
pub type Socket = WebSocketStream<TokioIo<Upgraded>>;

type Serving = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A platform that takes a client's WebSocket.
pub struct Opened {
    protocol: Option<String>,
    serve: Box<dyn FnOnce(Socket) -> Serving + Send>,
}

impl Opened {
    /// Takes it with this protocol of those that the client offers, and serves it so.
    pub fn new<F, Serve>(protocol: Option<&str>, serve: Serve) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
        Serve: FnOnce(Socket) -> F + Send + 'static,
    {
        Self {
            protocol: protocol.map(str::to_owned),
            serve: Box::new(|socket| Box::pin(serve(socket))),
        }
    }

    /// The answer that agrees, after which the socket is served until it ends or the server does.
    pub(crate) fn agree(
        self,
        request: &Request,
        upgrade: OnUpgrade,
        stop: CancellationToken,
    ) -> Reply {
        let key = request
            .header(SEC_WEBSOCKET_KEY.as_str())
            .unwrap_or_default();
        let mut reply = Reply::empty(101)
            .header(CONNECTION.as_str(), "Upgrade")
            .header(UPGRADE.as_str(), "websocket")
            .header(
                SEC_WEBSOCKET_ACCEPT.as_str(),
                &derive_accept_key(key.as_bytes()),
            );
        if let Some(protocol) = &self.protocol {
            reply = reply.header(SEC_WEBSOCKET_PROTOCOL.as_str(), protocol);
        }
        tokio::spawn(async move {
            let served = async {
                // A client that goes before it has its answer has no socket.
                let Ok(upgraded) = upgrade.await else {
                    return;
                };
                let io = TokioIo::new(upgraded);
                let socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
                (self.serve)(socket).await;
            };
            tokio::select! { () = served => {}, () = stop.cancelled() => {} }
        });
        reply
    }
}

/// Tells whether a client asks for a WebSocket.
pub(crate) fn is_asked_for(request: &Request) -> bool {
    let upgrade = request.headers.get(UPGRADE);
    let is_socket = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"websocket");
    upgrade.is_some_and(is_socket) && request.header(SEC_WEBSOCKET_KEY.as_str()).is_some()
}

/// The protocols that a client offers.
pub(crate) fn offered(request: &Request) -> Vec<String> {
    let values = request.headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    let all = texts.flat_map(|text| text.split(','));
    all.map(|one| one.trim().to_owned()).collect()
}
