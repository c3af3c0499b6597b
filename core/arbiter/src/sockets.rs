//! The master's listening sockets. They are the master's so that no worker's end closes a queue; each
//! belongs to an address, not to a generation, so that a reload that keeps an address keeps its
//! queue. Workers get copies by the fork, and a new master by the exec: then the files of the
//! sockets are *shared*, and nobody removes one before there is one master again.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use oxicorn_core::listener::{Listener, ListenerSpec, SocketFile, Terms};
use oxicorn_core::sys::tcp::{AcceptQueue, accept_queue};

use crate::event::Queues;
use crate::handover::{Entry, Inherited};

/// An address that could not be listened at.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen at {spec}: {source}")]
pub(crate) struct BindError {
    pub(crate) spec: ListenerSpec,
    pub(crate) source: io::Error,
}

/// Lets nobody join the queue any more. A socket that was passed to us is spared: whoever passed it
/// has it too, and may have further plans for it.
fn refuse_new(listener: &Listener) {
    if !matches!(listener.spec(), ListenerSpec::Fd(_)) {
        // On an error some may be reset that need not be: no reason not to go on.
        let _ = listener.refuse_new();
    }
}

/// The sockets that are open.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    open: Vec<Listener>,
    /// Of sockets that were closed while the workers, or another master, still served them.
    files: Vec<SocketFile>,
    /// Those that another master has too.
    shared: Vec<SocketFile>,
    masters: Masters,
    lot: Lot,
}

/// What becomes of the sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Lot {
    #[default]
    Open,
    /// They are closed as soon as nobody waits to be accepted.
    Ending,
}

/// The time between two looks at queues that are to be closed. Until then a client is neither let in
/// nor refused, which is worse for it than to be refused.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// How many masters may have these sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Masters {
    #[default]
    One,
    Two,
}

impl Sockets {
    /// What a new master begins with: of what it was handed over, the sockets that its configuration
    /// names. The others are closed; their files are its own when the old master has gone.
    ///
    /// # Errors
    /// One of them is not a listening socket.
    pub(crate) fn inherit(
        inherited: Vec<Inherited>,
        specs: &[ListenerSpec],
    ) -> Result<Sockets, BindError> {
        let masters = if inherited.is_empty() { Masters::One } else { Masters::Two };
        let mut sockets = Sockets { masters, ..Sockets::default() };
        for Inherited { fd, entry } in inherited {
            let file = entry.socket_file();
            sockets.shared.extend(file.clone());
            // The text, which says the same whatever number the descriptor has now.
            let Some(spec) = specs.iter().find(|spec| spec.to_string() == entry.address) else {
                sockets.files.extend(file);
                continue;
            };
            let listener = Listener::inherit(spec, fd, file);
            let refused = |source| BindError { spec: spec.clone(), source };
            sockets.open.push(listener.map_err(refused)?);
        }
        Ok(sockets)
    }

    /// What a new master is to be handed over. From now on the files are shared.
    pub(crate) fn hand_over(&mut self) -> Vec<(BorrowedFd<'_>, Entry)> {
        self.masters = Masters::Two;
        let files = self.open.iter().filter_map(Listener::file);
        self.shared.extend(files.cloned());
        let entry = |listener: &Listener| Entry {
            fd: listener.as_raw_fd(),
            file: listener.file().map(SocketFile::identity),
            address: listener.spec().to_string(),
        };
        self.open.iter().map(|listener| (listener.as_fd(), entry(listener))).collect()
    }

    /// There is no other master any more: all files are this one's, and those of sockets that it has
    /// closed are nobody's.
    pub(crate) fn unshare(&mut self) {
        self.masters = Masters::One;
        self.shared.clear();
        self.remove_files();
    }

    /// Opens what is missing of these addresses: all of it, or nothing.
    pub(crate) fn add(&mut self, specs: &[ListenerSpec], terms: &Terms) -> Result<(), BindError> {
        let before = self.open.len();
        // A descriptor that was passed to us cannot be opened a second time: those come last, when
        // nothing else can make the whole fail.
        let passed = |spec: &&ListenerSpec| matches!(spec, ListenerSpec::Fd(_));
        let (passed, made): (Vec<_>, Vec<_>) = specs.iter().partition(passed);
        for spec in made.into_iter().chain(passed) {
            if self.open.iter().any(|listener| listener.spec() == spec) {
                continue;
            }
            match Listener::bind(spec, terms) {
                Ok(listener) => self.open.push(listener),
                Err(source) => {
                    let added = self.open.split_off(before);
                    added.iter().for_each(Listener::remove_file);
                    let spec = spec.clone();
                    return Err(BindError { spec, source });
                }
            }
        }
        Ok(())
    }

    fn find(&self, spec: &ListenerSpec) -> Option<&Listener> {
        self.open.iter().find(|listener| listener.spec() == spec)
    }

