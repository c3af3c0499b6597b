//! Worker class coroutine: a hub and one stackful coroutine for each request in flight.
