//! Parsers and file formats, with arbitrary bytes and the published vectors.

mod fuzz;
mod parsers;
mod vectors;
