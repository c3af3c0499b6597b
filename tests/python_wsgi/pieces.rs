//! What is yielded is sent as it is yielded.

use std::io::Write;

use oxicorn_tests::Asked;
use oxicorn_tests::client::Framing;

use crate::apps::{Class, make_fifo};

#[test]
fn each_piece_is_sent_before_the_next_one_is_asked_for() {
    for class in Class::ALL {
        for (target, framing) in [("/chunked", Framing::Chunked), ("/length", Framing::Length(13))]
        {
            let launch = class.launch("flushing");
            let fifo = launch.folder().join("fifo");
            make_fifo(&fifo);
            let server = launch.start();
            let mut connection = server.connect();
            connection
                .send(format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes())
                .expect("sent");
            connection.wait_for_bytes().expect("the first piece");
            let mut writer = std::fs::OpenOptions::new().write(true).open(&fifo).expect("the fifo");
            writer.write_all(b"second\n").expect("written");
            drop(writer);
            let response = connection.receive(Asked::ForAll).expect("a response");
            assert_eq!((response.framing, response.text().as_ref()), (framing, "first\nsecond\n"));
        }
    }
}
