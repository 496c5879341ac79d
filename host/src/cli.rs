//! The command line: one module a verb.
//!
//! Nothing here joins parts of the host; `app::entry` does. Exit codes: 0 ok, 1 failed, 64 usage or
//! settings, 130 interrupted.

mod ask;
mod backup;
mod bots;
mod build;
mod cargo;
pub mod chat;
mod check;
#[cfg(test)]
mod control_tests;
mod conversations;
mod dev;
mod doctor;
mod events;
mod export;
mod import;
mod install;
mod kit;
mod new;
mod outbox;
mod output;
mod password;
mod plugins;
mod progress;
mod reload;
mod replay;
mod scripts;
mod send;
mod start;
mod terminal;
mod test;
#[cfg(test)]
mod tests;
mod tools;
mod trace;
mod tree;

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::app::checker::Checker;
use crate::app::entry::{self, ChatOptions, HostOptions};
use crate::app::preview::ShownAs;
use crate::app::trace::Trace;
use crate::config::{LogConfig, LogLevel, Platform, SETTINGS_FILE, Settings, log_override};
use crate::shutdown::{EXIT_INTERRUPTED, Shutdown};
use crate::telemetry::{TelemetryError, start_logs, strip_control};

use output::{Failure, Interrupted, print_json, print_line, say};
use start::{Place, Start};
use terminal::{Terminal, TracingTerminal};
use tree::SourceTree;

/// The code for a wrong command line or wrong settings.
const EXIT_USAGE: u8 = 64;

/// Host chat bots whose behaviour is a WebAssembly component
#[derive(Debug, Parser)]
#[command(name = "parlor", version, max_term_width = 100)]
#[command(after_help = "Without a verb: `run` where there is a parlor.toml, else the demo")]
struct Cli {
    /// Settings file [default: parlor.toml in the current folder]
    #[arg(long, value_name = "FILE", global = true)]
    settings: Option<PathBuf>,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serve the bots and plugins of the settings
    Run,
    /// Talk to plugins here, without any platform
    Chat {
        /// Load only these plugins
        #[arg(value_name = "FILE.wasm")]
        files: Vec<PathBuf>,
        /// Show text only, as a platform without forms and buttons does
        #[arg(long)]
        text_only: bool,
        /// Show beside each answer what this platform would be sent
        #[arg(long = "as", value_name = "PLATFORM")]
        shown_as: Option<ShownPlatform>,
        /// Show what became of each event: who got it and why, what that used, how platforms show it
        #[arg(long)]
        trace: bool,
    },
    /// Begin a plugin: a small project that builds and passes its test
    New(new::NewArgs),
    /// Build the plugin in this folder, or the plugins of this workspace
    Build(build::BuildArgs),
    /// Talk to the plugin in this folder, which is built again when its files change
    Dev,
    /// Say whether the host would take these files; without any, check the settings and all plugins
    Check(check::CheckArgs),
    /// Run the dialogs of a plugin: what people say to it, and what it is to answer
    Test(test::TestArgs),
    /// List the plugins, how they do, what they ask for and what they are granted; roll one back
    Plugins(plugins::PluginsArgs),
    /// Say what is wrong with the machine, the bots and the way to their platforms, and what helps
    Doctor(doctor::DoctorArgs),
    /// Show how the bots do; pause or resume one
    Bots(bots::BotsArgs),
    /// Show what waits to be sent; hold it, release it or drop it
    Outbox(outbox::OutboxArgs),
    /// List the bots' conversations with their ids, for use in settings
    Conversations(conversations::ConversationsArgs),
    /// Show what came in, what each plugin did with it and how each action stands
    Events(events::EventsArgs),
    /// Run events of the past through a build and show what differs; nothing is sent
    Replay(replay::ReplayArgs),
    /// Copy the journal into one file, while the host runs or not
    Backup(backup::BackupArgs),
    /// Send a message as a bot of the running host
    Send(send::SendArgs),
    /// Read settings and plugins again, and let changes serve that wait
    Reload(reload::ReloadArgs),
    /// Put a bot onto a platform where somebody has to agree to it
    Install(install::InstallArgs),
    /// Turn the settings of another client into a section of ours
    Import(import::ImportArgs),
    /// Change a bot's password with its platform
    Password(password::PasswordArgs),
}

/// A platform whose messages `chat` shows beside its own.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ShownPlatform {
    #[value(name = "livechat")]
    LiveChat,
    Lseg,
    Symphony,
    Webex,
}

