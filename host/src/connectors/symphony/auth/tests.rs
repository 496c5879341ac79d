use std::net::SocketAddr;

use axum::Router;
use axum::routing::post;
use serde_json::json;

use super::*;
use crate::connectors::symphony::config::{
    AgentsOnly, Balancing, Endpoint, FeedConfig, SymphonyConfig,
};
use crate::model::secret::Secret;
use crate::net::NetConfig;

const KEY: &str = include_str!("../../../config/import/tests/key.pem");

/// A pod that takes every login, and whose key manager answers this status.
async fn pod(key_manager: StatusCode) -> SocketAddr {
    let given = || async { axum::Json(json!({"name": "sessionToken", "token": "a.b.c"})) };
    let refused = move || async move { (key_manager, axum::Json(json!({"token": "d"}))) };
    let router = Router::new()
        .route("/login/pubkey/authenticate", post(given))
        .route("/relay/pubkey/authenticate", post(refused));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn auth(address: SocketAddr) -> Auth {
    let endpoint = Endpoint {
        base: format!("http://{address}").parse().unwrap(),
        net: NetConfig::default(),
        headers: HeaderMap::new(),
    };
    let key = AccountKey::from_pem(Secret::new(KEY.to_owned()), "file:key.pem".to_owned());
    let config = Arc::new(SymphonyConfig {
        username: "desk".to_owned(),
        credential: Credential::Key(key.unwrap()),
        pod: endpoint.clone(),
        agents: vec![endpoint.clone()],
        balancing: Balancing::default(),
        key_manager: endpoint.clone(),
        session_auth: endpoint,
        app: None,
        feed: FeedConfig::default(),
        common_jwt: false,
        agents_only: AgentsOnly::default(),
        folder: None,
    });
    let agents = Arc::new(Agents::new(&config).unwrap());
    Auth::new(config, agents).unwrap()
}

/// As a call whose session was refused, so many times.
async fn renewed(auth: &Auth, times: u32) -> Vec<Result<(), AuthError>> {
    let mut ends = Vec::new();
    for _ in 0..times {
        let generation = auth.own.lock().await.logins;
        let refused = Tokens {
            session: HeaderValue::from_static("old"),
            key_manager: HeaderValue::from_static("old"),
            common: None,
            generation,
        };
        ends.push(auth.renew(None, &refused).await.map(drop));
    }
    ends
}

#[tokio::test]
async fn logins_that_do_not_come_about_are_no_refusal() {
    let auth = auth(pod(StatusCode::SERVICE_UNAVAILABLE).await);
    for ended in renewed(&auth, 3 * MAX_LOGINS).await {
        assert!(
            matches!(ended, Err(AuthError::Unavailable(..))),
            "{ended:?}"
        );
    }
}

#[tokio::test]
async fn sessions_that_are_refused_after_each_login_end_the_logins() {
    let auth = auth(pod(StatusCode::OK).await);
    let mut ends = renewed(&auth, MAX_LOGINS + 1).await;
    assert!(matches!(ends.pop(), Some(Err(AuthError::Refused(_)))));
    assert!(ends.iter().all(Result::is_ok), "{ends:?}");
    auth.were_good();
    assert!(renewed(&auth, 1).await.iter().all(Result::is_ok));
}
