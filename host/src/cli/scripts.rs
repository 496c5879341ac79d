//! Components of JavaScript, TypeScript and Python. What that needs is installed below `.parlor` in the
//! project, in versions that this program names; the project itself stays as it is.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use tokio::process::Command;

use super::kit;
use super::output::{Interrupted, Voice};
use super::progress::Progress;
use super::tools::{Fetching, Heard, Tool, ToolFailed};

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
const NO_VENV: &str = "an environment of its own keeps what makes components of Python: `python3 -m venv x` tells \
                       what it lacks (on Debian and Ubuntu: apt install python3-venv)";

/// How long a registry may take to its first answer: one that is out of reach is told before anybody
/// wonders whether something still goes on.
const FIRST_ANSWER: Duration = Duration::from_secs(15);

/// What the host calls of a module of Python, as an author writes it.
const PYTHON_BEHAVIOUR: &str = "Behaviour = plugin.behaviour()";

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
        // Before anything is fetched for it.
        self.check_module(folder)?;
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
                let node = Tool {
                    command,
                    missing: NO_NODE,
                    helps: "",
                };
                node.run()?;
            }
            Self::Python { module, .. } => {
                kit::write(&own.join("python/parlor"), kit::PYTHON)?;
                kit::write(&own.join("stubs"), kit::PYTHON_STUBS)?;
                let tool = install_python(&own.join("venv"), voice)?;
                let mut command = command(&tool, folder);
                kit::write(&wit, kit::PYTHON_WIT)?;
                command.arg("-d").arg(wit).args(["-w", "python-plugin"]);
                command.args(["componentize", module, "-p", ".", "-p"]);
                command.arg(own.join("python")).arg("-o").arg(&out);
                let tool = Tool {
                    command,
                    missing: "cannot start componentize-py",
                    helps: "",
                };
                let progress = Progress::start(&format!("building {}", self.name()), voice);
                let built = tool.listen(&progress);
                drop(progress);
                built.map_err(|error| with_python_hint(error, &module_file(module)))?;
            }
        }
        Ok(out)
    }

    /// Says which file is missing, and what names it.
    fn check_module(&self, folder: &Path) -> anyhow::Result<()> {
        let is_there = |file: &Path| folder.join(file).is_file();
        match self {
            Self::JavaScript { module, .. } if !is_there(module) => bail!(
                "there is no {}, which \"main\" of {} names",
                module.display(),
                folder.join("package.json").display()
            ),
            Self::Python { module, .. } => {
                let file = module_file(module);
                let package = file.with_extension("").join("__init__.py");
                if !is_there(&file) && !is_there(&package) {
                    bail!(
                        "there is no {}: `module` in [tool.parlor] of {} names the module of the plugin, which \
                         is that of the project's name where it says nothing",
                        file.display(),
                        folder.join("pyproject.toml").display()
                    );
                }
                Ok(())
            }
            Self::JavaScript { .. } => Ok(()),
        }
    }
}

/// The file of a module of Python.
fn module_file(module: &str) -> PathBuf {
    PathBuf::from(format!("{}.py", module.replace('.', "/")))
}

/// Adds which line is missing where componentize-py says that something is not there that has its name.
fn with_python_hint(error: anyhow::Error, file: &Path) -> anyhow::Error {
    let failed = error.downcast_ref::<ToolFailed>();
    if !failed.is_some_and(|failed| lacks_behaviour(&failed.said)) {
        return error;
    }
    let file = file.display();
    anyhow::anyhow!(
        "{error}: {file} has no `Behaviour`, which is what the host calls; its last line is to be\n\n    \
         {PYTHON_BEHAVIOUR}\n\nwhere `plugin` is its `Plugin(NAME, SUMMARY)` of `parlor`"
    )
}

fn lacks_behaviour(said: &str) -> bool {
    said.lines()
        .any(|line| line.contains("Behaviour") && line.contains("no attribute"))
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
    kit::write(tools, kit::JAVASCRIPT_TOOLS)?;
    let done = tools.join("installed");
    if std::fs::read(&done).is_ok_and(|text| text == kit::JAVASCRIPT_LOCK.as_bytes()) {
        return Ok(());
    }
    let mut npm = command("npm", tools);
    // Exactly what the lock names, and nothing of it is run: no package's own script.
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    npm.arg("--no-update-notifier");
    // A line for each answer; and a registry that falls silent is given up before a minute has gone.
    npm.args(["--loglevel=http", "--fetch-timeout=20000"]);
    npm.args(["--fetch-retries=1", "--fetch-retry-mintimeout=1000"]);
    npm.arg("--fetch-retry-maxtimeout=2000");
    let tool = Tool {
        command: npm,
        missing: NO_NPM,
        helps: NO_REGISTRY,
    };
    install(tool, "JavaScript", "the npm registry", hear_npm, voice)?;
    std::fs::write(done, kit::JAVASCRIPT_LOCK)?;
    Ok(())
}

