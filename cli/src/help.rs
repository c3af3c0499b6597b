//! `--help`, made from the table of settings. clap's own is a list in which a short flag, its
//! default and its group are hard to find; this one has the groups, and every default.

use oxicorn_core::config::value::Arity;
use oxicorn_core::config::{Group, Setting, TABLE};

/// What `--version` prints.
pub const VERSION: &str = concat!("server ", env!("CARGO_PKG_VERSION"));

/// Columns of a terminal that nobody has made wider.
const WIDTH: usize = 80;
/// Where the descriptions begin.
const COLUMN: usize = 32;

const APPLICATION: &str = "
  APP                           The application: demo (the default) or echo
";

const NO_SETTINGS: &str = "
Other:
  -h, --help                    Print this text
  -V, --version                 Print the version
";

const NOTES: &str = "
TIME is 30 or 30s (seconds), 0.5, 500ms, 5m or 1h; SIZE is 4094 (bytes), 64k,
16M or 1g; 0 switches a time or a limit off. ADDRESS is HOST:PORT, :PORT, PORT,
unix:PATH, unix:@NAME or fd://N.

Every option may also be in the configuration file (--header-timeout is
header_timeout there) and in the environment (OXICORN_HEADER_TIMEOUT). What is
later overrules: defaults, file, SERVER_CMD_ARGS, OXICORN_..., command line.
";

/// The text for a program of that name.
pub(crate) fn text(program: &str) -> String {
    let mut text = format!("Usage: {program} [OPTIONS] [APP]\n{APPLICATION}");
    let mut group: Option<Group> = None;
    for setting in TABLE {
        if group.replace(setting.group) != Some(setting.group) {
            text += &format!("\n{}:\n", setting.group.title());
        }
        text += &entry(setting);
    }
    text + NO_SETTINGS + NOTES
}

fn entry(setting: &Setting) -> String {
    let flags = flags(setting);
    let mut lines = wrap(&description(setting), WIDTH - COLUMN).into_iter();
    // Two spaces keep a flag and its description apart.
    let mut text = match flags.len() + 2 <= COLUMN {
        true => format!("{flags:COLUMN$}{}\n", lines.next().unwrap_or_default()),
        false => format!("{flags}\n"),
    };
    for line in lines {
        text += &format!("{:COLUMN$}{line}\n", "");
    }
    text
}

fn flags(setting: &Setting) -> String {
    let short = setting.short.map_or("    ".to_owned(), |short| format!("-{short}, "));
    let holder = match setting.arity {
        Arity::Flag => String::new(),
        Arity::One | Arity::Many | Arity::Pairs => format!(" {}", setting.holder),
    };
    format!("  {short}--{}{holder}", setting.flag())
}

/// What is to be said about it, in pieces that are better not broken.
fn description(setting: &Setting) -> Vec<String> {
    let mut pieces: Vec<String> = setting.help.split_whitespace().map(str::to_owned).collect();
    if !setting.also.is_empty() {
        let also: Vec<String> = setting.also.iter().map(|flag| format!("--{flag}")).collect();
        pieces.push(format!("(also {})", also.join(", ")));
    }
    pieces.push(format!("[default: {}]", setting.default()));
    pieces
}

