//! Worker class threaded: a pool of threads on one shared epoll set.
