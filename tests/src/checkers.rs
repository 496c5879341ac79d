//! Type checkers of other languages, over what plugins are written in. What they need is installed once and
//! kept below `target/tmp/languages`.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::guests::workspace;
use crate::python::{Package, python};

const TYPESCRIPT: &str = "typescript@7.0.2";
/// What makes bindings for Python; the version is the one that `parlor build` takes.
pub const COMPONENTIZE_PY: &str = "componentize-py==0.25.1";
const PYTHON: Package = Package {
    folder: "languages/python-types",
    wanted: &["mypy==2.4.1", COMPONENTIZE_PY],
    import: "import mypy, componentize_py",
};

/// How long an installation or a check may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// What `parlor` says of each tool that is not there, or cannot be fetched.
const OUT_OF_REACH: [&str; 5] = [
    "cannot start node",
    "cannot start npm",
    "cannot start python3",
    "npm failed",
    "python failed",
];

/// Tells whether a tool of another language was missed, or could not be fetched.
pub fn is_out_of_reach(said: &str) -> bool {
    OUT_OF_REACH.iter().any(|what| said.contains(what))
}

/// A project of JavaScript and TypeScript, and what checks it.
#[derive(Debug)]
pub struct TypeScript {
    folder: PathBuf,
}

/// A project of Python, and what checks it.
#[derive(Debug)]
pub struct Python {
    folder: PathBuf,
    python: PathBuf,
}

