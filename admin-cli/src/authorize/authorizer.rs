//! Authorizes an operation: identifies the acting user, asks for that user's code if the policy requires it, and logs
//! and mails what was done.

use twinlock_core::{
    authorization::{
        self, Actor, ActorFactor, AuthorizationRuling, Ground, Operation, Permission, Population,
        Proof, REASON_MAX, Situation, Target, rule,
    },
    base::{
        account::Account,
        address::Address,
        request::{Source, SourceLabel},
        time::UnixTime,
    },
    notify::notification::{Notification, NotificationKind},
    policy::OwnCodeNeed,
    ports::{Accounts, Outbox, Records, Snapshot},
    record::{State, extras::AuditStamp},
};
use twinlock_host::{create_store, journal::Severity, store::enrolled_users};

use crate::{
    authorize::{
        actor::{self, ActingLogin, LogStart},
        denial::{first_is_over, refused},
        first_run::FirstRun,
        own_code::{self, OwnCodeWays, Question},
    },
    context::{CallerRequest, Context},
    error::exit::{CliError, Exit},
    terminal::keyboard::Keyboard,
};

/// Recipient of mail about the host.
const ROOT: &str = "root";

/// A permitted operation, for which the acting user may still have to enter a code.
pub(crate) struct Authorizer {
    login: ActingLogin,
    permission: Permission,
    ruling: AuthorizationRuling,
    /// The facts from which `ruling` follows.
    case: Situation,
    /// The acting user's account, and the record against which the code is verified; `None` if no code is required.
    due: Option<(Account, Snapshot)>,
    /// The acting user's account name as records contain it; `root` without an account.
    name: String,
    /// The user that the operation is about, with the account name in NSS's spelling; `None` for several users or the
    /// host.
    target: Option<String>,
    reason: Option<String>,
    break_glass: Option<String>,
}

/// Proof that the operation is authorized. It exists only after a correct code, or if the policy requires none.
pub(crate) struct Authorized(Authorizer, FirstRun);

impl Authorizer {
    /// Identifies the acting user and decides whether this user must enter a code.
    ///
    /// # Errors
    /// [`CliError`] if this user may not run the operation.
    pub(crate) fn of(context: &Context) -> Result<Self, CliError> {
        let CallerRequest { operation, target, grounds } = &context.request;
        let login = ActingLogin::read();
        let permission = operation.permission();
        let reason =
            grounds.reason.as_deref().map(|text| sentence("--reason", text)).transpose()?;
        let glass = grounds.break_glass.as_deref();
        let break_glass = glass.map(|text| sentence("--break-glass", text)).transpose()?;
        let account = account_of(context, login.actor)?;
        let about = target.as_deref().map(|user| account_name(context, user));
        let target = match (&account, &about) {
            (_, None) => Target::Many,
            (Some(own), Some(user)) if own.name == *user => Target::ActingUser,
            (_, Some(_)) => Target::Another,
        };
        // Creates the store if it is missing, or partial because the first command was killed. Without a whole store,
        // nothing proves that a user has no record. An error here is reported below, where the store is read.
        let _ = create_store::prepare_store(&context.own.machine);
        let exempt = account.as_ref().is_some_and(|account| is_exempt(context, account));
        let population =
            if exempt { Population::Enrolled } else { population(context, &permission) };
        let first = population == Population::NeverEnrolled;
        let asked = context.policy.own_code.need == OwnCodeNeed::Asked && !first;
        let found = match &account {
            Some(account) if asked && !exempt => context.own.machine.records.newest(account)?,
            _ => None,
        };
        let factor = factor(context, account.as_ref(), found.as_ref());
        let case = Situation {
            need: context.policy.own_code.need,
            actor: login.actor,
            factor,
            target,
            population,
            break_glass: break_glass.is_some(),
        };
        let name = account.as_ref().map_or(ROOT, |account| account.name.as_str()).to_owned();
        let ruling = rule(&permission, &case).map_err(|denial| refused(denial, &name, &login))?;
        let due = account.zip(found).filter(|_| matches!(ruling, AuthorizationRuling::Codes(_)));
        Ok(Self { login, permission, ruling, case, due, name, target: about, reason, break_glass })
    }

    /// Removes the acting user's account and record from this value and returns them, if a code is required and the
    /// acting user is `target`; otherwise returns `None`. The caller must then ask for the code, because
    /// [`Authorizer::prove`] no longer does.
    pub(crate) fn own_record(&mut self, target: &str) -> Option<(Account, Snapshot)> {
        self.due.take_if(|(account, _)| account.name == target)
    }

    /// Returns whether the acting user must enter a code.
    pub(crate) fn is_asked(&self) -> bool {
        self.due.is_some()
    }

