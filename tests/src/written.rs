//! Pages and files that are made of others and committed: held against what they are made of.

use parlor_host::config::variable;

use crate::guests::workspace;

/// Holds a file of the repository against what it has to say; writes it where `INSTA_UPDATE=always` asks for that.
///
/// # Panics
/// It says something else.
pub fn hold(path: &str, text: &str) {
    let file = workspace().join(path);
    if variable("INSTA_UPDATE").as_deref() == Some("always") {
        let folder = file.parent().expect("a file lies in a folder");
        std::fs::create_dir_all(folder).expect("the folder can be made");
        std::fs::write(&file, text).expect("the file can be written");
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    let first = written
        .lines()
        .zip(text.lines())
        .position(|(one, other)| one != other);
    let line = first.unwrap_or_else(|| written.lines().count().min(text.lines().count())) + 1;
    assert!(
        written == text,
        "{path}:{line}: not what it is made of says; run this test with INSTA_UPDATE=always"
    );
}
