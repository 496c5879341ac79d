//! Bots that somebody has to agree to.

use super::*;
use crate::mailbox::control::{InstallLine, RefusedReason};

const BOT: &str = "[[bot]]\nname = \"pizza\"\nplatform = \"livechat\"\nclient-id = \"c0ffee\"\n\
    redirect-uri = \"https://bots.acme.com/token\"\napi = \"http://127.0.0.1:1\"\n\
    accounts = \"http://127.0.0.1:1\"\n";

fn install(bot: Option<&str>, link: bool) -> Ask {
    Ask::Install {
        bot: bot.map(str::to_owned),
        link,
    }
}

async fn line(bench: &Bench, ask: Ask) -> InstallLine {
    let mut lines = bench.ask(ask).await;
    match lines.pop() {
        Some(Line::Install(line)) => line,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_link_has_a_state_and_a_challenge_of_its_own() {
    let bench = Bench::new(BOT).await;
    let first = line(&bench, install(None, true)).await;
    let second = line(&bench, install(Some("pizza"), true)).await;
    assert_eq!((first.bot.as_str(), first.licences.len()), ("pizza", 0));
    let query = |line: &InstallLine, name: &str| {
        let link: url::Url = line.link.as_deref().unwrap().parse().unwrap();
        let found = link.query_pairs().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    assert_eq!(query(&first, "client_id"), "c0ffee");
    assert_eq!(query(&first, "redirect_uri"), "https://bots.acme.com/token");
    assert_eq!(query(&first, "code_challenge_method"), "S256");
    for name in ["state", "code_challenge"] {
        assert_eq!(query(&first, name).len(), 43, "{name}");
        assert_ne!(query(&first, name), query(&second, name), "{name}");
    }
    assert_eq!(line(&bench, install(None, false)).await.link, None);
    bench.end().await;
}

#[tokio::test]
async fn a_bot_that_nobody_installs_is_named() {
    let bench = Bench::new(&format!(
        "[[bot]]\nname = \"desk\"\nplatform = \"local\"\n{BOT}"
    ))
    .await;
    let refused = bench.refusal(install(Some("desk"), true)).await;
    assert_eq!(refused.reason, RefusedReason::NotFound);
    assert!(
        refused.text.contains("these are: pizza"),
        "{}",
        refused.text
    );
    bench.end().await;
    let bench = Bench::new("").await;
    let refused = bench.refusal(install(None, true)).await;
    assert!(
        refused.text.contains("no bot is installed by consent"),
        "{}",
        refused.text
    );
    bench.end().await;
}
