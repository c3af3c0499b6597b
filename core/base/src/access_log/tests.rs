use super::*;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Version};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::{Destination, LogFormat, SyslogAddress, Value};
use crate::listener::Peer;

fn config(path: &Path) -> Config {
    let accesslog = Some(Destination::File(path.to_owned()));
    Config { accesslog, access_log_format: "%(U)s".to_owned(), ..Config::default() }
}

/// A log whose lines are the targets of the requests.
fn log(path: &Path) -> AccessLog {
    AccessLog::open(&config(path)).unwrap().unwrap()
}

fn request(writer: &mut AccessWriter, target: impl Into<Bytes>) {
    let (target, headers) = (target.into(), HeaderMap::new());
    let pending = writer.begin(RequestLine {
        method: &Method::GET,
        target: &target,
        version: Version::HTTP_11,
        headers: &headers,
        peer: &Peer::Unix,
    });
    writer.finish(pending, 0, Duration::ZERO);
}

/// Requests `/0`, `/1`, … as many as there are numbers.
fn requests(writer: &mut AccessWriter, numbers: std::ops::Range<u32>) {
    for number in numbers {
        request(writer, format!("/{number}"));
    }
}

fn numbers(reader: impl BufRead) -> Vec<u32> {
    let lines = reader.lines().map(|line| line.unwrap());
    lines.map(|line| line.strip_prefix('/').unwrap().parse().unwrap()).collect()
}

fn read(path: &Path) -> Vec<u32> {
    numbers(BufReader::new(File::open(path).unwrap()))
}

/// A FIFO, and its reading end, which waits for what is written.
fn fifo(folder: &Path) -> (PathBuf, File) {
    let path = folder.join("fifo");
    mkfifo(&path, Mode::S_IRWXU).unwrap();
    let mut options = OpenOptions::new();
    let reader = options.read(true).custom_flags(libc::O_NONBLOCK).open(&path).unwrap();
    nix::fcntl::fcntl(&reader, nix::fcntl::F_SETFL(nix::fcntl::OFlag::empty())).unwrap();
    (path, reader)
}

#[test]
fn what_was_flushed_or_not_is_there_when_the_log_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = log(&path);
    let mut writers = [log.writer(), log.writer()];
    requests(&mut writers[0], 0..3);
    writers[0].flush();
    requests(&mut writers[1], 3..5);
    writers[1].refused(&Peer::Unix, b"NOT HTTP\r\n", StatusCode::BAD_REQUEST, 0);
    let clone = log.clone();
    drop((writers, log));
    assert_eq!(clone.dropped(), 0);
    drop(clone);
    assert_eq!(std::fs::read_to_string(path).unwrap(), "/0\n/1\n/2\n/3\n/4\n-\n");
}

#[test]
fn a_writer_hands_over_a_full_buffer_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (path, reader) = fifo(folder.path());
    let log = log(&path);
    let mut writer = log.writer();
    let lines = 4 + 32 * 1024 / 3;
    requests(&mut writer, 0..lines);
    let mut first = String::new();
    let mut reader = BufReader::new(reader);
    reader.read_line(&mut first).unwrap();
    assert_eq!(first, "/0\n", "nobody has flushed");
    let rest = std::thread::Builder::new().spawn(move || numbers(reader)).unwrap();
    drop(writer);
    drop(log);
    assert_eq!(rest.join().unwrap(), (1..lines).collect::<Vec<_>>());
}

/// Long lines, so that few of them fill whatever is behind.
fn fill(writer: &mut AccessWriter, log: &AccessLog) -> u64 {
    let mut written = 0;
    while log.dropped() == 0 {
        request(writer, format!("/{written:01000}"));
        written += 1;
        writer.flush();
    }
    written
}

#[test]
fn a_blocked_reader_costs_lines_that_are_counted_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (path, reader) = fifo(folder.path());
    let log = log(&path);
    let mut writer = log.writer();
    let written = fill(&mut writer, &log);
    let mut lines = BufReader::new(reader).lines();
    assert_eq!(log.dropped(), 1);
    let expected = (0..written - 1).map(|number| format!("/{number:01000}"));
    assert!(lines.by_ref().take(written as usize - 1).map(Result::unwrap).eq(expected));
    request(&mut writer, "/afterwards");
    writer.flush();
    assert_eq!(lines.next().unwrap().unwrap(), "/afterwards");
    assert_eq!(log.dropped(), 1);
    drop(log);
    assert!(lines.next().is_none());
}

