use super::*;
use std::path::{Path, PathBuf};

fn file(folder: &Path, name: &str) -> (PathBuf, Destination) {
    let path = folder.join(name);
    (path.clone(), Destination::File(path))
}

/// The lines of a log, without the moment and the process.
fn messages(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let process = format!(" [{}] ", std::process::id());
    text.lines().map(|line| line.split_once(&process).unwrap().1.to_owned()).collect()
}

fn logged(level: LogLevel, events: impl FnOnce()) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let (path, destination) = file(folder.path(), "log");
    let log = ErrorLog::new(Sink::open(&destination).unwrap(), level);
    tracing::subscriber::with_default(Registry::default().with(log), events);
    messages(&path)
}

fn one_of_each() {
    tracing::trace!("never");
    tracing::debug!("d");
    tracing::info!("i");
    tracing::warn!("w");
    tracing::error!("e");
    tracing::error!(target: "critical", "c");
}

#[test]
fn a_level_shows_itself_and_what_is_worse() {
    let all = ["[DEBUG] d", "[INFO] i", "[WARNING] w", "[ERROR] e", "[CRITICAL] c"];
    for (first, level) in LogLevel::ALL.into_iter().enumerate() {
        assert_eq!(logged(level, one_of_each), all[first..], "{level:?}");
    }
}

#[test]
fn fields_follow_the_message_and_forge_nothing() {
    let forged = "x\n[2026-11-23 07:32:17 +0000] [1] [CRITICAL] forged";
    let lines = logged(LogLevel::Info, || {
        tracing::info!(worker = 7, name = "web", "{forged}");
        tracing::warn!(peer = %forged, target = ?"a b", "refused");
    });
    let escaped = forged.replace('\n', "\\n");
    assert_eq!(
        lines,
        [
            format!("[INFO] {escaped} worker=7 name=web"),
            format!("[WARNING] refused peer={escaped} target=\"a b\""),
        ]
    );
}

/// The one test that installs the log for the process: whatever other tests log meanwhile is none of
/// its business.
#[test]
fn the_log_follows_renamed_files_and_new_settings() {
    let folder = tempfile::tempdir().unwrap();
    let (path, destination) = file(folder.path(), "log");
    let ours = |path: &Path| {
        let mut lines = messages(path);
        lines.retain(|line| line.contains("(test of init)"));
        lines
    };
    init(&destination, LogLevel::Info).unwrap();
    tracing::info!("one (test of init)");
    tracing::debug!("unseen (test of init)");

    let renamed = folder.path().join("log.1");
    std::fs::rename(&path, &renamed).unwrap();
    tracing::info!("two (test of init)");
    reopen();
    tracing::info!("three (test of init)");
    assert_eq!(ours(&renamed), ["[INFO] one (test of init)", "[INFO] two (test of init)"]);
    assert_eq!(ours(&path), ["[INFO] three (test of init)"]);

    let (other, destination) = file(folder.path(), "other");
    reconfigure(&destination, LogLevel::Debug).unwrap();
    tracing::debug!("four (test of init)");
    assert_eq!(ours(&other), ["[DEBUG] four (test of init)"]);

    let (missing, destination) = file(folder.path(), "no/such/folder");
    let error = reconfigure(&destination, LogLevel::Error).unwrap_err();
    assert!(error.to_string().starts_with(missing.to_str().unwrap()), "{error}");
    assert!(check(&destination).is_err());
    tracing::debug!("five (test of init)");
    assert_eq!(ours(&other).len(), 2, "a bad setting changes nothing");

    let moved = folder.path().join("moved");
    std::fs::rename(&other, &moved).unwrap();
    std::fs::create_dir(&other).unwrap();
    reopen();
    let complaint = messages(&moved).pop().unwrap();
    let expected = format!("[ERROR] The error log could not be reopened: {}: ", other.display());
    assert!(complaint.starts_with(&expected), "{complaint}");
}
