//! Note of `twinlock explain` about an exempt ssh login: an unattended program never reaches the rule.

use serde_json::json;

use crate::commands::explain::{ExplainStep, ExplainedLogin};

/// Adds to an exempt login that sshd refuses a client with BatchMode before PAM is asked, and the settings that let it
/// in.
#[expect(clippy::indexing_slicing, reason = "a JSON object of this function")]
pub(crate) fn told(mut end: ExplainStep, login: &ExplainedLogin<'_>, asks: bool) -> ExplainStep {
    let is_exempt = end.object["decision"] == "exempt" && end.object["reason"] == "rule";
    let block = (is_exempt && asks).then(|| block(login));
    if let Some([matches, methods]) = &block {
        end.lines.push(
            "A program cannot answer a prompt: sshd refuses BatchMode before any rule is read. For a program, \
             write this at the end of sshd_config:"
                .into(),
        );
        end.lines.extend([format!("    {matches}"), format!("        {methods}")]);
    }
    end.object["match_block"] = json!(block.map(|lines| lines.join("\n    ")));
    end
}

/// Returns lines for sshd_config. A name that is no plain word is left to the administrator, since sshd reads patterns
/// there.
fn block(login: &ExplainedLogin<'_>) -> [String; 2] {
    let name = login.account.name.as_str();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let user = if name.bytes().all(is_plain) { name } else { "NAME" };
    let from = login.address.map(|address| format!(" Address {address}")).unwrap_or_default();
    [format!("Match User {user}{from}"), "AuthenticationMethods publickey".into()]
}
