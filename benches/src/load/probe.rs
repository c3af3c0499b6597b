//! One request by itself, before any load: whether a server is there, and has what will be asked for.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::reply::{AtEnd, Malformed, Reader};

/// The status of the answer to a request for `path`; `patience` is for each of the steps.
///
/// # Errors
/// There is no connection, or no whole answer.
pub fn probe(address: SocketAddr, path: &str, patience: Duration) -> io::Result<u16> {
    let mut stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_read_timeout(Some(patience))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    // Up to the answer's end: not every server closes the connection, though it was asked to.
    let mut reader = Reader::default();
    let mut buffer = [0; 16 * 1024];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return match reader.end() {
                AtEnd::Whole(reply) => Ok(reply.status),
                AtEnd::Nothing | AtEnd::Short => Err(io::ErrorKind::UnexpectedEof.into()),
            };
        }
        match reader.feed(&mut &buffer[..count]) {
            Ok(Some(reply)) => return Ok(reply.status),
            Ok(None) => {}
            Err(Malformed) => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}
