//! Messages: commands first, then filters, then what the host itself has to say.

use std::borrow::Cow;

use crate::content::{PlacedToken, Token, Tokens, tokens};
use crate::model::delivery::{Route, View};
use crate::model::description::{MentionRule, MessageHas};
use crate::model::event::{Addressing, Argument, ConversationKind, Event, Message, UserKind};

use super::access::Held;
use super::sentences::HelpLine;
use super::table::{Command, Plugin, Table, has_mask, index, is_bot};
use super::{HostSays, Routing};

/// What the host itself answers to.
const HELP: &str = "/help";

// The most ways to write a command that one usage line shows.
const MAX_USAGES: usize = 3;

/// How the bot's own mention stands in a message.
pub(super) struct Spoken<'a> {
    tokens: Tokens<'a>,
    // The first token is the bot's own mention.
    lead_token: bool,
    // The bot is mentioned first, with a token or without one.
    lead: bool,
    // The place makes a mention needless: `required` holds without one.
    counts: bool,
    // The platform shows only messages that mention the bot: all three rules hold.
    holds_all: bool,
    direct: bool,
}

/// What became of the commands.
#[derive(Default)]
struct Commands<'t> {
    routes: Vec<(u32, Route)>,
    // Plugins that had their say, refused ones too.
    decided: Vec<u32>,
    refused: Option<HostSays>,
    near: Vec<&'t Command>,
    // A plugin that would have got the message from somebody else.
    closed: Option<&'t Plugin>,
}

impl Table {
    pub(super) fn route_message(&self, event: &Event, message: &Message) -> Routing {
        let mut held = Held::default();
        let spoken = self
            .wants_tokens(event, message)
            .then(|| Spoken::new(event, message));
        let mut found = match &spoken {
            Some(spoken) => self.match_commands(event, spoken, &mut held),
            None => Commands::default(),
        };
        let by_command = !found.routes.is_empty();
        self.match_filters(event, message, &mut found, &mut held);
        let host = match &spoken {
            Some(spoken) if !by_command => {
                self.host_says(event, message, spoken, &mut found, &mut held)
            }
            _ => None,
        };
        let host = host.or_else(|| self.refuse_message(event, &found));
        found.routes.sort_by_key(|(plugin, _)| *plugin);
        Routing {
            routes: found.routes.into_iter().map(|(_, route)| route).collect(),
            host,
        }
    }

    // Most messages are nobody's command, and their first word says so.
    fn wants_tokens(&self, event: &Event, message: &Message) -> bool {
        let simple = message.content.is_empty()
            && message.mentions.is_empty()
            && message.cashtags.is_empty()
            && message.hashtags.is_empty();
        if !simple || !self.loose.is_empty() {
            return true;
        }
        match message.text.split_whitespace().next() {
            Some(word) => word == HELP || self.by_word.contains_key(word),
            None => event.addressing == Addressing::Mention,
        }
    }

