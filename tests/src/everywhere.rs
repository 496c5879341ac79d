//! One host with a bot on every platform, all of them served by the same plugins at one time, and people
//! who talk to it the way each platform has it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parlor_host::mailbox::control::BotState;
use parlor_host::mailbox::rooms::Rooms as _;
use serde_json::json;

use crate::bots::{Consent, section, serve, state, until};
use crate::harness::{BOT, PATIENCE, TestHost};
use crate::sim::livechat::{CLIENT_ID, CLIENT_SECRET, LiveChat, LiveChatOptions, PAT};
use crate::sim::lseg::{Lseg, LsegOptions};
use crate::sim::symphony::{Symphony, SymphonyOptions};
use crate::sim::webex::{TOKEN, Webex, WebexOptions};
use crate::sim::{Clock, Sent, Shared, found_in_time};

/// Where the redirect of chat.io's app leads, as it is registered.
const REDIRECT: &str = "http://127.0.0.1:1/token";
/// How much faster than the real one Messenger takes messages.
const SPEED: u32 = 60;

/// How often rooms of our own are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A platform; LiveChat in both of its dialects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site {
    /// Symphony.
    Symphony,
    /// Webex, by webhooks.
    Webex,
    /// LiveChat, by its API of today.
    LiveChat,
    /// LiveChat, by chat.io's.
    ChatIo,
    /// LSEG Messenger.
    Lseg,
    /// Rooms of our own.
    Local,
}

impl Site {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Symphony,
        Self::Webex,
        Self::LiveChat,
        Self::ChatIo,
        Self::Lseg,
        Self::Local,
    ];

    /// The name of the bot there in the settings.
    pub fn bot(self) -> &'static str {
        match self {
            Self::Symphony => "symphony",
            Self::Webex => "webex",
            Self::LiveChat => "livechat",
            Self::ChatIo => "chatio",
            Self::Lseg => "lseg",
            Self::Local => BOT,
        }
    }
}

/// Who else is in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    /// Nobody: a direct conversation. On Messenger, which tells of none, a room of one person and the
    /// bot; on LiveChat a chat of a customer without an agent.
    Alone,
    /// Others. On LiveChat the person is an agent in a customer's chat.
    Together,
}

/// Whom a message begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Nobody: it is said as it is.
    Plainly,
    /// The bot: it is mentioned, as the platform has it.
    ToTheBot,
}

/// A conversation in which somebody talks.
#[derive(Clone, Debug)]
pub struct Talk {
    /// The platform.
    pub site: Site,
    /// Who talks.
    pub person: String,
    /// What the platform's script calls the conversation.
    pub place: String,
    company: Company,
    /// What its record calls it.
    recorded: String,
}

/// The host and the platforms.
pub struct Everywhere {
    /// The host.
    pub host: TestHost,
    /// A pod.
    pub symphony: Symphony,
    /// Webex.
    pub webex: Webex,
    /// LiveChat.
    pub livechat: LiveChat,
    /// Another LiveChat, whose bot speaks chat.io's dialect.
    pub chatio: LiveChat,
    /// Messenger.
    pub lseg: Lseg,
    talks: AtomicU64,
    folder: tempfile::TempDir,
}

impl Everywhere {
    /// Starts all of them, with these plugins, and waits until the bot is on every platform.
    ///
    /// # Panics
    /// When something does not start, a plugin is refused, or a bot does not come to its platform.
    pub async fn with(plugins: &[&str]) -> Self {
        let symphony = Symphony::start(SymphonyOptions::default()).await;
        let webex = Webex::start(WebexOptions::default()).await;
        let livechat = LiveChat::start(LiveChatOptions::default()).await;
        let chatio = LiveChat::start(LiveChatOptions::default()).await;
        let options = LsegOptions {
            clock: Clock::faster(f64::from(SPEED)),
            ..LsegOptions::default()
        };
        let lseg = Lseg::start(options).await;
        let symphony = symphony.expect("a pod");
        let webex = webex.expect("Webex");
        let livechat = livechat.expect("LiveChat");
        let chatio = chatio.expect("chat.io");
        let lseg = lseg.expect("Messenger");
        lseg.keep_times(SPEED);
        chatio.set(json!({"redirects": [REDIRECT]}));

        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let secret = |name: &str, text: &str| {
            let file = folder.path().join(name);
            std::fs::write(&file, text).expect("a secret can be written");
            file
        };
        let settings = [
            format!(
                "data = {:?}\n[http]\nlisten = \"127.0.0.1:0\"\n\n\
                 [[bot]]\nname = \"{BOT}\"\nplatform = \"local\"\n",
                folder.path().join("data").display().to_string()
            ),
            section::symphony(&symphony, Site::Symphony.bot(), ""),
            section::webex(&webex, Site::Webex.bot(), &secret("token", TOKEN), ""),
            section::livechat(&livechat, Site::LiveChat.bot(), &secret("pat", PAT), ""),
            section::installed(
                &chatio,
                Site::ChatIo.bot(),
                &secret("key", CLIENT_SECRET),
                REDIRECT,
                "version = \"0.3\"",
            ),
            // Messages for agents are for everybody there: Messenger does not say who that is.
            section::lseg(
                &lseg,
                Site::Lseg.bot(),
                "rooms = \"listed\"\nrejoin-secs = 1\nagents-only = \"all\"\n\
                 messages-per-minute = 3000",
            ),
        ];
        let host = serve(settings.concat(), plugins).await;
        let all = Self {
            host,
            symphony,
            webex,
            livechat,
            chatio,
            lseg,
            talks: AtomicU64::new(0),
            folder,
        };
        all.install().await;
        for site in Site::ALL {
            let why = || all.asked(site);
            until(&all.host, site.bot(), BotState::Connected, why).await;
        }
        all
    }

