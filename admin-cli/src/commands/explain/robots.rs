//! A note of `twinlock explain` about ssh clients that can answer no prompt (BatchMode): sshd may refuse such a client
//! before a rule can exempt the login.

use serde_json::json;

use crate::commands::explain::{ExplainStep, ExplainedLogin};

/// Adds a note to the last step of an ssh login that a rule exempts. The note says that sshd refuses a client with
/// BatchMode before sshd calls PAM, and which sshd settings admit such a client. Adds no note if `asks` is `false`,
/// because sshd then shows no prompts.
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

/// Returns two lines for sshd_config that let in the client of this login with a key alone. If sshd would read the user
/// name as a pattern, `NAME` is written in its place.
fn block(login: &ExplainedLogin<'_>) -> [String; 2] {
    let name = login.account.name.as_str();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let user = if name.bytes().all(is_plain) { name } else { "NAME" };
    let from = login.address.map(|address| format!(" Address {address}")).unwrap_or_default();
    [format!("Match User {user}{from}"), "AuthenticationMethods publickey".into()]
}
