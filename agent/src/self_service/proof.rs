//! Checks before an operation: the password of the account, an app code, and the limit of uses of the operation.

use twinlock_core::{
    dialogue::own_account,
    message::own_account::OwnAccount,
    policy::Echo,
    ports::{Clock, Conversation},
    verify::allowance::{Allowance, Taken},
};

use crate::{
    client::OperationEnd,
    password::{self, Checked},
    self_service::OwnUser,
    status,
};

/// Maximum number of passwords that a user may try in one conversation.
const PASSWORDS: u8 = 3;

impl OwnUser<'_> {
    /// Asks for the password of the account, up to three times. While libpam checks a password, it counts as a wrong
    /// one. If it is right, it is no longer counted.
    pub(super) fn ask_password(&self) -> Result<(), OperationEnd> {
        let account = self.client.account;
        if let Some(obstacle) = password::obstacle(account) {
            return Err(self.without_password(obstacle));
        }
        let prompt = self.client.text(&OwnAccount::AskPassword);
        for left in (0..PASSWORDS).rev() {
            let typed = self.client.connection.ask(&prompt, Echo::Hidden);
            let typed = typed.map_err(|_| self.end(status::INTERRUPTED, &OwnAccount::Stopped))?;
            if typed.text().is_empty() {
                return Err(self.end(status::INTERRUPTED, &OwnAccount::Stopped));
            }
            let charged = self.take(password::WRONG)?;
            match password::check(account, typed.text()) {
                Checked::Accepted => {
                    self.user_ledger.erase(&charged);
                    return Ok(());
                }
                Checked::Refused => {
                    let said = OwnAccount::PasswordRefused { left };
                    if left == 0 {
                        return Err(self.end(status::REFUSED, &said));
                    }
                    self.client.connection.tell(&self.client.text(&said));
                }
                // libpam was not asked, so this answer does not count as a guess.
                Checked::Busy => {
                    self.user_ledger.erase(&charged);
                    return Err(self.without_password(Checked::Busy));
                }
                obstacle @ (Checked::NoPassword | Checked::Unavailable) => {
                    return Err(self.without_password(obstacle));
                }
            }
        }
        Err(self.end(status::REFUSED, &OwnAccount::PasswordRefused { left: 0 }))
    }

    /// Asks for the password and an app code. A member of a role must give both before the agent lets the member act
    /// for another user.
    pub(crate) fn prove(&self) -> Result<(), OperationEnd> {
        let found = self.enrolled()?;
        self.ask_password()?;
        let policy = self.policy();
        let label = self.source.label();
        let mut owner = self.owner(&policy, &label, found);
        let context = self.context(&policy, &label);
        own_account::ask_app_code(&context, &mut |code| self.judge(&mut owner, code))
            .map_err(|error| self.not_done(error))
    }

    fn without_password(&self, obstacle: Checked) -> OperationEnd {
        match obstacle {
            Checked::NoPassword => self.end(status::NOT_PERMITTED, &OwnAccount::NoPassword),
            // The check that is running ends after 30 seconds at the latest.
            Checked::Busy => self
                .end(status::THROTTLED, &OwnAccount::TooOften { wait: password::LIMIT.as_secs() }),
            Checked::Unavailable | Checked::Accepted | Checked::Refused => {
                self.end(status::UNAVAILABLE, &OwnAccount::PasswordUnavailable)
            }
        }
    }

    /// Counts one use of a limit, and returns the ledger name of this use, by which the use can be taken back. `Err`
    /// holds the end of the operation if the limit is reached, or if the ledger cannot be used.
    pub(crate) fn take(&self, allowance: Allowance) -> Result<String, OperationEnd> {
        let now = self.client.machine.clock.now();
        let now = now.map_err(|_| self.client.fault("clock_failed"))?;
        match allowance.take(self.user_ledger, now.boot) {
            Ok(Taken::Yes(name)) => Ok(name),
            Ok(Taken::No { wait }) => {
                Err(self.end(status::THROTTLED, &OwnAccount::TooOften { wait }))
            }
            Err(fault) => Err(self.client.fault(fault.reason())),
        }
    }
}
