//! The one way of a change: decided, applied, written down, shown.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::MutexGuard;

use super::log;
use super::log::Log;
use super::names;
use super::rules::{self, Asked, decide};
use super::{Core, Heard, Hub, HubBot, INBOUND_MAX, Inner, Queue, Who, base36, heard, hears};
use crate::mailbox::rooms::{Change, Command, Done, RoomEvent, RoomUser, RoomsError};
use crate::model::event::UserKind;
use crate::model::{Name, Timestamp};

impl Hub {
    /// As [`Hub::act_as_bot`], with notes of what the message does not show as it was meant.
    ///
    /// # Errors
    /// Why it was refused.
    pub fn act_with_notes(
        &self,
        bot: &HubBot,
        part: Option<Name>,
        command: Command,
        notes: &[String],
    ) -> Result<Done, RoomsError> {
        self.inner.act(Who::Bot(bot, notes), part, command)
    }

    /// Tells whether a user, by name or id, may see a message.
    pub fn may_see(&self, user: &str, message: &str) -> bool {
        let may = self.read(|state| {
            let user = names::find_user(state, user)?;
            let (room, message) = state.message(message)?;
            Some(names::sees(room, message, &user.id))
        });
        may.unwrap_or_default()
    }
}

impl Inner {
    pub(super) fn act(
        &self,
        who: Who<'_>,
        part: Option<Name>,
        command: Command,
    ) -> Result<Done, RoomsError> {
        let performed = part
            .as_ref()
            .and_then(|part| self.core.lock().state.performed(part).cloned());
        if let Some(done) = performed {
            // It may be in memory only, from a write that failed.
            self.flush()?;
            return Ok(done);
        }
        let (command, message_id, files) = self.keep_files(who, part.as_ref(), command)?;
        let mut core = self.core.lock();
        if self.log.is_some() && core.lines.len() > UNWRITTEN_MAX {
            drop(core);
            self.flush()?;
            core = self.core.lock();
        }
        let (by, is_new) = match who {
            Who::Person(name) => core.person(name)?,
            Who::Bot(bot, _) => {
                if core.is_full(INBOUND_MAX * 2) {
                    return Err(RoomsError::Busy);
                }
                (bot.user.clone(), false)
            }
        };
        let at = self.clock.now();
        let asked = Asked {
            by: by.clone(),
            is_new,
            now: at,
            message_id: message_id.or_else(|| part.clone()),
            epoch: &self.epoch,
            bots: &core.bots,
            groups: &self.groups,
            files,
            notes: match who {
                Who::Bot(_, notes) => notes.to_vec(),
                Who::Person(_) => Vec::new(),
            },
        };
        let decision = decide(&core.state, asked, command)?;
        let last = decision.changes.len().saturating_sub(1);
        for (place, change) in decision.changes.into_iter().enumerate() {
            let part = if place == last { part.clone() } else { None };
            self.make(&mut core, &by.id, at, part, change);
        }
        let dropped = std::mem::take(&mut core.dropped_files);
        drop(core);
        for file in dropped {
            self.files.drop_file(&file);
        }
        self.flush()?;
        Ok(decision.done)
    }

