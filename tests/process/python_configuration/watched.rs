//! `reload`: an edit is served without a signal, a broken one is not, and the next good one is.

use super::*;

fn watching(arguments: &[&str]) -> Launch {
    plain().args(["--reload"]).args(arguments.iter().copied())
}

#[test]
fn an_edit_is_served_and_a_broken_one_changes_nothing() {
    for engine in ["inotify", "poll"] {
        let server = watching(&["--reload-engine", engine]).workers(2).start();
        assert_eq!(text(&server, "/"), "one");
        write(server.folder(), "shop.py", &version("two"));
        wait_for_version(&server, "two");
        server.wait_for_line("shop.py has changed: reloading");
        server.wait_for_line("Reloaded: all workers are of generation 2");
        fs::write(server.folder().join("shop.py"), "def app(").unwrap();
        server.wait_for_line("Reload refused, nothing has changed: ");
        wait_for_version(&server, "two");
        write(server.folder(), "shop.py", "import wares\nfrom wares import app\n");
        server.wait_for_lines("Reload refused, nothing has changed: ", 2);
        // What was missing is in a file that was not there.
        write(server.folder(), "wares.py", &version("three"));
        wait_for_version(&server, "three");
        write(server.folder(), "wares.py", &version("four"));
        wait_for_version(&server, "four");
    }
}

#[test]
fn with_no_preload_the_workers_tell_what_they_have_imported() {
    let launch = watching(&["--no-preload"]);
    // A folder that nobody but the workers knows of.
    fs::create_dir(launch.folder().join("goods")).unwrap();
    let wares = |folder: &Path, text: &str| write(&folder.join("goods"), "wares.py", text);
    wares(launch.folder(), &version("one"));
    write(launch.folder(), "shop.py", "from goods.wares import app\n");
    let server = launch.start();
    assert_eq!(text(&server, "/"), "one");
    // What the first worker has told is read before the order for the second one is given.
    server.signal(oxicorn_tests::Signal::SIGTTIN);
    server.wait_for_lines("Booting worker", 2);
    wares(server.folder(), &version("two"));
    server.wait_for_line("wares.py has changed: reloading");
    server.wait_for_line("Reloaded: all workers are of generation 2");
    wait_for_version(&server, "two");
    // A worker that cannot import it ends the reload.
    wares(server.folder(), "def app(");
    server.wait_for_line("SyntaxError");
    assert_eq!(text(&server, "/"), "two");
    wares(server.folder(), &version("three"));
    wait_for_version(&server, "three");
}

#[test]
fn the_configuration_file_and_more_files_are_watched() {
    let app = APP.replace("\"one\"", "os.environ['NAME'] + open('text.txt').read()");
    let conf = |name: &str| format!("import os\nraw_env = ['NAME={name}']\n");
    let launch = watching(&["-c", "conf.py", "--reload-extra-file", "text.txt"]);
    write(launch.folder(), "shop.py", &app);
    write(launch.folder(), "conf.py", &conf("a"));
    write(launch.folder(), "text.txt", "1");
    let server = launch.start();
    assert_eq!(text(&server, "/"), "a1");
    write(server.folder(), "text.txt", "2");
    wait_for_version(&server, "a2");
    write(server.folder(), "conf.py", &conf("b"));
    wait_for_version(&server, "b2");
    write(server.folder(), "conf.py", "import os\nraw_env = nothing\n");
    server.wait_for_line("NameError: name 'nothing' is not defined");
    write(server.folder(), "conf.py", &conf("c"));
    wait_for_version(&server, "c2");
}

#[test]
fn an_application_in_rust_is_reloaded_for_the_files_that_are_named() {
    let subject = Subject::new(SERVER, "sync", Serving::Inline);
    let launch = Launch::of(&subject).args(["--reload", "--reload-extra-file", "table.txt"]);
    write(launch.folder(), "table.txt", "1");
    let server = launch.start();
    let before = server.worker();
    write(server.folder(), "table.txt", "2");
    server.wait_for_line("table.txt has changed: reloading");
    server.wait_for_line("Reloaded: all workers are of generation 2");
    Deadline::seconds(10).expect("another worker", || {
        (server.workers().len() == 1 && server.worker() != before).then_some(())
    });
}

#[test]
fn what_cannot_be_watched_is_refused() {
    for (args, reason) in [
        (&["--reload", "--reload-extra-file", "nope"][..], "nope: there is no such file"),
        (&["--reload", "--reload-extra-file", "*.html"], "name the folder"),
        (&["--reload", "--reload-engine", "magic"], "it must be auto, inotify or poll"),
    ] {
        let run = invoked("").args(args).args(["-b", "127.0.0.1:0", "shop:app"]);
        let done = run.run(Deadline::seconds(20));
        assert!(done.stderr.contains(reason), "{done:?}");
    }
}
