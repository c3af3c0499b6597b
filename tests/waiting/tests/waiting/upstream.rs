//! The other end of what the application asks.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread::Builder;
use std::time::{Duration, Instant};

use oxicorn_tests::Deadline;

/// What it says.
pub(crate) const WORD: &str = "upstream";
/// How long that takes it, when it does so by itself.
const TAKES: Duration = Duration::from_millis(50);

/// A listening socket whose connections the test takes one by one.
pub(crate) struct Upstream(TcpListener);

impl Upstream {
    #[expect(clippy::disallowed_methods, reason = "the other end of a test")]
    pub(crate) fn open() -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listening socket");
        listener.set_nonblocking(true).expect("a socket that can be polled");
        Upstream(listener)
    }

    pub(crate) fn address(&self) -> String {
        self.0.local_addr().expect("its address").to_string()
    }

    /// The next connection, once the application has made it.
    #[track_caller]
    pub(crate) fn accept(&self) -> TcpStream {
        Deadline::seconds(20).expect("a connection", || self.made())
    }

    /// A connection that was made by now.
    pub(crate) fn made(&self) -> Option<TcpStream> {
        Some(self.0.accept().ok()?.0)
    }

    /// From now on each connection is told the word, and closed, 50 ms after it was made.
    pub(crate) fn answers(self) {
        let (sender, connections) = channel();
        self.0.set_nonblocking(false).expect("a socket that waits");
        let next = move || Some((self.made()?, Instant::now() + TAKES));
        let accept = move || while next().is_some_and(|next| sender.send(next).is_ok()) {};
        thread("accepts", accept);
        thread("answers", move || answer_all(&connections));
    }
}

fn thread(name: &str, code: impl FnOnce() + Send + 'static) {
    Builder::new().name(name.to_owned()).spawn(code).expect("a thread");
}

fn answer_all(connections: &Receiver<(TcpStream, Instant)>) {
    for (mut connection, due) in connections {
        while let Some(left @ 1..) =
            due.checked_duration_since(Instant::now()).map(|left| left.as_nanos())
        {
            std::thread::park_timeout(Duration::from_nanos(left as u64));
        }
        // Whoever was to hear it may have gone.
        let _ = connection.write_all(WORD.as_bytes());
    }
}
