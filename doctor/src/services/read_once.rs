//! Keeps the text of each file that was read. Services often include the same file, which is then read only once.
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;

use crate::pam::libpam::Libpam;
use crate::pam::line::LineReader;
use crate::pam::load::Files;

/// Why a file cannot be read. Unlike [`io::Error`], it can be returned several times.
struct ReadError {
    kind: io::ErrorKind,
    text: String,
}

/// Files that are read at the first request. The text of each is kept for later requests. If a file cannot be read, the
/// error is kept, and the file is not tried another time.
pub struct ReadOnce<'a> {
    files: &'a dyn Files,
    texts: RefCell<BTreeMap<String, Result<String, ReadError>>>,
}

impl<'a> ReadOnce<'a> {
    /// Creates an empty store that reads from `files`.
    #[must_use]
    pub fn new(files: &'a dyn Files) -> Self {
        Self { files, texts: RefCell::default() }
    }
}

impl Files for ReadOnce<'_> {
    fn text(&self, path: &str) -> io::Result<String> {
        let mut texts = self.texts.borrow_mut();
        if !texts.contains_key(path) {
            let read = self.files.text(path);
            let read =
                read.map_err(|error| ReadError { kind: error.kind(), text: error.to_string() });
            texts.insert(path.to_owned(), read);
        }
        match texts.get(path) {
            Some(Ok(text)) => Ok(text.clone()),
            Some(Err(error)) => Err(io::Error::new(error.kind, error.text.clone())),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn is_folder(&self, path: &str) -> bool {
        self.files.is_folder(path)
    }

    fn pam_folders(&self) -> Vec<&'static str> {
        self.files.pam_folders()
    }

    fn libpam(&self) -> Libpam {
        self.files.libpam()
    }

    fn line_reader(&self) -> LineReader {
        self.files.line_reader()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    struct Counted(Cell<u32>);

    impl Files for Counted {
        fn text(&self, path: &str) -> io::Result<String> {
            self.0.set(self.0.get() + 1);
            if path == "/gone" { Err(io::ErrorKind::NotFound.into()) } else { Ok(path.to_owned()) }
        }

        fn is_folder(&self, _: &str) -> bool {
            true
        }
    }

    #[test]
    fn a_file_is_read_once_even_if_it_is_missing() {
        let files = Counted(Cell::new(0));
        let once = ReadOnce::new(&files);
        for _ in 0..3 {
            assert_eq!(once.text("/a").unwrap(), "/a");
            assert_eq!(once.text("/gone").unwrap_err().kind(), io::ErrorKind::NotFound);
        }
        assert_eq!(files.0.get(), 2);
    }
}
