//! The demo plugins on all platforms at one time: everybody is answered where they ask, and nobody sees
//! anything of what is said on another platform.

use futures::future::join_all;
use parlor_host::mailbox::rooms::Command;
use parlor_tests::everywhere::{Company, Everywhere, Manner, Site, Talk};
use parlor_tests::harness::{BOT, PATIENCE};
use parlor_tests::sim::Sent;
use serde_json::{Value, json};

const DEMOS: [&str; 6] = [
    "activities",
    "complex-message",
    "echo",
    "expense",
    "joke",
    "pizza",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_demos_answer_on_every_platform_and_nothing_crosses_over() {
    let all = Everywhere::with(&DEMOS).await;
    let visits = join_all(Site::ALL.map(|site| Visit::pay(&all, site))).await;
    for visit in &visits {
        let record = all.record(visit.site, &visit.people());
        let own = |text: &&String| text.contains(&visit.mark);
        assert!(record.iter().filter(own).count() >= 3, "{record:#?}");
        for other in visits.iter().filter(|other| other.site != visit.site) {
            let crossed: Vec<_> = record
                .iter()
                .filter(|it| it.contains(&other.mark))
                .collect();
            assert!(crossed.is_empty(), "{:?}: {crossed:#?}", visit.site);
        }
        // As many answers as questions; a joke more would be somebody else's.
        let pizzas = record
            .iter()
            .filter(|it| it.starts_with("Pizza is on the way!"));
        assert_eq!(pizzas.count(), 1, "{:?}: {record:#?}", visit.site);
    }
    all.stop().await;
}

/// Somebody who tries all of the demos on one platform.
struct Visit {
    site: Site,
    talk: Talk,
    /// A word that is said on this platform only.
    mark: String,
}

impl Visit {
    async fn pay(all: &Everywhere, site: Site) -> Self {
        let visit = Self {
            site,
            talk: all.open(site, Company::Together).await,
            mark: format!("mark-{}", site.bot()),
        };
        let mark = &visit.mark;
        let jokes = visit.asks(all, "/joke", "").await;
        assert_eq!(jokes.len(), 1, "{jokes:?}");
        visit
            .asks(all, &format!("pizza for {mark}"), "Pizza is on the way!")
            .await;
        visit.asks(all, &format!("/echo {mark}"), mark).await;
        let table = visit.asks(all, "/complex_message", "Assessment of three suppliers");
        visit.sees_table(all, table.await.last()).await;
        visit.asks(all, "/buy 1000 $goog", "Buy 1000 of goog").await;
        visit
            .asks(
                all,
                &format!("/remind 1 tea for {mark}"),
                "I will remind you",
            )
            .await;
        visit.hears(all, &format!("tea for {mark}")).await;
        visit.fills_the_form(all).await;
        visit.has_an_expense_approved(all).await;
        visit
    }

    fn boss(&self) -> String {
        format!("boss{}", self.site.bot())
    }

    fn people(&self) -> [String; 2] {
        [self.talk.person.clone(), self.boss()]
    }

    /// Says something to the bot, and waits for what has this in it; all that was said so far.
    async fn asks(&self, all: &Everywhere, text: &str, answer: &str) -> Vec<String> {
        all.say(&self.talk, text, Manner::ToTheBot).await;
        self.hears(all, answer).await
    }

    async fn hears(&self, all: &Everywhere, answer: &str) -> Vec<String> {
        let said = all
            .until_said(&self.talk, |text| text.contains(answer))
            .await;
        all.settled(self.site).await;
        said
    }

    /// Answers the bot's question; a mention would be none.
    async fn answers(&self, all: &Everywhere, text: &str, next: &str) {
        all.say(&self.talk, text, Manner::Plainly).await;
        self.hears(all, next).await;
    }

    /// The table is what the platform has for one.
    async fn sees_table(&self, all: &Everywhere, text: Option<&String>) {
        let text = text.cloned().unwrap_or_default();
        let raw = all
            .did(self.site)
            .pop()
            .map(|sent| sent.raw)
            .unwrap_or_default();
        match self.site {
            Site::Symphony => assert!(raw.to_string().contains("<table"), "{raw}"),
            Site::Webex => assert!(text_of(&raw, "markdown").contains("```"), "{raw}"),
            Site::Lseg => {
                let rows = text.lines().filter(|row| row.split('\t').count() == 6);
                assert_eq!(rows.count(), 4, "{text}");
            }
            Site::LiveChat | Site::ChatIo => {
                let row = text.lines().find(|row| row.contains("Alder & Sons"));
                assert!(row.is_some_and(|row| row.contains("87.5")), "{text}");
            }
            Site::Local => assert!(text.contains("Alder & Sons"), "{text}"),
        }
    }

    async fn fills_the_form(&self, all: &Everywhere) {
        let hello = format!("Hello, {}", self.mark);
        all.say(&self.talk, "/form", Manner::ToTheBot).await;
        let values = json!({ "name": self.mark });
        match self.site {
            Site::LiveChat | Site::ChatIo | Site::Lseg => {
                self.hears(all, "Your name").await;
                self.answers(all, &self.mark, &hello).await;
            }
            Site::Symphony | Site::Webex | Site::Local => {
                self.submits(all, "hello-form", "Submit", &values).await;
                self.hears(all, &hello).await;
            }
        }
    }

    /// Where there are forms, the whole way: asked, decided by the approver in a conversation of their
    /// own, told. Where there are none the questions come one by one; whom it is asked of there would
    /// have to write to the bot alone, which Messenger does not tell of and a chat does not have.
    async fn has_an_expense_approved(&self, all: &Everywhere) {
        all.say(&self.talk, "/expense", Manner::ToTheBot).await;
        let receipt = format!("R-{}", self.mark);
        match self.site {
            Site::LiveChat | Site::ChatIo | Site::Lseg => {
                self.hears(all, "Amount").await;
                self.answers(all, "12.50", "Receipt").await;
                self.answers(all, &receipt, "Who approves it").await;
                return;
            }
            Site::Symphony => {
                let boss = all.symphony.person(&self.boss());
                let values = json!({"amount": "12.50", "receipt": receipt, "approver": [boss]});
                self.submits(all, "expense", "submit", &values).await;
            }
            Site::Webex => {
                let boss = format!("{}@example.com", self.boss());
                all.webex.person(&self.boss());
                let values = json!({"amount": "12.50", "receipt": receipt, "approver": boss});
                self.submits(all, "expense", "Ask for approval", &values)
                    .await;
            }
            Site::Local => {
                // Somebody who was never here cannot be asked.
                all.host.direct(&self.boss()).await;
                let values =
                    json!({"amount": "12.50", "receipt": receipt, "approver": self.boss()});
                self.submits(all, "expense", "submit", &values).await;
            }
        }
        self.approves(all, &receipt).await;
        if self.site == Site::Local {
            let direct = all.host.direct(&self.talk.person).await;
            all.host.until_answers(&direct, 1).await;
            let told = all.host.answers(&self.talk.person, &direct);
            assert!(told[0].text.ends_with(" is approved."), "{}", told[0].text);
        } else {
            self.does(all, |sent| sent.text.ends_with(" is approved."))
                .await;
        }
    }

    /// Waits for the form, and sends it.
    async fn submits(&self, all: &Everywhere, form: &str, button: &str, values: &Value) {
        let (place, person) = (&self.talk.place, &self.talk.person);
        match self.site {
            Site::Symphony => {
                let id = format!("form id=\"{form}\"");
                self.does(all, |sent| text_of(&sent.raw, "messageML").contains(&id))
                    .await;
                all.symphony
                    .submit(place, person, form, "submit", values.clone());
            }
            Site::Webex => {
                let shown = self
                    .does(all, |sent| sent.raw.to_string().contains(button))
                    .await;
                let press = json!({
                    "user": person, "message_id": shown.raw["id"], "button": button, "values": values,
                });
                all.webex.act("press", press);
            }
            _ => {
                let title = if form == "expense" {
                    "Expense"
                } else {
                    "Hello form"
                };
                self.hears(all, title).await;
                let shown = all.host.answers(person, place).pop().expect("a form came");
                let values = values.as_object().into_iter().flatten();
                let values = values.map(|(name, value)| {
                    let value = value.as_str().unwrap_or_default().to_owned();
                    (name.clone(), vec![value])
                });
                let submit = Command::Submit {
                    message: shown.id.to_string(),
                    form: form.to_owned(),
                    button: None,
                    values: values.collect(),
                };
                all.host
                    .act(person, submit)
                    .await
                    .expect("the form is taken");
            }
        }
    }

    /// The approver gets the expense, and says yes.
    async fn approves(&self, all: &Everywhere, receipt: &str) {
        let boss = self.boss();
        let is_card = |sent: &Sent| {
            sent.conversation != self.talk.place && sent.raw.to_string().contains(receipt)
        };
        match self.site {
            Site::Symphony => {
                let card = self.does(all, is_card).await;
                all.settled(self.site).await;
                let form = "parlor-buttons-1";
                all.symphony
                    .submit(&card.conversation, &boss, form, "approve", json!({}));
            }
            Site::Webex => {
                let card = self
                    .does(all, |sent| is_card(sent) && sent.kind == "message")
                    .await;
                all.settled(self.site).await;
                let press = json!({
                    "user": boss, "message_id": card.raw["id"], "button": "Approve",
                });
                all.webex.act("press", press);
            }
            _ => {
                let direct = all.host.direct(&boss).await;
                all.host.until_answers(&direct, 1).await;
                let card = all.host.answers(&boss, &direct).pop().expect("a card came");
                assert!(card.text.contains(receipt), "{BOT} asks: {}", card.text);
                let press = Command::Press {
                    message: card.id.to_string(),
                    button: "approve".to_owned(),
                };
                all.host
                    .act(&boss, press)
                    .await
                    .expect("the button is there");
            }
        }
    }

    /// Waits for something that the bot does on a simulator.
    async fn does(&self, all: &Everywhere, is_wanted: impl Fn(&Sent) -> bool) -> Sent {
        let sim = all.sim(self.site).expect("it is a simulator");
        let found = sim.sent_like(0, PATIENCE, is_wanted).await;
        let found = found.unwrap_or_else(|| panic!("{:?}: {:#?}", self.site, sim.sent_after(0)));
        all.settled(self.site).await;
        found
    }
}

fn text_of<'v>(raw: &'v Value, name: &str) -> &'v str {
    raw[name].as_str().unwrap_or_default()
}
