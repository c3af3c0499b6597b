use super::*;
use nix::sys::stat::Mode;
use nix::unistd::{dup2, mkfifo, pipe};
use std::io::Read;
use std::os::fd::OwnedFd;

/// Reads what is there, without waiting for more.
fn drain(mut reader: impl Read) -> String {
    let mut got = Vec::new();
    match reader.read_to_end(&mut got) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
    }
    String::from_utf8(got).unwrap()
}

fn fifo(folder: &Path) -> (PathBuf, File) {
    let path = folder.join("fifo");
    mkfifo(&path, Mode::S_IRWXU).unwrap();
    let mut options = OpenOptions::new();
    let reader = options.read(true).custom_flags(libc::O_NONBLOCK);
    (path.clone(), reader.open(path).unwrap())
}

#[test]
fn lines_that_a_full_pipe_refuses_are_counted_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let (path, reader) = fifo(folder.path());
    let mut sink = Sink::open(&Destination::File(path), LogFormat::Text).unwrap();
    let mut written = 0;
    while sink.lost < 3 {
        sink.write(b"a line of some length\n");
        written += 1;
    }
    assert_eq!(drain(&reader).lines().count(), written - 3);
    sink.write(b"after\n");
    let (report, line) = {
        let got = drain(&reader);
        let (report, line) = got.split_once('\n').unwrap();
        (report.to_owned(), line.to_owned())
    };
    assert!(report.ends_with("[WARNING] 3 lines of this log were lost here"), "{report}");
    assert_eq!((line.as_str(), sink.lost), ("after\n", 0));
}

#[test]
fn a_reader_that_has_gone_is_no_more_than_a_lost_line() {
    let folder = tempfile::tempdir().unwrap();
    let (path, reader) = fifo(folder.path());
    let mut sink = Sink::open(&Destination::File(path), LogFormat::Text).unwrap();
    drop(reader);
    sink.write(b"one\n");
    sink.write(b"two\n");
    assert_eq!(sink.lost, 2);
}

#[test]
fn a_line_taken_in_part_is_ended_before_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut sink = Sink::open(&Destination::File(path.clone()), LogFormat::Text).unwrap();
    sink.write(b"half a li");
    sink.torn = true;
    sink.write(b"whole\n");
    sink.write(b"whole\n");
    assert_eq!(std::fs::read_to_string(path).unwrap(), "half a li\nwhole\nwhole\n");
}

/// How many lines a shared descriptor takes before it refuses one.
fn fill(shared: &mut Shared, fd: &OwnedFd) -> usize {
    let mut taken = 0;
    loop {
        match shared.write(fd.as_fd(), &[b'x'; 4096]) {
            Ok(count) => assert_eq!(count, 4096),
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                return taken;
            }
        }
        taken += 1;
    }
}

#[test]
fn a_shared_descriptor_is_never_waited_for() {
    let identity = |fd: &OwnedFd| fstat(fd).map(|s| (s.st_dev, s.st_ino)).unwrap();
    let (_reader, writer) = pipe().unwrap();
    let mut shared = Shared::default();
    assert!(fill(&mut shared, &writer) > 0, "opened again through /proc");
    assert!(matches!(shared.own, Some((_, Some(_)))));
    let (_reader, writer) = pipe().unwrap();
    let own = Some((identity(&writer), None));
    assert!(fill(&mut Shared { own }, &writer) > 0, "where that is forbidden");
    let (_reader, writer) = std::os::unix::net::UnixStream::pair().unwrap();
    assert!(fill(&mut Shared::default(), &writer.into()) > 0, "a socket, as under systemd");
}

#[test]
fn a_redirected_descriptor_is_followed() {
    let (first, mut writer) = pipe().unwrap();
    let (second, other) = pipe().unwrap();
    let mut shared = Shared::default();
    shared.write(writer.as_fd(), b"one\n").unwrap();
    dup2(&other, &mut writer).unwrap();
    shared.write(writer.as_fd(), b"two\n").unwrap();
    drop((writer, other, shared));
    assert_eq!(drain(File::from(first)), "one\n");
    assert_eq!(drain(File::from(second)), "two\n");
}
