//! The Python to use: the first of the candidates that is one, of a version that the extension is made
//! for. Each is asked what it is; if none will do, one line says of each why not.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use oxicorn_core::config::Environment;

use super::candidates::{Because, Candidate, VARIABLE, candidates};

/// The versions that the extension is made for: those of CPython 3 from the first to the last.
const MINOR: std::ops::RangeInclusive<u32> = 10..=13;

/// Asked without the site's modules, which cost most of its start.
const QUESTION: &str = "import sys, sysconfig; v = sys.version_info; \
     print(sys.implementation.name, v[0], v[1], sysconfig.get_config_var('Py_GIL_DISABLED') or 0)";

/// A Python that can be used.
#[derive(Clone, Debug)]
pub(super) struct Interpreter {
    /// By the name that it was found by: an environment is known by that.
    pub(super) path: PathBuf,
}

/// The first that can be used.
///
/// # Errors
/// There is none: one line that says of each why not.
pub(super) fn find() -> Result<Interpreter, String> {
    let env: Environment = std::env::vars_os().collect();
    let program = std::env::current_exe().unwrap_or_default();
    let folder = std::env::current_dir().unwrap_or_default();
    choose(candidates(&env, &program, &folder), |path| judge(&ask(path)?))
}

fn choose(
    candidates: Vec<Candidate>,
    check: impl Fn(&Path) -> Result<(), String>,
) -> Result<Interpreter, String> {
    let mut refused: Vec<String> = Vec::new();
    for Candidate { path, because } in candidates {
        let reason = match check(&path) {
            Ok(()) => return Ok(Interpreter { path }),
            Err(reason) => reason,
        };
        let line = format!("{} ({because}): {reason}", path.display());
        if because == Because::Asked {
            return Err(format!("this Python cannot be used: {line}"));
        }
        refused.push(line);
    }
    let (first, last) = (MINOR.start(), MINOR.end());
    let needed = format!("no Python from 3.{first} to 3.{last} was found");
    let advice = format!("{VARIABLE} says which one to use");
    match refused.is_empty() {
        true => Err(format!("{needed}, and none was there to try: {advice}")),
        false => Err(format!("{needed}: {}; {advice}", refused.join("; "))),
    }
}

/// What it says about itself.
fn ask(path: &Path) -> Result<String, String> {
    let asked = Command::new(path)
        .args(["-I", "-S", "-c", QUESTION])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if asked.status.success() {
        return Ok(text(&asked.stdout));
    }
    let complaint = text(&asked.stderr);
    let complaint = complaint.lines().last().unwrap_or("it says nothing").to_owned();
    Err(format!("it does not run ({}): {complaint}", asked.status))
}

fn judge(answer: &str) -> Result<(), String> {
    let words: Vec<&str> = answer.split_whitespace().collect();
    let [implementation, major, minor, free] = words.as_slice() else {
        return Err(format!("it is no Python: it says {answer:?}"));
    };
    let version = (major.parse::<u32>().ok(), minor.parse::<u32>().ok());
    let (first, last) = (MINOR.start(), MINOR.end());
    match version {
        _ if *implementation != "cpython" => Err(format!("it is {implementation}, not CPython")),
        (Some(3), Some(number)) if MINOR.contains(&number) => match *free {
            "0" => Ok(()),
            _ => Err("it is a free-threaded build, for which there is no stable ABI".to_owned()),
        },
        _ => Err(format!("it is Python {major}.{minor}, not one from 3.{first} to 3.{last}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(path: &str, because: Because) -> Candidate {
        Candidate { path: path.into(), because }
    }

    #[test]
    fn a_python_is_judged_by_what_it_says() {
        assert_eq!(judge("cpython 3 10 0"), Ok(()));
        assert_eq!(judge("cpython 3 13 0"), Ok(()));
        for (answer, reason) in [
            ("cpython 3 9 0", "it is Python 3.9, not one from 3.10 to 3.13"),
            ("cpython 2 7 0", "it is Python 2.7, not one from 3.10 to 3.13"),
            ("pypy 3 11 0", "it is pypy, not CPython"),
            ("cpython 3 13 1", "it is a free-threaded build, for which there is no stable ABI"),
            ("hello", "it is no Python: it says \"hello\""),
        ] {
            assert_eq!(judge(answer), Err(reason.to_owned()));
        }
    }

    #[test]
    fn the_first_that_will_do_is_taken_and_otherwise_each_is_named_with_its_reason() {
        let all = || vec![candidate("/a", Because::Active), candidate("/b", Because::Path)];
        let check = |path: &Path| match path.ends_with("b") {
            true => Ok(()),
            false => Err("too old".to_owned()),
        };
        assert_eq!(choose(all(), check).unwrap().path, Path::new("/b"));
        let none = |_: &Path| Err("too old".to_owned());
        assert_eq!(
            choose(all(), none).unwrap_err(),
            "no Python from 3.10 to 3.13 was found: /a (VIRTUAL_ENV): too old; /b (PATH): too old; \
             OXICORN_PYTHON says which one to use"
        );
        let asked = vec![candidate("/c", Because::Asked)];
        let line = "this Python cannot be used: /c (OXICORN_PYTHON): too old";
        assert_eq!(choose(asked, none).unwrap_err(), line);
        assert!(choose(Vec::new(), none).unwrap_err().contains("none was there to try"));
    }

    #[test]
    fn what_does_not_run_says_why() {
        assert!(ask(Path::new("/nowhere/python")).unwrap_err().contains("No such file"));
        assert!(ask(Path::new("/bin/false")).unwrap_err().contains("it says nothing"));
    }
}
