//! A small HTTP/1.1 client that trusts nobody. A real client forgives what it can understand; this
//! one is the judge of what the server writes, so whatever is not well-formed by RFC 9112 is an
//! error, and so is every byte where there should be none. It never reconnects and never retries:
//! what becomes of a connection is what the tests are about.

mod error;
mod head;
mod request;
mod response;
mod stream;

pub use error::ClientError;
pub use request::{Request, Version};
pub use response::{After, Framing, Response};

use std::time::Duration;

use crate::deadline::Deadline;
use crate::harness::Address;
use head::Head;
use stream::{Incoming, Stream};

/// How long one exchange may take, unless a connection is told otherwise.
const PATIENT: Duration = Duration::from_secs(20);

/// What was asked, as far as it decides how an answer is framed (RFC 9112, section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A HEAD request: the answer has no body, whatever its head says.
    ForHead,
    /// Any other request.
    ForAll,
}

/// A connection to a server.
#[derive(Debug)]
pub struct Connection {
    incoming: Incoming,
    patience: Duration,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// What connect(2) said.
    pub fn open(address: &Address) -> Result<Connection, ClientError> {
        let stream = Stream::connect(address, Deadline::after(PATIENT))?;
        Ok(Connection::over(stream))
    }

    pub(crate) fn over(stream: Stream) -> Connection {
        Connection { incoming: Incoming::new(stream), patience: PATIENT }
    }

    /// Lets every following exchange take so long.
    pub fn patience(mut self, patience: Duration) -> Connection {
        self.patience = patience;
        self
    }

    fn deadline(&self) -> Deadline {
        Deadline::after(self.patience)
    }

    /// Writes these bytes.
    ///
    /// # Errors
    /// The server does not take them: it has gone, or they are still there at the deadline.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        let deadline = self.deadline();
        self.incoming.stream().write_all(bytes, deadline)
    }

    /// Says that nothing more will be sent.
    ///
    /// # Errors
    /// What shutdown(2) said.
    pub fn finish_sending(&mut self) -> Result<(), ClientError> {
        self.incoming.stream().finish_sending()
    }

    /// Reads the final response to a request; the interim ones before it are kept with it.
    ///
    /// # Errors
    /// There is none, or it is not well-formed.
    pub fn receive(&mut self, asked: Asked) -> Result<Response, ClientError> {
        let mut body = Vec::new();
        let mut response =
            self.receive_into(asked, &mut |piece: &[u8]| body.extend_from_slice(piece))?;
        response.body = body;
        Ok(response)
    }

    /// As [`Connection::receive`], for a body that is not to be kept: `sink` gets its pieces.
    ///
    /// # Errors
    /// There is none, or it is not well-formed.
    pub fn receive_into(
        &mut self,
        asked: Asked,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<Response, ClientError> {
        let deadline = self.deadline();
        let mut interim = Vec::new();
        loop {
            let head = Head::read(&mut self.incoming, deadline)?;
            let framing = Framing::of(&head, asked)?;
            if (100..200).contains(&head.status) {
                interim.push(head.status);
                continue;
            }
            let trailers = response::read_body(&mut self.incoming, framing, deadline, sink)?;
            return Ok(Response::assemble(head, framing, interim, trailers));
        }
    }

    /// Waits until a response begins, and reads none of it.
    ///
    /// # Errors
    /// None does.
    pub fn wait_for_bytes(&mut self) -> Result<(), ClientError> {
        let deadline = self.deadline();
        match self.incoming.peek(deadline)? {
            [] => Err(ClientError::Closed),
            _ => Ok(()),
        }
    }

    /// Whether the server has closed or reset an idle connection by now.
    pub fn has_ended(&mut self) -> bool {
        let at_once = Deadline::after(Duration::from_millis(1));
        matches!(self.incoming.peek(at_once), Ok([]) | Err(ClientError::Reset))
    }

    /// Reads one interim response (1xx) and gives its status.
    ///
    /// # Errors
    /// There is none, or something else comes first.
    pub fn receive_interim(&mut self) -> Result<u16, ClientError> {
        let deadline = self.deadline();
        let head = Head::read(&mut self.incoming, deadline)?;
        match head.status {
            100..200 => Ok(head.status),
            status => Err(ClientError::Malformed(format!("{status} and not 1xx"))),
        }
    }

    /// Sends a request and reads its response. A server that answers early and closes is heard out.
    ///
    /// # Errors
    /// There is no response, or it is not well-formed.
    pub fn exchange(&mut self, request: &Request) -> Result<Response, ClientError> {
        match self.send(&request.bytes()) {
            Ok(()) => self.receive(request.asked()),
            Err(ClientError::Reset) => match self.receive(request.asked()) {
                Err(ClientError::Closed) => Err(ClientError::Closed),
                Err(_) => Err(ClientError::Reset),
                response => response,
            },
            Err(error) => Err(error),
        }
    }

    /// Sends a GET and reads its response.
    ///
    /// # Errors
    /// There is no response, or it is not well-formed.
    pub fn get(&mut self, target: &str) -> Result<Response, ClientError> {
        self.exchange(&Request::get(target))
    }

    /// Waits for the server to close, and sees that it says nothing more before that.
    ///
    /// # Errors
    /// It says something, resets the connection, or does not close.
    pub fn expect_end(&mut self) -> Result<(), ClientError> {
        let deadline = self.deadline();
        match self.incoming.peek(deadline)? {
            [] => Ok(()),
            more => Err(ClientError::Malformed(format!(
                "more bytes where the connection should have ended: {:?}",
                String::from_utf8_lossy(more)
            ))),
        }
    }
}

#[cfg(test)]
mod tests;
