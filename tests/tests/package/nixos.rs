//! Evaluates the NixOS module with a stand-in for the library of nixpkgs.

use serde_json::Value;
use twinlock_tests::{Machine, repository};

/// Nix expressions: the functions of nixpkgs that the module uses, and the rules of a PAM service that it reads.
const STAND_IN: &str = "
    lib = {
        mkEnableOption = text: text;
        mkOption = option: option;
        mkIf = condition: content: if condition then content else { };
        mkForce = value: value;
        types = { package = null; attrsOf = type: type; submodule = type: type; enum = words: words; };
    };
    rules = { unix.order = 11700; };
";

/// Evaluates an expression of the Nix language. Returns its value as JSON.
pub(crate) fn nix(m: &Machine, expression: &str) -> String {
    let words = ["nix-instantiate", "--eval", "--strict", "--json", "--store", "dummy://"];
    let words = words.into_iter().chain(["-E", expression]);
    m.run(words).ok().to_owned()
}

/// Evaluates the NixOS module for one service. `first_factor` is the module's option for it, and `control` the control
/// field that the twinlock rule of the service finally has. Returns the assertions and the auth rules of the module.
fn module(m: &Machine, service: &str, first_factor: &str, control: &str) -> Value {
    let path = repository().join("packaging/nixos/module.nix");
    m.file("/root/module.nix").write(std::fs::read(path).expect("the module"));
    let expression = format!(
        "let {STAND_IN}
            config.security = {{
                twinlock = {{
                    enable = true;
                    package = \"/nix/store/twinlock\";
                    services.{service}.firstFactor = \"{first_factor}\";
                }};
                pam.services.{service}.rules.auth = rules // {{ twinlock.control = \"{control}\"; }};
            }};
            made = (import /root/module.nix {{ inherit config lib; pkgs = null; }}).config;
        in {{ inherit (made) assertions; auth = made.security.pam.services.{service}.rules.auth; }}"
    );
    serde_json::from_str(&nix(m, &expression)).expect("JSON")
}

/// Returns the messages of the module's assertions that fail.
fn refused(module: &Value) -> Vec<String> {
    let assertions = module["assertions"].as_array().expect("a list");
    assert!(!assertions.is_empty());
    let failed = assertions.iter().filter(|one| one["assertion"] != true);
    failed.map(|one| one["message"].as_str().expect("a message").to_owned()).collect()
}

#[test]
fn only_a_required_line_is_accepted() {
    let m = Machine::new();
    let made = module(&m, "sudo", "follows", "required");
    assert_eq!(refused(&made), [""; 0]);
    let rule = &made["auth"]["twinlock"];
    assert_eq!(rule["control"], "required");
    assert_eq!(rule["modulePath"], "/nix/store/twinlock/lib/security/pam_twinlock.so");
    assert_eq!(rule["args"][0], "first_factor=follows");
    assert!(rule["order"].as_u64() < Some(11700), "the code is asked for before {rule}");
    for control in ["sufficient", "optional", "requisite", "[success=ok default=ignore]"] {
        let message =
            "security.pam.services.sudo.rules.auth.twinlock.control must be \"required\".";
        assert_eq!(refused(&module(&m, "sudo", "follows", control)), [message], "{control}");
    }
}

#[test]
fn key_is_a_first_factor_of_sshd_only() {
    let m = Machine::new();
    let made = module(&m, "sshd", "publickey", "required");
    assert_eq!(refused(&made), [""; 0]);
    assert_eq!(made["auth"]["unix"]["enable"], false);
    assert_eq!(made["auth"]["deny"]["enable"], false);
    let refused = refused(&module(&m, "sudo", "publickey", "required"));
    assert_eq!(refused, ["security.twinlock.services.sudo: only sshd verifies a public key."]);
}
