//! Who asks.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::answer::{Refusal, misdirected, refuse};
use super::world::{AGENT, CLIENT_ID, PAT, Spoken, World};
use crate::sim::Request;

/// Somebody with a token.
#[derive(Clone, Debug)]
pub(super) struct Who {
    pub(super) organization: String,
    /// The agent or the bot in whose name it is asked.
    pub(super) id: String,
    /// The app; none with a personal token.
    pub(super) client: Option<String>,
    /// A bot's own token.
    pub(super) is_bot: bool,
}

/// Reads who asks.
pub(super) fn who(
    world: &World,
    request: &Request,
    spoken: Spoken,
    author: Option<&str>,
) -> Result<Who, Refusal> {
    let refused = || refuse("authentication", "Invalid access token");
    let shown = request.header("authorization").ok_or_else(refused)?;
    let mut found = if let Some(token) = shown.strip_prefix("Bearer ") {
        let now = Instant::now();
        let token = world
            .tokens
            .iter()
            .find(|known| known.access == token && known.until > now);
        let token = token.ok_or_else(refused)?;
        Who {
            organization: token.organization.clone(),
            id: token.bot.clone().unwrap_or_else(|| AGENT.to_owned()),
            client: Some(CLIENT_ID.to_owned()),
            is_bot: token.bot.is_some(),
        }
    } else {
        let pair = shown.strip_prefix("Basic ").ok_or_else(refused)?;
        let pair = STANDARD.decode(pair).ok();
        let pair = pair.and_then(|pair| String::from_utf8(pair).ok());
        let pair = pair.ok_or_else(refused)?;
        let (account, token) = pair.split_once(':').ok_or_else(refused)?;
        let mut licences = world.licences.values();
        let licence = licences.find(|licence| licence.account == account && token == PAT);
        Who {
            organization: licence.ok_or_else(refused)?.organization.clone(),
            id: AGENT.to_owned(),
            client: None,
            is_bot: false,
        }
    };
    if let Some(region) = &world.knobs.region
        && request.header("x-region") != Some(region)
    {
        return Err(misdirected(region));
    }
    let named = request.header("x-author-id");
    let author = match (spoken, named) {
        (Spoken::Three(6..), Some(_)) => {
            return Err(refuse("validation", "X-Author-Id is no more"));
        }
        (Spoken::Three(_), named) => named,
        (Spoken::ChatIo, _) => author,
    };
    if let Some(author) = author {
        let licence = world.licence_of(&found.organization);
        let is_there = licence.is_some_and(|licence| licence.agent_user(author).is_some());
        if !is_there {
            return Err(refuse("validation", "no such author"));
        }
        found.id = author.to_owned();
    }
    Ok(found)
}
