//! What goes wrong with modems, one fault a test: what becomes of the message in hand, whether the route leaves and comes
//! back, what the log says.

mod bench;
mod ladder;
mod line;
mod network;
mod ports;
mod sim;
