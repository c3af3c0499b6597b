//! The kernel tells what happens in a folder: inotify(7).

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};

use super::Folders;

/// See the module.
#[derive(Debug)]
pub(super) struct Kernel {
    inotify: Inotify,
    watched: HashMap<WatchDescriptor, PathBuf>,
}

/// A file is another one when somebody has written it, or put it in the place of the former.
const EDITS: AddWatchFlags =
    AddWatchFlags::IN_CLOSE_WRITE.union(AddWatchFlags::IN_MOVED_TO).union(AddWatchFlags::IN_CREATE);

impl Kernel {
    /// # Errors
    /// Those of inotify_init1(2).
    pub(super) fn new() -> Result<Kernel, Errno> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        Ok(Kernel { inotify, watched: HashMap::new() })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }

    /// Watches all these. One that is watched already still is; one that is not there is not.
    ///
    /// # Errors
    /// The system allows no more of them.
    pub(super) fn adjust(&mut self, folders: &Folders) -> Result<(), Errno> {
        let flags = EDITS | AddWatchFlags::IN_ONLYDIR;
        for folder in folders.keys() {
            match self.inotify.add_watch(folder, flags) {
                Ok(watch) => {
                    self.watched.insert(watch, folder.clone());
                }
                Err(errno @ (Errno::ENOSPC | Errno::ENOMEM)) => return Err(errno),
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// A file that counts and has changed, if there is one.
    pub(super) fn changed(&self, folders: &Folders) -> Option<PathBuf> {
        let mut changed = None;
        while let Ok(events) = self.inotify.read_events() {
            for event in events {
                let folder = self.watched.get(&event.wd);
                let path = match (folder, event.name) {
                    // There was more to tell than the kernel keeps.
                    _ if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) => {
                        folders.keys().next().cloned()
                    }
                    (Some(folder), Some(name)) => {
                        let counts = folders.get(folder).is_some_and(|it| it.is_in(&name));
                        counts.then(|| folder.join(name))
                    }
                    _ => None,
                };
                changed = changed.or(path);
            }
        }
        changed
    }
}
