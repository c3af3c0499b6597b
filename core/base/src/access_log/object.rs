//! A line that a program reads: one object, whose fields are always the same. What is not known of
//! a request is left out.

use super::line::{Head, Record, client, protocol};
use crate::log::LINE_LIMIT;
use crate::log::fields::{Object, Syntax};

/// Bytes of each value where the line would be too long with all of them: four values are the
/// client's to choose, and there are names, numbers and quotes beside them.
const VALUE_LIMIT: usize = (LINE_LIMIT - 1024) / 4;

/// How long a line may be, its line feed included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// As long as it is.
    Endless,
    /// [`LINE_LIMIT`], so that a pipe, or a syslog message, has it whole.
    OneLine,
}

/// The places of the headers that an object needs, in [`Format::kept`](super::format::Format).
pub(super) const USER_AGENT_PLACE: usize = 0;
pub(super) const REFERER_PLACE: usize = 1;

/// Appends the line of a request, with its line feed.
pub(super) fn write(out: &mut Vec<u8>, syntax: Syntax, room: Room, record: &Record<'_>) {
    let start = out.len();
    write_object(out, syntax, usize::MAX, record);
    if room == Room::OneLine && out.len() - start >= LINE_LIMIT {
        out.truncate(start);
        write_object(out, syntax, VALUE_LIMIT, record);
    }
    out.push(b'\n');
}

fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn write_object(out: &mut Vec<u8>, syntax: Syntax, most: usize, record: &Record<'_>) {
    let mut object = Object::begin(out, syntax, most);
    object.bare("time", |out| out.extend_from_slice(record.time));
    if let Some(address) = record.peer.ip() {
        object.bare("client", |out| client(out, address));
    }
    let header = |object: &mut Object<'_>, key: &str, place: usize| {
        if let Head::Parsed(parsed) = record.head
            && let Some(value) = parsed.header(place)
        {
            object.text(key, value);
        }
    };
    match record.head {
        Head::Parsed(parsed) => {
            object.text("method", parsed.method.as_str().as_bytes());
            object.text("target", parsed.target);
            object.bare("version", |out| out.extend_from_slice(protocol(parsed.version)));
        }
        Head::Refused(line) if !line.is_empty() => object.text("request", line),
        Head::Refused(_) => {}
    }
    if let Some(status) = record.status {
        object.number("status", status.as_u16().into());
    }
    object.number("bytes", record.bytes);
    if let Some(duration) = record.duration {
        object.number("duration_us", micros(duration));
    }
    if let Some(queued) = record.queued {
        object.number("queue_us", micros(queued));
    }
    object.number("pid", record.pid.into());
    if let Some(id) = record.request_id {
        object.text("request_id", id);
    }
    header(&mut object, "user_agent", USER_AGENT_PLACE);
    header(&mut object, "referer", REFERER_PLACE);
    object.end();
}

#[cfg(test)]
mod tests;
