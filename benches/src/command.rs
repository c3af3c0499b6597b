//! `server bench`: from the command line to the report, and the roles in which this program starts
//! itself.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use crate::delay::Delay;
use crate::options::Options;
use crate::run::results::{CaseNote, Ending, Results, SubjectNote};
use crate::run::{Bench, Case, Failed, Plan};
use crate::subject::{self, Subject};
use crate::system::{self, Interrupt, Machine};
use crate::{load, report, say, warn};

/// As a shell reports a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

/// What this program does for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Becomes a server.
    Exec,
    /// Generates a load.
    Generate,
    /// Is the server behind `/upstream`.
    Delay,
}

impl Role {
    fn of(word: &OsStr) -> Option<Role> {
        match word.to_str()?.strip_prefix(crate::INNER)? {
            "exec" => Some(Role::Exec),
            "generate" => Some(Role::Generate),
            "delay" => Some(Role::Delay),
            _ => None,
        }
    }

    fn run(self, mut arguments: impl Iterator<Item = OsString>) -> io::Result<()> {
        system::settle(&mut arguments)?;
        match self {
            Role::Exec => Err(system::become_command(arguments)),
            Role::Generate => load::run(),
            Role::Delay => {
                let millis = arguments.next().and_then(|word| word.to_str()?.parse().ok());
                let delay = Delay::new(Duration::from_millis(millis.unwrap_or_default()))?;
                say(io::stdout(), &format!("{}\n", delay.port()?));
                delay.run()
            }
        }
    }
}

/// Does what the words behind `bench` say.
pub(crate) fn run(words: Vec<OsString>) -> ExitCode {
    if let Some(role) = words.first().and_then(|word| Role::of(word)) {
        return match role.run(words.into_iter().skip(1)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                warn(&format!("Error: {error}\n"));
                ExitCode::FAILURE
            }
        };
    }
    let line = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    match Options::parse(words) {
        Ok(options) => finish(session(&options, line)),
        Err(error) => {
            // The help is an error of clap's that belongs on standard output.
            match error.use_stderr() {
                true => warn(&error.to_string()),
                false => say(io::stdout(), &error.to_string()),
            }
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1))
        }
    }
}

fn finish(result: io::Result<Ending>) -> ExitCode {
    system::kill_descendants();
    match result {
        Ok(Ending::Complete) => ExitCode::SUCCESS,
        Ok(Ending::Interrupted) => ExitCode::from(INTERRUPTED),
        Err(error) => {
            warn(&format!("Error: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

fn session(options: &Options, line: Vec<String>) -> io::Result<Ending> {
    let interrupt = Interrupt::install()?;
    system::adopt_orphans();
    let folder = tempfile::tempdir()?;
    let logs = options.output.join("logs");
    std::fs::create_dir_all(&logs)?;
    let mut notes = Vec::new();
    let plan = plan(options, folder.path(), &mut notes)?;
    // Servers run in a folder of their own, so the paths must not depend on ours.
    let logs = logs.canonicalize()?;
    let mut bench = Bench::new(interrupt, options.duration, folder.path().to_owned(), logs);
    let mut results = results(options, &plan, &bench, line, notes);
    let ended = crate::run::run(&plan, &mut bench, &mut results);
    // The delay server has nothing to do any more, and the report needs no company.
    drop(bench);
    system::kill_descendants();
    results.ending = match &ended {
        Ok(()) => Ending::Complete,
        Err(_) => Ending::Interrupted,
    };
    report::write(&results, &options.output)?;
    say(io::stdout(), &report::table(&results));
    say(io::stdout(), &format!("\nThe report: {}\n", options.output.join("report.html").display()));
    match ended {
        Ok(()) | Err(Failed::Interrupted) => Ok(results.ending),
        Err(Failed::Bench(error)) => Err(error),
        Err(Failed::Server(reason)) => Err(io::Error::other(reason)),
    }
}

fn plan(options: &Options, folder: &Path, notes: &mut Vec<String>) -> io::Result<Plan> {
    let binary = match &options.binary {
        Some(path) => path.canonicalize()?,
        None => std::env::current_exe()?,
    };
    let classes = options.classes.iter();
    let mut subjects: Vec<Subject> =
        classes.map(|class| Subject::class(class, &binary, options.size)).collect();
    let search = subject::Search { python: &options.python, size: options.size, folder };
    for peer in subject::peers(&options.peers, &search) {
        match peer {
            Ok(subject) => subjects.push(subject),
            Err(reason) => notes.push(reason),
        }
    }
    subjects.extend(options.foreign.iter().cloned());
    let cases = options.loads.iter().flat_map(|load| {
        let connections = match options.connections.is_empty() {
            true => load.connections.to_vec(),
            false => options.connections.clone(),
        };
        let objective = options.objective.unwrap_or(load.objective);
        connections.into_iter().map(move |connections| Case { load, connections, objective })
    });
    let (rounds, rates) = (options.rounds, options.rates.clone());
    Ok(Plan { subjects, cases: cases.collect(), rounds, rates })
}

fn results(
    options: &Options,
    plan: &Plan,
    bench: &Bench,
    line: Vec<String>,
    notes: Vec<String>,
) -> Results {
    let words = ["server", crate::SUBCOMMAND].into_iter().chain(line.iter().map(String::as_str));
    Results {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: shlex::try_join(words).unwrap_or_default(),
        machine: Machine::this(),
        generator_apart: bench.cores.are_apart(),
        workers: options.size.workers,
        threads: options.size.threads,
        ending: Ending::Interrupted,
        notes,
        subjects: plan
            .subjects
            .iter()
            .map(|subject| SubjectNote { name: subject.name.clone(), command: subject.line() })
            .collect(),
        cases: plan
            .cases
            .iter()
            .map(|case| CaseNote {
                name: case.name(),
                about: case.load.about.to_owned(),
                objective: case.objective.as_secs_f64(),
            })
            .collect(),
        runs: Vec::new(),
        goodput: Vec::new(),
    }
}
