//! What can be wrong with an application, each with its line, with Python's own traceback where there is
//! one, and with gunicorn's exit codes.

use oxicorn_tests::harness::Invocation;
use oxicorn_tests::{Deadline, python};

use super::*;

/// A mistake: the application and its file, what the line says, the exit code, and the last line of the
/// traceback, if there is one.
type Mistake = (&'static str, &'static str, &'static str, i32, Option<&'static str>);

const MISTAKES: [Mistake; 16] = [
    ("nope:app", "", r#"there is no module "nope" in "#, 4, None),
    ("shop.py", "", r#"a module is named without ".py": shop"#, 4, None),
    ("shop:nope", "app = 1", r#"the module "shop" has no attribute "nope""#, 4, None),
    ("shop", "def app(e, s): pass", "did you mean shop:app?", 4, None),
    ("shop:app", "app = 1", "is no application: a int cannot be called", 4, None),
    ("shop:app()", "def app(): return None", r#""app()" in "shop" is None"#, 4, None),
    ("shop:app(", "", "is neither the name of an attribute nor a call", 4, None),
    (":app", "", "names no module", 4, None),
    ("shop:app", "def app(", "syntax error in ", 3, Some("SyntaxError: '(' was never closed")),
    (
        "shop:app",
        "raise ValueError('no database')",
        r#"importing "shop" raised ValueError: no database"#,
        3,
        Some("ValueError: no database"),
    ),
    (
        "shop:app",
        "import nosuchthing",
        r#"importing "shop" raised ModuleNotFoundError: No module named 'nosuchthing'"#,
        3,
        Some("ModuleNotFoundError: No module named 'nosuchthing'"),
    ),
    (
        "shop:app()",
        "def app(): raise RuntimeError('closed')",
        "calling app() raised RuntimeError: closed",
        3,
        Some("RuntimeError: closed"),
    ),
    (
        "shop:app",
        "import sys; sys.exit(7)",
        r#"importing "shop" ended the process: SystemExit: 7"#,
        3,
        Some("SystemExit: 7"),
    ),
    (
        "shop:app",
        "import os; os._exit(5)",
        "the application ended its process while it was imported: exit code 5",
        3,
        None,
    ),
    (
        "shop:app",
        "async def app(scope, receive, send): pass",
        "it is an ASGI application, and the worker class sync serves WSGI; use -k tokio",
        3,
        None,
    ),
    (
        "shop:app",
        "class App:\n  async def __call__(self, scope, receive, send): pass\napp = App()",
        "it is an ASGI application",
        3,
        None,
    ),
];

#[test]
fn each_has_its_line_its_traceback_and_its_exit_code() {
    for (app, text, line, code, last) in MISTAKES {
        let finished = Invocation::of(Path::new(SERVER))
            .file("shop.py", text)
            .env("OXICORN_PYTHON", python::machine().to_str().unwrap())
            .args(["-w", "2", "-b", "unix:shop.sock", app])
            .run(Deadline::seconds(20));
        let log = &finished.stderr;
        let lines: Vec<&str> = log.lines().filter(|line| line.contains("[ERROR]")).collect();
        assert_eq!(finished.code, Some(code), "{app}: {log}");
        assert!(lines[0].contains(line), "{app}: {log}");
        assert_eq!(lines.iter().filter(|other| other.contains(line)).count(), 1, "{app}: {log}");
        let traceback = lines.iter().any(|line| line.contains("File \""));
        assert_eq!(traceback, last.is_some(), "{app}: {log}");
        if let Some(last) = last {
            assert!(lines.iter().any(|line| line.ends_with(last)), "{app}: {log}");
            assert!(!log.contains("<oxicorn>") && !log.contains("importlib"), "{app}: {log}");
        }
        assert!(!log.contains("Booting worker"), "{app}: {log}");
        assert!(log.contains("Shutting down: Master"), "{app}: {log}");
    }
}

/// The same when each worker imports it for itself.
#[test]
fn without_preload_it_is_the_workers_that_say_so() {
    for (app, text, line, code, last) in MISTAKES {
        // Nobody is there to tell how a worker ended that has ended itself.
        if text.contains("_exit") {
            continue;
        }
        let finished = Invocation::of(Path::new(SERVER))
            .file("shop.py", text)
            .env("OXICORN_PYTHON", python::machine().to_str().unwrap())
            .args(["--no-preload", "-b", "unix:shop.sock", app])
            .run(Deadline::seconds(20));
        let log = &finished.stderr;
        assert_eq!(finished.code, Some(code), "{app}: {log}");
        assert_eq!(log.lines().filter(|other| other.contains(line)).count(), 1, "{app}: {log}");
        assert!(last.is_none_or(|last| log.contains(last)), "{app}: {log}");
        assert!(log.contains("Booting worker"), "{app}: {log}");
    }
}

#[test]
fn a_check_imports_the_application_and_starts_nothing() {
    let check = |text: &str, more: &[&str]| {
        Invocation::of(Path::new(SERVER))
            .file("shop.py", text)
            .env("OXICORN_PYTHON", python::machine().to_str().unwrap())
            .args(["--check-config", "-b", "unix:shop.sock", "--error-logfile", "error.log"])
            .args(more)
            .args(["shop:app"])
            .run(Deadline::seconds(20))
    };
    for more in [&[][..], &["--no-preload"]] {
        let right = check(APP, more);
        assert_eq!((right.code, right.stderr.as_str()), (Some(0), ""), "{right:?}");
        let wrong = check("raise ValueError('no database')", more);
        assert_eq!(wrong.code, Some(1), "{wrong:?}");
        let line =
            r#"Error: application "shop:app": importing "shop" raised ValueError: no database"#;
        assert_eq!(wrong.stderr.lines().last(), Some(line), "{wrong:?}");
        assert!(wrong.stderr.contains("File \""), "{wrong:?}");
    }
    let late = check("import time; time.sleep(1000)", &["--boot-timeout", "1"]);
    assert_eq!(late.code, Some(1), "{late:?}");
    assert!(late.stderr.contains("not imported within boot_timeout"), "{late:?}");
}

#[test]
fn what_is_wrong_before_any_python_is_one_line() {
    let run = |python: &str, line: &str| {
        Invocation::of(Path::new(SERVER))
            .env("OXICORN_PYTHON", python)
            .args(line.split(' '))
            .run(Deadline::seconds(20))
    };
    let machine = python::machine();
    let machine = machine.to_str().unwrap();
    for (python, line, text) in [
        (
            "/nowhere/python",
            "shop:app",
            r#"Error: application "shop:app" (command line): this Python cannot be used: /nowhere/python (OXICORN_PYTHON): No such file or directory (os error 2)"#,
        ),
        (
            "/bin/echo",
            "shop:app",
            r#"Error: application "shop:app" (command line): this Python cannot be used: /bin/echo (OXICORN_PYTHON): it is no Python"#,
        ),
        (machine, "-k nothing shop:app", "there is no such worker class"),
        (
            machine,
            "--preload demo",
            r#"preload_app = "true" (command line): no effect, but with a Python application"#,
        ),
        (
            machine,
            "--pythonpath lib demo",
            r#"pythonpath = "lib" (command line): no effect, but with a Python application"#,
        ),
    ] {
        let finished = run(python, line);
        assert!(finished.stderr.contains(text), "{line}: {finished:?}");
        assert_eq!(finished.stderr.lines().count(), 1, "{line}: {finished:?}");
        assert!(matches!(finished.code, Some(1 | 2)), "{line}: {finished:?}");
    }
}
