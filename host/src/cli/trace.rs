//! What became of an event, for a person: below what was said.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::ask::count;
use super::chat::Asides;
use crate::app::trace::{Call, Came, Decision, HttpNote, Rendered, Step, Trace, Traced};

const MIB: u64 = 1024 * 1024;

/// The trace as lines.
pub(super) struct ShownTrace(pub(super) Arc<Trace>);

#[async_trait]
impl Asides for ShownTrace {
    fn take(&self) -> Vec<String> {
        lines(&self.0.take())
    }

    async fn changed(&self) {
        self.0.changed().await;
    }
}

/// The lines of what happened, indented.
pub(super) fn lines(traced: &[Traced]) -> Vec<String> {
    let mut lines = Vec::new();
    for traced in traced {
        match &traced.step {
            Step::Came(came) => came_lines(&traced.event, came, &mut lines),
            Step::CameAgain => {
                lines.push(format!(
                    "  event {} came again: nobody gets it",
                    traced.event
                ));
            }
            Step::Called(call) => call_lines(call, &mut lines),
            Step::Rendered(rendered) => rendered_lines(rendered, &mut lines),
        }
    }
    lines
}

fn came_lines(event: &str, came: &Came, lines: &mut Vec<String>) {
    let named = |(id, name): &(String, Option<String>)| match name {
        Some(name) if name != id => format!("{name} ({id})"),
        _ => id.clone(),
    };
    let mut head = format!("  {}", came.kind);
    if let Some((id, name)) = &came.actor {
        head.push_str(&format!(" of {}", named(&(id.clone(), Some(name.clone())))));
    }
    if let Some(place) = &came.conversation {
        head.push_str(&format!(" in {}", named(place)));
    }
    if let Some(bot) = &came.bot {
        head.push_str(&format!(" by {bot}"));
    }
    if let Some(text) = &came.text {
        head.push_str(&format!(": {text}"));
    }
    lines.push(head);
    let mut ids = format!("    event {event}, trace {}", came.trace);
    if let Some(cause) = &came.cause {
        ids.push_str(&format!(", because of {cause}"));
    }
    lines.push(ids);
    let some = came.decisions.iter();
    lines.extend(some.map(|decision| format!("    {}", decision_text(decision))));
    if !came.decisions.iter().any(|decision| decision.gets) {
        lines.push("    nobody gets it".to_owned());
    }
}

fn decision_text(decision: &Decision) -> String {
    match (&decision.plugin, decision.gets) {
        (None, _) => format!("the host {}", decision.why),
        (Some(plugin), true) => format!("→ {plugin}: {}", decision.why),
        (Some(plugin), false) => format!("✗ {plugin}: {}", decision.why),
    }
}

fn call_lines(call: &Call, lines: &mut Vec<String>) {
    let Call {
        plugin,
        version,
        spent,
        limits,
        ..
    } = call;
    let tried = match call.attempt {
        0 | 1 => String::new(),
        attempt => format!(", try {attempt}"),
    };
    let memory = match spent.memory_bytes {
        Some(bytes) => format!("{} of {} MiB memory", mib(bytes), limits.memory_bytes / MIB),
        None => "its memory is not known: the call was cut off".to_owned(),
    };
    lines.push(format!(
        "    {plugin} {version}{tried}: {} of {} ms processor time, {} of {} ms in all, {memory}, {} of {} HTTP requests",
        ms(spent.cpu),
        limits.cpu_ms,
        ms(call.took),
        limits.deadline_ms,
        call.http.len(),
        limits.http_requests,
    ));
    lines.extend(
        call.http
            .iter()
            .map(|note| format!("      {}", http_text(note))),
    );
    let log = call.log.iter();
    lines.extend(log.map(|(level, text)| format!("      log {}: {text}", level.name())));
    if call.writes > 0 {
        lines.push(format!(
            "      {} written",
            count(call.writes as u64, "value")
        ));
    }
    // What failed may come with its stack.
    let outcome = call.outcome.iter().flat_map(|line| line.lines());
    lines.extend(outcome.map(|line| format!("      {line}")));
}

fn http_text(note: &HttpNote) -> String {
    let outcome = match &note.outcome {
        Ok(status) => status.to_string(),
        Err(why) => why.clone(),
    };
    let HttpNote { method, url, .. } = note;
    format!("{method} {url}: {outcome}, {} ms", ms(note.took))
}

