//! The listener, as a bot's platform would call it: from outside, by the address that the platform is
//! told. Without a host the listener is opened meanwhile, and takes nothing.

use std::sync::Arc;

use async_trait::async_trait;
use http::{Method, StatusCode, header};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::{Host, Url};

use crate::config::{BotConfig, Platform, Settings, bind};
use crate::mailbox::calls::{Call, CallAnswer, CallRefusal, Called};
use crate::mailbox::doctor::{Checks, NOT_REACHED, Patient, Way, check_way};
use crate::mailbox::{Acceptance, IntakeError};
use crate::model::DEFAULT_TENANT;
use crate::net::{Answer, NetConfig, RestClient};
use crate::web::{HookCall, HookSink, Ingress};

/// Bytes of an answer that are read.
const ANSWER_BYTES: usize = 64 * 1024;
const LISTENER: &str = "the listener for calls may listen";
const TOLD: &str = "an address that the platform can call";

/// The listener while it is looked at.
pub(super) struct Door {
    /// What stands before every path.
    base: Option<String>,
    /// The base will be the same at the next start.
    is_lasting: bool,
    own: Option<OwnListener>,
}

/// A listener of ours, where no host has it.
struct OwnListener {
    ingress: Arc<Ingress>,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Door {
    /// Where nobody is called.
    pub(super) fn closed() -> Self {
        Self {
            base: None,
            is_lasting: false,
            own: None,
        }
    }

    /// Finds out where the running host listens, or listens in its place.
    pub(super) fn open(
        settings: &Settings,
        bots: &[&BotConfig],
        is_served: bool,
        checks: &mut Checks,
    ) -> Self {
        let http = &settings.http;
        let is_lasting = http.public_url.is_some() || http.address().port() != 0;
        if is_served {
            return Self {
                base: is_lasting.then(|| http.base_url(None)),
                is_lasting,
                own: None,
            };
        }
        let listener = match bind(settings, "http.listen", http.address()) {
            Ok(listener) => listener,
            Err(problem) => {
                let change = "`listen` in [http]; or end what listens there";
                checks.wrong("listener", LISTENER, problem.found, change);
                return Self::closed();
            }
        };
        let ingress = Arc::new(Ingress::new(Arc::new(Nobody)));
        for bot in bots {
            if let Some(path) = bot.platform.call_path(&bot.name) {
                // No two have one path: the settings say so.
                let _ = ingress.add_bot(&DEFAULT_TENANT.into(), &bot.name, Arc::new(Shut(path)));
            }
        }
        let stop = CancellationToken::new();
        match ingress.listen(listener, stop.clone()) {
            Ok((address, serving)) => {
                checks.ok("listener", LISTENER, format!("it does, on {address}"));
                Self {
                    base: Some(http.base_url(Some(address))),
                    is_lasting,
                    own: Some(OwnListener {
                        serving: tokio::spawn(serving),
                        ingress,
                        stop,
                    }),
                }
            }
            Err(error) => {
                let change = "`listen` in [http]";
                checks.wrong("listener", LISTENER, error.to_string(), change);
                Self::closed()
            }
        }
    }

    /// Where a bot's platform is told to call it; none where that is not known.
    pub(super) fn address_of(&self, bot: &BotConfig) -> Option<String> {
        let base = self.base.as_ref().filter(|_| self.is_lasting)?;
        let path = bot.platform.call_path(&bot.name)?;
        Some(format!("{base}{path}"))
    }

    /// Calls a bot as its platform would, but for a proof.
    pub(super) async fn check(
        &self,
        settings: &Settings,
        bot: &BotConfig,
        patient: &Patient,
        checks: &mut Checks,
    ) {
        let Some(path) = bot.platform.call_path(&bot.name) else {
            return;
        };
        let Some(base) = &self.base else {
            let why = match self.own.is_some() || !patient.is_served() {
                true => "the listener is not open",
                false => "with port 0 the running host alone knows it",
            };
            checks.skip("address", TOLD, why);
            return;
        };
        let address = format!("{base}{path}");
        let Ok(url) = Url::parse(&address) else {
            let change = "`public-url` in [http]";
            checks.wrong("address", TOLD, format!("{address} is none"), change);
            return;
        };
        let public = settings.http.public_url.as_ref();
        let is_near = home_of(&bot.platform).is_none_or(is_own_machine);
        if public.is_none() && !is_near {
            let found = format!("it would be told {address}");
            let change = "`public-url` in [http]: the https:// address of a reverse proxy, or of a \
                          tunnel, that leads to `listen`";
            checks.wrong("address", TOLD, found, change);
            return;
        }
        if url.scheme() == "http" && !is_near {
            let change =
                "an https:// address as `public-url` in [http]: secrets and messages go there";
            checks.note("address", TOLD, format!("{address}, in the clear"), change);
        } else {
            checks.ok("address", TOLD, address.as_str());
        }
        check_redirect(bot, &url, checks);
        // Our own address needs no way out.
        let straight = NetConfig::default();
        let net = match public {
            Some(_) => &settings.net,
            None => &straight,
        };
        let way = Way {
            key: "public-url",
            url: &url,
            net,
            identity: None,
        };
        if public.is_some() && !check_way(checks, way, patient.patience).await {
            checks.skip("call", &expected(&url), NOT_REACHED);
            return;
        }
        self.call(settings, bot, &url, net, patient, checks).await;
    }

    async fn call(
        &self,
        settings: &Settings,
        bot: &BotConfig,
        url: &Url,
        net: &NetConfig,
        patient: &Patient,
        checks: &mut Checks,
    ) {
        let expected = expected(url);
        let listen = settings.http.address();
        let change = format!(
            "what stands before the host must lead {url} to {listen}, with the path as it is"
        );
        let before = self.refused(bot);
        let answer = match patient.within(head(url, net, patient)).await {
            Ok(answer) => answer,
            Err(error) => {
                checks.wrong("call", &expected, error.to_string(), &change);
                return;
            }
        };
        let allowed = answer.headers.get(header::ALLOW);
        // The host answers so to what is no call of the platform's.
        let is_as_ours = answer.status == StatusCode::METHOD_NOT_ALLOWED
            && allowed.is_some_and(|allowed| allowed == "POST");
        let has_come = self.own.is_none() || self.refused(bot) > before;
        if is_as_ours && has_come {
            checks.ok(
                "call",
                &expected,
                "it does, and is refused as it has no proof",
            );
            return;
        }
        let found = match answer.status {
            StatusCode::NOT_FOUND => "404: another server, or a path that was changed on the way",
            StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => "what stands before the host does not reach it",
            status if status.is_redirection() => "it is sent elsewhere",
            _ => "something else answers",
        };
        let found = format!("{found} ({})", answer.status.as_u16());
        checks.wrong("call", &expected, found, &change);
    }

    /// Calls of a bot that our own listener has refused.
    fn refused(&self, bot: &BotConfig) -> u64 {
        let Some(own) = &self.own else {
            return 0;
        };
        let all = own.ingress.bot_status().into_iter();
        let own = all.filter(|status| *status.bot == *bot.name);
        own.flat_map(|status| status.refused)
            .map(|(_, count)| count)
            .sum()
    }

    /// Ends our own listener.
    pub(super) async fn close(self) {
        let Some(own) = self.own else {
            return;
        };
        own.stop.cancel();
        if let Err(error) = own.serving.await {
            tracing::warn!(%error, "the listener has failed");
        }
    }
}

fn expected(url: &Url) -> String {
    format!("a call of {url} comes to the listener")
}

async fn head(url: &Url, net: &NetConfig, patient: &Patient) -> Result<Answer, String> {
    let own = concat!("parlor/", env!("CARGO_PKG_VERSION"));
    let client = RestClient::new(net, None, own).map_err(|error| error.to_string())?;
    let request = client.request(Method::HEAD, url.clone());
    let answer = client.send(request, patient.patience, ANSWER_BYTES).await;
    answer.map_err(|error| error.to_string())
}

/// Whoever agrees to a bot comes back to where its redirect leads.
fn check_redirect(bot: &BotConfig, url: &Url, checks: &mut Checks) {
    let Platform::LiveChat(config) = &bot.platform else {
        return;
    };
    let Some(redirect) = &config.app.redirect else {
        return;
    };
    let expected = format!("`redirect-uri` leads to {url}");
    match redirect == url {
        true => checks.ok("redirect", &expected, "it does"),
        false => {
            let change =
                "`redirect-uri`, there and in the developer console; or `public-url` in [http]";
            checks.note("redirect", &expected, format!("to {redirect}"), change);
        }
    }
}

/// Where the platform is that calls a bot.
fn home_of(platform: &Platform) -> Option<&Url> {
    match platform {
        Platform::LiveChat(config) => Some(&config.api),
        Platform::Webex(config) => Some(&config.base),
        Platform::Local(_) | Platform::Lseg(_) | Platform::Symphony(_) => None,
    }
}

fn is_own_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Takes nothing.
struct Nobody;

#[async_trait]
impl HookSink for Nobody {
    async fn take(&self, _call: HookCall) -> Result<Acceptance, IntakeError> {
        Err(IntakeError::Stopping)
    }

    async fn ring(&self, _called: &dyn Called, _call: Call) -> CallAnswer {
        CallAnswer::Later
    }
}

/// A bot that is not there: whoever calls it at this path is to come again.
struct Shut(String);

#[async_trait]
impl Called for Shut {
    fn path(&self) -> Option<String> {
        Some(self.0.clone())
    }

    fn set_address(&self, _address: Option<&str>) {}

    fn check(&self, _call: &Call) -> Result<(), CallRefusal> {
        Ok(())
    }

    async fn take(&self, _call: Call, _intake: &dyn crate::mailbox::Intake) -> CallAnswer {
        CallAnswer::Later
    }
}
