//! What platforms that show commands are told.

use super::Plugins;
use crate::mailbox::session::ShownCommand;

impl Plugins {
    /// The commands of all plugins, as they are typed.
    pub fn commands(&self) -> Vec<String> {
        let known = self.known.lock();
        let commands = known
            .serving
            .values()
            .flat_map(|plugin| plugin.description.commands.iter());
        commands
            .filter_map(|command| command.pattern.split_whitespace().next())
            .map(str::to_owned)
            .collect()
    }

    /// The commands that people may be shown where a bot is.
    pub(super) fn commands_of(&self, bot: &str) -> Vec<ShownCommand> {
        let known = self.known.lock();
        let plugins = known.serving.values().filter(|plugin| {
            let bots = &plugin.access.only.bots;
            bots.is_empty() || bots.iter().any(|name| name == bot)
        });
        let commands = plugins.flat_map(|plugin| &plugin.description.commands);
        let shown = commands.filter(|command| !command.hidden);
        let shown = shown.map(|command| ShownCommand {
            pattern: command.pattern.clone(),
            help: command.help.clone(),
        });
        shown.collect()
    }
}
