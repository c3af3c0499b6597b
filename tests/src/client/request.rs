//! Requests as bytes. Well-formed ones are built here; a test that wants a bad one writes it out.

use super::Asked;

/// The version of a request or a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
}

#[derive(Clone, Debug)]
enum Body {
    None,
    Whole(Vec<u8>),
    Chunks(Vec<Vec<u8>>),
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    method: String,
    target: String,
    version: Version,
    headers: Vec<(String, String)>,
    body: Body,
}

impl Request {
    /// A request with a `Host` and no body.
    pub fn new(method: &str, target: &str) -> Request {
        Request {
            method: method.to_owned(),
            target: target.to_owned(),
            version: Version::Http11,
            headers: vec![("Host".to_owned(), "suite".to_owned())],
            body: Body::None,
        }
    }

    /// A GET.
    pub fn get(target: &str) -> Request {
        Request::new("GET", target)
    }

    /// In this version of the protocol.
    pub fn version(mut self, version: Version) -> Request {
        self.version = version;
        self
    }

    /// One more header field.
    pub fn header(mut self, name: &str, value: &str) -> Request {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A body with a `Content-Length`.
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Request {
        self.body = Body::Whole(bytes.into());
        self
    }

    /// A chunked body, one chunk for each piece.
    pub fn chunks<P: Into<Vec<u8>>>(mut self, pieces: impl IntoIterator<Item = P>) -> Request {
        self.body = Body::Chunks(pieces.into_iter().map(Into::into).collect());
        self
    }

    /// How its answer is framed.
    pub fn asked(&self) -> Asked {
        match self.method.as_str() {
            "HEAD" => Asked::ForHead,
            _ => Asked::ForAll,
        }
    }

    /// The head alone, for a test that sends the body in its own way.
    pub fn head(&self) -> Vec<u8> {
        let version = match self.version {
            Version::Http10 => "1.0",
            Version::Http11 => "1.1",
        };
        let mut head = format!("{} {} HTTP/{version}\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        match &self.body {
            Body::None => {}
            Body::Whole(bytes) => head.push_str(&format!("Content-Length: {}\r\n", bytes.len())),
            Body::Chunks(_) => head.push_str("Transfer-Encoding: chunked\r\n"),
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    /// The whole request.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head();
        match &self.body {
            Body::None => {}
            Body::Whole(body) => bytes.extend_from_slice(body),
            Body::Chunks(pieces) => {
                for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
                    bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                    bytes.extend_from_slice(piece);
                    bytes.extend_from_slice(b"\r\n");
                }
                bytes.extend_from_slice(b"0\r\n\r\n");
            }
        }
        bytes
    }
}
