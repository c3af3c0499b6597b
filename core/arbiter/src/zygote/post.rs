//! How a message goes from one process to the other: as one datagram over a pair of sockets that keep
//! them apart (SOCK_SEQPACKET, unix(7)), and with it descriptors (SCM_RIGHTS). The end of the socket
//! says that the other process has gone, however it went.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg,
    sendmsg, socketpair,
};
use oxicorn_core::sys;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The most descriptors that one message takes: unix(7), SCM_MAX_FD.
pub const MOST_DESCRIPTORS: usize = 253;

/// More than any message of ours has.
const LONGEST: usize = 1 << 18;

/// Why a message was not sent or understood.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The other process has gone.
    #[error("the other process has gone")]
    Gone,
    /// There is none to be read, or no room for one, at this moment.
    #[error("nothing to be read")]
    NotYet,
    /// A system call failed.
    #[error("{0}")]
    System(Errno),
    /// It is no message of ours.
    #[error("not understood: {0}")]
    Strange(String),
}

impl From<Errno> for PostError {
    fn from(errno: Errno) -> PostError {
        match errno {
            Errno::EAGAIN => PostError::NotYet,
            Errno::EPIPE | Errno::ECONNRESET => PostError::Gone,
            other => PostError::System(other),
        }
    }
}

/// The two ends, close-on-exec. The first does not block.
///
/// # Errors
/// Those of socketpair(2).
pub fn pair() -> Result<(OwnedFd, OwnedFd), Errno> {
    let (family, kind) = (AddressFamily::Unix, SockType::SeqPacket);
    let (own, other) = socketpair(family, kind, None, SockFlag::SOCK_CLOEXEC)?;
    let flags = nix::fcntl::OFlag::O_NONBLOCK;
    nix::fcntl::fcntl(&own, nix::fcntl::FcntlArg::F_SETFL(flags))?;
    Ok((own, other))
}

/// Sends one message, and copies of these descriptors.
///
/// # Errors
/// The other process has gone; the message is too long; the system has no room for it.
pub fn send(
    socket: BorrowedFd<'_>,
    message: &impl Serialize,
    descriptors: &[BorrowedFd<'_>],
) -> Result<(), PostError> {
    let strange = |error: serde_json::Error| PostError::Strange(error.to_string());
    let bytes = serde_json::to_vec(message).map_err(strange)?;
    let numbers: Vec<RawFd> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&numbers)];
    let rights = if numbers.is_empty() { &[][..] } else { &rights };
    let slices = [IoSlice::new(&bytes)];
    loop {
        match sendmsg::<()>(socket.as_raw_fd(), &slices, rights, MsgFlags::MSG_NOSIGNAL, None) {
            Ok(_) => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Receives one message, and the descriptors that came with it, which are close-on-exec.
///
/// # Errors
/// The other process has gone; there is no message yet, of a socket that does not block; the message
/// is none of type `T`.
pub fn receive<T: DeserializeOwned>(
    socket: BorrowedFd<'_>,
) -> Result<(T, Vec<OwnedFd>), PostError> {
    let mut bytes = vec![0; LONGEST];
    let mut space = cmsg_space!([RawFd; MOST_DESCRIPTORS]);
    let (length, numbers) = loop {
        let mut slices = [IoSliceMut::new(&mut bytes)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        match recvmsg::<()>(socket.as_fd().as_raw_fd(), &mut slices, Some(&mut space), flags) {
            Ok(received) => {
                let mut numbers: Vec<RawFd> = Vec::new();
                for message in received.cmsgs()? {
                    if let ControlMessageOwned::ScmRights(more) = message {
                        numbers.extend(more);
                    }
                }
                break (received.bytes, numbers);
            }
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    };
    let descriptors = numbers.into_iter().map(sys::received).collect();
    match serde_json::from_slice(&bytes[..length]) {
        _ if length == 0 => Err(PostError::Gone),
        Ok(message) => Ok((message, descriptors)),
        Err(error) => Err(PostError::Strange(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zygote::words::{Answer, Fork};

    #[test]
    fn messages_arrive_one_by_one_with_their_descriptors() {
        let (own, other) = pair().unwrap();
        let order = Fork { slot: 7, age: 1, addresses: vec!["unix:/x".to_owned()] };
        let file = tempfile::tempfile().unwrap();
        send(own.as_fd(), &order, &[file.as_fd(), file.as_fd()]).unwrap();
        send(own.as_fd(), &order, &[]).unwrap();
        let (read, descriptors) = receive::<Fork>(other.as_fd()).unwrap();
        assert_eq!((read, descriptors.len()), (order, 2));
        assert_eq!(receive::<Fork>(other.as_fd()).unwrap().1.len(), 0);
        assert!(matches!(receive::<Answer>(own.as_fd()), Err(PostError::NotYet)));
        drop(own);
        assert!(matches!(receive::<Fork>(other.as_fd()), Err(PostError::Gone)));
        assert!(matches!(send(other.as_fd(), &Answer::Ready, &[]), Err(PostError::Gone)));
    }

    #[test]
    fn what_is_something_else_is_refused() {
        let (own, other) = pair().unwrap();
        send(other.as_fd(), &"hello", &[]).unwrap();
        assert!(matches!(receive::<Answer>(own.as_fd()), Err(PostError::Strange(_))));
    }
}
