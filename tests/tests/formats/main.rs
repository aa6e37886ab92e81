//! Tests parsers and file formats, with arbitrary bytes and in comparison with other programs.

mod fuzz;
mod parsers;
mod vectors;