/// An empty project.
fn project(language: &str, name: &str) -> PathBuf {
    let folder = workspace()
        .join("target/tmp/checked")
        .join(language)
        .join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("what was checked before can go");
    }
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Runs a tool; what it said, or its complaints where it has any.
async fn run(command: &mut Command) -> Result<String, String> {
    let command = command.stdin(Stdio::null()).kill_on_drop(true);
    match tokio::time::timeout(PATIENCE, command.output()).await {
        Err(_) => Err("it took too long".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Ok(Ok(output)) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(Ok(output)) => {
            let said = [output.stdout, output.stderr].concat();
            Err(String::from_utf8_lossy(&said).into_owned())
        }
    }
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder");
    std::fs::write(path, text).expect("a file");
}

/// Where the compiler is, installed where it was not.
async fn compiler() -> Result<PathBuf, String> {
    static INSTALLED: OnceCell<Result<PathBuf, String>> = OnceCell::const_new();
    let install = || async {
        let folder = workspace().join("target/tmp/languages/typescript");
        let compiler = folder.join("node_modules/.bin/tsc");
        let wanted = format!("{{ \"private\": true, \"description\": \"{TYPESCRIPT}\" }}");
        let is_there = std::fs::read_to_string(folder.join("wanted")).is_ok_and(|it| it == wanted);
        if is_there && compiler.exists() {
            return Ok(compiler);
        }
        write(&folder, "package.json", &wanted);
        let mut npm = Command::new("npm");
        npm.args([
            "install",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
            TYPESCRIPT,
        ]);
        run(npm.current_dir(&folder)).await?;
        write(&folder, "wanted", &wanted);
        Ok(compiler)
    };
    INSTALLED.get_or_init(install).await.clone()
}

impl TypeScript {
    /// Makes an empty project.
    ///
    /// # Errors
    /// There is no Node.js, or the package registry is out of reach.
    pub async fn open(name: &str) -> Result<Self, String> {
        compiler().await?;
        let folder = project("typescript", name);
        let layer = workspace().join("plugin-sdk/js/src/index.d.ts");
        let settings = format!(
            "{{ \"compilerOptions\": {{ \"target\": \"es2022\", \"module\": \"es2022\", \
             \"moduleResolution\": \"bundler\", \"lib\": [\"es2023\", \"dom\"], \"types\": [], \"strict\": true, \"noImplicitAny\": false, \
             \"noEmit\": true, \"allowJs\": true, \"checkJs\": true, \"paths\": {{ \"parlor\": [\"{}\"] }} }}, \
             \"include\": [\"**/*.ts\", \"**/*.js\"] }}",
            layer.display()
        );
        write(&folder, "tsconfig.json", &settings);
        Ok(Self { folder })
    }

    /// Puts a module into the project.
    pub fn write(&self, name: &str, text: &str) {
        write(&self.folder, name, text);
    }

    /// Checks everything in it.
    ///
    /// # Errors
    /// What is wrong, with file and line.
    pub async fn check(&self) -> Result<(), String> {
        let mut command = Command::new(compiler().await?);
        command.args(["--pretty", "false", "--project", "."]);
        run(command.current_dir(&self.folder)).await.map(drop)
    }

    /// Runs a script of Node.js on modules of the project, and gives what it prints.
    ///
    /// # Errors
    /// What is wrong.
    pub async fn run(&self, script: &str, arguments: &[String]) -> Result<String, String> {
        // Beside the project, as it is no part of it.
        let file = self.folder.with_extension("script.mjs");
        std::fs::write(&file, script).map_err(|error| error.to_string())?;
        let mut node = Command::new("node");
        run(node.arg(file).args(arguments).current_dir(&self.folder)).await
    }
}

impl Python {
    /// Makes an empty project.
    ///
    /// # Errors
    /// There is no Python, or the package index is out of reach.
    pub async fn open(name: &str) -> Result<Self, String> {
        static INSTALLED: OnceCell<Result<PathBuf, String>> = OnceCell::const_new();
        let python = INSTALLED.get_or_init(|| python(PYTHON)).await.clone()?;
        let folder = project("python", name);
        Ok(Self { folder, python })
    }

    /// Puts a module into the project.
    pub fn write(&self, name: &str, text: &str) {
        write(&self.folder, name, text);
    }

    /// Takes one out.
    pub fn remove(&self, name: &str) {
        std::fs::remove_file(self.folder.join(name)).expect("it was there");
    }

    /// Checks everything in it, and further folders.
    ///
    /// # Errors
    /// What is wrong, with file and line.
    pub async fn check(&self, further: &[&Path]) -> Result<(), String> {
        let sdk = workspace().join("plugin-sdk/python");
        let mut paths = sdk.join("stubs").into_os_string();
        paths.push(":");
        paths.push(&sdk);
        let mut command = Command::new(&self.python);
        command.args([
            "-m",
            "mypy",
            "--no-error-summary",
            "--check-untyped-defs",
            ".",
        ]);
        command
            .args(further)
            .env("MYPYPATH", paths)
            .current_dir(&self.folder);
        run(&mut command).await.map(drop)
    }

    /// Runs a script on modules of the project, with the contract as components have it, and gives what it
    /// prints.
    ///
    /// # Errors
    /// What is wrong.
    pub async fn run(&self, script: &str, arguments: &[String]) -> Result<String, String> {
        let made = self.bindings().await?;
        let layer = workspace().join("plugin-sdk/python");
        let paths = format!("{}:{}", made.display(), layer.display());
        let mut python = Command::new(&self.python);
        python.args(["-B", "-c", script]).args(arguments);
        run(python.env("PYTHONPATH", paths).current_dir(&self.folder)).await
    }

    /// Compares our stubs with the modules that the tool makes of the same contract.
    ///
    /// # Errors
    /// In what they differ.
    pub async fn compare_stubs(&self, modules: &[&str]) -> Result<(), String> {
        let made = self.bindings().await?;
        let mut compare = Command::new(&self.python);
        compare
            .args(["-m", "mypy.stubtest"])
            .args(modules)
            .current_dir(&self.folder);
        compare.env("MYPYPATH", workspace().join("plugin-sdk/python/stubs"));
        run(compare.env("PYTHONPATH", made)).await.map(drop)
    }

    /// Has the tool make the modules of the contract, beside the project.
    async fn bindings(&self) -> Result<PathBuf, String> {
        let (wit, made) = (
            self.folder.with_extension("wit"),
            self.folder.with_extension("made"),
        );
        for from in ["wit", "plugin-sdk/python/wit"] {
            let files =
                crate::tidy::read_tree(&workspace().join(from)).expect("the contract can be read");
            for file in files {
                write(&wit, &file.path, &file.text);
            }
        }
        if made.exists() {
            std::fs::remove_dir_all(&made).map_err(|error| error.to_string())?;
        }
        let mut make = Command::new(self.python.with_file_name("componentize-py"));
        make.arg("-d")
            .arg(&wit)
            .args(["-w", "python-plugin", "bindings"]);
        run(make.arg(&made)).await?;
        Ok(made)
    }
}
