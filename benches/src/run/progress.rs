//! What runs and how long is left: a bar on a terminal, a line for each measurement elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Where a session stands.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    started: Instant,
    planned: u32,
    done: u32,
}

impl Progress {
    /// So many measurements are planned.
    pub fn new(planned: u32) -> Progress {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = "[{elapsed_precise}] {bar:40} {pos}/{len} {wide_msg}";
            let style = ProgressStyle::with_template(style);
            let bar = ProgressBar::new(planned.into());
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Progress { bar, started: Instant::now(), planned, done: 0 }
    }

    /// This is being measured now.
    pub fn measures(&self, what: &str) {
        let left = match self.done {
            0 => String::new(),
            _ => format!(", about {} left", minutes(self.left())),
        };
        match &self.bar {
            Some(bar) => bar.set_message(format!("{what}{left}")),
            None => crate::warn(&format!("[{}/{}] {what}{left}\n", self.done + 1, self.planned)),
        }
    }

    /// How many of those that were planned are over.
    pub fn done(&self) -> u32 {
        self.done
    }

    /// One more is over.
    pub fn advance(&mut self) {
        self.reach(self.done + 1);
    }

    /// So many are over, measured or not needed.
    pub fn reach(&mut self, done: u32) {
        self.done = done.min(self.planned);
        if let Some(bar) = &self.bar {
            bar.set_position(self.done.into());
        }
    }

    /// A line that stays.
    pub fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => crate::warn(&format!("{text}\n")),
        }
    }

    /// Everything is over.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// By what the measurements so far have taken.
    fn left(&self) -> Duration {
        let each = self.started.elapsed() / self.done.max(1);
        each * (self.planned - self.done)
    }
}

fn minutes(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        _ => format!("{} min", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_counted_in_minutes_when_it_is_long() {
        assert_eq!(minutes(Duration::from_millis(59_900)), "59 s");
        assert_eq!(minutes(Duration::from_secs(61)), "2 min");
        let mut progress = Progress::new(2);
        progress.reach(5);
        assert_eq!(progress.left(), Duration::ZERO);
    }
}
