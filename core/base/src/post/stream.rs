//! Messages that a stream has not taken yet. A stream takes bytes, not messages: what it has taken
//! in part goes on where it stopped, and begins again on another connection.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};

use super::Framing;

/// Bytes that may wait.
const ROOM: usize = 256 * 1024;

/// See the module.
#[derive(Debug)]
pub(super) struct Waiting {
    framing: Framing,
    messages: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Of the first message.
    sent: usize,
}

impl Waiting {
    pub(super) fn new(framing: Framing) -> Waiting {
        Waiting { framing, messages: VecDeque::new(), bytes: 0, sent: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.messages.clear();
        (self.bytes, self.sent) = (0, 0);
    }

    /// The connection is a new one.
    pub(super) fn rewind(&mut self) {
        self.sent = 0;
    }

    pub(super) fn has_room_for(&self, message: &[u8]) -> bool {
        self.bytes + message.len() <= ROOM
    }

    pub(super) fn push(&mut self, message: &[u8]) {
        let mut framed = Vec::with_capacity(message.len() + 8);
        match self.framing {
            Framing::Octets => {
                framed.extend_from_slice(itoa::Buffer::new().format(message.len()).as_bytes());
                framed.push(b' ');
                framed.extend_from_slice(message);
            }
            Framing::Line => {
                framed.extend_from_slice(message);
                framed.push(b'\n');
            }
        }
        self.bytes += framed.len();
        self.messages.push_back(framed);
    }

    /// Writes until it would block; gives the number of bytes written.
    ///
    /// # Errors
    /// The connection is broken.
    pub(super) fn write(
        &mut self,
        mut write: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let mut written = 0;
        while let Some(first) = self.messages.front() {
            match write(&first[self.sent..]) {
                Ok(count) => {
                    written += count;
                    self.sent += count;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
            if self.sent == first.len() {
                self.bytes -= first.len();
                self.sent = 0;
                self.messages.pop_front();
            }
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_taken_in_part_goes_on_or_begins_again() {
        let mut waiting = Waiting::new(Framing::Octets);
        waiting.push(b"one");
        waiting.push(b"second");
        let mut got = Vec::new();
        let mut room = 7;
        let mut take = |bytes: &[u8]| {
            let count = bytes.len().min(room);
            room -= count;
            got.extend_from_slice(&bytes[..count]);
            if count == 0 { Err(ErrorKind::WouldBlock.into()) } else { Ok(count) }
        };
        assert_eq!(waiting.write(&mut take).unwrap(), 7);
        assert_eq!(waiting.messages.len(), 1);
        assert_eq!(got, b"3 one6 ");
        waiting.rewind();
        let mut got = Vec::new();
        waiting
            .write(|bytes| {
                got.extend_from_slice(bytes);
                Ok(bytes.len())
            })
            .unwrap();
        assert_eq!(got, b"6 second");
        assert!(waiting.is_empty() && waiting.bytes == 0);
    }

    #[test]
    fn there_is_an_end_to_what_waits() {
        let mut waiting = Waiting::new(Framing::Line);
        let message = [b'x'; 1000];
        while waiting.has_room_for(&message) {
            waiting.push(&message);
        }
        assert!(waiting.bytes > ROOM - 2000 && waiting.bytes < ROOM + 2000);
        assert!(waiting.write(|_| Err(ErrorKind::BrokenPipe.into())).is_err());
        waiting.clear();
        assert!(waiting.is_empty());
    }
}