    /// Asks for as many codes as the policy requires. Two codes are required for an operation about the acting user, so
    /// that one stolen code is not enough to take over an account.
    pub(crate) fn prove(
        mut self,
        context: &Context,
        keyboard: &mut Keyboard,
    ) -> Result<Authorized, CliError> {
        if let (AuthorizationRuling::Codes(codes), Some((account, found))) =
            (self.ruling, self.due.take())
        {
            let question = Question { codes, ways: OwnCodeWays::All, then: &mut |_, _| Ok(()) };
            own_code::ask(context, keyboard, &account, found, question)?;
        }
        let proven = Authorized(self, FirstRun::default());
        proven.tell_root(context);
        Ok(proven)
    }
}

impl Authorized {
    /// Returns whether the acting user has the account name `user`.
    pub(crate) fn is(&self, user: &str) -> bool {
        self.0.login.actor.uid().is_some() && self.0.name == user
    }

    /// Returns whether the output of this command goes to the user of `account`: this user is the acting user, or the
    /// login uid is unset, as in a container, and this user has called sudo, doas or pkexec.
    pub(crate) fn shows_to(&self, account: &Account) -> bool {
        self.is(&account.name) || self.0.login.is_called_by(account.uid)
    }

    /// Returns the source under which the acting user's attempts are counted.
    pub(crate) fn source(&self) -> SourceLabel {
        source_of(self.0.login.actor)
    }

    /// Returns the acting user's name and the time `at`, as records store who made a change and when.
    pub(crate) fn audit(&self, at: UnixTime) -> AuditStamp {
        AuditStamp { by: self.0.name.clone(), at }
    }

    /// Checks that this run of the command may go on. A run that asked for no code, because no account of the host was
    /// enrolled when it began, may go on until another run enrolls an account. Every other run may always go on.
    ///
    /// # Errors
    /// [`CliError`] if another run has enrolled an account meanwhile. The acting user must then start again and enter a
    /// code.
    pub(crate) fn is_still_first(&self, context: &Context) -> Result<(), CliError> {
        if self.0.ruling != AuthorizationRuling::Free(Ground::FirstOfHost) {
            return Ok(());
        }
        match self.1.goes_on(&context.own.machine.records)? {
            true => Ok(()),
            false => Err(first_is_over()),
        }
    }

    /// Checks that this run of the command may invite a user. If this run asked for no code, because it makes the first
    /// enrollment of the host, the conditions of `twinlock invite` must hold as well.
    ///
    /// # Errors
    /// [`CliError`] if `twinlock invite` would be refused. Without this check, a list of users would bypass that
    /// refusal.
    pub(crate) fn may_invite(&self) -> Result<(), CliError> {
        let Authorizer { ruling, case, name, login, .. } = &self.0;
        if *ruling == AuthorizationRuling::Free(Ground::FirstOfHost) {
            let invitation = rule(&Operation::Invite.permission(), case);
            invitation.map_err(|denial| refused(denial, name, login))?;
        }
        Ok(())
    }

    /// Records that this run has enrolled `user`, so that [`Authorized::is_still_first`] does not count this enrollment
    /// as another run's.
    pub(crate) fn has_enrolled(&self, user: &str) {
        self.1.add(user);
    }

    /// Logs what was done: the event, the target user, the reason, whether a code was given, and the acting user.
    /// `pairs` are further keys.
    pub(crate) fn log(&self, context: &Context, event: &str, pairs: &[(&str, &str)]) {
        debug_assert!(self.0.permission.logged.contains(&event), "{event} is not in the table");
        let mut pairs = pairs.to_vec();
        if let Some(reason) = &self.0.reason {
            pairs.push(("reason", reason));
        }
        if let Some(reason) = &self.0.break_glass {
            pairs.push(("break_glass", reason));
        }
        let own_code = match self.0.ruling {
            AuthorizationRuling::Codes(_) => "given",
            AuthorizationRuling::Free(ground) => ground.word(),
        };
        pairs.push(("own_code", own_code));
        let severity =
            if self.0.break_glass.is_some() { Severity::Alert } else { Severity::Notice };
        actor::log_as(context, severity, &LogStart { event, pairs: &pairs }, &self.0.login);
    }

    /// Queues a mail that tells `user` about the operation. The mail names the acting user, unless `user` is the acting
    /// user.
    pub(crate) fn write_to(
        &self,
        context: &Context,
        user: &str,
        kind: NotificationKind,
        at: UnixTime,
    ) {
        debug_assert!(self.0.permission.mailed.contains(&kind), "{kind:?} is not in the table");
        let by = (!self.is(user)).then(|| self.0.name.clone());
        context.machine.outbox.put(&Notification { by, ..self.letter(user, kind, at) });
    }

    /// Queues a mail that tells a newly enrolled user about the enrollment. `mail` is the address on record. Does
    /// nothing if no mail address is known.
    pub(crate) fn write_set_up(
        &self,
        context: &Context,
        user: &str,
        mail: Option<&str>,
        at: UnixTime,
    ) {
        if Address::of(user, mail, context.policy.mail.domain.as_deref()).is_ok() {
            self.write_to(context, user, NotificationKind::SetUpDone, at);
        }
    }

