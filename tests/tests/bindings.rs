//! What is made of the contract is what the contract says, and the layers agree with it.

use std::collections::BTreeSet;
use std::path::Path;

use parlor_tests::bindings::Contract;
use parlor_tests::checkers::{Python, TypeScript};
use parlor_tests::guests::workspace;
use parlor_tests::sim::left_out;
use parlor_tests::tidy::read_tree;
use parlor_tests::written::hold;

fn contract() -> Contract {
    Contract::read(&workspace().join("wit")).expect("the contract parses")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(workspace().join(path)).expect("it is there")
}

#[test]
fn bindings_and_reference_are_those_of_the_contract() {
    let generated = contract().generated();
    for file in &generated {
        hold(&file.path, &file.text);
    }
    // One that is made no more would go on being shipped.
    let stubs = workspace().join("plugin-sdk/python/stubs");
    for file in read_tree(&stubs).expect("the stubs can be read") {
        let path = format!("plugin-sdk/python/stubs/{}", file.path);
        let is_made = generated.iter().any(|made| made.path == path);
        assert!(is_made, "{path} is made of nothing");
    }
}

/// The names that the layer's modules export.
fn exported(folder: &Path) -> BTreeSet<String> {
    let files = read_tree(folder).expect("the layer can be read");
    let modules = files.iter().filter(|file| file.path.ends_with(".js"));
    let lines = modules.flat_map(|file| file.text.lines());
    let named = lines.filter_map(|line| {
        let rest = line.strip_prefix("export ")?;
        let rest = rest
            .strip_prefix("const ")
            .or_else(|| rest.strip_prefix("class "))?;
        rest.split([' ', '(']).next()
    });
    named.map(str::to_owned).collect()
}

#[test]
fn every_name_of_the_layer_for_javascript_has_its_type() {
    let folder = workspace().join("plugin-sdk/js/src");
    let types = read("plugin-sdk/js/src/index.d.ts");
    let declared = types.lines().filter_map(|line| {
        let rest = line.strip_prefix("export ")?;
        let kinds = ["const ", "class ", "function "];
        let rest = kinds.iter().find_map(|kind| rest.strip_prefix(kind))?;
        rest.split([' ', '(', ':']).next()
    });
    let declared: BTreeSet<String> = declared.map(str::to_owned).collect();
    let exported = exported(&folder);
    assert!(exported.len() > 30, "{exported:?}");
    assert_eq!(exported, declared);
}

#[tokio::test]
async fn the_layer_for_javascript_agrees_with_the_contract() {
    let checker = match TypeScript::open("agreement").await {
        Ok(checker) => checker,
        Err(why) => return left_out(&format!("types of the layer for JavaScript: {why}")),
    };
    let agreement = "\
        import { Plugin, state } from \"parlor\";\n\
        import * as contract from \"parlor:bot/behaviour@0.1.0\";\n\
        import * as host from \"parlor:bot/state@0.1.0\";\n\
        const { behaviour } = new Plugin(\"agrees\", \"Agrees\");\n\
        const describe: typeof contract.describe = behaviour.describe;\n\
        const handle: (...given: Parameters<typeof contract.handle>) => Promise<ReturnType<typeof contract.handle>> =\n\
          behaviour.handle;\n\
        const bytes: ReturnType<typeof host.get> = state.user.bytes(\"key\");\n\
        host.delete(\"user\", \"key\");\n\
        export { describe, handle, bytes };\n";
    checker.write("agreement.ts", agreement);
    for file in read_tree(&workspace().join("plugin-sdk/js/examples")).expect("examples") {
        checker.write(&file.path, &file.text);
    }
    checker
        .check()
        .await
        .unwrap_or_else(|complaint| panic!("{complaint}"));
    // What does not agree is told.
    let wrong = agreement.replace("host.delete(\"user\"", "host.delete(\"nobody\"");
    checker.write("agreement.ts", &wrong);
    let complaint = checker.check().await.expect_err("there is no such scope");
    assert!(complaint.contains("agreement.ts(9,"), "{complaint}");
}

#[tokio::test]
async fn the_layer_for_python_agrees_with_the_contract() {
    let checker = match Python::open("agreement").await {
        Ok(checker) => checker,
        Err(why) => return left_out(&format!("types of the layer for Python: {why}")),
    };
    let examples = read_tree(&workspace().join("plugin-sdk/python/examples")).expect("examples");
    for file in examples.iter().filter(|file| file.path.ends_with(".py")) {
        checker.write(&file.path, &file.text);
    }
    let layer = workspace().join("plugin-sdk/python/parlor");
    checker
        .check(&[&layer])
        .await
        .unwrap_or_else(|complaint| panic!("{complaint}"));
    let wrong = "from parlor import Plugin\n\nplugin = Plugin(name=\"wrong\", summary=7)\n";
    checker.write("wrong.py", wrong);
    let complaint = checker.check(&[]).await.expect_err("a summary is a text");
    assert!(complaint.contains("wrong.py:3:"), "{complaint}");
    checker.remove("wrong.py");
}

#[tokio::test]
async fn the_stubs_for_python_are_those_of_its_tool() {
    let checker = match Python::open("stubs").await {
        Ok(checker) => checker,
        Err(why) => return left_out(&format!("the stubs for Python: {why}")),
    };
    let modules = [
        "componentize_py_types",
        "wit_world.exports",
        "wit_world.imports.actions",
        "wit_world.imports.config",
        "wit_world.imports.content",
        "wit_world.imports.description",
        "wit_world.imports.directory",
        "wit_world.imports.events",
        "wit_world.imports.log",
        "wit_world.imports.state",
    ];
    match checker.compare_stubs(&modules).await {
        Ok(()) => {}
        Err(complaint) => panic!("{complaint}"),
    }
}
