use super::*;
use crate::config::{Destination, LogFormat, LogLevel, SyslogAddress, Value};
use std::path::{Path, PathBuf};

fn file(folder: &Path, name: &str, loglevel: LogLevel) -> (PathBuf, Config) {
    let path = folder.join(name);
    let errorlog = Destination::File(path.clone());
    (path, Config { errorlog, loglevel, ..Config::default() })
}

/// The lines of a log, without the moment and the process.
fn messages(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let process = format!(" [{}] ", std::process::id());
    text.lines().map(|line| line.split_once(&process).unwrap().1.to_owned()).collect()
}

fn logged(level: LogLevel, events: impl FnOnce()) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let (path, config) = file(folder.path(), "log", level);
    let log = ErrorLog::new(Outlets::open(&config).unwrap(), level);
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
    let (path, config) = file(folder.path(), "log", LogLevel::Info);
    let ours = |path: &Path| {
        let mut lines = messages(path);
        lines.retain(|line| line.contains("(test of init)"));
        lines
    };
    init(&config).unwrap();
    tracing::info!("one (test of init)");
    tracing::debug!("unseen (test of init)");

    let renamed = folder.path().join("log.1");
    std::fs::rename(&path, &renamed).unwrap();
    tracing::info!("two (test of init)");
    reopen();
    tracing::info!("three (test of init)");
    assert_eq!(ours(&renamed), ["[INFO] one (test of init)", "[INFO] two (test of init)"]);
    assert_eq!(ours(&path), ["[INFO] three (test of init)"]);

    let (other, config) = file(folder.path(), "other", LogLevel::Debug);
    reconfigure(&config).unwrap();
    tracing::debug!("four (test of init)");
    assert_eq!(ours(&other), ["[DEBUG] four (test of init)"]);

    let (missing, config) = file(folder.path(), "no/such/folder", LogLevel::Error);
    let error = reconfigure(&config).unwrap_err();
    assert!(error.to_string().starts_with(missing.to_str().unwrap()), "{error}");
    assert!(check(&config).is_err());
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

#[test]
fn complaints_are_counted_by_their_kind() {
    use counts::{Complaint, Complaints};
    let before = Complaints::now();
    logged(LogLevel::Debug, || {
        one_of_each();
        tracing::error!(target: "exception", "x");
    });
    let counted: Vec<_> = Complaints::now().since(&before).collect();
    for kind in [Complaint::Critical, Complaint::Error, Complaint::Warning, Complaint::Exception] {
        assert!(counted.iter().any(|&(found, count)| found == kind && count > 0), "{counted:?}");
    }
}

#[test]
fn syslog_gets_what_the_file_gets_and_the_file_is_told_what_it_does_not_get() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let (path, mut config) = file(folder.path(), "log", LogLevel::Info);
    config.syslog = true;
    let mut log = |address: &str, format, event: fn()| {
        config.syslog_addr = SyslogAddress::parse(address).unwrap();
        config.log_format = format;
        let log = ErrorLog::new(Outlets::open(&config).unwrap(), LogLevel::Info);
        tracing::subscriber::with_default(Registry::default().with(log), event);
    };
    let address = format!("udp://{}", daemon.local_addr().unwrap());
    let received = || {
        let mut space = [0; 999];
        let count = daemon.recv(&mut space).unwrap();
        String::from_utf8(space[..count].to_vec()).unwrap()
    };
    log(&address, LogFormat::Text, || tracing::warn!("one\ntwo"));
    assert!(received().ends_with(" error - one\\ntwo"));
    log(&address, LogFormat::Json, || tracing::warn!("three"));
    let message = received();
    assert!(message.contains(" error - {\"time\":\"") && message.ends_with("log::tests\"}"));
    log("unix:///nonexistent/log", LogFormat::Text, || {
        tracing::warn!("four");
        tracing::warn!("five");
    });
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains("[WARNING] one\\ntwo\n"), "{text}");
    assert!(text.contains("1 lines did not reach syslog: "), "{text}");
    assert_eq!(text.lines().count(), 5, "the second loss is reported a second later: {text}");
}
