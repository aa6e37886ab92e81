//! Runs the recipes of `docs/recipes`: each block of a page is installed or run in a private machine, and the program
//! that the page describes is Debian's own.

mod ansible;
mod cockpit;
mod console;
mod freeradius;
mod help_desk;
mod openvpn;
mod page;
mod recovery;
mod rescue_disk;
mod several_connections;
mod shared;
mod xrdp;

use page::Page;
use twinlock_tests::{Machine, repository, shipped};

/// Declares a test for each page, and the list of the pages.
macro_rules! pages {
    ($($module:ident: $name:literal,)*) => {
        const NAMES: &[&str] = &[$($name),*];
        $(#[test]
        fn $module() {
            let page = Page::open($name);
            $module::run(&page);
            if let Err(left) = page.finish() {
                panic!("docs/recipes/{}.md shows what no test runs:\n{left}", $name);
            }
        })*
    };
}

pages! {
    ansible: "ansible",
    cockpit: "cockpit",
    console: "console",
    freeradius: "freeradius",
    help_desk: "help-desk",
    openvpn: "openvpn",
    rescue_disk: "rescue-disk",
    several_connections: "several-connections",
    xrdp: "xrdp",
}

#[test]
fn every_page_is_run() {
    let folder = std::fs::read_dir(repository().join("docs/recipes")).expect("a folder");
    let mut found: Vec<String> = folder
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name != "README.md")
        .collect();
    let mut run: Vec<String> = NAMES.iter().map(|name| format!("{name}.md")).collect();
    found.sort();
    run.sort();
    assert_eq!(found, run);
}

/// Creates a machine with ada, who is enrolled, and the examples of the package.
fn machine() -> Machine {
    let m = Machine::new();
    let examples = "/usr/share/doc/twinlock/examples";
    m.run(["mkdir", "--parents", &format!("{examples}/pam.d")]).ok();
    m.file(&format!("{examples}/pam.d/openvpn")).write(shipped("pam.d/openvpn"));
    m.twinlock().person("ada");
    m
}

/// Returns the verdict of doctor on a service: 0 closed, 7 open or locked out, 8 cannot be judged.
fn doctor(m: &Machine, service: &str) -> Option<i32> {
    m.run(["twinlock", "doctor", service]).code
}
