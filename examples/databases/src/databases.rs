//! The connections of one worker, in a pool for each database. A pool has threads of its own, which open
//! connections, and a thread does not survive a fork: so it is made by the first request of a worker, not
//! in `main`.

use std::env::VarError;
use std::sync::OnceLock;
use std::time::Duration;

use postgres::NoTls;
use r2d2::{ManageConnection, Pool, PooledConnection};
use r2d2_postgres::PostgresConnectionManager;

type Postgres = PostgresConnectionManager<NoTls>;

/// Connections to each database, for each worker, when `CONNECTIONS` does not say how many.
const CONNECTIONS: u32 = 20;
/// How long a request waits for one of them, and for a database that is not there.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unavailable {
    #[error("{name}: {why}", why = source)]
    Variable { name: &'static str, source: VarError },
    #[error("no connection: {0}")]
    Pool(#[from] r2d2::Error),
    #[error("PostgreSQL: {text}", text = text(.0))]
    Postgres(#[from] postgres::Error),
    #[error("Redis: {0}")]
    Redis(#[from] redis::RedisError),
}

/// See the module.
#[derive(Default)]
pub(crate) struct Databases {
    postgres: OnceLock<Pool<Postgres>>,
    redis: OnceLock<Pool<redis::Client>>,
}

/// The error says only that the database has sent one; what that is lies below.
fn text(error: &postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned())
}

fn variable(name: &'static str) -> Result<String, Unavailable> {
    std::env::var(name).map_err(|source| Unavailable::Variable { name, source })
}

/// A pool without connections. They are opened when they are asked for.
fn pool<M: ManageConnection>(manager: M) -> Pool<M> {
    let connections = std::env::var("CONNECTIONS").ok().and_then(|number| number.parse().ok());
    // The pool does not take 0.
    let connections = connections.filter(|number| *number > 0).unwrap_or(CONNECTIONS);
    let pool = Pool::builder().max_size(connections).min_idle(Some(0));
    pool.connection_timeout(PATIENCE).build_unchecked(manager)
}

impl Databases {
    /// A connection, given back when it is dropped.
    pub(crate) fn postgres(&self) -> Result<PooledConnection<Postgres>, Unavailable> {
        let pool = match self.postgres.get() {
            Some(pool) => pool,
            None => {
                let config = variable("POSTGRES")?.parse()?;
                self.postgres.get_or_init(|| pool(PostgresConnectionManager::new(config, NoTls)))
            }
        };
        Ok(pool.get()?)
    }

    /// A connection, given back when it is dropped.
    pub(crate) fn redis(&self) -> Result<PooledConnection<redis::Client>, Unavailable> {
        let pool = match self.redis.get() {
            Some(pool) => pool,
            None => {
                let client = redis::Client::open(variable("REDIS")?)?;
                self.redis.get_or_init(|| pool(client))
            }
        };
        Ok(pool.get()?)
    }
}
