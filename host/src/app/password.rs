//! Passwords that are changed with their platform.

use crate::config::{BotConfig, Platform, Secret};
use crate::connectors::lseg;

/// Why a password is not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The bot is on another platform.
    #[error("bot {bot} is on {platform}, and has no password there")]
    OtherPlatform {
        /// The bot.
        bot: String,
        /// Its platform.
        platform: &'static str,
    },
    /// The platform's.
    #[error(transparent)]
    Platform(#[from] lseg::PasswordError),
}

/// Where a new password is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptIn {
    /// In the file that the settings name.
    File,
    /// With the platform alone: the settings read it from elsewhere.
    Nowhere,
}

/// Changes a bot's password with its platform, and in the file that the settings read it from.
///
/// # Errors
/// [`ChangeError`].
pub async fn change_password(bot: &BotConfig, new: &Secret) -> Result<KeptIn, ChangeError> {
    let Platform::Lseg(config) = &bot.platform else {
        return Err(ChangeError::OtherPlatform {
            bot: bot.name.clone(),
            platform: bot.platform.name(),
        });
    };
    lseg::change_password(config, new).await?;
    Ok(match config.password_file {
        Some(_) => KeptIn::File,
        None => KeptIn::Nowhere,
    })
}
