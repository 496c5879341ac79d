//! What a plugin fetches in its own language's way: what is granted, and nothing else. A refusal is an
//! error that it can catch. And the words that its operator chose.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use parlor_tests::harness::TestHost;

/// A behaviour that answers with what it fetches, or with what it caught.
pub(super) const JAVASCRIPT: &str = r#"import { Plugin } from "parlor";
const plugin = new Plugin("fetcher", "Fetches");
plugin.command("/get {url}", async (cx, { url }) => {
  try {
    const answer = await fetch(url);
    return `${answer.status} ${await answer.text()}`;
  } catch (error) {
    return `caught ${error}`;
  }
});
plugin.config("dish", { default: "soup" });
plugin.config("tool");
plugin.message({ word: "{=dish}" }, () => "served");
plugin.message({ regex: "^with {=tool} (\\d+)$" }, () => "cut");
export const { behaviour } = plugin;
"#;

/// The same in Python.
pub(super) const PYTHON: &str = r#"from parlor import Plugin, http

plugin = Plugin("fetcher", "Fetches")


@plugin.command("/get {url}")
async def get(cx, url):
    try:
        answer = await http.fetch(url)
        return f"{answer.status} {answer.text}"
    except http.HttpError as error:
        return f"caught {error}"


plugin.config("dish", default="soup")
plugin.config("tool")


@plugin.message(word="{=dish}")
def served(cx):
    return "served"


@plugin.message(regex=r"^with {=tool} (\d+)$")
def cut(cx):
    return "cut"


Behaviour = plugin.behaviour()
"#;

/// A server whose `/moved` leads to `/secret`; how often that was asked for.
async fn server() -> (u16, Arc<AtomicU32>) {
    let asked = Arc::new(AtomicU32::new(0));
    let secret = asked.clone();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("loopback can be listened on");
    let port = listener.local_addr().expect("it has an address").port();
    let elsewhere = format!("http://127.0.0.1:{port}/secret");
    let router = Router::new()
        .route("/open", get(|| async { "opened" }))
        .route(
            "/moved",
            get(|| async move { Redirect::temporary(&elsewhere) }),
        )
        .route(
            "/secret",
            get(|| async move {
                secret.fetch_add(1, Ordering::Relaxed);
                "secret"
            }),
        );
    tokio::spawn(async move { axum::serve(listener, router).await });
    (port, asked)
}

/// Has a behaviour fetch what it may and what it may not.
pub(super) async fn only_what_is_granted(component: Vec<u8>) {
    let (port, asked) = server().await;
    let grants = ["/open", "/moved"].map(|path| format!("\"GET http://127.0.0.1:{port}{path}\""));
    // A grant by name does not lead to addresses of this machine.
    let named = format!("\"GET http://localhost:{port}/*\"");
    let settings = format!(
        "grants.http = [{}, {named}]\nconfig.tool = \"a+b\"",
        grants.join(", ")
    );
    let host = TestHost::with(&[]).await;
    host.load("fetcher", component, Some(&settings)).await;
    assert_eq!(host.row("fetcher").last_error, None);
    for (said, answer) in [
        ("Soup, please", &["served"][..]),
        ("with a+b 7", &["cut"]),
        ("with aab 7", &[]),
        ("{=dish}", &[]),
    ] {
        assert_eq!(host.ask(said).await, answer, "{said}");
    }
    let fetch = async |url: String| {
        let mut answers = host.ask(&format!("/get {url}")).await;
        assert_eq!(answers.len(), 1, "{url}: {answers:?}");
        answers.remove(0)
    };
    let open = fetch(format!("http://127.0.0.1:{port}/open")).await;
    assert_eq!(open, "200 opened");
    for refused in [
        format!("http://127.0.0.1:{port}/secret"),
        format!("http://localhost:{port}/secret"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "https://example.com/".to_owned(),
    ] {
        let answer = fetch(refused.clone()).await;
        assert!(answer.starts_with("caught "), "{refused}: {answer}");
    }
    // It is told where it was sent, or is refused there; it never arrives.
    let moved = fetch(format!("http://127.0.0.1:{port}/moved")).await;
    assert!(
        moved.starts_with("307") || moved.starts_with("caught "),
        "{moved}"
    );
    assert_eq!(asked.load(Ordering::Relaxed), 0, "nothing reached /secret");
    // What was refused is no fault: it answers on.
    assert_eq!(
        fetch(format!("http://127.0.0.1:{port}/open")).await,
        "200 opened"
    );
    assert_eq!(host.row("fetcher").last_error, None);
    host.stop().await;
}
