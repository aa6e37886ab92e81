//! Tests saved changes: which states can follow another, and what happens to files that were edited after setup.

use super::*;

/// A temporary folder with a folder `etc` in place of /etc and a folder for the copies.
struct Host {
    folder: tempfile::TempDir,
}

impl Host {
    fn new() -> Self {
        let host = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(host.folder.path().join("etc")).unwrap();
        host.write("changed", "old\n");
        host
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join("etc").join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn text(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path(name)).ok()
    }

    fn saved_folder(&self) -> SavedFolder {
        SavedFolder::of(&self.folder.path().join("setup"), "ssh")
    }

    /// Returns a change that creates one file and edits another.
    fn saved(&self) -> Saved {
        let before = replace::read(&self.path("changed")).unwrap();
        let new = |text: &str| {
            let attributes = before.as_ref().unwrap().attributes;
            Some(FileContent { bytes: text.as_bytes().to_vec(), attributes })
        };
        let file = |name: &str, before: Option<FileContent>, after: Option<FileContent>| {
            SavedFile { path: self.path(name), before, after }
        };
        let waiting = WaitingChange {
            word: "WORD".to_owned(),
            session: Some(7),
            begun: 1_800_000_000,
            boot: "b".to_owned(),
            until: 300,
        };
        let files = vec![
            file("created", None, new("drop-in\n")),
            file("changed", before.clone(), new("new\n")),
        ];
        Saved { waiting, in_force: None, files }
    }

    fn apply(&self, saved: &Saved) {
        for file in &saved.files {
            replace::replace(&file.path, file.after.as_ref()).unwrap();
        }
    }
}

#[test]
fn a_change_is_read_as_it_was_saved() {
    let host = Host::new();
    let (folder, saved) = (host.saved_folder(), host.saved());
    assert_eq!(folder.load(Phase::Pending).unwrap(), None);
    folder.save(&saved).unwrap();
    assert_eq!(folder.load(Phase::Pending).unwrap(), Some(saved.clone()));
    let at = InForce { monotonic: 12, boot: 34 };
    folder.set_in_force(at).unwrap();
    assert_eq!(folder.load(Phase::Pending).unwrap().unwrap().in_force, Some(at));
    let second = folder.save(&saved).unwrap_err();
    assert_eq!(second.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read_dir(host.folder.path().join("setup/ssh")).unwrap().count(), 1);
    assert_eq!(SavedFolder::services(&host.folder.path().join("setup")).unwrap(), ["ssh"]);
}

#[test]
fn all_is_put_back_wherever_the_run_was_killed() {
    // `written` is the number of files that were written before setup was killed; `undone` is the number that were put
    // back before the undo was killed.
    for written in 0..=2 {
        for undone in 0..=2 {
            let host = Host::new();
            let (folder, saved) = (host.saved_folder(), host.saved());
            folder.save(&saved).unwrap();
            let some = |count: usize| Saved {
                files: saved.files.iter().take(count).cloned().collect(),
                ..saved.clone()
            };
            host.apply(&some(written));
            let found = folder.begin_undo().unwrap().unwrap();
            folder.put_back(&some(undone)).unwrap();
            assert_eq!(folder.begin_undo().unwrap(), Some(found.clone()));
            let done = folder.put_back(&found).unwrap();
            folder.end_undo().unwrap();
            assert!(done.iter().all(|one| one.kept.is_none()), "{done:?}");
            assert_eq!(host.text("changed").as_deref(), Some("old\n"));
            assert_eq!(host.text("created"), None);
            assert_eq!(folder.begin_undo().unwrap(), None);
        }
    }
}

#[test]
fn what_others_wrote_meanwhile_is_kept() {
    let host = Host::new();
    let (folder, saved) = (host.saved_folder(), host.saved());
    folder.save(&saved).unwrap();
    host.apply(&saved);
    host.write("changed", "of another package\n");
    let found = folder.begin_undo().unwrap().unwrap();
    let done = folder.put_back(&found).unwrap();
    let kept: Vec<&PathBuf> = done.iter().filter_map(|one| one.kept.as_ref()).collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(fs::read_to_string(kept[0]).unwrap(), "of another package\n");
    assert_eq!(host.text("changed").as_deref(), Some("old\n"));
    folder.end_undo().unwrap();
    folder.forget();
    assert!(kept[0].exists());
}

#[test]
fn confirmed_is_never_put_back_and_put_back_is_never_confirmed() {
    let host = Host::new();
    let (folder, saved) = (host.saved_folder(), host.saved());
    folder.save(&saved).unwrap();
    assert!(folder.confirm().unwrap());
    assert_eq!(folder.begin_undo().unwrap(), None);
    assert_eq!(folder.load(Phase::Confirmed).unwrap(), Some(saved.clone()));
    assert!(!folder.confirm().unwrap());
    folder.save(&saved).unwrap();
    assert!(folder.begin_undo().unwrap().is_some());
    assert!(!folder.confirm().unwrap());
    assert!(folder.set_in_force(InForce { monotonic: 1, boot: 1 }).is_err());
    folder.end_undo().unwrap();
    folder.save(&saved).unwrap();
    assert!(folder.confirm().unwrap());
    folder.forget();
    assert_eq!(SavedFolder::services(&host.folder.path().join("setup")).unwrap(), [""; 0]);
}

#[test]
fn a_description_that_cannot_be_understood_is_an_error() {
    let host = Host::new();
    let (folder, saved) = (host.saved_folder(), host.saved());
    folder.save(&saved).unwrap();
    let state = host.folder.path().join("setup/ssh/pending/state.json");
    let good = fs::read_to_string(&state).unwrap();
    for bad in [
        "",
        "{}",
        "[]",
        &good.replace("\"version\": 1", "\"version\": 2"),
        &good.replace("path", "pa"),
    ] {
        fs::write(&state, bad).unwrap();
        let error = folder.load(Phase::Pending).unwrap_err();
        assert!(error.to_string().contains("cannot be understood"), "{error}");
    }
}

#[test]
fn words_are_letters_that_are_not_mistaken() {
    let words: Vec<String> = (0..50).map(|_| new_word().unwrap()).collect();
    assert!(
        words.iter().all(|word| word.len() == 8 && word.bytes().all(|one| LETTERS.contains(&one)))
    );
    assert_ne!(words[0], words[1]);
}
