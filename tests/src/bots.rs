//! A host in the test's own process with one bot on a simulated platform: what the tests of every
//! platform ask of it. What only one platform has is beside that platform's tests.

pub mod section;

use std::ops::Deref;
use std::time::Duration;

use parlor_host::mailbox::control::BotState;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::guests;
use crate::harness::{PATIENCE, TestHost, TestHostParts};
use crate::sim::{Logged, Sent, Shared};
use crate::stage::all_grants;

/// The bot's name in the settings.
pub const DESK: &str = "desk";

/// Redirects that a browser follows.
const MOST_REDIRECTS: usize = 6;
/// How often a bot's state is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// In this time a bot that does something has done it.
const MEANWHILE: Duration = Duration::from_millis(500);

/// A host with one bot, and the platform it is on.
pub struct OneBot<S> {
    /// The platform.
    pub sim: S,
    /// The host.
    pub host: TestHost,
}

impl<S: Deref<Target = Shared>> OneBot<S> {
    /// Starts a host on a platform, without waiting for its bot.
    ///
    /// # Panics
    /// When the host does not start or a plugin is refused.
    pub async fn on(sim: S, settings: String, plugins: &[&str]) -> Self {
        let host = serve(settings, plugins).await;
        Self { sim, host }
    }

    /// The same with other parts of a host.
    ///
    /// # Panics
    /// When the host does not start or a plugin is refused.
    pub async fn with(sim: S, parts: TestHostParts, plugins: &[&str]) -> Self {
        let host = serve_with(parts, plugins).await;
        Self { sim, host }
    }

    /// How the bot does, and why.
    pub fn state(&self) -> (BotState, Option<String>) {
        state(&self.host, DESK)
    }

    /// Waits until the bot is as wanted.
    ///
    /// # Panics
    /// When that takes longer than [`PATIENCE`].
    pub async fn until(&self, wanted: BotState) {
        until(&self.host, DESK, wanted, || asked_in_full(&self.sim)).await;
    }

    /// Waits for what the bot does after this that is like this.
    ///
    /// # Panics
    /// When that takes longer than [`PATIENCE`]; with everything that is known of why.
    pub async fn does(&self, after: u64, is_wanted: impl Fn(&Sent) -> bool) -> Sent {
        if let Some(found) = self.sim.sent_like(after, PATIENCE, is_wanted).await {
            return found;
        }
        let given_up = self.host.dead_letters().await;
        panic!(
            "the bot did not; it did {:#?}; state {:?}; asked {:#?}; called {:#?}; outbox {:#?}; given up {given_up:#?}",
            self.sim.sent_after(after),
            self.state(),
            asked_in_full(&self.sim),
            self.sim.called(),
            self.host.host().outbox().status(),
        )
    }

    /// Waits for a message of the bot that has this in it.
    ///
    /// # Panics
    /// When that takes longer than [`PATIENCE`].
    pub async fn says(&self, after: u64, text: &str) -> Sent {
        self.does(after, |sent| {
            sent.kind == "message" && sent.text.contains(text)
        })
        .await
    }

    /// Lets some time pass in which nothing may happen, and gives what the bot did all the same.
    pub async fn meanwhile(&self, after: u64) -> Vec<Sent> {
        self.sim.sent_like(after, MEANWHILE, |_| false).await;
        self.sim.sent_after(after)
    }

    /// The requests so far, a line each: method, path, status.
    pub fn asked(&self) -> Vec<String> {
        let requests = self.sim.requests_after(0);
        let line = |it: &Logged| format!("{} {} {:?}", it.method, it.path, it.status);
        requests.iter().map(line).collect()
    }

    /// Stops the host, and gives the platform.
    pub async fn close(self) -> S {
        self.host.stop().await;
        self.sim
    }
}

/// How a bot of a host does, and why.
///
/// # Panics
/// When the host has no such bot.
pub fn state(host: &TestHost, bot: &str) -> (BotState, Option<String>) {
    let mut all = host.host().sessions().status().into_iter();
    let found = all.find(|row| row.name == bot);
    let found = found.unwrap_or_else(|| panic!("there is no bot {bot}"));
    (found.state, found.reason)
}

