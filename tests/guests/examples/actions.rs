//! `/do NAME [ARGUMENT]` returns that action, `/list NAME[=ARGUMENT] …` several, `/as USER NAME [ARGUMENT]`
//! one on behalf of a user. Without an argument
//! the fields are recognisable: `user-1`, `conversation-1`, `message-1`, `key-1`. `/outcomes` tells what
//! became of those that had no key of their own, by their names, and forgets it.

use std::time::Duration;

use parlor_sdk::actions::{NewRoom, SetTimer, UpdateConversation};
use parlor_sdk::events::{ActionDone, ActionFailed, PresenceStatus};
use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(
    name = "actions",
    summary = "Does as it is told",
    subscribe(action_done, action_failed)
)]
impl Guest {
    #[command("/do {name} {argument?}", name = "do", help = "Returns an action")]
    fn perform(&mut self, cx: &Context, name: String, argument: Option<String>) -> Reply {
        match named_action(cx, &name, argument) {
            Some(action) => action.into(),
            None => cx.reply(format!("no action {name}")),
        }
    }

    #[command("/as {user} {name} {argument?}", name = "as", help = "Acts for a user")]
    fn act_as(
        &mut self,
        cx: &Context,
        user: String,
        name: String,
        argument: Option<String>,
    ) -> Reply {
        match named_action(cx, &name, argument) {
            Some(action) => action.as_user(user).into(),
            None => cx.reply(format!("no action {name}")),
        }
    }

    #[command("/list {steps...}", help = "Returns several actions")]
    fn list(&mut self, cx: &Context, steps: String) -> Vec<Action> {
        let steps = steps.split_whitespace();
        let actions = steps.filter_map(|step| match step.split_once('=') {
            Some((name, argument)) => named_action(cx, name, Some(argument.to_owned())),
            None => named_action(cx, step, None),
        });
        actions.collect()
    }

    #[command("/outcomes", help = "Tells what became of actions")]
    fn outcomes(&mut self) -> Result<String, Error> {
        let told = state::plugin().text("outcomes")?.unwrap_or_default();
        state::plugin().delete("outcomes")?;
        Ok(match told.is_empty() {
            true => "nothing".into(),
            false => told,
        })
    }

    #[on(action_done)]
    fn done(&mut self, done: &ActionDone) -> Result<(), Error> {
        let text = format!(
            "done message={:?} conversation={:?} notes={:?}",
            done.message_id, done.conversation, done.notes
        );
        note(done.action.key.as_deref(), &text)
    }

    #[on(action_failed)]
    fn failed(&mut self, failed: &ActionFailed) -> Result<(), Error> {
        let text = format!(
            "{:?} retrying={} {}",
            failed.error, failed.retrying, failed.detail
        );
        note(failed.action.key.as_deref(), &text)
    }

    // Two in one list, in order; what the list holds is done together or not at all.
    #[command("/both {first} {second}", help = "Returns two actions")]
    fn both(&mut self, first: String, second: String) -> Vec<Action> {
        action(&first, None)
            .into_iter()
            .chain(action(&second, None))
            .collect()
    }

    #[command("/many {count:int}", help = "Sends that many messages")]
    fn many(&mut self, count: u32) -> Vec<Action> {
        (0..count)
            .map(|number| Message::reply(format!("message {number}")).into())
            .collect()
    }

    #[command("/timers {from:int} {count:int}", help = "Sets that many timers")]
    fn timers(&mut self, from: u32, count: u32) -> Vec<Action> {
        let hour = || Schedule::After(3_600_000);
        (from..from + count)
            .map(|number| Action::set_timer(format!("timer-{number}"), hour(), ""))
            .collect()
    }

    #[timer(prefix = "timer-")]
    fn fired(&mut self, cx: &Context, timer: &TimerFired) -> Reply {
        cx.reply(format!("{} fired with {}", timer.name, timer.payload))
    }

    #[response("request-1")]
    fn answered(&mut self, cx: &Context, response: &parlor_sdk::events::ResponseReceived) -> Reply {
        match &response.outcome {
            Ok(answer) => cx.reply(format!(
                "{} answered {} {}",
                response.key,
                answer.status,
                String::from_utf8_lossy(&answer.body)
            )),
            Err(error) => cx.reply(format!("{} failed: {error:?}", response.key)),
        }
    }
}

