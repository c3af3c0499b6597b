//! `wsgi.file_wrapper`.

use oxicorn_tests::client::Framing;
use oxicorn_tests::{Launch, Server};

use crate::apps::Class;

const LENGTH: usize = 3_000_000;

fn data() -> Vec<u8> {
    (0..LENGTH).map(|n| (n * 7 % 251) as u8).collect()
}

fn start(launch: Launch) -> Server {
    std::fs::write(launch.folder().join("data"), data()).expect("a file");
    launch.start()
}

#[test]
fn a_file_is_sent_from_where_it_stands() {
    let all = data();
    for class in Class::ALL {
        let server = start(class.launch("files"));
        let length = |bytes: usize| Framing::Length(bytes as u64);
        for (target, framing, body) in [
            ("/whole", length(LENGTH), &all[..]),
            ("/rest", length(LENGTH - 500), &all[500..]),
            ("/part", length(1000), &all[500..1500]),
            ("/end", length(0), &all[..0]),
            ("/memory", Framing::Chunked, &all[..]),
            ("/iterated", Framing::Chunked, &all[..]),
        ] {
            let response = server.get(target);
            assert_eq!((response.status, response.framing), (200, framing), "{class:?} {target}");
            assert!(response.body == body, "{class:?} {target}");
        }
        assert!(server.get("/proc").text().contains("VmRSS"), "what has no size is read");
    }
}

#[test]
fn nothing_stays_open() {
    for class in Class::ALL {
        let server = start(class.launch("files"));
        let worker = server.worker();
        server.get("/whole");
        let open =
            || std::fs::read_dir(format!("/proc/{}/fd", worker.pid())).expect("its descriptors");
        let files = |_: &()| {
            let links = open().flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok());
            links.filter(|link| link.ends_with("data")).count()
        };
        for target in ["/whole", "/part", "/iterated"] {
            for _ in 0..3 {
                server.get(target);
            }
        }
        let deadline = oxicorn_tests::Deadline::seconds(10);
        deadline.expect("the files are closed", || (files(&()) == 0).then_some(()));
    }
}
