//! A client of the simulator, as plain as can be.

use std::time::{SystemTime, UNIX_EPOCH};

use parlor_tests::sim::symphony::{APP, BOT, Symphony, SymphonyOptions, sign_token};
use reqwest::Method;
use serde_json::{Value, json};

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Got {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// Its body, where it is good.
    #[track_caller]
    pub(crate) fn good(&self) -> Value {
        assert!(self.status < 300, "{}: {}", self.status, self.text);
        if self.text.is_empty() {
            Value::Null
        } else {
            self.json()
        }
    }

    /// Its status, and its message contains this.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, message: &str) {
        assert_eq!(self.status, status, "{}", self.text);
        let text = self.json()["message"].as_str().unwrap_or("").to_owned();
        assert!(text.contains(message), "{text}");
    }
}

/// A part of a multipart body: name, file name and type, content.
pub(crate) type Part<'a> = (&'a str, Option<(&'a str, &'a str)>, &'a [u8]);

/// A client that is logged in, or will be.
pub(crate) struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) base: String,
    pub(crate) session: String,
    pub(crate) key: String,
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    i64::try_from(since.as_secs()).expect("before the end of time")
}

/// Lets `reqwest` know by which library it may do TLS.
pub(crate) fn prepare() {
    // Another test of this process may have been first; theirs is the same.
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {}
}

impl Client {
    pub(crate) fn new(sim: &Symphony) -> Self {
        prepare();
        Self {
            http: reqwest::Client::builder()
                .user_agent("parlor-tests/1")
                .no_proxy()
                .build()
                .expect("a client"),
            base: sim.base_url(),
            session: String::new(),
            key: String::new(),
        }
    }

    /// One that is logged in as the bot.
    pub(crate) async fn logged_in(sim: &Symphony) -> Self {
        let mut client = Self::new(sim);
        let pem = std::fs::read_to_string(sim.file("bot.pem")).expect("a key");
        client.log_in(BOT, &pem).await;
        client
    }

    /// Logs in, with both tokens.
    pub(crate) async fn log_in(&mut self, username: &str, pem: &str) {
        let token = sign_token(pem, &json!({ "sub": username, "exp": now() + 240 }));
        let body = json!({ "token": token });
        let session = self.post("/login/pubkey/authenticate", &body).await.good();
        let key = self.post("/relay/pubkey/authenticate", &body).await.good();
        session["token"]
            .as_str()
            .expect("a token")
            .clone_into(&mut self.session);
        key["token"]
            .as_str()
            .expect("a token")
            .clone_into(&mut self.key);
    }

    /// One that acts as somebody, by the app.
    pub(crate) async fn acting_as(sim: &Symphony, kind: &str, who: &str) -> (Self, Got) {
        let mut client = Self::new(sim);
        let pem = std::fs::read_to_string(sim.file("app.pem")).expect("a key");
        let token = sign_token(&pem, &json!({ "sub": APP, "exp": now() + 240 }));
        let app = client
            .post("/login/pubkey/app/authenticate", &json!({ "token": token }))
            .await;
        app.good()["token"]
            .as_str()
            .expect("a token")
            .clone_into(&mut client.session);
        let got = client
            .post(
                &format!("/login/pubkey/app/{kind}/{who}/authenticate"),
                &Value::Null,
            )
            .await;
        if got.status == 200 {
            got.good()["token"]
                .as_str()
                .expect("a token")
                .clone_into(&mut client.session);
        }
        (client, got)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if !self.session.is_empty() {
            request = request.header("sessionToken", &self.session);
        }
        if !self.key.is_empty() && path.starts_with("/agent") {
            request = request.header("keyManagerToken", &self.key);
        }
        request
    }

    pub(crate) async fn send(request: reqwest::RequestBuilder) -> Result<Got, reqwest::Error> {
        let response = request.send().await?;
        Ok(Got {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await?,
        })
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        Self::send(self.request(Method::GET, path))
            .await
            .expect("an answer")
    }

    /// Posts JSON; null: no body at all.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Got {
        self.try_post(path, body).await.expect("an answer")
    }

    pub(crate) async fn try_post(&self, path: &str, body: &Value) -> Result<Got, reqwest::Error> {
        let mut request = self.request(Method::POST, path);
        if !body.is_null() {
            request = request.json(body);
        }
        Self::send(request).await
    }

    pub(crate) async fn parts(&self, path: &str, parts: &[Part<'_>]) -> Got {
        let mut body = Vec::new();
        for (name, file, content) in parts {
            let mut head = format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"");
            match file {
                Some((file, "")) => head += &format!("; filename=\"{file}\"\r\n"),
                Some((file, kind)) => {
                    head += &format!("; filename=\"{file}\"\r\nContent-Type: {kind}\r\n")
                }
                None => head += "\r\nContent-Type: text/plain; charset=utf-8\r\n",
            }
            body.extend_from_slice(format!("{head}\r\n").as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--X--\r\n");
        let request = self.request(Method::POST, path);
        let request = request.header("content-type", "multipart/form-data; boundary=X");
        Self::send(request.body(body)).await.expect("an answer")
    }

    /// Sends a message.
    pub(crate) async fn say(&self, stream: &str, message: &str) -> Got {
        let path = format!("/agent/v4/stream/{stream}/message/create");
        self.parts(&path, &[("message", None, message.as_bytes())])
            .await
    }

    /// Makes a v2 feed.
    pub(crate) async fn feed(&self) -> String {
        let made = self.post("/agent/v5/datafeeds", &json!({})).await;
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["id"].as_str().expect("an id").to_owned()
    }

    pub(crate) async fn read(&self, feed: &str, ack: &str) -> Got {
        self.post(
            &format!("/agent/v5/datafeeds/{feed}/read"),
            &json!({ "ackId": ack }),
        )
        .await
    }

    /// Reads a feed: events and the acknowledgement.
    pub(crate) async fn events(&self, feed: &str, ack: &str) -> (Vec<Value>, String) {
        let body = self.read(feed, ack).await.good();
        let events = body["events"].as_array().expect("events").clone();
        (events, body["ackId"].as_str().expect("an ackId").to_owned())
    }
}

/// The types of events.
pub(crate) fn kinds(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|event| event["type"].as_str())
        .collect()
}

/// A pod whose waits pass sixty times as fast.
pub(crate) async fn fast() -> Symphony {
    Symphony::start(SymphonyOptions::default().clock(60.0))
        .await
        .expect("it starts")
}

/// A pod that keeps time.
pub(crate) async fn pod() -> Symphony {
    Symphony::start(SymphonyOptions::default())
        .await
        .expect("it starts")
}

/// All that was asked and answered fits the official descriptions, and nobody did what is forbidden.
#[track_caller]
pub(crate) fn fits(sim: &Symphony) {
    let found = sim.misfits_after(0);
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
    let found = sim.complaints();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}
