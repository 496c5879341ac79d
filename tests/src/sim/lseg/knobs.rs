//! How the platform behaves where its documents leave it open, or where it changes.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

/// The switches, as `POST /_sim/set` has them.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Knobs {
    /// Seconds that an access token holds, and what the answer says of it.
    pub(super) token_secs: u64,
    /// Seconds that a refresh token holds.
    pub(super) refresh_secs: u64,
    /// Seconds after which the stream wants a new token, whatever the old one says.
    pub(super) window_secs: u64,
    /// Seconds that a stream has to connect.
    pub(super) connect_secs: u64,
    /// Seconds without any frame after which what lies between drops a stream; 0: never.
    pub(super) idle_secs: u64,
    /// Bots hear their own posts.
    pub(super) echo: bool,
    /// The stream says that it has taken a token.
    pub(super) acknowledges: bool,
    /// Tokens that are refused are told by an event before the stream ends.
    pub(super) says_refusal: bool,
    /// The code with which a stream ends whose token is refused.
    pub(super) refusal_code: u16,
    /// The stream never says that it is connected.
    pub(super) mute: bool,
    /// Streams are there and neither read nor speak: nobody has told that the other end is gone.
    pub(super) hangs: bool,
    /// A frame that comes before a stream says that it is connected.
    pub(super) early: Option<String>,
    /// Invitations can be listed.
    pub(super) lists_invites: bool,
    /// There are no managed rooms for this bot.
    pub(super) no_managed: bool,
    /// The status of what comes too fast.
    pub(super) throttle_status: u16,
    /// The status of a post to a room that the bot has not joined.
    pub(super) not_joined_status: u16,
    /// Where a request for a token is sent on to.
    pub(super) redirect: Option<String>,
    /// The status of that.
    pub(super) redirect_status: u16,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            token_secs: 600,
            refresh_secs: 900,
            window_secs: 300,
            connect_secs: 10,
            idle_secs: 0,
            echo: false,
            acknowledges: false,
            says_refusal: false,
            refusal_code: 1008,
            mute: false,
            hangs: false,
            early: None,
            lists_invites: false,
            no_managed: false,
            throttle_status: 429,
            not_joined_status: 403,
            redirect: None,
            redirect_status: 307,
        }
    }
}

impl Knobs {
    /// Sets those that are named.
    ///
    /// # Errors
    /// What is not known, or of another kind.
    pub(super) fn set(&mut self, what: &Value) -> Result<(), String> {
        let Value::Object(changes) = what else {
            return Err("an object of switches".to_owned());
        };
        let mut all = self.to_value();
        for (name, value) in changes {
            let known = all
                .get_mut(name)
                .ok_or_else(|| format!("there is no switch {name}"))?;
            *known = value.clone();
        }
        *self = serde_json::from_value(all).map_err(|error| error.to_string())?;
        Ok(())
    }

    fn to_value(&self) -> Value {
        serde_json::json!({
            "token_secs": self.token_secs,
            "refresh_secs": self.refresh_secs,
            "window_secs": self.window_secs,
            "connect_secs": self.connect_secs,
            "idle_secs": self.idle_secs,
            "echo": self.echo,
            "acknowledges": self.acknowledges,
            "says_refusal": self.says_refusal,
            "refusal_code": self.refusal_code,
            "mute": self.mute,
            "hangs": self.hangs,
            "early": self.early,
            "lists_invites": self.lists_invites,
            "no_managed": self.no_managed,
            "throttle_status": self.throttle_status,
            "not_joined_status": self.not_joined_status,
            "redirect": self.redirect,
            "redirect_status": self.redirect_status,
        })
    }

    pub(super) fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }
}
