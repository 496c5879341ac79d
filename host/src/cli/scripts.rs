//! Components of JavaScript, TypeScript and Python. What that needs is installed below `.parlor` in the
//! project, in versions that this program names; the project itself stays as it is.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use serde::Deserialize;

use super::kit;
use super::output::Voice;

/// Makes components of Python.
const COMPONENTIZE_PY: &str = "componentize-py==0.25.1";
/// Where a module is looked for when the project does not say.
const JAVASCRIPT_MODULES: [&str; 4] = ["src/index.ts", "src/index.js", "index.ts", "index.js"];

const NO_NODE: &str = "cannot start node, which builds plugins in JavaScript and TypeScript: install Node.js 20 or \
                       later (https://nodejs.org), then build again";
const NO_NPM: &str = "cannot start npm, which fetches what makes components of JavaScript: it comes with Node.js \
                      20 or later (https://nodejs.org); install it, then build again";
const NO_PYTHON: &str = "cannot start python3, which builds plugins in Python: install Python 3.10 or later \
                         (https://python.org), then build again";
const NO_REGISTRY: &str = "what makes components of JavaScript is fetched once in a project, which needs the npm \
                           registry: `npm ping` tells whether it is reached";
const NO_INDEX: &str = "what makes components of Python is fetched once in a project, which needs PyPI: \
                        `python3 -m pip download componentize-py` tells whether it is reached";
const NO_VENV: &str = "an environment of its own keeps what makes components of Python: `python3 -m venv x` tells \
                       what it lacks (on Debian and Ubuntu: apt install python3-venv)";

/// A project that is not Rust.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Script {
    /// JavaScript or TypeScript.
    JavaScript {
        /// The plugin's name.
        name: String,
        /// The module that exports `behaviour`.
        module: PathBuf,
    },
    /// Python.
    Python {
        /// The plugin's name.
        name: String,
        /// The module that has `Behaviour`.
        module: String,
    },
}

#[derive(Deserialize)]
struct PackageJson {
    name: Option<String>,
    main: Option<PathBuf>,
}

#[derive(Deserialize)]
struct PyProject {
    project: PyName,
    #[serde(default)]
    tool: PyTools,
}

#[derive(Deserialize)]
struct PyName {
    name: String,
}

#[derive(Default, Deserialize)]
struct PyTools {
    #[serde(default)]
    parlor: PyTool,
}

#[derive(Default, Deserialize)]
struct PyTool {
    module: Option<String>,
}

impl Script {
    /// Finds out whether a folder is such a project.
    ///
    /// # Errors
    /// It is one, and what it says of itself cannot be read.
    pub(super) fn find(folder: &Path) -> anyhow::Result<Option<Self>> {
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
        if let Some(text) = read("package.json") {
            return javascript(folder, &text)
                .with_context(|| folder.join("package.json").display().to_string())
                .map(Some);
        }
        let Some(text) = read("pyproject.toml") else {
            return Ok(None);
        };
        let found: PyProject = toml::from_str(&text)
            .with_context(|| folder.join("pyproject.toml").display().to_string())?;
        let name = found.project.name;
        let module = found.tool.parlor.module;
        let module = module.unwrap_or_else(|| name.replace('-', "_"));
        Ok(Some(Self::Python { name, module }))
    }

    /// The plugin's name.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::JavaScript { name, .. } | Self::Python { name, .. } => name,
        }
    }

    /// Where the component is that was built before.
    pub(super) fn built_before(&self, folder: &Path) -> PathBuf {
        folder
            .join(kit::OWN_FOLDER)
            .join(format!("{}.wasm", self.name()))
    }

    /// Builds the component; returns where it is.
    ///
    /// # Errors
    /// A tool is not there or cannot be installed, or the plugin does not build: the tool has said why.
    pub(super) fn build(&self, folder: &Path, voice: Voice) -> anyhow::Result<PathBuf> {
        let own = folder.join(kit::OWN_FOLDER);
        kit::make_own(&own).with_context(|| own.display().to_string())?;
        // Tools are told where things are by whole paths.
        let own = own.canonicalize()?;
        let wit = own.join("wit");
        kit::write(&wit, kit::WIT)?;
        let out = own.join(format!("{}.wasm", self.name()));
        match self {
            Self::JavaScript { module, .. } => {
                kit::write(&own.join("js"), kit::JAVASCRIPT)?;
                let tools = own.join("tools");
                install_javascript(&tools, voice)?;
                voice.say(&format!("building {}", self.name()));
                let arguments = [
                    tools.join("build.mjs"),
                    folder.canonicalize()?.join(module),
                    own.join("js/index.js"),
                    wit,
                    out.clone(),
                ];
                let mut command = command("node", folder);
                // The tool's memory is one large block: threads that collect garbage wait for it, for seconds.
                command.arg("--single-threaded-gc").args(&arguments);
                run(&mut command, NO_NODE, "")?;
            }
            Self::Python { module, .. } => {
                kit::write(&own.join("python/parlor"), kit::PYTHON)?;
                kit::write(&own.join("stubs"), kit::PYTHON_STUBS)?;
                let tool = install_python(&own.join("venv"), voice)?;
                voice.say(&format!("building {}", self.name()));
                let mut command = command(&tool, folder);
                kit::write(&wit, kit::PYTHON_WIT)?;
                command.arg("-d").arg(wit).args(["-w", "python-plugin"]);
                command.args(["componentize", module, "-p", ".", "-p"]);
                command.arg(own.join("python")).arg("-o").arg(&out);
                run(&mut command, "cannot start componentize-py", "")?;
            }
        }
        Ok(out)
    }
}

