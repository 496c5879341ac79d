//! Requests against the official description of the API.

use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::Value;

use super::Webex;
use crate::guests::workspace;
use crate::openapi::{Asked, OpenApi};
use crate::sim::{Logged, left_out};

/// Where the official descriptions lie, beside the repository.
pub fn folder() -> PathBuf {
    let root = workspace();
    let beside = root
        .parent()
        .map(|parent| parent.join("shared/specs/webex"));
    beside.unwrap_or(root)
}

/// The official description; none, said aloud, where it does not lie beside the repository.
///
/// # Panics
/// When it is there and cannot be read.
pub fn webex_api() -> Option<&'static OpenApi> {
    static API: OnceLock<Option<OpenApi>> = OnceLock::new();
    let api = API.get_or_init(|| {
        let file = folder().join("webex-messaging.json");
        if !file.is_file() {
            left_out(&format!(
                "nothing is checked against the official description: {} is not there",
                file.display()
            ));
            return None;
        }
        let mut api = OpenApi::default();
        api.read(&file, "/v1")
            .expect("the official description can be read");
        Some(api)
    });
    api.as_ref()
}

impl Webex {
    /// What of the requests after this number does not fit the official description. Requests that were
    /// refused, files, and forms of files are not looked at: it has none of them.
    pub fn misfits_after(&self, number: u64) -> Vec<String> {
        let Some(api) = webex_api() else {
            return Vec::new();
        };
        let requests = self.requests_after(number);
        let looked_at = requests.iter().filter(|logged| {
            let is_good = logged
                .status
                .is_some_and(|status| (200..300).contains(&status));
            let is_described =
                logged.path.starts_with("/v1/") && !logged.path.starts_with("/v1/contents/");
            is_good && is_described && !logged.notes.contains_key("parts")
        });
        looked_at.flat_map(|logged| misfits(api, logged)).collect()
    }
}

/// What the description has wrong or leaves out, said by its own source (`SOURCE.txt`), is passed over:
/// cards in `attachments`, and webhooks of everything.
fn misfits(api: &OpenApi, logged: &Logged) -> Vec<String> {
    let mut body = logged.json();
    if let Some(Value::Object(body)) = &mut body {
        body.remove("attachments");
        for (name, one_of_all) in [("resource", "messages"), ("event", "created")] {
            if body.get(name) == Some(&"all".into()) {
                body.insert(name.to_owned(), one_of_all.into());
            }
        }
    }
    let complaints = api.check_request(Asked {
        method: &logged.method,
        path: &logged.path,
        query: &logged.query,
        headers: &logged.headers,
        body: body.as_ref(),
        parts: None,
    });
    // Cursors are the platform's own, and described nowhere.
    let is_known = |it: &String| it.contains("query parameter cursor");
    let place = format!("{}: {} {}", logged.n, logged.method, logged.path);
    complaints
        .into_iter()
        .filter(|it| !is_known(it))
        .map(|complaint| format!("{place}: {complaint}"))
        .collect()
}
