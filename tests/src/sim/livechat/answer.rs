//! How endpoints answer, and what each type of error is.

use serde_json::{Value, json};

use crate::sim::{Fault, Reply};

/// Types of errors that the platform's documents list, with the status that this copy gives them: none
/// is documented but those of validation and authentication.
pub const ERRORS: [(&str, u16); 29] = [
    ("agent_offline", 400),
    ("already_exists", 400),
    ("authentication", 401),
    ("authorization", 403),
    ("chat_anonymized", 400),
    ("chat_inactive", 400),
    ("entity_too_large", 413),
    ("group_not_found", 404),
    ("groups_offline", 400),
    ("internal", 500),
    ("license_expired", 403),
    ("license_not_found", 404),
    ("limit_reached", 400),
    ("misdirected_request", 421),
    ("missing_access", 403),
    ("not_allowed", 403),
    ("not_found", 404),
    ("ownership_transfer", 403),
    ("pending_requests_limit_reached", 400),
    ("request_timeout", 504),
    ("requester_already_offline", 400),
    ("requester_awaiting_approval", 403),
    ("requester_suspended", 403),
    ("seats_limit_exceeded", 400),
    ("service_unavailable", 503),
    ("too_many_requests", 429),
    ("unsupported_version", 400),
    ("validation", 400),
    ("wrong_product_version", 403),
];

/// A refusal.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    status: u16,
    body: Value,
}

/// What an endpoint gives.
pub(super) type Answer = Result<Value, Refusal>;

/// Refuses with a type of error.
pub(super) fn refuse(kind: &str, message: &str) -> Refusal {
    Refusal {
        status: status_of(kind),
        body: json!({"error": {"type": kind, "message": message}}),
    }
}

/// Refuses what is in another region.
pub(super) fn misdirected(region: &str) -> Refusal {
    let kind = "misdirected_request";
    Refusal {
        status: status_of(kind),
        body: json!({"error": {"type": kind, "message": "Wrong region", "data": {"region": region}}}),
    }
}

/// Refuses as the accounts do.
pub(super) fn refuse_account(status: u16, error: &str, description: &str) -> Refusal {
    Refusal {
        status,
        body: json!({"error": error, "error_description": description}),
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        Self::json(refusal.status, &refusal.body)
    }
}

fn status_of(kind: &str) -> u16 {
    let known = ERRORS.iter().find(|(known, _)| *known == kind);
    known.map_or(400, |(_, status)| *status)
}

/// The next matching calls are refused with a type of error.
pub fn error(matching: &str, kind: &str) -> Fault {
    Fault::on(matching)
        .status(status_of(kind))
        .body(json!({"error": {"type": kind, "message": format!("{kind}, as a script asked")}}))
}

pub(super) fn text<'a>(what: &'a Value, name: &str) -> Option<&'a str> {
    what.get(name).and_then(Value::as_str)
}

pub(super) fn needed<'a>(what: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    let found = text(what, name).filter(|text| !text.is_empty());
    found.ok_or_else(|| refuse("validation", &format!("`{name}` is required")))
}

pub(super) fn flag(what: &Value, name: &str) -> bool {
    what.get(name).and_then(Value::as_bool).unwrap_or(false)
}
