//! Every line of a platform's document has a test, and `tests/COVERAGE.md` says which.

use parlor_host::config::variable;
use parlor_tests::coverage::{Table, Tests, check};
use parlor_tests::guests::workspace;
use parlor_tests::tidy::{RepoFile, read_tree};

/// The numbered traps of symphony.md.
const GOTCHAS: usize = 26;
/// What is easy to get wrong by livechat.md.
const LIVECHAT_GOTCHAS: usize = 20;

/// The tables of all platforms, by their names.
fn tables() -> Vec<Table> {
    ["symphony", "webex", "livechat", "lseg"].map(table).into()
}

fn table(platform: &str) -> Table {
    let file = workspace().join(format!("tests/coverage/{platform}.toml"));
    let text = std::fs::read_to_string(file).expect("the table can be read");
    Table::parse(&text).expect("the table parses")
}

#[test]
fn every_line_of_the_documents_has_its_test() {
    let files = read_tree(&workspace()).expect("the repository can be read");
    let checked = check(&tables(), &Tests::of(&files));
    assert!(
        checked.complaints.is_empty(),
        "\n{}\n",
        checked.complaints.join("\n")
    );

    let page = workspace().join("tests/COVERAGE.md");
    if variable("INSTA_UPDATE").as_deref() == Some("always") {
        std::fs::write(&page, &checked.page).expect("the page can be written");
    }
    let written = std::fs::read_to_string(&page).unwrap_or_default();
    assert!(
        written == checked.page,
        "tests/COVERAGE.md is not what the tables say; run this test with INSTA_UPDATE=always"
    );
}

#[test]
fn no_line_of_the_document_is_left_out() {
    let symphony: &[(&str, usize)] = &[
        ("faults", 18),
        ("simulator-endpoints", 24),
        ("simulator-state", 16),
        ("simulator-faults", 9),
    ];
    let livechat: &[(&str, usize)] = &[("faults", 27), ("simulator", 19)];
    for (platform, gotchas, sections) in [
        ("symphony", GOTCHAS, symphony),
        ("livechat", LIVECHAT_GOTCHAS, livechat),
    ] {
        let table = table(platform);
        let numbers: Vec<usize> = table
            .section("gotchas")
            .iter()
            .filter_map(|(id, _)| id.parse().ok())
            .collect();
        assert_eq!(numbers, (1..=gotchas).collect::<Vec<_>>(), "{platform}");
        for (section, rows) in sections {
            let found = table.section(section).len();
            assert_eq!(found, *rows, "{platform}: {section}");
        }
    }
}

#[test]
fn no_line_of_webex_s_checklist_is_left_out() {
    let table = table("webex");
    let numbers: Vec<usize> = table
        .section("simulator")
        .iter()
        .filter_map(|(id, _)| id.parse().ok())
        .collect();
    assert_eq!(numbers, (1..=12).collect::<Vec<_>>());
}

#[test]
fn no_line_of_messengers_document_is_left_out() {
    let table = table("lseg");
    for (section, rows) in [("gotchas", 37), ("faults", 13), ("simulator", 17)] {
        assert_eq!(table.section(section).len(), rows, "{section}");
    }
}

#[test]
fn a_row_without_a_test_or_with_one_that_is_not_there_is_named() {
    let files = [
        RepoFile::new(
            "host/src/a.rs",
            "#[test]\nfn shows_it() {}\n#[test]\nfn twice() {}\nfn helper() {}\n",
        ),
        RepoFile::new("tests/tests/b.rs", "#[tokio::test]\nasync fn twice() {}\n"),
        RepoFile::new("docs/c.md", "#[test]\nfn in_a_page() {}\n"),
    ];
    let row = |tests: &str| {
        let text =
            format!("title = \"T\"\n[s-t]\n\"b\" = {{ says = \"x | y\", tests = [{tests}] }}\n");
        check(
            &[Table::parse(&text).expect("it parses")],
            &Tests::of(&files),
        )
    };
    let complaint = |tests: &str| row(tests).complaints.join("\n");
    assert_eq!(complaint(""), "[s-t] b: no test shows it: x | y");
    assert_eq!(complaint("\"gone\""), "[s-t] b: there is no test `gone`");
    assert_eq!(
        complaint("\"helper\""),
        "[s-t] b: there is no test `helper`"
    );
    assert_eq!(
        complaint("\"in_a_page\""),
        "[s-t] b: there is no test `in_a_page`"
    );
    assert_eq!(
        complaint("\"host/src/b.rs::shows_it\""),
        "[s-t] b: there is no test `host/src/b.rs::shows_it`"
    );
    assert_eq!(
        complaint("\"twice\""),
        "[s-t] b: `twice` is several tests: host/src/a.rs::twice, tests/tests/b.rs::twice"
    );
    let right = row("\"shows_it\", \"tests/tests/b.rs::twice\"");
    assert_eq!(right.complaints, Vec::<String>::new());
    let line = "\n## T: s, t\n\n| | What holds | Shown by |\n|---|---|---|\n\
                | b | x \\| y | `host/src/a.rs` `shows_it`<br>`tests/tests/b.rs` `twice` |\n";
    assert!(right.page.ends_with(line), "{}", right.page);
}

#[test]
fn rows_stand_in_the_order_of_the_document() {
    let text = "title = \"T\"\n[z]\n\"10\" = { says = \"a\", tests = [] }\n\"2\" = { says = \"b\", tests = [] }\n[a]\n\"x\" = { says = \"c\", tests = [] }\n";
    let table = Table::parse(text).expect("it parses");
    let order: Vec<String> = table
        .sections
        .iter()
        .flat_map(|(section, rows)| rows.iter().map(move |(id, _)| format!("{section} {id}")))
        .collect();
    assert_eq!(order, ["z 10", "z 2", "a x"]);
    let wrong = Table::parse("title = \"T\"\n[a]\n\"x\" = { says = \"c\", test = [] }\n");
    assert!(wrong.is_err_and(|error| error.to_string().contains("row x of [a]")));
}
