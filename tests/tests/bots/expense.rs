//! Expense approval: form, card, edits, file.

use super::*;

const OWN: &str = "allow = { report = [\"controllers\"] }\ngrants.actions = [\"send-user\"]\n";
const ROLES: &str = "[roles]\ncontrollers = [\"carol@local\"]\n";

#[tokio::test(flavor = "multi_thread")]
async fn an_expense_is_asked_for_approved_and_reported() {
    let host = bot("expense", ROLES, OWN).await;
    host.room("grace", "Lobby").await;
    let asking = host.direct("ada").await;
    assert_eq!(host.ask_in("ada", &asking, "/expense").await.len(), 1);
    let form = last(&host, "ada", &asking).id.to_string();

    // What breaks a rule of the form is answered by the host, and the form stays.
    let wrong = [("amount", "0"), ("receipt", "R-7"), ("approver", "grace")];
    submit(&host, "ada", &form, &wrong).await;
    assert!(last(&host, "ada", &asking).text.contains("Amount"));
    let right = [
        ("amount", "12.5"),
        ("receipt", "R-7, taxi"),
        ("approver", "grace"),
    ];
    submit(&host, "ada", &form, &right).await;
    assert!(texts(&host, "ada", &asking)[0].contains("Waiting for grace"));

    let deciding = host.direct("grace").await;
    let card = last(&host, "grace", &deciding);
    for part in ["Expense 1", "From ada", "12.50 EUR", "R-7, taxi"] {
        assert!(card.text.contains(part), "{part}: {}", card.text);
    }
    act(&host, "grace", press(&card.id, "approve")).await;
    // Both messages have changed, whoever asked is told, and the buttons are gone.
    assert!(
        last(&host, "grace", &deciding)
            .text
            .contains("Approved by grace")
    );
    let told = texts(&host, "ada", &asking);
    assert!(told[0].contains("Approved by grace"), "{told:?}");
    assert_eq!(
        told.last().map(String::as_str),
        Some("Expense 1 is approved.")
    );
    cannot_press(&host, "grace", &card.id, "reject").await;

    // A second one, and it is rejected.
    host.ask_in("ada", &asking, "/expense").await;
    let form = last(&host, "ada", &asking).id.to_string();
    let second = [
        ("amount", "1000"),
        ("receipt", "=1+1"),
        ("approver", "grace"),
    ];
    submit(&host, "ada", &form, &second).await;
    let card = last(&host, "grace", &deciding).id.to_string();
    act(&host, "grace", press(&card, "reject")).await;
    assert_eq!(last(&host, "ada", &asking).text, "Expense 2 is rejected.");

    // The file is for controllers.
    let refused = host.ask_in("ada", &asking, "/expense report").await;
    assert_eq!(refused, ["You may not use /expense report."]);
    let reading = host.direct("carol").await;
    host.ask_in("carol", &reading, "/expense report").await;
    let (name, text) = file_of(&host, "carol", &last(&host, "carol", &reading));
    assert_eq!(name, "expenses.csv");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[1].starts_with("1,20"), "{text}");
    assert!(
        lines[1].contains(",ada,grace,12.50,EUR,\"R-7, taxi\",approved,20"),
        "{text}"
    );
    assert!(
        lines[2].contains(",ada,grace,1000.00,EUR,'=1+1,rejected,20"),
        "{text}"
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expense_is_approved_where_there_is_only_text() {
    let text_only = "[[bot]]\nname = \"parlor\"\nplatform = \"local\"\ntext-only = true\n";
    let host = bot("expense", &format!("{text_only}{ROLES}"), OWN).await;
    host.room("grace", "Lobby").await;
    let asking = host.direct("ada").await;
    host.ask_in("ada", &asking, "/expense").await;
    for answer in ["12.5", "R-7", "@grace"] {
        host.ask_in("ada", &asking, answer).await;
    }
    let deciding = host.direct("grace").await;
    let card = last(&host, "grace", &deciding);
    assert!(card.text.contains("1. Approve"), "{}", card.text);
    host.ask_in("grace", &deciding, "1").await;
    assert_eq!(last(&host, "ada", &asking).text, "Expense 1 is approved.");
    assert!(
        last(&host, "grace", &deciding)
            .text
            .contains("Approved by grace")
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_approves_their_own_expense() {
    let host = bot("expense", ROLES, OWN).await;
    let asking = host.direct("ada").await;
    for approver in ["ada", parlor_tests::harness::BOT] {
        host.ask_in("ada", &asking, "/expense").await;
        let form = last(&host, "ada", &asking).id.to_string();
        let own = [("amount", "5"), ("receipt", "R"), ("approver", approver)];
        let before = shown(&host, "ada", &asking).len();
        submit(&host, "ada", &form, &own).await;
        let said = texts(&host, "ada", &asking);
        assert!(
            said[before].starts_with("Somebody else"),
            "{approver}: {said:?}"
        );
        assert_eq!(said.len(), before + 2, "and a new form: {said:?}");
    }
    host.stop().await;
}