    /// Lets the app of chat.io's bot in.
    async fn install(&self) {
        let called = self.host.host().hooks().bot_address(Site::ChatIo.bot());
        let consent = Consent {
            base: &self.chatio.base_url(),
            redirect: REDIRECT,
            called: &called.expect("the bot is called somewhere"),
        };
        let link = format!(
            "{}/?response_type=code&client_id={CLIENT_ID}&redirect_uri={}",
            consent.base, "http%3A%2F%2F127.0.0.1%3A1%2Ftoken"
        );
        let (status, page) = consent.browse(&link).await;
        assert_eq!(status, 200, "{page}");
    }

    /// Makes a conversation that nobody was in before.
    ///
    /// # Panics
    /// When the bot does not come into a room of Messenger.
    pub async fn open(&self, site: Site, company: Company) -> Talk {
        let number = self.talks.fetch_add(1, Ordering::Relaxed);
        let person = format!("p{number}");
        let mut talk = Talk {
            site,
            place: format!("place {number}"),
            recorded: format!("place {number}"),
            person,
            company,
        };
        let other = format!("other{number}");
        let is_alone = company == Company::Alone;
        match site {
            Site::Webex if is_alone => talk.recorded = format!("P{number} Example"),
            Site::Local => {
                talk.place = match company {
                    Company::Alone => self.host.direct(&talk.person).await,
                    Company::Together => {
                        self.host.room(&other, &talk.place).await;
                        self.host.room(&talk.person, &talk.place).await
                    }
                };
            }
            Site::Lseg => {
                self.lseg.room(&talk.place);
                let place = talk.place.clone();
                let joined = self.lseg.comes_to(PATIENCE, |sim| sim.has_joined(&place));
                assert!(joined.await, "not in {place}: {:#?}", self.asked(site));
            }
            Site::Symphony | Site::Webex | Site::LiveChat | Site::ChatIo => {}
        }
        if !is_alone {
            let somebody = Talk {
                person: other,
                ..talk.clone()
            };
            self.say_as(
                &somebody,
                Speaker::Customer,
                "good morning",
                Manner::Plainly,
            )
            .await;
            if let Some(sim) = self.chats(site) {
                let agent = json!({
                    "conversation": talk.place, "user": talk.person, "change": "joined",
                });
                sim.act("member", agent);
            }
        }
        talk
    }

    /// The person says something.
    pub async fn say(&self, talk: &Talk, text: &str, manner: Manner) {
        let speaker = match talk.company {
            Company::Alone => Speaker::Customer,
            Company::Together => Speaker::Agent,
        };
        self.say_as(talk, speaker, text, manner).await;
    }

    async fn say_as(&self, talk: &Talk, speaker: Speaker, text: &str, manner: Manner) {
        let is_alone = talk.company == Company::Alone;
        let mut what = json!({
            "conversation": talk.place, "user": talk.person, "text": text,
            "mention_bot": manner == Manner::ToTheBot,
        });
        match talk.site {
            Site::Symphony => {
                what["kind"] = if is_alone { "im" } else { "room" }.into();
                self.symphony.act("say", what);
            }
            Site::Webex => {
                what["direct"] = is_alone.into();
                what["room"] = what["conversation"].take();
                self.webex.act("say", what);
            }
            Site::LiveChat | Site::ChatIo => {
                if speaker == Speaker::Agent {
                    what["as"] = "agent".into();
                }
                let sim = self.chats(talk.site);
                sim.expect("it is one of chats").act("say", what);
            }
            Site::Lseg => {
                self.lseg.act("say", what);
            }
            Site::Local => {
                let text = match manner {
                    Manner::Plainly => text.to_owned(),
                    Manner::ToTheBot => format!("@{BOT} {text}"),
                };
                self.host.say(&talk.person, &talk.place, &text).await;
            }
        }
    }

