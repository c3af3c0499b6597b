complete -c server -s b -l bind -d 'Address to listen on; may be repeated' -r
complete -c server -l backlog -d 'Connections that may wait to be accepted' -r
complete -c server -s w -l workers -d 'Number of worker processes, or auto' -r
complete -c server -s k -l worker-class -d 'Worker class: sync, threaded, coroutine or tokio' -r -f -a "sync\t''
threaded\t''
gthread\t''
coroutine\t''
gevent\t''
tokio\t''
async\t''"
complete -c server -l threads -d 'Threads of each worker' -r
complete -c server -l patch -d 'Whether blocking calls of ordinary code give way to other requests' -r -f -a "on\t''
check\t''
off\t''"
complete -c server -l worker-connections -d 'Open connections that a worker holds at most' -r
complete -c server -l max-requests -d 'Requests after which a worker is replaced' -r
complete -c server -l max-requests-jitter -d 'Requests by which max_requests may be more, at random' -r
complete -c server -l max-lifetime -d 'Time after which a worker is replaced' -r
complete -c server -l max-rss -d 'Resident memory of a worker at which it is replaced' -r
complete -c server -s t -l timeout -d 'How long a request may occupy the application' -r
complete -c server -l graceful-timeout -d 'How long requests may take to finish when a worker is told to leave' -r
complete -c server -l drain-delay -d 'How long everything is still served after TERM' -r
complete -c server -l keepalive -l keep-alive -d 'How long an idle connection is kept for its next request' -r
complete -c server -l keepalive-grace -d 'How long an idle connection is kept when its worker is leaving' -r
complete -c server -l header-timeout -d 'How long the head of a request may take to arrive' -r
complete -c server -l body-timeout -d 'How long the body of a request may pause' -r
complete -c server -l write-timeout -d 'How long a client may read nothing of its response' -r
complete -c server -l boot-timeout -d 'How long a worker may take until it is ready' -r
complete -c server -l blocked-threshold -d 'How long a handler may hold its worker\'s only thread unnoticed' -r
complete -c server -l limit-request-line -d 'Bytes of a request line' -r
complete -c server -l limit-request-fields -d 'Header fields of a request' -r
complete -c server -l limit-request-field-size -l limit-request-field_size -d 'Bytes of a header field, name and value' -r
complete -c server -l limit-request-body -d 'Bytes of a request\'s body' -r
complete -c server -l body-buffer-size -d 'Bytes of a body that are read before the handler runs' -r
complete -c server -s u -l user -d 'User that the workers run as, by name or number' -r
complete -c server -s g -l group -d 'Group that the workers run as, by name or number' -r
complete -c server -s m -l umask -d 'Permissions that new files do not get' -r
complete -c server -l chdir -d 'Folder to change to before anything else' -r -F
complete -c server -s e -l raw-env -l env -d 'Variable for the environment of the application; may be repeated' -r
complete -c server -s n -l proc-name -l name -d 'Name of the application in process titles' -r
complete -c server -s p -l pidfile -l pid -d 'File with the process number of the master' -r -F
complete -c server -l forwarded-allow-ips -d 'Senders whose headers about the client are believed' -r
complete -c server -l forwarder-headers -d 'Names with an underscore that a believed sender may use' -r
complete -c server -l header-map -d 'What becomes of header fields named with an underscore' -r -f -a "drop\t''
refuse\t''
dangerous\t''"
complete -c server -l secure-scheme-headers -d 'Headers by which a believed sender says https' -r
complete -c server -l proxy-protocol -d 'PROXY protocol of connections: off, v1, v2 or auto' -r -f -a "off\t''
v1\t''
v2\t''
auto\t''"
complete -c server -l proxy-allow-ips -l proxy-allow-from -d 'Senders that may use the PROXY protocol' -r
complete -c server -l accesslog -l access-logfile -d 'Where the access log goes; - is standard output' -r -F
complete -c server -l access-log-format -l access-logformat -d 'What a line of the access log consists of' -r
complete -c server -l errorlog -l error-logfile -l log-file -d 'Where the error log goes; - is standard error' -r -F
complete -c server -l loglevel -l log-level -d 'What is worth a line in the error log' -r -f -a "debug\t''
info\t''
warning\t''
error\t''
critical\t''"
complete -c server -l log-format -d 'How both logs are written: text, json or logfmt' -r
complete -c server -l syslog-addr -l log-syslog-to -d 'Where syslog is' -r
complete -c server -l syslog-prefix -l log-syslog-prefix -d 'What the server calls itself in syslog' -r
complete -c server -l syslog-facility -l log-syslog-facility -d 'Which part of the system messages to syslog are from' -r
complete -c server -l statsd-host -d 'Where statsd takes metrics' -r
complete -c server -l statsd-prefix -d 'What the names of all metrics begin with' -r
complete -c server -l dogstatsd-tags -d 'Tags of all metrics, for dogstatsd' -r
complete -c server -s c -l config -d 'Configuration file to read instead of ./server.toml' -r -F
complete -c server -l completions -d 'Print the completions for bash, zsh or fish' -r -f -a "bash\t''
zsh\t''
fish\t''"
complete -c server -l reuse-port -d 'Let another server listen at the same addresses'
complete -c server -l permit-missing-host -d 'Accept HTTP/1.1 requests without a Host field'
complete -c server -s D -l daemon -d 'Run in the background'
complete -c server -l initgroups -d 'Give the workers all groups that `user` is in'
complete -c server -l capture-output -d 'Put what workers print into the error log'
complete -c server -l syslog -l log-syslog -d 'Send both logs to syslog too'
complete -c server -l check-config -d 'Check everything that a start would, and start nothing'
complete -c server -l print-config -d 'Print every setting and where it comes from, and start nothing'
complete -c server -s h -l help -d 'Print this text'
complete -c server -s V -l version -d 'Print the version'
complete -c server -l man -d 'Print the manual page, for man(1)'
