use std::fs;
use std::path::Path;

use clap::CommandFactory as _;

use super::*;

fn code(arguments: &[&str]) -> String {
    let arguments = std::iter::once("parlor").chain(arguments.iter().copied());
    format!("{:?}", main(arguments.map(OsString::from)))
}

#[test]
fn a_wrong_command_line_ends_with_64() {
    let usage = format!("{:?}", ExitCode::from(64));
    let ok = format!("{:?}", ExitCode::SUCCESS);
    assert_eq!(code(&["--nonsense"]), usage);
    assert_eq!(code(&["frobnicate"]), usage);
    assert_eq!(code(&["build", "--to"]), usage);
    assert_eq!(
        code(&["run", "--settings", "/nonexistent/parlor.toml"]),
        usage
    );
    assert_eq!(code(&["check", "/nonexistent/joke.wasm"]), usage);
    assert_eq!(code(&["chat", "/nonexistent/joke.wasm"]), usage);
    assert_eq!(code(&["import", "symphony", "/nonexistent/c.json"]), usage);
    assert_eq!(code(&["import", "elsewhere"]), usage);
    assert_eq!(code(&["--help"]), ok);
    assert_eq!(code(&["--version"]), ok);
}

#[test]
fn settings_that_are_wrong_end_with_64_and_start_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("parlor.toml");
    fs::write(&file, "[local]\nlisen = 1\n").unwrap();
    let path = file.to_str().unwrap();
    for verb in ["run", "plugins", "check", "build"] {
        let usage = format!("{:?}", ExitCode::from(64));
        assert_eq!(code(&[verb, "--settings", path]), usage, "{verb}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn the_demo_settings_are_right_and_name_plugins_of_the_demo() {
    let tree = SourceTree::of_this_program().expect("this is the tree");
    let Ok(settings) = demo_settings(&tree) else {
        panic!("{} is wrong", tree.demo_file().display());
    };
    assert_eq!(settings.plugins_folder, tree.demo_plugins());
    assert_eq!(settings.data, tree.demo_data());
    assert!(settings.plugins.contains_key("expense"));
    let names = tree.demo_names();
    for name in settings.plugins.keys() {
        assert!(names.contains(name), "{name} is no demo");
    }
}

#[test]
fn help_reads_well() {
    let mut command = Cli::command().term_width(100);
    insta::assert_snapshot!(command.render_long_help());
}

#[test]
fn builds_a_crate_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "Cargo.toml",
        "[package]\nname = \"two-words\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
         [lib]\ncrate-type = [\"cdylib\"]\n[workspace]\n\
         [profile.plugin]\ninherits = \"release\"\nopt-level = \"s\"\n",
    );
    write(
        "src/lib.rs",
        "#[unsafe(no_mangle)]\npub extern \"C\" fn f() {}\n",
    );
    let to = folder.path().join("out");
    let built = build::build_into(folder.path(), &to, output::Voice::Quiet).unwrap();
    assert_eq!(built.len(), 1);
    assert_eq!(built[0].file, to.join("two-words.wasm"));
    let bytes = fs::read(&built[0].file).unwrap();
    assert!(bytes.starts_with(b"\0asm\x0d\0\x01\0"), "a component");
    assert_eq!(
        fs::read_dir(&to).unwrap().count(),
        1,
        "nothing is left beside it"
    );
    assert!(
        folder.path().join("target/wasm32-wasip2/plugin").is_dir(),
        "the profile of the workspace is used"
    );
    let has_lines = |bytes: &[u8]| bytes.windows(11).any(|it| it == b".debug_line");
    assert!(!has_lines(&bytes));
    let debug = cargo::Make::Debug;
    let built = build::build_as(folder.path(), &to, debug, output::Voice::Quiet).unwrap();
    assert!(has_lines(&fs::read(&built[0].file).unwrap()));

    write("src/lib.rs", "this is not Rust");
    assert!(build::build_into(folder.path(), &to, output::Voice::Quiet).is_err());
    assert!(build::build_into(Path::new("/"), &to, output::Voice::Quiet).is_err());
}