    /// Files are on disk before the message that names them.
    pub(super) fn keep_files(
        &self,
        who: Who<'_>,
        part: Option<&Name>,
        mut command: Command,
    ) -> Result<
        (
            Command,
            Option<Name>,
            Vec<crate::model::event::ReceivedAttachment>,
        ),
        RoomsError,
    > {
        let Command::Say(say) = &mut command else {
            return Ok((command, None, Vec::new()));
        };
        if say.files.is_empty() && say.received.is_empty() {
            return Ok((command, None, Vec::new()));
        }
        if say.files.len() + say.received.len() > rules::FILES_MAX {
            return Err(RoomsError::TooLarge(format!(
                "a message has at most {} files",
                rules::FILES_MAX
            )));
        }
        let id = part.cloned().unwrap_or_else(|| {
            let number = self.file_number.fetch_add(1, Ordering::Relaxed);
            format!("{}-f{}", self.epoch, base36(number)).into()
        });
        let mut kept = Vec::new();
        let mut files = std::mem::take(&mut say.files);
        for received in std::mem::take(&mut say.received) {
            let hub_file = {
                let (message, _) = received
                    .rsplit_once('.')
                    .ok_or_else(|| RoomsError::NotFound(format!("file {received}")))?;
                let core = self.core.lock();
                let user = match who {
                    Who::Bot(bot, _) => Some(&bot.user),
                    Who::Person(name) => names::find_user(&core.state, name),
                };
                // What somebody cannot see is not there to be sent on.
                let seen = core.state.message(message).filter(|(room, message)| {
                    let id = user.map_or("", |user| &user.id);
                    names::sees(room, message, id)
                });
                seen.and_then(|(_, message)| {
                    message
                        .attachments
                        .iter()
                        .find(|a| a.id == received)
                        .cloned()
                })
            };
            let about = hub_file.ok_or_else(|| RoomsError::NotFound(format!("file {received}")))?;
            let bytes = self
                .files
                .read(&received)
                .ok_or_else(|| RoomsError::NotFound(format!("file {received}")))?;
            files.push(crate::model::action::File {
                name: about.name,
                media_type: about.media_type,
                bytes: bytes.to_vec(),
            });
        }
        for (place, file) in files.into_iter().enumerate() {
            let about = self.files.keep(&id, place, file).map_err(|error| {
                if error.kind() == std::io::ErrorKind::FileTooLarge {
                    RoomsError::TooLarge(error.to_string())
                } else {
                    RoomsError::Storage(error.to_string())
                }
            })?;
            kept.push(about);
        }
        Ok((command, Some(id), kept))
    }

    /// Applies a change, and shows it or puts it before the log.
    pub(super) fn make(
        &self,
        core: &mut Core,
        by: &Name,
        at: Timestamp,
        part: Option<Name>,
        change: Change,
    ) {
        let passing = change.is_passing();
        let number = if passing {
            core.passing += 1;
            core.passing
        } else {
            core.state.number + 1
        };
        let event = Arc::new(RoomEvent {
            number,
            at,
            by: by.clone(),
            part,
            change,
        });
        // A bot that is taken out hears of it, so who hears is asked before and after.
        let mut hearing: Vec<usize> = Vec::new();
        for (place, bot) in core.bots.iter().enumerate() {
            if hears(&core.state, &bot.id, &event) {
                hearing.push(place);
            }
        }
        if let Some(gone) = core.state.apply(&event) {
            core.dropped_files
                .extend(gone.attachments.iter().map(|a| a.id.clone()));
        }
        for (place, bot) in core.bots.iter().enumerate() {
            if !hearing.contains(&place) && hears(&core.state, &bot.id, &event) {
                hearing.push(place);
            }
        }
        if self.log.is_some() {
            if !passing {
                log::put_event(&mut core.lines, &event);
            }
            for place in hearing {
                core.unheard.push((place, heard(&core.state, &event)));
            }
            core.unshown.push(event);
        } else {
            for place in hearing {
                let heard = heard(&core.state, &event);
                core.queues[place].push(heard);
            }
            self.broadcast(event);
        }
    }

    pub(super) fn broadcast(&self, event: Arc<RoomEvent>) {
        if self.changes.receiver_count() > 0 {
            // Nobody is left to hear it when the last front end has just gone.
            let _ = self.changes.send(event);
        }
    }

    /// Writes what is not in the log yet, of this caller and of others, and then shows it.
    pub(super) fn flush(&self) -> Result<(), RoomsError> {
        let Some(log) = &self.log else {
            return Ok(());
        };
        let mut log = log.lock();
        let mut core = self.core.lock();
        if core.lines.is_empty() && core.unshown.is_empty() {
            return Ok(());
        }
        if log.is_due() {
            self.write_down(&mut log, &mut core)?;
            self.show(&mut core);
            let copy = core.copy(&self.epoch);
            drop(core);
            if let Err(error) = log.rotate(copy) {
                // Everything is written and shown: that the log stays long refuses nothing.
                tracing::warn!(%error, "log of the local platform is not written anew");
            }
            return Ok(());
        }
        // Others go on while this batch is written; the log's lock keeps the order.
        let lines = std::mem::take(&mut core.lines);
        let unshown = std::mem::take(&mut core.unshown);
        let unheard = std::mem::take(&mut core.unheard);
        drop(core);
        let written = log.append(&lines);
        let mut core = self.core.lock();
        match written {
            Ok(()) => {
                for (place, heard) in unheard {
                    core.queues[place].push(heard);
                }
                drop(core);
                for event in unshown {
                    self.broadcast(event);
                }
                Ok(())
            }
            Err(error) => {
                // It stays before the log, ahead of what came meanwhile, and is tried with the next change.
                core.put_back(lines, unshown, unheard);
                Err(RoomsError::Storage(error.to_string()))
            }
        }
    }

