//! The repository has the shape that STYLE.md gives it.

use parlor_tests::guests::workspace;
use parlor_tests::tidy::{complaints, read_tree};

#[test]
fn the_repository_is_tidy() {
    let files = read_tree(&workspace()).expect("the repository can be read");
    assert!(files.len() > 50, "only {} files were found", files.len());
    let found = complaints(&files);
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}
