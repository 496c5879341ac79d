//! WebSockets of connectors on their way out: a proxy that wants a password, an authority of the
//! operator's own, and the names in certificates.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::routing::get;
use http::HeaderMap;
use parlor_host::model::secret::Secret;
use parlor_host::net::{
    Account, Frame, NetConfig, Opening, Proxy, WebSocket, WebSocketClient, WebSocketError,
    read_authorities,
};
use parlor_tests::outside::{Authority, TestProxy};

const TIME: Duration = Duration::from_secs(20);

/// Says one word to whoever opens a WebSocket.
fn greeter() -> Router {
    let greet = |upgrade: WebSocketUpgrade| async move {
        upgrade.on_upgrade(|mut socket| async move {
            let said = socket.send(Message::text("welcome")).await;
            said.expect("somebody is there");
            // Until the client goes.
            while let Some(Ok(_)) = socket.recv().await {}
        })
    };
    Router::new().route("/stream", get(greet))
}

struct World {
    authority: Authority,
    server: SocketAddr,
    plain: SocketAddr,
    proxy: TestProxy,
}

impl World {
    async fn start() -> Self {
        let authority = Authority::new("Acme");
        let server = authority.serve(&["chat.test"], None, greeter()).await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("loopback can be listened on");
        let plain = listener.local_addr().expect("it has an address");
        tokio::spawn(async move { axum::serve(listener, greeter()).await });
        let names = [
            ("chat.test", server),
            ("other.test", server),
            ("plain.test", plain),
        ];
        let proxy = TestProxy::start("desk", "pr0xy", &names).await;
        Self {
            authority,
            server,
            plain,
            proxy,
        }
    }

    fn net(&self, password: Option<&str>, trusts: bool) -> NetConfig {
        let account = Account::Open("desk".into());
        let secret = password.map(|password| Secret::new(password.into()));
        let account = secret.as_ref().map(|secret| (&account, secret));
        let address = format!("http://{}", self.proxy.address);
        let pem = self.authority.pem();
        let authorities = trusts.then(|| read_authorities(pem.as_bytes()).expect("an authority"));
        NetConfig {
            proxy: Some(Proxy::new(&address, account).expect("a proxy")),
            authorities: authorities.unwrap_or_default(),
            ..NetConfig::default()
        }
    }
}

async fn open(net: &NetConfig, url: &str) -> Result<WebSocket, WebSocketError> {
    let client = WebSocketClient::new(net, None, "parlor-test").expect("a client");
    let url = url.parse().expect("an address");
    let opening = Opening {
        url: &url,
        protocols: &[],
        headers: HeaderMap::new(),
        most: 1024,
        heartbeat: None,
    };
    tokio::time::timeout(TIME, client.open(opening))
        .await
        .expect("it ends in time")
}

async fn is_greeted(net: &NetConfig, url: &str) {
    let mut socket = open(net, url).await.expect("it opens");
    let heard = tokio::time::timeout(TIME, socket.next())
        .await
        .expect("it comes in time");
    assert_eq!(heard.expect("it comes"), Frame::Text("welcome".to_owned()));
    socket.close().await;
}

#[tokio::test]
async fn a_proxy_with_a_password_is_gone_through_with_tls_and_without() {
    let world = World::start().await;
    let net = world.net(Some("pr0xy"), true);
    is_greeted(&net, "wss://chat.test/stream").await;
    is_greeted(&net, "ws://plain.test/stream").await;
    assert_eq!(world.proxy.asked(), ["chat.test:443", "plain.test:80"]);
}

#[tokio::test]
async fn a_proxy_that_is_not_shown_its_password_is_told_of() {
    let world = World::start().await;
    for (password, says) in [
        (None, "wants a user name and a password (407)"),
        (Some("wrong"), "refused the user name or the password (407)"),
    ] {
        let opened = open(&world.net(password, true), "wss://chat.test/stream").await;
        let error = opened.err().expect("the proxy refuses").to_string();
        assert!(error.contains(says) && !error.contains("wrong"), "{error}");
    }
    assert!(world.proxy.asked().is_empty());
}

#[tokio::test]
async fn an_authority_must_be_trusted_and_the_name_must_be_in_the_certificate() {
    let world = World::start().await;
    for (trusts, url) in [
        (false, "wss://chat.test/stream".to_owned()),
        (true, "wss://other.test/stream".to_owned()),
    ] {
        let opened = open(&world.net(Some("pr0xy"), trusts), &url).await;
        let error = opened.err().expect("it is not trusted");
        assert!(matches!(error, WebSocketError::Unreached(_)), "{error}");
        assert!(error.to_string().contains("certificate"), "{error}");
    }
    let straight = NetConfig {
        proxy: None,
        ..world.net(None, true)
    };
    // Found by its address, under a name that the certificate does not have.
    let url = format!("wss://{}/stream", world.server);
    assert!(open(&straight, &url).await.is_err());
    is_greeted(&straight, &format!("ws://{}/stream", world.plain)).await;
}