impl From<ShownPlatform> for ShownAs {
    fn from(platform: ShownPlatform) -> Self {
        match platform {
            ShownPlatform::LiveChat => Self::LiveChat,
            ShownPlatform::Lseg => Self::Lseg,
            ShownPlatform::Symphony => Self::Symphony,
            ShownPlatform::Webex => Self::Webex,
        }
    }
}

/// Tells what the command line takes, for its reference.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command; the first argument is the program.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(check::without_file(arguments)) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers; that nobody reads them is not an error.
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::from(EXIT_USAGE)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    match run(cli) {
        Ok(code) => code,
        Err(Failure::BrokenPipe) => ExitCode::SUCCESS,
        Err(Failure::Usage(lines)) => {
            for line in lines {
                say(&strip_control(&line, true));
            }
            ExitCode::from(EXIT_USAGE)
        }
        Err(Failure::Failed(error)) => {
            say(&strip_control(&format!("parlor: {error:#}"), true));
            ExitCode::FAILURE
        }
        Err(Failure::Interrupted(error)) => {
            let (what, plain) = (error.to_string(), Interrupted.to_string());
            let joint = if what == plain { "" } else { "; " };
            let what = what.strip_prefix(&plain).unwrap_or(&what);
            say(&strip_control(
                &format!("parlor: {plain}{joint}{what}"),
                true,
            ));
            interrupted_code()
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let folder = std::env::current_dir()?;
    let place = Place {
        settings: cli.settings.as_deref(),
        folder: &folder,
        is_terminal: std::io::stdin().is_terminal() && std::io::stdout().is_terminal(),
        built_from: SourceTree::of_this_program(),
    };
    match cli.verb {
        None => match place.decide()? {
            Start::Run(path) => serve(&path),
            Start::Demo(tree) => serve_demo(&tree, place.is_terminal),
        },
        Some(Verb::Run) => serve(&place.require_settings()?),
        Some(Verb::Chat {
            files,
            text_only,
            shown_as,
            trace,
        }) => {
            let style = if text_only {
                Style::Text
            } else {
                Style::Settings
            };
            chat(&place, files, style, shown_as, trace)
        }
        Some(Verb::New(args)) => new::run(&place, &args),
        Some(Verb::Build(args)) => build::run(&place, args),
        Some(Verb::Dev) => dev::run(&place),
        Some(Verb::Check(args)) => check::run(&place, &args),
        Some(Verb::Test(args)) => test::run(&place, args),
        Some(Verb::Plugins(args)) => match plugins::run(&place, &args)? {
            Some(code) => Ok(code),
            None => list_plugins(&place, args.json),
        },
        Some(Verb::Doctor(args)) => doctor::run(&place, &args),
        Some(Verb::Bots(args)) => bots::run(&place, args),
        Some(Verb::Outbox(args)) => outbox::run(&place, args),
        Some(Verb::Conversations(args)) => conversations::run(&place, args),
        Some(Verb::Backup(args)) => backup::run(&place, args),
        Some(Verb::Events(args)) => events::run(&place, args),
        Some(Verb::Replay(args)) => replay::run(&place, args),
        Some(Verb::Send(args)) => send::run(&place, args),
        Some(Verb::Reload(args)) => reload::run(&place, args),
        Some(Verb::Install(args)) => install::run(&place, args),
        Some(Verb::Import(args)) => import::run(&place, args),
        Some(Verb::Password(args)) => password::run(&place, args),
    }
}

fn serve(path: &Path) -> Result<ExitCode, Failure> {
    let settings = load(path)?;
    start_logs(&settings.log, log_override()).map_err(|error| match error {
        TelemetryError::File { .. } => {
            Failure::usage(settings.problem("log.file", error.to_string()).to_string())
        }
        error => Failure::usage(error.to_string()),
    })?;
    serve_with(HostOptions {
        settings,
        has_settings_file: true,
        prompt: false,
        front: Box::new(Terminal),
    })
}

fn serve_demo(tree: &SourceTree, prompt: bool) -> Result<ExitCode, Failure> {
    print_line(&format!(
        "parlor demo: there is no {SETTINGS_FILE} here, so these are the example plugins of {}",
        tree.root.display()
    ))?;
    build::build_demo(tree)?;
    logs(LogLevel::Warn)?;
    serve_with(HostOptions {
        settings: demo_settings(tree)?,
        has_settings_file: false,
        prompt,
        front: Box::new(Terminal),
    })
}

fn serve_with(options: HostOptions) -> Result<ExitCode, Failure> {
    block_on(async {
        let shutdown = Shutdown::new();
        shutdown.listen_for_signals()?;
        // A host that was told to stop has done what it was told, however it was told.
        entry::run_host(options, shutdown).await?;
        Ok(ExitCode::SUCCESS)
    })
}

/// What `chat` shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    /// What the settings say.
    Settings,
    /// Text, whatever they say.
    Text,
}

