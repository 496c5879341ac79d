//! Installing the bot on a licence: the link that asks for consent, and the redirect that comes back.
//!
//! Every link has a state of its own, which the redirect must bring, and since LiveChat a PKCE
//! challenge. The address of the redirect, called by somebody without a code, leads to a new link: it
//! is what an operator gives to whoever may install the bot. In the dialects of chat.io a code without
//! a state is taken too, as links of that era had none.

use std::collections::VecDeque;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::Method;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use url::Url;

use super::core::{Core, Ready};
use super::site::ApiError;
use super::wire::text;
use crate::mailbox::calls::{Call, CallAnswer, CallRefusal};
use crate::mailbox::session::OnLicence;
use crate::model::Timestamp;
use crate::model::secret::Secret;

/// How long a link may be followed.
const STATE_MS: Timestamp = 30 * 60_000;
/// Links that may be followed at one time; the oldest go first, those of passers-by before all others.
const MAX_STATES: usize = 1_000;
/// Bytes of a state, and of the secret behind a challenge.
const RANDOM: usize = 32;

/// The links that may be followed.
#[derive(Debug, Default)]
pub(super) struct States(Mutex<VecDeque<State>>);

struct State {
    state: String,
    verifier: Secret,
    until: Timestamp,
    of: Of,
}

impl std::fmt::Debug for State {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "State({:?}, …)", self.of)
    }
}

/// Who asked for a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// An operator.
    Operator,
    /// Whoever called the redirect's address.
    Anybody,
}

impl States {
    fn begin(&self, of: Of, now: Timestamp) -> Option<(String, Secret)> {
        let (state, verifier) = (random()?, Secret::new(random()?));
        let mut states = self.0.lock();
        states.retain(|known| known.until > now);
        if states.len() >= MAX_STATES {
            // Nobody who only calls the address ends an operator's link.
            let place = states.iter().position(|known| known.of == Of::Anybody);
            if place.is_none() && of == Of::Anybody {
                return None;
            }
            states.remove(place.unwrap_or_default());
        }
        states.push_back(State {
            state: state.clone(),
            verifier: verifier.clone(),
            until: now + STATE_MS,
            of,
        });
        Some((state, verifier))
    }

    fn place(states: &VecDeque<State>, state: &str, now: Timestamp) -> Option<usize> {
        states.iter().position(|it| {
            it.until > now && bool::from(it.state.as_bytes().ct_eq(state.as_bytes()))
        })
    }

    fn knows(&self, state: &str, now: Timestamp) -> bool {
        Self::place(&self.0.lock(), state, now).is_some()
    }

    /// Takes a state, which is good once.
    fn take(&self, state: &str, now: Timestamp) -> Option<Secret> {
        let mut states = self.0.lock();
        let place = Self::place(&states, state, now)?;
        states.remove(place).map(|state| state.verifier)
    }
}