/// `pieces` in lines of at most `width` characters; a piece that is longer than a line is broken at
/// its spaces.
fn wrap(pieces: &[String], width: usize) -> Vec<String> {
    let length = |text: &str| text.chars().count();
    let mut lines: Vec<String> = Vec::new();
    let words = pieces.iter().flat_map(|piece| match length(piece) <= width {
        true => vec![piece.as_str()],
        false => piece.split(' ').collect(),
    });
    for word in words {
        match lines.last_mut() {
            Some(line) if length(line) + 1 + length(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fits_a_terminal_and_names_every_option() {
        let text = text("server");
        for line in text.lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
            assert_eq!(line.trim_end(), line);
        }
        for setting in TABLE {
            assert!(text.contains(&format!("--{}", setting.flag())));
        }
        assert_eq!(text.matches("[default: ").count(), TABLE.len());
    }

    #[test]
    fn it_reads_well() {
        insta::assert_snapshot!(text("server"), @r##"
        Usage: server [OPTIONS] [APP]

          APP                           The application: demo (the default) or echo

        Socket:
          -b, --bind ADDRESS            Address to listen on; may be repeated
                                        [default: 127.0.0.1:8000]
              --backlog N               Connections that may wait to be accepted
                                        [default: 2048]

        Workers:
          -w, --workers N               Number of worker processes [default: 1]
          -k, --worker-class CLASS      Worker class: sync, threaded, coroutine or tokio
                                        [default: sync]
              --threads N               Threads of each worker [default: 1]
              --worker-connections N    Open connections that a worker holds at most
                                        [default: 1000]

        Time:
          -t, --timeout TIME            How long the main loop of a worker may be silent
                                        [default: 30]
              --graceful-timeout TIME   How long requests may take to finish when a
                                        worker is told to leave [default: 30]
              --keepalive TIME          How long an idle connection is kept for its next
                                        request (also --keep-alive) [default: 75]
              --keepalive-grace TIME    How long an idle connection is kept when its
                                        worker is leaving [default: 2]
              --header-timeout TIME     How long the head of a request may take to
                                        arrive [default: 10]
              --body-timeout TIME       How long the body of a request may pause
                                        [default: 30]
              --write-timeout TIME      How long a client may read nothing of its
                                        response [default: 30]
              --boot-timeout TIME       How long a worker may take until it is ready
                                        [default: 60]

        Limits:
              --limit-request-line N    Bytes of a request line [default: 4094]
              --limit-request-fields N  Header fields of a request [default: 100]
              --limit-request-field-size N
                                        Bytes of a header field, name and value
                                        (also --limit-request-field_size)
                                        [default: 8190]
              --permit-missing-host     Accept HTTP/1.1 requests without a Host field
                                        [default: false]
              --limit-request-body SIZE
                                        Bytes of a request's body [default: 0]
              --body-buffer-size SIZE   Bytes of a body that are read before the handler
                                        runs [default: 1M]

        Process:
          -n, --proc-name NAME          Name of the application in process titles
                                        (also --name) [default: none]

        Proxies:
              --forwarded-allow-ips LIST
                                        Senders whose headers about the client are
                                        believed [default: 127.0.0.1, ::1]
              --forwarder-headers NAMES
                                        Names with an underscore that a believed sender
                                        may use [default: SCRIPT_NAME, PATH_INFO]
              --header-map WHAT         What becomes of header fields named with an
                                        underscore [default: drop]
              --secure-scheme-headers NAME=VALUE
                                        Headers by which a believed sender says https
                                        [default: X-FORWARDED-PROTOCOL=ssl,
                                        X-FORWARDED-PROTO=https, X-FORWARDED-SSL=on]
              --proxy-protocol VERSION  PROXY protocol of connections: off, v1, v2 or
                                        auto [default: off]
              --proxy-allow-ips LIST    Senders that may use the PROXY protocol
                                        (also --proxy-allow-from)
                                        [default: 127.0.0.1, ::1]

        Logs:
              --accesslog FILE          Where the access log goes; - is standard output
                                        (also --access-logfile) [default: none]
              --access-log-format FORMAT
                                        What a line of the access log consists of
                                        (also --access-logformat) [default: %(h)s %(l)s
                                        %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"]
              --errorlog FILE           Where the error log goes; - is standard error
                                        (also --error-logfile, --log-file) [default: -]
              --loglevel LEVEL          What is worth a line in the error log
                                        (also --log-level) [default: info]
              --log-format FORMAT       How both logs are written: text, json or logfmt
                                        [default: text]
              --capture-output          Put what workers print into the error log
                                        [default: false]
              --syslog                  Send both logs to syslog too (also --log-syslog)
                                        [default: false]
              --syslog-addr ADDRESS     Where syslog is (also --log-syslog-to)
                                        [default: udp://localhost:514]
              --syslog-prefix TEXT      What the server calls itself in syslog
                                        (also --log-syslog-prefix) [default: none]
              --syslog-facility NAME    Which part of the system messages to syslog are
                                        from (also --log-syslog-facility)
                                        [default: user]

        Metrics:
              --statsd-host ADDRESS     Where statsd takes metrics [default: none]
              --statsd-prefix TEXT      What the names of all metrics begin with
                                        [default: none]
              --dogstatsd-tags TAGS     Tags of all metrics, for dogstatsd
                                        [default: none]

        Tools:
          -c, --config FILE             Configuration file to read instead of
                                        ./server.toml [default: none]
              --check-config            Check everything that a start would, and start
                                        nothing [default: false]
              --print-config            Print every setting and where it comes from, and
                                        start nothing [default: false]

        Other:
          -h, --help                    Print this text
          -V, --version                 Print the version

        TIME is 30 or 30s (seconds), 0.5, 500ms, 5m or 1h; SIZE is 4094 (bytes), 64k,
        16M or 1g; 0 switches a time or a limit off. ADDRESS is HOST:PORT, :PORT, PORT,
        unix:PATH, unix:@NAME or fd://N.

        Every option may also be in the configuration file (--header-timeout is
        header_timeout there) and in the environment (OXICORN_HEADER_TIMEOUT). What is
        later overrules: defaults, file, SERVER_CMD_ARGS, OXICORN_..., command line.
        "##);
    }
}
