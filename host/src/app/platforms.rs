//! Ties the bots of the settings to their platforms.

use std::sync::Arc;

use anyhow::Context as _;

use crate::config::{BotConfig, Platform};
use crate::connectors::livechat::{LiveChatConfig, LiveChatConnector};
use crate::connectors::local::{Hub, LocalConnector};
use crate::connectors::lseg::{LsegConfig, LsegConnector};
use crate::connectors::symphony::{SymphonyConfig, SymphonyConnector};
use crate::connectors::webex::{Keeps, WebexConfig, WebexConnector};
use crate::mailbox::session::Session;
use crate::model::Name;

/// Makes the session of a bot, by its platform.
pub trait Platforms: Send + Sync {
    /// Makes a bot known to its platform.
    ///
    /// # Errors
    /// Says why the bot cannot be had.
    fn session(&self, tenant: &Name, bot: &BotConfig) -> anyhow::Result<Arc<dyn Session>>;
}

/// The platforms that parlor has.
pub struct BuiltIn {
    hub: Hub,
    webex: Keeps,
}

impl BuiltIn {
    /// Joins them to the local platform of this process.
    pub fn new(hub: Hub) -> Self {
        Self {
            hub,
            webex: Keeps::default(),
        }
    }
}

impl Platforms for BuiltIn {
    fn session(&self, tenant: &Name, bot: &BotConfig) -> anyhow::Result<Arc<dyn Session>> {
        let name = &bot.name;
        match &bot.platform {
            Platform::LiveChat(config) => {
                let config = LiveChatConfig::clone(config);
                let connector = LiveChatConnector::new(tenant.clone(), name, config)
                    .with_context(|| format!("bot {name}"))?;
                Ok(Arc::new(connector))
            }
            Platform::Local(_) => {
                let hub = self.hub.clone();
                let connector = LocalConnector::new(hub, tenant.clone(), name, name)
                    .with_context(|| format!("bot {name}"))?;
                Ok(Arc::new(connector))
            }
            Platform::Lseg(config) => {
                let config = LsegConfig::clone(config);
                let connector = LsegConnector::new(tenant.clone(), name, config)
                    .with_context(|| format!("bot {name}"))?;
                Ok(Arc::new(connector))
            }
            Platform::Symphony(config) => {
                let config = SymphonyConfig::clone(config);
                let connector = SymphonyConnector::new(tenant.clone(), name, config)
                    .with_context(|| format!("bot {name}"))?;
                Ok(Arc::new(connector))
            }
            Platform::Webex(config) => {
                let config = WebexConfig::clone(config);
                let connector = WebexConnector::new(tenant.clone(), name, config, &self.webex)
                    .with_context(|| format!("bot {name}"))?;
                Ok(Arc::new(connector))
            }
        }
    }
}
