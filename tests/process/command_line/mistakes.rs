//! Every kind of mistake a user can make, and what is said about it. The snapshot is there to be read:
//! each line must tell somebody who meets it for the first time what to change, and where.

use oxicorn_tests::harness::Invocation;

use super::{run, server};

fn transcript(title: &str, cases: impl IntoIterator<Item = (String, Invocation)>) -> String {
    let mut text = format!("== {title}\n");
    for (written, invocation) in cases {
        let finished = run(invocation);
        assert_eq!(finished.stdout, "", "{written}: {finished:?}");
        assert_eq!(finished.stderr.lines().count(), 1, "{written}: {finished:?}");
        let code = finished.code.unwrap_or(-1);
        text += &format!("{written}\n  {code}  {}", finished.stderr);
    }
    text
}

fn on_the_command_line(lines: &[&str]) -> impl Iterator<Item = (String, Invocation)> {
    lines.iter().map(|line| (format!("server {line}"), server(line)))
}

fn in_the_environment(pairs: &[(&str, &str)]) -> impl Iterator<Item = (String, Invocation)> {
    pairs.iter().map(|(name, value)| (format!("{name}={value}"), server("").env(name, value)))
}

fn in_a_file(name: &str, texts: &[&str]) -> Vec<(String, Invocation)> {
    let case = |text: &&str| {
        let written = text.replace('\n', "\n| ");
        (format!("| {written}"), server(&format!("-c {name} demo")).file(name, text))
    };
    texts.iter().map(case).collect()
}

#[test]
fn every_mistake_is_one_line_that_says_what_to_do() {
    let mut text = String::new();
    text += &transcript(
        "names",
        on_the_command_line(&[
            "--wokers 2",
            "--keep 5",
            "-x",
            "--nothing-like-it",
            "demo echo",
            "-k gevnt",
            "-c nowhere.toml",
            "-c .",
            "-c python:my.settings demo",
            "-c file:gunicorn.conf.py",
        ]),
    );
    text += &transcript(
        "gunicorn's",
        on_the_command_line(&[
            "--control-socket x",
            "--spew app:app",
            "--worker-tmp-dir /dev/shm",
            "--certfile cert.pem --keyfile key.pem",
            "--log-config logging.ini",
            "-R",
            "-k uvicorn.workers.UvicornWorker",
            "-k gunicorn.workers.ggevent.GeventWorker",
            "-k eventlet",
            "-k tornado",
        ]),
    );
    text += &transcript(
        "values",
        on_the_command_line(&[
            "--workers",
            "--workers many",
            "--workers -3",
            "--workers 0",
            "--workers 2.5",
            "--timeout 5x",
            "--timeout -1",
            "--timeout 2y",
            "--limit-request-body 1.5M",
            "--limit-request-body -1",
            "-b 127.0.0.1:http",
            "-b 127.0.0.1:99999",
            "-b ::1:8000",
            "-b unix:",
            "-b fd://x",
            "--check-config -b fd://99",
            "--log-level loud",
            "--header-map maybe",
            "--proxy-protocol v3",
            "--forwarded-allow-ips 10.0.0.1/8",
            "--forwarded-allow-ips proxy.internal",
            "--secure-scheme-headers X-Proto",
            "--permit-missing-host=maybe",
            "--access-logfile - --access-logformat %(x)s",
            "--access-logfile /nonexistent/log",
            "--error-logfile /nonexistent/log",
            "--completions tcsh",
        ]),
    );
    text += &transcript(
        "no effect",
        on_the_command_line(&["-k tokio --threads 4", "-k coroutine --threads 1"]),
    );
    text += &transcript(
        "the environment",
        in_the_environment(&[
            ("OXICORN_WORKRES", "2"),
            ("OXICORN_PRELOAD_APP", "true"),
            ("OXICORN_TIMEOUT", "soon"),
            ("OXICORN_BIND", "127.0.0.1:1,127.0.0.1:http"),
            ("SERVER_CMD_ARGS", "-n 'open"),
            ("SERVER_CMD_ARGS", "--wokers 2"),
            ("SERVER_CMD_ARGS", "--workers many"),
            ("WEB_CONCURRENCY", "many"),
            ("PORT", "tcp://10.0.0.1:80"),
        ]),
    );
    let toml = in_a_file("server.toml", FILES);
    text += &transcript("server.toml", toml);
    text += &transcript("gunicorn.conf.py", in_a_file("gunicorn.conf.py", PYTHON));
    insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "../snapshots" }, {
        insta::assert_snapshot!("mistakes", text);
    });
}

const FILES: &[&str] = &[
    "\nworker = 2",
    "workers = \"many\"",
    "backlog = [1, 2]",
    "bind = []",
    "bind = [[\"127.0.0.1:1\"]]",
    "timeout = 2026-01-01",
    "[server]\nworkers = 2",
    "check_config = true",
    "workers = 2\nworkers = 3",
    "worker_class = sync",
    "bind = \"127.0.0.1:1",
    "workers 2",
    "worker_class = \"uvicorn\"",
    "worker_class = \"tokio\"\nthreads = 4",
    "certfile = \"cert.pem\"",
];

const PYTHON: &[&str] = &[
    "import multiprocessing\nworkers = multiprocessing.cpu_count() * 2 + 1",
    "workers = multiprocessing.cpu_count() * 2 + 1",
    "import os\nbind = os.environ[\"BIND\"]",
    "bind = \"0.0.0.0:\" + os.getenv(\"PORT\", \"8000\")",
    "bind = f\"0.0.0.0:{port}\"",
    "timeout = 60 * 5",
    "raw_env = [\n    'A=1',\n    SECRET,\n]",
    "def post_fork(server, worker):\n    pass",
    "def helper():\n    pass",
    "if True:\n    workers = 2",
    "umask = 022",
    "timeout = 5\nTimeout = 6",
    "worker_tmp_dir = '/dev/shm'",
    "logconfig_dict = {'version': 1}",
];

#[test]
fn whatever_is_wrong_in_a_file_has_its_line() {
    for (name, texts) in [("server.toml", FILES), ("gunicorn.conf.py", PYTHON)] {
        for (written, invocation) in in_a_file(name, texts) {
            let finished = run(invocation);
            let numbered =
                (1..=4).any(|line| finished.stderr.contains(&format!("({name}:{line})")));
            assert!(numbered, "{written}: {finished:?}");
            assert_eq!(finished.code, Some(1), "{written}");
        }
    }
}
