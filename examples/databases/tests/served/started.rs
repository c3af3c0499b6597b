//! The example's own way to a PostgreSQL and a Redis: its script, around a command that ends with the
//! test, whatever becomes of that.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use postgres::{Client, NoTls};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/start");
/// What the script says of programs that are not there.
const NOT_INSTALLED: i32 = 2;

/// They end with this.
pub(crate) struct Databases {
    script: Child,
    pub(crate) postgres: String,
    pub(crate) redis: String,
}

impl Drop for Databases {
    fn drop(&mut self) {
        // `cat` ends, then the script.
        drop(self.script.stdin.take());
        let _ = self.script.wait();
    }
}

impl Databases {
    pub(crate) fn connect(&self) -> Client {
        Client::connect(&self.postgres, NoTls).expect("a connection to PostgreSQL")
    }
}

#[expect(clippy::disallowed_methods, reason = "to know which ports are free")]
fn free_ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a listening socket"));
    listeners.map(|listener| listener.local_addr().expect("its address").port())
}

/// `None`: they are not installed, as the script has said on standard error.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
pub(crate) fn start() -> Option<Databases> {
    // Somebody else may get a port before they have it.
    for _ in 0..5 {
        let [postgres, redis] = free_ports().map(|port| port.to_string());
        let mut script = Command::new(SCRIPT)
            .args(["sh", "-c", r#"echo "$POSTGRES"; echo "$REDIS"; exec cat"#])
            .envs([("POSTGRES_PORT", postgres), ("REDIS_PORT", redis)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the script");
        let output = script.stdout.take().expect("it is a pipe");
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        if let (Some(postgres), Some(redis)) = (lines.next(), lines.next()) {
            return Some(Databases { script, postgres, redis });
        }
        if script.wait().expect("its status").code() == Some(NOT_INSTALLED) {
            println!("skipped: there is no PostgreSQL or no Redis");
            return None;
        }
    }
    panic!("the databases do not start");
}
