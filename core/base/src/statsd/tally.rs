//! What is counted of requests between two reports.

use std::time::Duration;

use http::StatusCode;

use super::wire::{Names, Parcel};

/// Times of one kind that a report holds: at 36 bytes each, some 25 datagrams.
const KEPT: usize = 1000;

/// What is counted of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// None: no response was begun.
    pub(crate) status: Option<StatusCode>,
    /// None: the application has not seen it.
    pub(crate) duration: Option<Duration>,
    /// How long it has waited for the application.
    pub(crate) queued: Option<Duration>,
}

/// Times, of which each had the same chance to be kept (Vitter's algorithm R).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Times {
    kept: Vec<Duration>,
    seen: u64,
    /// The state of a generator that nobody has to trust (Marsaglia's xorshift64).
    dice: u64,
}

impl Times {
    fn throw(&mut self) -> u64 {
        if self.dice == 0 {
            self.dice = 0x9e37_79b9_7f4a_7c15;
        }
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice
    }

    fn add(&mut self, time: Duration) {
        self.seen += 1;
        if self.kept.len() < KEPT {
            self.kept.push(time);
            return;
        }
        let place = self.throw() % self.seen;
        if let Some(kept) = usize::try_from(place).ok().and_then(|place| self.kept.get_mut(place)) {
            *kept = time;
        }
    }

    /// Those of another are one turn's of a loop: all of them were kept, as a rule.
    fn take_from(&mut self, other: &mut Times) {
        let unkept = other.seen - other.kept.len() as u64;
        other.kept.drain(..).for_each(|time| self.add(time));
        self.seen += unkept;
        other.seen = 0;
    }

    fn clear(&mut self) {
        self.kept.clear();
        self.seen = 0;
    }
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    requests: u64,
    /// A handful: looked through one by one.
    statuses: Vec<(StatusCode, u64)>,
    durations: Times,
    queued: Times,
}

impl Tally {
    pub(super) fn is_empty(&self) -> bool {
        self.requests == 0
    }

    fn add_status(&mut self, status: StatusCode, count: u64) {
        match self.statuses.iter_mut().find(|(known, _)| *known == status) {
            Some((_, known)) => *known += count,
            None => self.statuses.push((status, count)),
        }
    }

    pub(super) fn count(&mut self, sample: Sample) {
        self.requests += 1;
        sample.status.into_iter().for_each(|status| self.add_status(status, 1));
        sample.duration.into_iter().for_each(|time| self.durations.add(time));
        sample.queued.into_iter().for_each(|time| self.queued.add(time));
    }

    /// Adds what `other` has, and clears it.
    pub(super) fn take_from(&mut self, other: &mut Tally) {
        self.requests += std::mem::take(&mut other.requests);
        other.statuses.drain(..).for_each(|(status, count)| self.add_status(status, count));
        self.durations.take_from(&mut other.durations);
        self.queued.take_from(&mut other.queued);
    }

    pub(super) fn clear(&mut self) {
        self.requests = 0;
        self.statuses.clear();
        self.durations.clear();
        self.queued.clear();
    }

    pub(super) fn write(&self, parcel: &mut Parcel, names: &Names) {
        if self.is_empty() {
            return;
        }
        names.counter(parcel, "gunicorn.requests", self.requests);
        for (status, count) in &self.statuses {
            let name = format!("gunicorn.request.status.{}", status.as_str());
            names.counter(parcel, &name, *count);
        }
        for (name, times) in [
            ("gunicorn.request.duration", &self.durations),
            ("gunicorn.request.queue", &self.queued),
        ] {
            let rate = times.kept.len() as f64 / times.seen.max(1) as f64;
            times.kept.iter().for_each(|&time| names.timing(parcel, name, time, rate));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(micros: u64) -> Sample {
        let duration = Some(Duration::from_micros(micros));
        Sample { status: Some(StatusCode::OK), duration, queued: None }
    }

    #[test]
    fn tallies_are_added_up() {
        let (mut all, mut one) = (Tally::default(), Tally::default());
        all.count(sample(1));
        one.count(sample(2));
        one.count(Sample { status: Some(StatusCode::NOT_FOUND), duration: None, queued: None });
        one.count(Sample { status: None, duration: None, queued: Some(Duration::ZERO) });
        all.take_from(&mut one);
        assert!(one.is_empty());
        assert_eq!(all.requests, 4);
        assert_eq!(all.statuses, [(StatusCode::OK, 2), (StatusCode::NOT_FOUND, 1)]);
        assert_eq!((all.durations.seen, all.queued.seen), (2, 1));
        all.clear();
        assert!(all.is_empty() && all.statuses.is_empty() && all.durations.kept.is_empty());
    }

    #[test]
    fn of_many_times_some_of_all_are_kept() {
        let mut tally = Tally::default();
        (0..10 * KEPT as u64).for_each(|micros| tally.count(sample(micros)));
        let times = &tally.durations;
        assert_eq!((times.kept.len(), times.seen), (KEPT, 10 * KEPT as u64));
        let late = times.kept.iter().filter(|time| time.as_micros() >= 5 * KEPT as u128).count();
        assert!((KEPT / 3..KEPT * 2 / 3).contains(&late), "{late} of the second half");
        let mut other = Tally::default();
        other.take_from(&mut tally);
        assert_eq!((other.durations.kept.len(), other.durations.seen), (KEPT, 10 * KEPT as u64));
    }
}
