//! Where a Python is looked for, most deliberate first: where the user says, in the virtual environment
//! that is active, beside this program (a wheel puts it into an environment), in an environment below
//! the folder that the server was started in, and where a shell would find one.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use oxicorn_core::config::Environment;

/// The user's own word.
pub(super) const VARIABLE: &str = "OXICORN_PYTHON";

/// A place where there may be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Its file.
    pub(super) path: PathBuf,
    /// Why it is looked at.
    pub(super) because: Because,
}

/// Why a candidate is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Because {
    /// [`VARIABLE`] says so: there is no other then.
    Asked,
    Active,
    Beside,
    Below,
    Path,
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Because::Asked => VARIABLE,
            Because::Active => "VIRTUAL_ENV",
            Because::Beside => "beside this program",
            Because::Below => "below this folder",
            Because::Path => "PATH",
        })
    }
}

/// The places, in their order. Only the first of those that are asked for is one if there is nothing.
pub(super) fn candidates(env: &Environment, program: &Path, folder: &Path) -> Vec<Candidate> {
    let said = |name: &str| env.get(OsStr::new(name)).filter(|value| !value.is_empty());
    if let Some(path) = said(VARIABLE) {
        return vec![Candidate { path: folder.join(path), because: Because::Asked }];
    }
    let mut found: Vec<Candidate> = Vec::new();
    let mut add = |path: PathBuf, because| found.push(Candidate { path, because });
    if let Some(environment) = said("VIRTUAL_ENV") {
        add(folder.join(environment).join("bin/python"), Because::Active);
    }
    if let Some(beside) = program.parent() {
        add(beside.join("python"), Because::Beside);
        add(beside.join("python3"), Because::Beside);
    }
    for name in [".venv", "venv"] {
        add(folder.join(name).join("bin/python"), Because::Below);
    }
    let path = said("PATH").cloned().unwrap_or_default();
    for beside in std::env::split_paths(&path).filter(|path| path.is_absolute()) {
        add(beside.join("python3"), Because::Path);
        add(beside.join("python"), Because::Path);
    }
    found.retain(|candidate| {
        // An active environment that has no Python is worth a word.
        candidate.because == Because::Active || candidate.path.exists()
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_deliberate_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        for name in ["env/bin/python", "bin/python", ".venv/bin/python", "usr/python3"] {
            std::fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
            std::fs::write(folder.join(name), "").unwrap();
        }
        let env = |pairs: &[(&str, &str)]| -> Environment {
            pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
        };
        let path = folder.join("usr").display().to_string();
        let found = |env: &Environment| -> Vec<String> {
            let all = candidates(env, &folder.join("bin/server"), folder);
            let short = |path: &Path| path.strip_prefix(folder).unwrap().display().to_string();
            all.iter().map(|candidate| short(&candidate.path)).collect()
        };
        let all = env(&[("VIRTUAL_ENV", "env"), ("PATH", &path)]);
        let expected = ["env/bin/python", "bin/python", ".venv/bin/python", "usr/python3"];
        assert_eq!(found(&all), expected);
        assert_eq!(found(&env(&[])), ["bin/python", ".venv/bin/python"]);
        let asked = env(&[(VARIABLE, "my/python"), ("VIRTUAL_ENV", "env"), ("PATH", &path)]);
        assert_eq!(found(&asked), ["my/python"], "also when it is not there");
        assert_eq!(found(&env(&[("VIRTUAL_ENV", "gone")]))[0], "gone/bin/python");
    }
}
