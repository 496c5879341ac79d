//! The control API that all simulators have below `/_sim`, and the line that a started one prints.

use axum::http::Method;
use serde_json::{Value, json};

use super::server::Shared;
use super::{Fault, Reply, Request};

/// Where it lies.
pub(crate) const PREFIX: &str = "/_sim";

/// What the control API answers.
///
/// | Request | Does |
/// |---|---|
/// | `POST /_sim/say`, `/submit`, `/member`, … | what the platform's `act` knows |
/// | `GET /_sim/sent?after=N` | what bots did |
/// | `POST /_sim/fault` | the next matching calls fail |
/// | `DELETE /_sim/fault` | no more calls fail |
/// | `GET /_sim/log?after=N` | every request received, secrets shown |
/// | `GET /_sim/bot` | the line printed at the start |
#[derive(Clone, Copy, Debug)]
pub struct Controls;

impl Controls {
    /// Answers one request of a script.
    pub(crate) fn answer(shared: &Shared, request: &Request) -> Reply {
        let verb = request.path[PREFIX.len()..].trim_matches('/');
        let after = request
            .number("after")
            .and_then(|after| u64::try_from(after).ok());
        let after = after.unwrap_or(0);
        match (&request.method, verb) {
            (&Method::GET, "sent") => {
                let items = shared.platform.sent(after);
                Reply::json(200, &json!({ "items": items }))
            }
            (&Method::GET, "log") => {
                Reply::json(200, &json!({ "items": shared.record.after(after) }))
            }
            (&Method::GET, "bot") => Reply::json(200, &shared.platform.bot()),
            (&Method::DELETE, "fault") => {
                shared.faults.clear();
                Reply::json(200, &json!({}))
            }
            (&Method::POST, "fault") => match serde_json::from_slice(&request.body) {
                Ok(fault) => {
                    Self::add(shared, fault);
                    Reply::json(200, &json!({}))
                }
                Err(error) => refused(&error.to_string()),
            },
            (&Method::POST, verb) => {
                let what = if request.body.is_empty() {
                    Ok(json!({}))
                } else {
                    request.json()
                };
                let done = what.map_err(|error| error.to_string());
                match done.and_then(|what| shared.platform.act(verb, &what)) {
                    Ok(answer) => Reply::json(200, &answer),
                    Err(error) => refused(&error),
                }
            }
            _ => refused("no such control"),
        }
    }

    /// Makes the next matching calls fail, or disturbs the platform at once.
    pub(crate) fn add(shared: &Shared, mut fault: Fault) {
        shared.platform.disturb(&fault);
        if !fault.fails_calls() {
            return;
        }
        if fault.close_socket {
            let closed = shared.close_waiting(&fault);
            match fault.times {
                Some(0) => {}
                times => {
                    let left = times.unwrap_or(1).saturating_sub(closed);
                    if left == 0 {
                        return;
                    }
                    fault.times = Some(left);
                }
            }
        }
        shared.faults.add(fault);
    }
}

fn refused(message: &str) -> Reply {
    let message: Value = message.into();
    Reply::json(400, &json!({ "error": message }))
}