    fn match_commands<'t>(
        &'t self,
        event: &Event,
        spoken: &Spoken<'_>,
        held: &mut Held,
    ) -> Commands<'t> {
        let mut found = Commands::default();
        let from_bot = is_bot(event);
        for number in self.candidates(spoken).iter() {
            let Some(command) = self.commands.get(index(*number)) else {
                continue;
            };
            let Some(plugin) = self.plugins.get(index(command.plugin)) else {
                continue;
            };
            if found.decided.last() == Some(&command.plugin)
                || !plugin.covers(event)
                || (from_bot && !plugin.from_bots)
            {
                continue;
            }
            let here = plugin.only.covers_conversation(event);
            match spoken.matches(command) {
                Some(arguments) => {
                    found.near.retain(|near| near.plugin != command.plugin);
                    found.decided.push(command.plugin);
                    if here
                        && self
                            .roles
                            .allow(&command.allowed, event.actor.as_ref(), held)
                    {
                        let view = View::Command {
                            name: command.name.clone(),
                            arguments,
                        };
                        found
                            .routes
                            .push((command.plugin, self.make_route(plugin, view, event, held)));
                    } else if found.refused.is_none() && (here || spoken.addresses(command)) {
                        found.refused = Some(self.refuse(plugin, command, here));
                    }
                }
                None if here
                    && !command.hidden
                    && spoken.addresses(command)
                    && self
                        .roles
                        .allow(&command.allowed, event.actor.as_ref(), held) =>
                {
                    found.near.push(command);
                }
                None => {}
            }
        }
        found
    }

    fn candidates(&self, spoken: &Spoken<'_>) -> Cow<'_, [u32]> {
        let by_word = spoken.first_word().and_then(|word| self.by_word.get(word));
        match by_word {
            None => Cow::Borrowed(&self.loose),
            Some(found) if self.loose.is_empty() => Cow::Borrowed(found),
            // Numbers rise by plugin, then by place in its declaration.
            Some(found) => {
                let mut all: Vec<u32> = found.iter().chain(&self.loose).copied().collect();
                all.sort_unstable();
                Cow::Owned(all)
            }
        }
    }

    fn refuse(&self, plugin: &Plugin, command: &Command, here: bool) -> HostSays {
        let key = if here {
            format!("plugin.{}.allow.\"{}\"", plugin.name, command.allow_key)
        } else {
            format!("plugin.{}.only", plugin.name)
        };
        let words = command.pattern.first_words();
        let words = words.as_deref().unwrap_or(&command.name);
        HostSays::Refused {
            content: self.sentences.refused(words, !here),
            plugin: plugin.name.clone(),
            key,
        }
    }

    pub(super) fn refuse_plugin(&self, plugin: &Plugin, setting: &str, here: bool) -> HostSays {
        HostSays::Refused {
            content: self.sentences.refused(&plugin.name, here),
            plugin: plugin.name.clone(),
            key: format!("plugin.{}.{setting}", plugin.name),
        }
    }

    // Who spoke to the bot, and would be heard by a plugin but for `allow`, is not met with silence.
    // A word in passing was not said to anybody.
    fn refuse_message(&self, event: &Event, found: &Commands<'_>) -> Option<HostSays> {
        let plugin = found.closed.filter(|_| found.routes.is_empty())?;
        let is_addressed = matches!(event.addressing, Addressing::Direct | Addressing::Mention);
        (is_addressed && is_person(event)).then(|| self.refuse_plugin(plugin, "allow.\"*\"", false))
    }

    fn match_filters<'t>(
        &'t self,
        event: &Event,
        message: &Message,
        found: &mut Commands<'t>,
        held: &mut Held,
    ) {
        let carries = carries(message);
        let mut hits = self.key_words.find(&message.text);
        for (has, filters) in self.open_filters.iter().enumerate() {
            if has & usize::from(carries) == has {
                hits.extend(filters.iter().map(|filter| (*filter, Vec::new())));
            }
        }
        if hits.is_empty() {
            return;
        }
        // By plugin, and within one by the order of its filters; of one filter the first hit counts.
        hits.sort_by_key(|(filter, _)| *filter);
        let from_bot = is_bot(event);
        let mut last = None;
        for (number, arguments) in hits {
            let Some(filter) = self.filters.get(index(number)) else {
                continue;
            };
            let Some(plugin) = self.plugins.get(index(filter.plugin)) else {
                continue;
            };
            if last == Some(filter.plugin)
                || found.decided.contains(&filter.plugin)
                || filter.has & carries != filter.has
                || (from_bot && !filter.from_bots)
                || !plugin.covers(event)
                || !plugin.only.covers_conversation(event)
            {
                continue;
            }
            if !self
                .roles
                .allow(&plugin.allowed, event.actor.as_ref(), held)
            {
                found.closed.get_or_insert(plugin);
                continue;
            }
            last = Some(filter.plugin);
            let view = if filter.words {
                View::KeyWord { arguments }
            } else {
                View::Whole
            };
            found
                .routes
                .push((filter.plugin, self.make_route(plugin, view, event, held)));
        }
    }

    // Called when no command was delivered. A program is never answered by the host: two of them
    // would answer each other for ever.
    fn host_says(
        &self,
        event: &Event,
        message: &Message,
        spoken: &Spoken<'_>,
        found: &mut Commands<'_>,
        held: &mut Held,
    ) -> Option<HostSays> {
        if !is_person(event) {
            return None;
        }
        if let Some(refused) = found.refused.take() {
            return Some(refused);
        }
        if spoken.asks_for_help(event, message) {
            return Some(self.help(event, spoken, held));
        }
        // A plugin that gets the message all the same says itself what it makes of it.
        found.near.retain(|near| {
            !found
                .routes
                .iter()
                .any(|(plugin, _)| *plugin == near.plugin)
        });
        if found.near.is_empty() {
            return None;
        }
        let usages: Vec<String> = found
            .near
            .iter()
            .take(MAX_USAGES)
            .map(|command| usage(event, spoken, command))
            .collect();
        Some(HostSays::Usage(self.sentences.usage(&usages)))
    }

    fn help(&self, event: &Event, spoken: &Spoken<'_>, held: &mut Held) -> HostSays {
        let lines: Vec<HelpLine<'_>> = self
            .commands
            .iter()
            .filter(|command| !command.hidden)
            .filter(|command| {
                self.plugins
                    .get(index(command.plugin))
                    .is_some_and(|plugin| {
                        plugin.covers(event) && plugin.only.covers_conversation(event)
                    })
            })
            .filter(|command| {
                self.roles
                    .allow(&command.allowed, event.actor.as_ref(), held)
            })
            .map(|command| HelpLine {
                usage: command.pattern.usage(),
                help: &command.help,
                mention: spoken.wants_mention(command),
            })
            .collect();
        let bot = event
            .bot
            .as_ref()
            .map_or("", |bot| bot.display_name.as_str());
        HostSays::Help(self.sentences.help(&lines, &format!("@{bot}")))
    }
}

