//! What a plugin remembers, and how much of it.

use parlor_tests::harness::TestHost;

const NONE: &str = "Ok(None)";
const DONE: &str = "Ok(())";
const TOO_LARGE: &str = "Err(StateError::TooLarge)";

/// The one answer to a question in the lobby.
async fn asked(host: &TestHost, text: &str) -> String {
    let answers = host.ask(text).await;
    assert_eq!(answers.len(), 1, "`{text}`: {answers:?}");
    answers.into_iter().next().unwrap_or_default()
}

/// The last answer to what a user says in a room.
async fn asked_in(host: &TestHost, user: &str, room: &str, text: &str) -> String {
    let room = host.room(user, room).await;
    host.say(user, &room, text).await;
    host.idle().await;
    let answer = host.answers(user, &room).pop().expect("it answers");
    answer.text.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn state_get() {
    let host = TestHost::with(&["state"]).await;
    for scope in ["plugin", "conversation", "user"] {
        assert_eq!(asked(&host, &format!("get {scope} k")).await, NONE);
        assert_eq!(
            asked(&host, &format!("set {scope} k of {scope}")).await,
            DONE
        );
        let wanted = format!("Ok(Some(\"of {scope}\"))");
        assert_eq!(asked(&host, &format!("get {scope} k")).await, wanted);
    }
    // Ada elsewhere, and somebody else in the same room.
    let ada = async |text| asked_in(&host, "ada", "Elsewhere", text).await;
    let bob = async |text| asked_in(&host, "bob", "Lobby", text).await;
    assert_eq!(ada("get plugin k").await, "Ok(Some(\"of plugin\"))");
    assert_eq!(ada("get conversation k").await, NONE);
    assert_eq!(ada("get user k").await, "Ok(Some(\"of user\"))");
    assert_eq!(
        bob("get conversation k").await,
        "Ok(Some(\"of conversation\"))"
    );
    assert_eq!(bob("get user k").await, NONE);
    assert_eq!(
        asked(&host, "own plugin mine").await,
        r#"(Some("new"), ["mine"]) (None, [])"#,
        "a call sees its own writes"
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn state_keys() {
    let host = TestHost::with(&["state"]).await;
    for key in ["b2", "a1", "b1", "c1"] {
        asked(&host, &format!("set plugin {key} x")).await;
    }
    asked(&host, "set conversation b9 x").await;
    assert_eq!(asked(&host, "keys plugin b").await, r#"Ok(["b1", "b2"])"#);
    assert_eq!(
        asked(&host, "keys plugin").await,
        r#"Ok(["a1", "b1", "b2", "c1"])"#
    );
    assert_eq!(asked(&host, "keys plugin d").await, "Ok([])");
    // A page has a thousand keys, and the next begins after the last of it.
    for first in (0..1_000).step_by(200) {
        let fill = format!("fill user p {first} 200 1");
        assert_eq!(asked(&host, &fill).await, "200 filled");
    }
    assert_eq!(asked(&host, "fill user p 1000 1 1").await, "1 filled");
    assert_eq!(
        asked(&host, "page user p").await,
        r#"1000 from Some("p0000") to Some("p0999")"#
    );
    assert_eq!(
        asked(&host, "page user p p0999").await,
        r#"1 from Some("p1000") to Some("p1000")"#
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn state_delete() {
    let host = TestHost::with(&["state"]).await;
    asked(&host, "set plugin k x").await;
    asked(&host, "set user k y").await;
    assert_eq!(asked(&host, "delete plugin k").await, DONE);
    assert_eq!(asked(&host, "get plugin k").await, NONE);
    assert_eq!(asked(&host, "keys plugin").await, "Ok([])");
    assert_eq!(asked(&host, "get user k").await, "Ok(Some(\"y\"))");
    assert_eq!(
        asked(&host, "delete plugin k").await,
        DONE,
        "twice is no error"
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_state_key_bytes() {
    let host = TestHost::with(&["state"]).await;
    let (longest, longer) = ("k".repeat(256), "k".repeat(257));
    assert_eq!(asked(&host, &format!("set plugin {longest} x")).await, DONE);
    assert_eq!(
        asked(&host, &format!("get plugin {longest}")).await,
        "Ok(Some(\"x\"))"
    );
    for verb in [
        "set plugin KEY x",
        "get plugin KEY",
        "delete plugin KEY",
        "add plugin KEY 1",
    ] {
        let text = verb.replace("KEY", &longer);
        assert_eq!(asked(&host, &text).await, TOO_LARGE, "{verb}");
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_state_value_bytes() {
    let host = TestHost::with(&["state"]).await;
    assert_eq!(asked(&host, "fill plugin k 0 1 65536").await, "1 filled");
    let refused = "StateError::TooLarge at 1";
    assert_eq!(asked(&host, "fill plugin k 1 1 65537").await, refused);
    host.change("state", "limits = { state-value-kib = 1 }")
        .await;
    assert_eq!(asked(&host, "fill plugin k 1 1 1024").await, "1 filled");
    assert_eq!(asked(&host, "fill plugin k 1 1 1025").await, refused);
    assert_eq!(
        asked(&host, "keys plugin").await,
        r#"Ok(["k0000", "k0001"])"#
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_state_bytes() {
    let host = TestHost::with_settings("state", "limits = { state-mib = 1 }").await;
    // A key of 5 bytes and a value of 65,531 are 64 KiB; 16 of them are all there may be.
    assert_eq!(asked(&host, "fill plugin k 0 8 65531").await, "8 filled");
    assert_eq!(asked(&host, "fill user k 8 8 65531").await, "8 filled");
    let full = "Err(StateError::Full)";
    assert_eq!(asked(&host, "set plugin x y").await, full);
    assert_eq!(asked(&host, "add conversation x 1").await, full);
    // What is given back can be used again, and no byte more.
    assert_eq!(asked(&host, "delete user k0008").await, DONE);
    assert_eq!(
        asked(&host, "fill user k 8 1 65532").await,
        "StateError::Full at 8"
    );
    assert_eq!(asked(&host, "fill user k 8 1 65531").await, "1 filled");
    assert_eq!(asked(&host, "set plugin x y").await, full);
    host.stop().await;
}
