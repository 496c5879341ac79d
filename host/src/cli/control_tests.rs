//! What the verbs that ask a running host print, for people and as JSON.

use super::{ask, bots, conversations, outbox, plugins, reload, replay, send};
use crate::app::replay::{Compared, ReplayTotal, ReplayedLine};
use crate::mailbox::control::{
    BotLine, BotState, BroadcastLine, CompilingLine, ConversationLine, DifferenceLine, DroppedLine,
    FaultLine, HoldLine, LaneLine, LaneState, Line, OutboxCounts, PluginAsk, PluginHealth,
    PluginLine, PluginWebhook, ReloadedLine, Selector, SentLine, SentState, SettingsLine,
    ShadowLine, TotalLine,
};
use crate::model::event::ConversationKind;

const NOW: u64 = 1_800_000_000_000;

/// Both forms, one below the other.
fn both(lines: &[Line], shown: Vec<String>) -> String {
    let json: Vec<String> = lines
        .iter()
        .map(|line| serde_json::to_string(line).unwrap())
        .collect();
    format!("{}\n---\n{}", shown.join("\n"), json.join("\n"))
}

fn bot(name: &str, state: BotState) -> BotLine {
    BotLine {
        bot: name.to_owned(),
        platform: "local".to_owned(),
        state,
        since: Some(NOW - 200_000),
        last_event_in: Some(NOW - 12_000),
        reason: None,
        outbox: OutboxCounts {
            waiting: 3,
            held: 1,
            sent: Some(17),
            failed: Some(2),
            retried: Some(4),
            in_doubt: Some(1),
            dropped: Some(0),
            last_error: Some("busy".to_owned()),
        },
    }
}

fn selector(bot: &str, plugin: &str) -> Selector {
    let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    Selector {
        bot: named(bot),
        plugin: named(plugin),
        conversation: None,
    }
}

fn broadcast(dropped: u64, sending: u64) -> BroadcastLine {
    BroadcastLine {
        broadcast: 7,
        bot: "desk".to_owned(),
        plugin: "news".to_owned(),
        sent: 37,
        failed: 1,
        sending,
        waiting: if dropped > 0 { 0 } else { 99 },
        to_come: if dropped > 0 { 0 } else { 362 },
        dropped,
        since: NOW - 120_000,
    }
}

#[test]
fn bots_are_listed() {
    let ended = BotLine {
        since: Some(NOW - 4_000_000),
        last_event_in: None,
        reason: Some("the session panicked".to_owned()),
        ..bot("other", BotState::Disconnected)
    };
    let refused = SettingsLine {
        refused: true,
        text: "parlor.toml:3: unknown key `lisen` in [local]".to_owned(),
    };
    let lines = [
        Line::Settings(refused),
        Line::Bot(bot("desk", BotState::Connected)),
        Line::Bot(ended),
    ];
    insta::assert_snapshot!(both(&lines, bots::list(&lines, NOW)));
}

#[test]
fn bots_at_rest_are_listed_without_what_nobody_knows() {
    let stopped = BotLine {
        since: None,
        reason: Some("no host runs".to_owned()),
        outbox: OutboxCounts {
            waiting: 3,
            ..OutboxCounts::default()
        },
        ..bot("desk", BotState::Stopped)
    };
    let lines = [Line::Bot(stopped)];
    insta::assert_snapshot!(both(&lines, bots::list(&lines, NOW)));
}

#[test]
fn a_bot_is_paused_and_resumed() {
    let lines = [
        Line::Bot(bot("desk", BotState::Paused)),
        Line::Bot(bot("desk", BotState::Connecting)),
    ];
    insta::assert_snapshot!(both(&lines, bots::changed(&lines)));
}

