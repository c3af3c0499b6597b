//! `/upstream`: input and output over a real socket inside a handler, not only a sleep. This is what
//! is asked and what is said about the answer; each form of the application moves the bytes itself.

use std::io;
use std::time::Duration;

use http::StatusCode;
use http::uri::{Scheme, Uri};
use oxicorn_core::Response;
use oxicorn_core::app::IntoResponse;

use super::allowed::{AllowList, Origin};
use super::exchange::Answer;
use super::plan::Plan;

/// How long connecting may take.
pub(super) const CONNECT: Duration = Duration::from_secs(5);
/// How long the upstream may be silent.
pub(super) const IDLE: Duration = Duration::from_secs(30);
/// How many bytes are read at once.
pub(super) const BUFFER: usize = 16 * 1024;

/// What is to be fetched.
#[derive(Debug)]
pub(super) struct Target {
    origin: Origin,
    request: Vec<u8>,
}

impl Target {
    /// Reads an `http://` address.
    pub(super) fn parse(url: &str) -> Result<Target, &'static str> {
        const MALFORMED: &str = "not an address like http://host:port/path";
        if !url.is_ascii() {
            return Err(MALFORMED);
        }
        let uri: Uri = url.parse().map_err(|_| MALFORMED)?;
        let authority = uri.authority().ok_or(MALFORMED)?;
        if uri.scheme() != Some(&Scheme::HTTP) {
            return Err("only http is spoken here");
        }
        let origin = Origin::of(authority).ok_or(MALFORMED)?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        // A query may follow the host at once; a request target begins with a slash.
        let slash = if path.starts_with('/') { "" } else { "/" };
        let request = format!(
            "GET {slash}{path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: oxicorn-demo\r\n\
             Connection: close\r\n\r\n"
        );
        let request = request.into_bytes();
        Ok(Target { origin, request })
    }
}

/// A fetch that is allowed.
#[derive(Debug)]
pub(super) struct Fetch(Target);

impl Fetch {
    pub(super) fn plan(target: Target, allowed: &AllowList) -> Plan {
        if allowed.allows(&target.origin) {
            return Plan::Fetch(Fetch(target));
        }
        let line = format!("nothing is fetched from {}\n", target.origin);
        Plan::answer((StatusCode::FORBIDDEN, line))
    }

    /// Where to connect to.
    pub(super) fn address(&self) -> (&str, u16) {
        (&self.0.origin.host, self.0.origin.port)
    }

    /// What to send.
    pub(super) fn request(&self) -> &[u8] {
        &self.0.request
    }

    /// What to tell the client.
    pub(super) fn response(&self, result: io::Result<Answer>) -> Response {
        let error = match result {
            Ok(Answer { status, size }) => {
                return format!("status {status}, {size} bytes\n").into_response();
            }
            Err(error) => error,
        };
        let origin = &self.0.origin;
        let line = match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                format!("{origin} did not answer in time\n")
            }
            _ => format!("{origin} did not answer: {error}\n"),
        };
        (StatusCode::BAD_GATEWAY, line).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_line(url: &str) -> String {
        let request = String::from_utf8(Target::parse(url).unwrap().request).unwrap();
        assert!(request.ends_with("\r\nConnection: close\r\n\r\n"));
        request.lines().take(2).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn an_address_becomes_a_request() {
        for (url, line) in [
            ("http://x", "GET / HTTP/1.1|Host: x"),
            ("http://x:81/a?b#c", "GET /a?b HTTP/1.1|Host: x:81"),
            ("http://[::1]:81?b", "GET /?b HTTP/1.1|Host: [::1]:81"),
        ] {
            assert_eq!(first_line(url), line);
        }
        for url in [
            "",
            "/",
            "*",
            "x:81",
            "http://",
            "http:///x",
            "http://u@x/",
            "http://x:0x1/",
            "http://x:99999/",
            "http://x/ y",
            "http://x/\r\nz",
            "http://x/ü",
            "https://x/",
        ] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
    }
}
