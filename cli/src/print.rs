//! `--print-config`: every setting, its value, and where that comes from. It is written as a
//! configuration file, so that it can be kept, compared, and used.

use oxicorn_core::config::{Config, TABLE};

/// Values that are longer push their origin out of the column.
const WIDEST: usize = 44;

/// All settings in the order of the table, one a line: `name = value   # origin`. What no file may
/// have is commented out.
pub fn print_config(config: &Config) -> String {
    let lines: Vec<(String, String)> = TABLE
        .iter()
        .map(|setting| {
            let comment = match setting.belongs_in_a_file() {
                true => "",
                false => "# ",
            };
            let value = setting.value(config).to_toml();
            let origin = config.origin(setting.name).to_string();
            (format!("{comment}{} = {value}", setting.name), origin)
        })
        .collect();
    let lengths = lines.iter().map(|(text, _)| text.chars().count());
    let column = lengths.filter(|length| *length <= WIDEST).max().unwrap_or_default();
    lines
        .iter()
        .map(|(text, origin)| format!("{text:column$}   # {}\n", origin.escape_debug()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use oxicorn_core::config::{Given, Origin, Raw, file, find};
    use std::path::Path;

    fn config(pairs: &[(&str, &str, Origin)]) -> Config {
        let given = pairs.iter().map(|(name, text, origin)| Given {
            setting: find(name).unwrap(),
            raw: Raw::One((*text).to_owned()),
            origin: origin.clone(),
        });
        Config::resolve(given).unwrap()
    }

    fn unusual() -> Config {
        let path = "server.toml".into();
        config(&[
            ("bind", "0.0.0.0:5000", Origin::DefaultFrom("PORT")),
            ("workers", "4", Origin::File { path, line: 3 }),
            ("timeout", "0.5", Origin::CmdArgs),
            ("keepalive", "5m", Origin::Env("OXICORN_KEEPALIVE".to_owned())),
            ("accesslog", "-", Origin::CommandLine),
            ("proc_name", "it's\n\"mine\"", Origin::CommandLine),
            ("limit_request_body", "64k", Origin::CommandLine),
            ("print_config", "true", Origin::CommandLine),
        ])
    }

    #[test]
    fn every_value_has_its_origin() {
        insta::assert_snapshot!(print_config(&unusual()), @r##"
        bind = ["0.0.0.0:5000"]                      # default, from PORT
        backlog = 2048                               # default
        workers = 4                                  # server.toml:3
        worker_class = "sync"                        # default
        threads = 1                                  # default
        worker_connections = 1000                    # default
        timeout = "500ms"                            # SERVER_CMD_ARGS
        graceful_timeout = 30                        # default
        keepalive = 300                              # OXICORN_KEEPALIVE
        keepalive_grace = 2                          # default
        header_timeout = 10                          # default
        body_timeout = 30                            # default
        write_timeout = 30                           # default
        boot_timeout = 60                            # default
        limit_request_line = 4094                    # default
        limit_request_fields = 100                   # default
        limit_request_field_size = 8190              # default
        permit_missing_host = false                  # default
        limit_request_body = "64k"                   # command line
        body_buffer_size = "1M"                      # default
        proc_name = "it's\u000A\"mine\""             # command line
        forwarded_allow_ips = ["127.0.0.1", "::1"]   # default
        forwarder_headers = ["SCRIPT_NAME", "PATH_INFO"]   # default
        header_map = "drop"                          # default
        secure_scheme_headers = ["X-FORWARDED-PROTOCOL=ssl", "X-FORWARDED-PROTO=https", "X-FORWARDED-SSL=on"]   # default
        proxy_protocol = "off"                       # default
        proxy_allow_ips = ["127.0.0.1", "::1"]       # default
        accesslog = "-"                              # command line
        access_log_format = '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"'   # default
        errorlog = "-"                               # default
        loglevel = "info"                            # default
        log_format = "text"                          # default
        capture_output = false                       # default
        syslog = false                               # default
        syslog_addr = "udp://localhost:514"          # default
        syslog_prefix = "none"                       # default
        syslog_facility = "user"                     # default
        statsd_host = "none"                         # default
        statsd_prefix = "none"                       # default
        dogstatsd_tags = "none"                      # default
        # config = "none"                            # default
        # check_config = false                       # default
        # print_config = true                        # command line
        "##);
    }

    #[test]
    fn what_is_printed_is_a_file_with_the_same_settings() {
        for config in [Config::default(), unusual()] {
            let text = print_config(&config);
            let again = Config::resolve(file::parse(Path::new("x"), &text).unwrap()).unwrap();
            let changed = config.changed(&again);
            assert!(changed.iter().all(|setting| !setting.belongs_in_a_file()));
            let explicit = TABLE.iter().filter(|row| row.belongs_in_a_file());
            assert!(explicit.into_iter().all(|row| again.explicit(row.name)));
        }
    }
}