/// Waits until a bot of a host is as wanted; `why` tells what is known where it does not come to be.
///
/// # Panics
/// When that takes longer than [`PATIENCE`].
pub async fn until(
    host: &TestHost,
    bot: &str,
    wanted: BotState,
    why: impl FnOnce() -> Vec<String>,
) {
    let waited = async {
        while state(host, bot).0 != wanted {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    if tokio::time::timeout(PATIENCE, waited).await.is_err() {
        panic!(
            "{bot} is never {wanted:?}: {:?}; {:#?}",
            state(host, bot),
            why()
        );
    }
}

/// Starts a host with components of [`guests`], each with what it needs to be granted. They are there
/// before a bot comes to its platform: nothing that it hears is before their time.
///
/// # Panics
/// When the host does not start or a plugin is refused.
pub async fn serve(settings: String, plugins: &[&str]) -> TestHost {
    let parts = TestHostParts {
        settings,
        ..TestHostParts::default()
    };
    serve_with(parts, plugins).await
}

/// The same with other parts of a host.
///
/// # Panics
/// When the host does not start or a plugin is refused.
pub async fn serve_with(parts: TestHostParts, plugins: &[&str]) -> TestHost {
    let host = TestHost::closed(parts).await;
    for plugin in plugins {
        host.load(plugin, guests::bytes(plugin), own(plugin).as_deref())
            .await;
        assert_eq!(host.row(plugin).last_error, None, "{plugin} is refused");
    }
    host.open().await;
    host.host().hooks().open(None);
    host
}

/// Calls an address with the head of a body of so many bytes and not one of them; the status of the answer.
///
/// # Panics
/// When there is no answer.
pub async fn announce(address: &str, bytes: usize, header: &str) -> u16 {
    let url = url::Url::parse(address).expect("an address");
    let at = url.socket_addrs(|| None).expect("an address")[0];
    let stream = tokio::net::TcpStream::connect(at).await;
    let mut stream = stream.expect("a connection");
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: {bytes}\r\n{header}\r\n\r\n",
        url.path()
    );
    stream.write_all(head.as_bytes()).await.expect("it is sent");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.expect("an answer");
    let status = std::str::from_utf8(&answer[9..]).ok();
    status
        .and_then(|status| status.parse().ok())
        .unwrap_or_else(|| panic!("no status: {answer:?}"))
}

/// A browser in which somebody lets an app in.
pub struct Consent<'a> {
    /// The platform, where it sends without a host.
    pub base: &'a str,
    /// The address that the app has registered …
    pub redirect: &'a str,
    /// … and where a bot of the host is called in its place.
    pub called: &'a str,
}

impl Consent<'_> {
    /// Goes where a link leads, and where it is sent from there; the status and text of the last page.
    ///
    /// # Panics
    /// When the redirects have no end, or something does not answer.
    pub async fn browse(&self, link: &str) -> (u16, String) {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client");
        let mut at = link.to_owned();
        for _ in 0..MOST_REDIRECTS {
            let answer = client.get(&at).send().await.expect("an answer");
            let status = answer.status().as_u16();
            let Some(to) = answer.headers().get("location") else {
                return (status, answer.text().await.expect("a page"));
            };
            let to = to.to_str().expect("an address").to_owned();
            at = match to.strip_prefix(self.redirect) {
                Some(rest) => format!("{}{rest}", self.called),
                None if to.starts_with('/') => format!("{}{to}", self.base),
                None => to,
            };
        }
        panic!("redirects without an end: {at}")
    }
}

/// The settings of a plugin's own. As everywhere the demo's plugins ask for nothing but what their
/// README names; the guests that act as they are told may do everything.
fn own(plugin: &str) -> Option<String> {
    match plugin {
        // A message of nine megabytes is more than a slow machine makes in a plugin's usual time.
        "actions" | "reads" => Some(format!("{}\n[limits]\ncpu-ms = 5000\n", all_grants())),
        "expense" => Some("grants.actions = [\"send-user\"]\n".to_owned()),
        "front-desk" => Some(format!(
            "{}config = {{ groups = [\"7\", \"8\"] }}\n",
            all_grants()
        )),
        _ => None,
    }
}

fn asked_in_full(sim: &Shared) -> Vec<String> {
    let requests = sim.requests_after(0);
    let line = |it: &Logged| {
        format!(
            "{} {} {:?} {} → {}",
            it.method, it.path, it.status, it.body, it.answer
        )
    };
    requests.iter().map(line).collect()
}
