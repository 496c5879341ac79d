//! Calls with the bot's tokens: logged in where needed, once more after a refusal of the tokens.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::de::DeserializeOwned;

use super::agents::Agents;
use super::auth::{Auth, AuthError, Tokens};
use super::config::SymphonyConfig;
use super::site::{Call, CallError, Refusal, Site};
use super::wire::event::FeedBatch;
use crate::mailbox::SendError;
use crate::model::directory::ReadError;
use crate::model::payload::ActionError;
use crate::net::{Answer, RestError};

/// How long an action waits for a platform that cannot say who the bot is.
const LOGIN_WAIT: Duration = Duration::from_secs(30);

/// The platform, as one bot asks it.
pub(super) struct Api {
    auth: Auth,
    pod: Site,
    agents: Arc<Agents>,
}

/// Why a call failed.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error(transparent)]
    Call(#[from] CallError),
}

impl Api {
    pub(super) fn new(config: Arc<SymphonyConfig>) -> Result<Self, RestError> {
        let agents = Arc::new(Agents::new(&config)?);
        Ok(Self {
            pod: Site::new(&config.pod, None)?,
            auth: Auth::new(config, agents.clone())?,
            agents,
        })
    }

    pub(super) fn auth(&self) -> &Auth {
        &self.auth
    }

    pub(super) fn agents(&self) -> &Agents {
        &self.agents
    }

    /// Asks the pod.
    pub(super) async fn pod(&self, call: &Call<'_>) -> Result<Answer, ApiError> {
        self.ask(&self.pod, call, Tokens::for_pod).await
    }

