//! One table of hostile texts through everything that shows one: plain text, the terminal, questions,
//! numbers, the host's own sentences, log lines, the console and the page.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use parlor_host::cli::chat::{Idle, TerminalOptions, run_script};
use parlor_host::config::Settings;
use parlor_host::connectors::local::Hub;
use parlor_host::content::dialog::{DialogContext, DialogSentences, Heard, begin, hear};
use parlor_host::content::forms::FormSentences;
use parlor_host::content::hosted::{Audience, Shows, host_run};
use parlor_host::content::{clean, clean_line, terminal, text};
use parlor_host::mailbox::rooms::{Command, Rooms as _, Say};
use parlor_host::model::action::File;
use parlor_host::model::event::User;
use parlor_host::telemetry::clean_record;
use parlor_host::web::PageServer;
use parlor_tests::browser::Browser;
use parlor_tests::guests;
use parlor_tests::harness::{TestHost, TestHostParts};
use parlor_tests::injection::{HOSTILE, bad_sign, buttons, everywhere, form, without_styles};
use parlor_tests::scale::is_ci;
use serde_json::json;

fn check(renderer: &str, written: &str, shown: &str) {
    let bad = bad_sign(shown);
    assert_eq!(bad, None, "{renderer}: {written:?} is shown as {shown:?}");
}

#[test]
fn only_what_can_do_harm_goes() {
    for (written, plain) in HOSTILE {
        assert_eq!(clean(written).trim_end(), *plain, "{written:?}");
        assert_eq!(clean_line(&clean_line(written)), clean_line(written));
    }
}

#[test]
fn nothing_hostile_is_in_text_or_terminal() {
    for (written, plain) in HOSTILE {
        let blocks = everywhere(written);
        let (shown, notes) = text(&blocks);
        check("text", written, &shown);
        check("notes", written, &notes.concat());
        assert!(shown.contains(plain), "{written:?}: {shown}");
        for width in [0, 30, 200] {
            check("terminal", written, &terminal(&blocks, width, false));
            let styled = terminal(&blocks, width, true);
            check("styled terminal", written, &without_styles(&styled));
        }
    }
}

#[test]
fn nothing_hostile_is_in_questions_and_numbers() {
    for (written, plain) in HOSTILE {
        let person = User {
            display_name: (*written).to_owned(),
            ..User::of_id(written)
        };
        let context = DialogContext {
            sentences: &DialogSentences::default(),
            checks: &FormSentences::default(),
            is_shared: true,
            user: &|_| None,
            conversation: &|_| None,
            now: 1,
        };
        let asked = form(written);
        for place in 0..asked.fields.len() {
            let mut one = asked.clone();
            one.fields = vec![asked.fields[place].clone()];
            let (dialog, says) = begin(&one, person.clone(), &context);
            let shown = text(&says).0;
            check("question", written, &shown);
            // The name, and nothing before it.
            assert!(shown.starts_with(plain), "{written:?}: {shown}");
            // What is said of a wrong answer, which holds the answer too.
            let says = match hear(&one, &dialog, written, &context) {
                Heard::Asked { says, .. } | Heard::Cancelled(says) | Heard::GivenUp(says) => says,
                Heard::Submitted { .. } => continue,
            };
            check("reason", written, &text(&says).0);
        }
        let audience = Audience {
            person: Some(person),
            others: true,
        };
        let hosted = host_run(&everywhere(written), Shows::NONE, &audience, &context);
        let hosted = hosted.expect("there are buttons");
        check("numbers", written, &text(&hosted.blocks).0);
    }
}

#[test]
fn a_line_of_the_log_stays_one_and_harmless() {
    for (written, _) in HOSTILE {
        let record = format!("INFO detail={written}\nERROR faked={written}\n");
        let line = clean_record(&record);
        check("log", written, &line);
        assert_eq!(line.matches('\n').count(), 1, "{line:?}");
        // What a wrong settings file says of itself.
        let key = written.replace(['"', '\\'], "");
        let text = format!("[sentences]\nusage = \"{key}\"\n\"{key}\" = 1");
        if let Err(problems) = Settings::parse(Path::new("parlor.toml"), &text, &|_| None) {
            for problem in problems {
                check("problem", written, &clean_record(&problem.to_string()));
            }
        }
    }
}

/// What the host answers to a command that is spelt with a hostile text.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_hostile_is_in_what_the_host_says() {
    let settings = "[[bot]]\nname = \"parlor\"\nplatform = \"local\"\ntext-only = true\n";
    let host = TestHost::start(TestHostParts {
        settings: settings.to_owned(),
        ..TestHostParts::default()
    })
    .await;
    host.load("blocks", guests::bytes("blocks"), None).await;
    let lobby = host.room("ada", "Lobby").await;
    for (written, _) in HOSTILE {
        for said in [
            format!("/block {written} {written}"),
            format!("/{written}"),
            "/field select".to_owned(),
            (*written).to_owned(),
            "cancel".to_owned(),
        ] {
            for answer in host.ask_in("ada", &lobby, &said).await {
                check("answer", written, &answer);
            }
        }
    }
    host.stop().await;
}

