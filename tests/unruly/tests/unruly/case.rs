//! What is tested, and the two questions that most rows ask: what came before the connection was
//! closed, and whether it can still be used.

use oxicorn_tests::client::After;
use oxicorn_tests::{
    Asked, ClientError, Connection, Launch, Request, Response, Server, Serving, Subject,
};

/// Which forms the application has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Both,
    BlockingOnly,
}

pub(crate) struct Case {
    subject: Subject,
    form: Form,
}

/// How often a class that keeps connections only while it is fast may give one up.
const TRIES: usize = 400;

impl Case {
    pub(crate) fn new(binary: &str, class: &str, serving: Serving, form: Form) -> Case {
        let subject =
            Subject { binary: binary.into(), class: class.to_owned(), serving, hosted: None };
        Case { subject, form }
    }

    pub(crate) fn launch(&self) -> Launch {
        let launch = Launch::of(&self.subject);
        match self.form {
            Form::Both => launch,
            Form::BlockingOnly => launch.env("UNRULY_FORM", "blocking"),
        }
    }

    pub(crate) fn start(&self) -> Server {
        self.launch().start()
    }

    /// Asks, and asks for `/` on the same connection, which must be answered right. Tells how often
    /// the request was sent: a class that serves inline gives connections up, and says so.
    pub(crate) fn ask_and_go_on(&self, server: &Server, request: &Request) -> (Response, usize) {
        let tries = match self.subject.serving {
            Serving::Inline => TRIES,
            Serving::Threads | Serving::Many => 1,
        };
        for tried in 1..=tries {
            let mut connection = server.connect();
            let response = answer(&mut connection, request);
            if response.after() == After::Keep {
                let hello = answer(&mut connection, &Request::get("/"));
                assert_eq!((hello.status, hello.text().as_str()), (200, "hello\n"), "{request:?}");
                return (response, tried);
            }
            connection.expect_end().expect("the end that was announced");
        }
        panic!("the connection was not kept after {request:?}");
    }
}

#[track_caller]
fn answer(connection: &mut Connection, request: &Request) -> Response {
    match connection.exchange(request) {
        Ok(response) => response,
        Err(error) => panic!("{error}: {request:?}"),
    }
}

/// What comes of a body that is never completed.
#[track_caller]
pub(crate) fn unfinished_body(server: &Server, bytes: &[u8]) -> String {
    let mut connection = server.connect();
    connection.send(bytes).expect("the request");
    let mut body = Vec::new();
    let mut sink = |piece: &[u8]| body.extend_from_slice(piece);
    match connection.receive_into(Asked::ForAll, &mut sink) {
        Err(ClientError::Short(_)) => {}
        other => panic!("not cut short: {other:?}"),
    }
    String::from_utf8(body).expect("text")
}

/// A GET whose answer may be the last.
pub(crate) fn get(server: &Server, target: &str) -> Response {
    server.ask(&Request::get(target).header("Connection", "close"))
}

/// Sees that the server is as well as before.
#[track_caller]
pub(crate) fn assert_serves(server: &Server) {
    assert_eq!(get(server, "/").text(), "hello\n");
}
