//! The codec's work for one request, without a socket: what criterion times and callgrind counts.
//!
//! One turn receives the bytes into the connection's own buffer, reads every request in them to its
//! end, and answers each with a small text, as `Hello, world!` is answered.

use bytes::BytesMut;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use oxicorn_http1::{Conn, Event, HttpDate, Limits, Persistence, ResponseBody, ResponseHead};

/// Bytes as a client sends them, and how many requests are in them.
#[derive(Clone, Debug)]
pub struct Case {
    /// What to call it on the command line.
    pub name: &'static str,
    /// What is received.
    pub bytes: Vec<u8>,
    /// Requests in `bytes`.
    pub requests: u64,
}

const SMALL: &str = "GET /hello?name=world HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\
    User-Agent: wrk/4.2.0\r\nAccept: */*\r\n\r\n";

const BROWSER: &str = "GET /articles/2026/11/?page=2 HTTP/1.1\r\nHost: www.example.org\r\n\
    Connection: keep-alive\r\nCache-Control: max-age=0\r\nUpgrade-Insecure-Requests: 1\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
    Chrome/142.0.0.0 Safari/537.36\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
    Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\n\
    Referer: https://www.example.org/articles/\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-GB,en;q=0.9\r\n\
    Cookie: session=4f9f2b6e0c1d4f6a8b7c; theme=dark; consent=1\r\n\r\n";

/// The cases, from the one that every benchmark shows to the ones that applications meet.
pub fn cases() -> Vec<Case> {
    let case = |name, bytes: Vec<u8>, requests| Case { name, bytes, requests };
    let mut post = b"POST /form HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\
        Content-Type: application/octet-stream\r\nContent-Length: 1024\r\n\r\n"
        .to_vec();
    post.resize(post.len() + 1024, b'x');
    let mut chunked = b"POST /upload HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\
        Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        .to_vec();
    for _ in 0..4 {
        chunked.extend_from_slice(b"1000\r\n");
        chunked.resize(chunked.len() + 0x1000, b'x');
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    vec![
        case("small_get", SMALL.into(), 1),
        case("browser_get", BROWSER.into(), 1),
        case("post_1k", post, 1),
        case("chunked_16k", chunked, 1),
        case("pipelined_16", SMALL.repeat(16).into(), 16),
    ]
}

/// One connection and what its server keeps between requests.
#[derive(Debug)]
pub struct Server {
    conn: Conn,
    headers: HeaderMap,
    date: HttpDate,
    out: BytesMut,
}

impl Default for Server {
    fn default() -> Server {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        Server {
            conn: Conn::new(Limits::default()),
            headers,
            date: HttpDate::new(1_795_000_000),
            out: BytesMut::with_capacity(16 * 1024),
        }
    }
}

impl Server {
    /// Receives `bytes`, which must be whole requests, and answers them; gives the responses.
    ///
    /// # Errors
    /// The requests were not what this benchmark expects.
    pub fn turn(&mut self, bytes: &[u8]) -> Result<&[u8], Box<dyn std::error::Error>> {
        const BODY: &[u8] = b"Hello, world!\n";
        self.out.clear();
        self.conn.buffer().reserve(bytes.len());
        self.conn.receive_data(bytes);
        loop {
            match self.conn.next_event()? {
                Event::NeedData => return Ok(&self.out),
                Event::EndOfMessage(_) => {
                    let head = ResponseHead {
                        status: StatusCode::OK,
                        headers: &self.headers,
                        body: ResponseBody::Fixed(BODY.len() as u64),
                        persistence: Persistence::KeepAlive,
                    };
                    self.conn.send_response(head, &self.date, &mut self.out)?;
                    let frame = self.conn.send_data(BODY.len(), &mut self.out)?;
                    self.out.extend_from_slice(&BODY[..frame.take]);
                    self.conn.send_end(&mut self.out)?;
                    self.conn.start_next_cycle()?;
                }
                event => drop(std::hint::black_box(event)),
            }
        }
    }
}
