//! Finds twinlock lines whose control field ignores a refusal, so that a user without a code gets in.
use crate::finding::{Finding, Level};
use crate::judge::case::{Case, Wrong, wrong};
use crate::judge::doors::required;
use crate::judge::trial::Edit;
use crate::pam::code::PamCode;
use crate::pam::control::ControlAction;
use crate::pam::table::{AssumedRole, Cast};
use crate::pam::twinlock::{BROKEN, Stand};

impl Case<'_> {
    /// Returns a finding if libpam ignores the refusal of the twinlock line at index `number` and some user therefore
    /// gets in without a factor; otherwise `None`. There is no finding if a later line refuses those logins.
    pub(super) fn weak(&self, number: usize, line: &Cast) -> Option<Finding> {
        let AssumedRole::Twinlock(args) = &line.role else { return None };
        let weak = |code: &PamCode| match line.handler.actions.on(*code) {
            ControlAction::Bad | ControlAction::Die => false,
            ControlAction::Ignore
            | ControlAction::Ok
            | ControlAction::Done
            | ControlAction::Reset
            | ControlAction::Jump(_) => true,
        };
        if !(args.stand.judges() || args.stand == Stand::Failed) {
            return None;
        }
        let mut kinds: Vec<Wrong> = self.table.rows.iter().filter_map(wrong).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let code = [PamCode::AUTH_ERR].into_iter().chain(BROKEN).find(weak)?;
        kinds.first()?;
        let write = required(line);
        let closes = |kind: &Wrong| self.closes(*kind, &Edit::Replace(number, &write));
        Some(Finding {
            level: Level::Warning,
            id: "weak-control",
            place: line.handler.place.to_string(),
            what: format!(
                "With the control field of this line, {} from the module does not refuse the login.",
                code.name()
            ),
            remedy: match kinds.iter().any(closes) {
                true => format!("Write `{write}`."),
                false => String::new(),
            },
        })
    }
}
