//! The other end of TLS connections: it reads all of the question, waits until as many have asked as it
//! was told, and answers. So whoever holds the thread while it waits gets no answer at all.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Barrier};
use std::thread;

use oxicorn_tests::Launch;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

/// Of an answer: several records.
pub(crate) const ANSWER: usize = 60_000;
const QUESTION: usize = 40_000;

/// See the module. What it shows of itself lies in a folder.
pub(crate) struct Upstream {
    folder: TempDir,
    port: u16,
}

fn config(folder: &Path) -> Arc<ServerConfig> {
    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]);
    let own = own.expect("a certificate");
    std::fs::write(folder.join("upstream.der"), own.cert.der()).expect("its file");
    std::fs::write(folder.join("upstream.pem"), own.cert.pem()).expect("its file");
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().expect("versions");
    let chain = vec![CertificateDer::from(own.cert.der().to_vec())];
    Arc::new(config.with_no_client_auth().with_single_cert(chain, key).expect("a configuration"))
}

/// A question of plain bytes has a known length, one in HTTP an end.
fn is_whole(question: &[u8]) -> bool {
    question.len() >= QUESTION || question.ends_with(b"\r\n\r\n")
}

fn serve(stream: TcpStream, config: Arc<ServerConfig>, all: &Barrier) {
    let connection = ServerConnection::new(config).expect("a connection");
    let mut stream = StreamOwned::new(connection, stream);
    let mut question = Vec::new();
    let mut piece = [0; 4096];
    while !is_whole(&question) {
        match stream.read(&mut piece) {
            Ok(length @ 1..) => question.extend_from_slice(&piece[..length]),
            _ => return,
        }
    }
    all.wait();
    let mut answer = String::new();
    if question.starts_with(b"GET ") {
        let _ = write!(
            answer,
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {ANSWER}\r\n\r\n"
        );
    }
    answer.push_str(&"!".repeat(ANSWER));
    let _ = stream.write_all(answer.as_bytes());
    stream.conn.send_close_notify();
    let _ = stream.flush();
}

impl Upstream {
    /// One that answers so many at a time.
    #[expect(clippy::disallowed_methods, reason = "the other end of a test")]
    pub(crate) fn start(at_once: usize) -> Upstream {
        let folder = tempfile::tempdir().expect("a folder");
        let config = config(folder.path());
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listening socket");
        let port = listener.local_addr().expect("its address").port();
        let all = Arc::new(Barrier::new(at_once));
        let accept = move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (config, all) = (config.clone(), all.clone());
                let _ = thread::Builder::new().spawn(move || serve(stream, config, &all));
            }
        };
        thread::Builder::new().spawn(accept).expect("a thread");
        Upstream { folder, port }
    }

    /// Tells a server of it.
    pub(crate) fn known_to(&self, launch: Launch) -> Launch {
        let stem = self.folder.path().join("upstream");
        let stem = stem.to_str().expect("a path that is text");
        launch.env("UPSTREAM", &self.port.to_string()).env("CERTIFICATE", stem)
    }
}
