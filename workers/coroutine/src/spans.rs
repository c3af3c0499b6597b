//! tracing keeps the spans that a thread is in, in a thread-local. Coroutines share a thread, so what
//! a handler has entered is left when its coroutine suspends and entered again when it goes on:
//! otherwise its neighbours' events would be reported inside its spans.

use tracing::Span;

/// The spans that were left, innermost first.
#[derive(Debug, Default)]
pub(crate) struct Left(Vec<Span>);

/// Leaves all spans that the thread is in.
pub(crate) fn leave_all() -> Left {
    let mut left = Vec::new();
    loop {
        let span = Span::current();
        let known = span.with_subscriber(|(id, subscriber)| subscriber.exit(id));
        if known.is_none() || left.last().is_some_and(|last: &Span| last.id() == span.id()) {
            return Left(left);
        }
        left.push(span);
    }
}

impl Left {
    /// Enters them again.
    pub(crate) fn enter_all(self) {
        for span in self.0.into_iter().rev() {
            span.with_subscriber(|(id, subscriber)| subscriber.enter(id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_spans_are_left_and_entered_again() {
        let subscriber = tracing_subscriber::registry();
        tracing::subscriber::with_default(subscriber, || {
            let outer = tracing::error_span!("outer");
            let inner = tracing::error_span!("inner");
            let _outer = outer.enter();
            let _inner = inner.enter();
            let left = leave_all();
            assert!(Span::current().is_none());
            left.enter_all();
            assert_eq!(Span::current().id(), inner.id());
            drop(_inner);
            assert_eq!(Span::current().id(), outer.id());
        });
    }
}
