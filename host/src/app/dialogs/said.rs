//! What a bot does, as a dialog names it: messages, who comes and goes, and every other action of the
//! contract by its own name. Pure.

use super::update::expect_lines;
use crate::journal::TimerNote;
use crate::model::Name;
use crate::model::action::{ActionKind, NewConversation, TransferTarget, UpdateConversation};
use crate::model::payload::PresenceStatus;

/// Something that the bot did.
#[derive(Clone, Debug)]
pub(super) struct Said {
    /// Where; none where it is of no conversation, or looked for everywhere.
    pub(super) conversation: Option<Name>,
    /// What.
    pub(super) what: SaidWhat,
    /// A step expects it.
    pub(super) is_expected: bool,
}

/// What the bot did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SaidWhat {
    Message {
        text: String,
        agents: bool,
    },
    Edit {
        text: String,
    },
    /// Of a message that began so.
    Deletion {
        of: String,
    },
    Joined,
    Left,
    /// What has no word of its own.
    Action(Act),
}

/// An action as a dialog names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// Which one.
    pub form: &'static ActionForm,
    /// It takes something off, or ends it.
    pub off: bool,
    /// Whom or what it is about; empty where that is nothing.
    pub about: String,
}

/// How an action is written behind `expect action`.
#[derive(Debug, PartialEq, Eq)]
pub struct ActionForm {
    /// Its name in the contract.
    pub name: &'static str,
    /// `off` may stand behind it.
    pub takes_off: bool,
    /// It is about somebody or something.
    pub has_about: bool,
    /// It happens in a conversation; else it is looked for everywhere.
    pub is_placed: bool,
    /// People see that it was done, so it must be expected.
    pub is_seen: bool,
}

const fn form(name: &'static str) -> ActionForm {
    ActionForm {
        name,
        takes_off: false,
        has_about: true,
        is_placed: true,
        is_seen: true,
    }
}

const fn with_off(name: &'static str) -> ActionForm {
    ActionForm {
        takes_off: true,
        ..form(name)
    }
}

const fn anywhere(name: &'static str) -> ActionForm {
    ActionForm {
        is_placed: false,
        ..form(name)
    }
}

const fn unseen(name: &'static str) -> ActionForm {
    ActionForm {
        is_seen: false,
        ..anywhere(name)
    }
}

/// Every action that `expect action` knows. The others have words of their own (`send`, `edit`, `delete`,
/// `join`, `leave`, and `request` as `expect http`), or are nothing on the local platform (`other`).
pub(super) static ACTIONS: [ActionForm; 18] = [
    with_off("react"),
    ActionForm {
        has_about: false,
        ..with_off("typing")
    },
    form("invite"),
    form("remove"),
    form("promote"),
    form("demote"),
    anywhere("create-conversation"),
    form("update-conversation"),
    anywhere("accept-contact"),
    anywhere("reject-contact"),
    anywhere("request-contact"),
    anywhere("remove-contact"),
    anywhere("set-presence"),
    form("transfer"),
    ActionForm {
        has_about: false,
        ..form("close")
    },
    with_off("tag"),
    unseen("set-timer"),
    unseen("cancel-timer"),
];

impl ActionForm {
    /// The form of an action, by its name in the contract.
    pub(super) fn of(name: &str) -> Option<&'static Self> {
        ACTIONS.iter().find(|form| form.name == name)
    }
}

impl SaidWhat {
    /// Tells whether a step must have expected it: timers are seen when they fire.
    pub(super) fn is_said(&self) -> bool {
        match self {
            Self::Action(act) => act.form.is_seen,
            _ => true,
        }
    }

    /// Tells whether it is a message, or something done with one: these keep their order.
    pub(super) fn is_message(&self) -> bool {
        matches!(
            self,
            Self::Message { .. } | Self::Edit { .. } | Self::Deletion { .. }
        )
    }

    /// Tells whether it takes no place in the order of the others.
    pub(super) fn is_aside(&self) -> bool {
        match self {
            Self::Action(act) => ["typing", "set-presence"].contains(&act.form.name),
            _ => false,
        }
    }

    /// What it is, for people.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Message {
                text,
                agents: false,
            } => text.clone(),
            Self::Message { text, agents: true } => format!("(to agents) {text}"),
            Self::Edit { text } => format!("(an edit) {text}"),
            Self::Deletion { of } => format!("(deleted) {of}"),
            Self::Joined => "(joined)".to_owned(),
            Self::Left => "(left)".to_owned(),
            Self::Action(act) => format!("(action) {}", act.words()),
        }
    }
}

