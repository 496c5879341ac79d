//! Actions, as the contract has them.

use super::content_from_wit::content_from_wit;
use crate::model::{action, event, payload};
use crate::runtime::bindings::parlor::bot as wit;

pub(in crate::runtime) fn action_from_wit(x: wit::actions::Action) -> action::Action {
    action::Action {
        key: x.key,
        bot: x.bot,
        as_user: x.as_user,
        kind: action_kind_from_wit(x.kind),
    }
}

pub(in crate::runtime) fn action_kind_from_wit(x: wit::actions::ActionKind) -> action::ActionKind {
    match x {
        wit::actions::ActionKind::Send(x) => action::ActionKind::Send(send_from_wit(x)),
        wit::actions::ActionKind::Edit(x) => action::ActionKind::Edit(edit_from_wit(x)),
        wit::actions::ActionKind::Delete(x) => action::ActionKind::Delete(message_ref_from_wit(x)),
        wit::actions::ActionKind::React(x) => action::ActionKind::React(react_from_wit(x)),
        wit::actions::ActionKind::Typing(x) => action::ActionKind::Typing(x),
        wit::actions::ActionKind::Join(x) => action::ActionKind::Join(x),
        wit::actions::ActionKind::Leave(x) => action::ActionKind::Leave(x),
        wit::actions::ActionKind::Invite(x) => action::ActionKind::Invite(membership_from_wit(x)),
        wit::actions::ActionKind::Remove(x) => action::ActionKind::Remove(membership_from_wit(x)),
        wit::actions::ActionKind::Promote(x) => action::ActionKind::Promote(membership_from_wit(x)),
        wit::actions::ActionKind::Demote(x) => action::ActionKind::Demote(membership_from_wit(x)),
        wit::actions::ActionKind::CreateConversation(x) => {
            action::ActionKind::CreateConversation(new_conversation_from_wit(x))
        }
        wit::actions::ActionKind::UpdateConversation(x) => {
            action::ActionKind::UpdateConversation(update_conversation_from_wit(x))
        }
        wit::actions::ActionKind::AcceptContact(x) => action::ActionKind::AcceptContact(x),
        wit::actions::ActionKind::RejectContact(x) => action::ActionKind::RejectContact(x),
        wit::actions::ActionKind::RequestContact(x) => action::ActionKind::RequestContact(x),
        wit::actions::ActionKind::RemoveContact(x) => action::ActionKind::RemoveContact(x),
        wit::actions::ActionKind::SetPresence(x) => {
            action::ActionKind::SetPresence(presence_status_from_wit(x))
        }
        wit::actions::ActionKind::Transfer(x) => {
            action::ActionKind::Transfer(transfer_chat_from_wit(x))
        }
        wit::actions::ActionKind::Close(x) => action::ActionKind::Close(x),
        wit::actions::ActionKind::Tag(x) => action::ActionKind::Tag(tag_chat_from_wit(x)),
        wit::actions::ActionKind::Request(x) => action::ActionKind::Request(request_from_wit(x)),
        wit::actions::ActionKind::SetTimer(x) => {
            action::ActionKind::SetTimer(set_timer_from_wit(x))
        }
        wit::actions::ActionKind::CancelTimer(x) => action::ActionKind::CancelTimer(x),
        wit::actions::ActionKind::Other(x) => action::ActionKind::Other(other_action_from_wit(x)),
    }
}

pub(in crate::runtime) fn send_from_wit(x: wit::actions::Send) -> action::Send {
    action::Send {
        target: target_from_wit(x.target),
        content: content_from_wit(x.content),
        attachments: x
            .attachments
            .into_iter()
            .map(outgoing_attachment_from_wit)
            .collect(),
        thread: x.thread,
        visibility: visibility_from_wit(x.visibility),
        quiet: x.quiet,
        fallback: fallback_from_wit(x.fallback),
    }
}

pub(in crate::runtime) fn target_from_wit(x: wit::actions::Target) -> action::Target {
    match x {
        wit::actions::Target::Reply => action::Target::Reply,
        wit::actions::Target::Conversation(x) => action::Target::Conversation(x),
        wit::actions::Target::Conversations(x) => action::Target::Conversations(x),
        wit::actions::Target::User(x) => action::Target::User(x),
        wit::actions::Target::Users(x) => action::Target::Users(x),
        wit::actions::Target::Email(x) => action::Target::Email(x),
    }
}

pub(in crate::runtime) fn outgoing_attachment_from_wit(
    x: wit::actions::OutgoingAttachment,
) -> action::OutgoingAttachment {
    match x {
        wit::actions::OutgoingAttachment::File(x) => {
            action::OutgoingAttachment::File(file_from_wit(x))
        }
        wit::actions::OutgoingAttachment::Received(x) => action::OutgoingAttachment::Received(x),
    }
}

pub(in crate::runtime) fn file_from_wit(x: wit::actions::File) -> action::File {
    action::File {
        name: x.name,
        media_type: x.media_type,
        bytes: x.bytes,
    }
}

pub(in crate::runtime) fn visibility_from_wit(x: wit::events::Visibility) -> event::Visibility {
    match x {
        wit::events::Visibility::All => event::Visibility::All,
        wit::events::Visibility::Agents => event::Visibility::Agents,
    }
}

pub(in crate::runtime) fn fallback_from_wit(x: wit::actions::Fallback) -> action::Fallback {
    match x {
        wit::actions::Fallback::Degrade => action::Fallback::Degrade,
        wit::actions::Fallback::Fail => action::Fallback::Fail,
    }
}

