//! The program by hand.

use std::process::Stdio;

use parlor_tests::sim::livechat::{ACCOUNT, CLIENT_ID, ORGANIZATION};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

#[tokio::test]
async fn it_prints_a_line_that_is_all_a_client_needs() {
    for tls in [false, true] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_parlor-sim"));
        program.args(["livechat", "--port", "0", "--clock", "60"]);
        if tls {
            program.arg("--tls");
        }
        let mut program = program
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(program.stdout.take().expect("an output")).lines();
        let line = lines
            .next_line()
            .await
            .expect("it can be read")
            .expect("a line");
        let line: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(line["platform"], "livechat");
        let bot = &line["bot"];
        assert_eq!(bot["client_id"], CLIENT_ID);
        assert_eq!(bot["account_id"], ACCOUNT);
        assert_eq!(bot["organization_id"], ORGANIZATION);
        for name in ["client_secret", "redirect_uri", "pat"] {
            assert!(bot[name].is_string(), "{name}");
        }
        let base = line["base_url"].as_str().expect("an address");
        assert_eq!(base.starts_with("https://"), tls);
        assert_eq!(line["control_url"], format!("{base}/_sim"));
        let mut client = reqwest::Client::builder().no_proxy();
        if tls {
            let ca = std::fs::read(line["ca_file"].as_str().expect("a file")).expect("it is there");
            let ca = reqwest::Certificate::from_pem(&ca).expect("a certificate");
            client = client.tls_certs_only([ca]);
        }
        let client = client.build().expect("a client");
        let say = r#"{"conversation":"shop","user":"ann","text":"hello"}"#;
        let said = client
            .post(format!("{base}/_sim/say"))
            .body(say)
            .send()
            .await;
        assert_eq!(said.expect("an answer").status(), 200);
        program.kill().await.expect("it ends");
    }
}
