//! A message as its platform gets it, where the host runs forms and buttons itself.

use std::borrow::Cow;
use std::sync::Arc;

use super::edit::EditSentences;
use crate::content::blocks;
use crate::content::dialog::{DialogContext, DialogSentences};
use crate::content::forms::{FormSentences, may_answer};
use crate::content::hosted::{Audience, Hosted, Shows, host_run};
use crate::journal::Part;
use crate::model::Timestamp;
use crate::model::action::{ActionKind, Target};
use crate::model::content::{Block, Content, Form, FormAudience};
use crate::model::event::{ConversationKind, ConversationRole, User, UserKind, Visibility};

/// What the host says where it makes up for what a platform does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostedSentences {
    /// Questions, and what is said around them.
    pub dialog: DialogSentences,
    /// What is said of wrong answers.
    pub checks: FormSentences,
    /// What is said where a message is sent anew.
    pub edits: EditSentences,
}

/// Makes the part that a platform would get which shows less, and says what it would not show as it is;
/// none where it shows everything. For people to look at: nothing of it is kept.
pub fn shown_on(
    part: &Part,
    shows: Shows,
    sentences: &HostedSentences,
    now: Timestamp,
) -> Option<(Box<Part>, Vec<String>)> {
    let (part, hosted) = render(part, shows, sentences, now)?;
    Some((part, hosted.notes))
}

/// Makes the part that a platform gets which shows less; none where it shows everything.
pub(super) fn render(
    part: &Part,
    shows: Shows,
    sentences: &HostedSentences,
    now: Timestamp,
) -> Option<(Box<Part>, Hosted)> {
    if shows == Shows::ALL {
        return None;
    }
    let blocks = blocks_of(part)?;
    let form = blocks.iter().find_map(|block| match block {
        Block::Form(form) => Some(form),
        _ => None,
    });
    let is_shared = place(part) != ConversationKind::Direct;
    let audience = form.map_or_else(Audience::default, |form| audience(part, form, is_shared));
    let context = DialogContext {
        sentences: &sentences.dialog,
        checks: &sentences.checks,
        is_shared,
        // Nobody is looked up for the first question.
        user: &|_| None,
        conversation: &|_| None,
        now,
    };
    let hosted = host_run(&blocks, shows, &audience, &context)?;
    let mut part = Box::new(part.clone());
    let content = Content::Blocks(hosted.blocks.clone());
    let action = Arc::make_mut(&mut part.what.action);
    match &mut action.kind {
        ActionKind::Send(send) => send.content = content,
        ActionKind::Edit(edit) => edit.content = content,
        _ => {}
    }
    Some((part, hosted))
}

/// The blocks of a part that says something; MessageML is read for them.
pub(super) fn blocks_of(part: &Part) -> Option<Cow<'_, [Block]>> {
    let content = match &part.what.action.kind {
        ActionKind::Send(send) => &send.content,
        ActionKind::Edit(edit) => &edit.content,
        _ => return None,
    };
    match content {
        Content::Blocks(blocks) => Some(Cow::Borrowed(blocks)),
        // It was understood when it was committed.
        Content::MessageMl(_) => blocks(content).ok().map(Cow::Owned),
        Content::Plain(_) | Content::Markdown(_) => None,
    }
}

/// Whether a part goes where its event came from.
pub(super) fn is_here(part: &Part) -> bool {
    let place = part.origin.conversation.as_ref();
    place.is_some_and(|place| *place.id == *part.what.conversation)
}

/// What kind of conversation a part goes to, as far as it is known.
pub(super) fn place(part: &Part) -> ConversationKind {
    if let Some(place) = part.origin.conversation.as_ref().filter(|_| is_here(part)) {
        return place.kind;
    }
    match &part.what.action.kind {
        ActionKind::Send(send) => match &send.target {
            Target::User(_) | Target::Email(_) => ConversationKind::Direct,
            Target::Users(_) => ConversationKind::Group,
            _ => ConversationKind::Room,
        },
        _ => ConversationKind::Room,
    }
}

/// Whether only agents see a part.
pub(super) fn is_for_agents(part: &Part) -> bool {
    matches!(&part.what.action.kind, ActionKind::Send(send) if send.visibility == Visibility::Agents)
}

fn audience(part: &Part, form: &Form, is_shared: bool) -> Audience {
    let actor = part.origin.actor.as_ref();
    let actor_id = actor.map(|actor| actor.id.as_str());
    let is_asked = |actor: &&User| {
        let is_person = !matches!(actor.kind, UserKind::Bot | UserKind::System);
        let is_customer =
            actor.kind == UserKind::Customer || actor.role_here == ConversationRole::Customer;
        is_person
            && !(is_customer && is_for_agents(part))
            && may_answer(&form.audience, actor_id, &actor.id, &actor.roles)
    };
    let person = actor.filter(|_| is_here(part)).filter(is_asked);
    let is_for_one = match &form.audience {
        FormAudience::Actor => true,
        FormAudience::Users(users) => {
            let asked = person.map(|person| person.id.as_str());
            users.iter().all(|user| Some(user.as_str()) == asked)
        }
        FormAudience::Anyone | FormAudience::Roles(_) => false,
    };
    Audience {
        person: person.cloned(),
        others: is_shared && !is_for_one,
    }
}
