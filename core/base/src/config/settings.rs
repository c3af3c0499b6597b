//! The table. A row is a setting: its field in [`Config`], and what there is to know about it. The
//! first line of its documentation is what `--help` says, the rest is for the reference page, both
//! are for rustdoc: nothing about a setting is written twice.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::layers::Origins;
use super::table::{Classes, Group, Reload, Setting};
use super::value::kinds::within;
use super::value::{
    AsgiLifespan, AsgiLoop, ByteSize, Destination, Facility, FieldPattern, GroupAccount, Listed,
    LogFormat, LogLevel, MetricPrefix, MetricTags, Patch, ProxyProtocol, ReloadEngine,
    SchemeHeader, Sender, StatsdHost, SyslogAddress, Timeout, Umask, Underscores, UserAccount,
    Value, Variables, Workers,
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
                completes: <$type as Value>::COMPLETES,
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
    ///
    /// `unix:PATH?mode=0660&user=NAME&group=NAME`: what the file of the socket is like, from the
    /// moment when it is there; each part may be left out. Otherwise `umask`, `user` and `group` say.
    /// The file of a socket that is there already stays as it is: a reload that asks for another one
    /// at the same path is refused.
    ///
    /// Sockets that systemd passes (`LISTEN_FDS`, if `LISTEN_PID` is this process) are listened at
    /// instead of all that is said here, with a WARNING if something is.
    bind: Vec<ListenerSpec> = vec![local_port_8000()] => {
        group: Socket, reload: Generation, short: 'b',
    }

    /// Connections that may wait to be accepted
    ///
    /// For each address, as in listen(2); the kernel allows no more than `net.core.somaxconn`.
    backlog: u32 = 2048 => {
        group: Socket, reload: Restart, range: 1..=2_147_483_647,
    }

    /// Let another server listen at the same addresses
    ///
    /// With SO_REUSEPORT (socket(7)) on the sockets that the master makes, if the other server, of the
    /// same user, has set it too: the kernel shares out the connections. For TCP addresses only.
    reuse_port: bool = false => {
        group: Socket, reload: Restart,
    }

    /// Import a Python application once, before the workers are forked
    ///
    /// The workers share its memory then, and a reload takes the new code all the same. `--no-preload`,
    /// or `false`: each worker imports it for itself. For Python applications only; one in Rust is
    /// always loaded before the fork.
    preload_app: bool = true => {
        group: Workers, reload: Generation, also: ["preload"],
    }

    /// Number of worker processes, or auto
    ///
    /// With the environment variable `WEB_CONCURRENCY` the default is its value. The signals TTIN
    /// and TTOU change the number while the server runs.
    ///
    /// `auto`: one for each CPU that may be used, by affinity, cpuset and the cgroup's quota (half a CPU
    /// counts as one); in the class `sync` twice as many and one more; but no more than one for each
    /// 32 MiB of the cgroup's memory limit. A line in the log says how it came about. A reload looks
    /// again.
    workers: Workers = Workers::Count(1) => {
        group: Workers, reload: Live, short: 'w',
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

    /// Whether blocking calls of ordinary code give way to other requests
    ///
    /// `on`: what a handler calls that blocks (`std::thread::sleep`, `std::net`, a database client, a
    /// lock) lets other requests run, where that is possible: Linux with glibc, on x86-64. Elsewhere, as
    /// with `off`, only what waits through `oxicorn` does. `check`: as with `off`, and each function that
    /// would have blocked is named once for each method and path, in a WARNING. See `docs/patch.md`.
    patch: Patch = Patch::On => {
        group: Workers, reload: Generation, classes: ["coroutine"],
    }

    /// Open connections that a worker holds at most
    ///
    /// At the limit the connection that has been idle for longest is closed for a new one; while
    /// none is idle the worker accepts none.
    worker_connections: u32 = 1000 => {
        group: Workers, reload: Generation, range: 1..=1_000_000,
    }

    /// Requests after which a worker is replaced
    ///
    /// The worker serves on until its replacement is ready, so no request is refused and none is
    /// lost. `0`: however many.
    max_requests: u32 = 0 => {
        group: Workers, reload: Generation,
    }

    /// Requests by which max_requests may be more, at random
    ///
    /// Each worker draws a number up to this one, so that not all are replaced at the same time.
    max_requests_jitter: u32 = 0 => {
        group: Workers, reload: Generation,
    }

    /// Time after which a worker is replaced
    ///
    /// Up to a tenth longer, at random. Replaced as with `max_requests`. `0`: it lives as long as the
    /// server.
    max_lifetime: Timeout = Timeout::OFF => {
        group: Workers, reload: Generation,
    }

    /// Resident memory of a worker at which it is replaced
    ///
    /// Up to a tenth more, at random; looked at once a second. Replaced as with `max_requests`. `0`:
    /// however much.
    max_rss: ByteSize = ByteSize(0) => {
        group: Workers, reload: Generation,
    }

    /// Event loop of ASGI applications: auto, asyncio or uvloop
    ///
    /// `auto`: uvloop if it is installed where the application is, otherwise asyncio's own.
    asgi_loop: AsgiLoop = AsgiLoop::Auto => {
        group: Workers, reload: Generation, classes: ["tokio"],
    }

    /// Tell ASGI applications of start and end: auto, on or off
    ///
    /// A worker is ready when the application says that it has started; if it says that it cannot, the
    /// worker has failed to boot. `auto`: an application that does not know these events is served
    /// without them. `on`: that is a failure, too.
    asgi_lifespan: AsgiLifespan = AsgiLifespan::Auto => {
        group: Workers, reload: Generation, classes: ["tokio"],
    }

    /// How long a request may occupy the application
    ///
    /// From the moment that the handler gets it until its response is made, the pieces of a streamed
    /// response included. After that the client gets 504, or sees its connection closed when the
    /// response has begun; the log says `WORKER TIMEOUT` and names the requests in flight. In `sync`
    /// the worker is killed and replaced. In `coroutine` the handler is unwound when it waits, or
    /// its calls fail if they are not `oxicorn`'s own (`patch`), in `tokio` an asynchronous one is
    /// dropped, and the worker goes on. A thread of `threaded`, or of
    /// the blocking pool of `tokio`, is left behind, in `threaded` with another in its place; when
    /// more than half of the threads are left behind the worker is replaced. In every class a worker
    /// whose main loop is silent for this long, because a handler holds its thread, is killed and
    /// replaced. `0`: for ever.
    timeout: Timeout = Timeout::seconds(30) => {
        group: Time, reload: Generation, short: 't',
    }

    /// How long requests may take to finish when a worker is told to leave
    ///
    /// After that the worker is killed. `0`: for ever.
    graceful_timeout: Timeout = Timeout::seconds(30) => {
        group: Time, reload: Live,
    }

    /// How long everything is still served after TERM
    ///
    /// Meanwhile the server says that it stops to whoever asks (`RequestExt::is_stopping`; the demo's
    /// `/healthz` answers 503), so that a load balancer can send its clients elsewhere. Then the stop
    /// begins. `0`: at once.
    drain_delay: Timeout = Timeout::OFF => {
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

    /// How long a handler may hold its worker's only thread unnoticed
    ///
    /// Everybody else waits meanwhile. A handler that computes, or waits in a way that the class does
    /// not know of, for this long without giving way is named in a WARNING, once a minute for each
    /// method and path, and counted. The clock is exact to some milliseconds. `0`: nobody looks.
    blocked_threshold: Timeout = Timeout(Some(Duration::from_millis(100))) => {
        group: Time, reload: Generation, classes: ["coroutine", "tokio"],
    }

    /// How long a WebSocket may be silent until its client is asked
    ///
    /// It is sent a ping then, and is taken for gone when it has not said anything, a pong at least, for
    /// as long once more. This also keeps proxies from closing what they take for idle. For ASGI
    /// applications. `0`: nobody is asked.
    websocket_ping_interval: Timeout = Timeout::seconds(20) => {
        group: Time, reload: Generation, classes: ["tokio"],
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

    /// Bytes of a WebSocket's message
    ///
    /// A client that sends a larger one is disconnected with the code 1009. For ASGI applications. `0`: no
    /// limit.
    websocket_max_message_size: ByteSize = ByteSize(16 << 20) => {
        group: Limits, reload: Generation, classes: ["tokio"],
    }

    /// Bytes of a body that are read before the handler runs
    ///
    /// So a slow client does not occupy the application. What is longer is handed on as it arrives.
    /// `0`: nothing is read ahead.
    body_buffer_size: ByteSize = ByteSize(1 << 20) => {
        group: Limits, reload: Generation,
    }

    /// Run in the background
    ///
    /// The command ends when the first worker is ready; when the server cannot start, it ends with the
    /// server's exit code. Until then the master's standard error stays what it was; standard input
    /// and output, and everything of the workers, are /dev/null, also where a log goes to `-`: a
    /// WARNING says so. The working directory stays.
    daemon: bool = false => {
        group: Process, reload: Restart, short: 'D',
    }

    /// User that the workers run as, by name or number
    ///
    /// The master stays what it is, to bind and to reopen. Log files and unix sockets are given to this
    /// user. `none`: the master's own. Supplementary groups are dropped, unless `initgroups`.
    user: Option<UserAccount> = None => {
        group: Process, reload: Generation, short: 'u',
    }

    /// Group that the workers run as, by name or number
    ///
    /// `none`: the group that the system has for `user`, or else the master's.
    group: Option<GroupAccount> = None => {
        group: Process, reload: Generation, short: 'g',
    }

    /// Give the workers all groups that `user` is in
    ///
    /// As the group database has them: initgroups(3).
    initgroups: bool = false => {
        group: Process, reload: Generation,
    }

    /// Permissions that new files do not get
    ///
    /// Those of unix sockets and logs, and whatever the application makes. `022`, `0o22`, `0x12` and
    /// `18` are the same. A file of TOML has numbers without a zero in front: write `0o22`, or a string.
    umask: Umask = Umask(0o022) => {
        group: Process, reload: Restart, short: 'm',
    }

    /// Folder to change to before anything else
    ///
    /// All relative paths are relative to it, except that of the configuration file. `none`: stay.
    chdir: Option<PathBuf> = None => {
        group: Process, reload: Restart, holder: "FOLDER",
    }

    /// Folders to look for a Python application in; may be repeated
    ///
    /// Separated by commas. They are looked into before the folder that the server was started in, or
    /// that `chdir` says. For Python applications only.
    pythonpath: Listed<PathBuf> = Listed(Vec::new()) => {
        group: Process, reload: Generation, holder: "FOLDER",
    }

    /// Variable for the environment of the application; may be repeated
    ///
    /// It is set before the application starts; settings are not read from it.
    raw_env: Variables = Variables::default() => {
        group: Process, reload: Generation, short: 'e', also: ["env"],
    }

    /// Reload when a file has changed
    ///
    /// For development. Of a Python application every module in the folders that its modules are imported
    /// from is watched, and the configuration file; of any application the files of
    /// `reload_extra_files`. What follows is what SIGHUP does: what cannot be loaded changes nothing.
    reload: bool = false => {
        group: Process, reload: Live,
    }

    /// How it is known that a file has changed
    ///
    /// `inotify`: the kernel tells. `poll`: the files are looked at once a second, for folders that other
    /// machines write to. `auto`: the first, or where it is not possible the second.
    reload_engine: ReloadEngine = ReloadEngine::Auto => {
        group: Process, reload: Live,
    }

    /// File to watch with reload; may be repeated
    ///
    /// A template or a file of settings. Of a folder every file in it is watched, but not those in the
    /// folders in it.
    reload_extra_files: Listed<PathBuf> = Listed(Vec::new()) => {
        group: Process, reload: Live, also: ["reload-extra-file"],
    }

    /// Application to serve, where the command line names none
    ///
    /// Written as on the command line: `module:callable`.
    wsgi_app: Option<String> = None => {
        group: Process, reload: Generation, holder: "APP",
    }

    /// Name of the application in process titles
    ///
    /// `none`: what the application is called.
    proc_name: Option<String> = None => {
        group: Process, reload: Generation, short: 'n', also: ["name"], holder: "NAME",
    }

    /// File with the process number of the master
    ///
    /// Written before the first worker is started, removed at the end. A server whose file names
    /// another process that lives does not start. While a binary is replaced (USR2) the new master's
    /// number is in `FILE.2`. `none`: there is no file.
    pidfile: Option<PathBuf> = None => {
        group: Process, reload: Live, short: 'p', also: ["pid"],
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

    /// Path below which a proxy in front serves the application
    ///
    /// What the proxy has cut off: ASGI applications get it as `root_path`, and their `path` begins with
    /// it.
    root_path: Option<String> = None => {
        group: Proxies, reload: Generation, holder: "PATH", classes: ["tokio"],
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