    pub(super) fn write_down(
        &self,
        log: &mut MutexGuard<'_, Log>,
        core: &mut MutexGuard<'_, Core>,
    ) -> Result<(), RoomsError> {
        log.append(&core.lines)
            .map_err(|error| RoomsError::Storage(error.to_string()))?;
        core.lines.clear();
        Ok(())
    }

    pub(super) fn show(&self, core: &mut MutexGuard<'_, Core>) {
        for (place, heard) in std::mem::take(&mut core.unheard) {
            core.queues[place].push(heard);
        }
        for event in std::mem::take(&mut core.unshown) {
            self.broadcast(event);
        }
    }
}

/// Bytes that may wait for a log that cannot be written before everything is refused.
const UNWRITTEN_MAX: usize = 256 * 1024;

impl Core {
    /// The person of this name, and whether it is new.
    pub(super) fn person(&self, name: &str) -> Result<(Arc<RoomUser>, bool), RoomsError> {
        match names::find_user(&self.state, name) {
            Some(user) if user.kind == UserKind::Bot => Err(RoomsError::Denied(format!(
                "{name} is a bot: nobody else speaks as it"
            ))),
            Some(user) => Ok((user.clone(), false)),
            None if self.state.users.len() >= rules::USERS_MAX => {
                Err(RoomsError::TooLarge("there are too many users".into()))
            }
            None => Ok((names::new_user(name, UserKind::Human)?, true)),
        }
    }

    pub(super) fn is_full(&self, max: usize) -> bool {
        self.queues.iter().any(|queue| queue.holds_up(max)) || self.unheard.len() >= max
    }

    pub(super) fn note_mark(&mut self, bot: &HubBot) {
        let queue = &mut self.queues[bot.place];
        let mark = queue.mark;
        if mark > queue.logged_mark {
            queue.logged_mark = mark;
            self.marks.insert(bot.user.id.clone(), mark);
            if self.has_log {
                // Written with the next change or at the next quiet moment, whichever is first.
                log::put_accepted(&mut self.lines, &bot.user.id, mark);
            }
        }
    }

    pub(super) fn copy(&self, epoch: &Name) -> log::Copy {
        // For bots that are not there yet; those that are may be offered some of it again, with its key.
        let accepted = self.marks.values().min().copied().unwrap_or(0);
        let reoffer = self.reoffer.range(accepted + 1..);
        let mut waiting: BTreeMap<u64, Arc<RoomEvent>> = reoffer
            .map(|(number, event)| (*number, event.clone()))
            .collect();
        for heard in self.queues.iter().flat_map(|queue| &queue.heard) {
            if !heard.event.change.is_passing() {
                waiting.insert(heard.event.number, heard.event.clone());
            }
        }
        log::Copy {
            epoch: epoch.clone(),
            state: self.state.clone(),
            marks: self.marks.clone(),
            waiting: waiting.into_values().collect(),
        }
    }

    pub(super) fn put_back(
        &mut self,
        mut lines: Vec<u8>,
        mut unshown: Vec<Arc<RoomEvent>>,
        mut unheard: Vec<(usize, Heard)>,
    ) {
        lines.append(&mut self.lines);
        unshown.append(&mut self.unshown);
        unheard.append(&mut self.unheard);
        self.lines = lines;
        self.unshown = unshown;
        self.unheard = unheard;
    }
}

impl Queue {
    pub(super) fn push(&mut self, heard: Heard) {
        self.make_room();
        self.heard.push_back(heard);
        self.arrived.notify_one();
    }
}