#[test]
fn plugins_of_a_running_host_are_listed() {
    let joke = PluginLine {
        plugin: "joke".to_owned(),
        state: "serving".to_owned(),
        version: Some("1.2.0".to_owned()),
        summary: Some("Tells jokes".to_owned()),
        since: Some(NOW - 90_000_000),
        problem: Some("version 1.3.0 waits for `parlor reload`".to_owned()),
        waiting: 2,
        handled: 40,
        faults: 1,
        dead: 0,
        compiling: Some(CompilingLine {
            bytes: 18_914_692,
            secs: Some(4),
        }),
        asks: vec![PluginAsk {
            what: "http GET https://jokes.example/random".to_owned(),
            reason: "newer jokes".to_owned(),
            optional: true,
            granted: false,
            line: Some(
                "`grants.http = [\"GET https://jokes.example/random\"]` in `[plugin.joke]` of parlor.toml"
                    .to_owned(),
            ),
        }],
        webhooks: vec![PluginWebhook {
            name: "pager".to_owned(),
            url: "http://127.0.0.1:8642/hooks/default/joke/pager".to_owned(),
            verify: "hmac-sha256".to_owned(),
        }],
        health: None,
        shadow: None,
    };
    let bad = PluginLine {
        plugin: "bad".to_owned(),
        state: "refused".to_owned(),
        problem: Some("not a component".to_owned()),
        ..PluginLine::default()
    };
    let restart = SettingsLine {
        refused: false,
        text: "parlor.toml:1: `data` takes effect at the next start".to_owned(),
    };
    let lines = [
        Line::Settings(restart),
        Line::Plugin(bad),
        Line::Plugin(joke),
    ];
    insta::assert_snapshot!(both(&lines, plugins::list(&lines, NOW)));
}

#[test]
fn a_plugin_that_fails_is_listed_with_what_led_there() {
    let fault = FaultLine {
        at: NOW - 12_000,
        version: "1.3.0".to_owned(),
        event: "e-7".to_owned(),
        conversation: Some("room:lobby".to_owned()),
        attempt: 3,
        text: "Trap: wasm `unreachable` instruction executed; in joke::tell".to_owned(),
    };
    let quarantined = PluginLine {
        plugin: "joke".to_owned(),
        state: "quarantined".to_owned(),
        version: Some("1.3.0".to_owned()),
        problem: Some("in quarantine: 3 of the last 50 deliveries failed".to_owned()),
        health: Some(PluginHealth {
            sha256: "00ff".repeat(16),
            rollback_to: Some("1.2.0".to_owned()),
            failed: 3,
            failed_left: 7,
            conversations: 3,
            probe_at: Some(NOW + 7_001),
            recent: vec![fault],
            ..PluginHealth::default()
        }),
        ..PluginLine::default()
    };
    let new = |name: &str, before: Option<&str>| PluginLine {
        plugin: name.to_owned(),
        state: "serving".to_owned(),
        version: Some("2.0.0".to_owned()),
        health: Some(PluginHealth {
            probation: true,
            rollback_to: before.map(str::to_owned),
            ..PluginHealth::default()
        }),
        ..PluginLine::default()
    };
    let lines = [
        Line::Plugin(quarantined),
        Line::Plugin(new("new", Some("1.9.0"))),
        Line::Plugin(new("only", None)),
    ];
    insta::assert_snapshot!(both(&lines, plugins::list(&lines, NOW)));
}

#[test]
fn a_build_in_the_shadow_is_listed_with_its_differences() {
    let difference = DifferenceLine {
        at: NOW - 12_000,
        event: "e-7".to_owned(),
        conversation: Some("room:lobby".to_owned()),
        was: vec!["send in room:lobby: good day".to_owned()],
        now: vec!["failed: Trap: wasm `unreachable` instruction executed".to_owned()],
        fields: Vec::new(),
    };
    let alike = DifferenceLine {
        conversation: None,
        was: vec!["send to ada@example.com: hello".to_owned()],
        now: vec!["send to ada@example.com: hello".to_owned()],
        fields: vec!["action.kind.send.quiet: absent → true".to_owned()],
        ..difference.clone()
    };
    let joke = PluginLine {
        plugin: "joke".to_owned(),
        state: "serving".to_owned(),
        version: Some("1.2.0".to_owned()),
        shadow: Some(Box::new(ShadowLine {
            version: "1.3.0".to_owned(),
            sha256: "00ff".repeat(16),
            since: NOW - 200_000,
            hears_otherwise: true,
            compared: 120,
            differ: 2,
            skipped: 5,
            last_skipped: Some("too many others waited to be compared".to_owned()),
            recent: vec![difference, alike],
        })),
        ..PluginLine::default()
    };
    let lines = [Line::Plugin(joke)];
    insta::assert_snapshot!(both(&lines, plugins::list(&lines, NOW)));
}

