//! gunicorn's settings, all of them, and what each is here. Somebody moves a configuration over and
//! meets a name that is not ours: the table knows whether it is called otherwise, or what there is
//! instead. The page for those who come from gunicorn is made from the same rows.

mod classes;
mod hooks;
#[cfg(test)]
mod page;
mod rows;

use super::table::{Setting, find};

pub use classes::instead_of_class;
pub use hooks::Hook;
pub use rows::GUNICORN;

/// One setting of gunicorn's (27.0): a row of [`GUNICORN`].
#[derive(Debug)]
pub struct Theirs {
    /// The key in gunicorn's configuration file.
    pub name: &'static str,
    /// The flags, dashes and all. Hooks and a few others have none.
    pub flags: &'static [&'static str],
    /// Its default there, as a file would have it; empty for a hook.
    pub default: &'static str,
    /// What it is here.
    pub ours: Ours,
}

/// What a setting of gunicorn's is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ours {
    /// A setting of the same name.
    Same,
    /// A function: see [`Hook`].
    Hook,
    /// Missing on purpose. The words follow "no such setting: ".
    Instead(&'static str),
}

impl Theirs {
    /// Our setting of that name, if there is one by now.
    pub fn setting(&self) -> Option<&'static Setting> {
        find(self.name)
    }

    /// What to do about it, where there is no such setting.
    pub fn hint(&self) -> &'static str {
        match self.ours {
            Ours::Same => "it has the same name here",
            Ours::Hook => {
                "it is a function, in a file in Python (-c FILE.py), for a Python application"
            }
            Ours::Instead(hint) => hint,
        }
    }
}

/// The row of what somebody has written: a key, or a flag with its dashes.
pub(super) fn theirs(written: &str) -> Option<&'static Theirs> {
    let plain = |flag: &str| flag.trim_start_matches('-').replace('-', "_");
    GUNICORN.iter().find(|row| row.flags.contains(&written)).or_else(|| {
        let name = plain(written);
        let is_long = |flag: &&&str| flag.starts_with("--");
        let mut rows = GUNICORN.iter();
        rows.find(|row| {
            row.name == name || row.flags.iter().filter(is_long).any(|f| plain(f) == name)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Settings of the contract that have no row in our table yet. Empty is what it should be.
    #[test]
    fn all_of_gunicorns_settings_are_here_once() {
        let names: BTreeSet<&str> = GUNICORN.iter().map(|row| row.name).collect();
        assert_eq!((names.len(), GUNICORN.len()), (120, 120), "as many as gunicorn 27.0 has");
        let flags: Vec<&str> = GUNICORN.iter().flat_map(|row| row.flags).copied().collect();
        assert_eq!(flags.iter().collect::<BTreeSet<_>>().len(), flags.len());
        assert!(flags.iter().all(|flag| flag.starts_with('-')));
    }

    #[test]
    fn each_is_ours_or_has_a_hint() {
        for row in GUNICORN {
            match (row.ours, row.setting()) {
                (Ours::Same, Some(_)) => {}
                (Ours::Same, None) => panic!("{}: where?", row.name),
                (Ours::Instead(_), Some(_)) => panic!("{}: is a setting now", row.name),
                (Ours::Hook, None) => {}
                (Ours::Hook, Some(_)) => panic!("{}: a setting?", row.name),
                (Ours::Instead(hint), None) => {
                    assert!(!hint.ends_with('.') && hint.len() <= 100, "{}: {hint}", row.name);
                }
            }
        }
    }

    #[test]
    fn gunicorns_flags_are_ours_where_the_setting_is() {
        for row in GUNICORN {
            let Some(setting) = row.setting() else { continue };
            for flag in row.flags {
                let known = match flag.strip_prefix("--") {
                    Some(long) => setting.flag() == long || setting.also.contains(&long),
                    None => setting.short.map(|short| format!("-{short}")).as_deref() == Some(flag),
                };
                assert!(known, "{}: {flag} is missing", row.name);
            }
        }
    }

    #[test]
    fn rows_are_found_by_key_and_by_flag() {
        for (written, name) in [
            ("logconfig", Some("logconfig")),
            ("--log-config", Some("logconfig")),
            ("log_config", Some("logconfig")),
            ("-R", Some("enable_stdio_inheritance")),
            ("--no-sendfile", Some("sendfile")),
            ("post_fork", Some("post_fork")),
            ("R", None),
            ("nothing", None),
        ] {
            assert_eq!(theirs(written).map(|row| row.name), name, "{written}");
        }
    }
}
