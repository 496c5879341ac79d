//! What a line does, and how a change reads.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::render::{Renderer, buttons, clean};
use super::{TerminalError, TerminalOptions};
use crate::mailbox::rooms::{
    Change, Command, RoomEvent, RoomMessage, Rooms, RoomsError, Say, Snapshot, View,
};
use crate::model::Name;
use crate::model::content::{Block, Button, ButtonKind};
use crate::model::event::{ConversationKind, Visibility};
use crate::model::payload::{ConversationChanged, MemberChange, PresenceStatus};

/// The console's own commands with their help.
const COMMANDS: [(&str, &str); 9] = [
    ("/as USER", "speak as this user"),
    ("/room NAME", "go to a room, which is made when it is new"),
    (
        "/chat NAME",
        "answer the customer of this name, as an agent",
    ),
    ("/join", "go into the conversation"),
    ("/leave", "go out of it"),
    (
        "/click N|ID",
        "press a button of the last message that has some",
    ),
    ("/submit FIELD=VALUE …", "fill in and submit the last form"),
    ("/?", "this list"),
    ("/quit", "end"),
];

/// What a line came to.
pub(super) enum Reply {
    Lines(Vec<String>),
    Quit,
}

/// The state behind the prompt.
pub(super) struct Console {
    pub(super) view: View,
    rooms: Arc<dyn Rooms>,
    render: Renderer,
    user: String,
    user_id: Name,
    here: Name,
    names: HashMap<Name, Name>,
    places: HashMap<Name, (Name, ConversationKind)>,
    form: Option<(Name, String)>,
    buttons: Vec<(Name, Button)>,
    plugin_commands: Vec<String>,
}

impl Console {
    /// Goes into the first room as the first user.
    pub(super) async fn start(
        rooms: Arc<dyn Rooms>,
        options: &TerminalOptions,
    ) -> Result<Self, TerminalError> {
        let open = Command::OpenRoom {
            name: options.room.clone(),
        };
        let done = rooms.act(&options.user, open).await?;
        be_there(&*rooms, &options.user, PresenceStatus::Available).await?;
        let (snapshot, view) = rooms.view(&options.user)?;
        let mut console = Self {
            view,
            rooms,
            render: Renderer::new(options.width, options.colour),
            user: options.user.clone(),
            user_id: snapshot.viewer.id.clone(),
            here: done.conversation.unwrap_or_default(),
            names: HashMap::new(),
            places: HashMap::new(),
            form: None,
            buttons: Vec::new(),
            plugin_commands: options.plugin_commands.clone(),
        };
        console.learn(&snapshot);
        Ok(console)
    }

    /// What stands before the cursor.
    pub(super) fn prompt(&self) -> String {
        format!("{} @ {}> ", clean(&self.user), self.place_name(&self.here))
    }

    /// A line below what is said.
    pub(super) fn aside(&self, line: &str) -> String {
        self.render.aside(line)
    }

    /// Names the plugins' commands that the console's own hide.
    pub(super) fn hidden_commands(&self) -> Vec<String> {
        let mut hidden: Vec<&str> = self
            .plugin_commands
            .iter()
            .filter_map(|pattern| pattern.split_whitespace().next())
            .filter(|word| own_command(word).is_some())
            .collect();
        hidden.sort_unstable();
        hidden.dedup();
        hidden
            .iter()
            .map(|word| {
                format!(
                    "* a plugin has the command {word} too: type /{word} to send it to the plugin"
                )
            })
            .collect()
    }

    /// Does what a line says.
    pub(super) async fn take_line(&mut self, line: &str) -> Result<Reply, TerminalError> {
        let line = line.trim_end();
        if line.trim().is_empty() {
            return Ok(Reply::Lines(Vec::new()));
        }
        if let Some(message) = line.strip_prefix("//") {
            return self.say(&format!("/{message}")).await;
        }
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match own_command(word) {
            Some(command) => match self.run(command, rest.trim()).await {
                Ok(reply) => Ok(reply),
                Err(TerminalError::Rooms(error)) => Ok(refused(&error)),
                Err(error) => Err(error),
            },
            None => self.say(line).await,
        }
    }

