//! Which file is executed, what of it is a setting, and what is said when it cannot be.

use oxicorn_tests::Signal;

use super::*;

const COMPUTED: &str = "
import os
cores = 3
host = '127.0.0.1'
workers = cores * 2 + 1
bind = [f'{host}:0']
timeout = 45.5
accesslog = None
forwarded_allow_ips = ('10.0.0.0/8',)
wsgi_app = 'shop:app'
raw_env = ['NAME=' + os.path.basename(__file__)]
";

#[test]
fn its_names_are_settings_under_those_of_the_command_line() {
    let args = ["-c", "conf.py", "--timeout", "9", "--print-config"];
    let done = invoked(COMPUTED).args(args).run(Deadline::seconds(20));
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    let has = |key: &str, value: &str, origin: &str| {
        let line = done.stdout.lines().find(|line| line.starts_with(&format!("{key} = ")));
        let line = line.unwrap_or_default();
        assert!(line.contains(value) && line.ends_with(&format!("# {origin}")), "{line}");
    };
    has("workers", "7", "conf.py");
    has("timeout", "9", "command line");
    has("bind", "127.0.0.1:0", "conf.py");
    has("wsgi_app", "shop:app", "conf.py");
    has("forwarded_allow_ips", "10.0.0.0/8", "conf.py");
    has("raw_env", "NAME=conf.py", "conf.py");
    has("accesslog", "none", "default");
}

#[test]
fn it_is_found_by_each_of_gunicorns_ways() {
    let file = "import os\nraw_env = ['X=1']\nproc_name = 'from ' + 'file'\n";
    for (args, name) in [
        (&["-c", "file:conf.py"][..], "conf.py"),
        (&["-c", "python:conf"], "conf.py"),
        (&[], "gunicorn.conf.py"),
    ] {
        let run = invoked(file).file(name, file).args(args).args(["--print-config", "shop:app"]);
        let done = run.run(Deadline::seconds(20));
        assert!(done.stdout.contains("proc_name = \"from file\""), "{args:?}: {done:?}");
    }
    // Nobody but a Python application asks for gunicorn's.
    let done = invoked(file).file("gunicorn.conf.py", file).args(["--print-config", "demo"]);
    assert!(!done.run(Deadline::seconds(20)).stdout.contains("from file"));
}

/// A file, what the line says, and the last line of the traceback.
const MISTAKES: [(&str, &str, Option<&str>); 9] = [
    ("import os\nworkers = os.nothing", "AttributeError: ", Some("AttributeError: ")),
    ("import os\nworkers =", "SyntaxError: ", Some("SyntaxError: ")),
    ("import sys\nsys.exit(7)", "it ends its process: SystemExit: 7", Some("SystemExit: 7")),
    ("import os\nos._exit(7)", "ended its process while it was executed: exit code 7", None),
    ("import os\nworkers = 'many' + ''", "workers = \"many\" (conf.py): not a whole number", None),
    ("import os\nworkers = os", "workers (conf.py): a module is no value for a setting", None),
    (
        "import os\nworker_tmp_dir = os.sep",
        "worker_tmp_dir (conf.py): no such setting: heartbeats are in shared memory",
        None,
    ),
    ("def post_fork(server):\n    pass", "post_fork: TypeError: it has to take 2 arguments", None),
    (
        "def ssl_context(config, default):\n    pass",
        "ssl_context (conf.py): no such setting: there is no TLS here",
        None,
    ),
];

#[test]
fn what_is_wrong_is_said_in_a_line_behind_pythons_own_words() {
    for (file, reason, last) in MISTAKES {
        let run = invoked(file).args(["-c", "conf.py", "-b", "127.0.0.1:0", "shop:app"]);
        let done = run.run(Deadline::seconds(20));
        let lines: Vec<&str> = done.stderr.lines().collect();
        let (error, before) = lines.split_last().unwrap();
        assert!(error.starts_with("Error: ") && error.contains(reason), "{file}: {done:?}");
        match last {
            Some(last) => assert!(before.last().unwrap().starts_with(last), "{done:?}"),
            None => assert!(before.is_empty(), "{done:?}"),
        }
        assert_eq!(done.code, Some(1), "{file}");
    }
}

