//! Who is measured: the worker classes of a `server` binary, the peers that this machine has, and
//! whatever the user names. To the benchmark all of them are the same: a command that listens on a
//! port.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// What the report calls it.
    pub name: String,
    /// The program and its arguments, in which `{port}` stands for the port.
    pub command: Vec<String>,
}

/// How many processes and threads a server is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Worker processes.
    pub workers: u32,
    /// Threads in each, where the class has threads.
    pub threads: u32,
}

/// More than any load opens: the limits of connections are not what is measured.
const CONNECTIONS: &str = "20000";

const APP: &str = include_str!("../peers/app.py");

impl Subject {
    fn new(name: &str, command: &[&str]) -> Subject {
        let command = command.iter().map(|word| (*word).to_owned()).collect();
        Subject { name: name.to_owned(), command }
    }

    /// A worker class of `binary`.
    pub fn class(class: &str, binary: &Path, size: Size) -> Subject {
        let binary = binary.display().to_string();
        let workers = size.workers.to_string();
        let threads = size.threads.to_string();
        let mut command = vec![binary.as_str(), "-k", class, "-w", &workers];
        if matches!(class, "threaded" | "gthread") {
            command.extend(["--threads", &threads]);
        }
        command.extend(["-b", "127.0.0.1:{port}", "-c", "none"]);
        command.extend(["--worker-connections", CONNECTIONS, "--log-level", "warning", "demo"]);
        Subject::new(class, &command)
    }

    /// From `NAME=COMMAND`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn foreign(text: &str) -> Result<Subject, String> {
        let (name, command) = text.split_once('=').ok_or("it is not NAME=COMMAND")?;
        let words = shlex::split(command).ok_or("a quote is not closed")?;
        if name.is_empty() || words.is_empty() {
            return Err("it is not NAME=COMMAND".to_owned());
        }
        if !command.contains("{port}") {
            return Err("{port} is nowhere in the command".to_owned());
        }
        Ok(Subject { name: name.to_owned(), command: words })
    }

    /// The command for this port.
    pub fn words(&self, port: u16) -> Vec<OsString> {
        let port = port.to_string();
        self.command.iter().map(|word| word.replace("{port}", &port).into()).collect()
    }

    /// The command as one would type it.
    pub fn line(&self) -> String {
        let words = self.command.iter().map(String::as_str);
        shlex::try_join(words).unwrap_or_else(|_| self.command.join(" "))
    }
}

/// A server that other people have made, and how to find it here.
struct Peer {
    name: &'static str,
    find: fn(&Search<'_>) -> Result<Subject, String>,
}

/// Where peers are looked for, and where their files may be put.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// The Python whose servers are meant.
    pub python: &'a str,
    /// How large they are to be.
    pub size: Size,
    /// For their configuration.
    pub folder: &'a Path,
}

static PEERS: &[Peer] = &[
    Peer { name: "may_minihttp", find: |search| built("may_minihttp", "peer-may", search) },
    Peer { name: "hyper", find: |search| built("hyper", "peer-hyper", search) },
    Peer { name: "nginx", find: nginx },
    Peer {
        name: "gunicorn-sync",
        find: |search| gunicorn("gunicorn-sync", &["-k", "sync"], search),
    },
    Peer {
        name: "gunicorn-gthread",
        find: |search| {
            let threads = search.size.threads.to_string();
            gunicorn("gunicorn-gthread", &["-k", "gthread", "--threads", &threads], search)
        },
    },
    Peer {
        name: "gunicorn-gevent",
        find: |search| {
            // Not only gevent: the class needs more.
            need_module("gunicorn.workers.ggevent", search)?;
            gunicorn("gunicorn-gevent", &["-k", "gevent"], search)
        },
    },
    Peer { name: "granian", find: granian },
];

/// The names of the peers that are known.
pub fn peer_names() -> impl Iterator<Item = &'static str> {
    PEERS.iter().map(|peer| peer.name)
}

/// The peers of these names, each found or with the reason why it is not.
pub fn peers(names: &[String], search: &Search<'_>) -> Vec<Result<Subject, String>> {
    let wanted = PEERS.iter().filter(|peer| names.iter().any(|name| name == peer.name));
    wanted
        .map(|peer| (peer.find)(search).map_err(|reason| format!("{}: {reason}", peer.name)))
        .collect()
}

/// A program of benches/peers, beside this one. They have one process and one thread.
fn built(name: &str, program: &str, _: &Search<'_>) -> Result<Subject, String> {
    let here = std::env::current_exe().map_err(|error| error.to_string())?;
    let path = here.with_file_name(program);
    if !path.is_file() {
        return Err(format!(
            "{} is not there: cargo build --release -p oxicorn-bench-peers",
            path.display()
        ));
    }
    Ok(Subject::new(name, &[&path.display().to_string(), "{port}"]))
}