    /// How a change reads to this user; none where it is not worth a line.
    pub(super) fn text_of(&mut self, event: &RoomEvent) -> Option<String> {
        let by = event.by.clone();
        match &event.change {
            Change::User(user) => {
                self.names.insert(user.id.clone(), user.name.clone());
                None
            }
            Change::Created { room, .. } => {
                self.places
                    .insert(room.id.clone(), (room.name.clone(), room.kind));
                None
            }
            Change::Updated { room, what } => {
                self.places
                    .insert(room.id.clone(), (room.name.clone(), room.kind));
                let what = match what {
                    ConversationChanged::Closed => "closed the chat".to_owned(),
                    ConversationChanged::Reopened => "opened the chat again".to_owned(),
                    ConversationChanged::Transferred(transfer) => {
                        format!("handed the chat to {}", clean(&transfer.to))
                    }
                    ConversationChanged::Created | ConversationChanged::Updated => return None,
                };
                Some(self.note(&room.id, &format!("{} {what}", self.name(&by))))
            }
            Change::Posted(message) => {
                if by == self.user_id {
                    return None;
                }
                self.remember(message);
                Some(self.message(message, ""))
            }
            Change::Edited(message) => {
                self.remember(message);
                Some(self.message(message, " (edited)"))
            }
            Change::Deleted { conversation, .. } => {
                let text = format!("{} deleted a message", self.name(&by));
                Some(self.note(conversation, &text))
            }
            Change::Reacted {
                conversation,
                emoji,
                added,
                ..
            } if by != self.user_id => {
                let verb = if *added { "put" } else { "took away" };
                let text = format!("{} {verb} :{}:", self.name(&by), clean(emoji));
                Some(self.note(conversation, &text))
            }
            Change::Member {
                conversation,
                user,
                change,
                ..
            } if by != self.user_id => {
                let who = self.name(user);
                let text = match change {
                    MemberChange::Joined => format!("{who} joined"),
                    MemberChange::Left if *user == by => format!("{who} left"),
                    MemberChange::Left => format!("{} took {who} out", self.name(&by)),
                    MemberChange::Invited => format!("{} brought {who} in", self.name(&by)),
                    MemberChange::Promoted => format!("{who} is an owner now"),
                    MemberChange::Demoted => format!("{who} is a member now"),
                    MemberChange::JoinRequested => format!("{who} asks to come in"),
                };
                Some(self.note(conversation, &text))
            }
            _ => None,
        }
    }

    /// Takes a new snapshot, after a switch of users or when changes were lost.
    pub(super) fn look_again(&mut self) -> Result<(), TerminalError> {
        let (snapshot, view) = self.rooms.view(&self.user)?;
        self.view = view;
        self.user_id = snapshot.viewer.id.clone();
        self.learn(&snapshot);
        Ok(())
    }

    fn learn(&mut self, snapshot: &Snapshot) {
        for user in &snapshot.users {
            self.names.insert(user.id.clone(), user.name.clone());
        }
        for view in &snapshot.rooms {
            let room = &view.room;
            self.places
                .insert(room.id.clone(), (room.name.clone(), room.kind));
        }
    }

    async fn say(&mut self, text: &str) -> Result<Reply, TerminalError> {
        let say = Command::Say(Say {
            conversation: self.here.to_string(),
            text: text.to_owned(),
            ..Say::default()
        });
        match self.rooms.act(&self.user, say).await {
            Ok(_) => Ok(Reply::Lines(Vec::new())),
            Err(error) => Ok(refused(&error)),
        }
    }

    async fn run(&mut self, command: &str, rest: &str) -> Result<Reply, TerminalError> {
        match (command, rest) {
            ("/quit", _) => return Ok(Reply::Quit),
            ("/?", _) => return Ok(Reply::Lines(help())),
            ("/as" | "/room" | "/chat" | "/click", "") => {
                return Ok(problem(&format!("usage: {}", usage(command))));
            }
            ("/as", user) => return self.be(user).await,
            ("/room", name) => {
                let open = Command::OpenRoom {
                    name: name.to_owned(),
                };
                return self.go(open).await;
            }
            ("/chat", name) => {
                let open = Command::OpenChat {
                    customer: name.to_owned(),
                };
                return self.go(open).await;
            }
            ("/join", "") => {
                let join = Command::Join {
                    conversation: self.here.to_string(),
                };
                return self.go(join).await;
            }
            ("/join", name) => {
                let open = Command::OpenRoom {
                    name: name.to_owned(),
                };
                return self.go(open).await;
            }
            ("/leave", _) => {
                let leave = Command::Leave {
                    conversation: self.here.to_string(),
                };
                self.rooms.act(&self.user, leave).await?;
                let text = format!("{} left", clean(&self.user));
                return Ok(Reply::Lines(vec![self.note(&self.here, &text)]));
            }
            ("/click", which) => self.click(which).await?,
            ("/submit", rest) => self.submit(rest).await?,
            _ => {}
        }
        Ok(Reply::Lines(Vec::new()))
    }

    async fn be(&mut self, user: &str) -> Result<Reply, TerminalError> {
        let before = std::mem::replace(&mut self.user, user.to_owned());
        if let Err(error) = self.look_again() {
            self.user = before;
            return Err(error);
        }
        be_there(&*self.rooms, &before, PresenceStatus::Offline).await?;
        be_there(&*self.rooms, user, PresenceStatus::Available).await?;
        let join = Command::Join {
            conversation: self.here.to_string(),
        };
        self.go(join).await
    }

    async fn go(&mut self, command: Command) -> Result<Reply, TerminalError> {
        let done = self.rooms.act(&self.user, command).await?;
        if let Some(conversation) = done.conversation
            && conversation != self.here
        {
            self.here = conversation;
            self.form = None;
            self.buttons.clear();
        }
        // What is private may be seen from now on.
        self.look_again()?;
        let text = format!(
            "{} is in {}",
            clean(&self.user),
            self.place_name(&self.here)
        );
        Ok(Reply::Lines(vec![format!("* {text}")]))
    }

