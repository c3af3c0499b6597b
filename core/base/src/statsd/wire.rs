//! The lines of statsd (`name:value|type`, dogstatsd's tags behind), and the datagrams that they
//! travel in: as few as fit into what every network takes in one piece.

use std::io::Write;
use std::time::Duration;

use crate::config::{Config, MetricPrefix, MetricTags};
use crate::log::counts::Complaints;
use crate::post::Post;

/// Bytes of a datagram: an Ethernet frame less the headers of IPv6 and UDP, with some to spare for
/// tunnels. What statsd's own documentation recommends.
const DATAGRAM: usize = 1432;

/// What is put around the name of each metric.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    prefix: String,
    tags: String,
}

/// Lines, packed.
#[derive(Debug, Default)]
pub(super) struct Parcel {
    pub(super) datagrams: Vec<Vec<u8>>,
}

impl Parcel {
    fn push(&mut self, line: &[u8]) {
        match self.datagrams.last_mut() {
            Some(last) if last.len() + 1 + line.len() <= DATAGRAM => {
                last.push(b'\n');
                last.extend_from_slice(line);
            }
            _ => self.datagrams.push(line.to_vec()),
        }
    }

    /// Sends everything; what the daemon does not take is gone.
    pub(super) fn post(self, post: &mut Post, patience: Duration) {
        for datagram in self.datagrams {
            if let Err(error) = post.send(&datagram, patience) {
                tracing::debug!("Some metrics did not reach statsd: {error}");
            }
        }
    }
}

impl Names {
    pub(super) fn of(config: &Config) -> Names {
        Names {
            prefix: config.statsd_prefix.as_ref().map(MetricPrefix::dotted).unwrap_or_default(),
            tags: config.dogstatsd_tags.as_ref().map(MetricTags::suffix).unwrap_or_default(),
        }
    }

    fn line(&self, parcel: &mut Parcel, name: &str, value: std::fmt::Arguments<'_>) {
        let mut line = Vec::with_capacity(64);
        // A Vec takes everything.
        let _ = write!(line, "{}{name}:{value}{}", self.prefix, self.tags);
        parcel.push(&line);
    }

    pub(super) fn counter(&self, parcel: &mut Parcel, name: &str, count: u64) {
        self.line(parcel, name, format_args!("{count}|c"));
    }

    pub(super) fn gauge(&self, parcel: &mut Parcel, name: &str, value: u64) {
        self.line(parcel, name, format_args!("{value}|g"));
    }

    /// A time in milliseconds, which stands for `1 / rate` of them.
    pub(super) fn timing(&self, parcel: &mut Parcel, name: &str, time: Duration, rate: f64) {
        let (millis, micros) = (time.as_millis(), time.subsec_micros() % 1000);
        match rate < 1.0 {
            true => self.line(parcel, name, format_args!("{millis}.{micros:03}|ms|@{rate:.6}")),
            false => self.line(parcel, name, format_args!("{millis}.{micros:03}|ms")),
        }
    }
}

/// What this process has counted of complaints between two moments.
pub(super) fn complaints(parcel: &mut Parcel, names: &Names, now: &Complaints, then: &Complaints) {
    for (complaint, count) in now.since(then) {
        names.counter(parcel, complaint.metric(), count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_statsds() {
        let names = Names { prefix: "web.".to_owned(), tags: "|#a:b".to_owned() };
        let (plain, mut parcel) = (Names::default(), Parcel::default());
        names.counter(&mut parcel, "gunicorn.requests", 3);
        names.timing(&mut parcel, "t", Duration::from_micros(4_697_012), 1.0);
        names.timing(&mut parcel, "t", Duration::from_micros(5), 0.25);
        plain.gauge(&mut parcel, "gunicorn.workers", 2);
        let text = String::from_utf8(parcel.datagrams.concat()).unwrap();
        assert_eq!(
            text,
            "web.gunicorn.requests:3|c|#a:b\nweb.t:4697.012|ms|#a:b\n\
             web.t:0.005|ms|@0.250000|#a:b\ngunicorn.workers:2|g"
        );
    }

    #[test]
    fn datagrams_are_full_and_never_too_large() {
        let (names, mut parcel) = (Names::default(), Parcel::default());
        (0..1000).for_each(|number| names.counter(&mut parcel, "gunicorn.requests", number));
        let sizes: Vec<_> = parcel.datagrams.iter().map(Vec::len).collect();
        assert!(sizes.iter().all(|&size| size <= DATAGRAM), "{sizes:?}");
        assert!(sizes[..sizes.len() - 1].iter().all(|&size| size > DATAGRAM - 30), "{sizes:?}");
        let lines = parcel.datagrams.join(&b'\n');
        assert_eq!(String::from_utf8(lines).unwrap().lines().count(), 1000);
    }
}
