//! Calls as a person hears them: rendered by the program, understood by a recogniser through a telephone.
//!
//! Needs espeak-ng and sox from Debian and the recogniser that `make packages` installs below `target/tools/speech`.

mod calls;
#[expect(dead_code, reason = "the tests of processes use more of it")]
#[path = "../process/child.rs"]
mod child;
mod files;
mod recogniser;
