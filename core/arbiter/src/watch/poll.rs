//! The files are looked at, again and again: what else there is to do where the kernel does not tell.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::Folders;

/// How often.
const EVERY: Duration = Duration::from_secs(1);

/// What is another when a file was edited: when, how long it is, and which file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    modified: (i64, i64),
    length: u64,
    number: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Look {
    seen: Option<BTreeMap<PathBuf, Mark>>,
    last: Option<Instant>,
}

impl Look {
    pub(super) fn due_in(&self, now: Instant) -> Duration {
        self.last.map_or(Duration::ZERO, |last| (last + EVERY).saturating_duration_since(now))
    }

    /// What is seen next is how it was all along.
    pub(super) fn forget(&mut self) {
        self.seen = None;
    }

    /// A file that counts and is another than when it was last looked at, if there is one.
    pub(super) fn changed(&mut self, folders: &Folders) -> Option<PathBuf> {
        self.last = Some(Instant::now());
        let now = marks(folders);
        let before = self.seen.replace(now.clone())?;
        now.into_iter().find(|(path, mark)| before.get(path) != Some(mark)).map(|(path, _)| path)
    }
}

fn marks(folders: &Folders) -> BTreeMap<PathBuf, Mark> {
    let mut marks = BTreeMap::new();
    for (folder, interest) in folders {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| interest.is_in(&entry.file_name())) {
            // Of what a link leads to.
            let Ok(data) = fs::metadata(entry.path()) else { continue };
            let modified = (data.mtime(), data.mtime_nsec());
            let mark = Mark { modified, length: data.len(), number: data.ino() };
            marks.insert(entry.path(), mark);
        }
    }
    marks
}
