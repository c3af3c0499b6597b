//! Every answer in every split: an answer that is taken for longer than it is shows as a timeout of
//! the server's, one that is taken for shorter as two errors.

use super::*;

const KEEP: After = After::Keep;
const CLOSE: After = After::Close;

/// Answers, how the connection ends behind them, and what they are.
type Row = (&'static [u8], AtEnd, &'static [(u16, After)]);

const CASES: &[Row] = &[
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", AtEnd::Nothing, &[(200, KEEP)]),
    (
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nConnection: close\r\n\r\n",
        AtEnd::Nothing,
        &[(200, CLOSE)],
    ),
    (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1a;x=y\r\n\
          abcdefghijklmnopqrstuvwxyz\r\n0\r\nDate: x\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno",
        AtEnd::Nothing,
        &[(200, KEEP), (404, KEEP)],
    ),
    (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\n\
          Content-Length: 100\r\n\r\n",
        AtEnd::Nothing,
        &[(204, CLOSE), (304, KEEP)],
    ),
    (
        b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive, x\r\nContent-Length: 1\r\n\r\n.",
        AtEnd::Nothing,
        &[(200, KEEP)],
    ),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n.", AtEnd::Nothing, &[(200, CLOSE)]),
    (
        b"HTTP/1.0 200 OK\r\n\r\nall that comes",
        AtEnd::Whole(Reply { status: 200, after: CLOSE }),
        &[],
    ),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", AtEnd::Short, &[]),
    (b"HTTP/1.1 200 OK\r\nContent-Le", AtEnd::Short, &[]),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", AtEnd::Short, &[]),
];

fn read(pieces: &[&[u8]]) -> (Vec<(u16, After)>, AtEnd) {
    let mut reader = Reader::default();
    let mut replies = Vec::new();
    for piece in pieces {
        let mut data = *piece;
        while let Some(reply) = reader.feed(&mut data).unwrap() {
            replies.push((reply.status, reply.after));
        }
        assert!(data.is_empty());
    }
    (replies, reader.end())
}

#[test]
fn every_answer_is_read_in_every_split() {
    for (bytes, end, replies) in CASES {
        let expected = (replies.to_vec(), *end);
        assert_eq!(read(&[bytes]), expected);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(&single), expected);
        for first in 0..bytes.len() {
            for second in first..bytes.len() {
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(read(&pieces), expected, "{first} {second}");
            }
        }
    }
}

#[test]
fn what_is_no_answer_is_malformed() {
    for bytes in [
        &b"hello\r\n\r\n"[..],
        b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\n",
    ] {
        let mut data = bytes;
        assert_eq!(Reader::default().feed(&mut data), Err(Malformed));
    }
}
