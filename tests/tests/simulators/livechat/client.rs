//! A client of nobody's make, and somebody who hears webhooks.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use parlor_tests::sim::livechat::{
    ACCOUNT, CLIENT_ID, CLIENT_SECRET, LiveChat, LiveChatOptions, ORGANIZATION, PAT,
};
use serde_json::{Value, json};
use tokio::sync::watch;

/// The longest that a test waits for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// A redirect that the app has registered.
pub(crate) const REDIRECT: &str = "https://bots.example/token";

/// An answer.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) headers: reqwest::header::HeaderMap,
}

impl Said {
    /// The type of its error.
    pub(crate) fn kind(&self) -> &str {
        self.body["error"]["type"].as_str().unwrap_or_default()
    }
}

pub(crate) struct Client {
    pub(crate) sim: LiveChat,
    pub(crate) http: reqwest::Client,
}

impl Client {
    pub(crate) async fn new() -> Self {
        Self::with(LiveChatOptions::default()).await
    }

    pub(crate) async fn with(options: LiveChatOptions) -> Self {
        let sim = LiveChat::start(options).await.expect("it starts");
        sim.set(json!({"redirects": [REDIRECT]}));
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client");
        Self { sim, http }
    }

    pub(crate) fn pat() -> String {
        format!("Basic {}", STANDARD.encode(format!("{ACCOUNT}:{PAT}")))
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Said {
        let answer = request.send().await.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.expect("a body");
        Said {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or_default(),
        }
    }

    /// Asks with an authorization.
    pub(crate) async fn ask(&self, shown: &str, path: &str, body: Value) -> Said {
        let url = format!("{}/{path}", self.sim.base_url());
        let request = self.http.post(url).header("authorization", shown);
        self.send(request.json(&body)).await
    }

    /// Asks the API of chats, 3.6.
    pub(crate) async fn chat(&self, shown: &str, action: &str, body: Value) -> Said {
        self.ask(shown, &format!("v3.6/agent/action/{action}"), body)
            .await
    }

    /// Asks the API of settings, 3.6, with the owner's personal token.
    pub(crate) async fn configure(&self, action: &str, body: Value) -> Said {
        let path = format!("v3.6/configuration/action/{action}");
        self.ask(&Self::pat(), &path, body).await
    }

    /// Makes a bot that is online; gives its id and its token.
    pub(crate) async fn bot(&self) -> (String, String) {
        let body = json!({"name": "Bot", "owner_client_id": CLIENT_ID,
            "groups": [{"id": 0, "priority": "supervisor"}]});
        let made = self.configure("create_bot", body).await.body;
        let id = made["id"].as_str().expect("an id").to_owned();
        let body = json!({"status": "not_accepting_chats", "agent_id": id});
        assert_eq!(
            self.chat(&Self::pat(), "set_routing_status", body)
                .await
                .status,
            200
        );
        let body = json!({"bot_id": id, "bot_secret": made["secret"], "client_id": CLIENT_ID,
            "organization_id": ORGANIZATION});
        let token = self.configure("issue_bot_token", body).await.body;
        let token = token["token"].as_str().expect("a token");
        (id, format!("Bearer {token}"))
    }

    /// Follows an authorize link; gives where it leads.
    pub(crate) async fn authorize(&self, query: &[(&str, &str)]) -> String {
        let base = self.sim.base_url();
        let url = url::Url::parse_with_params(&base, query).expect("an address");
        let said = self.send(self.http.get(url)).await;
        let to = said
            .headers
            .get("location")
            .map(|to| to.to_str().expect("an address"));
        to.unwrap_or_default().to_owned()
    }

    /// A code, as the redirect brings it.
    pub(crate) async fn code(&self) -> String {
        let query = [
            ("response_type", "code"),
            ("client_id", CLIENT_ID),
            ("redirect_uri", REDIRECT),
        ];
        let to = url::Url::parse(&self.authorize(&query).await).expect("an address");
        let code = to.query_pairs().find(|(name, _)| name == "code");
        code.expect("a code").1.into_owned()
    }

    /// Exchanges a form for tokens.
    pub(crate) async fn token(&self, path: &str, form: &[(&str, &str)]) -> Said {
        let url = format!("{}/{path}", self.sim.base_url());
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let kind = "application/x-www-form-urlencoded";
        self.send(self.http.post(url).header("content-type", kind).body(body))
            .await
    }

    /// Exchanges a code as an app does that keeps its secret.
    pub(crate) async fn exchange(&self, code: &str) -> Said {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("client_id", CLIENT_ID),
            ("client_secret", CLIENT_SECRET),
            ("redirect_uri", REDIRECT),
        ];
        self.token("v2/token", &form).await
    }
}

#[derive(Default)]
struct Heard {
    bodies: Mutex<Vec<Value>>,
    /// The statuses of the next answers; 200 after them.
    answers: Mutex<Vec<u16>>,
    bell: watch::Sender<u64>,
}

/// Somebody who hears webhooks.
pub(crate) struct Ear {
    heard: Arc<Heard>,
    pub(crate) url: String,
}

impl Ear {
    pub(crate) async fn new() -> Self {
        async fn hear(State(heard): State<Arc<Heard>>, body: String) -> StatusCode {
            let body = serde_json::from_str(&body).expect("JSON");
            heard.bodies.lock().push(body);
            heard.bell.send_modify(|rung| *rung += 1);
            let next = heard.answers.lock().pop();
            next.and_then(|status| StatusCode::from_u16(status).ok())
                .unwrap_or(StatusCode::OK)
        }
        let heard = Arc::new(Heard::default());
        let router = Router::new()
            .fallback(axum::routing::post(hear))
            .with_state(heard.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!(
            "http://{}/webhook",
            listener.local_addr().expect("an address")
        );
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { heard, url }
    }

    /// The next answers have these statuses, the last of them first.
    pub(crate) fn answer(&self, statuses: &[u16]) {
        *self.heard.answers.lock() = statuses.to_vec();
    }

    pub(crate) fn bodies(&self) -> Vec<Value> {
        self.heard.bodies.lock().clone()
    }

    /// Waits for a webhook that is as wanted.
    pub(crate) async fn hears(&self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        let mut bell = self.heard.bell.subscribe();
        let wait = async {
            loop {
                bell.borrow_and_update();
                if let Some(found) = self.bodies().into_iter().find(|it| is_wanted(it)) {
                    return found;
                }
                bell.changed().await.expect("the ear is there");
            }
        };
        let heard = tokio::time::timeout(PATIENCE, wait).await;
        heard.unwrap_or_else(|_| panic!("never heard; {:#?}", self.bodies()))
    }

    /// Waits until there are so many webhooks that are as wanted.
    pub(crate) async fn hears_times(&self, times: usize, is_wanted: impl Fn(&Value) -> bool) {
        let mut bell = self.heard.bell.subscribe();
        let wait = async {
            loop {
                bell.borrow_and_update();
                if self.bodies().iter().filter(|it| is_wanted(it)).count() >= times {
                    return;
                }
                bell.changed().await.expect("the ear is there");
            }
        };
        let heard = tokio::time::timeout(PATIENCE, wait).await;
        heard.unwrap_or_else(|_| panic!("not so often; {:#?}", self.bodies()));
    }
}