/// Adds a line to the outcomes; those of answers have no key and are passed over.
fn note(key: Option<&str>, text: &str) -> Result<(), Error> {
    if let Some(key) = key {
        let before = state::plugin().text("outcomes")?.unwrap_or_default();
        state::plugin().set("outcomes", format!("{before}{key}: {text}\n"))?;
    }
    Ok(())
}

/// An action whose outcome is told under its name, unless it has a key.
fn named_action(cx: &Context, name: &str, argument: Option<String>) -> Option<Action> {
    let carried = cx.message().and_then(|message| message.attachments.first());
    let action = match (name, argument, carried) {
        ("send-received", None, Some(file)) => action(name, Some(file.id.clone()))?,
        (_, argument, _) => action(name, argument)?,
    };
    let key = action.key.clone().unwrap_or_else(|| name.to_owned());
    Some(action.key(key))
}

fn action(name: &str, argument: Option<String>) -> Option<Action> {
    let given = argument.clone();
    let or = move |default: &str| given.clone().unwrap_or_else(|| default.into());
    let message = || match argument.clone() {
        Some(id) => MessageRef::by_id(id),
        None => MessageRef::by_key("key-1"),
    };
    let timer = |schedule| Action::set_timer("timer-1", schedule, "payload-1");
    Some(match name {
        "send" => Message::reply(or("sent")).key("key-1").into(),
        "send-conversation" => {
            Message::to_conversation(or("conversation-1"), "to a conversation").into()
        }
        "send-conversations" => {
            let ids = or("conversation-1,conversation-2");
            Message::to_conversations(ids.split(','), "to conversations").into()
        }
        "send-user" => Message::to_user(or("user-1"), "to a user").into(),
        "send-users" => Message::to_users(or("user-1,user-2").split(','), "to users").into(),
        "send-email" => Message::to_email(or("ada@example.com"), "to an address").into(),
        "send-agents" => Message::reply("to agents").agents_only().into(),
        "send-strict-agents" => Message::reply("to agents").agents_only().or_fail().into(),
        "send-user-agents" => Message::to_user(or("user-1"), "to an agent")
            .agents_only()
            .into(),
        "send-thread" => Message::reply("in a thread").thread(or("thread-1")).into(),
        "send-raw" => Message::reply(raw()).into(),
        "send-strict-raw" => Message::reply(raw()).or_fail().into(),
        "send-card" => Message::reply(card()).into(),
        "send-strict-card" => Message::reply(card()).or_fail().into(),
        "send-code" => Message::reply(code(&or("code-1"))).into(),
        "send-big" => Message::reply("a large file")
            .attach("big.bin", "application/octet-stream", pattern(&or("1000")))
            .into(),
        "send-quiet" => Message::reply("quietly").quiet().into(),
        "send-strict" => Message::reply(Blocks::new().form(Form::new("form-1")))
            .or_fail()
            .into(),
        "send-file" => Message::reply("with a file")
            .attach("a.txt", "text/plain", "file-1")
            .into(),
        "send-received" => Message::reply("passed on")
            .attach_received(or("attachment-1"))
            .into(),
        "send-as" => Message::reply("as somebody").as_user(or("user-1")).into(),
        "send-bot" => Message::reply("by a bot").bot(or("bot-1")).into(),
        "edit" => Action::edit(message(), "edited"),
        "edit-skip" => Action::edit_or(message(), "edited", EditRule::Skip),
        "edit-fail" => Action::edit_or(message(), "edited", EditRule::Fail),
        "delete" => Action::delete(message()),
        "react" => Action::react(message(), "thumbsup"),
        "unreact" => Action::unreact(message(), "thumbsup"),
        "typing" => Action::typing(true),
        "typing-off" => Action::typing(false),
        "join" => argument.map_or_else(Action::join, Action::join_conversation),
        "leave" => argument.map_or_else(Action::leave, Action::leave_conversation),
        "invite" => Action::invite(or("user-1")),
        "remove" => Action::remove(or("user-1")),
        "promote" => Action::promote(or("user-1")),
        "demote" => Action::demote(or("user-1")),
        "create-conversation" => Action::create_room(NewRoom {
            name: or("room-1"),
            description: "made by a test".into(),
            members: vec!["ada".into()],
            public: true,
            external: false,
            open: true,
        }),
        "create-private" => Action::create_room(NewRoom::named(or("room-1")).member("ada")),
        "create-with" => {
            let given = or("room-1:ada@example.com");
            let (name, members) = given.split_once(':')?;
            let room = NewRoom::named(name);
            let members = members.split(',');
            Action::create_room(members.fold(room, |room, member| room.member(member)))
        }
        "create-direct" => Action::create_direct(or("user-1")),
        "update-conversation" => Action::update_conversation(UpdateConversation {
            conversation: None,
            name: Some(or("renamed")),
            description: Some("changed by a test".into()),
            public: Some(false),
            open: None,
        }),
        "accept-contact" => Action::accept_contact(or("user-1")),
        "reject-contact" => Action::reject_contact(or("user-1")),
        "request-contact" => Action::request_contact(or("user-1")),
        "remove-contact" => Action::remove_contact(or("user-1")),
        "set-presence" => Action::set_presence(PresenceStatus::Busy),
        "transfer" => Action::transfer_to_group(or("group-1")),
        "transfer-agent" => Action::transfer_to_agent(or("agent-1")),
        "close" => Action::close(),
        "tag" => Action::tag(or("tag-1")),
        "untag" => Action::untag(or("tag-1")),
        "request" => Request::get("request-1", or("https://example.com/request-1"))
            .header("x-test", "1")
            .timeout(Duration::from_secs(5))
            .into(),
        "request-post" => Request::post("request-1", or("https://example.com/request-1"), "body-1")
            .idempotency_header("idempotency-key")
            .into(),
        "set-timer" => timer(Schedule::After(or("1000").parse().ok()?)),
        "set-timer-at" => timer(Schedule::At(or("1800000000000").parse().ok()?)),
        "set-timer-every" => timer(Schedule::Every(or("1000").parse().ok()?)),
        "set-timer-cron" => timer(Schedule::cron("0 9 * * 1-5", or("Europe/Zurich"))),
        "set-timer-skip" => Action::set_timer_with(SetTimer {
            name: "timer-1".into(),
            schedule: Schedule::Every(or("1000").parse().ok()?),
            missed: Missed::Skip,
            payload: "payload-1".into(),
        }),
        "cancel-timer" => Action::cancel_timer(or("timer-1")),
        "close-there" => Action::close().in_conversation(or("chat:carol")),
        "other" => Action::other("local", or("other-1"), "{\"field\":1}"),
        "blast" => Action::other("symphony", "blast", blast(&or("conversation-1"))),
        _ => return None,
    })
}

