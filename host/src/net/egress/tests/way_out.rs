//! Proxies and credentials, against servers that answer by a function.

use std::sync::Mutex;

use tokio::net::TcpStream;

use super::*;
use crate::model::secret::Secret;
use crate::net::{Account, ClientAuth, Credential, HttpGrant, OAuth2, Proxy};

const PASSWORD: &str = "pr0xy-passw0rd";

/// A server on loopback that answers every request's text by a function, and keeps what it was sent.
struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (kept, answer) = (requests.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (kept, answer) = (kept.clone(), answer.clone());
                tokio::spawn(async move {
                    let mut socket = socket;
                    while let Some(request) = read_request(&mut socket).await {
                        let answer = answer(&request);
                        kept.lock().expect("kept").push(request);
                        // The pieces of a body leave one by one.
                        for piece in answer.split("|cut|") {
                            socket.write_all(piece.as_bytes()).await.expect("written");
                            socket.flush().await.expect("flushed");
                            tokio::task::yield_now().await;
                        }
                    }
                });
            }
        });
        Self { port, requests }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("kept").clone()
    }
}

/// Reads a request with a body of a stated length.
async fn read_request(socket: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(socket.read_u8().await.ok()?);
    }
    let text = String::from_utf8(request).expect("text");
    let length = header(&text, "content-length").map_or(0, |text| text.parse().expect("a length"));
    let mut body = vec![0; length];
    socket.read_exact(&mut body).await.ok()?;
    Some(text + &String::from_utf8(body).expect("text"))
}

/// A header of a request's text.
fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = request.lines().filter_map(|line| line.split_once(": "));
    lines
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

fn ok(headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
}

/// Knows one name, and keeps what it was asked.
struct Knows {
    name: &'static str,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Lookup for Knows {
    async fn lookup(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        self.asked.lock().expect("asked").push(name.to_owned());
        if name == self.name {
            return Ok(vec![IpAddr::from([127, 0, 0, 1])]);
        }
        Err(std::io::Error::other("no such name"))
    }
}

struct Behind {
    egress: Egress,
    lookup: Arc<Knows>,
}

/// A sender behind a proxy that wants a password.
fn behind(proxy: &Server, no_proxy: &[&str]) -> Behind {
    let lookup = Arc::new(Knows {
        name: "proxy.near",
        asked: Mutex::default(),
    });
    let account = Account::Open("joe".into());
    let password = Secret::new(PASSWORD.into());
    let url = format!("http://proxy.near:{}", proxy.port);
    let config = NetConfig {
        proxy: Proxy::new(&url, Some((&account, &password))).ok(),
        no_proxy: no_proxy
            .iter()
            .map(|it| it.parse().expect("a name"))
            .collect(),
        authorities: Vec::new(),
    };
    let egress = Egress::with_parts(4, lookup.clone(), &config).expect("a sender");
    Behind { egress, lookup }
}

impl Behind {
    async fn get(&self, grant: &str, url: &str) -> Result<(u16, Bytes), EgressError> {
        send(&self.egress, grant, url, &Caps::default()).await
    }

    fn asked(&self) -> Vec<String> {
        self.lookup.asked.lock().expect("asked").clone()
    }
}

#[tokio::test]
async fn a_plain_request_goes_through_the_proxy_by_name() {
    let proxy = Server::start(|_| ok("", "through")).await;
    let behind = behind(&proxy, &[]);
    let answer = behind
        .get("GET http://api.example/*", "http://api.example/x?q=1")
        .await;
    assert_eq!(answer.expect("answered").1, "through");
    let request = proxy.requests().remove(0);
    assert!(
        request.starts_with("GET http://api.example/x?q=1 HTTP/1.1\r\n"),
        "{request}"
    );
    assert_eq!(header(&request, "host"), Some("api.example"));
    // joe:pr0xy-passw0rd
    let shown = "Basic am9lOnByMHh5LXBhc3N3MHJk";
    assert_eq!(header(&request, "proxy-authorization"), Some(shown));
    assert_eq!(behind.asked(), ["proxy.near"]);
}

