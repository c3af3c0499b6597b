//! A Redis of the test's own, if one is installed.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use oxicorn_tests::Deadline;

/// Ends with the test.
pub(crate) struct Redis {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `None`: there is no `redis-server` on the path.
pub(crate) fn start() -> Option<Redis> {
    let mut tries = 0..5;
    loop {
        let address = super::listener().local_addr().expect("its address");
        let mut child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--port", &address.port().to_string()])
            .stdout(Stdio::null())
            .spawn()
            .ok()?;
        let up = Deadline::seconds(20).poll(|| {
            let gone = child.try_wait().expect("its state").is_some();
            let up = std::net::TcpStream::connect(address).is_ok();
            (gone || up).then_some(!gone)
        });
        if up == Some(true) {
            return Some(Redis { child, address });
        }
        // Somebody else may have got the port in between.
        let _ = child.kill();
        let _ = child.wait();
        assert!(tries.next().is_some(), "redis-server does not start");
    }
}
