//! Where the C library's functions cannot be taken over (another one than glibc, another processor than
//! x86-64, static linking) the class works without: what waits through `oxicorn` gives way.

use std::fmt;

use oxicorn_core::config::Config;
use oxicorn_core::config::value::Patch;
use oxicorn_core::wait::Whose;

use crate::hub::Hub;

/// There is none.
#[derive(Debug)]
pub(crate) enum Area {}

impl Area {
    pub(crate) fn new() -> Option<Area> {
        None
    }

    pub(crate) fn with<T>(&self, _: impl FnOnce() -> T) -> T {
        match *self {}
    }
}

/// Nothing is.
#[derive(Debug)]
pub(crate) struct Patched;

/// How blocking calls are dealt with: they are not.
pub(crate) enum Mode {}

impl Patched {
    pub(crate) fn new(_: Patch) -> Patched {
        Patched
    }

    pub(crate) fn mode(&self) -> Option<Mode> {
        None
    }

    pub(crate) fn acquit(&self) {}

    pub(crate) fn with_culprit(&self, place: String) -> String {
        place
    }
}

impl fmt::Debug for Mode {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

pub(crate) fn plainly<T>(code: impl FnOnce() -> T) -> T {
    code()
}

pub(crate) fn enter(_: &'static Hub, whose: Whose) -> Whose {
    whose
}

pub(crate) fn hub_is_there(_: &'static Hub) {}

/// Says, once for each worker, what the settings have come to.
pub(crate) fn say(config: &Config) {
    if config.patch != Patch::Off {
        tracing::debug!(
            "Blocking calls do not give way here: this is not Linux with glibc on x86-64"
        );
    }
}