impl Act {
    /// Makes it of an action; none of one that has a word of its own. `who` names people.
    pub fn of(kind: &ActionKind, who: impl Fn(&str) -> String) -> Option<Self> {
        let (off, about) = match kind {
            ActionKind::React(react) => (!react.add, format!(":{}:", react.emoji)),
            ActionKind::Typing(active) => (!active, String::new()),
            ActionKind::Invite(it)
            | ActionKind::Remove(it)
            | ActionKind::Promote(it)
            | ActionKind::Demote(it) => (false, who(&it.user)),
            ActionKind::CreateConversation(NewConversation::Direct(user)) => (false, who(user)),
            ActionKind::CreateConversation(NewConversation::Room(room)) => {
                (false, room.name.clone())
            }
            ActionKind::UpdateConversation(update) => (false, changes_of(update)),
            ActionKind::AcceptContact(user)
            | ActionKind::RejectContact(user)
            | ActionKind::RequestContact(user)
            | ActionKind::RemoveContact(user) => (false, who(user)),
            ActionKind::SetPresence(status) => (false, presence(*status).to_owned()),
            ActionKind::Transfer(transfer) => (
                false,
                match &transfer.to {
                    TransferTarget::Group(group) => group.clone(),
                    TransferTarget::Agent(agent) => who(agent),
                },
            ),
            ActionKind::Close(_) => (false, String::new()),
            ActionKind::Tag(tag) => (!tag.add, tag.tag.clone()),
            _ => return None,
        };
        let form = ActionForm::of(kind.name())?;
        Some(Self { form, off, about })
    }

    /// Makes it of a timer that was set or ended.
    pub(super) fn of_timer(timer: &TimerNote) -> Option<Self> {
        let (name, about) = match timer {
            TimerNote::Set { name, .. } => ("set-timer", name),
            TimerNote::Cancel(name) => ("cancel-timer", name),
        };
        Some(Self {
            form: ActionForm::of(name)?,
            off: false,
            about: about.clone(),
        })
    }

    /// The words of a step up to what it is about: `action react off`.
    pub fn head(form: &ActionForm, off: bool) -> String {
        let off = if off { " off" } else { "" };
        format!("action {}{off}", form.name)
    }

    /// The lines of a step that expects it, of which the beginning is known.
    pub fn lines(&self, head: &str) -> Vec<String> {
        // `off` means something of its own there.
        let is_off = self.form.takes_off && self.about.split_whitespace().next() == Some("off");
        match is_off {
            true => expect_lines(&format!("{head} ="), &self.about),
            false => expect_lines(head, &self.about),
        }
    }

    /// What it is, for people: `invite grace`.
    pub(super) fn words(&self) -> String {
        let off = if self.off { " off" } else { "" };
        let name = self.form.name;
        match self.about.is_empty() {
            true => format!("{name}{off}"),
            false => format!("{name}{off} {}", self.about),
        }
    }
}

/// What an update changes, a line each.
fn changes_of(update: &UpdateConversation) -> String {
    let text = |key: &str, value: &Option<String>| value.as_ref().map(|it| format!("{key}={it}"));
    let flag = |key: &str, value: Option<bool>| value.map(|it| format!("{key}={it}"));
    let lines = [
        text("name", &update.name),
        text("description", &update.description),
        flag("public", update.public),
        flag("open", update.open),
    ];
    let lines: Vec<String> = lines.into_iter().flatten().collect();
    lines.join("\n")
}

/// A presence, as the contract names it.
fn presence(status: PresenceStatus) -> &'static str {
    match status {
        PresenceStatus::Available => "available",
        PresenceStatus::Busy => "busy",
        PresenceStatus::Away => "away",
        PresenceStatus::DoNotDisturb => "do-not-disturb",
        PresenceStatus::Offline => "offline",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::action::{Membership, NewRoom, React, TagChat};

    fn words(kind: &ActionKind) -> Option<String> {
        Act::of(kind, |id| format!("@{id}")).map(|act| act.words())
    }

    #[test]
    fn an_action_is_named_by_the_contract_with_whom_or_what_it_is_about() {
        let update = UpdateConversation {
            conversation: None,
            name: Some("Falcon".to_owned()),
            description: None,
            public: Some(false),
            open: None,
        };
        let room = NewRoom {
            name: "War room".to_owned(),
            description: String::new(),
            members: Vec::new(),
            public: false,
            external: false,
            open: false,
        };
        for (kind, wanted) in [
            (
                ActionKind::React(React {
                    message: crate::model::action::MessageRef::Id("m".to_owned()),
                    emoji: "up".to_owned(),
                    add: false,
                }),
                "react off :up:",
            ),
            (ActionKind::Typing(true), "typing"),
            (
                ActionKind::Invite(Membership {
                    conversation: None,
                    user: "ann".to_owned(),
                }),
                "invite @ann",
            ),
            (
                ActionKind::CreateConversation(NewConversation::Room(room)),
                "create-conversation War room",
            ),
            (
                ActionKind::UpdateConversation(update),
                "update-conversation name=Falcon\npublic=false",
            ),
            (
                ActionKind::SetPresence(PresenceStatus::DoNotDisturb),
                "set-presence do-not-disturb",
            ),
            (
                ActionKind::Tag(TagChat {
                    conversation: None,
                    tag: "vip".to_owned(),
                    add: true,
                }),
                "tag vip",
            ),
            (ActionKind::Close(None), "close"),
        ] {
            assert_eq!(words(&kind).as_deref(), Some(wanted));
        }
        assert_eq!(words(&ActionKind::Join(None)), None);
    }

    #[test]
    fn what_is_expected_is_all_but_timers() {
        let unseen: Vec<&str> = ACTIONS
            .iter()
            .filter(|it| !it.is_seen)
            .map(|it| it.name)
            .collect();
        assert_eq!(unseen, ["set-timer", "cancel-timer"]);
    }
}
