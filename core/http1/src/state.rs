//! Where the two sides of a connection stand, and every step they can take.
//!
//! HTTP/1.1 is two half-conversations that only meet at the end of a cycle. Writing each as a
//! table, in the manner of h11, makes "may I do this now?" one look-up instead of a condition
//! repeated in every method, and lets a test read the whole protocol at once. A step that the
//! table does not have is a mistake of the caller and changes nothing.

/// The client's half of the conversation: what we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientState {
    /// Between requests, or in the middle of a head.
    Idle,
    /// A head was read; its body, perhaps empty, is not at its end.
    SendBody,
    /// The request is complete.
    Done,
    /// The client will send nothing more.
    Closed,
    /// What it sent was refused, or was cut short. Nothing further is read as a request.
    Error,
}

/// The server's half of the conversation: what we write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerState {
    /// Nothing to answer.
    Idle,
    /// A final response is owed.
    SendResponse,
    /// The response's head was written, its end was not.
    SendBody,
    /// The response is complete and the connection stays.
    Done,
    /// The response is complete, or was given up, and the connection must be closed.
    MustClose,
}

/// What can happen to the client's half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientStep {
    /// A request head was read.
    Head,
    /// The body, with its trailers, was read to its end.
    End,
    /// EOF at a message boundary.
    Eof,
    /// A rule was broken, or the caller gave up.
    Fault,
    /// The next cycle begins.
    Next,
}

/// What can happen to the server's half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerStep {
    /// There is something to answer: a request, or a fault.
    Owed,
    /// The final response's head was written.
    Head,
    /// The response is complete, and the connection outlives it.
    End,
    /// The response is complete or given up, and the connection does not outlive it.
    Close,
    /// The next cycle begins.
    Next,
}

type Row<S> = [Option<S>; 5];

#[rustfmt::skip]
const CLIENT: [Row<ClientState>; 5] = {
    use ClientState::*;
    const NO: Option<ClientState> = None;
    [//              Head            End         Eof           Fault        Next
    /* Idle     */ [Some(SendBody), NO,         Some(Closed), Some(Error), NO        ],
    /* SendBody */ [NO,             Some(Done), NO,           Some(Error), NO        ],
    /* Done     */ [NO,             NO,         Some(Closed), Some(Error), Some(Idle)],
    /* Closed   */ [NO,             NO,         NO,           NO,          NO        ],
    /* Error    */ [NO,             NO,         NO,           NO,          NO        ],
    ]
};

#[rustfmt::skip]
const SERVER: [Row<ServerState>; 5] = {
    use ServerState::*;
    const NO: Option<ServerState> = None;
    [//                  Owed                Head            End         Close            Next
    /* Idle         */ [Some(SendResponse), NO,             NO,         NO,              NO        ],
    /* SendResponse */ [NO,                 Some(SendBody), NO,         NO,              NO        ],
    /* SendBody     */ [NO,                 NO,             Some(Done), Some(MustClose), NO        ],
    /* Done         */ [NO,                 NO,             NO,         Some(MustClose), Some(Idle)],
    /* MustClose    */ [NO,                 NO,             NO,         NO,              NO        ],
    ]
};

impl ClientState {
    /// Where `step` leads from here, if it may be taken here.
    pub(crate) fn after(self, step: ClientStep) -> Option<ClientState> {
        CLIENT[self as usize][step as usize]
    }
}

impl ServerState {
    /// Where `step` leads from here, if it may be taken here.
    pub(crate) fn after(self, step: ServerStep) -> Option<ServerState> {
        SERVER[self as usize][step as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT_STATES: [ClientState; 5] = {
        use ClientState::*;
        [Idle, SendBody, Done, Closed, Error]
    };
    const CLIENT_STEPS: [ClientStep; 5] = {
        use ClientStep::*;
        [Head, End, Eof, Fault, Next]
    };
    const SERVER_STATES: [ServerState; 5] = {
        use ServerState::*;
        [Idle, SendResponse, SendBody, Done, MustClose]
    };
    const SERVER_STEPS: [ServerStep; 5] = {
        use ServerStep::*;
        [Owed, Head, End, Close, Next]
    };

    /// Every pair that is allowed, written the other way round: a row moved by accident shows.
    #[test]
    fn the_tables_hold_exactly_these_steps() {
        use ClientState as C;
        use ServerState as S;
        let client = [
            (C::Idle, ClientStep::Head, C::SendBody),
            (C::Idle, ClientStep::Eof, C::Closed),
            (C::Idle, ClientStep::Fault, C::Error),
            (C::SendBody, ClientStep::End, C::Done),
            (C::SendBody, ClientStep::Fault, C::Error),
            (C::Done, ClientStep::Eof, C::Closed),
            (C::Done, ClientStep::Fault, C::Error),
            (C::Done, ClientStep::Next, C::Idle),
        ];
        for state in CLIENT_STATES {
            for step in CLIENT_STEPS {
                let expected =
                    client.iter().find(|row| row.0 == state && row.1 == step).map(|row| row.2);
                assert_eq!(state.after(step), expected, "{state:?} {step:?}");
            }
        }
        let server = [
            (S::Idle, ServerStep::Owed, S::SendResponse),
            (S::SendResponse, ServerStep::Head, S::SendBody),
            (S::SendBody, ServerStep::End, S::Done),
            (S::SendBody, ServerStep::Close, S::MustClose),
            (S::Done, ServerStep::Close, S::MustClose),
            (S::Done, ServerStep::Next, S::Idle),
        ];
        for state in SERVER_STATES {
            for step in SERVER_STEPS {
                let expected =
                    server.iter().find(|row| row.0 == state && row.1 == step).map(|row| row.2);
                assert_eq!(state.after(step), expected, "{state:?} {step:?}");
            }
        }
    }

    /// The two properties the rest of the server leans on.
    #[test]
    fn an_end_is_an_end_and_a_response_is_sent_once() {
        for state in [ClientState::Closed, ClientState::Error] {
            assert!(CLIENT_STEPS.iter().all(|step| state.after(*step).is_none()), "{state:?}");
        }
        assert!(SERVER_STEPS.iter().all(|step| ServerState::MustClose.after(*step).is_none()));
        let answer_from: Vec<_> =
            SERVER_STATES.iter().filter(|s| s.after(ServerStep::Head).is_some()).collect();
        assert_eq!(answer_from, [&ServerState::SendResponse]);
    }
}
