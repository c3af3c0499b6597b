//! What the kernel knows of a TCP socket and nobody else does: how long bytes have waited in it, and
//! how many clients wait at it. `TCP_INFO`, tcp(7).

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

use super::check;

fn info(socket: BorrowedFd<'_>) -> io::Result<libc::tcp_info> {
    let mut info = MaybeUninit::<libc::tcp_info>::zeroed();
    let mut length = size_of::<libc::tcp_info>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes, which is the size of what is behind the
    // pointer.
    check(unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &mut length,
        )
    })?;
    // SAFETY: tcp_info is plain numbers for which all zeroes is a value; what an older kernel has
    // not written is zero.
    Ok(unsafe { info.assume_init() })
}

/// How long ago the last bytes of this connection came in from the network, read or not. As coarse
/// as the kernel's tick (1 to 10 ms).
///
/// # Errors
/// Those of getsockopt(2): it is no TCP socket.
pub fn since_last_data(socket: BorrowedFd<'_>) -> io::Result<Duration> {
    Ok(Duration::from_millis(info(socket)?.tcpi_last_data_recv.into()))
}

/// Sends what was given with `MSG_MORE`: setting `TCP_NODELAY` does so, though it is set already
/// (tcp(7)). A number that is no TCP socket of this process is an error and nothing else.
///
/// # Errors
/// Those of setsockopt(2).
pub fn push(socket: RawFd) -> io::Result<()> {
    let yes: libc::c_int = 1;
    // SAFETY: the kernel reads an integer of the length that it is told.
    check(unsafe {
        libc::setsockopt(
            socket,
            libc::IPPROTO_TCP,
            libc::TCP_NODELAY,
            (&raw const yes).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    })?;
    Ok(())
}

/// The queue of a listening socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AcceptQueue {
    /// Connections that wait to be accepted.
    pub waiting: u64,
    /// How many may.
    pub limit: u64,
}

/// The queue of a listening TCP socket.
///
/// # Errors
/// Those of getsockopt(2): it is no TCP socket.
pub fn accept_queue(listener: BorrowedFd<'_>) -> io::Result<AcceptQueue> {
    // Of a listening socket these two fields mean something else than their names say: see
    // tcp_get_info in the kernel's net/ipv4/tcp.c.
    let info = info(listener)?;
    Ok(AcceptQueue { waiting: info.tcpi_unacked.into(), limit: info.tcpi_sacked.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listener::{Listener, ListenerSpec};
    use std::io::Write;
    use std::net::TcpStream;
    use std::os::fd::AsFd;

    #[test]
    fn a_listener_knows_its_queue_and_a_connection_its_last_bytes() {
        let spec: ListenerSpec = "127.0.0.1:0".parse().unwrap();
        let listener = Listener::bind(&spec, &crate::listener::Terms::backlog(7)).unwrap();
        let queue = |waiting| AcceptQueue { waiting, limit: 7 };
        assert_eq!(accept_queue(listener.as_fd()).unwrap(), queue(0));
        let address = listener.address().to_string();
        let mut client = TcpStream::connect(address.strip_prefix("http://").unwrap()).unwrap();
        assert_eq!(accept_queue(listener.as_fd()).unwrap(), queue(1));
        client.write_all(b"x").unwrap();
        let (socket, _) = listener.accept().unwrap();
        assert!(since_last_data(socket.as_fd()).unwrap() < Duration::from_secs(60));
        let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        assert!(since_last_data(one.as_fd()).is_err());
    }
}
