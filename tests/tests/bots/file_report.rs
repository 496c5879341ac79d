//! File report.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_room_are_listed_in_a_file() {
    // Reading a large file takes processor time.
    let host = bot(
        "file-report",
        "",
        "limits = { cpu-ms = 5000, deadline-ms = 30000 }\n",
    )
    .await;
    let room = host.room("ada", "Lobby").await;
    host.room("bob", "Lobby").await;
    assert_eq!(host.ask("/report").await, ["Nobody has sent a file here."]);
    send_file(
        &host,
        "ada",
        &room,
        "the plan",
        ("plan.txt", "text/plain", b"one\ntwo\n"),
    )
    .await;
    // More than one part of a file.
    let large = vec![b'x'; (2 << 20) + 3];
    send_file(
        &host,
        "bob",
        &room,
        "",
        ("a, b.bin", "application/octet-stream", &large),
    )
    .await;
    let other = host.room("ada", "Elsewhere").await;
    send_file(
        &host,
        "ada",
        &other,
        "",
        ("=secret.txt", "text/plain", b"x"),
    )
    .await;

    assert_eq!(host.ask("/report").await, ["2 files"]);
    let (name, text) = file_of(&host, "ada", &last(&host, "ada", &room));
    let wanted = "name,type,sender,bytes,lines\r\nplan.txt,text/plain,ada,8,2\r\n\
        \"a, b.bin\",application/octet-stream,bob,2097155,\r\n";
    assert_eq!((name.as_str(), text.as_str()), ("files.csv", wanted));
    host.ask_in("ada", &other, "/report").await;
    let (_, text) = file_of(&host, "ada", &last(&host, "ada", &other));
    assert!(
        text.ends_with("\r\n'=secret.txt,text/plain,ada,1,0\r\n"),
        "{text}"
    );
    assert_eq!(host.row("file-report").last_error, None);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_comes_every_friday_when_it_is_asked_for() {
    // Thursday, 15 January 2026, 12:00 UTC: a command from long before what the clock says is too old.
    const THURSDAY: u64 = 1_768_478_400_000;
    const HOUR: u64 = 3_600_000;
    let clock = parlor_tests::clock::TestClock::at(THURSDAY);
    let parts = TestHostParts {
        clock: clock.clone(),
        ..TestHostParts::default()
    };
    let host = with_bot(TestHost::start(parts).await, "file-report", "").await;
    let room = host.room("ada", "Lobby").await;
    send_file(
        &host,
        "ada",
        &room,
        "",
        ("plan.txt", "text/plain", b"one\n"),
    )
    .await;
    assert_eq!(host.ask("/report weekly").await, ["It comes every week."]);
    // 17:00 in Zurich is 16:00 in UTC.
    for week in 0..2 {
        let before = host.all_answers(&room).len();
        clock.set(THURSDAY + (28 + week * 7 * 24) * HOUR);
        host.until_answers(&room, before + 1).await;
        let (name, text) = file_of(&host, "ada", &last(&host, "ada", &room));
        assert_eq!(name, "files.csv");
        assert!(text.contains("plan.txt"), "{text}");
    }
    host.stop().await;
}
