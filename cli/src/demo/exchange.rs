//! The upstream's answer, read without a socket: bytes go in, and in the end there is a status and a
//! size. Both forms of the application feed it. Nothing of the content is kept.

use std::io;

use super::chunked::{Chunked, Reached};

const LARGEST_HEAD: usize = 64 * 1024;
const MOST_HEADERS: usize = 100;

/// What the upstream has answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Bytes of content.
    pub(super) size: u64,
}

/// Where an answer ends (RFC 9112 section 6.3).
enum Framing {
    Length { left: u64 },
    Chunked(Chunked),
    UntilClose,
}

struct Content {
    status: u16,
    size: u64,
    framing: Framing,
}

enum State {
    Head(Vec<u8>),
    Content(Content),
}

/// One answer on its way.
pub(super) struct Exchange(State);

impl Default for Exchange {
    fn default() -> Exchange {
        Exchange(State::Head(Vec::new()))
    }
}

fn malformed(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl Exchange {
    /// Takes in some bytes; gives the answer once it is complete.
    pub(super) fn receive(&mut self, bytes: &[u8]) -> io::Result<Option<Answer>> {
        let head = match &mut self.0 {
            State::Content(content) => return content.receive(bytes),
            State::Head(head) => head,
        };
        head.extend_from_slice(bytes);
        while let Some((content, length)) = parse(head)? {
            let mut rest = head.split_off(length);
            match content {
                None => std::mem::swap(head, &mut rest),
                Some(mut content) => {
                    let answer = content.receive(&rest);
                    self.0 = State::Content(content);
                    return answer;
                }
            }
        }
        if head.len() > LARGEST_HEAD {
            return Err(malformed("the head of its answer is too large"));
        }
        Ok(None)
    }

    /// The upstream has closed the connection.
    pub(super) fn end(self) -> io::Result<Answer> {
        match self.0 {
            State::Content(Content { status, size, framing: Framing::UntilClose }) => {
                Ok(Answer { status, size })
            }
            _ => {
                let message = "the connection was closed before the answer was complete";
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, message))
            }
        }
    }
}

/// A complete head and its length; no content for an interim answer, which another one follows.
fn parse(bytes: &[u8]) -> io::Result<Option<(Option<Content>, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(malformed("its answer is not HTTP/1.1")),
    };
    let status = response.code.unwrap_or_default();
    let framing = match status {
        101 => return Err(malformed("it switched protocols unasked")),
        100..200 => return Ok(Some((None, length))),
        204 | 304 => Framing::Length { left: 0 },
        _ => framing(response.headers)?,
    };
    let content = Content { status, size: 0, framing };
    Ok(Some((Some(content), length)))
}

fn framing(headers: &[httparse::Header<'_>]) -> io::Result<Framing> {
    let elements = |name: &'static str| {
        headers
            .iter()
            .filter(move |header| header.name.eq_ignore_ascii_case(name))
            .flat_map(|header| header.value.split(|&b| b == b','))
            .map(<[u8]>::trim_ascii)
    };
    if let Some(coding) = elements("transfer-encoding").next_back() {
        let chunked = coding.eq_ignore_ascii_case(b"chunked");
        let chunked = chunked.then(|| Framing::Chunked(Chunked::default()));
        return Ok(chunked.unwrap_or(Framing::UntilClose));
    }
    let mut length = None;
    for value in elements("content-length") {
        let value = std::str::from_utf8(value).ok().filter(|v| digits(v));
        let value: u64 = value
            .and_then(|v| v.parse().ok())
            .ok_or_else(|| malformed("its Content-Length is not a number"))?;
        if *length.get_or_insert(value) != value {
            return Err(malformed("it has several Content-Lengths"));
        }
    }
    Ok(length.map_or(Framing::UntilClose, |left| Framing::Length { left }))
}

fn digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

impl Content {
    fn receive(&mut self, bytes: &[u8]) -> io::Result<Option<Answer>> {
        let reached = match &mut self.framing {
            Framing::Length { left } => {
                let count = (bytes.len() as u64).min(*left);
                *left -= count;
                self.size += count;
                if *left == 0 { Reached::End } else { Reached::Middle }
            }
            Framing::Chunked(chunked) => {
                let reached = chunked.receive(bytes)?;
                self.size = chunked.size();
                reached
            }
            Framing::UntilClose => {
                self.size += bytes.len() as u64;
                Reached::Middle
            }
        };
        let (status, size) = (self.status, self.size);
        Ok((reached == Reached::End).then_some(Answer { status, size }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer to these bytes, fed whole and byte by byte.
    fn answer(text: &str) -> io::Result<Answer> {
        let run = |step: usize| {
            let mut exchange = Exchange::default();
            for bytes in text.as_bytes().chunks(step) {
                if let Some(answer) = exchange.receive(bytes)? {
                    return Ok(answer);
                }
            }
            exchange.end()
        };
        let (whole, split) = (run(text.len().max(1)), run(1));
        let plain = |result: &io::Result<Answer>| format!("{result:?}");
        assert_eq!(plain(&whole), plain(&split), "{text:?}");
        whole
    }

    #[test]
    fn an_answer_ends_where_its_head_says() {
        for (text, status, size) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcd", 200, 3),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc", 200, 3),
            ("HTTP/1.0 200 OK\r\n\r\nabcd", 200, 4),
            ("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", 404, 0),
            ("HTTP/1.1 204 No\r\n\r\n", 204, 0),
            ("HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n", 304, 0),
            (
                "HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 103 A\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\nab",
                200,
                2,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\nContent-Length: 1\r\n\r\n5;a=b\r\nabcde\r\na\r\n0123456789\r\n0\r\nT: x\r\n\r\n",
                200,
                15,
            ),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc", 200, 3),
        ] {
            assert_eq!(answer(text).unwrap(), Answer { status, size }, "{text:?}");
        }
    }

    #[test]
    fn what_is_not_a_complete_answer_is_an_error() {
        for text in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 100 Go\r\n\r\n",
            "HTTP/1.1 101 Switch\r\n\r\n",
            "SSH-2.0-x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
            "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        ] {
            assert!(answer(text).is_err(), "{text:?}");
        }
        let endless = format!("HTTP/1.1 200 OK\r\nA: {}", "a".repeat(LARGEST_HEAD));
        assert!(Exchange::default().receive(endless.as_bytes()).is_err());
    }
}
