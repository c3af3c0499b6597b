//! Every request in `tests/corpus`, put through the codec.
//!
//! The corpus says what a conversation means, once, in files; here it is asked whether the codec
//! agrees, however the bytes are cut, whatever the application does with the bodies, and whether
//! another implementation of HTTP/1.1 reads it the same way.

#[cfg(test)]
mod advisories;
#[cfg(test)]
mod answers;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod cuts;
#[cfg(test)]
mod differences;
#[cfg(test)]
mod drive;
#[cfg(test)]
mod peer;
#[cfg(test)]
mod verdicts;