fn javascript(folder: &Path, text: &str) -> anyhow::Result<Script> {
    let found: PackageJson = serde_json::from_str(text)?;
    let name = found.name.context("it has no \"name\"")?;
    // `@scope/name` is no file's name.
    let name = name.rsplit('/').next().unwrap_or_default().to_owned();
    let guessed = || {
        let mut known = JAVASCRIPT_MODULES.iter().map(PathBuf::from);
        known.find(|module| folder.join(module).is_file())
    };
    let module = found.main.or_else(guessed).with_context(|| {
        format!(
            "it has no \"main\", and there is no {}",
            JAVASCRIPT_MODULES.join(", ")
        )
    })?;
    Ok(Script::JavaScript { name, module })
}

fn install_javascript(tools: &Path, voice: Voice) -> anyhow::Result<()> {
    let is_changed = kit::write(tools, kit::JAVASCRIPT_TOOLS)?;
    let done = tools.join("installed");
    if !is_changed && done.is_file() {
        return Ok(());
    }
    voice.say("installing what makes components of JavaScript (once in this project)");
    // Exactly what the lock names, and nothing of it is run: no package's own script.
    let arguments = [
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ];
    run(command("npm", tools).args(arguments), NO_NPM, NO_REGISTRY)?;
    std::fs::write(done, "")?;
    Ok(())
}

/// Installs componentize-py; returns the program.
fn install_python(venv: &Path, voice: Voice) -> anyhow::Result<PathBuf> {
    let bin = venv.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let tool = bin.join("componentize-py");
    let done = venv.join("installed");
    let is_there = std::fs::read(&done).is_ok_and(|text| text == COMPONENTIZE_PY.as_bytes());
    if is_there && tool.is_file() {
        return Ok(tool);
    }
    voice.say("installing what makes components of Python (once in this project)");
    let parent = venv.parent().unwrap_or(venv);
    let mut make = command("python3", parent);
    run(make.args(["-m", "venv"]).arg(venv), NO_PYTHON, NO_VENV)?;
    let pip = bin.join("python");
    let arguments = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ];
    let mut install = command(&pip, parent);
    install.args(arguments).arg(COMPONENTIZE_PY);
    run(&mut install, "cannot start pip", NO_INDEX)?;
    std::fs::write(done, COMPONENTIZE_PY)?;
    Ok(tool)
}

fn command(program: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null());
    // What is printed here is read by programs; tools talk to people.
    command.stdout(Stdio::from(std::io::stderr()));
    command
}

/// Runs a tool, which says itself what is wrong; `helps` is what to do about what it cannot know.
fn run(command: &mut Command, missing: &'static str, helps: &str) -> anyhow::Result<()> {
    let status = command.status().context(missing)?;
    if !status.success() {
        let program = Path::new(command.get_program());
        let program = program.file_name().unwrap_or_default().to_string_lossy();
        let joint = if helps.is_empty() { "" } else { "; " };
        bail!("{program} failed ({status}){joint}{helps}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn a_project_is_known_by_its_files() {
        let js = project(&[
            ("package.json", r#"{"name": "@acme/greeter"}"#),
            ("src/index.js", ""),
        ]);
        let found = Script::find(js.path()).unwrap();
        let wanted = Script::JavaScript {
            name: "greeter".to_owned(),
            module: "src/index.js".into(),
        };
        assert_eq!(found, Some(wanted));
        let python = project(&[("pyproject.toml", "[project]\nname = \"the-greeter\"\n")]);
        let found = Script::find(python.path()).unwrap();
        let wanted = Script::Python {
            name: "the-greeter".to_owned(),
            module: "the_greeter".to_owned(),
        };
        assert_eq!(found, Some(wanted));
        assert_eq!(Script::find(project(&[]).path()).unwrap(), None);
    }

    #[test]
    fn what_is_missing_is_named() {
        let nothing = project(&[("package.json", r#"{"name": "greeter"}"#)]);
        let error = Script::find(nothing.path()).unwrap_err();
        let text = format!("{error:#}");
        assert!(
            text.contains("package.json: it has no \"main\", and there is no src/index.ts"),
            "{text}"
        );
        let nameless = project(&[("pyproject.toml", "[project]\nversion = \"1\"\n")]);
        let error = Script::find(nameless.path()).unwrap_err();
        let text = format!("{error:#}");
        assert!(
            text.contains("pyproject.toml") && text.contains("name"),
            "{text}"
        );
    }
}