#[test]
fn what_is_perhaps_a_mistake_is_a_warning_and_a_helper_is_none() {
    let file = "import os\nTimeout = 3\n_timeouts = 4\nhost = 'a'\n";
    let done = invoked(file).args(["-c", "conf.py", "--check-config", "shop:app"]);
    let done = done.args(["-b", "127.0.0.1:0"]).run(Deadline::seconds(20));
    let warning =
        "Warning: Timeout (conf.py) is no setting and has no effect; did you mean timeout?\n";
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), warning));
}

#[test]
fn a_program_is_for_python_applications() {
    let done = invoked("import os\n").args(["-c", "conf.py", "demo"]).run(Deadline::seconds(20));
    assert_eq!(done.code, Some(1));
    assert!(done.stderr.contains("import os (conf.py:1): this needs Python"), "{done:?}");
    let done = invoked("import os\n").args(["-c", "conf.py"]).run(Deadline::seconds(20));
    assert_eq!(done.code, Some(1));
    let line =
        "Error: conf.py: it is a program, which is executed for a Python application, and none is";
    assert!(done.stderr.starts_with(line), "{done:?}");
}

#[test]
fn a_reload_executes_it_once_and_a_broken_one_changes_nothing() {
    let file = |name: &str| {
        format!("import os\nprint('executed {name}', flush=True)\nraw_env = ['NAME={name}']\n")
    };
    let app = APP.replace("\"one\"", "os.environ['NAME']");
    let launch = configured(&file("one"));
    write(launch.folder(), "shop.py", &app);
    let server = launch.workers(2).start();
    assert_eq!(text(&server, "/"), "one");
    write(server.folder(), "conf.py", "import os\nraw_env = nothing\n");
    server.signal(Signal::SIGHUP);
    let line =
        "Reload refused, nothing has changed: conf.py: NameError: name 'nothing' is not defined";
    server.wait_for_line(line);
    server.wait_for_line("conf.py\", line 2, in <module>");
    assert_eq!(text(&server, "/"), "one");
    write(server.folder(), "conf.py", "import os\nworkers = 'm' + 'any'\n");
    server.signal(Signal::SIGHUP);
    server.wait_for_line("Reload refused, nothing has changed: workers = \"many\" (conf.py)");
    write(server.folder(), "conf.py", &file("two"));
    server.signal(Signal::SIGHUP);
    server.wait_for_line("Reloaded: all workers are of generation 2");
    wait_for_version(&server, "two");
    for name in ["one", "two"] {
        assert_eq!(server.access_log().count(&format!("executed {name}")), 1, "{name}");
    }
    Deadline::seconds(10).expect("one zygote", || (server.zygotes().len() == 1).then_some(()));
}

#[test]
fn an_import_takes_what_the_file_says_of_folders_and_the_application() {
    let launch = configured(
        "import os\nwsgi_app = 'wares:app'\npythonpath = 'lib'\nchdir = os.path.abspath('site')\n",
    );
    let site = launch.folder().join("site");
    fs::create_dir_all(site.join("lib")).unwrap();
    write(&site.join("lib"), "wares.py", &version("of the library"));
    let server = launch.app("wares:app").start();
    assert_eq!(text(&server, "/"), "of the library");
    server.signal(Signal::SIGHUP);
    server.wait_for_line("Reloaded");
    assert_eq!(text(&server, "/"), "of the library");
}

#[test]
fn a_file_that_takes_its_time_keeps_nobody_waiting() {
    let server = configured("import os\nworkers = 1\n").start();
    let slow = "import os\nos.mkfifo('fifo')\nopen('fifo').read()\n";
    write(server.folder(), "conf.py", slow);
    server.signal(Signal::SIGHUP);
    let fifo = server.folder().join("fifo");
    Deadline::seconds(20).expect("the file is executed", || fifo.exists().then_some(()));
    assert_eq!(text(&server, "/"), "one");
    server.signal(Signal::SIGTTIN);
    server.wait_for_workers(2);
    fs::write(fifo, "go on").unwrap();
    server.wait_for_line("Reloaded");
    server.signal(Signal::SIGTERM);
    server.wait_end(Deadline::seconds(10));
}