pub(in crate::runtime) fn edit_from_wit(x: wit::actions::Edit) -> action::Edit {
    action::Edit {
        message: message_ref_from_wit(x.message),
        content: content_from_wit(x.content),
        otherwise: edit_rule_from_wit(x.otherwise),
    }
}

pub(in crate::runtime) fn message_ref_from_wit(x: wit::actions::MessageRef) -> action::MessageRef {
    match x {
        wit::actions::MessageRef::Id(x) => action::MessageRef::Id(x),
        wit::actions::MessageRef::Key(x) => action::MessageRef::Key(x),
    }
}

pub(in crate::runtime) fn edit_rule_from_wit(x: wit::actions::EditRule) -> action::EditRule {
    match x {
        wit::actions::EditRule::Repost => action::EditRule::Repost,
        wit::actions::EditRule::Skip => action::EditRule::Skip,
        wit::actions::EditRule::Fail => action::EditRule::Fail,
    }
}

pub(in crate::runtime) fn react_from_wit(x: wit::actions::React) -> action::React {
    action::React {
        message: message_ref_from_wit(x.message),
        emoji: x.emoji,
        add: x.add,
    }
}

pub(in crate::runtime) fn membership_from_wit(x: wit::actions::Membership) -> action::Membership {
    action::Membership {
        conversation: x.conversation,
        user: x.user,
    }
}

pub(in crate::runtime) fn new_conversation_from_wit(
    x: wit::actions::NewConversation,
) -> action::NewConversation {
    match x {
        wit::actions::NewConversation::Direct(x) => action::NewConversation::Direct(x),
        wit::actions::NewConversation::Room(x) => {
            action::NewConversation::Room(new_room_from_wit(x))
        }
    }
}

pub(in crate::runtime) fn new_room_from_wit(x: wit::actions::NewRoom) -> action::NewRoom {
    action::NewRoom {
        name: x.name,
        description: x.description,
        members: x.members,
        public: x.public,
        external: x.external,
        open: x.open,
    }
}

pub(in crate::runtime) fn update_conversation_from_wit(
    x: wit::actions::UpdateConversation,
) -> action::UpdateConversation {
    action::UpdateConversation {
        conversation: x.conversation,
        name: x.name,
        description: x.description,
        public: x.public,
        open: x.open,
    }
}

pub(in crate::runtime) fn presence_status_from_wit(
    x: wit::events::PresenceStatus,
) -> payload::PresenceStatus {
    match x {
        wit::events::PresenceStatus::Available => payload::PresenceStatus::Available,
        wit::events::PresenceStatus::Busy => payload::PresenceStatus::Busy,
        wit::events::PresenceStatus::Away => payload::PresenceStatus::Away,
        wit::events::PresenceStatus::DoNotDisturb => payload::PresenceStatus::DoNotDisturb,
        wit::events::PresenceStatus::Offline => payload::PresenceStatus::Offline,
    }
}

pub(in crate::runtime) fn transfer_chat_from_wit(
    x: wit::actions::TransferChat,
) -> action::TransferChat {
    action::TransferChat {
        conversation: x.conversation,
        to: transfer_target_from_wit(x.to),
    }
}

pub(in crate::runtime) fn transfer_target_from_wit(
    x: wit::actions::TransferTarget,
) -> action::TransferTarget {
    match x {
        wit::actions::TransferTarget::Group(x) => action::TransferTarget::Group(x),
        wit::actions::TransferTarget::Agent(x) => action::TransferTarget::Agent(x),
    }
}

pub(in crate::runtime) fn tag_chat_from_wit(x: wit::actions::TagChat) -> action::TagChat {
    action::TagChat {
        conversation: x.conversation,
        tag: x.tag,
        add: x.add,
    }
}

pub(in crate::runtime) fn request_from_wit(x: wit::actions::Request) -> action::Request {
    action::Request {
        method: x.method,
        url: x.url,
        headers: x.headers.into_iter().map(header_from_wit).collect(),
        body: x.body,
        timeout_ms: x.timeout_ms,
        idempotency_header: x.idempotency_header,
    }
}

pub(in crate::runtime) fn header_from_wit(x: wit::events::Header) -> event::Header {
    event::Header {
        name: x.name,
        value: x.value,
    }
}

pub(in crate::runtime) fn set_timer_from_wit(x: wit::actions::SetTimer) -> action::SetTimer {
    action::SetTimer {
        name: x.name,
        schedule: schedule_from_wit(x.schedule),
        missed: missed_from_wit(x.missed),
        payload: x.payload,
    }
}

pub(in crate::runtime) fn schedule_from_wit(x: wit::actions::Schedule) -> action::Schedule {
    match x {
        wit::actions::Schedule::At(x) => action::Schedule::At(x),
        wit::actions::Schedule::After(x) => action::Schedule::After(x),
        wit::actions::Schedule::Every(x) => action::Schedule::Every(x),
        wit::actions::Schedule::Cron(x) => action::Schedule::Cron(cron_from_wit(x)),
    }
}

pub(in crate::runtime) fn cron_from_wit(x: wit::actions::Cron) -> action::Cron {
    action::Cron {
        expression: x.expression,
        time_zone: x.time_zone,
    }
}

pub(in crate::runtime) fn missed_from_wit(x: wit::actions::Missed) -> action::Missed {
    match x {
        wit::actions::Missed::Once => action::Missed::Once,
        wit::actions::Missed::Skip => action::Missed::Skip,
    }
}

pub(in crate::runtime) fn other_action_from_wit(
    x: wit::actions::OtherAction,
) -> action::OtherAction {
    action::OtherAction {
        platform: x.platform,
        name: x.name,
        json: x.json,
    }
}
