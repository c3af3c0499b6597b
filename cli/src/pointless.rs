//! Settings that depend on each other. One that somebody has given and that has no effect, because
//! another one is not what it needs, is worth a warning: the server would do as it does without it,
//! and whoever gave it expects something else.

use oxicorn_core::config::value::LogFormat;
use oxicorn_core::config::{Config, find};

/// A setting that means nothing unless `holds`.
struct Dependent {
    name: &'static str,
    holds: fn(&Config) -> bool,
    /// What it needs, behind "has no effect without".
    needs: &'static str,
}

const DEPENDENT: &[Dependent] = &[
    Dependent {
        name: "access_log_format",
        holds: |config| config.log_format == LogFormat::Text,
        needs: "log_format = \"text\"",
    },
    Dependent {
        name: "max_requests_jitter",
        holds: |config| config.max_requests > 0,
        needs: "max_requests",
    },
    Dependent { name: "reload_engine", holds: |config| config.reload, needs: "reload = true" },
    Dependent { name: "reload_extra_files", holds: |config| config.reload, needs: "reload = true" },
    Dependent { name: "syslog_addr", holds: |config| config.syslog, needs: "syslog = true" },
    Dependent { name: "syslog_prefix", holds: |config| config.syslog, needs: "syslog = true" },
    Dependent { name: "syslog_facility", holds: |config| config.syslog, needs: "syslog = true" },
    Dependent {
        name: "statsd_prefix",
        holds: |config| config.statsd_host.is_some(),
        needs: "statsd_host",
    },
    Dependent {
        name: "dogstatsd_tags",
        holds: |config| config.statsd_host.is_some(),
        needs: "statsd_host",
    },
];

/// Lines for the log.
pub(crate) fn warnings(config: &Config) -> Vec<String> {
    let pointless = |row: &&Dependent| config.explicit(row.name) && !(row.holds)(config);
    let line = |row: &Dependent| {
        let value = find(row.name)?.value(config);
        let (name, origin, needs) = (row.name, config.origin(row.name), row.needs);
        Some(format!("{name} = {value} ({origin}) has no effect without {needs}"))
    };
    DEPENDENT.iter().filter(pointless).filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use oxicorn_core::config::{Given, Origin, Raw};

    fn lines(pairs: &[(&str, &str)]) -> Vec<String> {
        let given = pairs.iter().map(|(name, text)| Given {
            setting: find(name).unwrap(),
            raw: Raw::One((*text).to_owned()),
            origin: Origin::CommandLine,
        });
        warnings(&Config::resolve(given).unwrap())
    }

    #[test]
    fn only_what_was_given_in_vain_is_named() {
        assert_eq!(lines(&[]), [""; 0]);
        assert_eq!(lines(&[("max_requests_jitter", "5"), ("max_requests", "9")]), [""; 0]);
        assert_eq!(
            lines(&[("max_requests_jitter", "5"), ("syslog_prefix", "x"), ("syslog", "true")]),
            ["max_requests_jitter = 5 (command line) has no effect without max_requests"]
        );
        assert_eq!(
            lines(&[("access_log_format", "%(h)s"), ("log_format", "json")]),
            [
                "access_log_format = %(h)s (command line) has no effect without log_format = \"text\""
            ]
        );
    }

    #[test]
    fn the_rows_name_settings() {
        assert!(DEPENDENT.iter().all(|row| find(row.name).is_some()));
    }
}