fn chat(
    place: &Place<'_>,
    files: Vec<PathBuf>,
    style: Style,
    shown_as: Option<ShownPlatform>,
    trace: bool,
) -> Result<ExitCode, Failure> {
    let mut settings = match place.decide() {
        Ok(Start::Run(path)) => load(&path)?,
        Ok(Start::Demo(tree)) => {
            if files.is_empty() {
                build::build_demo(&tree)?;
                demo_settings(&tree)?
            } else {
                Settings::defaults(&tree.demo_plugins(), &tree.demo_data())
            }
        }
        // Files by name need no settings.
        Err(_) if !files.is_empty() => Settings::defaults(place.folder, place.folder),
        Err(Failure::Usage(mut lines)) => {
            let without = "without settings `parlor chat FILE.wasm` talks to a component, and `parlor dev` to the \
                           plugin in this folder";
            lines.push(without.to_owned());
            return Err(Failure::Usage(lines));
        }
        Err(failure) => return Err(failure),
    };
    for bot in &mut settings.bots {
        // Never a real platform, whatever the settings say.
        let mut local = bot.platform.local();
        local.text_only |= style == Style::Text;
        bot.platform = Platform::Local(local);
    }
    if let Some(missing) = files.iter().find(|file| !file.is_file()) {
        return Err(Failure::usage(format!(
            "{} is not a file",
            missing.display()
        )));
    }
    logs(LogLevel::Warn)?;
    let trace = trace.then(|| Arc::new(Trace::new(settings.sentences.hosted.clone())));
    block_on(async {
        let shutdown = Shutdown::new();
        shutdown.listen_for_signals()?;
        entry::run_chat(
            ChatOptions {
                settings,
                files,
                shown_as: shown_as.map(ShownAs::from),
                front: match &trace {
                    Some(trace) => Box::new(TracingTerminal(trace.clone())),
                    None => Box::new(Terminal),
                },
                trace,
            },
            shutdown.clone(),
        )
        .await?;
        Ok(end_code(&shutdown))
    })
}

fn list_plugins(place: &Place<'_>, json: bool) -> Result<ExitCode, Failure> {
    let settings = match place.decide()? {
        Start::Run(path) => load(&path)?,
        Start::Demo(tree) => {
            build::build_demo(&tree)?;
            demo_settings(&tree)?
        }
    };
    let reports = block_on(async {
        let checker = Checker::new()?;
        let found = check::report_folder(&settings, &checker).await;
        checker.shutdown().await;
        Ok(found.map_err(anyhow::Error::from)?)
    })?;
    if json {
        print_json(&reports)?;
        return Ok(ExitCode::SUCCESS);
    }
    for line in check::plugin_lines(&reports) {
        print_line(&strip_control(&line, false))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn load(path: &Path) -> Result<Settings, Failure> {
    Settings::load(path)
        .map_err(|problems| Failure::Usage(problems.iter().map(ToString::to_string).collect()))
}

/// The demo's settings, with its folders.
fn demo_settings(tree: &SourceTree) -> Result<Settings, Failure> {
    Ok(Settings {
        plugins_folder: tree.demo_plugins(),
        data: tree.demo_data(),
        ..load(&tree.demo_file())?
    })
}

fn logs(level: LogLevel) -> Result<(), Failure> {
    start_logs(&LogConfig::at(level), log_override())
        .map_err(|error| Failure::usage(error.to_string()))
}

fn end_code(shutdown: &Shutdown) -> ExitCode {
    if shutdown.was_interrupted() {
        interrupted_code()
    } else {
        ExitCode::SUCCESS
    }
}

fn interrupted_code() -> ExitCode {
    ExitCode::from(u8::try_from(EXIT_INTERRUPTED).unwrap_or(u8::MAX))
}

fn block_on<T>(task: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(task)
}

/// Runs a task that ends where somebody ends this program, with whatever it has started.
fn interruptible<T, E>(task: impl Future<Output = Result<T, E>>) -> Result<T, E>
where
    E: From<std::io::Error> + From<Interrupted>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let done: Result<Option<T>, E> = runtime.block_on(async {
        let shutdown = Shutdown::new();
        shutdown.listen_for_signals()?;
        tokio::select! {
            biased;
            () = shutdown.wait_for_stop() => Ok(None),
            done = task => done.map(Some),
        }
    });
    match done? {
        Some(done) => Ok(done),
        None => {
            // What computes still is waited for by nobody.
            runtime.shutdown_background();
            Err(Interrupted.into())
        }
    }
}
