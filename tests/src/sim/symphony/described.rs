//! Requests and answers against the official descriptions of the platform.

use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::Value;

use super::Symphony;
use crate::guests::workspace;
use crate::openapi::{Asked, OpenApi};
use crate::sim::Logged;
use crate::sim::left_out;

/// The descriptions and where their paths begin: current ones first.
const FILES: [(&str, &str); 9] = [
    ("login/login-api-public.yaml", "/login"),
    ("login/login-api-public.yaml", "/relay"),
    (
        "authenticator/authenticator-api-public.yaml",
        "/sessionauth",
    ),
    ("authenticator/authenticator-api-public.yaml", "/keyauth"),
    ("agent/agent-api-public.yaml", "/agent"),
    ("pod/pod-api-public.yaml", "/pod"),
    (
        "authenticator/authenticator-api-public-deprecated.yaml",
        "/sessionauth",
    ),
    ("agent/agent-api-public-deprecated.yaml", "/agent"),
    ("pod/pod-api-public-deprecated.yaml", "/pod"),
];

/// What the descriptions leave out and the platform's document has: an end of a path, a status.
const UNDESCRIBED: [(&str, u16); 1] = [
    // An account that has its twenty feeds, or one that acts for somebody.
    ("/agent/v5/datafeeds", 403),
];

/// Where the official descriptions lie, beside the repository.
fn folder() -> PathBuf {
    let root = workspace();
    let beside = root
        .parent()
        .map(|parent| parent.join("shared/specs/symphony"));
    beside.unwrap_or(root)
}

/// The official descriptions; none, said aloud, where they do not lie beside the repository.
///
/// # Panics
/// When they are there and cannot be read.
pub fn symphony_api() -> Option<&'static OpenApi> {
    static API: OnceLock<Option<OpenApi>> = OnceLock::new();
    let api = API.get_or_init(|| {
        let folder = folder();
        if !folder.is_dir() {
            left_out(&format!(
                "nothing is checked against the official descriptions: {} is not there",
                folder.display()
            ));
            return None;
        }
        let mut api = OpenApi::default();
        for (file, prefix) in FILES {
            api.read(&folder.join(file), prefix)
                .expect("an official description can be read");
        }
        Some(api)
    });
    api.as_ref()
}

impl Symphony {
    /// What of the requests after this number and of their answers does not fit the official
    /// descriptions. Requests that were refused, and answers that a fault made, are not looked at.
    pub fn misfits_after(&self, number: u64) -> Vec<String> {
        let Some(api) = symphony_api() else {
            return Vec::new();
        };
        let requests = self.requests_after(number);
        requests
            .iter()
            .flat_map(|logged| misfits(api, logged))
            .collect()
    }
}

fn misfits(api: &OpenApi, logged: &Logged) -> Vec<String> {
    // Without a status it waits still, or its client went away; 0: its connection was closed.
    let Some(status) = logged
        .status
        .filter(|status| *status != 0 && !logged.faulted)
    else {
        return Vec::new();
    };
    let path = logged.path.as_str();
    if !api.knows(&logged.method, path) && status == 404 {
        return vec![format!("{} {path}: no description has it", logged.method)];
    }
    let mut found = Vec::new();
    // How often is throttled is described nowhere; that bodies may be too large neither.
    let is_left_out =
        UNDESCRIBED.contains(&(path, status)) || matches!(status, 429 | 413 | 415 | 410);
    if !is_left_out {
        let answer = logged.answer.as_bytes();
        for complaint in api.check_response(&logged.method, path, status, answer) {
            found.push(format!("answer {status}: {complaint}"));
        }
    }
    if status < 300 {
        found.extend(
            check_request(api, logged)
                .into_iter()
                .map(|it| format!("request: {it}")),
        );
    }
    let place = format!("{}: {} {path}", logged.n, logged.method);
    found
        .into_iter()
        .map(|complaint| format!("{place}: {complaint}"))
        .collect()
}

fn check_request(api: &OpenApi, logged: &Logged) -> Vec<String> {
    let parts = logged.notes.get("parts").and_then(Value::as_array);
    let parts: Option<Vec<String>> = parts.map(|parts| {
        parts
            .iter()
            .filter_map(|part| part["name"].as_str())
            .map(str::to_owned)
            .collect()
    });
    let body = logged.json();
    let complaints = api.check_request(Asked {
        method: &logged.method,
        path: &logged.path,
        query: &logged.query,
        headers: &logged.headers,
        body: if parts.is_some() { None } else { body.as_ref() },
        parts: parts.as_deref(),
    });
    // A bearer's token takes the session's place, which the pod's description does not know.
    let has_bearer = logged.header("authorization").is_some();
    let is_known = |it: &String| has_bearer && it.contains("sessionToken is missing");
    complaints.into_iter().filter(|it| !is_known(it)).collect()
}