    /// Gives every other address up: nobody can join its queue any more, and the master's copy of the
    /// socket is closed. The workers that have one see that, and whoever leaves empties the queue
    /// first.
    pub(crate) fn retain(&mut self, wanted: impl Fn(&ListenerSpec) -> bool) {
        let gone = self.open.extract_if(.., |listener| !wanted(listener.spec()));
        for listener in gone {
            // Another master may still serve from it.
            if self.masters == Masters::One {
                refuse_new(&listener);
            }
            self.files.extend(listener.close());
        }
        self.remove_files();
    }

    /// Lets nobody join the queues any more, so that the workers can empty them.
    pub(crate) fn refuse_new(&self) {
        self.open.iter().for_each(refuse_new);
    }

    /// Closes the master's copies as soon as nobody waits to be accepted: now, or when it is found
    /// out. If all workers have gone before, those who wait need a worker that gets a copy.
    pub(crate) fn close_when_empty(&mut self) -> Queues {
        self.lot = Lot::Ending;
        self.close_if_ended();
        match self.open.as_slice() {
            [] => Queues::Empty,
            _ => Queues::Waiting,
        }
    }

    /// Looks whether they can be closed that are to be.
    pub(crate) fn close_if_ended(&mut self) {
        if self.lot == Lot::Ending && !self.open.iter().any(Listener::is_waited_at) {
            self.close();
        }
    }

    /// For how long at most the next look can wait.
    pub(crate) fn may_sleep_for(&self) -> Option<Duration> {
        (self.lot == Lot::Ending && !self.open.is_empty()).then_some(BETWEEN_LOOKS)
    }

    /// Closes the master's copies; what is left are the files, which clients may need until the last
    /// worker has gone.
    pub(crate) fn close(&mut self) {
        self.files.extend(self.open.drain(..).filter_map(Listener::close));
    }

    /// Removes the files of all sockets that were closed, but for those that another master has.
    pub(crate) fn remove_files(&mut self) {
        let shared = &self.shared;
        let own = self.files.extract_if(.., |file| !shared.contains(file));
        own.for_each(|file| file.remove());
    }

    /// The queues of all TCP sockets together; `None`: there is none that can be asked.
    pub(crate) fn queue(&self) -> Option<AcceptQueue> {
        let queues = self.open.iter().filter_map(|listener| accept_queue(listener.as_fd()).ok());
        queues.reduce(|one, other| AcceptQueue {
            waiting: one.waiting + other.waiting,
            limit: one.limit + other.limit,
        })
    }

    /// The addresses as clients see them, in the order of the configuration.
    pub(crate) fn addresses(&self, specs: &[ListenerSpec]) -> Vec<String> {
        let found = specs.iter().filter_map(|spec| self.find(spec));
        found.map(|listener| listener.address().to_string()).collect()
    }

    /// In the worker: copies of those that its configuration names.
    pub(crate) fn copies(&self, specs: &[ListenerSpec]) -> io::Result<Vec<Listener>> {
        let found = specs.iter().filter_map(|spec| self.find(spec));
        found.map(Listener::try_clone).collect()
    }
}

impl Entry {
    fn socket_file(&self) -> Option<SocketFile> {
        let (device, inode) = self.file?;
        match self.address.parse() {
            Ok(ListenerSpec::Unix(socket)) => Some(SocketFile::known(socket.path, device, inode)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn unix(path: &Path) -> ListenerSpec {
        ListenerSpec::Unix(path.to_owned().into())
    }

    fn inherited(sockets: &mut Sockets) -> Vec<Inherited> {
        let passed = sockets.hand_over().into_iter();
        let inherited = |(fd, entry): (BorrowedFd<'_>, _)| {
            let fd = fd.try_clone_to_owned().unwrap();
            Inherited { fd, entry }
        };
        passed.map(inherited).collect()
    }

    #[test]
    fn the_files_are_the_last_masters_to_remove() {
        let folder = tempfile::tempdir().unwrap();
        let [kept, dropped, new] = ["kept", "dropped", "new"].map(|name| folder.path().join(name));
        let mut old = Sockets::default();
        old.add(&[unix(&kept), unix(&dropped)], &Terms::backlog(8)).unwrap();

        // The first try: back to the old one.
        let wanted = [unix(&kept), unix(&new)];
        let mut young = Sockets::inherit(inherited(&mut old), &wanted).unwrap();
        young.add(&wanted, &Terms::backlog(8)).unwrap();
        assert_eq!(young.addresses(&wanted).len(), 2);
        young.close();
        young.remove_files();
        assert!(kept.exists() && dropped.exists() && !new.exists());
        old.unshare();

        // The second: the old one leaves.
        let mut young = Sockets::inherit(inherited(&mut old), &wanted).unwrap();
        old.retain(|spec| *spec == unix(&kept));
        old.close();
        old.remove_files();
        assert!(kept.exists() && dropped.exists());
        young.unshare();
        assert!(kept.exists() && !dropped.exists(), "nobody listens there any more");
        young.close();
        young.remove_files();
        assert!(!kept.exists());
    }
}
