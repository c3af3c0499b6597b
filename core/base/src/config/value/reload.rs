//! Values of settings that concern the reload after an edit.

use super::proxies::{by_name, name_of};
use super::{Completes, Value};

/// How it is known that a file has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReloadEngine {
    /// The kernel tells; where it cannot, the files are looked at.
    Auto,
    /// The kernel tells: inotify(7).
    Inotify,
    /// The files are looked at once a second.
    Poll,
}

impl ReloadEngine {
    const NAMES: [(&'static str, ReloadEngine); 3] = [
        ("auto", ReloadEngine::Auto),
        ("inotify", ReloadEngine::Inotify),
        ("poll", ReloadEngine::Poll),
    ];
}

impl Value for ReloadEngine {
    const HOLDER: &'static str = "ENGINE";
    const SYNTAX: &'static str = "`auto`, `inotify` or `poll`";
    const COMPLETES: Completes = Completes::Words(&["auto", "inotify", "poll"]);

    fn parse(text: &str) -> Result<ReloadEngine, String> {
        by_name(&Self::NAMES, text).ok_or_else(|| "it must be auto, inotify or poll".to_owned())
    }

    fn print(&self) -> String {
        name_of(&Self::NAMES, *self)
    }
}