fn nginx(search: &Search<'_>) -> Result<Subject, String> {
    let nginx = on_path("nginx").ok_or("not installed")?;
    let folder = search.folder.display();
    let config = format!(
        "daemon off;\nworker_processes {workers};\nworker_rlimit_nofile 20000;\npid {folder}/nginx.pid;\n\
         error_log {folder}/nginx.log;\nevents {{ worker_connections 15000; }}\nhttp {{\n\
         access_log off;\nkeepalive_requests 1000000000;\nkeepalive_timeout 75;\nsendfile on;\n\
         default_type text/plain;\nclient_body_temp_path {folder}/b;\nproxy_temp_path {folder}/p;\n\
         fastcgi_temp_path {folder}/f;\nuwsgi_temp_path {folder}/u;\nscgi_temp_path {folder}/s;\n\
         server {{\nlisten 127.0.0.1:PORT backlog=2048;\n\
         location = / {{ return 200 \"Hello, world!\\n\"; }}\n\
         location = /bytes {{ alias {folder}/bytes; }}\nlocation / {{ return 404; }}\n}} }}\n",
        workers = search.size.workers,
    );
    // The port is known only when the server is started: a shell puts it in its place.
    let template = search.folder.join("nginx.template");
    write(&template, config.as_bytes())?;
    write(&search.folder.join("bytes"), &vec![b'x'; 1 << 20])?;
    let script = format!(
        "sed 's/PORT/{{port}}/' {folder}/nginx.template > {folder}/nginx.conf && \
         exec {} -p {folder} -e {folder}/nginx.log -c {folder}/nginx.conf",
        nginx.display()
    );
    Ok(Subject::new("nginx", &["sh", "-c", &script]))
}

fn gunicorn(name: &str, class: &[&str], search: &Search<'_>) -> Result<Subject, String> {
    need_module("gunicorn", search)?;
    write(&search.folder.join("app.py"), APP.as_bytes())?;
    let (workers, folder) = (search.size.workers.to_string(), search.folder.display().to_string());
    let mut command = vec![search.python, "-m", "gunicorn", "-w", &workers];
    command.extend(class);
    command.extend(["--worker-connections", CONNECTIONS, "--chdir", &folder]);
    command.extend([
        "--keep-alive",
        "75",
        "--log-level",
        "warning",
        "-b",
        "127.0.0.1:{port}",
        "app",
    ]);
    Ok(Subject::new(name, &command))
}

fn granian(search: &Search<'_>) -> Result<Subject, String> {
    need_module("granian", search)?;
    write(&search.folder.join("app.py"), APP.as_bytes())?;
    let (workers, folder) = (search.size.workers.to_string(), search.folder.display().to_string());
    let threads = search.size.threads.to_string();
    let command = [
        search.python,
        "-m",
        "granian",
        "--interface",
        "wsgi",
        "--workers",
        &workers,
        "--blocking-threads",
        &threads,
        "--host",
        "127.0.0.1",
        "--port",
        "{port}",
        "--log-level",
        "warning",
        "--working-dir",
        &folder,
        "app:application",
    ];
    Ok(Subject::new("granian", &command))
}

fn need_module(name: &str, search: &Search<'_>) -> Result<(), String> {
    let mut command = Command::new(search.python);
    command.args(["-c", &format!("import {name}")]).stdin(Stdio::null());
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(format!("{} has no module {name}", search.python)),
        Err(error) => Err(format!("{}: {error}", search.python)),
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    // Where Debian keeps servers, whether or not the user's path has it.
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    std::fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { workers: 2, threads: 8 };

    #[test]
    fn a_class_gets_the_options_that_it_takes() {
        let line = |class| Subject::class(class, Path::new("/x/server"), SIZE).line();
        assert!(line("threaded").starts_with("/x/server -k threaded -w 2 --threads 8 -b "));
        assert!(!line("tokio").contains("--threads"));
        let subject = Subject::class("sync", Path::new("/x/server"), SIZE);
        assert!(subject.words(81).contains(&OsString::from("127.0.0.1:81")));
    }

    #[test]
    fn a_foreign_command_is_split_as_a_shell_would() {
        let subject = Subject::foreign("it=serve --on 'a b:{port}' x=y").unwrap();
        assert_eq!(subject.name, "it");
        assert_eq!(subject.words(7), ["serve", "--on", "a b:7", "x=y"]);
        for wrong in ["serve {port}", "=serve {port}", "it=", "it=serve", "it='serve {port}"] {
            assert!(Subject::foreign(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn peers_that_are_not_there_say_why() {
        let folder = tempfile::tempdir().unwrap();
        let search = Search { python: "/nonexistent/python", size: SIZE, folder: folder.path() };
        let names: Vec<String> = peer_names().map(str::to_owned).collect();
        for found in peers(&names, &search) {
            if let Err(reason) = found {
                assert!(peer_names().any(|name| reason.starts_with(name)), "{reason}");
            }
        }
        assert!(peers(&[], &search).is_empty());
    }
}
