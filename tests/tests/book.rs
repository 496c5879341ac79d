//! The book and the README: every command and block of code is run, compiled or held against what it shows.

use std::path::Path;

use parlor_tests::book::{
    Block, Kind, Page, RecipeLanguage, Said, build_plugins, build_recipes, check_limits,
    check_links, command_reference, differs, javascript, javascript_reference, kind, names_of_rust,
    pages, python, python_reference, run_dialogs, run_session,
};
use parlor_tests::checkers::{Python, TypeScript, is_out_of_reach};
use parlor_tests::scale;
use parlor_tests::sim::left_out;
use parlor_tests::written::hold;

fn page(path: &str) -> Page {
    let mut pages = pages().into_iter();
    pages
        .find(|page| page.path == path)
        .expect("the page is there")
}

/// The blocks with which this is to be done.
fn blocks(wanted: Kind) -> Vec<Block> {
    let blocks = pages().into_iter().flat_map(|page| page.blocks());
    let found = blocks.filter(|block| kind(block) == Ok(wanted));
    found.collect()
}

#[test]
fn every_block_is_checked() {
    let mut found = Vec::new();
    let mut count = 0;
    for block in pages().iter().flat_map(Page::blocks) {
        count += 1;
        if let Err(why) = kind(&block) {
            found.push(format!("{}: {why}", block.place()));
        }
    }
    assert!(count > 100, "only {count} blocks were found");
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn no_link_is_dead_and_no_page_is_lost() {
    let found = check_links(&pages());
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn the_limits_are_those_of_the_code() {
    let found = check_limits(&page("docs/limits.md"));
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn the_reference_of_the_command_line_is_its_help() {
    hold("docs/reference/commands.md", &command_reference());
}

#[test]
fn the_references_of_the_layers_are_their_sources() {
    hold("docs/reference/javascript.md", &javascript_reference());
    hold("docs/reference/python.md", &python_reference());
    let rust = page("docs/reference/rust.md").text;
    let names = names_of_rust();
    assert!(names.len() > 40, "{names:?}");
    let missing: Vec<&String> = names
        .iter()
        .filter(|name| !rust.contains(&format!("`{name}")))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/reference/rust.md does not name {missing:?}"
    );
}

/// Recipes are the same plugin in every language.
fn are_alike(said: &[Said], blocks: &[Block]) {
    assert!(said.len() > 10, "{said:?}");
    let rust = self::blocks(Kind::Rust);
    let mut found = Vec::new();
    for block in blocks
        .iter()
        .filter(|block| block.page.contains("/cookbook/"))
    {
        let mut before = rust
            .iter()
            .filter(|it| it.page == block.page && it.line < block.line);
        let rust = before.next_back().expect("a recipe begins with Rust");
        found.extend(said.iter().filter_map(|said| differs(said, block, rust)));
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[tokio::test]
async fn modules_in_javascript_and_typescript_have_the_layer_s_types_and_load() {
    let blocks = blocks(Kind::Script);
    let checker = match TypeScript::open("book").await {
        Ok(checker) => checker,
        Err(why) => return left_out(&format!("the book's JavaScript: {why}")),
    };
    let said = javascript(&checker, &blocks).await;
    are_alike(&said.unwrap_or_else(|why| panic!("{why}")), &blocks);
}

#[tokio::test]
async fn modules_in_python_have_the_layer_s_types_and_load() {
    let blocks = blocks(Kind::Python);
    let checker = match Python::open("book").await {
        Ok(checker) => checker,
        Err(why) => return left_out(&format!("the book's Python: {why}")),
    };
    let said = python(&checker, &blocks).await;
    are_alike(&said.unwrap_or_else(|why| panic!("{why}")), &blocks);
}

/// Those of the cookbook.
fn recipes(wanted: Kind) -> Vec<Block> {
    let mut found = blocks(wanted);
    found.retain(|block| block.page.contains("/cookbook/"));
    found
}

/// Every dialog that a recipe in Rust passes, against the recipes in another language.
async fn recipes_answer_as_those_in_rust(language: RecipeLanguage) {
    let mut own = [recipes(Kind::Script), recipes(Kind::Python)].concat();
    own.retain(|block| block.language == language.block());
    assert_eq!(own.len(), recipes(Kind::Rust).len(), "a recipe is missing");
    let dialogs = recipes(Kind::Dialog);
    assert!(dialogs.len() >= own.len(), "a recipe has no dialog");
    let program = Path::new(env!("CARGO_BIN_EXE_parlor-under-test"));
    match build_recipes(program, language, &own).await {
        Ok(built) => run_dialogs(&built, &dialogs)
            .await
            .unwrap_or_else(|why| panic!("{why}")),
        Err(why) if is_out_of_reach(&why) => left_out(&format!("the cookbook: {why}")),
        Err(why) => panic!("{why}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recipes_in_javascript_answer_as_those_in_rust() {
    recipes_answer_as_those_in_rust(RecipeLanguage::JavaScript).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recipes_in_python_answer_as_those_in_rust() {
    recipes_answer_as_those_in_rust(RecipeLanguage::Python).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plugins_in_rust_are_taken_by_a_host_and_their_dialogs_hold() {
    let dialogs = blocks(Kind::Dialog);
    let built = build_plugins(blocks(Kind::Rust)).unwrap_or_else(|why| panic!("{why}"));
    assert!(built.len() >= 12 && dialogs.len() >= 12);
    let mut found = Vec::new();
    let mut count = 0;
    for (place, plugin) in built.iter().enumerate() {
        // Those between it and the next plugin of its page.
        let next = built
            .get(place + 1)
            .filter(|next| next.block.page == plugin.block.page);
        let end = next.map_or(usize::MAX, |next| next.block.line);
        let lines = plugin.block.line..end;
        let own = dialogs
            .iter()
            .filter(|it| it.page == plugin.block.page && lines.contains(&it.line));
        let own: Vec<Block> = own.cloned().collect();
        count += own.len();
        found.extend(run_dialogs(plugin, &own).await.err());
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
    assert_eq!(
        count,
        dialogs.len(),
        "a dialog stands before every plugin of its page"
    );
}

/// Does what a page says, from top to bottom.
async fn does_what_it_says(path: &str) {
    let blocks = page(path).blocks();
    let blocks: Vec<Block> = blocks
        .into_iter()
        .filter(|it| kind(it) == Ok(Kind::Session))
        .collect();
    assert!(blocks.len() > 5, "{path} has {} steps", blocks.len());
    let programs = tempfile::tempdir().expect("a folder");
    let program = env!("CARGO_BIN_EXE_parlor-under-test");
    std::os::unix::fs::symlink(program, programs.path().join("parlor")).expect("a link");
    match run_session(&blocks, programs.path()).await {
        Ok(()) => {}
        Err(why) if is_out_of_reach(&why) => {
            left_out(&format!("{path}: {why}"));
        }
        Err(why) => panic!("{why}"),
    }
}

#[tokio::test]
async fn the_tutorials_do_what_they_say() {
    let whole = ["rust", "javascript", "python"];
    // One after the other: each takes all that the machine has.
    for language in scale::choose("tutorials", &whole[..1], &whole) {
        does_what_it_says(&format!("docs/tutorial/{language}.md")).await;
    }
    let pages = pages()
        .into_iter()
        .filter(|page| !page.path.starts_with("docs/tutorial/"));
    let lost = pages
        .flat_map(|page| page.blocks())
        .find(|it| kind(it) == Ok(Kind::Session));
    assert!(
        lost.is_none(),
        "nobody does what {} says",
        lost.expect("one").place()
    );
}
