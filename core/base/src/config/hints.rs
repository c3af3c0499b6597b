//! gunicorn's settings that are missing here on purpose. Somebody moves a configuration over and
//! meets "no such setting": these lines say what there is instead.

/// What to do about a setting of gunicorn's, by its name or by its flag's.
pub(super) fn for_name(name: &str) -> Option<&'static str> {
    HINTS.iter().find(|(names, _)| names.contains(&name)).map(|(_, hint)| *hint)
}

const HINTS: &[(&[&str], &str)] = &[
    (&["worker_tmp_dir"], "heartbeats are in shared memory, no file is needed"),
    (&["wsgi_app"], "the application is the argument after the options"),
    (
        &["reload", "reload_engine", "reload_extra_file", "reload_extra_files"],
        "let a file watcher send HUP to the master",
    ),
    (&["tmp_upload_dir"], "nothing ever read it, it can be removed"),
    (&["http_parser"], "there is one parser"),
    (
        &[
            "permit_obsolete_folding",
            "strip_header_spaces",
            "permit_unconventional_http_method",
            "permit_unconventional_http_version",
            "casefold_http_method",
        ],
        "such requests are refused, another server may read them differently",
    ),
    (
        &[
            "logger_class",
            "logconfig",
            "logconfig_json",
            "logconfig_dict",
            "log_config",
            "log_config_json",
        ],
        "the logs are not Python's, see errorlog, accesslog and loglevel",
    ),
    (&["pythonpath"], "set the environment variable PYTHONPATH"),
    (&["default_proc_name"], "proc_name is the whole name"),
    (
        &["certfile", "keyfile", "ca_certs", "cert_reqs", "ciphers", "ssl_version"],
        "TLS ends at the proxy in front",
    ),
    (&["protocol", "uwsgi_allow_ips", "uwsgi_allow_from"], "the only protocol is HTTP"),
    (
        &["control_socket", "control_socket_mode", "control_socket_disable", "no_control_socket"],
        "the master is controlled by signals",
    ),
    (
        &[
            "dirty_app",
            "dirty_apps",
            "dirty_workers",
            "dirty_timeout",
            "dirty_threads",
            "dirty_graceful_timeout",
        ],
        "long jobs are for a queue of their own",
    ),
];

#[cfg(test)]
mod tests {
    use super::super::table::find;
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_hint_is_only_for_what_is_missing() {
        let mut seen = BTreeSet::new();
        for name in HINTS.iter().flat_map(|(names, _)| *names) {
            assert!(seen.insert(name), "{name}: twice");
            assert!(find(name).is_none(), "{name}: is a setting now");
            assert!(for_name(name).is_some_and(|hint| !hint.ends_with('.')));
        }
        assert_eq!(for_name("workers"), None);
    }
}
