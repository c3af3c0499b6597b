//! The connections that wait, each in a numbered seat. A seat's number travels through the kernel as
//! an epoll key and through the timers; its generation tells whether who sits there now is still the
//! one that was meant.

use std::time::Instant;

use crate::connection::Connection;

const GENERATIONS: u32 = 1 << 28;

/// A place and the visit it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seat {
    index: u32,
    generation: u32,
}

impl Seat {
    /// As 60 bits.
    pub(super) fn key(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.index)
    }

    pub(super) fn from_key(key: u64) -> Seat {
        Seat { index: key as u32, generation: (key >> 32) as u32 % GENERATIONS }
    }
}

/// Whether the epoll set reports that a connection can be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Reports {
    #[default]
    Reading,
    ReadingAndWriting,
}

#[derive(Debug, Default)]
pub(super) struct Place {
    generation: u32,
    /// `None` while its request is in hand.
    pub(super) guest: Option<Box<Connection>>,
    /// Events that came while it was away.
    pub(super) missed: u32,
    /// When its entry in the timers comes up.
    pub(super) alarm: Option<Instant>,
    pub(super) reports: Reports,
}

#[derive(Debug, Default)]
pub(super) struct Seats {
    places: Vec<Place>,
    free: Vec<u32>,
}

impl Seats {
    pub(super) fn take(&mut self) -> Seat {
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place::default());
            (self.places.len() - 1) as u32
        });
        Seat { index, generation: self.places[index as usize].generation }
    }

    /// The place, if the visit is not over.
    pub(super) fn get(&mut self, seat: Seat) -> Option<&mut Place> {
        self.places.get_mut(seat.index as usize).filter(|p| p.generation == seat.generation)
    }

    /// Ends the visit; whoever still sits there is dropped.
    pub(super) fn release(&mut self, seat: Seat) {
        if let Some(place) = self.get(seat) {
            let generation = (place.generation + 1) % GENERATIONS;
            *place = Place { generation, ..Place::default() };
            self.free.push(seat.index);
        }
    }

    fn guests(&self) -> impl Iterator<Item = (Seat, &Connection)> {
        (0..).zip(&self.places).filter_map(|(index, place)| {
            let seat = Seat { index, generation: place.generation };
            place.guest.as_deref().map(|guest| (seat, guest))
        })
    }

    /// Whose turn it is to go when there are too many: who has been idle for longest.
    pub(super) fn longest_idle(&self) -> Option<Seat> {
        self.guests()
            .filter(|(_, guest)| guest.is_idle())
            .min_by_key(|(_, guest)| guest.since())
            .map(|(seat, _)| seat)
    }

    /// The deadlines of all who wait.
    pub(super) fn deadlines(&self) -> Vec<(Seat, Instant)> {
        self.guests().filter_map(|(seat, guest)| Some((seat, guest.deadline()?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_used_again_but_the_old_visit_is_over() {
        let mut seats = Seats::default();
        let (first, second) = (seats.take(), seats.take());
        assert_ne!(first, second);
        assert_eq!(Seat::from_key(first.key()), first);
        seats.release(first);
        seats.release(first);
        let again = seats.take();
        assert_eq!(again.index, first.index);
        assert_ne!(again, first);
        assert!(seats.get(first).is_none());
        assert!(seats.get(again).is_some());
        assert_ne!(seats.take().index, again.index, "released once, taken once");
    }
}
