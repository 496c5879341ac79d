//! Symbol converter.

use super::*;

const LIST: &str = "ric,isin,bloomberg\n\
    AAPL.O,US0378331005,AAPL US Equity\n\
    NESN.S,CH0038863350,NESN SW Equity\n\
    WRONG.X,US0378331006,WRONG US Equity\n\
    half a line\n";

#[tokio::test(flavor = "multi_thread")]
async fn symbols_come_from_a_file_and_are_converted() {
    let own = "allow = { symbols = [\"data\"] }\n";
    let host = bot("converter", "[roles]\ndata = [\"ada@local\"]\n", own).await;
    let room = host.room("ada", "Lobby").await;
    host.room("bob", "Lobby").await;
    assert_eq!(
        host.ask_in("bob", &room, "/convert AAPL.O").await,
        ["AAPL.O is not in the list."]
    );
    assert_eq!(
        host.ask_in("bob", &room, "/symbols").await,
        ["You may not use /symbols."]
    );
    assert_eq!(
        host.ask("/symbols").await,
        ["Send `/symbols` with a CSV file: ric,isin,bloomberg"]
    );
    let file = ("symbols.csv", "text/csv", LIST.as_bytes());
    send_file(&host, "ada", &room, "/symbols", file).await;
    assert_eq!(
        last(&host, "ada", &room).text,
        "2 securities; not understood: line 4, 5"
    );

    let card = host.ask_in("bob", &room, "/convert ch0038863350").await;
    for part in ["CH0038863350", "NESN.S", "NESN SW Equity"] {
        assert!(card[0].contains(part), "{part}: {card:?}");
    }
    // In passing, by each of the three; what is not known is left to others.
    for (said, answer) in [
        ("AAPL.O in isin", vec!["US0378331005"]),
        ("us0378331005 in RIC?", vec!["AAPL.O"]),
        ("NESN SW Equity in ric", vec!["NESN.S"]),
        ("tea in isin", vec![]),
        ("I have AAPL.O in my portfolio", vec![]),
    ] {
        assert_eq!(host.ask_in("bob", &room, said).await, answer, "{said}");
    }
    host.stop().await;
}