#[test]
fn a_worker_leaves_though_its_log_is_blocked() {
    let folder = tempfile::tempdir().unwrap();
    let (path, reader) = fifo(folder.path());
    let log = log(&path);
    let mut writers: [_; 9] = std::array::from_fn(|_| log.writer());
    let written = fill(&mut writers[0], &log);
    writers.iter_mut().for_each(|writer| requests(writer, 0..10));
    let queue = log.lines.as_ref().unwrap().0.queue.clone();
    let before = std::time::Instant::now();
    drop((writers, log));
    let took = before.elapsed();
    assert!(took < Duration::from_millis(8900), "once for all of them: {took:?}");
    let in_the_pipe = 1 << 20;
    assert!(
        queue.losses.total() > written - in_the_pipe / 1000,
        "what was waiting is lost, and counted"
    );
    assert!(!queue.losses.is_unreported());
    drop(reader);
}

#[test]
fn a_renamed_file_is_followed_and_no_line_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (path, renamed) = (folder.path().join("log"), folder.path().join("log.1"));
    let log = log(&path);
    let mut writer = log.writer();
    requests(&mut writer, 0..5000);
    writer.flush();
    std::fs::rename(&path, &renamed).unwrap();
    requests(&mut writer, 5000..9000);
    writer.flush();
    log.reopen();
    requests(&mut writer, 9000..9010);
    drop(writer);
    drop(log);
    let (old, new) = (read(&renamed), read(&path));
    assert!(new.ends_with(&(9000..9010).collect::<Vec<_>>()));
    assert_eq!([old, new].concat(), (0..9010).collect::<Vec<_>>());
}

#[test]
fn a_file_that_cannot_be_opened_again_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (path, renamed) = (folder.path().join("log"), folder.path().join("log.1"));
    let log = log(&path);
    std::fs::rename(&path, &renamed).unwrap();
    std::fs::create_dir(&path).unwrap();
    log.reopen();
    let mut writer = log.writer();
    requests(&mut writer, 0..2);
    drop(writer);
    drop(log);
    assert_eq!(read(&renamed), [0, 1]);
}

#[test]
fn what_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no/folder");
    let error = AccessLog::open(&config(&path)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    let expected = format!("accesslog: {}: ", path.display());
    assert!(error.to_string().starts_with(&expected), "{error}");
    let (path, reader) = fifo(folder.path());
    drop(reader);
    assert!(
        AccessLog::open(&config(&path)).is_err(),
        "a FIFO without a reader is no reason to wait"
    );
}

#[test]
fn a_check_finds_what_would_fail_at_the_start() {
    let mut config = Config::default();
    assert!(AccessLog::check(&config).is_ok() && AccessLog::open(&config).unwrap().is_none());
    config.access_log_format = "%(h)s %(z)s".to_owned();
    let error = AccessLog::check(&config).unwrap_err().to_string();
    assert!(error.starts_with("access_log_format: \"%(z)s\": "), "{error}");
    assert_eq!(AccessLog::open(&config).unwrap_err().to_string(), error);

    let folder = tempfile::tempdir().unwrap();
    config.access_log_format = "%(r)s".to_owned();
    config.accesslog = Some(Destination::File(folder.path().into()));
    let error = AccessLog::check(&config).unwrap_err().to_string();
    assert!(error.starts_with("accesslog: "), "{error}");
    config.accesslog = Some(Destination::File(folder.path().join("log")));
    assert!(AccessLog::check(&config).is_ok());
    let log = AccessLog::open(&config).unwrap().unwrap();
    request(&mut log.writer(), "/");
    drop(log);
    assert_eq!(std::fs::read(folder.path().join("log")).unwrap(), b"GET / HTTP/1.1\n");
}

#[test]
fn syslog_gets_each_line_with_and_without_a_file() {
    let daemon = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = format!("udp://{}", daemon.local_addr().unwrap());
    let config = Config {
        syslog: true,
        syslog_addr: SyslogAddress::parse(&address).unwrap(),
        log_format: LogFormat::Json,
        ..Config::default()
    };
    let log = AccessLog::open(&config).unwrap().unwrap();
    let mut writer = log.writer();
    requests(&mut writer, 0..2);
    request(&mut writer, format!("/{:09000}", 2));
    drop(writer);
    for number in 0..3 {
        let mut space = [0; 9999];
        let count = daemon.recv(&mut space).unwrap();
        let text = std::str::from_utf8(&space[..count]).unwrap();
        let (header, line) = text.split_once(" access - ").unwrap();
        assert!(header.starts_with("<14>1 "), "{header}");
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let target = line["target"].as_str().unwrap();
        assert!(target.starts_with(if number < 2 { "/" } else { "/0000" }), "{line}");
        assert_eq!(line.get("truncated").is_some(), number == 2, "{line}");
    }
}