fn random() -> Option<String> {
    let mut bytes = [0_u8; RANDOM];
    getrandom::fill(&mut bytes).ok()?;
    Some(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// A secret as webhooks show it: letters and digits.
pub(super) fn new_secret() -> Result<String, ApiError> {
    let mut bytes = [0_u8; RANDOM];
    getrandom::fill(&mut bytes).map_err(|error| ApiError::Nonsense {
        host: "this machine".to_owned(),
        what: format!("no randomness: {error}"),
    })?;
    let mut text = String::with_capacity(2 * RANDOM);
    for byte in bytes {
        // Writing into a text does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

/// What a redirect brings.
#[derive(Debug, Default)]
struct Brought {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
}

impl Brought {
    fn of(query: Option<&str>) -> Self {
        let mut brought = Self::default();
        let query = query.unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let value = Some(value.into_owned());
            match name.as_ref() {
                "code" => brought.code = value,
                "state" => brought.state = value,
                "error" | "oauth_exception" => brought.error = value,
                _ => {}
            }
        }
        brought
    }

    /// The code, without the escapes that the accounts put around it once more.
    fn code(&self) -> Option<String> {
        let code = self.code.as_deref()?;
        let decoded = percent_encoding::percent_decode_str(code)
            .decode_utf8()
            .ok()?;
        Some(decoded.into_owned())
    }
}

impl Core {
    /// Where somebody agrees to the bot; none of an app that nobody installs.
    pub(super) fn link(&self, of: Of) -> Option<String> {
        let app = &self.config.app;
        let redirect = app.redirect.as_ref()?;
        let (state, verifier) = self.states.begin(of, self.now())?;
        let mut link: Url = self.config.accounts.clone();
        {
            let mut query = link.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", &app.client_id)
                .append_pair("redirect_uri", redirect.as_str())
                .append_pair("state", &state);
            if !self.config.version.is_chatio() {
                let challenge = Sha256::digest(verifier.expose().as_bytes());
                query
                    .append_pair("code_challenge", &BASE64_URL_SAFE_NO_PAD.encode(challenge))
                    .append_pair("code_challenge_method", "S256");
            }
        }
        Some(link.into())
    }

    /// Tells whether a redirect is one that somebody began here, or the beginning of one.
    pub(super) fn check_redirect(&self, call: &Call) -> Result<(), CallRefusal> {
        if self.config.app.redirect.is_none() {
            return Err(CallRefusal::Method);
        }
        let brought = Brought::of(call.query.as_deref());
        match (&brought.code, &brought.state) {
            (None, _) => Ok(()),
            (Some(_), None) if self.config.version.is_chatio() => Ok(()),
            (Some(_), None) => Err(CallRefusal::NoProof),
            (Some(_), Some(state)) if self.states.knows(state, self.now()) => Ok(()),
            (Some(_), Some(_)) => Err(CallRefusal::WrongProof),
        }
    }

    /// Takes a redirect: what it brings is exchanged, and the bot made.
    pub(super) async fn take_redirect(&self, call: &Call) -> CallAnswer {
        let brought = Brought::of(call.query.as_deref());
        if let Some(error) = &brought.error {
            // Anybody may have written it: a word of the accounts is shown, and nothing else.
            let is_word = error.len() <= 64
                && error
                    .bytes()
                    .all(|it| it.is_ascii_lowercase() || it == b'_');
            let shown = if is_word {
                error.as_str()
            } else {
                "It was refused."
            };
            return self.page("was not installed", shown);
        }
        let Some(code) = brought.code() else {
            return match self.link(Of::Anybody) {
                Some(link) => CallAnswer::Redirect(link),
                None => CallAnswer::Later,
            };
        };
        let verifier = match brought.state {
            None => None,
            Some(state) => match self.states.take(&state, self.now()) {
                // Another call with it came first.
                None => return CallAnswer::Unreadable,
                verifier => verifier,
            },
        };
        // It goes on when the browser is closed: a code is good once, and so are its tokens.
        let core = self.own();
        let install = async move { core.install(&code, verifier.as_ref()).await };
        let installed = self.tasks.spawn(install).await;
        let installed = installed.unwrap_or_else(|error| {
            Err(ApiError::Nonsense {
                host: "this machine".to_owned(),
                what: format!("the installation ended: {error}"),
            })
        });
        match installed {
            Ok((licence, true)) => self.page("is ready", &format!("on licence {licence}")),
            Ok((licence, false)) => self.page("is already there", &format!("on licence {licence}")),
            Err(error) => {
                tracing::warn!(bot = self.name(), %error, "not installed");
                // Whoever is at the browser sees no more than whether it is done.
                self.page("was not installed", "The operator's log says why.")
            }
        }
    }

    /// Exchanges a code, looks whose it is, keeps the tokens and makes the bot there.
    async fn install(
        &self,
        code: &str,
        verifier: Option<&Secret>,
    ) -> Result<(String, bool), ApiError> {
        let app = &self.config.app;
        let redirect = app.redirect.as_ref().map(Url::as_str).unwrap_or_default();
        let secret = app.client_secret.as_ref().map(Secret::expose);
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("client_id", app.client_id.as_str()),
            ("redirect_uri", redirect),
        ];
        form.extend(secret.map(|secret| ("client_secret", secret)));
        if let Some(verifier) = verifier.filter(|_| !self.config.version.is_chatio()) {
            form.push(("code_verifier", verifier.expose()));
        }
        let tokens = self.token(&form).await?;
        let access = text(&tokens, "access_token").map(Secret::new);
        let path = match self.config.version.is_chatio() {
            true => "info",
            false => "v2/info",
        };
        let name = match self.config.version.is_chatio() {
            true => "license_id",
            false => "organization_id",
        };
        let info = self
            .site
            .accounts(Method::GET, path, None, access.as_ref())
            .await;
        let info = match info {
            Ok(info) => info,
            // The code is spent; whose the tokens are, they say themselves by now.
            Err(error) if text(&tokens, name).is_some() => {
                tracing::warn!(bot = self.name(), %error, "tokens are not told of");
                tokens.clone()
            }
            Err(error) => return Err(error),
        };
        let nonsense = |what: &str| ApiError::Nonsense {
            host: "the accounts".to_owned(),
            what: what.to_owned(),
        };
        if text(&info, "client_id").is_some_and(|client| client != app.client_id) {
            return Err(nonsense("a token of another app"));
        }
        let licence = text(&info, name).ok_or_else(|| nonsense("a token of no licence"))?;
        let known = self.licence(&licence);
        if known.is_some_and(|known| known.is_personal) {
            return Ok((licence, false));
        }
        if !self.has_room_for(&licence) {
            return Err(nonsense("a licence more than one bot may be on"));
        }
        self.keep_tokens(&licence, &tokens)?;
        let now = self.now();
        self.change_licence(&licence, |kept| kept.installed_at = now)?;
        let (added, is_new) = self.add_licence(&licence);
        // It is ready when it is there and hears.
        if let Err(error) = self.prepare_hooks().await {
            self.set_ready(&added, Ready::of(&error));
            return Err(error);
        }
        self.prepare(&added).await?;
        Ok((licence, is_new))
    }

    fn page(&self, what: &str, detail: &str) -> CallAnswer {
        let title = format!("{} {what}", self.config.display_name);
        CallAnswer::Page(format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{0}</title>\
             <body style=\"font-family:sans-serif;margin:4em auto;max-width:40em\">\
             <h1>{0}</h1><p>{1}</p></body></html>",
            escape(&title),
            escape(detail)
        ))
    }

    /// Which licences have the bot, since when, and which of them are ready.
    pub(super) fn installed_on(&self) -> Vec<OnLicence> {
        let state = |(id, ready): (String, Ready)| OnLicence {
            installed_at: Some(self.store.licence(&id).installed_at).filter(|at| *at > 0),
            reason: match ready {
                Ready::Yes => None,
                Ready::No(why) | Ready::Gone(why) => Some(why),
            },
            licence: id,
        };
        self.readiness().into_iter().map(state).collect()
    }
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for sign in text.chars().filter(|sign| !sign.is_control()).take(500) {
        match sign {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            sign => safe.push(sign),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_good_once_and_for_half_an_hour() {
        let states = States::default();
        let (state, verifier) = states.begin(Of::Operator, 0).unwrap();
        assert!((43..=128).contains(&verifier.expose().len()));
        assert!(states.knows(&state, 1) && !states.knows("other", 1));
        assert!(!states.knows(&state, STATE_MS + 1));
        assert_eq!(states.take(&state, 1), Some(verifier));
        assert_eq!(states.take(&state, 1), None);
    }

    #[test]
    fn links_that_nobody_follows_make_room_and_no_stranger_ends_an_operator_s() {
        let states = States::default();
        let begin = |of| states.begin(of, 0).map(|(state, _)| state);
        let (own, first) = (begin(Of::Operator).unwrap(), begin(Of::Anybody).unwrap());
        for _ in 0..MAX_STATES {
            begin(Of::Anybody).unwrap();
        }
        assert!(states.knows(&own, 1) && !states.knows(&first, 1));
        for _ in 1..MAX_STATES {
            begin(Of::Operator).unwrap();
        }
        assert!(states.knows(&own, 1));
        assert_eq!(begin(Of::Anybody), None);
        assert!(begin(Of::Operator).is_some() && !states.knows(&own, 1));
        assert_eq!(states.0.lock().len(), MAX_STATES);
        assert!(!format!("{states:?}").contains(&own));
    }

    #[test]
    fn a_code_that_is_escaped_twice_is_read() {
        let brought = Brought::of(Some("code=dal%253Aabc%2Fd&state=s"));
        assert_eq!(brought.code().as_deref(), Some("dal:abc/d"));
        assert_eq!(brought.state.as_deref(), Some("s"));
    }

    #[test]
    fn a_page_says_what_it_is_told_as_text() {
        assert_eq!(
            escape("<b a=\"1\">&'\n"),
            "&lt;b a=&quot;1&quot;&gt;&amp;&#39;"
        );
    }
}
