//! Mistakes in a plugin's own files: that plugin is refused, where everybody sees it, and takes part
//! as soon as it is right. All others serve.

use parlor_tests::guests;
use parlor_tests::harness::{TestHost, TestHostParts};

/// A host that follows a folder with `echo` in it.
async fn host(settings: &str) -> TestHost {
    let host = TestHost::start(TestHostParts {
        settings: settings.to_owned(),
        ..TestHostParts::default()
    })
    .await;
    host.follow(&["echo"]).await;
    host
}

/// A row of the panel says this of a plugin that does not serve, and the neighbour answers.
async fn is_refused(host: &TestHost, row: &str, words: &[&str]) {
    let is_told = |error: &Option<String>| {
        let error = error.as_deref().unwrap_or_default();
        words.iter().all(|word| error.contains(word))
    };
    host.until(row, |row| {
        row.state == "refused" && is_told(&row.last_error)
    })
    .await;
    assert_eq!(host.ask("hello").await, ["Hello ada"]);
}

/// A plugin serves, with nothing to complain of.
async fn takes_part(host: &TestHost, plugin: &str) {
    host.until(plugin, |row| {
        row.state == "serving" && row.last_error.is_none()
    })
    .await;
}

fn write(host: &TestHost, file: &str, text: &str) {
    std::fs::write(host.plugin_folder().join(file), text).expect("a file is written");
}

fn remove(host: &TestHost, file: &str) {
    std::fs::remove_file(host.plugin_folder().join(file)).expect("a file is removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_in_two_places_are_refused() {
    let host = host("[plugin.settings]\nconfig = { text = \"there\" }\n").await;
    write(&host, "settings.toml", "config = { text = \"here\" }\n");
    host.put("settings", &guests::bytes("settings"));
    let words = [
        "parlor.toml:1: plugin settings has settings here and in",
        "settings.toml",
    ];
    is_refused(&host, "settings", &words).await;
    assert!(host.ask("show text").await.is_empty());
    remove(&host, "settings.toml");
    takes_part(&host, "settings").await;
    assert!(host.ask("show text").await[0].contains("there"));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_whose_name_is_another_plugins_is_refused() {
    let host = host("[plugin.counter]\nartifact = \"adder.wasm\"\n").await;
    host.put("adder", &guests::bytes("adder"));
    takes_part(&host, "counter").await;
    host.put("counter", &guests::bytes("counter"));
    let words = ["parlor.toml:2: plugin counter is adder.wasm, and counter.wasm is there too"];
    is_refused(&host, "counter.wasm", &words).await;
    assert_eq!(
        host.ask("+1").await,
        ["added"],
        "the section's plugin serves"
    );
    let folder = host.plugin_folder();
    std::fs::rename(folder.join("counter.wasm"), folder.join("other.wasm")).expect("it moves");
    takes_part(&host, "other").await;
    let gone = || host.host().plugins();
    host.eventually("the complaint goes", || {
        use parlor_host::web::PanelSource as _;
        gone()
            .plugins()
            .iter()
            .all(|row| row.name != "counter.wasm")
    })
    .await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_before_their_wasm_are_refused() {
    let host = host("").await;
    write(&host, "settings.toml", "config = { text = \"early\" }\n");
    is_refused(&host, "settings", &["settings.wasm"]).await;
    host.put("settings", &guests::bytes("settings"));
    takes_part(&host, "settings").await;
    assert!(host.ask("show text").await[0].contains("early"));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_section_before_its_wasm_is_refused() {
    let host = host("\n[plugin.colours]\nartifact = \"settings.wasm\"\n").await;
    let words = ["parlor.toml:3: settings.wasm is not in the plugin folder"];
    is_refused(&host, "colours", &words).await;
    host.put("settings", &guests::bytes("settings"));
    takes_part(&host, "colours").await;
    assert!(host.ask("show choice").await[0].contains("red"));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_config_key_is_refused() {
    let host = host("").await;
    write(
        &host,
        "settings.toml",
        "\nconfig = { colour = \"green\" }\n",
    );
    host.put("settings", &guests::bytes("settings"));
    let words = ["settings.toml:2: plugin settings has no config key `colour`"];
    is_refused(&host, "settings", &words).await;
    write(
        &host,
        "settings.toml",
        "\nconfig = { choice = \"green\" }\n",
    );
    takes_part(&host, "settings").await;
    assert!(host.ask("show choice").await[0].contains("green"));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_does_not_load_is_refused() {
    let host = host("").await;
    host.put("settings", b"no component at all");
    is_refused(&host, "settings", &["the file is text"]).await;
    host.put("settings", &guests::bytes("settings"));
    takes_part(&host, "settings").await;
    assert!(host.ask("show choice").await[0].contains("red"));
    // A bad build of one that serves leaves the old one in place, and says so.
    host.put("settings", b"no component either");
    host.until("settings", |row| {
        row.state == "serving"
            && row
                .last_error
                .as_ref()
                .is_some_and(|it| it.contains("text"))
    })
    .await;
    assert!(host.ask("show choice").await[0].contains("red"));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_a_plugin_needs_and_lacks_is_named_with_its_line() {
    parlor_tests::logs::keep();
    let host = host("").await;
    host.put("expense", &guests::bytes("expense"));
    takes_part(&host, "expense").await;
    let lines = parlor_tests::logs::about("expense");
    let mut told = lines
        .iter()
        .filter(|line| line.field("what") == "action send-user");
    let line = told.next().expect("it is told").field("line");
    let wanted = "`grants.actions = [\"send-user\"]` in a section `[plugin.expense]` of ";
    assert!(line.starts_with(wanted), "{line}");
    // Written as told, nothing is missing.
    write(&host, "expense.toml", "grants.actions = [\"send-user\"]\n");
    host.eventually("it has its grant", || {
        let lines = host.host().plugins().lines();
        lines
            .iter()
            .any(|line| line.plugin == "expense" && line.asks[0].granted)
    })
    .await;
    host.stop().await;
}