    /// Asks the pod for something that may be none.
    pub(super) async fn ask_pod<T>(&self, call: &Call<'_>) -> Result<T, ApiError>
    where
        T: DeserializeOwned + Default,
    {
        let answer = self.pod(call).await?;
        Ok(self.pod.read(&answer)?)
    }

    /// Asks the pod for something that is there.
    pub(super) async fn ask_pod_whole<T>(&self, call: &Call<'_>) -> Result<T, ApiError>
    where
        T: DeserializeOwned,
    {
        let answer = self.pod(call).await?;
        Ok(self.pod.read_whole(&answer)?)
    }

    /// Asks an agent. One that is not reached has done nothing: the next is asked.
    pub(super) async fn agent(&self, call: &Call<'_>) -> Result<Answer, ApiError> {
        let mut sites = self.agents.in_turn().into_iter().peekable();
        while let Some(site) = sites.next() {
            match self.ask(&site, call, Tokens::for_agent).await {
                Err(ApiError::Call(CallError::Rest { error, host }))
                    if error.was_not_sent() && sites.peek().is_some() =>
                {
                    tracing::debug!(host, %error, "the next agent is asked");
                }
                ended => return ended,
            }
        }
        // There is always one.
        self.feed(call).await
    }

    /// Asks an agent for something that may be none.
    pub(super) async fn ask_agent<T>(&self, call: &Call<'_>) -> Result<T, ApiError>
    where
        T: DeserializeOwned + Default,
    {
        let answer = self.agent(call).await?;
        Ok(self.pod.read(&answer)?)
    }

    /// Asks the agent that the feed is read from.
    pub(super) async fn feed(&self, call: &Call<'_>) -> Result<Answer, ApiError> {
        self.ask(&self.agents.of_feed(), call, Tokens::for_agent)
            .await
    }

    /// Reads an answer of the feed's agent that is there.
    pub(super) fn read_feed<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, CallError> {
        self.agents.of_feed().read_whole(answer)
    }

    /// Reads what a feed brought.
    pub(super) fn read_batch(&self, answer: &Answer) -> Result<FeedBatch, CallError> {
        FeedBatch::read(&answer.body).map_err(|error| self.agents.of_feed().nonsense(&error))
    }

    /// Reads an answer of the feed's agent that may be none.
    pub(super) fn read_list<T>(&self, answer: &Answer) -> Result<Vec<T>, CallError>
    where
        T: DeserializeOwned,
    {
        self.agents.of_feed().read(answer)
    }

    async fn ask(
        &self,
        site: &Site,
        call: &Call<'_>,
        shown: impl Fn(&Tokens) -> http::HeaderMap,
    ) -> Result<Answer, ApiError> {
        let mut tokens = self.auth.tokens(call.as_user).await?;
        let mut answer = site.ask(call, shown(&tokens)).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            tokens = self.auth.renew(call.as_user, &tokens).await?;
            answer = site.ask(call, shown(&tokens)).await?;
        }
        if answer.status.is_success() {
            self.auth.were_good();
            return Ok(answer);
        }
        Err(CallError::Refused(site.refusal(&answer)).into())
    }
}

impl ApiError {
    /// What it means for a part of the outbox.
    pub(super) fn send_error(&self) -> SendError {
        let detail = self.to_string();
        match self {
            // Nothing was asked for yet.
            Self::Auth(AuthError::Unavailable(_, after)) => SendError::Again {
                after: *after,
                detail,
            },
            Self::Auth(AuthError::Refused(_)) => SendError::Again {
                after: Some(LOGIN_WAIT),
                detail,
            },
            Self::Auth(AuthError::NoApp) => SendError::Permanent {
                class: ActionError::Unsupported,
                detail,
            },
            Self::Auth(AuthError::NotFor(_)) => SendError::Permanent {
                class: ActionError::Denied,
                detail,
            },
            Self::Call(CallError::Rest { error, .. }) if error.was_not_sent() => SendError::Again {
                after: None,
                detail,
            },
            Self::Call(CallError::Rest { .. } | CallError::Nonsense { .. }) => {
                SendError::InDoubt(detail)
            }
            Self::Call(CallError::Refused(refusal)) => refusal.send_error(detail),
        }
    }

    /// What it means for a read of a plugin.
    pub(super) fn read_error(&self) -> ReadError {
        let refusal = match self {
            Self::Call(CallError::Refused(refusal)) => refusal,
            Self::Auth(error @ (AuthError::NoApp | AuthError::NotFor(_))) => {
                // The plugin hears a class; why is the operator's to put right.
                tracing::warn!(%error, "nothing is read on behalf of a user");
                return match error {
                    AuthError::NoApp => ReadError::Unsupported,
                    _ => ReadError::Denied,
                };
            }
            _ => return ReadError::Failed(self.to_string()),
        };
        if let Some(wait) = refusal.throttled {
            let wait = wait.as_millis();
            return ReadError::Throttled(u64::try_from(wait).unwrap_or(u64::MAX));
        }
        match refusal.status {
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => ReadError::Denied,
            StatusCode::NOT_FOUND => ReadError::NotFound,
            StatusCode::GONE => ReadError::Unsupported,
            _ => ReadError::Failed(self.to_string()),
        }
    }

    /// Tells whether the answer was larger than what is read of one.
    pub(super) fn is_too_large(&self) -> bool {
        matches!(
            self,
            Self::Call(CallError::Rest {
                error: RestError::TooLarge(_),
                ..
            })
        )
    }

    /// The refusal, where there is one.
    pub(super) fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Call(CallError::Refused(refusal)) => Some(refusal),
            _ => None,
        }
    }
}

impl Refusal {
    fn send_error(&self, detail: String) -> SendError {
        if let Some(after) = self.throttled {
            return SendError::Throttled { after, detail };
        }
        // The tokens were refused twice: nothing was done.
        if self.status == StatusCode::UNAUTHORIZED {
            return SendError::Again {
                after: Some(LOGIN_WAIT),
                detail,
            };
        }
        // Not one of these is documented as "not done".
        if self.status.is_server_error() {
            return SendError::InDoubt(detail);
        }
        let is_size = self
            .code
            .as_deref()
            .is_some_and(|code| code.starts_with("LIMIT_"));
        let class = match self.status.as_u16() {
            _ if is_size => ActionError::TooLarge,
            403 => ActionError::Denied,
            404 => ActionError::NotFound,
            410 => ActionError::Unsupported,
            413 => ActionError::TooLarge,
            451 | 452 => ActionError::RefusedByPolicy,
            _ => ActionError::Failed,
        };
        SendError::Permanent { class, detail }
    }
}
