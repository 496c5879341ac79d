//! The other side of a plugin's requests: the fixtures of its dialog. Nothing leaves the process.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};
use parking_lot::Mutex;

use super::script::{Fixture, FixtureAnswer, HttpRequest};
use crate::net::{Answers, EgressError};

/// Requests that are kept.
const MAX_REQUESTS: usize = 10_000;

/// A fixture, and how often it answered.
#[derive(Debug)]
struct Placed {
    fixture: Fixture,
    line: usize,
    uses: u64,
}

/// A request that the plugin made.
#[derive(Clone, Debug)]
pub(super) struct Made {
    /// Which one.
    pub(super) request: HttpRequest,
    /// Its body.
    pub(super) body: String,
    /// How it was answered, for people; none where the dialog has no answer.
    pub(super) answer: Option<String>,
    /// A step expects it.
    pub(super) is_expected: bool,
}

/// The fixtures of a dialog so far, and what was asked.
#[derive(Debug, Default)]
pub(super) struct DialogAnswers {
    /// What the dialog has no answer for is refused, and no mistake of the dialog's.
    refuses_others: AtomicBool,
    placed: Mutex<Vec<Placed>>,
    made: Mutex<Vec<Made>>,
}

impl DialogAnswers {
    /// Answers with this from now on.
    pub(super) fn place(&self, fixture: Fixture, line: usize) {
        self.placed.lock().push(Placed {
            fixture,
            line,
            uses: 0,
        });
    }

    /// Refuses from now on whatever has no answer.
    pub(super) fn refuse_others(&self) {
        self.refuses_others.store(true, Ordering::Relaxed);
    }

    /// Reads, or changes, what was asked so far.
    pub(super) fn with_made<T>(&self, look: impl FnOnce(&mut Vec<Made>) -> T) -> T {
        look(&mut self.made.lock())
    }

    /// The first fixture of this dialog alone that answered nothing, with its line.
    pub(super) fn unused(&self) -> Option<(usize, HttpRequest)> {
        let placed = self.placed.lock();
        let mut own = placed.iter().filter(|it| !it.fixture.is_shared);
        own.find(|it| it.uses == 0)
            .map(|it| (it.line, it.fixture.request.clone()))
    }

    /// The lines of the fixtures for all of the file that answered something.
    pub(super) fn shared_used(&self) -> BTreeSet<usize> {
        let placed = self.placed.lock();
        let shared = placed.iter().filter(|it| it.fixture.is_shared);
        shared.filter(|it| it.uses > 0).map(|it| it.line).collect()
    }

    /// The fixture whose turn it is: several for one request are used in turn, and the last one stays.
    fn next(&self, request: &HttpRequest) -> Option<FixtureAnswer> {
        let mut placed = self.placed.lock();
        let is_meant = |it: &Placed| it.fixture.request == *request;
        let unused = placed.iter().position(|it| is_meant(it) && it.uses == 0);
        let place = unused.or_else(|| placed.iter().rposition(is_meant))?;
        placed[place].uses += 1;
        Some(placed[place].fixture.answer.clone())
    }
}

impl Answers for DialogAnswers {
    fn answer(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, EgressError> {
        let url = request.uri().to_string();
        let asked = HttpRequest {
            method: request.method().to_string(),
            url: url::Url::parse(&url).map_or(url, String::from),
        };
        let refused = || {
            let refuses = self.refuses_others.load(Ordering::Relaxed);
            refuses.then_some(FixtureAnswer::Refused)
        };
        let answer = self.next(&asked).or_else(refused);
        let words = answer.as_ref().map(|answer| match answer {
            FixtureAnswer::Response { status, .. } => status.to_string(),
            FixtureAnswer::Timeout => "timeout".to_owned(),
            FixtureAnswer::Refused => "refused".to_owned(),
        });
        let mut made = self.made.lock();
        if made.len() < MAX_REQUESTS {
            made.push(Made {
                request: asked,
                body: String::from_utf8_lossy(request.body()).into_owned(),
                answer: words,
                is_expected: false,
            });
        }
        drop(made);
        match answer {
            Some(FixtureAnswer::Response {
                status,
                headers,
                body,
            }) => Ok(response(status, &headers, body)),
            Some(FixtureAnswer::Timeout) => Err(EgressError::TimedOut),
            Some(FixtureAnswer::Refused) => {
                Err(EgressError::Connect("the dialog says so".to_owned()))
            }
            None => Err(EgressError::Connect(
                "the dialog has no answer for it".to_owned(),
            )),
        }
    }
}

fn response(status: u16, headers: &[(String, String)], body: String) -> Response<Bytes> {
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&body).is_ok();
    let is_empty = body.is_empty();
    let mut response = Response::new(Bytes::from(body));
    if let Ok(status) = StatusCode::from_u16(status) {
        *response.status_mut() = status;
    }
    for (name, value) in headers {
        // Both were checked when the file was read.
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            response.headers_mut().append(name, value);
        }
    }
    if !is_empty && !response.headers().contains_key(header::CONTENT_TYPE) {
        let kind = if is_json {
            "application/json"
        } else {
            "text/plain; charset=utf-8"
        };
        let kind = HeaderValue::from_static(kind);
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}

/// Tells whether a body is what is expected: the same text, or the same JSON.
pub(super) fn is_body(expected: &str, body: &str) -> bool {
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    match (json(expected), json(body)) {
        (Some(expected), Some(body)) => expected == body,
        _ => super::script::tidy(expected) == super::script::tidy(body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(status: u16) -> Fixture {
        Fixture {
            request: HttpRequest {
                method: "GET".to_owned(),
                url: "https://a.example/".to_owned(),
            },
            answer: FixtureAnswer::Response {
                status,
                headers: Vec::new(),
                body: "{}".to_owned(),
            },
            is_shared: false,
        }
    }

    fn ask(answers: &DialogAnswers) -> Option<u16> {
        let request = Request::get("https://a.example")
            .body(Bytes::new())
            .unwrap();
        let answer = answers.answer(&request).ok();
        answer.map(|answer| answer.status().as_u16())
    }

    #[test]
    fn several_for_one_request_are_used_in_turn_and_the_last_stays() {
        let answers = DialogAnswers::default();
        assert_eq!(ask(&answers), None);
        answers.place(fixture(200), 1);
        answers.place(fixture(404), 2);
        assert_eq!(answers.unused().map(|(line, _)| line), Some(1));
        assert_eq!(
            [ask(&answers), ask(&answers), ask(&answers)],
            [Some(200), Some(404), Some(404)]
        );
        assert_eq!(answers.unused(), None);
        // One that comes later takes its turn.
        answers.place(fixture(500), 3);
        assert_eq!([ask(&answers), ask(&answers)], [Some(500), Some(500)]);
        let unanswered =
            answers.with_made(|made| made.iter().filter(|it| it.answer.is_none()).count());
        assert_eq!(unanswered, 1);
    }

    #[test]
    fn bodies_are_compared_as_json_where_they_are() {
        assert!(is_body(r#"{"a": 1, "b": 2}"#, r#"{"b":2,"a":1}"#));
        assert!(!is_body(r#"{"a": 1}"#, r#"{"a": 2}"#));
        assert!(is_body("a \nb", "a\nb\n"));
    }
}
