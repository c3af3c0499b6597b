//! `--print-config`: every setting, its value, and where that comes from. It is written as a
//! configuration file, so that it can be kept, compared, and used.

use oxicorn_core::config::{Config, TABLE};

/// Values that are longer push their origin out of the column.
const WIDEST: usize = 44;

/// The setting whose value may be found out here and now.
const WORKERS: &str = "workers";

/// All settings in the order of the table, one a line: `name = value   # origin`. What no file may
/// have is commented out.
///
/// ```
/// let text = oxicorn::print_config(&oxicorn::Config::default());
/// assert!(text.lines().any(|line| line.starts_with("graceful_timeout = 30")));
/// ```
pub fn print_config(config: &Config) -> String {
    let automatic = config.automatic_workers().map(|(_, how)| how);
    let lines: Vec<(String, String)> = TABLE
        .iter()
        .map(|setting| {
            let comment = match setting.belongs_in_a_file() {
                true => "",
                false => "# ",
            };
            let value = setting.value(config).to_toml();
            let mut origin = config.origin(setting.name).to_string();
            if let Some(how) = automatic.as_ref().filter(|_| setting.name == WORKERS) {
                origin += &format!(": {how}");
            }
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
            ("workers", "4", Origin::File { path, line: Some(3) }),
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
        let text = print_config(&unusual());
        assert_eq!(text.lines().count(), TABLE.len());
        for line in [
            r#"bind = ["0.0.0.0:5000"]                      # default, from PORT"#,
            r#"backlog = 2048                               # default"#,
            r#"workers = 4                                  # server.toml:3"#,
            r#"timeout = "500ms"                            # SERVER_CMD_ARGS"#,
            r#"keepalive = 300                              # OXICORN_KEEPALIVE"#,
            r#"limit_request_body = "64k"                   # command line"#,
            r#"permit_missing_host = false                  # default"#,
            r#"proc_name = "it's\u000A\"mine\""             # command line"#,
            r#"forwarder_headers = ["SCRIPT_NAME", "PATH_INFO"]   # default"#,
            r#"# print_config = true                        # command line"#,
        ] {
            assert!(text.lines().any(|printed| printed == line), "no {line} in\n{text}");
        }
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
