//! `reload`: looks at the files of the application, and says when one has changed, so that an edit is
//! served without anybody sending SIGHUP. What follows is what SIGHUP does: a broken edit changes
//! nothing, and a good one that follows is served.
//!
//! What is watched are folders: an editor replaces a file by another, and the folder is what sees it. In
//! a folder that modules of the application were imported from every module counts, also one that was
//! not there, since that may be what was missing; elsewhere only the files that were named. The kernel
//! tells (inotify(7)), or the files are looked at once a second where it cannot: what other machines
//! write into a shared folder it does not see.

mod inotify;
mod poll;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use oxicorn_core::config::{Config, ReloadEngine};

use inotify::Kernel;
use poll::Look;

/// How long it has to be quiet after a change: a change of branch changes many files.
const QUIET: Duration = Duration::from_millis(150);

/// Which files of a folder count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Interest {
    /// Every module.
    modules: Modules,
    /// Besides these.
    named: BTreeSet<OsString>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Modules {
    #[default]
    None,
    Every,
    /// Every file, module or not.
    Everything,
}

impl Interest {
    fn is_in(&self, name: &OsStr) -> bool {
        let is_module = || Path::new(name).extension() == Some(OsStr::new("py"));
        match self.modules {
            Modules::Everything => true,
            Modules::Every if is_module() => true,
            Modules::Every | Modules::None => self.named.contains(name),
        }
    }
}

/// The folders, and what counts in each.
type Folders = BTreeMap<PathBuf, Interest>;

#[derive(Debug)]
enum Engine {
    Kernel(Kernel),
    Look(Look),
}

/// Whose code it is that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// Another program's, which tells where it is.
    Hosted,
    /// This program's, which is in this file.
    Own(Option<PathBuf>),
}

impl Code {
    /// Of this process, which was started a moment ago: later its file may be another.
    pub(crate) fn own() -> Code {
        Code::Own(std::env::current_exe().ok())
    }
}

/// What has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Something that a reload reads.
    File(PathBuf),
    /// This program: a reload would not see it.
    Program(PathBuf),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Watcher {
    code: Code,
    engine: Engine,
    /// Those of the modules, which stay when the settings change.
    imported: BTreeSet<PathBuf>,
    folders: Folders,
    /// What has changed, and when it has been quiet for long enough.
    pending: Option<(PathBuf, Instant)>,
}

impl Watcher {
    /// What the settings ask for; `before` is what there was until now.
    pub(crate) fn of(config: &Config, code: Code, before: Option<Watcher>) -> Option<Watcher> {
        let imported = before.map(|before| before.imported).unwrap_or_default();
        if !config.reload {
            return None;
        }
        let engine = match config.reload_engine {
            ReloadEngine::Poll => Engine::Look(Look::default()),
            ReloadEngine::Auto | ReloadEngine::Inotify => kernel(),
        };
        let mut folders = Folders::new();
        let own = config.config.iter().filter(|_| config.chdir.is_none());
        let program = match &code {
            Code::Own(program) => program.as_ref(),
            Code::Hosted => None,
        };
        for file in config.reload_extra_files.0.iter().chain(own).chain(program) {
            add(&mut folders, file);
        }
        let pending = None;
        let mut watcher = Watcher { code, engine, imported: BTreeSet::new(), folders, pending };
        watcher.adjust();
        watcher.import(imported);
        Some(watcher)
    }

    /// Modules were imported from these folders.
    pub(crate) fn import(&mut self, folders: impl IntoIterator<Item = PathBuf>) {
        let before = self.imported.len();
        for folder in folders {
            if self.imported.insert(folder.clone()) {
                let interest = self.folders.entry(folder).or_default();
                if interest.modules == Modules::None {
                    interest.modules = Modules::Every;
                }
            }
        }
        if self.imported.len() > before {
            self.adjust();
        }
    }

    fn adjust(&mut self) {
        let complaint = match &mut self.engine {
            Engine::Kernel(kernel) => kernel.adjust(&self.folders).err(),
            Engine::Look(look) => {
                look.forget();
                look.changed(&self.folders);
                None
            }
        };
        if let Some(error) = complaint {
            tracing::warn!("inotify: {error}: files are looked at once a second instead");
            self.engine = Engine::Look(Look::default());
            self.adjust();
        }
    }

