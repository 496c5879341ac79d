//! Plugins' requests on their way out: through a proxy, with TLS, with credentials that stay outside.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use parlor_host::config::Settings;
use parlor_host::mailbox::rooms::Rooms as _;
use parlor_host::net::{Caps, Egress, EgressError, HttpGrants};
use parlor_tests::harness::TestHost;
use parlor_tests::outside::world::{
    API_TOKEN, CLIENT_SECRET, KEY, PASSWORD, PROXY_PASSWORD, PROXY_USER, TOKEN, basic,
};
use parlor_tests::outside::{Outside, files, holds, keep_log};

async fn one(host: &TestHost, text: &str) -> String {
    let answers = host.ask(text).await;
    assert_eq!(answers.len(), 1, "{text}: {answers:?}");
    answers.into_iter().next().unwrap_or_default()
}

/// The secrets, and how they look where they are shown.
fn secrets() -> Vec<String> {
    let mut all: Vec<String> = [
        PROXY_PASSWORD,
        API_TOKEN,
        PASSWORD,
        KEY,
        CLIENT_SECRET,
        TOKEN,
    ]
    .map(str::to_owned)
    .into();
    for (user, password) in [
        (PROXY_USER, PROXY_PASSWORD),
        ("joe", PASSWORD),
        ("desk-bot", "cl1ent+s3cret%25"),
    ] {
        let pair = basic(user, password);
        all.push(pair.trim_end_matches('=').to_owned());
    }
    all.push("api-t0ken\\/with+odd=letters".into());
    all.push("api-t0ken%2Fwith%2Bodd%3Dletters".into());
    all
}

