//! The table. A row is a setting: its field in [`Config`], and what there is to know about it. The
//! first line of its documentation is what `--help` says, the rest is for the reference page, both
//! are for rustdoc: nothing about a setting is written twice.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use http::{HeaderName, HeaderValue};

use super::layers::Origins;
use super::table::{Classes, Group, Reload, Setting};
use super::value::kinds::within;
use super::value::{
    ByteSize, Destination, Facility, FieldPattern, Listed, LogFormat, LogLevel, MetricPrefix,
    MetricTags, ProxyProtocol, SchemeHeader, Sender, StatsdHost, SyslogAddress, Timeout,
    Underscores, Value,
};
use crate::listener::ListenerSpec;

macro_rules! optional {
    () => {
        None
    };
    ($given:expr) => {
        Some($given)
    };
}

macro_rules! or {
    ($otherwise:expr) => {
        $otherwise
    };
    ($otherwise:expr, $given:expr) => {
        $given
    };
}

macro_rules! settings {
    ($(
        #[doc = $help:literal]
        $(#[doc = $long:literal])*
        $name:ident: $type:ty = $default:expr => {
            group: $group:ident,
            reload: $reload:ident
            $(, short: $short:literal)?
            $(, also: [$($also:literal),+])?
            $(, holder: $holder:literal)?
            $(, range: $range:expr)?
            $(, classes: [$($class:literal),+])?
            $(,)?
        }
    )+) => {
        /// All settings, and where each comes from.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Config {
            $(
                #[doc = $help]
                $(#[doc = $long])*
                pub $name: $type,
            )+
            /// Where each value comes from: see [`Config::origin`].
            pub origins: Origins,
        }

        impl Default for Config {
            fn default() -> Config {
                Config { $($name: $default,)+ origins: Origins::default() }
            }
        }

        /// Every setting, group by group.
        pub static TABLE: &[Setting] = &[$(
            Setting {
                name: stringify!($name),
                short: optional!($($short)?),
                also: &[$($($also),+)?],
                group: Group::$group,
                classes: or!(Classes::All $(, Classes::Only(&[$($class),+]))?),
                reload: Reload::$reload,
                holder: or!(<$type as Value>::HOLDER $(, $holder)?),
                syntax: <$type as Value>::SYNTAX,
                arity: <$type as Value>::ARITY,
                range: optional!($($range)?),
                help: $help,
                long: &[$($long),*],
                set: |config, raw| {
                    let value = <$type as Value>::read(raw)?;
                    $(within(value, $range)?;)?
                    config.$name = value;
                    Ok(())
                },
                get: |config| config.$name.write(),
            },
        )+];
    };
}

/// gunicorn's.
const ACCESS_LOG_FORMAT: &str = r#"%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s""#;

fn local_port_8000() -> ListenerSpec {
    ListenerSpec::Tcp { host: "127.0.0.1".to_owned(), port: 8000 }
}

/// The machine itself: a proxy that runs beside the server.
fn loopback() -> Listed<Sender> {
    let both: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    Listed(both.map(|address| Sender::Net(address.into())).into())
}

fn names(names: [&'static str; 2]) -> Listed<FieldPattern> {
    Listed(names.map(|name| FieldPattern::Name(HeaderName::from_static(name))).into())
}

fn scheme_headers(pairs: [(&'static str, &'static str); 3]) -> Listed<SchemeHeader> {
    let rows = pairs.map(|(name, value)| SchemeHeader {
        name: HeaderName::from_static(name),
        value: HeaderValue::from_static(value),
    });
    Listed(rows.into())
}

settings! {
    /// Address to listen on; may be repeated
    ///
    /// `:PORT` and `PORT` mean every IPv4 address, `HOST` alone means port 8000. `unix:@NAME` is a
    /// name in the kernel instead of a file. `fd://N` is a listening socket that the process was
    /// started with. With the environment variable `PORT` the default is `0.0.0.0:$PORT`.
    bind: Vec<ListenerSpec> = vec![local_port_8000()] => {
        group: Socket, reload: Generation, short: 'b',
    }

    /// Connections that may wait to be accepted
    ///
    /// For each address, as in listen(2); the kernel allows no more than `net.core.somaxconn`.
    backlog: u32 = 2048 => {
        group: Socket, reload: Restart, range: 1..=2_147_483_647,
    }

    /// Number of worker processes
    ///
    /// With the environment variable `WEB_CONCURRENCY` the default is its value. The signals TTIN
    /// and TTOU change the number while the server runs.
    workers: u32 = 1 => {
        group: Workers, reload: Live, short: 'w', range: 1..=512,
    }

    /// Worker class: sync, threaded, coroutine or tokio
    ///
    /// The class decides one thing: how a handler runs while it waits. `sync`: one request at once.
    /// `threaded` (gunicorn's `gthread`): one thread for each request. `coroutine` (gunicorn's
    /// `gevent`): blocking code whose waits let others run. `tokio`: asynchronous code.
    worker_class: String = "sync".to_owned() => {
        group: Workers, reload: Generation, short: 'k', holder: "CLASS",
    }

    /// Threads of each worker
    ///
    /// More than one with the class `sync`, given or by default, selects the class `threaded`, and a
    /// line in the log says so.
    threads: u32 = 1 => {
        group: Workers, reload: Generation, range: 1..=4096, classes: ["sync", "threaded"],
    }

    /// Open connections that a worker holds at most
    ///
    /// At the limit the connection that has been idle for longest is closed for a new one; while
    /// none is idle the worker accepts none.
    worker_connections: u32 = 1000 => {
        group: Workers, reload: Generation, range: 1..=1_000_000,
    }

    /// How long the main loop of a worker may be silent
    ///
    /// A worker that is silent for longer is killed and replaced. In the class `sync` the loop is
    /// silent while a handler runs, so there it is how long a request may take; in `coroutine` and
    /// `tokio` it is how long a handler may hold the thread without waiting; the main loop of
    /// `threaded` runs no handler. `0`: for ever.
    timeout: Timeout = Timeout::seconds(30) => {
        group: Time, reload: Generation, short: 't',
    }

    /// How long requests may take to finish when a worker is told to leave
    ///
    /// After that the worker is killed. `0`: for ever.
    graceful_timeout: Timeout = Timeout::seconds(30) => {
        group: Time, reload: Live,
    }

    /// How long an idle connection is kept for its next request
    ///
    /// Longer than the load balancer in front keeps its connections, whose usual time is 60 seconds:
    /// the server must not be the one that closes. `0`: no keep-alive, every connection is closed
    /// after its response.
    keepalive: Timeout = Timeout::seconds(75) => {
        group: Time, reload: Generation, also: ["keep-alive"],
    }

    /// How long an idle connection is kept when its worker is leaving
    ///
    /// A request that comes in this time is answered, and the answer says that the connection is
    /// closed. `0`: idle connections are closed at once.
    keepalive_grace: Timeout = Timeout::seconds(2) => {
        group: Time, reload: Generation,
    }

    /// How long the head of a request may take to arrive
    ///
    /// From its first byte, or from the connection's beginning, to its last. `0`: for ever.
    header_timeout: Timeout = Timeout::seconds(10) => {
        group: Time, reload: Generation,
    }

    /// How long the body of a request may pause
    ///
    /// Between one part of it and the next. `0`: for ever.
    body_timeout: Timeout = Timeout::seconds(30) => {
        group: Time, reload: Generation,
    }

    /// How long a client may read nothing of its response
    ///
    /// `0`: for ever.
    write_timeout: Timeout = Timeout::seconds(30) => {
        group: Time, reload: Generation,
    }

    /// How long a worker may take until it is ready
    ///
    /// After that it is killed, and another is started. `0`: for ever.
    boot_timeout: Timeout = Timeout::seconds(60) => {
        group: Time, reload: Live,
    }

    /// Bytes of a request line
    ///
    /// A longer one is answered with 414. `0`: no limit.
    limit_request_line: u32 = 4094 => {
        group: Limits, reload: Generation,
    }

    /// Header fields of a request
    ///
    /// More are answered with 431. `0`: no limit.
    limit_request_fields: u32 = 100 => {
        group: Limits, reload: Generation,
    }

    /// Bytes of a header field, name and value
    ///
    /// A longer one is answered with 431. `0`: no limit.
    limit_request_field_size: u32 = 8190 => {
        group: Limits, reload: Generation, also: ["limit-request-field_size"],
    }

    /// Accept HTTP/1.1 requests without a Host field
    ///
    /// They are answered with 400 otherwise (RFC 9112, section 3.2).
    permit_missing_host: bool = false => {
        group: Limits, reload: Generation,
    }

    /// Bytes of a request's body
    ///
    /// A longer one is answered with 413. `0`: no limit.
    limit_request_body: ByteSize = ByteSize(0) => {
        group: Limits, reload: Generation,
    }

    /// Bytes of a body that are read before the handler runs
    ///
    /// So a slow client does not occupy the application. What is longer is handed on as it arrives.
    /// `0`: nothing is read ahead.
    body_buffer_size: ByteSize = ByteSize(1 << 20) => {
        group: Limits, reload: Generation,
    }

    /// Name of the application in process titles
    ///
    /// `none`: what the application is called.
    proc_name: Option<String> = None => {
        group: Process, reload: Generation, short: 'n', also: ["name"], holder: "NAME",
    }

    /// Senders whose headers about the client are believed
    ///
    /// They may send `secure_scheme_headers` and `forwarder_headers`. What counts is the address that
    /// has connected, whatever the PROXY protocol announces. Over a unix socket everybody is believed.
    /// The client's address is never taken from a header. Empty: nobody. With the environment variable
    /// `FORWARDED_ALLOW_IPS` the default is its value.
    forwarded_allow_ips: Listed<Sender> = loopback() => {
        group: Proxies, reload: Generation,
    }

    /// Names with an underscore that a believed sender may use
    ///
    /// What becomes of such a header field otherwise is said by `header_map`.
    forwarder_headers: Listed<FieldPattern> = names(["script_name", "path_info"]) => {
        group: Proxies, reload: Generation,
    }

    /// What becomes of header fields named with an underscore
    ///
    /// Many applications cannot tell `X_User` from `X-User`, so who may send the one forges the other.
    /// `drop`: the application does not see it. `refuse`: the request is answered with 400.
    /// `dangerous`: it is kept.
    header_map: Underscores = Underscores::Drop => {
        group: Proxies, reload: Generation,
    }

    /// Headers by which a believed sender says https
    ///
    /// The value counts as it is written. With any other value the field says http, and fields that
    /// contradict each other are answered with 400. From everybody else they mean nothing.
    secure_scheme_headers: Listed<SchemeHeader> = scheme_headers([
        ("x-forwarded-protocol", "ssl"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-ssl", "on"),
    ]) => {
        group: Proxies, reload: Generation,
    }

    /// PROXY protocol of connections: off, v1, v2 or auto
    ///
    /// A connection may then begin with a header that announces the client, and that client is the
    /// request's peer and in the access log. It may also begin without one. A proxy that announces
    /// clients and does not look into their requests passes their headers on as they are: it is
    /// better not in `forwarded_allow_ips`.
    proxy_protocol: ProxyProtocol = ProxyProtocol::Off => {
        group: Proxies, reload: Generation,
    }

    /// Senders that may use the PROXY protocol
    ///
    /// A PROXY header from anybody else is answered with 403. Over a unix socket everybody may send
    /// one. Empty: nobody.
    proxy_allow_ips: Listed<Sender> = loopback() => {
        group: Proxies, reload: Generation, also: ["proxy-allow-from"],
    }

    /// Where the access log goes; - is standard output
    ///
    /// `none`: there is no access log.
    accesslog: Option<Destination> = None => {
        group: Logs, reload: Generation, also: ["access-logfile"],
    }

    /// What a line of the access log consists of
    ///
    /// gunicorn's atoms: `%(h)s` is the client, `%({accept}i)s` the request's field `Accept`.
    access_log_format: String = ACCESS_LOG_FORMAT.to_owned() => {
        group: Logs, reload: Generation, also: ["access-logformat"], holder: "FORMAT",
    }

    /// Where the error log goes; - is standard error
    ///
    /// What the server itself has to say, errors or not.
    errorlog: Destination = Destination::Standard => {
        group: Logs, reload: Live, also: ["error-logfile", "log-file"],
    }

    /// What is worth a line in the error log
    ///
    /// This level and the more serious ones.
    loglevel: LogLevel = LogLevel::Info => {
        group: Logs, reload: Live, also: ["log-level"],
    }

    /// How both logs are written: text, json or logfmt
    ///
    /// `text`: as gunicorn writes them, the access log by `access_log_format`. `json`, `logfmt`: one
    /// object a line; `access_log_format` means nothing then. The fields: [logs.md](logs.md).
    log_format: LogFormat = LogFormat::Text => {
        group: Logs, reload: Generation,
    }

    /// Put what workers print into the error log
    ///
    /// Standard output and standard error of the workers, line by line as they are written, go to
    /// `errorlog`; with `-` that means standard error for both. The access log on standard output
    /// stays where it is.
    capture_output: bool = false => {
        group: Logs, reload: Generation,
    }

    /// Send both logs to syslog too
    ///
    /// The access log goes there even without an `accesslog`. Messages that the daemon does not take
    /// at once are dropped and counted.
    syslog: bool = false => {
        group: Logs, reload: Generation, also: ["log-syslog"],
    }

    /// Where syslog is
    ///
    /// Messages are in the form of RFC 5424, over TCP with their length in front (RFC 6587). For a
    /// unix socket without `#dgram` or `#stream` datagrams are tried first.
    syslog_addr: SyslogAddress = SyslogAddress::Udp("localhost".to_owned(), 514) => {
        group: Logs, reload: Generation, also: ["log-syslog-to"],
    }

    /// What the server calls itself in syslog
    ///
    /// Messages are from `oxicorn.PREFIX`. `none`: from `oxicorn.` and `proc_name`, or `oxicorn`
    /// alone.
    syslog_prefix: Option<String> = None => {
        group: Logs, reload: Generation, also: ["log-syslog-prefix"],
    }

    /// Which part of the system messages to syslog are from
    ///
    /// The daemon sorts by it.
    syslog_facility: Facility = Facility::USER => {
        group: Logs, reload: Generation, also: ["log-syslog-facility"],
    }

    /// Where statsd takes metrics
    ///
    /// Over UDP, or to a unix datagram socket. `none`: no metrics. The list: [logs.md](logs.md).
    statsd_host: Option<StatsdHost> = None => {
        group: Metrics, reload: Generation,
    }

    /// What the names of all metrics begin with
    ///
    /// A dot follows it. `none`: they begin with `gunicorn.`
    statsd_prefix: Option<MetricPrefix> = None => {
        group: Metrics, reload: Generation,
    }

    /// Tags of all metrics, for dogstatsd
    ///
    /// `name:value`, with commas between them. `none`: there are no tags.
    dogstatsd_tags: Option<MetricTags> = None => {
        group: Metrics, reload: Generation,
    }

    /// Configuration file to read instead of ./server.toml
    ///
    /// TOML, its keys are the names of the settings; gunicorn's file of plain assignments is that
    /// too. `none`: not even `./server.toml` is read. A reload reads the file again.
    config: Option<PathBuf> = None => {
        group: Tools, reload: Live, short: 'c',
    }

    /// Check everything that a start would, and start nothing
    ///
    /// The exit status says what was found: 0 is good.
    check_config: bool = false => {
        group: Tools, reload: Restart,
    }

    /// Print every setting and where it comes from, and start nothing
    ///
    /// What is printed is a configuration file.
    print_config: bool = false => {
        group: Tools, reload: Restart,
    }
}
