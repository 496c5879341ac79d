//! The program by hand.

use parlor_tests::sim::livechat::{ACCOUNT, CLIENT_ID, ORGANIZATION};

use crate::program;

#[tokio::test]
async fn it_prints_a_line_that_is_all_a_client_needs() {
    for tls in [false, true] {
        let arguments: &[&str] = if tls { &["--tls"] } else { &[] };
        let (mut child, line) = program("livechat", arguments).await;
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
        child.kill().await.expect("it ends");
    }
}