/// Asks the guest how often something stands in its memory, without telling it what.
async fn in_guest_memory(host: &TestHost, text: &str) -> String {
    let inverted = text.bytes().fold(String::new(), |mut hex, byte| {
        write!(hex, "{:02x}", !byte).expect("text grows");
        hex
    });
    one(host, &format!("search {inverted}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_used_through_a_proxy_and_are_nowhere_afterwards() {
    let log = keep_log();
    let outside = Outside::start().await;
    let host = outside.host("proxy").await;
    let mut answers = Vec::new();
    for name in ["quotes", "old", "keyed", "desk"] {
        let answer = one(&host, &format!("show https://{name}.test/quote")).await;
        assert!(answer.starts_with("200\n"), "{name}: {answer}");
        assert!(answer.contains("quote 42.17"), "{name}: {answer}");
        assert!(
            answer.contains("****"),
            "{name} echoes what it was shown: {answer}"
        );
        answers.push(answer);
    }
    // The token is revoked: it is renewed, and the guest hears nothing of it.
    outside.bank.first_good.store(2, Ordering::SeqCst);
    answers.push(one(&host, "show https://desk.test/quote").await);
    assert_eq!(outside.bank.given.load(Ordering::SeqCst), 2);
    assert_eq!(
        one(&host, "fetch https://closed.test/quote")
            .await
            .split(' ')
            .next(),
        Some("200")
    );
    // Errors of all kinds.
    for (said, expected) in [
        (
            "header https://quotes.test/quote Authorization mine",
            "denied",
        ),
        (
            "header https://desk.test/quote authorization mine",
            "denied",
        ),
        ("fetch https://false.test/quote", "failed"),
        ("fetch https://nowhere.test/quote", "unreachable"),
        ("fetch https://elsewhere.test/quote", "denied"),
        ("fetch https://127.0.0.1/quote", "denied"),
        ("fetch https://quotes.test/moved", "302 0"),
    ] {
        let answer = one(&host, said).await;
        assert_eq!(answer, expected, "{said}");
        answers.push(answer);
    }
    let asked = outside.proxy.asked();
    assert!(asked.contains(&"quotes.test:443".to_owned()), "{asked:?}");
    assert!(
        !asked.iter().any(|name| name.starts_with("elsewhere")),
        "{asked:?}"
    );

    // The search finds what is there.
    assert_ne!(
        in_guest_memory(&host, "Fetches what it is told to").await,
        "found 0"
    );
    for secret in secrets() {
        assert_eq!(in_guest_memory(&host, &secret).await, "found 0", "{secret}");
    }
    let (snapshot, _) = host.host().hub().view("ada").expect("the page's view");
    let page = serde_json::to_string(&snapshot).expect("JSON");
    let rows = format!(
        "{:?}",
        parlor_host::web::PanelSource::plugins(host.host().plugins().as_ref())
    );
    let settings = outside.settings(&outside.net("proxy"));
    let mut places = vec![
        ("answers".to_owned(), answers.join("\n").into_bytes()),
        ("page".to_owned(), page.into_bytes()),
        ("panel".to_owned(), rows.into_bytes()),
        ("settings".to_owned(), format!("{settings:?}").into_bytes()),
    ];
    let data = outside.folder.path().join("data");
    places.extend(files(&data));
    host.stop().await;
    places.extend(files(&data));
    places.push(("log".to_owned(), log.lock().clone()));
    for place in ["page", "journal.sqlite", "log"] {
        let is_there = |(name, bytes): &(String, Vec<u8>)| {
            name.contains(place) && holds(bytes, "https://quotes.test/quote")
        };
        assert!(places.iter().any(is_there), "{place} is not searched");
    }
    for (place, bytes) in &places {
        for secret in secrets() {
            assert!(!holds(bytes, &secret), "{secret} is in {place}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_proxy_password_is_told_to_the_operator_and_names_the_proxy() {
    let log = keep_log();
    let outside = Outside::start().await;
    let host = outside.host("wrong").await;
    assert_eq!(
        one(&host, "fetch https://quotes.test/quote").await,
        "failed"
    );
    host.stop().await;
    let log = log.lock().clone();
    let line = format!(
        "proxy http://{} refused the user name or the password (407)",
        outside.proxy.address
    );
    assert!(holds(&log, &line), "{}", String::from_utf8_lossy(&log));
    assert!(!holds(&log, "another-password"));
    assert_eq!(outside.proxy.asked(), Vec::<String>::new());
}

/// Makes a request the way the host does, without a guest.
async fn get(settings: &Settings, grants: &str, url: &str) -> Result<u16, EgressError> {
    let egress = Egress::with_config(4, &settings.net)?;
    let plugin = parlor_host::config::parse_plugin_file(
        std::path::Path::new("http.toml"),
        grants,
        "http",
        &settings.scope(),
        &|_| None,
    );
    let grants = HttpGrants::new(&plugin.expect("settings").grants.http).expect("grants");
    let request = http::Request::get(url).body(axum::body::Bytes::new());
    let request = request.expect("a request");
    let answer = egress.send(request, &grants, &Caps::default()).await?;
    Ok(answer.status().as_u16())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_shown_to_the_server_that_wants_one() {
    let outside = Outside::start().await;
    let settings = outside.settings(&outside.net("proxy"));
    let url = "https://closed.test/quote";
    let status = get(&settings, &outside.grants(), url).await;
    assert_eq!(status.expect("answered"), 200);
    let without = format!("grants.http = [\"GET {url}\"]");
    let error = get(&settings, &without, url).await.expect_err("is refused");
    // The server refuses when the handshake is over for the client, which may be sending by then.
    let is_refusal = matches!(error, EgressError::Tls(_) | EgressError::Interrupted(_));
    assert!(is_refusal, "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_who_a_trusted_authority_says() {
    let outside = Outside::start().await;
    let settings = outside.settings(&outside.net("proxy"));
    let error = get(&settings, &outside.grants(), "https://false.test/quote").await;
    let error = error.expect_err("the name is not in its certificate");
    assert!(matches!(error, EgressError::Tls(_)), "{error:?}");
    // Without the file nobody vouches for it.
    let net = outside.net("proxy").replace("ca-files", "# ca-files");
    let settings = outside.settings(&net);
    let error = get(&settings, &outside.grants(), "https://quotes.test/quote").await;
    let error = error.expect_err("nobody vouches for it");
    assert!(matches!(error, EgressError::Tls(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_certificate_is_found_at_the_start() {
    let outside = Outside::start().await;
    let path = outside.folder.path().join("parlor.toml");
    let problem = |key: &str, allow: &str| {
        let text = format!(
            "[plugin.http]\ngrants.http = [\n  {{ allow = \"GET {allow}\", client-certificate = {{ certificate = \"file:client.pem\", key = \"file:{key}\" }} }}]\n"
        );
        let problem = Settings::parse(&path, &text, &|_| None).expect_err("a mistake");
        (problem[0].line, problem[0].found.clone())
    };
    let place = "`key` in [plugin.http.grants.http.1.client-certificate]";
    let https = "https://closed.test/";
    let other = format!("{place} holds a key of another certificate, or of an unknown kind");
    assert_eq!(problem("other-key.pem", https), (3, other));
    let none = format!("{place} holds no private key in PEM");
    assert_eq!(problem("token", https), (3, none));
    let plain = "`allow` in entry 1 of `http` in [plugin.http.grants] is no https address, where certificates are shown";
    assert_eq!(
        problem("client-key.pem", "http://closed.test/"),
        (3, plain.to_owned())
    );
}