impl<'a> Spoken<'a> {
    pub(super) fn new(event: &Event, message: &'a Message) -> Self {
        let platform = event.bot.as_ref().map_or("", |bot| bot.platform.as_str());
        let symphony = platform == "symphony";
        let direct = event.addressing == Addressing::Direct
            || event
                .conversation
                .as_ref()
                .is_some_and(|place| place.kind == ConversationKind::Direct);
        let mut tokens = tokens(message, symphony);
        let own = event.bot.as_ref().and_then(|bot| {
            tokens.items.iter().position(|placed| match &placed.token {
                Token::Mention(mention) => mention.user_id == bot.user_id,
                Token::Word(_) | Token::Hashtag(_) | Token::Cashtag(_) => false,
            })
        });
        // Only Symphony's grammar gives the place of the bot's own mention a meaning.
        let lead_token = own == Some(0);
        if let Some(place) = own.filter(|place| *place > 0 && !symphony) {
            tokens.items.remove(place);
        }
        let mentioned = event.addressing == Addressing::Mention && own.is_none();
        Self {
            lead_token,
            lead: lead_token || mentioned || (own.is_some() && !symphony),
            counts: direct && !symphony,
            holds_all: platform == "webex" && !direct,
            direct,
            tokens,
        }
    }

    fn without_mention(&self) -> &[PlacedToken<'a>] {
        let skip = usize::from(self.lead_token);
        self.tokens.items.get(skip..).unwrap_or_default()
    }

    pub(super) fn first_word(&self) -> Option<&str> {
        match self.without_mention().first().map(|placed| &placed.token) {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    pub(super) fn matches(&self, command: &Command) -> Option<Vec<Argument>> {
        let line = &self.tokens.line;
        let bare = || command.pattern.matches(line, self.without_mention());
        let whole = || command.pattern.matches(line, &self.tokens.items);
        match command.mention {
            MentionRule::Required if self.lead || self.counts || self.holds_all => bare(),
            MentionRule::Required => None,
            MentionRule::Never if self.holds_all || !self.lead => bare(),
            // The mention may be the pattern's own first argument.
            MentionRule::Never if self.lead_token => whole(),
            MentionRule::Never => None,
            MentionRule::Optional => {
                bare().or_else(|| if self.lead_token { whole() } else { None })
            }
        }
    }

    // Whether a message whose first word is this command's was said to the bot. A word of the
    // language (`buy`) may be meant for anybody; a sign before it (`/buy`) is meant for a bot.
    fn addresses(&self, command: &Command) -> bool {
        let Some(first) = command.pattern.first_word() else {
            return false;
        };
        let prefixed = first
            .chars()
            .next()
            .is_some_and(|sign| !sign.is_alphanumeric());
        self.lead || self.direct || self.holds_all || (prefixed && !self.wants_mention(command))
    }

    fn wants_mention(&self, command: &Command) -> bool {
        command.mention == MentionRule::Required && !self.counts && !self.holds_all
    }

    // Whether only the mention is missing that the command wants.
    pub(super) fn would_match_with_mention(&self, command: &Command) -> bool {
        let bare = || (command.pattern).matches(&self.tokens.line, self.without_mention());
        self.wants_mention(command) && !self.lead && bare().is_some()
    }

    // In a Symphony room `/help` wants the mention, as the BDK's does: every bot there would answer.
    fn asks_for_help(&self, event: &Event, message: &Message) -> bool {
        let symphony = event
            .bot
            .as_ref()
            .is_some_and(|bot| bot.platform == "symphony");
        match self.without_mention() {
            [] => {
                (self.lead || event.addressing == Addressing::Mention)
                    && message.attachments.is_empty()
            }
            [
                PlacedToken {
                    token: Token::Word(word),
                    ..
                },
            ] => word == HELP && (!symphony || self.lead || self.direct),
            _ => false,
        }
    }
}

fn is_person(event: &Event) -> bool {
    event.actor.as_ref().is_some_and(|actor| {
        matches!(
            actor.kind,
            UserKind::Human | UserKind::Customer | UserKind::Agent | UserKind::Other
        )
    })
}

fn usage(event: &Event, spoken: &Spoken<'_>, command: &Command) -> String {
    let usage = command.pattern.usage();
    match &event.bot {
        Some(bot) if spoken.wants_mention(command) => format!("@{} {usage}", bot.display_name),
        _ => usage,
    }
}

fn carries(message: &Message) -> u8 {
    [
        (!message.mentions.is_empty(), MessageHas::Mention),
        (!message.cashtags.is_empty(), MessageHas::Cashtag),
        (!message.hashtags.is_empty(), MessageHas::Hashtag),
        (!message.attachments.is_empty(), MessageHas::Attachment),
    ]
    .into_iter()
    .filter(|(present, _)| *present)
    .fold(0, |mask, (_, what)| mask | has_mask(&[what]))
}
