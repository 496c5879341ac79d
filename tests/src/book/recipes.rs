//! The cookbook's recipes in JavaScript and in Python, all of a language as one component: a dialog of the
//! cookbook is answered by the recipe that it stands under.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::{Block, Built};
use crate::guests::workspace;

/// How long a build may take, with everything that it installs.
const BUILDING: Duration = Duration::from_secs(600);

/// What recipes are written in, besides Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecipeLanguage {
    /// JavaScript.
    JavaScript,
    /// Python.
    Python,
}

impl RecipeLanguage {
    /// The language of its blocks.
    pub fn block(self) -> &'static str {
        match self {
            Self::JavaScript => "js",
            Self::Python => "python",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::JavaScript => "javascript",
            Self::Python => "python",
        }
    }

    /// The project's own file, and the plugin's with what stands below its imports.
    fn files(self) -> [(&'static str, &'static str); 2] {
        match self {
            Self::JavaScript => [
                (
                    "package.json",
                    r#"{ "name": "book", "type": "module", "main": "book.js" }"#,
                ),
                ("book.js", include_str!("recipes/book.mjs")),
            ],
            Self::Python => [
                ("pyproject.toml", "[project]\nname = \"book\"\n"),
                ("book.py", include_str!("recipes/book.py")),
            ],
        }
    }

    /// A recipe's file.
    fn file(self, block: &Block) -> String {
        match self {
            Self::JavaScript => format!("{}.js", block.name()),
            Self::Python => format!("{}.py", block.name()),
        }
    }

    /// Makes a list of recipes.
    fn imports(self, blocks: &[Block]) -> String {
        let mut text = String::new();
        let names: Vec<String> = blocks.iter().map(Block::name).collect();
        for name in &names {
            let written = match self {
                Self::JavaScript => {
                    writeln!(
                        text,
                        "import {{ behaviour as {name} }} from \"./{name}.js\";"
                    )
                }
                Self::Python => writeln!(text, "import {name}"),
            };
            written.expect("a text can be written");
        }
        let made = match self {
            Self::JavaScript => format!("const recipes = [{}];\n", names.join(", ")),
            Self::Python => format!(
                "recipes = [it.Behaviour() for it in ({},)]\n",
                names.join(", ")
            ),
        };
        text.push_str(&made);
        text
    }
}

/// Makes one component of recipes, as an author would.
///
/// # Errors
/// What `parlor build` said.
///
/// # Panics
/// The project cannot be written, or it takes too long.
pub async fn build(
    program: &Path,
    language: RecipeLanguage,
    blocks: &[Block],
) -> Result<Built, String> {
    let temporary = workspace().join("target/tmp");
    let folder = temporary.join("book").join(language.name());
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("what was built before can go");
    }
    std::fs::create_dir_all(&folder).expect("a folder");
    // What is installed for the demo behaviours in this language is not installed twice.
    let installed = temporary
        .join("languages")
        .join(language.name())
        .join(".parlor");
    std::fs::create_dir_all(&installed).expect("a folder");
    std::os::unix::fs::symlink(installed, folder.join(".parlor")).expect("a link");
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("a file");
    let [(project, settings), (plugin, code)] = language.files();
    write(project, settings);
    let code = format!("{}\n{code}", language.imports(blocks));
    write(plugin, &code);
    for block in blocks {
        write(&language.file(block), &block.text);
    }
    let built = Command::new(program)
        .args(["build", "--to", "."])
        .current_dir(&folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let built = tokio::time::timeout(BUILDING, built).await;
    let built = built.expect("it is built in time").expect("parlor starts");
    if !built.status.success() {
        return Err(String::from_utf8_lossy(&built.stderr).into_owned());
    }
    Ok(Built {
        block: blocks.first().expect("there are recipes").clone(),
        wasm: folder.join("book.wasm"),
    })
}