    /// Queues a mail to the user's old address `was`, which says that mail now goes to the address `now`. Does nothing
    /// if both addresses are the same or `was` is no valid address.
    pub(crate) fn write_to_old(
        &self,
        context: &Context,
        user: &str,
        was: Option<&str>,
        now: Option<&str>,
    ) {
        let of = |address| Address::of(user, address, context.policy.mail.domain.as_deref()).ok();
        let Some(old) = of(was).filter(|old| of(now).as_ref() != Some(old)) else { return };
        let at = context.now().map(|now| now.unix).unwrap_or_default();
        let letter = self.letter(user, NotificationKind::MailChanged, at);
        let to = Some(old.as_str().to_owned());
        context.machine.outbox.put(&Notification { by: Some(self.0.name.clone()), to, ..letter });
    }

    /// Queues a mail to root if the operation was authorized by `--break-glass` in place of a code.
    fn tell_root(&self, context: &Context) {
        if self.0.ruling == AuthorizationRuling::Free(Ground::BreakGlass) {
            self.write_to_root(context, NotificationKind::BreakGlass, self.0.login.word());
        }
    }

    /// Queues a mail to root about a change of the whole host: of its settings, of its rules, or of the time before
    /// which codes count as used.
    pub(crate) fn tell_root_of_change(&self, context: &Context) {
        let kind = NotificationKind::HostChanged;
        debug_assert!(self.0.permission.mailed.contains(&kind), "{kind:?} is not in the table");
        self.write_to_root(context, kind, self.0.name.clone());
    }

    fn write_to_root(&self, context: &Context, kind: NotificationKind, by: String) {
        let at = context.now().map(|now| now.unix).unwrap_or_default();
        let target = self.0.target.as_deref().map(|user| format!(" {user}")).unwrap_or_default();
        let letter = self.letter(ROOT, kind, at);
        context.machine.outbox.put(&Notification {
            service: format!("twinlock {}{target}", self.0.permission.verb),
            by: Some(by),
            to: Some(ROOT.to_owned()),
            ..letter
        });
    }

    fn letter(&self, user: &str, kind: NotificationKind, at: UnixTime) -> Notification {
        Notification {
            user: user.to_owned(),
            kind,
            at,
            service: "twinlock".into(),
            source: source_of(self.0.login.actor),
            by: None,
            left: None,
            to: None,
            life: None,
        }
    }
}

/// Returns the source under which the attempts of an acting user are counted.
fn source_of(actor: Actor) -> SourceLabel {
    match actor {
        Actor::Person(uid) => Source::Uid(uid).label(),
        Actor::Root => Source::Uid(0).label(),
        Actor::Console => Source::Tty("console".into()).label(),
        Actor::Unproven(_) => Source::Unknown.label(),
    }
}

fn account_of(context: &Context, actor: Actor) -> Result<Option<Account>, CliError> {
    actor.uid().map_or(Ok(None), |uid| Ok(context.machine.accounts.by_uid(uid)?))
}

/// Returns the account name in NSS's spelling; `user` unchanged if there is no such account.
fn account_name(context: &Context, user: &str) -> String {
    let found = context.machine.accounts.by_name(user).ok().flatten();
    found.map_or_else(|| user.to_owned(), |account| account.name)
}

/// Returns whether any account of the host was ever enrolled. Reads the records only if the permission depends on the
/// answer, because there may be many records. If it does not depend on the answer, or if the records cannot be read,
/// returns `Enrolled`.
fn population(context: &Context, permission: &Permission) -> Population {
    let decides = permission.proof == Proof::OwnCodeUnlessFirst;
    match decides.then(|| enrolled_users::ever_enrolled(&context.own.machine.records)) {
        Some(Ok(false)) => Population::NeverEnrolled,
        Some(Ok(true) | Err(_)) | None => Population::Enrolled,
    }
}

fn is_exempt(context: &Context, account: &Account) -> bool {
    context.policy.own_code.exempt.contains(&account.name)
}

fn factor(context: &Context, account: Option<&Account>, found: Option<&Snapshot>) -> ActorFactor {
    let Some(account) = account else { return ActorFactor::NoAccount };
    if is_exempt(context, account) {
        return ActorFactor::Exempt;
    }
    match found.map(|found| &found.record) {
        Some(record) if record.state == State::Active => ActorFactor::Enrolled,
        Some(record) if record.extras.reset.is_some() => ActorFactor::Reset,
        Some(_) | None => ActorFactor::NotEnrolled,
    }
}

/// Returns the value `text` of `option` without surrounding blanks. A value that is empty, contains a control character
/// such as a newline, or is longer than [`REASON_MAX`] bytes is an error.
pub(crate) fn sentence(option: &str, text: &str) -> Result<String, CliError> {
    authorization::reason(text).ok_or_else(|| {
        CliError::new(
            Exit::Usage,
            format!("{option} must be one line of 1 to {REASON_MAX} bytes"),
            "It is recorded in the log: give a few words, or a ticket number.",
        )
    })
}
