//! Values of settings that concern ASGI applications, which are Python.

use super::proxies::{by_name, name_of};
use super::{Completes, Value};

/// The event loop that an ASGI application runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsgiLoop {
    /// uvloop if it is there, otherwise asyncio's own.
    Auto,
    /// asyncio's own.
    Asyncio,
    /// uvloop.
    Uvloop,
}

impl AsgiLoop {
    const NAMES: [(&'static str, AsgiLoop); 3] =
        [("auto", AsgiLoop::Auto), ("asyncio", AsgiLoop::Asyncio), ("uvloop", AsgiLoop::Uvloop)];
}

impl Value for AsgiLoop {
    const HOLDER: &'static str = "LOOP";
    const SYNTAX: &'static str = "`auto`, `asyncio` or `uvloop`";
    const COMPLETES: Completes = Completes::Words(&["auto", "asyncio", "uvloop"]);

    fn parse(text: &str) -> Result<AsgiLoop, String> {
        by_name(&Self::NAMES, text).ok_or_else(|| "it must be auto, asyncio or uvloop".to_owned())
    }

    fn print(&self) -> String {
        name_of(&Self::NAMES, *self)
    }
}

/// Whether an ASGI application is told that a worker begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsgiLifespan {
    /// If it knows these events.
    Auto,
    /// It must know them.
    On,
    /// It is not told.
    Off,
}

impl AsgiLifespan {
    const NAMES: [(&'static str, AsgiLifespan); 3] =
        [("auto", AsgiLifespan::Auto), ("on", AsgiLifespan::On), ("off", AsgiLifespan::Off)];
}

impl Value for AsgiLifespan {
    const HOLDER: &'static str = "WHETHER";
    const SYNTAX: &'static str = "`auto`, `on` or `off`";
    const COMPLETES: Completes = Completes::Words(&["auto", "on", "off"]);

    fn parse(text: &str) -> Result<AsgiLifespan, String> {
        by_name(&Self::NAMES, text).ok_or_else(|| "it must be auto, on or off".to_owned())
    }

    fn print(&self) -> String {
        name_of(&Self::NAMES, *self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_and_printed() {
        for text in ["auto", "asyncio", "uvloop"] {
            assert_eq!(AsgiLoop::parse(text).unwrap().print(), text);
        }
        for text in ["auto", "on", "off"] {
            assert_eq!(AsgiLifespan::parse(text).unwrap().print(), text);
        }
        assert_eq!(AsgiLoop::parse("UVLOOP"), Ok(AsgiLoop::Uvloop));
        assert_eq!(AsgiLifespan::parse("yes"), Err("it must be auto, on or off".to_owned()));
        assert_eq!(AsgiLoop::parse("trio"), Err("it must be auto, asyncio or uvloop".to_owned()));
    }
}
