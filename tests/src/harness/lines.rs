//! The lines that a server writes. A thread reads them as they come, so that the pipe is never full
//! and a test can wait for a line instead of sleeping; the end of the pipe says that the last
//! process holding it has gone.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::deadline::Deadline;

/// All lines that came out of one pipe so far.
#[derive(Clone, Debug, Default)]
pub struct Lines(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<String>,
    ended: bool,
}

impl Lines {
    /// Starts to read `source`; `name` is the reading thread's.
    ///
    /// # Errors
    /// The thread could not be started.
    pub fn read(name: &str, source: impl Read + Send + 'static) -> io::Result<Lines> {
        let lines = Lines::default();
        let mine = lines.clone();
        let mut source = BufReader::new(source);
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            let mut line = Vec::new();
            while matches!(source.read_until(b'\n', &mut line), Ok(1..)) {
                let text = String::from_utf8_lossy(&line);
                let text = text.strip_suffix('\n').unwrap_or(&text).to_owned();
                mine.change(|state| state.lines.push(text));
                line.clear();
            }
            mine.change(|state| state.ended = true);
        })?;
        Ok(lines)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, how: impl FnOnce(&mut State)) {
        how(&mut self.lock());
        self.0.changed.notify_all();
    }

    /// Waits until `found` finds something in the lines; `None` when the time is over, or when the
    /// pipe has ended without it.
    pub fn wait<T>(
        &self,
        deadline: Deadline,
        mut found: impl FnMut(&[String]) -> Option<T>,
    ) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(found) = found(&state.lines) {
                return Some(found);
            }
            if state.ended {
                return None;
            }
            let left = deadline.remaining()?;
            let waited = self.0.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for the end of the pipe: `Some` when it came in time.
    pub fn wait_end(&self, deadline: Deadline) -> Option<()> {
        let mut state = self.lock();
        while !state.ended {
            let left = deadline.remaining()?;
            let waited = self.0.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(())
    }

    /// The lines that `wanted` picks, in the order they came.
    pub fn matching(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let state = self.lock();
        let lines = state.lines.iter().filter(|line| wanted(line));
        lines.cloned().collect()
    }

    /// How many lines contain `text`.
    pub fn count(&self, text: &str) -> usize {
        self.matching(|line| line.contains(text)).len()
    }

    /// Every line.
    pub fn all(&self) -> Vec<String> {
        self.matching(|_| true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn lines_are_kept_and_waited_for_until_the_end() {
        let (reader, mut writer) = io::pipe().unwrap();
        let lines = Lines::read("lines", reader).unwrap();
        writer.write_all(b"one\ntwo\nth").unwrap();
        let two = lines.wait(Deadline::seconds(5), |all| all.get(1).cloned());
        assert_eq!(two.as_deref(), Some("two"));
        assert_eq!(lines.all(), ["one", "two"], "a part of a line is none yet");
        writer.write_all(b"ree").unwrap();
        drop(writer);
        assert_eq!(lines.wait_end(Deadline::seconds(5)), Some(()));
        assert_eq!(lines.all(), ["one", "two", "three"]);
        let never = lines.wait(Deadline::seconds(60), |all| all.get(3).cloned());
        assert_eq!(never, None, "the end is not waited beyond");
    }
}
