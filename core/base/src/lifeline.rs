//! Two pipes between the master and its workers. Through the *lifeline* nothing is ever written: its
//! only writing end is the master's, so a worker that reads its end knows that the master died,
//! however it died. Through the *doorbell* a worker wakes the master to look at the scoreboard: when
//! it is ready, and when something there has changed that should not wait for the next tick.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use nix::fcntl::OFlag;
use nix::unistd::{pipe2, read, write};

/// Both ends of both pipes, made before the first fork and kept for the master's life.
#[derive(Debug)]
pub struct MasterLifeline {
    life: (OwnedFd, OwnedFd),
    bell: (OwnedFd, OwnedFd),
}

impl MasterLifeline {
    /// New pipes, close-on-exec and non-blocking.
    ///
    /// # Errors
    /// Those of pipe2(2).
    pub fn new() -> io::Result<MasterLifeline> {
        let flags = OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        Ok(MasterLifeline { life: pipe2(flags)?, bell: pipe2(flags)? })
    }

    /// Readable when a worker has rung.
    pub fn bell(&self) -> BorrowedFd<'_> {
        self.bell.0.as_fd()
    }

    /// Takes all rings at once.
    pub fn silence(&self) {
        while matches!(read(&self.bell.0, &mut [0; 256]), Ok(256)) {}
    }

    /// The worker's ends, of the lifeline and of the doorbell, to be passed to a process that is no
    /// copy of this one: see [`Lifeline::of`].
    pub fn ends(&self) -> [BorrowedFd<'_>; 2] {
        [self.life.0.as_fd(), self.bell.1.as_fd()]
    }

    /// In the forked child: keeps the worker's ends and closes the master's.
    pub fn into_worker(self) -> Lifeline {
        Lifeline { life: self.life.0, bell: Bell(Arc::new(self.bell.1)) }
    }
}

/// A worker's ends.
#[derive(Debug)]
pub struct Lifeline {
    life: OwnedFd,
    bell: Bell,
}

/// The worker's end of the doorbell alone, for whoever else in it has something to tell.
#[derive(Clone, Debug)]
pub struct Bell(Arc<OwnedFd>);

impl Bell {
    /// Wakes the master. A full pipe is as good as a ring.
    pub fn ring(&self) {
        let _ = write(&*self.0, b"!");
    }
}

impl Lifeline {
    /// Of the two ends that [`MasterLifeline::ends`] has given.
    pub fn of(life: OwnedFd, bell: OwnedFd) -> Lifeline {
        Lifeline { life, bell: Bell(Arc::new(bell)) }
    }

    /// Becomes readable (end of file) when the master has died.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.life.as_fd()
    }

    /// Wakes the master, see [`Bell::ring`].
    pub fn ring(&self) {
        self.bell.ring();
    }

    /// The doorbell.
    pub fn bell(&self) -> Bell {
        self.bell.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_reaches_the_master_and_the_masters_end_reaches_the_worker() {
        let master = MasterLifeline::new().unwrap();
        let worker = Lifeline {
            life: master.life.0.try_clone().unwrap(),
            bell: Bell(Arc::new(master.bell.1.try_clone().unwrap())),
        };
        worker.ring();
        worker.ring();
        assert_eq!(read(master.bell(), &mut [0; 8]).unwrap(), 2);
        worker.ring();
        master.silence();
        assert!(read(master.bell(), &mut [0; 8]).is_err());
        assert!(read(worker.fd(), &mut [0; 8]).is_err(), "nothing to read while the master lives");
        drop(master);
        assert_eq!(read(worker.fd(), &mut [0; 8]).unwrap(), 0);
    }
}
