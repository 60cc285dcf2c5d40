//! Fetching, against a server on this machine that misbehaves in every way known, and a false pip.
//! Each test ends in a good file or in one clear sentence; never in half a file under its final name.

mod cache;
mod network;
mod server;
mod wheel;
