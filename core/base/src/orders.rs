//! What a worker process is told to do. The arbiter crate owns the signal handlers, in the worker
//! too; a handler writes the one byte of its order into this pipe, and everything else happens in
//! the worker's loop.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;

use nix::fcntl::OFlag;
use nix::unistd::{pipe2, read};

/// An order, and the byte that stands for it in the pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Order {
    /// Stop accepting, answer what was accepted, leave.
    Graceful = b'g',
    /// Leave now.
    Quick = b'q',
    /// Open the log files again by name.
    Reopen = b'r',
}

impl Order {
    fn from_byte(byte: u8) -> Option<Order> {
        [Order::Graceful, Order::Quick, Order::Reopen].into_iter().find(|&o| o as u8 == byte)
    }
}

/// The reading end of a worker's orders.
#[derive(Debug)]
pub struct Orders(OwnedFd);

/// Who is told of each order before it is followed.
type Witness = Box<dyn Fn(Order) + Send + Sync>;

static WITNESS: OnceLock<Witness> = OnceLock::new();

/// Has `witness` be told of each order that comes to this process, before it is followed. There can be
/// one; a second is ignored.
pub fn witness(witness: impl Fn(Order) + Send + Sync + 'static) {
    let _ = WITNESS.set(Box::new(witness));
}

impl Orders {
    /// A new pipe: the orders, and the end that the signal handlers write to.
    ///
    /// # Errors
    /// Those of pipe2(2).
    pub fn channel() -> io::Result<(Orders, OwnedFd)> {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        Ok((Orders(reader), writer))
    }

    /// The next order, if one has come.
    pub fn next(&self) -> Option<Order> {
        let mut byte = [0];
        loop {
            match read(&self.0, &mut byte) {
                Ok(1) => match Order::from_byte(byte[0]) {
                    None => continue,
                    Some(order) => {
                        WITNESS.get().into_iter().for_each(|witness| witness(order));
                        return Some(order);
                    }
                },
                _ => return None,
            }
        }
    }
}

impl AsFd for Orders {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::unistd::write;

    #[test]
    fn orders_come_in_the_order_given() {
        let (orders, writer) = Orders::channel().unwrap();
        assert_eq!(orders.next(), None);
        write(&writer, &[Order::Reopen as u8, b'?', Order::Graceful as u8]).unwrap();
        assert_eq!(orders.next(), Some(Order::Reopen));
        assert_eq!(orders.next(), Some(Order::Graceful));
        assert_eq!(orders.next(), None);
    }
}
