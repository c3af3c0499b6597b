//! What the codec does, seen from outside: tables of bytes and verdicts, and two properties.
//!
//! One binary, so that the shared driver is compiled once.

#[cfg(test)]
mod bodies;
#[cfg(test)]
mod cycles;
#[cfg(test)]
mod draining;
#[cfg(test)]
mod drive;
#[cfg(test)]
mod fields;
#[cfg(test)]
mod framing;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod responses;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod splits;
