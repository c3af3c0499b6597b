//! The server behind nginx and HAProxy, each with its file of `examples/deploy`: what they say of the
//! client arrives, and nobody behind them notices a reload. A proxy that this machine lacks is named,
//! and nothing is tried.
#![allow(clippy::panic, clippy::unwrap_used, reason = "panicking is how a test reports")]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use oxicorn_tests::process::Process;
use oxicorn_tests::{
    Address, Connection, Deadline, Launch, Request, Server, Serving, Signal, Subject,
};
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

use super::deploy::text;

/// Ends with the test.
struct Proxy {
    child: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Not KILL, which would leave the processes of nginx behind.
        Process::new(i32::try_from(self.child.id()).unwrap()).signal(Signal::SIGTERM);
        let ended = Deadline::seconds(10).poll(|| self.child.try_wait().ok().flatten());
        if ended.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Proxy {
    /// With this configuration, made for an address and a folder of its own; none where there is none.
    #[expect(clippy::print_stdout, reason = "says why a test has tried nothing")]
    fn start(
        program: &str,
        options: &[&str],
        config: impl Fn(SocketAddr, &Path) -> String,
    ) -> Option<Proxy> {
        let mut tries = 0..5;
        loop {
            let folder = tempfile::tempdir().unwrap();
            let address = free_address();
            let file = folder.path().join("config");
            std::fs::write(&file, config(address, folder.path())).unwrap();
            let mut command = Command::new(program);
            command.args(options).arg(&file).stdin(Stdio::null()).stdout(Stdio::null());
            let mut child = match command.stderr(Stdio::null()).spawn() {
                Ok(child) => child,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    println!("skipped, not here: {program}");
                    return None;
                }
                Err(error) => panic!("{program}: {error}"),
            };
            let up = Deadline::seconds(20).poll(|| {
                let gone = child.try_wait().unwrap().is_some();
                (gone || TcpStream::connect(address).is_ok()).then_some(!gone)
            });
            let proxy = Proxy { child, address, _folder: folder };
            if up == Some(true) {
                return Some(proxy);
            }
            // Somebody else may have got the port in between.
            assert!(tries.next().is_some(), "{program} does not start");
        }
    }

    fn connect(&self) -> Connection {
        Connection::open(&Address::Tcp(self.address)).unwrap()
    }
}

#[expect(clippy::disallowed_methods, reason = "not the server's socket: nobody inherits it")]
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn threaded() -> Launch {
    let subject = Subject::new(env!("CARGO_BIN_EXE_server"), "threaded", Serving::Threads);
    Launch::of(&subject).workers(2)
}

/// Asks one thing after the other while all workers are replaced. Each has a connection of its own: a
/// proxy closes one that has had many.
fn reload_under_load(server: &Server, proxy: &Proxy) {
    let deadline = Deadline::seconds(30);
    let get = |target| proxy.connect().get(target).unwrap().status;
    server.signal(Signal::SIGHUP);
    while server.error_log().count("Worker exiting") < 2 {
        assert_eq!(get("/read?ms=1"), 200);
        assert!(deadline.remaining().is_some(), "two workers are replaced");
    }
    assert_eq!(get("/"), 200);
}

#[track_caller]
fn field<'a>(echoed: &'a serde_json::Value, name: &str) -> &'a str {
    let fields = echoed["headers"].as_array().unwrap();
    let field = fields.iter().find(|field| field[0] == name);
    field.unwrap_or_else(|| panic!("no {name}: {echoed}"))[1].as_str().unwrap()
}

#[test]
fn nginx_passes_on_what_it_knows() {
    let launch = threaded();
    let socket = launch.folder().join("shop.sock");
    let bind = format!("unix:{}?mode=0666", socket.display());
    let server = launch.listening_at(&bind, Address::Unix(socket.clone())).start();
    let config = |address: SocketAddr, folder: &Path| {
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|what| format!("{what}_temp_path {};\n", folder.join(what).display()));
        let config = text("nginx.conf")
            .replace("listen 80;", &format!("listen {address};"))
            .replace("/run/nginx.pid", folder.join("nginx.pid").to_str().unwrap())
            .replace("/run/shop.sock", socket.to_str().unwrap())
            .replace("access_log off;", &format!("access_log off;\n{}", temporary.concat()));
        // The folders are those of whoever runs the test.
        format!("daemon off;\nuser root;\n{config}")
    };
    let Some(proxy) = Proxy::start("nginx", &["-c"], config) else { return };

    let request = Request::get("/echo/a%20b?c=1").header("X-Forwarded-For", "192.0.2.1");
    let answer = proxy.connect().exchange(&request).unwrap();
    let echoed: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(echoed["target"], "/echo/a%20b?c=1");
    assert_eq!(field(&echoed, "host"), "suite");
    assert_eq!(field(&echoed, "x-forwarded-for"), "127.0.0.1", "not what the client has said");
    assert_eq!(field(&echoed, "x-request-id").len(), 32);
    reload_under_load(&server, &proxy);
}

#[test]
fn haproxy_says_who_the_client_is() {
    let believed = ["--proxy-allow-ips", "127.0.0.1", "--forwarded-allow-ips", "127.0.0.1"];
    let server = threaded().args(["--proxy-protocol", "v2"]).args(believed).spawn();
    server.wait_for_lines("Booting worker with pid: ", 2);
    let Address::Tcp(behind) = server.address().clone() else { panic!("not over TCP") };
    let config = |address: SocketAddr, _: &Path| {
        text("haproxy.cfg")
            .replace("maxconn 20000", "maxconn 100")
            .replace("bind :80", &format!("bind {address}"))
            .replace("10.0.0.11:8000", &behind.to_string())
            .replace("10.0.0.12:8000", &behind.to_string())
    };
    let Some(proxy) = Proxy::start("haproxy", &["-db", "-f"], config) else { return };

    // From another address than HAProxy's own.
    let client = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    client.bind(&SocketAddr::from(([127, 0, 0, 2], 0)).into()).unwrap();
    client.connect(&proxy.address.into()).unwrap();
    let mut client = TcpStream::from(client);
    client.write_all(b"GET /echo/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("x-request-id"), "{answer}");
    let line = server.wait_for_accesses("GET /echo/me ", 1).remove(0);
    assert!(line.starts_with("127.0.0.2 - - ["), "{line}");
    reload_under_load(&server, &proxy);
}
