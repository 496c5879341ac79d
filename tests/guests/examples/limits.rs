//! Answers each limit as it is enforced, one a line.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "limits", summary = "Tells its limits")]
impl Guest {
    #[message(equals = "limits")]
    fn limits(&mut self) -> String {
        let l = config::enforced();
        [
            ("memory-bytes", l.memory_bytes),
            ("table-elements", l.table_elements.into()),
            ("cpu-ms", l.cpu_ms.into()),
            ("deadline-ms", l.deadline_ms.into()),
            ("instances", l.instances.into()),
            ("actions", l.actions.into()),
            ("message-bytes", l.message_bytes.into()),
            ("attachment-bytes", l.attachment_bytes.into()),
            ("attachments-bytes", l.attachments_bytes.into()),
            ("broadcast", l.broadcast.into()),
            ("action-key-bytes", l.action_key_bytes.into()),
            ("log-bytes", l.log_bytes.into()),
            ("state-key-bytes", l.state_key_bytes.into()),
            ("state-value-bytes", l.state_value_bytes.into()),
            ("state-bytes", l.state_bytes),
            ("random-bytes", l.random_bytes.into()),
            ("handles", l.handles.into()),
            ("http-requests", l.http_requests.into()),
            ("http-open", l.http_open.into()),
            ("http-body-bytes", l.http_body_bytes),
            ("http-header-bytes", l.http_header_bytes.into()),
            ("timers", l.timers.into()),
            ("result-bytes", l.result_bytes),
        ]
        .map(|(name, value)| format!("{name}={value}"))
        .join("\n")
    }
}
