//! The master's listening sockets. They are the master's so that no worker's end closes a queue; each
//! belongs to an address, not to a generation, so that a reload that keeps an address keeps its
//! queue. Workers get copies by the fork.

use std::io;
use std::os::fd::AsFd;

use oxicorn_core::listener::{Listener, ListenerSpec, SocketFile};
use oxicorn_core::sys::tcp::{AcceptQueue, accept_queue};

/// An address that could not be listened at.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen at {spec}: {source}")]
pub(crate) struct BindError {
    pub(crate) spec: ListenerSpec,
    pub(crate) source: io::Error,
}

/// The sockets that are open.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    open: Vec<Listener>,
    /// Of sockets that were closed while the workers still served them.
    files: Vec<SocketFile>,
}

impl Sockets {
    /// Opens what is missing of these addresses: all of it, or nothing.
    pub(crate) fn add(&mut self, specs: &[ListenerSpec], backlog: u32) -> Result<(), BindError> {
        let before = self.open.len();
        // A descriptor that was passed to us cannot be opened a second time: those come last, when
        // nothing else can make the whole fail.
        let passed = |spec: &&ListenerSpec| matches!(spec, ListenerSpec::Fd(_));
        let (passed, made): (Vec<_>, Vec<_>) = specs.iter().partition(passed);
        for spec in made.into_iter().chain(passed) {
            if self.open.iter().any(|listener| listener.spec() == spec) {
                continue;
            }
            match Listener::bind(spec, backlog) {
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

    /// Closes the master's copy of every other socket. The workers that still have one go on with it:
    /// the queue ends with the last of them, which leaves only when it has emptied it. A copy kept
    /// here for longer would only let clients queue up for nobody.
    pub(crate) fn retain(&mut self, wanted: impl Fn(&ListenerSpec) -> bool) {
        let gone = self.open.extract_if(.., |listener| !wanted(listener.spec()));
        gone.for_each(|listener| listener.remove_file());
    }

    /// Lets nobody join the queues any more, so that the workers can empty them. A socket that was
    /// passed to us is spared: whoever passed it has it too, and may have further plans for it.
    pub(crate) fn refuse_new(&self) {
        for listener in &self.open {
            if !matches!(listener.spec(), ListenerSpec::Fd(_)) {
                // Then some may be reset that need not be: no reason not to stop.
                let _ = listener.refuse_new();
            }
        }
    }

    /// Closes the master's copies, for the same reason; what is left are the files, which clients
    /// may need until the last worker has gone.
    pub(crate) fn close(&mut self) {
        self.files.extend(self.open.drain(..).filter_map(Listener::close));
    }

    /// Removes the files of all sockets that were closed.
    pub(crate) fn remove_files(&mut self) {
        self.files.drain(..).for_each(|file| file.remove());
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
