//! The simulator as a program, by hand.

use serde_json::Value;

use crate::program;

#[tokio::test]
async fn the_program_prints_one_line_and_serves() {
    let (mut child, line) = program("symphony", &["--tls"]).await;
    let text = |pointer: &str| {
        line.pointer(pointer)
            .and_then(Value::as_str)
            .expect("a text")
    };
    assert_eq!(text("/control_url"), format!("{}/_sim", text("/base_url")));
    for file in [
        "private_key_file",
        "certificate_file",
        "app_private_key_file",
    ] {
        let path = text(&format!("/bot/{file}"));
        assert!(std::path::Path::new(path).is_file(), "{path}");
    }
    super::client::prepare();
    let ca = std::fs::read(text("/ca_file")).expect("a certificate");
    let ca = reqwest::Certificate::from_pem(&ca).expect("a certificate");
    let client = reqwest::Client::builder()
        .tls_certs_only([ca])
        .no_proxy()
        .build();
    let client = client.expect("a client");
    let health = client
        .get(format!("{}/agent/v3/health", text("/base_url")))
        .send()
        .await;
    assert_eq!(health.expect("an answer").status(), 200);
    #[cfg(unix)]
    {
        let id = child
            .id()
            .and_then(|id| libc::pid_t::try_from(id).ok())
            .expect("it runs");
        // SAFETY: a signal to a child of our own that has not been waited for.
        let told = unsafe { libc::kill(id, libc::SIGTERM) };
        assert_eq!(told, 0);
        assert!(child.wait().await.expect("it ends").success());
    }
}
