//! What can go wrong between asking and having the answer. The variants are what a test or a count
//! of failures must tell apart: a connection that was closed between two requests is not the same
//! as one that broke in the middle of a response.

use std::fmt;
use std::io;

/// Why there is no response.
#[derive(Debug)]
pub enum ClientError {
    /// No connection.
    Connect(io::Error),
    /// The server reset the connection.
    Reset,
    /// The server closed the connection before the first byte of the response.
    Closed,
    /// The server closed the connection in the middle of the response.
    Short(&'static str),
    /// It took longer than it may.
    TimedOut,
    /// What came is no HTTP/1.1, or not what may come here.
    Malformed(String),
    /// Anything else that the system said.
    Io(io::Error),
}

impl From<io::Error> for ClientError {
    fn from(error: io::Error) -> ClientError {
        match error.kind() {
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected => ClientError::Reset,
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => ClientError::TimedOut,
            _ => ClientError::Io(error),
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::Connect(error) => write!(f, "no connection: {error}"),
            ClientError::Reset => f.write_str("the connection was reset"),
            ClientError::Closed => f.write_str("closed before the response began"),
            ClientError::Short(part) => write!(f, "closed in the middle of {part}"),
            ClientError::TimedOut => f.write_str("timed out"),
            ClientError::Malformed(what) => write!(f, "malformed: {what}"),
            ClientError::Io(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for ClientError {}
