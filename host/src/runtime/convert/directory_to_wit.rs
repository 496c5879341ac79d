//! Answers to reads, as the contract has them.

use super::event_to_wit::{conversation_to_wit, message_to_wit, user_to_wit};
use crate::model::{directory, limits};
use crate::runtime::bindings::parlor::bot as wit;

pub(in crate::runtime) fn past_message_to_wit(
    x: &directory::PastMessage,
) -> wit::directory::PastMessage {
    wit::directory::PastMessage {
        author: user_to_wit(&x.author),
        at: x.at,
        message: message_to_wit(&x.message),
    }
}

pub(in crate::runtime) fn conversation_page_to_wit(
    x: &directory::ConversationPage,
) -> wit::directory::ConversationPage {
    wit::directory::ConversationPage {
        items: x.items.iter().map(conversation_to_wit).collect(),
        next: x.next.clone(),
    }
}

pub(in crate::runtime) fn user_page_to_wit(x: &directory::UserPage) -> wit::directory::UserPage {
    wit::directory::UserPage {
        items: x.items.iter().map(user_to_wit).collect(),
        next: x.next.clone(),
    }
}

pub(in crate::runtime) fn chunk_to_wit(x: &directory::Chunk) -> wit::directory::Chunk {
    wit::directory::Chunk {
        bytes: x.bytes.clone(),
        total: x.total,
    }
}

pub(in crate::runtime) fn transfer_option_to_wit(
    x: &directory::TransferOption,
) -> wit::directory::TransferOption {
    wit::directory::TransferOption {
        group: x.group,
        id: x.id.clone(),
        name: x.name.clone(),
        available: x.available,
    }
}

pub(in crate::runtime) fn capabilities_to_wit(
    x: &directory::ConversationCapabilities,
) -> wit::directory::ConversationCapabilities {
    wit::directory::ConversationCapabilities {
        edit: x.edit,
        forms: x.forms,
        threads: x.threads,
        visibility: x.visibility,
        message_bytes: x.message_bytes,
        file_bytes: x.file_bytes,
        rate: x.rate,
    }
}

pub(in crate::runtime) fn limits_to_wit(x: &limits::Limits) -> wit::config::Limits {
    wit::config::Limits {
        memory_bytes: x.memory_bytes,
        table_elements: x.table_elements,
        cpu_ms: x.cpu_ms,
        deadline_ms: x.deadline_ms,
        instances: x.instances,
        actions: x.actions,
        message_bytes: x.message_bytes,
        attachment_bytes: x.attachment_bytes,
        attachments_bytes: x.attachments_bytes,
        broadcast: x.broadcast,
        action_key_bytes: x.action_key_bytes,
        log_bytes: x.log_bytes,
        state_key_bytes: x.state_key_bytes,
        state_value_bytes: x.state_value_bytes,
        state_bytes: x.state_bytes,
        random_bytes: x.random_bytes,
        handles: x.handles,
        http_requests: x.http_requests,
        http_open: x.http_open,
        http_body_bytes: x.http_body_bytes,
        http_header_bytes: x.http_header_bytes,
        timers: x.timers,
        result_bytes: x.result_bytes,
    }
}

pub(in crate::runtime) fn contact_status_to_wit(
    x: &directory::ContactStatus,
) -> wit::directory::ContactStatus {
    match x {
        directory::ContactStatus::None => wit::directory::ContactStatus::None,
        directory::ContactStatus::Requested => wit::directory::ContactStatus::Requested,
        directory::ContactStatus::Pending => wit::directory::ContactStatus::Pending,
        directory::ContactStatus::Accepted => wit::directory::ContactStatus::Accepted,
        directory::ContactStatus::Rejected => wit::directory::ContactStatus::Rejected,
    }
}

pub(in crate::runtime) fn read_error_to_wit(x: &directory::ReadError) -> wit::directory::ReadError {
    match x {
        directory::ReadError::Unsupported => wit::directory::ReadError::Unsupported,
        directory::ReadError::NotFound => wit::directory::ReadError::NotFound,
        directory::ReadError::Denied => wit::directory::ReadError::Denied,
        directory::ReadError::Throttled(x) => wit::directory::ReadError::Throttled(*x),
        directory::ReadError::Failed(x) => wit::directory::ReadError::Failed(x.clone()),
    }
}
