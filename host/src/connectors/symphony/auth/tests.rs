use std::net::SocketAddr;

use axum::Router;
use axum::extract::Path;
use axum::response::IntoResponse as _;
use axum::routing::post;
use serde_json::json;

use super::*;
use crate::connectors::symphony::config::{
    AgentsOnly, AppConfig, Balancing, Endpoint, FeedConfig, SymphonyConfig,
};
use crate::model::secret::Secret;
use crate::net::NetConfig;

const KEY: &str = include_str!("../../../config/import/tests/key.pem");

/// A pod that takes every login, and whose key manager answers this status.
async fn pod(key_manager: StatusCode) -> SocketAddr {
    let refused = move || async move { (key_manager, axum::Json(json!({"token": "d"}))) };
    let router = Router::new()
        .route("/login/pubkey/authenticate", post(given))
        .route("/relay/pubkey/authenticate", post(refused));
    serve(router).await
}

async fn given() -> axum::Json<Value> {
    axum::Json(json!({"name": "sessionToken", "token": "a.b.c"}))
}

async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn auth(address: SocketAddr) -> Auth {
    auth_with(address, |_| {})
}

fn auth_with(address: SocketAddr, change: impl FnOnce(&mut SymphonyConfig)) -> Auth {
    let endpoint = Endpoint {
        base: format!("http://{address}").parse().unwrap(),
        net: NetConfig::default(),
        headers: HeaderMap::new(),
    };
    let key = AccountKey::from_pem(Secret::new(KEY.to_owned()), "file:key.pem".to_owned());
    let mut config = SymphonyConfig {
        username: "desk".to_owned(),
        credential: Credential::Key(key.unwrap()),
        pod: endpoint.clone(),
        agents: vec![endpoint.clone()],
        balancing: Balancing::default(),
        key_manager: endpoint.clone(),
        session_auth: endpoint,
        app: None,
        feed: FeedConfig::default(),
        login_wait: Duration::from_secs(1),
        common_jwt: false,
        agents_only: AgentsOnly::default(),
        folder: None,
    };
    change(&mut config);
    let config = Arc::new(config);
    let agents = Arc::new(Agents::new(&config).unwrap());
    Auth::new(config, agents).unwrap()
}

/// As a call whose session was refused, so many times.
async fn renewed(auth: &Auth, times: u32) -> Vec<Result<(), AuthError>> {
    let mut ends = Vec::new();
    for _ in 0..times {
        let generation = auth.logins.load(Ordering::Relaxed);
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

#[tokio::test]
async fn only_what_the_platform_says_of_the_account_is_a_refusal() {
    let said = r#"{"code": 400, "message": "no"}"#;
    let page = "<html>no</html>";
    for (status, body, is_refused) in [
        (401, said, true),
        (401, page, true),
        (400, said, true),
        (400, page, false),
        (403, said, true),
        (403, page, false),
        (403, "", false),
        (403, "{}", false),
        (404, said, false),
        (404, page, false),
        (407, page, false),
        (408, "", false),
        (429, said, false),
        (502, page, false),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        let answer = move || async move { (status, body) };
        let router = Router::new().route("/login/pubkey/authenticate", post(answer));
        let ended = auth(serve(router).await).tokens(None).await;
        let error = ended.map(drop).unwrap_err();
        let is_as_wanted = match error {
            AuthError::Refused(_) => is_refused,
            AuthError::Unavailable(..) => !is_refused,
            _ => false,
        };
        assert!(is_as_wanted, "{status} {body}: {error}");
    }
}

#[tokio::test]
async fn a_common_token_is_renewed_by_the_session_as_long_as_that_lives() {
    #[derive(Default)]
    struct Counts {
        logins: AtomicU32,
        renewals: AtomicU32,
        is_ended: std::sync::atomic::AtomicBool,
    }
    let counts = Arc::new(Counts::default());
    let (seen, asked) = (counts.clone(), counts.clone());
    let log_in = move || async move {
        seen.logins.fetch_add(1, Ordering::Relaxed);
        seen.is_ended.store(false, Ordering::Relaxed);
        given().await
    };
    // It is to be renewed as soon as it is there.
    let idm = move || async move {
        if asked.is_ended.load(Ordering::Relaxed) {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        let number = asked.renewals.fetch_add(1, Ordering::Relaxed);
        axum::Json(json!({"access_token": format!("t{number}"), "expires_in": 5})).into_response()
    };
    let router = Router::new()
        .route("/login/pubkey/authenticate", post(log_in))
        .route("/relay/pubkey/authenticate", post(given))
        .route("/login/idm/tokens", post(idm));
    let auth = auth_with(serve(router).await, |config| config.common_jwt = true);
    let shown = |tokens: &Tokens| tokens.for_pod()[http::header::AUTHORIZATION].clone();
    for number in 0..3 {
        let tokens = auth.tokens(None).await.unwrap();
        assert_eq!(shown(&tokens), format!("Bearer t{number}").as_str());
    }
    assert_eq!(counts.logins.load(Ordering::Relaxed), 1);
    counts.is_ended.store(true, Ordering::Relaxed);
    let tokens = auth.tokens(None).await.unwrap();
    assert_eq!(shown(&tokens), "Bearer t3");
    assert_eq!(counts.logins.load(Ordering::Relaxed), 2);
}

/// With an app, of another key file than the bot's.
fn with_app(config: &mut SymphonyConfig) {
    let key = AccountKey::from_pem(Secret::new(KEY.to_owned()), "file:app.pem".to_owned());
    config.app = Some(AppConfig {
        id: "desk-app".to_owned(),
        credential: Credential::Key(key.unwrap()),
    });
}

#[tokio::test]
async fn the_login_for_one_user_holds_up_nobody_else() {
    let is_asked = Arc::new(tokio::sync::Notify::new());
    let asked = is_asked.clone();
    let for_user = move |Path(user): Path<String>| async move {
        if user == "slow" {
            asked.notify_one();
            std::future::pending::<()>().await;
        }
        given().await
    };
    let router = Router::new()
        .route("/login/pubkey/app/authenticate", post(given))
        .route(
            "/login/pubkey/app/username/{user}/authenticate",
            post(for_user),
        );
    let auth = auth_with(serve(router).await, with_app);
    let others = async {
        is_asked.notified().await;
        auth.tokens(Some("quick")).await.map(drop)
    };
    let run = async {
        tokio::select! {
            ended = auth.tokens(Some("slow")) => panic!("{:?}", ended.map(drop)),
            ended = others => ended,
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(20), run).await;
    assert!(matches!(ended, Ok(Ok(()))), "{ended:?}");
}

#[tokio::test]
async fn an_app_that_is_refused_is_named_with_its_key_and_the_bot_is_well() {
    let refused = || async { (StatusCode::UNAUTHORIZED, "{}") };
    let router = Router::new()
        .route("/login/pubkey/authenticate", post(given))
        .route("/relay/pubkey/authenticate", post(given))
        .route("/login/pubkey/app/authenticate", post(refused));
    let auth = auth_with(serve(router).await, with_app);
    let error = auth.tokens(Some("ada")).await.map(drop).unwrap_err();
    let AuthError::NotFor(why) = &error else {
        panic!("{error:?}");
    };
    assert!(why.contains("desk-app showed file:app.pem"), "{why}");
    assert!(!why.contains("file:key.pem"), "{why}");
    assert!(auth.tokens(None).await.is_ok());
}