/// One platform's own markup, with what stands in for it.
fn raw() -> Blocks {
    Blocks::new().raw(
        "symphony",
        "<messageML/>",
        Blocks::new().paragraph("instead of raw"),
    )
}

/// A card in Webex's own words, with what stands in for it.
fn card() -> Blocks {
    let card =
        r#"{"type":"AdaptiveCard","version":"1.3","body":[{"type":"TextBlock","text":"a card"}]}"#;
    Blocks::new().raw(
        "webex",
        card,
        Blocks::new().paragraph("instead of the card"),
    )
}

/// A text in every place in which nothing can be escaped.
fn code(text: &str) -> Blocks {
    let wide = ["a", "b", "c", "d", "e", text];
    Blocks::new()
        .paragraph(Line::new().text("code: ").code(text))
        .code(text)
        .table(Table::new().header(wide).row(wide))
}

/// One message of the platform's own markup for several conversations.
fn blast(conversations: &str) -> String {
    let ids: Vec<String> = conversations
        .split(',')
        .map(|id| format!("{id:?}"))
        .collect();
    let message = "<messageML>to all of them</messageML>";
    format!(
        "{{\"conversations\":[{}],\"message\":{message:?}}}",
        ids.join(",")
    )
}

/// So many bytes, no two neighbours alike.
fn pattern(count: &str) -> Vec<u8> {
    let count = count.parse().unwrap_or(0);
    (0..=250u8).cycle().take(count).collect()
}
