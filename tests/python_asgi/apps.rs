//! How a test gets a server with one of the applications.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use oxicorn_tests::{Address, Launch, Server, Serving, Subject, python};

/// The worker class.
pub(crate) fn subject() -> Subject {
    Subject::new(env!("CARGO_BIN_EXE_server"), "tokio", Serving::Many)
}

/// A server with the application of that name, which needs nothing but the standard library.
pub(crate) fn launch(app: &str) -> Launch {
    launch_with(&python::machine(), app)
}

/// The same with another interpreter.
pub(crate) fn launch_with(python: &Path, app: &str) -> Launch {
    Launch::of(&subject()).python(python, &module(app))
}

/// The file of an application.
pub(crate) fn module(app: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/python_asgi/apps")
        .join(format!("{app}.py"))
}

/// A socket whose reads end.
pub(crate) fn socket(server: &Server) -> TcpStream {
    let Address::Tcp(address) = server.address() else { panic!("it is on TCP") };
    let socket = TcpStream::connect(address).expect("a connection");
    socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a time limit");
    socket
}