/// A bot of the test's own, which says what is asked of it.
struct Evil {
    hub: Hub,
    bot: parlor_host::connectors::local::hub::HubBot,
}

impl Evil {
    fn new(hub: Hub) -> Self {
        let bot = hub.attach("evil", "evil").expect("a bot comes");
        Self { hub, bot }
    }

    fn say(&self, conversation: &str, written: &str) {
        let say = Command::Say(Say {
            conversation: conversation.to_owned(),
            text: written.to_owned(),
            content: everywhere(written),
            files: vec![File {
                name: written.to_owned(),
                media_type: written.to_owned(),
                bytes: b"<script>window.__pwned=1</script>".to_vec(),
            }],
            ..Say::default()
        });
        let notes = [written.to_owned()];
        let done = self.hub.act_with_notes(&self.bot, None, say, &notes);
        done.expect("the bot says it");
        let row = Command::Say(Say {
            conversation: conversation.to_owned(),
            content: vec![parlor_host::model::content::Block::Buttons(buttons(
                written,
            ))],
            ..Say::default()
        });
        self.hub.act_as_bot(&self.bot, None, row).expect("and this");
    }
}

/// A name of a user or a room: what cannot be a name is refused.
fn is_name(written: &str) -> bool {
    !written.trim().is_empty() && !written.chars().any(char::is_control)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_hostile_is_on_the_console() {
    for (number, (written, plain)) in HOSTILE.iter().enumerate() {
        let hub = Hub::in_memory();
        let evil = Evil::new(hub.clone());
        let open = |name: &str| Command::OpenRoom {
            name: name.to_owned(),
        };
        let lobby = hub.act("ann", open("Lobby")).await.expect("a room opens");
        let lobby = lobby.conversation.expect("it has an id");
        let name = if is_name(written) { *written } else { "Room" };
        let there = hub.act(name, open(name)).await.expect("a room opens");
        let there = there.conversation.expect("it has an id");
        hub.act(name, open("Lobby"))
            .await
            .expect("a person comes in");
        assert_eq!(
            hub.act(written, open("Lobby")).await.is_ok(),
            is_name(written)
        );
        let talk = Arc::new(Talk {
            evil,
            name: name.to_owned(),
            written: (*written).to_owned(),
            places: [lobby.to_string(), there.to_string()],
        });
        let script = format!(
            "hello\n/click {written}\n/submit {written}={written}\n/room {name}\n/as {name}\n"
        );
        for colour in [false, true] {
            let options = TerminalOptions {
                colour,
                user: format!("you{number}"),
                ..TerminalOptions::default()
            };
            let mut output = Vec::new();
            let input = Cursor::new(script.clone().into_bytes());
            let rooms = Arc::new(hub.clone());
            run_script(rooms, options, talk.clone().idle(), input, &mut output)
                .await
                .expect("the script runs");
            let shown = String::from_utf8(output).expect("it is text");
            let shown = if colour {
                without_styles(&shown)
            } else {
                shown
            };
            check("console", written, &shown);
            assert!(shown.contains(plain), "{written:?}: {shown}");
        }
    }
}

/// What is said while a script runs: by a bot, and by somebody of a hostile name, here and elsewhere.
struct Talk {
    evil: Evil,
    name: String,
    written: String,
    places: [String; 2],
}

impl Talk {
    /// Says it once, while the first line is being answered.
    fn idle(self: Arc<Self>) -> Idle {
        let told = Arc::new(tokio::sync::OnceCell::new());
        Arc::new(move || {
            let (talk, told) = (self.clone(), told.clone());
            Box::pin(async move {
                told.get_or_init(|| talk.speak()).await;
            })
        })
    }

    async fn speak(&self) {
        self.evil.say(&self.places[0], &self.written);
        for place in &self.places {
            let say = Command::Say(Say {
                conversation: place.clone(),
                text: self.written.clone(),
                ..Say::default()
            });
            let said = self.evil.hub.act(&self.name, say).await;
            said.expect("it is said");
        }
    }
}

/// The browser's program; CI must have one.
fn browser() -> Option<std::path::PathBuf> {
    let program = Browser::find();
    assert!(program.is_some() || !is_ci(), "CI has no Chromium");
    program
}

/// What is wrong on the page: elements that it does not make itself, handlers, addresses that run,
/// signs that hide or turn text. Empty where nothing is.
const WRONG: &str = r#"(() => {
    const found = [];
    if (window.__pwned) found.push("a script ran");
    const own = "html head meta title link script body a header h1 h2 h3 h4 h5 h6 p form label input datalist option button main nav section div ul ol li span aside dialog kbd textarea article b time blockquote pre code hr table thead tbody tr th td br strong em u s img dl dt dd fieldset legend select";
    const known = new Set(own.split(" "));
    for (const element of document.querySelectorAll("*")) {
        const name = element.localName;
        if (!known.has(name)) found.push(`element ${name}`);
        for (const { name: attribute, value } of element.attributes) {
            if (attribute.startsWith("on")) found.push(`${name} ${attribute}`);
            if (["href", "src"].includes(attribute) && !/^(https?:|mailto:|#|\/)/.test(value)) found.push(`${name} ${attribute}=${value}`);
        }
    }
    if (document.scripts.length !== 1) found.push("scripts");
    for (const outside of document.querySelectorAll("img:not([src^='/file/']), #messages link, #messages script, #messages style")) found.push(outside.outerHTML);
    const bad = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u202a-\u202e\u2066-\u2069\ufeff]|[\u{e0000}-\u{e007f}]/u;
    const shown = [document.title, document.body.innerText];
    for (const element of document.querySelectorAll("[aria-label], [title], [alt], [placeholder]")) {
        for (const name of ["aria-label", "title", "alt", "placeholder"]) shown.push(element.getAttribute(name) ?? "");
    }
    for (const text of shown) {
        const sign = bad.exec(text);
        if (sign) found.push(`sign ${sign[0].codePointAt(0).toString(16)} in ${text.slice(Math.max(0, sign.index - 20), sign.index + 20)}`);
    }
    return found;
})()"#;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_hostile_is_on_the_page() -> Result<()> {
    let Some(program) = browser() else {
        return Ok(());
    };
    let host = TestHost::with(&[]).await;
    let hub = host.host().hub().clone();
    let evil = Evil::new(hub.clone());
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let rooms = Arc::new(hub.clone());
    let page = PageServer::on(listener, None, rooms, host.host().plugins().clone())?;
    let url = page.url();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(page.serve(async move {
        // Dropped or sent: either is the end.
        let _ = stopped.await;
    }));
    let mut browser = Browser::start(program, (1280, 800)).await?;
    browser.open(&url).await?;
    browser
        .wait_for("document.getElementById('status').dataset.state === 'connected' && !document.getElementById('composer').disabled")
        .await?;
    let lobby = host.room("ada", "Lobby").await;
    for (number, (written, plain)) in HOSTILE.iter().enumerate() {
        evil.say(&lobby, written);
        if is_name(written) {
            // A user and a room of the name, and somebody who types.
            let room = host.room(written, written).await;
            host.room(written, "Lobby").await;
            host.say(written, &lobby, written).await;
            host.say(written, &room, written).await;
            let typing = Command::Typing {
                conversation: lobby.clone(),
                active: true,
            };
            host.act(written, typing).await?;
        } else {
            host.say("ada", &lobby, written).await;
        }
        let mark = format!("mark {number}");
        host.say("ada", &lobby, &mark).await;
        let there = format!(
            "[...document.querySelectorAll('#messages .body')].at(-1)?.textContent === {}",
            json!(mark)
        );
        browser.wait_for(&there).await?;
        let wrong = browser.evaluate(WRONG).await?;
        assert_eq!(wrong, json!([]), "{written:?}");
        let said = "[...document.querySelectorAll('#messages .body')].at(-2).textContent";
        let said = browser.evaluate(said).await?;
        assert_eq!(
            said.as_str().map(str::trim),
            Some(plain.trim()),
            "{written:?}"
        );
    }
    // Everything that can be pressed, and every room.
    let press = "for (const button of document.querySelectorAll('#messages button, .places button')) { if (!/Delete|Edit/.test(button.textContent)) button.click(); }";
    browser.evaluate(press).await?;
    host.idle().await;
    browser.wait_for("true").await?;
    assert_eq!(browser.evaluate(WRONG).await?, json!([]));
    // Nobody but the page itself was asked for anything.
    let own = url.split("/?").next().unwrap_or_default().to_owned();
    let sockets = own.replace("http://", "ws://");
    let outside: BTreeMap<&String, ()> = browser
        .requests()
        .iter()
        .filter(|asked| !asked.starts_with(&own) && !asked.starts_with(&sockets))
        // The browser's own signs in its fields for dates and times.
        .filter(|asked| !asked.starts_with("data:image/svg+xml;"))
        .map(|asked| (asked, ()))
        .collect();
    assert!(outside.is_empty(), "{outside:?}");
    browser.stop().await?;
    // A server that has ended by itself says so below.
    let _ = stop.send(());
    server.await??;
    host.stop().await;
    Ok(())
}
