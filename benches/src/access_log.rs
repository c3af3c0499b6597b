//! The access log's work for one request, as a browser sends it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use oxicorn_core::access_log::{AccessLog, AccessWriter, RequestLine};
use oxicorn_core::config::{Config, Destination, LogFormat};
use oxicorn_core::listener::Peer;

/// One thread that logs the same request again and again.
#[derive(Debug)]
pub struct Logger {
    writer: AccessWriter,
    headers: HeaderMap,
    target: Bytes,
    peer: Peer,
    /// Dropped last: the writer hands over to it what it holds.
    _log: AccessLog,
}

impl Logger {
    /// A log in this format that goes nowhere.
    ///
    /// # Errors
    /// There is no /dev/null, or no thread to be had.
    pub fn new(log_format: LogFormat) -> io::Result<Logger> {
        let accesslog = Some(Destination::File("/dev/null".into()));
        let config = Config { accesslog, log_format, ..Config::default() };
        let log = AccessLog::open(&config)?.ok_or(io::ErrorKind::NotFound)?;
        let mut headers = HeaderMap::new();
        let fields: [(HeaderName, &'static str); 4] = [
            (header::HOST, "www.example.org"),
            (header::USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"),
            (header::REFERER, "https://www.example.org/articles/"),
            (header::ACCEPT, "*/*"),
        ];
        for (name, value) in fields {
            headers.insert(name, HeaderValue::from_static(value));
        }
        Ok(Logger {
            writer: log.writer(),
            headers,
            target: Bytes::from_static(b"/articles/2026/11/?page=2"),
            peer: Peer::Tcp(SocketAddr::from(([192, 0, 2, 1], 4711))),
            _log: log,
        })
    }

    /// Logs it once.
    pub fn log(&mut self) {
        let mut pending = self.writer.begin(RequestLine {
            method: &Method::GET,
            target: &self.target,
            version: Version::HTTP_11,
            headers: &self.headers,
            peer: &self.peer,
        });
        if pending.wants_queue_time() {
            pending.waited(Duration::ZERO);
        }
        self.writer.respond(&mut pending, StatusCode::OK, &self.headers);
        self.writer.finish(pending, 5123, Duration::from_micros(731));
        // The end of a turn.
        self.writer.flush();
    }
}
