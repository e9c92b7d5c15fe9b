//! The AT dialogue: line reader, engine, typed commands and answers. Pure.
