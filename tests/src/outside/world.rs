//! A host whose only way out is a proxy, and what lies behind it: APIs that want credentials and
//! say aloud which they were shown.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parlor_host::config::Settings;
use parlor_host::connectors::local::LocalConfig;
use parlor_host::journal::sqlite::{SqliteConfig, SqliteJournal};

use super::{Authority, TestProxy};
use crate::guests;
use crate::harness::{TestHost, TestHostParts};

/// Whom the proxy knows.
pub const PROXY_USER: &str = "parlor-host";
/// What the proxy wants.
pub const PROXY_PASSWORD: &str = "pr0xy/passw0rd+1";
/// What `quotes.test` wants as a bearer's token.
pub const API_TOKEN: &str = "api-t0ken/with+odd=letters";
/// What `old.test` wants of `joe`.
pub const PASSWORD: &str = "basic&passw0rd<1>";
/// What `keyed.test` wants in a header of its own.
pub const KEY: &str = "keyed-s3cret-value";
/// What `desk.test/token` wants of `desk-bot`.
pub const CLIENT_SECRET: &str = "cl1ent s3cret%";
/// The beginning of every token that the bank gives.
pub const TOKEN: &str = "0auth-access-t0ken-";

/// Says whom it was asked by, in all the ways in which servers do.
fn echo(headers: &HeaderMap) -> Response {
    let text = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or("").to_owned()
    };
    let (shown, key) = (text("authorization"), text("x-key"));
    let json = serde_json::json!({ "authorization": shown, "key": key }).to_string();
    let mut url = url::Url::parse("https://echo.test/").expect("an address");
    url.query_pairs_mut().append_pair("q", &shown);
    let body = format!("quote 42.17\n{shown}\n{key}\n{json}\n{url}\n");
    ([("x-echo", shown), ("x-key-echo", key)], body).into_response()
}

/// Answers whoever shows this, and nobody else.
fn guarded(header: &'static str, wanted: String) -> Router {
    let quote = move |headers: HeaderMap| async move {
        match headers.get(header) {
            Some(value) if value == wanted.as_str() => echo(&headers),
            _ => StatusCode::UNAUTHORIZED.into_response(),
        }
    };
    Router::new().route("/quote", get(quote)).route(
        "/moved",
        get(|| async { (StatusCode::FOUND, [("location", "https://elsewhere.test/")]) }),
    )
}

/// Gives tokens of rising numbers, and takes those from a number on.
#[derive(Default)]
pub struct Bank {
    /// How many tokens were given.
    pub given: AtomicUsize,
    /// The number of the first token that is not revoked.
    pub first_good: AtomicUsize,
}

impl Bank {
    fn router(self: &Arc<Self>) -> Router {
        let (gives, takes) = (self.clone(), self.clone());
        let token = move |headers: HeaderMap, body: String| async move {
            let basic = headers.get("authorization").and_then(|it| it.to_str().ok());
            if basic != Some(&client_header()) || !body.contains("grant_type=client_credentials") {
                let refusal = serde_json::json!({ "error": "invalid_client", "seen": basic });
                return (StatusCode::UNAUTHORIZED, refusal.to_string());
            }
            let number = gives.given.fetch_add(1, Ordering::SeqCst) + 1;
            let token = format!("{TOKEN}{number}");
            let answer = serde_json::json!({ "access_token": token, "token_type": "Bearer", "expires_in": 600 });
            (StatusCode::OK, answer.to_string())
        };
        let quote = move |headers: HeaderMap| async move {
            let shown = headers.get("authorization").and_then(|it| it.to_str().ok());
            let number = shown.and_then(|it| it.strip_prefix(&format!("Bearer {TOKEN}")));
            let number: Option<usize> = number.and_then(|number| number.parse().ok());
            if number.is_some_and(|number| number >= takes.first_good.load(Ordering::SeqCst)) {
                echo(&headers)
            } else {
                StatusCode::UNAUTHORIZED.into_response()
            }
        };
        Router::new()
            .route("/token", post(token))
            .route("/quote", get(quote))
    }
}

/// A user name and a password as headers show them.
pub fn basic(user: &str, password: &str) -> String {
    STANDARD.encode(format!("{user}:{password}"))
}

fn client_header() -> String {
    format!("Basic {}", basic("desk-bot", "cl1ent+s3cret%25"))
}

/// What lies behind the proxy, and the files by which the host gets there.
pub struct Outside {
    /// The secrets' files, and the host's data.
    pub folder: tempfile::TempDir,
    /// The only way out.
    pub proxy: TestProxy,
    /// Who gives tokens.
    pub bank: Arc<Bank>,
}