/// Installs componentize-py; returns the program.
fn install_python(venv: &Path, voice: Voice) -> anyhow::Result<PathBuf> {
    let bin = venv.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let tool = bin.join("componentize-py");
    let done = venv.join("installed");
    let wanted = installed_python(venv)?;
    let is_there = std::fs::read(&done).is_ok_and(|text| text == wanted.as_bytes());
    if is_there && tool.is_file() {
        return Ok(tool);
    }
    let parent = venv.parent().unwrap_or(venv);
    let mut make = command("python3", parent);
    make.args(["-m", "venv", "--clear"]).arg(venv);
    let make = Tool {
        command: make,
        missing: NO_PYTHON,
        helps: NO_VENV,
    };
    make.listen(&Progress::start("making an environment of Python", voice))
        .map_err(|error| not_installed(error, "Python"))?;
    let python = bin.join("python");
    let mut pip = command(&python, parent);
    pip.args(["-m", "pip", "install", "--disable-pip-version-check"]);
    pip.args([
        "--no-input",
        "--progress-bar=off",
        "--retries=1",
        "--timeout=15",
    ]);
    pip.arg(COMPONENTIZE_PY).env("PYTHONUNBUFFERED", "1");
    // A person's own settings would have it say nothing.
    pip.env("PIP_QUIET", "0");
    let helps = format!(
        "what makes components of Python is fetched once in a project, which needs PyPI: `{} -m pip download \
         {COMPONENTIZE_PY}` tells whether it is reached",
        python.display()
    );
    let pip = Tool {
        command: pip,
        missing: "cannot start pip",
        helps: &helps,
    };
    install(pip, "Python", "the package index", hear_pip, voice)?;
    std::fs::write(done, wanted)?;
    Ok(tool)
}

/// What an environment says that is whole. Its programs name the place where it was made: in a project that has
/// moved since, none of them starts.
fn installed_python(venv: &Path) -> std::io::Result<String> {
    let place = std::path::absolute(venv)?;
    Ok(format!("{COMPONENTIZE_PY}\n{}\n", place.display()))
}

/// Installs what makes components of a language.
fn install(
    tool: Tool<'_>,
    language: &str,
    from: &str,
    hear: fn(&str) -> Heard,
    voice: Voice,
) -> anyhow::Result<()> {
    let what = format!("what makes components of {language}");
    let installed = tool.fetch(&Fetching {
        progress: Progress::start(&format!("installing {what} (once in this project)"), voice),
        hear,
        within: FIRST_ANSWER,
        from,
    });
    installed.map_err(|error| not_installed(error, language))
}

/// Says what an interruption came into.
fn not_installed(error: anyhow::Error, language: &str) -> anyhow::Error {
    if !error.is::<Interrupted>() {
        return error;
    }
    error.context(format!(
        "what makes components of {language} is not installed yet; the next build does it"
    ))
}

/// `npm http fetch GET 200 https://… 12ms` is an answer; whatever does not begin with a level is its own.
fn hear_npm(line: &str) -> Heard {
    let mut words = line.split_whitespace();
    match (words.next(), words.next()) {
        (Some("npm"), Some("http")) if line.contains(" failed with ") => Heard::Noise,
        (Some("npm"), Some("http")) => Heard::Came,
        (Some("npm"), Some("warn" | "WARN" | "notice" | "info")) | (None, _) => Heard::Noise,
        // How many packages it added, and to run what to hear more.
        (Some("added" | "changed" | "removed" | "up" | "audited"), _) => Heard::Noise,
        _ => Heard::Said,
    }
}

/// Pip says when it has something; what it is about to do is no sign of an answer.
fn hear_pip(line: &str) -> Heard {
    match line.split_whitespace().next() {
        Some("Downloading" | "Using" | "Requirement" | "Installing") => Heard::Came,
        None | Some("Collecting" | "Looking" | "Successfully") => Heard::Noise,
        Some(_) => Heard::Said,
    }
}

fn command(program: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    command
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
    fn what_installs_is_heard_for_answers_and_for_mistakes() {
        for (line, heard) in [
            (
                "npm http fetch GET 200 https://r.example/esbuild 31ms (cache revalidated)",
                Heard::Came,
            ),
            (
                "npm http fetch GET https://r.example/esbuild attempt 1 failed with ECONNREFUSED",
                Heard::Noise,
            ),
            ("npm warn deprecated old@1.0.0: gone", Heard::Noise),
            ("npm error code ECONNREFUSED", Heard::Said),
            ("npm ERR! code E404", Heard::Said),
            ("added 12 packages in 3s", Heard::Noise),
        ] {
            assert_eq!(hear_npm(line), heard, "{line}");
        }
        for (line, heard) in [
            ("Collecting componentize-py==0.25.1", Heard::Noise),
            (
                "  Downloading componentize_py-0.25.1-abi3.whl (40.1 MB)",
                Heard::Came,
            ),
            (
                "  Using cached componentize_py-0.25.1-abi3.whl",
                Heard::Came,
            ),
            ("WARNING: Retrying (Retry(total=0))", Heard::Said),
            ("ERROR: No matching distribution found", Heard::Said),
        ] {
            assert_eq!(hear_pip(line), heard, "{line}");
        }
    }

    #[test]
    fn a_module_that_is_not_there_is_named_before_anything_is_fetched() {
        let js = project(&[(
            "package.json",
            r#"{"name": "greeter", "main": "src/bot.js"}"#,
        )]);
        let python = project(&[("pyproject.toml", "[project]\nname = \"the-greeter\"\n")]);
        for (folder, told) in [
            (&js, "there is no src/bot.js, which \"main\" of "),
            (
                &python,
                "there is no the_greeter.py: `module` in [tool.parlor] of ",
            ),
        ] {
            let found = Script::find(folder.path()).unwrap().unwrap();
            let error = found.build(folder.path(), Voice::Quiet).unwrap_err();
            assert!(error.to_string().starts_with(told), "{error}");
            assert!(!folder.path().join(kit::OWN_FOLDER).exists());
        }
        std::fs::create_dir(python.path().join("the_greeter")).unwrap();
        std::fs::write(python.path().join("the_greeter/__init__.py"), "").unwrap();
        let found = Script::find(python.path()).unwrap().unwrap();
        found.check_module(python.path()).unwrap();
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
