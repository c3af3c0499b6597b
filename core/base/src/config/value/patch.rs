//! What the class `coroutine` makes of blocking calls that are not `oxicorn`'s own.

use super::{Completes, Value};

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Patch {
    /// They give way to other requests.
    #[default]
    On,
    /// They block the worker, and are named.
    Check,
    /// They block the worker.
    Off,
}

const WORDS: [(&str, Patch); 3] = [("on", Patch::On), ("check", Patch::Check), ("off", Patch::Off)];

impl Value for Patch {
    const HOLDER: &'static str = "MODE";
    const SYNTAX: &'static str = "`on`, `check` or `off`";
    const COMPLETES: Completes = Completes::Words(&["on", "check", "off"]);

    fn parse(text: &str) -> Result<Patch, String> {
        let known = WORDS.iter().find(|(word, _)| *word == text);
        known.map(|(_, patch)| *patch).ok_or_else(|| "it must be on, check or off".to_owned())
    }

    fn print(&self) -> String {
        let known = WORDS.iter().find(|(_, patch)| patch == self);
        known.map_or_else(String::new, |(word, _)| (*word).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        for patch in [Patch::On, Patch::Check, Patch::Off] {
            assert_eq!(Patch::parse(&patch.print()), Ok(patch));
        }
        assert!(Patch::parse("yes").is_err());
    }
}