    /// Readable when the kernel has something to tell.
    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.engine {
            Engine::Kernel(kernel) => Some(kernel.fd()),
            Engine::Look(_) => None,
        }
    }

    /// When [`Watcher::look`] is due.
    pub(crate) fn may_sleep_for(&self) -> Option<Duration> {
        let now = Instant::now();
        let quiet = self.pending.as_ref().map(|(_, due)| due.saturating_duration_since(now));
        let look = match &self.engine {
            Engine::Kernel(_) => None,
            Engine::Look(look) => Some(look.due_in(now)),
        };
        quiet.into_iter().chain(look).min()
    }

    /// What has changed, when nothing changes any more.
    pub(crate) fn look(&mut self) -> Option<Change> {
        let now = Instant::now();
        let changed = match &mut self.engine {
            Engine::Kernel(kernel) => kernel.changed(&self.folders),
            Engine::Look(look) if look.due_in(now).is_zero() => look.changed(&self.folders),
            Engine::Look(_) => None,
        };
        if let Some(changed) = changed {
            let first = self.pending.take().map_or(changed, |(first, _)| first);
            self.pending = Some((first, now + QUIET));
        }
        let (path, _) = self.pending.take_if(|(_, due)| *due <= now)?;
        // A folder that was made anew is another one.
        if let Engine::Kernel(_) = self.engine {
            self.adjust();
        }
        Some(match &self.code {
            Code::Own(Some(program)) if *program == path => Change::Program(path),
            Code::Own(_) | Code::Hosted => Change::File(path),
        })
    }
}

fn kernel() -> Engine {
    match Kernel::new() {
        Ok(kernel) => Engine::Kernel(kernel),
        Err(error) => {
            tracing::warn!("inotify: {error}: files are looked at once a second instead");
            Engine::Look(Look::default())
        }
    }
}

fn add(folders: &mut Folders, path: &Path) {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if path.is_dir() {
        folders.entry(path).or_default().modules = Modules::Everything;
    } else if let (Some(folder), Some(name)) = (path.parent(), path.file_name()) {
        folders.entry(folder.to_owned()).or_default().named.insert(name.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oxicorn_core::config::value::Listed;
    use std::fs;

    fn watcher(engine: ReloadEngine, files: Vec<PathBuf>) -> Watcher {
        let config = Config {
            reload: true,
            reload_engine: engine,
            reload_extra_files: Listed(files),
            ..Config::default()
        };
        Watcher::of(&config, Code::Hosted, None).unwrap()
    }

    fn next(watcher: &mut Watcher) -> PathBuf {
        loop {
            if let Some(Change::File(path)) = watcher.look() {
                return path;
            }
            let left = watcher.may_sleep_for().unwrap_or(Duration::from_secs(10));
            oxicorn_core::wait::sleep(left.min(Duration::from_millis(20)));
        }
    }

    #[test]
    fn an_edit_of_any_kind_is_seen_and_another_file_is_not() {
        for engine in [ReloadEngine::Inotify, ReloadEngine::Poll] {
            let folder = tempfile::tempdir().unwrap();
            let path = |name: &str| folder.path().join(name);
            fs::write(path("a.txt"), "1").unwrap();
            fs::create_dir(path("package")).unwrap();
            fs::create_dir(path("all")).unwrap();
            let mut watcher = watcher(engine, vec![path("a.txt"), path("all")]);
            watcher.import([path("package")]);
            assert_eq!(watcher.look(), None);
            fs::write(path("b.txt"), "another").unwrap();
            fs::write(path("package/cache.pyc"), "another").unwrap();
            fs::write(path("a.txt"), "12").unwrap();
            assert_eq!(next(&mut watcher), path("a.txt"));
            fs::write(path("new"), "123").unwrap();
            fs::rename(path("new"), path("a.txt")).unwrap();
            assert_eq!(next(&mut watcher), path("a.txt"));
            fs::write(path("package/module.py"), "what was missing").unwrap();
            assert_eq!(next(&mut watcher), path("package/module.py"));
            fs::write(path("all/template"), "x").unwrap();
            assert_eq!(next(&mut watcher), path("all/template"));
            fs::remove_dir_all(path("package")).unwrap();
            fs::create_dir(path("package")).unwrap();
            fs::write(path("a.txt"), "1234").unwrap();
            next(&mut watcher);
            fs::write(path("package/module.py"), "again").unwrap();
            assert_eq!(next(&mut watcher), path("package/module.py"));
            assert_eq!(watcher.look(), None);
        }
    }

    #[test]
    fn it_is_there_if_it_is_asked_for_and_forgets_no_folder() {
        assert!(Watcher::of(&Config::default(), Code::Hosted, None).is_none());
        let folder = tempfile::tempdir().unwrap();
        let mut before = watcher(ReloadEngine::Auto, Vec::new());
        before.import([folder.path().to_owned()]);
        let config = Config { reload: true, ..Config::default() };
        let mut watcher = Watcher::of(&config, Code::Hosted, Some(before)).unwrap();
        fs::write(folder.path().join("module.py"), "x").unwrap();
        assert_eq!(next(&mut watcher), folder.path().join("module.py"));
    }

    #[test]
    fn the_program_itself_is_told_from_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        let config = Config { reload: true, ..Config::default() };
        let code = Code::Own(Some(program.clone()));
        let mut watcher = Watcher::of(&config, code, None).unwrap();
        fs::write(&program, "newer").unwrap();
        let change = loop {
            match watcher.look() {
                Some(change) => break change,
                None => oxicorn_core::wait::sleep(Duration::from_millis(5)),
            }
        };
        assert_eq!(change, Change::Program(program));
    }
}
