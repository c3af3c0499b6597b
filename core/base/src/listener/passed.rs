//! Sockets that whoever started this process has bound already: systemd's socket activation
//! (sd_listen_fds(3)). They are numbered from 3 on; `LISTEN_FDS` says how many, `LISTEN_PID` for
//! whom, since the variables are inherited further than the sockets are meant to go, and
//! `LISTEN_FDNAMES` what they are called.

use std::ffi::OsStr;
use std::fmt;

use crate::config::{ConfigError, Environment, Given, Origin, Raw, find};

/// The first of them.
const FIRST: u32 = 3;

/// The variables that are about this process alone, and not for the workers: sd_listen_fds(3),
/// sd_notify(3) and sd_watchdog_enabled(3).
pub const VARIABLES: [&str; 6] = [
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
];

/// The sockets that were passed; perhaps none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    sockets: Vec<(u32, Option<String>)>,
}

impl Passed {
    /// Those that are meant for the process `pid`.
    ///
    /// # Errors
    /// `LISTEN_PID` is this process, and `LISTEN_FDS` is no number.
    pub fn to(pid: u32, env: &Environment) -> Result<Passed, ConfigError> {
        let read = |name: &str| env.get(OsStr::new(name)).map(|value| value.to_string_lossy());
        if read("LISTEN_PID").and_then(|text| text.parse().ok()) != Some(pid) {
            return Ok(Passed::default());
        }
        let count = read("LISTEN_FDS").unwrap_or_default();
        let wrong =
            || ConfigError::message(format!("LISTEN_FDS = {count:?}: not a number of sockets"));
        let number: u16 = count.parse().map_err(|_| wrong())?;
        let names = read("LISTEN_FDNAMES").unwrap_or_default();
        let mut names: Vec<&str> = names.split(':').collect();
        // Whose name is whose is not known then.
        if names.len() != usize::from(number) {
            names.clear();
        }
        let name = |at: u32| names.get(at as usize).map(|&name| name.to_owned());
        let sockets = (0..u32::from(number)).map(|at| (FIRST + at, name(at))).collect();
        Ok(Passed { sockets })
    }

    /// What they are to the settings: addresses to listen at, whatever else says where.
    pub fn given(&self) -> Option<Given> {
        let addresses: Vec<String> =
            self.sockets.iter().map(|(number, _)| format!("fd://{number}")).collect();
        let raw = Raw::Many(addresses);
        let given = Given { setting: find("bind")?, raw, origin: Origin::Passed };
        (!self.sockets.is_empty()).then_some(given)
    }
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (number, name)) in self.sockets.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            match name {
                Some(name) => write!(f, "{comma}fd://{number} ({name})")?,
                None => write!(f, "{comma}fd://{number}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(pairs: &[(&str, &str)]) -> Result<String, String> {
        let env = pairs.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let passed = Passed::to(7, &env).map_err(|error| error.to_string())?;
        assert_eq!(passed.given().is_some(), passed != Passed::default());
        Ok(passed.to_string())
    }

    #[test]
    fn only_what_is_meant_for_this_process_is_taken() {
        for (pairs, sockets) in [
            (&[][..], ""),
            (&[("LISTEN_FDS", "2")], ""),
            (&[("LISTEN_FDS", "2"), ("LISTEN_PID", "8")], ""),
            (&[("LISTEN_FDS", "0"), ("LISTEN_PID", "7")], ""),
            (&[("LISTEN_FDS", "2"), ("LISTEN_PID", "7")], "fd://3, fd://4"),
            (
                &[("LISTEN_FDS", "2"), ("LISTEN_PID", "7"), ("LISTEN_FDNAMES", "web:api")],
                "fd://3 (web), fd://4 (api)",
            ),
            (
                &[("LISTEN_FDS", "2"), ("LISTEN_PID", "7"), ("LISTEN_FDNAMES", "web")],
                "fd://3, fd://4",
            ),
        ] {
            assert_eq!(passed(pairs), Ok(sockets.to_owned()));
        }
        assert_eq!(
            passed(&[("LISTEN_FDS", "-1"), ("LISTEN_PID", "7")]),
            Err("LISTEN_FDS = \"-1\": not a number of sockets".to_owned())
        );
    }
}