impl Outside {
    /// Starts it.
    ///
    /// # Panics
    /// When loopback cannot be listened on.
    pub async fn start() -> Self {
        let (authority, people) = (Authority::new("Outside"), Authority::new("People"));
        let bank = Arc::new(Bank::default());
        let quotes = guarded("authorization", format!("Bearer {API_TOKEN}"));
        let old = guarded("authorization", format!("Basic {}", basic("joe", PASSWORD)));
        let keyed = guarded("x-key", format!("Key {KEY}"));
        let open = Router::new().route(
            "/quote",
            get(|headers: HeaderMap| async move { echo(&headers) }),
        );
        let mut names = HashMap::new();
        for (name, router) in [
            ("quotes.test", quotes),
            ("desk.test", bank.router()),
            ("old.test", old),
            ("keyed.test", keyed),
        ] {
            names.insert(name, authority.serve(&[name], None, router).await);
        }
        let closed = authority.serve(&["closed.test"], Some(&people), open).await;
        names.insert("closed.test", closed);
        // A server under a name that its certificate does not have.
        names.insert("false.test", names["quotes.test"]);
        let names: Vec<_> = names.into_iter().collect();
        let proxy = TestProxy::start(PROXY_USER, PROXY_PASSWORD, &names).await;
        let folder = tempfile::tempdir().expect("a folder");
        let client = people.client("desk-bot");
        for (name, text) in [
            ("ca.pem", authority.pem().as_str()),
            ("proxy", PROXY_PASSWORD),
            ("wrong", "another-password"),
            ("token", API_TOKEN),
            ("password", PASSWORD),
            ("keyed", &format!("Key {KEY}\n")),
            ("client", CLIENT_SECRET),
            ("client.pem", &client.certificate),
            ("client-key.pem", &client.key),
            ("other-key.pem", &people.client("other").key),
        ] {
            std::fs::write(folder.path().join(name), text).expect("written");
        }
        Self {
            folder,
            proxy,
            bank,
        }
    }

    /// The path of one of its files.
    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// The host's `[net]`, with the password of a file.
    pub fn net(&self, password: &str) -> String {
        format!(
            "[net]\nproxy = {{ url = \"http://{}\", username = \"{PROXY_USER}\", password = \"file:{}\" }}\nca-files = [\"{}\"]\n",
            self.proxy.address,
            self.path(password),
            self.path("ca.pem"),
        )
    }

    /// Reads settings.
    ///
    /// # Panics
    /// When they are wrong.
    pub fn settings(&self, text: &str) -> Settings {
        let path = self.folder.path().join("parlor.toml");
        Settings::parse(&path, text, &|_| None).expect("settings")
    }

    /// The settings of a plugin that may go everywhere here.
    pub fn grants(&self) -> String {
        let file = |name: &str| format!("\"file:{}\"", self.path(name));
        let mut text =
            "limits = { instances = 1, deadline-ms = 20000, cpu-ms = 5000 }\ngrants.http = [\n"
                .to_owned();
        for grant in [
            format!(
                "{{ allow = \"GET https://quotes.test/*\", bearer = {} }}",
                file("token")
            ),
            format!(
                "{{ allow = \"GET https://old.test/*\", basic = {{ username = \"joe\", password = {} }} }}",
                file("password")
            ),
            format!(
                "{{ allow = \"GET https://keyed.test/*\", header = {{ name = \"X-Key\", value = {} }} }}",
                file("keyed")
            ),
            format!(
                "{{ allow = \"* https://desk.test/quote\", oauth2 = {{ token-url = \"https://desk.test/token\", client-id = \"desk-bot\", client-secret = {} }} }}",
                file("client")
            ),
            format!(
                "{{ allow = \"GET https://closed.test/*\", client-certificate = {{ certificate = {}, key = {} }} }}",
                file("client.pem"),
                file("client-key.pem")
            ),
            "\"GET https://false.test/*\"".to_owned(),
            "\"GET https://nowhere.test/*\"".to_owned(),
        ] {
            writeln!(text, "  {grant},").expect("text can always grow");
        }
        text + "]\n"
    }

    /// Starts a host on disk whose way out this is, with the guest `http`; the proxy is shown the
    /// password of this file.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn host(&self, proxy_password: &str) -> TestHost {
        let data = self.folder.path().join("data");
        let journal = SqliteJournal::open(&data, SqliteConfig::default());
        let host = TestHost::start(TestHostParts {
            journal: Arc::new(journal.expect("a journal")),
            settings: self.net(proxy_password),
            rooms: LocalConfig {
                folder: Some(data.join("local")),
                ..LocalConfig::default()
            },
            ..TestHostParts::default()
        })
        .await;
        let settings = self.grants();
        host.load("http", guests::bytes("http"), Some(&settings))
            .await;
        assert_eq!(host.row("http").last_error, None);
        host
    }
}