fn rendered_lines(rendered: &Rendered, lines: &mut Vec<String>) {
    let Rendered {
        message, plugin, ..
    } = rendered;
    lines.push(format!(
        "    message {message} of {plugin}, on each platform"
    ));
    let notes = rendered.notes.iter();
    lines.extend(notes.map(|note| format!("      here: {note}")));
    for elsewhere in &rendered.elsewhere {
        let platform = &elsewhere.platform;
        let notes = elsewhere.notes.iter();
        lines.extend(notes.map(|note| format!("      {platform} loses: {note}")));
        for sent in &elsewhere.sent {
            lines.extend(sent.lines().map(|line| format!("      {line}")));
        }
    }
}

fn ms(time: Duration) -> String {
    let us = time.as_micros();
    format!("{}.{}", us / 1_000, us % 1_000 / 100)
}

fn mib(bytes: u64) -> String {
    format!("{}.{}", bytes / MIB, bytes % MIB * 10 / MIB)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::trace::{LogLevel, Spent};
    use crate::mailbox::rooms::Elsewhere;
    use crate::model::limits::Limits;

    fn traced(step: Step) -> Traced {
        Traced {
            event: "m1".to_owned(),
            step,
        }
    }

    fn decision(plugin: Option<&str>, gets: bool, why: &str) -> Decision {
        Decision {
            plugin: plugin.map(Into::into),
            gets,
            why: why.to_owned(),
        }
    }

    fn came(decisions: Vec<Decision>) -> Traced {
        traced(Step::Came(Box::new(Came {
            kind: "message".to_owned(),
            actor: Some(("user:1".to_owned(), "Ada".to_owned())),
            conversation: Some(("room:1".to_owned(), Some("Lobby".to_owned()))),
            bot: Some("parlor".to_owned()),
            cause: None,
            trace: "00ff".to_owned(),
            text: Some("/joke".to_owned()),
            decisions,
        })))
    }

    fn call(spent: Spent) -> Call {
        Call {
            plugin: "joke".to_owned(),
            version: "1.2.0".to_owned(),
            attempt: 1,
            took: Duration::from_micros(12_340),
            spent,
            limits: Limits::default(),
            http: Vec::new(),
            log: Vec::new(),
            writes: 0,
            outcome: vec!["send in room:1: Why?".to_owned()],
        }
    }

    #[test]
    fn a_whole_way_reads_from_the_event_to_each_platform() {
        let mut joke = call(Spent {
            cpu: Duration::from_micros(350),
            memory_bytes: Some(1_200_000),
            http_requests: 1,
        });
        joke.http = vec![HttpNote {
            method: "GET".to_owned(),
            url: "https://jokes.example/random".to_owned(),
            outcome: Ok(200),
            took: Duration::from_millis(11),
        }];
        joke.log = vec![(LogLevel::Info, "asked".to_owned())];
        joke.writes = 1;
        let shown = lines(&[
            came(vec![
                decision(Some("echo"), false, "it is none of its commands"),
                decision(Some("joke"), true, "command joke: /joke"),
            ]),
            traced(Step::Called(Box::new(joke))),
            traced(Step::Rendered(Rendered {
                message: "m2".to_owned(),
                plugin: "joke".to_owned(),
                notes: vec!["buttons → numbers".to_owned()],
                elsewhere: vec![Elsewhere {
                    platform: "Webex".to_owned(),
                    sent: vec!["Webex is sent:\n{\"markdown\": \"Why?\"}".to_owned()],
                    notes: vec!["table → text".to_owned()],
                }],
            })),
        ]);
        insta::assert_snapshot!(shown.join("\n"));
    }

    #[test]
    fn what_nobody_gets_and_what_failed_say_why() {
        let mut cut = call(Spent {
            cpu: Duration::from_millis(101),
            memory_bytes: None,
            http_requests: 0,
        });
        cut.attempt = 2;
        cut.outcome = vec!["failed: Cpu: used more than 100 ms of processor time".to_owned()];
        let shown = lines(&[
            came(vec![decision(Some("joke"), false, "it does not hear bots")]),
            came(vec![decision(
                None,
                true,
                "answers with the list of commands",
            )]),
            traced(Step::CameAgain),
            traced(Step::Called(Box::new(cut))),
        ]);
        insta::assert_snapshot!(shown.join("\n"));
    }
}
