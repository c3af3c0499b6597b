//! Answers that leave together. Each packet that reaches a client on this machine (a proxy, as a rule)
//! wakes it, and costs the worker the kernel's whole way there and back: after some ten microseconds of
//! an application nothing of that is in the processor's caches any more, nor is anything of the
//! application afterwards. When further requests are at hand, an answer that is complete is therefore
//! given to the kernel with the remark that more follows (`MSG_MORE`, send(2)), and a few of them are
//! pushed one after the other. With Flask that is a third of the processor time of a request.
//!
//! It is the kernel that has the answer meanwhile: it sends it after 200 ms at the latest, and when the
//! process dies. So a handler that is never done with the next request keeps nobody's answer.

use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::{Duration, Instant};

use crate::sys;

/// So many are pushed at once, at most.
const AT_MOST: usize = 32;
/// The first of them waits for so long, at most, and the time that the application takes once.
const FOR: Duration = Duration::from_millis(2);

/// Whether an answer has others behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Company {
    /// Nothing is known to follow.
    #[default]
    None,
    /// Further requests are at hand.
    Follows,
}

/// When what the kernel is given is to leave the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Push {
    /// At once.
    Now,
    /// With what follows: the answers of others, or the end of the connection.
    Later,
}

/// When answers leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Answers {
    /// Each when it is complete.
    #[default]
    Apart,
    /// Several, when further requests are at hand.
    Together,
}

/// The sockets whose answers have not been pushed. See the module.
#[derive(Debug, Default)]
pub(crate) struct Together {
    answers: Answers,
    company: Company,
    /// Numbers, not descriptors: a connection that is closed meanwhile has sent what it had.
    sockets: Vec<RawFd>,
    since: Option<Instant>,
}

impl Together {
    /// From now on answers may leave together.
    pub(crate) fn begin(&mut self) {
        self.answers = Answers::Together;
    }

    /// What is known when a request is handed out.
    pub(crate) fn expect(&mut self, company: Company) {
        self.company = company;
    }

    /// An answer is to be given to this socket: how.
    pub(crate) fn take(&mut self, socket: &impl AsFd, now: Instant) -> Push {
        if (self.answers, self.company) != (Answers::Together, Company::Follows) {
            return Push::Now;
        }
        self.since.get_or_insert(now);
        self.sockets.push(socket.as_fd().as_raw_fd());
        Push::Later
    }

    /// Whether they have waited for long enough.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        let late = self.since.is_some_and(|since| now.saturating_duration_since(since) >= FOR);
        late || self.sockets.len() >= AT_MOST
    }

    /// Sends them on their way.
    pub(crate) fn push(&mut self) {
        self.since = None;
        for socket in self.sockets.drain(..) {
            // One that was closed meanwhile, or is another's by now, loses nothing by it.
            let _ = sys::tcp::push(socket);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use nix::sys::socket::{MsgFlags, send};

    #[expect(clippy::disallowed_methods, reason = "both ends of a connection")]
    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let theirs = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (ours, _) = listener.accept().unwrap();
        (ours, theirs)
    }

    #[test]
    fn what_is_kept_back_leaves_when_it_is_pushed() {
        let (ours, mut theirs) = pair();
        let mut together = Together::default();
        let now = Instant::now();
        together.expect(Company::Follows);
        assert_eq!(together.take(&ours, now), Push::Now, "nobody has asked for it");
        together.begin();
        together.expect(Company::None);
        assert_eq!(together.take(&ours, now), Push::Now, "nobody follows");
        together.expect(Company::Follows);
        assert_eq!(together.take(&ours, now), Push::Later);
        send(ours.as_raw_fd(), b"answer", MsgFlags::from_bits_retain(libc::MSG_MORE)).unwrap();
        theirs.set_nonblocking(true).unwrap();
        let early = theirs.read(&mut [0; 6]).unwrap_err();
        assert_eq!(early.kind(), std::io::ErrorKind::WouldBlock);
        theirs.set_nonblocking(false).unwrap();
        together.push();
        let mut got = [0; 6];
        theirs.read_exact(&mut got).unwrap();
        assert_eq!(&got, b"answer");
    }

    #[test]
    fn a_process_that_ends_keeps_nothing_back() {
        let (ours, mut theirs) = pair();
        send(ours.as_raw_fd(), b"answer", MsgFlags::from_bits_retain(libc::MSG_MORE)).unwrap();
        drop(ours);
        let mut got = Vec::new();
        theirs.read_to_end(&mut got).unwrap();
        assert_eq!(got, b"answer");
        theirs.write_all(b"x").unwrap();
    }

    #[test]
    fn they_wait_for_a_number_or_for_a_time() {
        let (ours, _theirs) = pair();
        let mut together = Together::default();
        together.begin();
        together.expect(Company::Follows);
        let now = Instant::now();
        assert!(!together.is_due(now + FOR), "there is none");
        together.take(&ours, now);
        assert!(!together.is_due(now));
        assert!(together.is_due(now + FOR));
        (1..AT_MOST).for_each(|_| assert_eq!(together.take(&ours, now), Push::Later));
        assert!(together.is_due(now));
        together.push();
        assert!(!together.is_due(now + FOR));
    }
}
