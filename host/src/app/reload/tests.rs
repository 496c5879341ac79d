use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use tempfile::TempDir;

use super::scan::{Moment, Pending, Scanner};
use super::*;

const MS: fn(u64) -> Duration = Duration::from_millis;

/// A folder with a clock that only the test moves.
struct Bench {
    folder: TempDir,
    scanner: Scanner,
    moment: Moment,
    pending: Pending,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plugins = folder.path().join("plugins");
        fs::create_dir(&plugins).unwrap();
        let settings = folder.path().join("parlor.toml");
        fs::write(&settings, "").unwrap();
        let mut watch = FolderWatch::new(&plugins, Some(&settings), &ReloadConfig::default());
        watch.events = false;
        Self {
            scanner: Scanner::new(watch),
            folder,
            moment: Moment {
                now: Instant::now(),
                // Later than every write, so that only what the test dates is fresh.
                wall: SystemTime::now() + Duration::from_secs(3_600),
            },
            pending: Pending::default(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("plugins").join(name)
    }

    /// Writes a file at the moment of the test's clock.
    fn write(&self, name: &str, bytes: &[u8]) {
        write_at(&self.path(name), bytes, self.moment.wall);
    }

    /// Moves the clock and scans.
    fn after(&mut self, time: Duration) -> Vec<String> {
        self.moment.now += time;
        self.moment.wall += time;
        let mut seen = Vec::new();
        self.pending = self.scanner.scan(self.moment, false, &mut |change| {
            seen.push(show(&change));
            true
        });
        seen
    }
}

fn write_at(path: &Path, bytes: &[u8], wall: SystemTime) {
    fs::write(path, bytes).unwrap();
    File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(wall)
        .unwrap();
}

fn show(change: &FolderChange) -> String {
    match change {
        FolderChange::Upsert {
            name,
            wasm,
            settings,
            ..
        } => {
            let text = String::from_utf8_lossy(wasm);
            match settings {
                None => format!("{name}={text}"),
                Some(file) => format!("{name}={text}+{}", file.text),
            }
        }
        FolderChange::SettingsChanged => "settings".to_owned(),
        FolderChange::Removed { name } => format!("-{name}"),
        FolderChange::Refused { name, reason } => format!("!{name}: {reason}"),
        FolderChange::Scanned => "scanned".to_owned(),
    }
}

const NOTHING: [&str; 0] = [];

#[test]
fn reports_a_file_once_it_is_quiet() {
    let mut bench = Bench::new();
    assert_eq!(bench.after(MS(0)), NOTHING);
    bench.write("joke.wasm", b"one");
    assert_eq!(bench.after(MS(0)), NOTHING);
    assert_eq!(bench.pending.next, Some(MS(50)));
    assert_eq!(bench.after(MS(50)), ["joke=one"]);
    assert_eq!(bench.after(MS(50)), NOTHING);
    assert_eq!(bench.after(Duration::from_secs(10)), NOTHING);
}

#[test]
fn waits_while_a_file_is_written() {
    let mut bench = Bench::new();
    for part in ["a", "ab", "abc"] {
        bench.write("joke.wasm", part.as_bytes());
        assert_eq!(bench.after(MS(30)), NOTHING);
        bench.moment.wall += MS(10);
        bench.moment.now += MS(10);
    }
    assert_eq!(bench.after(MS(50)), ["joke=abc"]);
}

#[test]
fn a_half_component_is_given_time() {
    let mut bench = Bench::new();
    let whole = b"\0asm\x0d\0\x01\0\x01\x02ab";
    bench.write("joke.wasm", &whole[..10]);
    assert_eq!(bench.after(MS(100)), NOTHING);
    assert!(bench.pending.unsettled);
    bench.write("joke.wasm", whole);
    assert_eq!(bench.after(MS(60)).len(), 1);
    // One that stays so is reported: the loader says what is wrong with it.
    bench.write("echo.wasm", &whole[..10]);
    assert_eq!(bench.after(MS(100)), NOTHING);
    assert_eq!(bench.after(MS(1_000)).len(), 1);
}

#[test]
fn the_same_bytes_again_are_no_change() {
    let mut bench = Bench::new();
    bench.write("joke.wasm", b"one");
    bench.after(MS(50));
    bench.write("joke.wasm", b"one");
    assert_eq!(bench.after(MS(60)), NOTHING);
    bench.write("joke.wasm", b"two");
    assert_eq!(bench.after(MS(60)), ["joke=two"]);
    bench.write("joke.wasm", b"one");
    assert_eq!(bench.after(MS(60)), ["joke=one"]);
}

#[test]
fn editors_that_rename_make_one_change() {
    let mut bench = Bench::new();
    bench.write("joke.wasm", b"one");
    bench.after(MS(50));
    // Delete, then create.
    fs::remove_file(bench.path("joke.wasm")).unwrap();
    assert_eq!(bench.after(MS(10)), NOTHING);
    assert_eq!(bench.after(MS(1_900)), NOTHING);
    bench.write("joke.wasm", b"two");
    assert_eq!(bench.after(MS(60)), ["joke=two"]);
    // Write beside, then rename.
    bench.write(".joke.wasm.tmp", b"three");
    bench.write("joke.tmp", b"three");
    assert_eq!(bench.after(MS(60)), NOTHING);
    fs::rename(bench.path("joke.tmp"), bench.path("joke.wasm")).unwrap();
    assert_eq!(bench.after(MS(0)), ["joke=three"]);
}

#[test]
fn a_file_gone_for_two_seconds_is_removed() {
    let mut bench = Bench::new();
    bench.write("joke.wasm", b"one");
    bench.after(MS(50));
    fs::remove_file(bench.path("joke.wasm")).unwrap();
    assert_eq!(bench.after(MS(0)), NOTHING);
    assert_eq!(bench.pending.next, Some(MS(2_000)));
    assert_eq!(bench.after(MS(1_999)), NOTHING);
    assert_eq!(bench.after(MS(1)), ["-joke"]);
    assert_eq!(bench.after(MS(1)), NOTHING);
    bench.write("joke.wasm", b"one");
    assert_eq!(bench.after(MS(50)), ["joke=one"]);
}

#[test]
fn a_renamed_file_is_another_plugin() {
    let mut bench = Bench::new();
    bench.write("joke.wasm", b"one");
    bench.after(MS(50));
    fs::rename(bench.path("joke.wasm"), bench.path("funny.wasm")).unwrap();
    assert_eq!(bench.after(MS(100)), ["funny=one"]);
    assert_eq!(bench.after(MS(2_000)), ["-joke"]);
}

#[test]
fn settings_beside_a_plugin_are_part_of_it() {
    let mut bench = Bench::new();
    bench.write("joke.wasm", b"one");
    bench.write("joke.toml", b"a");
    assert_eq!(bench.after(MS(50)), ["joke=one+a"]);
    bench.write("joke.toml", b"b");
    assert_eq!(bench.after(MS(50)), ["joke=one+b"]);
    fs::remove_file(bench.path("joke.toml")).unwrap();
    assert_eq!(bench.after(MS(50)), NOTHING);
    assert_eq!(bench.after(MS(2_000)), ["joke=one"]);
    bench.write("joke.toml", b"c");
    assert_eq!(bench.after(MS(50)), ["joke=one+c"]);
    bench.write("joke.toml", &[0xff, 0xfe]);
    assert_eq!(
        bench.after(MS(50)),
        ["!joke: joke.toml is not text in UTF-8"]
    );
    bench.write("joke.toml", b"c");
    assert_eq!(bench.after(MS(50)), ["joke=one+c"]);
}

#[test]
fn settings_before_their_wasm_are_refused_until_it_comes() {
    let mut bench = Bench::new();
    bench.write("joke.toml", b"a");
    assert_eq!(bench.after(MS(50)), NOTHING);
    assert_eq!(
        bench.after(MS(500)),
        ["!joke: joke.toml is there and joke.wasm is not"]
    );
    assert_eq!(bench.after(MS(500)), NOTHING);
    bench.write("joke.wasm", b"one");
    assert_eq!(bench.after(MS(50)), ["joke=one+a"]);
    fs::remove_file(bench.path("joke.wasm")).unwrap();
    bench.after(MS(0));
    assert_eq!(bench.after(MS(2_000)), ["-joke"]);
    assert_eq!(bench.after(MS(500)).len(), 1);
    fs::remove_file(bench.path("joke.toml")).unwrap();
    bench.after(MS(0));
    assert_eq!(bench.after(MS(2_000)), ["-joke"]);
}

#[test]
fn what_cannot_be_read_is_refused_and_comes_back() {
    let mut bench = Bench::new();
    bench.write("joke.wasm", b"one");
    bench.after(MS(50));
    fs::remove_file(bench.path("joke.wasm")).unwrap();
    fs::create_dir(bench.path("joke.wasm")).unwrap();
    assert_eq!(bench.after(MS(50)), ["!joke: joke.wasm is not a file"]);
    assert_eq!(bench.after(MS(50)), NOTHING);
    fs::remove_dir(bench.path("joke.wasm")).unwrap();
    bench.write("joke.wasm", b"one");
    assert_eq!(bench.after(MS(50)), ["joke=one"]);

    let huge = File::create(bench.path("big.wasm")).unwrap();
    huge.set_len(MAX_WASM_BYTES + 1).unwrap();
    huge.set_modified(bench.moment.wall).unwrap();
    let seen = bench.after(MS(50));
    assert!(
        seen[0].starts_with("!big: big.wasm has 67108865 bytes"),
        "{seen:?}"
    );
    bench.write("host.wasm", b"x");
    bench.write("a b.wasm", b"x");
    assert_eq!(
        bench.after(MS(50)),
        [
            "!a b: a plugin cannot be named \"a b\"",
            "!host: a plugin cannot be named \"host\""
        ]
    );
}

#[cfg(unix)]
#[test]
fn links_are_followed() {
    let mut bench = Bench::new();
    let first = bench.folder.path().join("v1");
    let second = bench.folder.path().join("v2");
    write_at(&first, b"one", bench.moment.wall);
    write_at(&second, b"two", bench.moment.wall);
    std::os::unix::fs::symlink(&first, bench.path("joke.wasm")).unwrap();
    assert_eq!(bench.after(MS(50)), ["joke=one"]);
    std::os::unix::fs::symlink(&second, bench.path("next")).unwrap();
    fs::rename(bench.path("next"), bench.path("joke.wasm")).unwrap();
    assert_eq!(bench.after(MS(50)), ["joke=two"]);
    fs::remove_file(&second).unwrap();
    bench.after(MS(0));
    assert_eq!(bench.after(MS(2_000)), ["-joke"]);
}

#[test]
fn a_folder_made_anew_keeps_its_plugins() {
    let mut bench = Bench::new();
    bench.write("joke.wasm", b"one");
    bench.after(MS(50));
    let folder = bench.folder.path().join("plugins");
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(bench.after(MS(100)), NOTHING);
    fs::create_dir(&folder).unwrap();
    bench.write("joke.wasm", b"one");
    assert_eq!(bench.after(MS(100)), NOTHING);
    fs::remove_dir_all(&folder).unwrap();
    bench.after(MS(100));
    assert_eq!(bench.after(MS(2_000)), ["-joke"]);
}

#[test]
fn the_hosts_settings_are_reported_when_their_text_changes() {
    let mut bench = Bench::new();
    assert_eq!(bench.after(MS(100)), NOTHING);
    let path = bench.folder.path().join("parlor.toml");
    write_at(&path, b"data = \"x\"", bench.moment.wall);
    assert_eq!(bench.after(MS(50)), ["settings"]);
    write_at(&path, b"data = \"x\"", bench.moment.wall);
    assert_eq!(bench.after(MS(50)), NOTHING);
}

/// Waits for the next change of a real watcher.
async fn next(watcher: &mut FolderWatcher) -> String {
    let change = tokio::time::timeout(Duration::from_secs(20), watcher.next())
        .await
        .expect("a change is reported in time");
    show(&change.expect("the watcher runs"))
}

fn real(events: bool, mode: ReloadMode, poll: Duration) -> (TempDir, FolderWatcher) {
    let folder = tempfile::tempdir().unwrap();
    let config = ReloadConfig {
        mode,
        poll_interval: poll,
        ..ReloadConfig::default()
    };
    let mut watch = FolderWatch::new(&folder.path().join("plugins"), None, &config);
    watch.events = events;
    fs::create_dir(&watch.folder).unwrap();
    fs::write(watch.folder.join("echo.wasm"), "e").unwrap();
    (folder, FolderWatcher::start(watch).unwrap())
}

async fn lives(events: bool, poll: Duration) {
    let (folder, mut watcher) = real(events, ReloadMode::Watch, poll);
    let plugins = folder.path().join("plugins");
    assert_eq!(next(&mut watcher).await, "echo=e");
    assert_eq!(next(&mut watcher).await, "scanned");
    fs::write(plugins.join("joke.wasm"), "one").unwrap();
    assert_eq!(next(&mut watcher).await, "joke=one");
    fs::write(plugins.join("joke.tmp"), "two").unwrap();
    fs::rename(plugins.join("joke.tmp"), plugins.join("joke.wasm")).unwrap();
    assert_eq!(next(&mut watcher).await, "joke=two");
    fs::write(plugins.join("joke.toml"), "s").unwrap();
    assert_eq!(next(&mut watcher).await, "joke=two+s");
    // The folder goes and comes back: the watch on the old one is dead.
    fs::rename(&plugins, folder.path().join("old")).unwrap();
    fs::create_dir(&plugins).unwrap();
    fs::write(plugins.join("joke.wasm"), "three").unwrap();
    fs::write(plugins.join("joke.toml"), "s").unwrap();
    assert_eq!(next(&mut watcher).await, "joke=three+s");
    assert_eq!(next(&mut watcher).await, "-echo");
    fs::write(plugins.join("joke.wasm"), "four").unwrap();
    assert_eq!(next(&mut watcher).await, "joke=four+s");
    watcher.stop().await;
}

#[tokio::test]
async fn follows_a_folder_by_events() {
    lives(true, Duration::from_secs(600)).await;
}

#[tokio::test]
async fn follows_a_folder_by_polling() {
    lives(false, MS(50)).await;
}

#[tokio::test]
async fn manual_mode_looks_only_when_asked() {
    let (folder, mut watcher) = real(true, ReloadMode::Manual, MS(50));
    assert_eq!(next(&mut watcher).await, "echo=e");
    assert_eq!(next(&mut watcher).await, "scanned");
    fs::write(folder.path().join("plugins/echo.wasm"), "f").unwrap();
    watcher.handle().scan_now();
    assert_eq!(next(&mut watcher).await, "echo=f");
    assert_eq!(next(&mut watcher).await, "scanned");
    watcher.stop().await;
}

#[tokio::test]
async fn a_save_is_reported_soon() {
    let (folder, mut watcher) = real(true, ReloadMode::Watch, Duration::from_secs(600));
    assert_eq!(next(&mut watcher).await, "echo=e");
    assert_eq!(next(&mut watcher).await, "scanned");
    let path = folder.path().join("plugins/echo.wasm");
    let mut times = Vec::new();
    for round in 0..20_u8 {
        let bytes = vec![round + b'a'; 100 * 1024];
        let start = Instant::now();
        fs::write(&path, &bytes).unwrap();
        let _ = next(&mut watcher).await;
        times.push(start.elapsed());
    }
    times.sort();
    println_times(&times);
    // The figure aimed at is 100 ms; the bound leaves room for a busy machine.
    assert!(times[10] < MS(500), "{times:?}");
    watcher.stop().await;
}

#[expect(clippy::print_stdout, reason = "the figure is the point of the test")]
fn println_times(times: &[Duration]) {
    println!(
        "save to report: median {:?}, worst {:?}",
        times[10], times[19]
    );
}
