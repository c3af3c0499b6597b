//! The completions of shells, as clap_complete writes them from the command line's description.

use clap_complete::{Shell, generate};

use crate::command;
use crate::registry::Registry;

/// The script that completes the arguments of `program`, which has these worker classes.
pub(crate) fn script(shell: Shell, program: &str, classes: Registry) -> String {
    let mut script = Vec::new();
    generate(shell, &mut command::documented(program, classes), program, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// The shell of that name, one of [`command::SHELLS`].
pub(crate) fn shell(name: &str) -> Option<Shell> {
    [Shell::Bash, Shell::Zsh, Shell::Fish].into_iter().find(|shell| shell.to_string() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_that_is_named_can_be_written_for() {
        for name in command::SHELLS {
            let script = script(shell(name).unwrap(), "mine", Registry::OURS);
            assert!(script.contains("mine") && script.contains("worker-class"), "{name}");
            assert!(script.contains("coroutine") && script.contains("keep-alive"), "{name}");
        }
        assert_eq!(shell("tcsh"), None);
    }
}