#[tokio::test]
async fn a_tunnel_is_asked_for_by_name_and_a_refusal_names_the_proxy() {
    let proxy = Server::start(|request| {
        let status = if request.starts_with("CONNECT barred.example") {
            403
        } else {
            407
        };
        format!("HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n")
    })
    .await;
    let behind = behind(&proxy, &[]);
    let error = behind
        .get(
            "GET https://api.example:8443/*",
            "https://api.example:8443/x",
        )
        .await;
    let error = error.expect_err("is refused");
    let name = format!("http://proxy.near:{}", proxy.port);
    let expected = format!("no way out: proxy {name} refused the user name or the password (407)");
    assert_eq!(error.to_string(), expected);
    assert!(error.is_for_operator());
    let request = proxy.requests().remove(0);
    assert!(
        request.starts_with("CONNECT api.example:8443 HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(header(&request, "proxy-authorization").is_some());

    let error = behind
        .get("GET https://barred.example/*", "https://barred.example/")
        .await;
    let expected = format!("not connected: proxy {name} answered 403 for barred.example:443");
    assert_eq!(error.expect_err("is refused").to_string(), expected);
    assert_eq!(behind.asked(), ["proxy.near", "proxy.near"]);
}

#[tokio::test]
async fn a_plain_request_that_the_proxy_does_not_take_is_an_error() {
    let proxy = Server::start(|_| "HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n".into()).await;
    let behind = behind(&proxy, &[]);
    let error = behind
        .get("GET http://api.example/*", "http://api.example/")
        .await;
    let error = error.expect_err("is refused");
    assert!(
        matches!(&error, EgressError::Proxy(text) if !text.contains(PASSWORD)),
        "{error}"
    );
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    // Nothing listens there without the right to.
    let gone = Server {
        port: 1,
        requests: Arc::default(),
    };
    let behind = behind(&gone, &[]);
    let error = behind
        .get("GET http://api.example/*", "http://api.example/")
        .await;
    let error = error.expect_err("is not reached").to_string();
    assert!(
        error.starts_with("no way out: proxy http://proxy.near:1 not reached: "),
        "{error}"
    );
}

#[tokio::test]
async fn behind_a_proxy_addresses_are_not_names() {
    let proxy = Server::start(|_| ok("", "through")).await;
    let behind = behind(&proxy, &["10.0.0.0/8"]);
    // A name does not cover an address, however it is written.
    for url in [
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[::1]/",
        "http://169.254.169.254/",
    ] {
        let error = behind.get("* http://*.example.com/*", url).await;
        assert!(
            matches!(error, Err(EgressError::Denied(_))),
            "{url}: {error:?}"
        );
    }
    // What the proxy would take for itself.
    for name in ["localhost", "api.localhost", "LOCALHOST."] {
        let url = format!("http://{name}/");
        let error = behind.get(&format!("GET {url}"), &url).await;
        assert!(
            matches!(error, Err(EgressError::Address(_))),
            "{name}: {error:?}"
        );
    }
    assert_eq!(proxy.requests(), Vec::<String>::new());
    // Granted by address, it goes the way of all.
    let answer = behind
        .get("GET http://192.168.1.1/*", "http://192.168.1.1/")
        .await;
    assert_eq!(answer.expect("answered").1, "through");
}

#[tokio::test]
async fn a_name_past_the_proxy_is_looked_up_and_checked() {
    let proxy = Server::start(|_| ok("", "through")).await;
    let behind = behind(&proxy, &["*.near"]);
    // It leads to this machine, as a name that a plugin chooses must not.
    let error = behind
        .get("GET http://proxy.near/*", "http://proxy.near/")
        .await;
    assert!(matches!(error, Err(EgressError::Address(_))), "{error:?}");
    assert_eq!(behind.asked(), ["proxy.near"]);
    assert_eq!(proxy.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn other_settings_hold_from_the_next_request_on() {
    let (first, second) = (
        Server::start(|_| ok("", "1")).await,
        Server::start(|_| ok("", "2")).await,
    );
    let egress = behind(&first, &[]).egress;
    let caps = quick();
    let get = || {
        send(
            &egress,
            "GET http://api.example/*",
            "http://api.example/",
            &caps,
        )
    };
    assert_eq!(get().await.expect("answered").1, "1");
    let proxy = Proxy::new(&second.url(""), None).ok();
    let config = NetConfig {
        proxy,
        ..NetConfig::default()
    };
    egress.configure(&config).expect("is set");
    assert_eq!(get().await.expect("answered").1, "2");
}

fn bearer(allow: String, token: &str) -> HttpGrant {
    HttpGrant {
        allow,
        credential: Credential::bearer(&Secret::new(token.into())).ok(),
        certificate: None,
    }
}

async fn fetch(
    request: http::request::Builder,
    grants: &HttpGrants,
) -> Result<http::Response<Bytes>, EgressError> {
    let egress = Egress::new(4).expect("a sender");
    let request = request.body(Bytes::new()).expect("a request");
    let (parts, body) = egress
        .send(request, grants, &Caps::default())
        .await?
        .into_parts();
    Ok(http::Response::from_parts(
        parts,
        body.collect().await?.to_bytes(),
    ))
}

#[tokio::test]
async fn a_credential_is_added_and_its_echo_is_taken_out() {
    let server = Server::start(|request| {
        let token = header(request, "authorization").unwrap_or("none").to_owned();
        let (head, tail) = token.split_at(10);
        let size = token.len() + 2;
        format!(
            "HTTP/1.1 200 OK\r\nx-echo: {token}\r\nlocation: /?t={token}\r\ntransfer-encoding: chunked\r\ntrailer: x-end\r\n\r\n\
             {:x}\r\n<{head}\r\n|cut|{:x}\r\n{tail}>\r\n|cut|0\r\nx-end: {token}\r\n\r\n",
            head.len() + 1,
            size - head.len() - 1,
        )
    })
    .await;
    let grants = HttpGrants::new(&[bearer(format!("GET {}", server.url("/*")), "t0ken-t0ken")]);
    let grants = grants.expect("a grant");
    let request = Request::get(server.url("/x"))
        .header("range", "bytes=0-3")
        .header("accept-encoding", "gzip");
    let answer = fetch(request, &grants).await.expect("answered");
    assert_eq!(answer.headers()["x-echo"], "Bearer ***********");
    assert_eq!(answer.headers()["location"], "/?t=Bearer ***********");
    assert_eq!(answer.body(), "<Bearer ***********>");
    let sent = server.requests().remove(0);
    assert_eq!(header(&sent, "authorization"), Some("Bearer t0ken-t0ken"));
    assert_eq!(header(&sent, "accept-encoding"), Some("identity"));
    assert_eq!(header(&sent, "range"), None);
}

#[tokio::test]
async fn a_guest_does_not_set_the_hosts_header() {
    let server = Server::start(|_| ok("", "")).await;
    let grants = HttpGrants::new(&[bearer(format!("GET {}", server.url("/*")), "t0ken-t0ken")]);
    let request = Request::get(server.url("/x")).header("Authorization", "Bearer mine");
    let error = fetch(request, &grants.expect("a grant"))
        .await
        .expect_err("is refused");
    assert!(matches!(error, EgressError::Denied(_)), "{error}");
    assert_eq!(server.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn an_answer_that_cannot_be_looked_through_is_refused() {
    let server = Server::start(|_| ok("content-encoding: gzip\r\n", "\u{1f}")).await;
    let allow = format!("GET {}", server.url("/*"));
    let grants = HttpGrants::new(&[bearer(allow.clone(), "t0ken-t0ken")]).expect("a grant");
    let error = fetch(Request::get(server.url("/x")), &grants)
        .await
        .expect_err("is refused");
    assert_eq!(
        error.to_string(),
        "answer is encoded: content-encoding: gzip"
    );
    // A plugin without secrets may take what it likes.
    let grants = HttpGrants::parse(&[allow]).expect("a grant");
    assert!(fetch(Request::get(server.url("/x")), &grants).await.is_ok());
}

/// A server that gives tokens of rising numbers and takes those that are not revoked.
struct Bank {
    server: Server,
    first_good: Arc<Mutex<usize>>,
    grants: HttpGrants,
}

async fn bank(life_secs: u64) -> Bank {
    let first_good = Arc::new(Mutex::new(1));
    let (given, good) = (Mutex::new(0), first_good.clone());
    let server = Server::start(move |request| {
        if request.starts_with("POST /token ") {
            let mut given = given.lock().expect("given");
            *given += 1;
            let body = format!(r#"{{"access_token":"token-no-{given}","expires_in":{life_secs}}}"#);
            return ok("", &body);
        }
        let shown = header(request, "authorization").unwrap_or("").to_owned();
        let number: usize = shown
            .trim_start_matches("Bearer token-no-")
            .parse()
            .unwrap_or(0);
        if number >= *good.lock().expect("good") {
            return ok("", &shown);
        }
        "HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n".to_owned()
    })
    .await;
    let settings = OAuth2 {
        token_url: server.url("/token").parse().expect("an address"),
        client_id: Account::Open("bot".into()),
        client_secret: Secret::new("cl1ent-s3cret".into()),
        scope: None,
        audience: None,
        client_auth: ClientAuth::Basic,
    };
    let grant = HttpGrant {
        allow: format!("* {}", server.url("/api/*")),
        credential: Credential::oauth2(settings).ok(),
        certificate: None,
    };
    Bank {
        grants: HttpGrants::new(&[grant]).expect("a grant"),
        server,
        first_good,
    }
}

impl Bank {
    async fn get(&self) -> (u16, Bytes) {
        let answer = fetch(Request::get(self.server.url("/api/x")), &self.grants).await;
        let answer = answer.expect("answered");
        (answer.status().as_u16(), answer.into_body())
    }

    fn lines(&self) -> Vec<String> {
        let requests = self.server.requests();
        let line = |request: &String| request.lines().next().unwrap_or("").to_owned();
        requests.iter().map(line).collect()
    }
}

const TOKEN: &str = "POST /token HTTP/1.1";
const API: &str = "GET /api/x HTTP/1.1";

#[tokio::test]
async fn a_token_is_fetched_once_and_hidden() {
    let bank = bank(600).await;
    assert_eq!(bank.get().await, (200, "Bearer **********".into()));
    assert_eq!(bank.get().await, (200, "Bearer **********".into()));
    assert_eq!(bank.lines(), [TOKEN, API, API]);
}

#[tokio::test]
async fn a_token_that_is_refused_is_renewed_once() {
    let bank = bank(600).await;
    bank.get().await;
    *bank.first_good.lock().expect("good") = 2;
    assert_eq!(bank.get().await.0, 200);
    assert_eq!(bank.lines(), [TOKEN, API, API, TOKEN, API]);
    // A new one that is refused too is not the token's fault.
    *bank.first_good.lock().expect("good") = usize::MAX;
    assert_eq!(bank.get().await.0, 401);
    assert_eq!(bank.lines()[5..], [API, TOKEN, API]);
}

#[tokio::test]
async fn a_token_that_lives_no_time_is_fetched_each_time() {
    let bank = bank(0).await;
    bank.get().await;
    bank.get().await;
    assert_eq!(bank.lines(), [TOKEN, API, TOKEN, API]);
}
