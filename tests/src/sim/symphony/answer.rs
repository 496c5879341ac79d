//! How endpoints answer.

use serde_json::{Value, json};

use crate::sim::Reply;

/// A refusal: a status, and a body that says why.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) body: Value,
}

/// What an endpoint gives.
pub(super) type Answer = Result<Reply, Refusal>;

/// Refuses in the platform's usual shape.
pub(super) fn refuse(status: u16, message: &str) -> Refusal {
    Refusal {
        status,
        body: json!({ "code": status, "message": message }),
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        Self::json(refusal.status, &refusal.body)
    }
}

/// Answers JSON.
pub(super) fn good(body: &Value) -> Answer {
    Ok(Reply::json(200, body))
}

/// Answers a list; one without entries has no body at all.
pub(super) fn list(items: Vec<Value>) -> Answer {
    if items.is_empty() {
        return Ok(Reply::empty(204));
    }
    good(&Value::Array(items))
}

/// Answers that something was done.
pub(super) fn done(message: &str) -> Answer {
    good(&json!({ "format": "TEXT", "message": message }))
}