#[test]
fn replayed_events_are_told() {
    let same = ReplayedLine {
        event: 17,
        delivery: 21,
        at: NOW - 200_000,
        kind: "message".to_owned(),
        conversation: Some("room:lobby".to_owned()),
        user_name: Some("Ada".to_owned()),
        text: Some("/joke\nplease".to_owned()),
        compared: Compared::Same,
        detail: None,
        was: Vec::new(),
        now: Vec::new(),
        fields: Vec::new(),
    };
    let failing = ReplayedLine {
        detail: Some("Trap: at 1".to_owned()),
        ..same.clone()
    };
    let differs = ReplayedLine {
        compared: Compared::Differs,
        was: vec!["send in room:lobby: a".to_owned()],
        now: vec![
            "send in room:lobby: a".to_owned(),
            "send in room:lobby: b".to_owned(),
        ],
        fields: vec!["action.kind.send.quiet: absent → true".to_owned()],
        ..same.clone()
    };
    let skipped = ReplayedLine {
        kind: "lifecycle".to_owned(),
        conversation: None,
        user_name: None,
        text: None,
        compared: Compared::Skipped,
        detail: Some("it is not through yet".to_owned()),
        ..same.clone()
    };
    let all = [same, failing, differs, skipped];
    let mut shown: Vec<String> = all
        .iter()
        .flat_map(|line| replay::event_lines(line, NOW))
        .collect();
    let total = ReplayTotal {
        plugin: "joke".to_owned(),
        file: "new.wasm".into(),
        version: "1.3.0".to_owned(),
        same: 2,
        differ: 1,
        skipped: 1,
        ..ReplayTotal::default()
    };
    shown.push(replay::total_line(&total));
    let none = ReplayTotal {
        same: 0,
        differ: 0,
        skipped: 0,
        ..total
    };
    shown.push(replay::total_line(&none));
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn a_rollback_says_what_serves() {
    let lines = [Line::Plugin(PluginLine {
        plugin: "joke".to_owned(),
        state: "serving".to_owned(),
        version: Some("1.2.0".to_owned()),
        problem: Some("version 1.3.0 was rolled back".to_owned()),
        ..PluginLine::default()
    })];
    insta::assert_snapshot!(both(&lines, plugins::rolled_back(&lines)));
}

#[test]
fn the_outbox_is_listed() {
    let lane = LaneLine {
        bot: "desk".to_owned(),
        plugin: "joke".to_owned(),
        conversation: "room:lobby".to_owned(),
        broadcast: false,
        state: LaneState::Sending,
        parts: 1,
        first: "send".to_owned(),
        in_doubt: false,
        since: NOW - 1_000,
        tries: 0,
        until: None,
    };
    let waiting = LaneLine {
        conversation: "email:ada@example.com".to_owned(),
        state: LaneState::Waiting,
        parts: 12,
        in_doubt: true,
        tries: 3,
        until: Some(NOW + 90_000),
        ..lane.clone()
    };
    let held = HoldLine {
        held: selector("desk", "news"),
        released: false,
    };
    let lines = [
        Line::Hold(held),
        Line::Broadcast(broadcast(0, 1)),
        Line::Lane(lane),
        Line::Lane(waiting),
    ];
    insta::assert_snapshot!(both(&lines, outbox::list(&lines, NOW)));
    assert_eq!(outbox::list(&[], NOW), ["nothing waits"]);
}

#[test]
fn the_outbox_is_held_and_released() {
    let hold = |bot: &str, plugin: &str, released| {
        Line::Hold(HoldLine {
            held: selector(bot, plugin),
            released,
        })
    };
    let total = Line::Total(TotalLine {
        held: 100,
        ..TotalLine::default()
    });
    let lines = [hold("desk", "", false), total];
    insta::assert_snapshot!(both(&lines, outbox::held(&lines)));
    let lines = [hold("desk", "news", true), hold("", "", false)];
    insta::assert_snapshot!(both(&lines, outbox::released(&lines)));
    assert_eq!(outbox::released(&[]), ["nothing was released"]);
}

#[test]
fn a_drop_says_what_went() {
    let total = TotalLine {
        dropped: 465,
        in_doubt: 1,
        sending: 2,
        held: 0,
    };
    let lane = DroppedLine {
        bot: "desk".to_owned(),
        plugin: "joke".to_owned(),
        conversation: "room:lobby".to_owned(),
        broadcast: false,
        dropped: 3,
        in_doubt: 1,
        sending: 1,
    };
    let target = DroppedLine {
        plugin: "news".to_owned(),
        conversation: "room:r-400".to_owned(),
        broadcast: true,
        dropped: 1,
        in_doubt: 0,
        sending: 0,
        ..lane.clone()
    };
    let lines = [
        Line::Total(total),
        Line::Broadcast(broadcast(462, 1)),
        Line::Dropped(lane),
        Line::Dropped(target),
    ];
    insta::assert_snapshot!(both(&lines, outbox::dropped(&lines)));
}

#[test]
fn conversations_are_listed() {
    let place = |id: &str, kind, name: Option<&str>| {
        Line::Conversation(ConversationLine {
            bot: "desk".to_owned(),
            conversation: id.to_owned(),
            kind,
            name: name.map(str::to_owned),
            external: name.is_none(),
        })
    };
    let lines = [
        place("direct:ada+desk", ConversationKind::Direct, Some("ada")),
        place("room:lobby", ConversationKind::Room, Some("Lobby")),
        place("chat:carl", ConversationKind::CustomerChat, None),
    ];
    insta::assert_snapshot!(both(&lines, conversations::list(&lines)));
    assert_eq!(conversations::list(&[]), ["no conversations"]);
}

#[test]
fn a_message_is_sent_or_not() {
    let sent = SentLine {
        state: SentState::Sent,
        bot: "desk".to_owned(),
        conversation: Some("room:lobby".to_owned()),
        messages: vec!["b-1".to_owned(), "b-2".to_owned()],
        notes: vec!["table → text".to_owned()],
    };
    let failed = SentLine {
        state: SentState::Failed,
        messages: Vec::new(),
        notes: vec!["not-found: there is no user nobody@local".to_owned()],
        ..sent.clone()
    };
    let waiting = SentLine {
        state: SentState::Waiting,
        notes: vec!["the bot is paused: `parlor bots resume desk`".to_owned()],
        ..failed.clone()
    };
    let all = [sent, failed, waiting];
    let shown = all.iter().flat_map(send::shown).collect();
    let lines: Vec<Line> = all.into_iter().map(Line::Sent).collect();
    insta::assert_snapshot!(both(&lines, shown));
}

#[test]
fn a_reload_says_what_changed() {
    let reloaded = ReloadedLine {
        changed: vec!["joke".to_owned(), "pizza".to_owned()],
        removed: vec!["echo".to_owned()],
        refused: vec!["bad".to_owned()],
    };
    let lines = [Line::Reloaded(reloaded)];
    insta::assert_snapshot!(both(&lines, reload::shown(&lines)));
    let nothing = ReloadedLine {
        changed: Vec::new(),
        removed: Vec::new(),
        refused: Vec::new(),
    };
    let shown = reload::shown(&[Line::Reloaded(nothing)]);
    assert_eq!(shown, ["nothing has changed"]);
}

#[test]
fn times_are_told_in_their_largest_unit() {
    for (ms, told) in [
        (0, "0 s"),
        (59_999, "59 s"),
        (60_000, "1 min"),
        (7_200_000, "2 h"),
        (259_200_000, "3 d"),
    ] {
        assert_eq!(ask::ago(NOW, NOW - ms), told);
    }
    assert_eq!(ask::ago(NOW, NOW + 5_000), "0 s");
}

#[test]
fn files_get_the_media_type_of_their_name() {
    assert_eq!(send::media_type("report.CSV"), "text/csv");
    assert_eq!(send::media_type("report"), "application/octet-stream");
}
