//! The rows, in the order of gunicorn's own reference. A row is short on purpose: the page has one
//! line for each.

use super::{Ours, Theirs};

macro_rules! rows {
    ($($name:ident [$($flag:literal)*] $default:literal => $ours:expr;)+) => {
        /// Every setting of gunicorn's.
        pub static GUNICORN: &[Theirs] = &[$(
            Theirs {
                name: stringify!($name),
                flags: &[$($flag),*],
                default: $default,
                ours: $ours,
            },
        )+];
    };
}

const NO_TLS: Ours = Ours::Instead("there is no TLS here: the proxy in front does it");
const NO_HTTP_2: Ours = Ours::Instead("there is no HTTP/2 here: the proxy in front speaks it");
const STRICT: Ours =
    Ours::Instead("such requests are refused, another server may read them differently");
const LOGS: Ours = Ours::Instead(
    "the logs are not Python's: see errorlog, accesslog, access_log_format and loglevel",
);
const SIGNALS: Ours = Ours::Instead("the master is controlled by signals");
const QUEUE: Ours = Ours::Instead("long jobs are for a queue of their own");
const ONLY_HTTP: Ours = Ours::Instead("the only protocol is HTTP");
const PYTHON: Ours = Ours::Instead("it concerns Python applications");

rows! {
    // Configuration, sockets, workers and limits.
    config ["-c" "--config"] r#""./gunicorn.conf.py""# => Ours::Same;
    wsgi_app [] "None" => Ours::Same;
    bind ["-b" "--bind"] r#"["127.0.0.1:8000"]"# => Ours::Same;
    backlog ["--backlog"] "2048" => Ours::Same;
    workers ["-w" "--workers"] "1" => Ours::Same;
    worker_class ["-k" "--worker-class"] r#""sync""# => Ours::Same;
    threads ["--threads"] "1" => Ours::Same;
    worker_connections ["--worker-connections"] "1000" => Ours::Same;
    max_requests ["--max-requests"] "0" => Ours::Same;
    max_requests_jitter ["--max-requests-jitter"] "0" => Ours::Same;
    timeout ["-t" "--timeout"] "30" => Ours::Same;
    graceful_timeout ["--graceful-timeout"] "30" => Ours::Same;
    keepalive ["--keep-alive"] "2" => Ours::Same;
    limit_request_line ["--limit-request-line"] "4094" => Ours::Same;
    limit_request_fields ["--limit-request-fields"] "100" => Ours::Same;
    limit_request_field_size ["--limit-request-field_size"] "8190" => Ours::Same;
    http_parser ["--http-parser"] r#""auto""# => Ours::Instead("there is one parser");
    asgi_loop ["--asgi-loop"] r#""auto""# => Ours::Same;
    asgi_lifespan ["--asgi-lifespan"] r#""auto""# => Ours::Same;
    asgi_disconnect_grace_period ["--asgi-disconnect-grace-period"] "3"
        => Ours::Instead("a handler whose client has gone may go on until its timeout");
    websocket_max_message_size ["--websocket-max-message-size"] "16777216" => Ours::Same;

    // Debugging.
    reload ["--reload"] "False" => Ours::Same;
    reload_engine ["--reload-engine"] r#""auto""# => Ours::Same;
    reload_extra_files ["--reload-extra-file"] "[]" => Ours::Same;
    spew ["--spew"] "False" => Ours::Instead("nothing is traced; loglevel = \"debug\" says more");
    check_config ["--check-config"] "False" => Ours::Same;
    print_config ["--print-config"] "False" => Ours::Same;

    // Server mechanics.
    preload_app ["--preload"] "False" => Ours::Same;
    sendfile ["--no-sendfile"] "None" => Ours::Instead("files always go by sendfile(2)");
    reuse_port ["--reuse-port"] "False" => Ours::Same;
    chdir ["--chdir"] "None" => Ours::Same;
    daemon ["-D" "--daemon"] "False" => Ours::Same;
    raw_env ["-e" "--env"] "[]" => Ours::Same;
    pidfile ["-p" "--pid"] "None" => Ours::Same;
    worker_tmp_dir ["--worker-tmp-dir"] "None"
        => Ours::Instead("heartbeats are in shared memory, no file is needed");
    user ["-u" "--user"] "None" => Ours::Same;
    group ["-g" "--group"] "None" => Ours::Same;
    umask ["-m" "--umask"] "0" => Ours::Same;
    initgroups ["--initgroups"] "False" => Ours::Same;
    tmp_upload_dir [] "None" => Ours::Instead("nothing ever read it, it can be removed");
    secure_scheme_headers [] r#"{"X-FORWARDED-PROTOCOL": "ssl", "X-FORWARDED-PROTO": "https", "X-FORWARDED-SSL": "on"}"#
        => Ours::Same;
    forwarded_allow_ips ["--forwarded-allow-ips"] r#""127.0.0.1,::1""# => Ours::Same;
    pythonpath ["--pythonpath"] "None" => Ours::Same;
    paste ["--paste" "--paster"] "None" => PYTHON;
    raw_paste_global_conf ["--paste-global"] "[]" => PYTHON;
    proxy_protocol ["--proxy-protocol"] r#""off""# => Ours::Same;
    proxy_allow_ips ["--proxy-allow-from"] r#""127.0.0.1,::1""# => Ours::Same;
    protocol ["--protocol"] r#""http""# => ONLY_HTTP;
    uwsgi_allow_ips ["--uwsgi-allow-from"] r#""127.0.0.1,::1""# => ONLY_HTTP;
    permit_obsolete_folding ["--permit-obsolete-folding"] "False" => STRICT;
    strip_header_spaces ["--strip-header-spaces"] "False" => STRICT;
    permit_unconventional_http_method ["--permit-unconventional-http-method"] "False" => STRICT;
    permit_unconventional_http_version ["--permit-unconventional-http-version"] "False" => STRICT;
    casefold_http_method ["--casefold-http-method"] "False" => STRICT;
    forwarder_headers ["--forwarder-headers"] r#""SCRIPT_NAME,PATH_INFO""# => Ours::Same;
    header_map ["--header-map"] r#""drop""# => Ours::Same;
    root_path ["--root-path"] r#""""# => Ours::Same;

    // Logs and names.
    accesslog ["--access-logfile"] "None" => Ours::Same;
    disable_redirect_access_to_syslog ["--disable-redirect-access-to-syslog"] "False"
        => Ours::Instead("with syslog both logs go there, their MSGID tells them apart");
    access_log_format ["--access-logformat"] r#"'%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"'"#
        => Ours::Same;
    errorlog ["--error-logfile" "--log-file"] r#""-""# => Ours::Same;
    loglevel ["--log-level"] r#""info""# => Ours::Same;
    capture_output ["--capture-output"] "False" => Ours::Same;
    logger_class ["--logger-class"] r#""gunicorn.glogging.Logger""# => LOGS;
    logconfig ["--log-config"] "None" => LOGS;
    logconfig_json ["--log-config-json"] "None" => LOGS;
    logconfig_dict [] "{}" => LOGS;
    syslog ["--log-syslog"] "False" => Ours::Same;
    syslog_addr ["--log-syslog-to"] r#""udp://localhost:514""# => Ours::Same;
    syslog_prefix ["--log-syslog-prefix"] "None" => Ours::Same;
    syslog_facility ["--log-syslog-facility"] r#""user""# => Ours::Same;
    enable_stdio_inheritance ["-R" "--enable-stdio-inheritance"] "False"

        => Ours::Instead("redirect the streams where the server is started, or send the logs to files");
    statsd_host ["--statsd-host"] "None" => Ours::Same;
    statsd_prefix ["--statsd-prefix"] r#""""# => Ours::Same;
    dogstatsd_tags ["--dogstatsd-tags"] r#""""# => Ours::Same;
    enable_backlog_metric ["--enable-backlog-metric"] "False"
        => Ours::Instead("with statsd_host the backlog is always among the metrics");
    proc_name ["-n" "--name"] "None" => Ours::Same;
    default_proc_name [] r#""gunicorn""# => Ours::Instead("proc_name is the whole name");

    // TLS, HTTP/2, the control socket, dirty workers.
    keyfile ["--keyfile"] "None" => NO_TLS;
    certfile ["--certfile"] "None" => NO_TLS;
    ssl_version ["--ssl-version"] "2" => NO_TLS;
    cert_reqs ["--cert-reqs"] "0" => NO_TLS;
    ca_certs ["--ca-certs"] "None" => NO_TLS;
    suppress_ragged_eofs ["--suppress-ragged-eofs"] "True" => NO_TLS;
    do_handshake_on_connect ["--do-handshake-on-connect"] "False" => NO_TLS;
    ciphers ["--ciphers"] "None" => NO_TLS;
    http_protocols ["--http-protocols"] r#""h1""# => NO_HTTP_2;
    http2_cleartext ["--http2-cleartext"] r#""off""# => NO_HTTP_2;
    http2_max_concurrent_streams ["--http2-max-concurrent-streams"] "100" => NO_HTTP_2;
    http2_initial_window_size ["--http2-initial-window-size"] "65535" => NO_HTTP_2;
    http2_max_frame_size ["--http2-max-frame-size"] "16384" => NO_HTTP_2;
    http2_max_header_list_size ["--http2-max-header-list-size"] "65536" => NO_HTTP_2;
    control_socket ["--control-socket"] "a file in the home folder" => SIGNALS;
    control_socket_mode ["--control-socket-mode"] "0600" => SIGNALS;
    control_socket_disable ["--no-control-socket"] "False" => SIGNALS;
    dirty_apps ["--dirty-app"] "[]" => QUEUE;
    dirty_workers ["--dirty-workers"] "0" => QUEUE;
    dirty_timeout ["--dirty-timeout"] "300" => QUEUE;
    dirty_threads ["--dirty-threads"] "1" => QUEUE;
    dirty_graceful_timeout ["--dirty-graceful-timeout"] "30" => QUEUE;

    // Hooks.
    on_starting [] "" => Ours::Hook;
    when_ready [] "" => Ours::Hook;
    on_reload [] "" => Ours::Hook;
    pre_exec [] "" => Ours::Hook;
    on_exit [] "" => Ours::Hook;
    pre_fork [] "" => Ours::Hook;
    post_fork [] "" => Ours::Hook;
    post_worker_init [] "" => Ours::Hook;
    worker_int [] "" => Ours::Hook;
    worker_abort [] "" => Ours::Hook;
    worker_exit [] "" => Ours::Hook;
    pre_request [] "" => Ours::Hook;
    post_request [] "" => Ours::Hook;
    nworkers_changed [] "" => Ours::Hook;
    child_exit [] "" => Ours::Hook;
    ssl_context [] "" => NO_TLS;
    on_dirty_starting [] "" => QUEUE;
    dirty_post_fork [] "" => QUEUE;
    dirty_worker_init [] "" => QUEUE;
    dirty_worker_exit [] "" => QUEUE;
}
