//! The simulator as a program, by hand.

use serde_json::Value;

use crate::program;

#[tokio::test]
async fn the_program_prints_one_line_and_serves_with_tls() {
    let (_child, line) = program("lseg", &["--tls"]).await;
    let text = |pointer: &str| {
        let found = line.pointer(pointer).and_then(Value::as_str);
        found.expect("a text").to_owned()
    };
    assert_eq!(text("/control_url"), format!("{}/_sim", text("/base_url")));
    assert!(text("/ws_url").starts_with("wss://"));
    for name in ["username", "password", "app_key"] {
        assert!(!text(&format!("/bot/{name}")).is_empty());
    }
    // Another test of the process may have said so.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ca = std::fs::read(text("/ca_file")).expect("a certificate");
    let ca = reqwest::Certificate::from_pem(&ca).expect("a certificate");
    let client = reqwest::Client::builder()
        .tls_certs_only([ca])
        .no_proxy()
        .build();
    let bot = client
        .expect("a client")
        .get(format!("{}/bot", text("/control_url")))
        .send()
        .await;
    assert_eq!(bot.expect("an answer").status(), 200);
}
