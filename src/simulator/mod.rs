//! A virtual modem, and the virtual phone behind it.