    /// What the bot said in a conversation, oldest first.
    pub fn said(&self, talk: &Talk) -> Vec<String> {
        let Some(sim) = self.sim(talk.site) else {
            let said = self.host.all_answers(&talk.place).into_iter();
            return said.map(|message| message.text.clone()).collect();
        };
        let sent = sim.sent_after(0).into_iter();
        let here = sent.filter(|sent| sent.kind == "message" && sent.conversation == talk.recorded);
        here.map(|sent| sent.text).collect()
    }

    /// Waits until the bot has said something in a conversation that is like this, and gives all that it
    /// said there.
    ///
    /// # Panics
    /// When that takes longer than [`PATIENCE`]; with what is known of why.
    pub async fn until_said(&self, talk: &Talk, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let look = || {
            let said = self.said(talk);
            said.iter().any(|text| is_wanted(text)).then_some(said)
        };
        let found = match self.sim(talk.site) {
            Some(sim) => found_in_time(sim.platform.bell(), PATIENCE, look).await,
            None => {
                let waited = async {
                    loop {
                        if let Some(found) = look() {
                            return found;
                        }
                        tokio::time::sleep(LOOK_EVERY).await;
                    }
                };
                tokio::time::timeout(PATIENCE, waited).await.ok()
            }
        };
        if let Some(found) = found {
            return found;
        }
        let given_up = self.host.dead_letters().await;
        panic!(
            "{talk:?}: the bot said {:#?}; state {:?}; asked {:#?}; outbox {:#?}; given up {given_up:#?}",
            self.said(talk),
            state(&self.host, talk.site.bot()),
            self.asked(talk.site),
            self.host.host().outbox().status(),
        )
    }

    /// Waits until the host knows of everything that it sends by a platform what became of it: nobody
    /// answers a question before the platform has said that it is there.
    ///
    /// # Panics
    /// When that takes longer than [`PATIENCE`].
    pub async fn settled(&self, site: Site) {
        let is_through = || {
            let rows = self.host.host().outbox().status().into_iter();
            let mut own = rows.filter(|row| *row.bot == *site.bot());
            own.all(|row| row.open == 0)
        };
        let waited = async {
            while !is_through() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waited).await;
        assert!(
            waited.is_ok(),
            "{site:?}: {:?}",
            self.host.host().outbox().status()
        );
    }

    /// Everything that the bot said on a platform, as these people see it where that platform is our own.
    pub fn record(&self, site: Site, people: &[String]) -> Vec<String> {
        if let Some(sim) = self.sim(site) {
            let sent = sim.sent_after(0).into_iter();
            return sent
                .map(|sent| format!("{} {}", sent.text, sent.raw))
                .collect();
        }
        let hub = self.host.host().hub();
        let views = people.iter().filter_map(|person| hub.view(person).ok());
        let rooms = views.flat_map(|(snapshot, _)| snapshot.rooms);
        let messages = rooms.flat_map(|view| view.messages);
        // Both may see a room.
        let messages: BTreeMap<_, _> = messages.map(|it| (it.id.clone(), it)).collect();
        messages.into_values().map(|it| it.text.clone()).collect()
    }

    /// What the bot did on a platform that is a simulator, in the order in which it did it.
    pub fn did(&self, site: Site) -> Vec<Sent> {
        self.sim(site)
            .map(|sim| sim.sent_after(0))
            .unwrap_or_default()
    }

    /// What all platforms share; none of rooms of our own.
    pub fn sim(&self, site: Site) -> Option<&Shared> {
        match site {
            Site::Symphony => Some(&self.symphony),
            Site::Webex => Some(&self.webex),
            Site::LiveChat => Some(&self.livechat),
            Site::ChatIo => Some(&self.chatio),
            Site::Lseg => Some(&self.lseg),
            Site::Local => None,
        }
    }

    fn chats(&self, site: Site) -> Option<&LiveChat> {
        match site {
            Site::LiveChat => Some(&self.livechat),
            Site::ChatIo => Some(&self.chatio),
            _ => None,
        }
    }

    fn asked(&self, site: Site) -> Vec<String> {
        let Some(sim) = self.sim(site) else {
            return Vec::new();
        };
        let requests = sim.requests_after(0).into_iter();
        let lines = requests.map(|it| format!("{} {} {:?}", it.method, it.path, it.status));
        lines.chain(sim.called()).collect()
    }

    /// Stops the host. What it did on every platform is what the platform's documents allow.
    ///
    /// # Panics
    /// When it is not.
    pub async fn stop(self) {
        self.host.stop().await;
        let mut wrong = self.symphony.complaints();
        wrong.extend(self.symphony.misfits_after(0));
        wrong.extend(self.webex.misfits_after(0));
        wrong.extend(self.lseg.complaints());
        assert!(wrong.is_empty(), "{wrong:#?}");
        drop(self.folder);
    }
}

/// Who speaks in a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaker {
    Customer,
    Agent,
}
