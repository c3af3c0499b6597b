//! What the master and every worker class of oxicorn share: contracts, settings, reactor, logs.
