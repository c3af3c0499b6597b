//! TLS by rustls over a `TcpStream`, by itself and within an HTTP client. `UPSTREAM` is a port of the
//! test's, `CERTIFICATE` a file without its ending.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Arc, LazyLock};

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::variable;

/// What is asked, and more than a record holds of it.
pub(crate) static QUESTION: [u8; 40_000] = [b'?'; 40_000];

fn certificate() -> Vec<u8> {
    std::fs::read(format!("{}.der", variable("CERTIFICATE"))).unwrap()
}

pub(crate) fn port() -> u16 {
    variable("UPSTREAM").parse().unwrap()
}

pub(crate) fn connected() -> TcpStream {
    TcpStream::connect(("localhost", port())).unwrap()
}

pub(crate) fn resolved() -> bool {
    ("localhost", 80).to_socket_addrs().unwrap().next().is_some()
}

pub(crate) fn rustls() -> String {
    static CONFIG: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(certificate())).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap();
        Arc::new(config.with_root_certificates(roots).with_no_client_auth())
    });
    let name = "localhost".try_into().unwrap();
    let connection = ClientConnection::new(CONFIG.clone(), name).unwrap();
    let mut stream = StreamOwned::new(connection, connected());
    stream.write_all(&QUESTION).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    format!("{} {}", text.len(), text.chars().all(|character| character == '!'))
}

pub(crate) fn ureq() -> String {
    let certificate = certificate();
    let certificate = ureq::tls::Certificate::from_der(&certificate).to_owned();
    let roots = ureq::tls::RootCerts::new_with_certs(&[certificate]);
    let tls = ureq::tls::TlsConfig::builder().root_certs(roots).build();
    let agent: ureq::Agent = ureq::Agent::config_builder().tls_config(tls).build().into();
    let url = format!("https://localhost:{}/", port());
    agent.get(&url).call().unwrap().body_mut().read_to_string().unwrap()
}
