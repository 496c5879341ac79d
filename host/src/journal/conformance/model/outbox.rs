//! Parts and broadcasts, as a model.

use super::steps::Mark;
use super::{Model, Part, Said, place};

impl Model {
    pub(super) fn record(&mut self, tick: u64, marks: &[(usize, Mark)]) -> Said {
        let names: Vec<(String, String)> = self.parts.iter().map(Part::identity).collect();
        for (at, mark) in marks {
            let Some(meant) = place(names.len(), *at) else {
                return Said::Nothing;
            };
            let mut parts = self.parts.iter_mut();
            // One that an earlier mark ended stays ended.
            let Some(part) = parts.find(|part| part.identity() == names[meant]) else {
                continue;
            };
            match mark {
                Mark::Sending => {
                    part.is_sending = true;
                    part.attempts += 1;
                }
                Mark::Queued => part.is_sending = false,
                Mark::Failed | Mark::Skipped => {
                    let part = part.clone();
                    self.end_part(&part, false);
                }
                Mark::Sent(name, joins) => {
                    let part = part.clone();
                    self.end_part(&part, true);
                    if let Some(name) = name {
                        let message = format!("m{tick} in {}", part.conversation);
                        let key = (part.plugin.clone(), (*name).to_owned());
                        self.named.insert(key, message);
                    }
                    let place = (part.plugin, part.conversation);
                    let count = self.joins.entry(place).or_default();
                    *count = count.saturating_add_signed(*joins);
                }
            }
        }
        Said::Nothing
    }

    fn end_part(&mut self, part: &Part, is_sent: bool) {
        self.parts.retain(|it| it.identity() != part.identity());
        let Some(name) = &part.broadcast else {
            return;
        };
        if let Some(broadcast) = self.broadcasts.iter_mut().find(|it| it.name == *name) {
            let count = match is_sent {
                true => &mut broadcast.sent,
                false => &mut broadcast.failed,
            };
            *count += 1;
        }
        let parts = &self.parts;
        self.broadcasts.retain(|it| {
            let is_open = parts
                .iter()
                .any(|part| part.broadcast.as_ref() == Some(&it.name));
            it.name != *name || is_open || it.expanded < it.targets.len()
        });
    }

    pub(super) fn expand(&mut self, at: usize, rows: usize) -> Said {
        let Some(at) = place(self.broadcasts.len(), at) else {
            return Said::Nothing;
        };
        let broadcast = &mut self.broadcasts[at];
        let targets = &broadcast.targets[broadcast.expanded..];
        // Those of one target at least.
        let most = (rows / broadcast.names.len()).max(1).min(targets.len());
        for target in &targets[..most] {
            for name in &broadcast.names {
                self.parts.push(Part {
                    event: broadcast.event.clone(),
                    plugin: broadcast.plugin.clone(),
                    conversation: (*target).to_owned(),
                    name: name.clone(),
                    is_sending: false,
                    attempts: 0,
                    broadcast: Some(broadcast.name.clone()),
                });
            }
        }
        broadcast.expanded += most;
        Said::Made(most * broadcast.names.len())
    }
}

impl Part {
    fn identity(&self) -> (String, String) {
        (self.name.clone(), self.conversation.clone())
    }
}