    async fn click(&mut self, which: &str) -> Result<(), TerminalError> {
        let by_number = which
            .parse::<usize>()
            .ok()
            .and_then(|number| self.buttons.get(number.checked_sub(1)?));
        let by_id = || {
            self.buttons
                .iter()
                .find(|(_, button)| button_id(button) == which || button.label == which)
        };
        let (message, button) = by_number
            .or_else(by_id)
            .cloned()
            .ok_or_else(|| RoomsError::NotFound(format!("button {}", clean(which))))?;
        let press = Command::Press {
            message: message.to_string(),
            button: button_id(&button).to_owned(),
        };
        self.rooms.act(&self.user, press).await?;
        Ok(())
    }

    async fn submit(&mut self, rest: &str) -> Result<(), TerminalError> {
        let (message, form) = self
            .form
            .clone()
            .ok_or_else(|| RoomsError::NotFound("form here".to_owned()))?;
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut button = None;
        for word in words(rest) {
            match word.split_once('=') {
                Some((field, value)) => values
                    .entry(field.to_owned())
                    .or_default()
                    .push(value.to_owned()),
                None => button = Some(word),
            }
        }
        let submit = Command::Submit {
            message: message.to_string(),
            form,
            button,
            values,
        };
        self.rooms.act(&self.user, submit).await?;
        Ok(())
    }

    fn remember(&mut self, message: &RoomMessage) {
        if message.conversation != self.here {
            return;
        }
        for block in &message.content {
            if let Block::Form(form) = block {
                self.form = Some((message.id.clone(), form.id.clone()));
            }
        }
        let buttons: Vec<(Name, Button)> = buttons(&message.content)
            .map(|button| (message.id.clone(), button.clone()))
            .collect();
        if !buttons.is_empty() {
            self.buttons = buttons;
        }
    }

    fn message(&self, message: &RoomMessage, mark: &str) -> String {
        let place = if message.conversation == self.here {
            String::new()
        } else {
            format!("[{}] ", self.place_name(&message.conversation))
        };
        let agents = if message.visibility == Visibility::Agents {
            " [agents only]"
        } else {
            ""
        };
        let head = format!("{place}{}{mark}{agents}:", self.name(&message.author));
        self.render.message(
            &head,
            &message.text,
            &message.content,
            &message.attachments,
            &message.notes,
        )
    }

    fn note(&self, conversation: &Name, text: &str) -> String {
        let place = if *conversation == self.here {
            String::new()
        } else {
            format!("[{}] ", self.place_name(conversation))
        };
        self.render.note(&format!("* {place}{text}"))
    }

    fn name(&self, user: &Name) -> String {
        clean(self.names.get(user).unwrap_or(user))
    }

    fn place_name(&self, conversation: &Name) -> String {
        match self.places.get(conversation) {
            Some((name, ConversationKind::CustomerChat)) => format!("chat {}", clean(name)),
            Some((name, _)) => clean(name),
            None => clean(conversation),
        }
    }
}

/// Says whether a user is at the terminal: chats are handed to people who are there.
async fn be_there(rooms: &dyn Rooms, user: &str, status: PresenceStatus) -> Result<(), RoomsError> {
    rooms.act(user, Command::SetPresence { status }).await?;
    Ok(())
}

fn own_command(word: &str) -> Option<&'static str> {
    COMMANDS
        .iter()
        .map(|(usage, _)| usage.split(' ').next().unwrap_or(usage))
        .find(|own| *own == word)
}

fn usage(command: &str) -> &'static str {
    COMMANDS
        .iter()
        .map(|(usage, _)| *usage)
        .find(|usage| usage.starts_with(command))
        .unwrap_or("/?")
}

fn help() -> Vec<String> {
    let mut lines: Vec<String> = COMMANDS
        .iter()
        .map(|(usage, help)| format!("  {usage:<24}{help}"))
        .collect();
    lines.push(format!(
        "  {:<24}{}",
        "//…", "send a line that begins with /"
    ));
    lines.push(format!(
        "  {:<24}{}",
        "/help", "ask the bots what they can do"
    ));
    lines
}

fn button_id(button: &Button) -> &str {
    match &button.kind {
        ButtonKind::Action(action) => &action.id,
        ButtonKind::Link(_) | ButtonKind::Reply(_) => &button.label,
    }
}

fn refused(error: &RoomsError) -> Reply {
    problem(&error.to_string())
}

fn problem(text: &str) -> Reply {
    Reply::Lines(vec![format!("! {}", clean(text))])
}

/// Splits at spaces; quotes hold words together.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut begun = false;
    for c in text.chars() {
        match quote {
            Some(end) if c == end => quote = None,
            Some(_) => word.push(c),
            None if c == '"' || (c == '\'' && (word.is_empty() || word.ends_with('='))) => {
                quote = Some(c);
                begun = true;
            }
            None if c.is_whitespace() => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            None => {
                word.push(c);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}
