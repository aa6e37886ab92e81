//! Changes that need two members of a role: one member requests the change, and another approves it.

use serde_json::json;
use twinlock_core::{
    message::role::{OpenRequest, RoleMessage},
    policy::{
        role_decision::RoleBook,
        role_request::{REQUEST_LIFE, RoleRequest},
        roles::{Role, RoleVerb},
    },
    ports::Conversation,
    verify::allowance::Allowance,
};
use twinlock_host::journal::Severity;

use crate::{
    caller,
    client::OperationEnd,
    roles::{
        Ended, RoleMember, TargetUser,
        deed::{Deed, of_member},
        requests::{Open, Requests},
        session::LoginSession,
    },
    status,
};

/// Limit of how often one member may list the open requests: 60 times in an hour.
const LISTS: Allowance = Allowance { word: "role-list", most: 60, seconds: 3600 };

impl RoleMember<'_> {
    /// Stores a request to run the operation `verb` on the user `other`. Another member must approve the request.
    pub(super) fn request(
        &self,
        verb: RoleVerb,
        other: &TargetUser,
        role: &Role,
        reason: &str,
    ) -> Ended {
        let taken = self.own.take(of_member(role))?;
        let request = RoleRequest {
            role: role.name.clone(),
            verb,
            user: other.account.name.clone(),
            uid: self.account().uid,
            by: self.account().name.clone(),
            at: self.now()?.boot,
            session: LoginSession::of(self.own.client.connection).and_then(|session| session.id),
            reason: reason.to_owned(),
        };
        let Some(id) = self.requests()?.add(&request) else {
            self.own.user_ledger.erase(&taken);
            return Err(self.own.client.fault("requests"));
        };
        let pairs = [
            ("user", other.account.name.as_str()),
            ("verb", verb.word()),
            ("role", &role.name),
            ("reason", reason),
            ("request", &id),
            ("own_code", "given"),
        ];
        self.log(Severity::Notice, "role_requested", &pairs);
        let object = json!({ "user": other.account.name, "verb": verb.word(), "request": id });
        Ok(self.done(&object, &RoleMessage::Requested { id, left: REQUEST_LIFE }))
    }

    /// Lists the open requests for all roles of the caller.
    pub(super) fn list(&self) -> Ended {
        let roles = self.own_roles()?;
        self.own.take(LISTS)?;
        let open = self.requests()?.all(self.now()?.boot);
        let open = open.ok_or_else(|| self.own.client.fault("requests"))?;
        let open: Vec<OpenRequest> = open
            .into_iter()
            .filter(|one| roles.iter().any(|role| role.name == one.request.role))
            .map(shown)
            .collect();
        let object = open.iter().map(of_request).collect();
        Ok(self.done(&object, &RoleMessage::Requests(open)))
    }

    /// Approves the request with the id `id`, which another member made, and makes the change.
    pub(super) fn approve(&self, id: &str) -> Ended {
        let roles = self.own_roles()?;
        let found = self.requests()?.get(id, self.now()?.boot);
        let may = |role: &Role, request: &RoleRequest| {
            role.name == request.role && role.verbs.contains(&request.verb)
        };
        let found = found.filter(|one| roles.iter().any(|role| may(role, &one.request)));
        let Open { id, request, left } = found.ok_or_else(|| self.no_request())?;
        self.must_be_another(&request)?;
        if !self.own.json {
            let open = Open { id: id.clone(), request: request.clone(), left };
            self.own.client.connection.tell(&self.text(&RoleMessage::Approving(shown(open))));
        }
        self.own.prove()?;
        self.carry_out(&id, &request)
    }

    /// Makes the change of a request that the caller has approved.
    fn carry_out(&self, id: &str, request: &RoleRequest) -> Ended {
        let other = self.other(&request.user)?;
        // By the role of the request, both members must have the right at this moment.
        let role = self.decide(self.account(), &other, request.verb, Some(&request.role))?;
        let asking = caller::account_of(request.uid).ok();
        let asking = asking.filter(|asking| asking.name == request.by);
        let asking = asking.ok_or_else(|| self.no_request())?;
        self.decide(&asking, &other, request.verb, Some(&request.role))?;
        let taken = self.own.take(of_member(&role))?;
        // The proofs took time, so the request may have expired. If several members approve it at the same instant,
        // only one of them can remove it, so it is used once.
        let requests = self.requests()?;
        let is_open = requests.get(id, self.now()?.boot).is_some();
        if !is_open || requests.remove(id).is_err() {
            self.own.user_ledger.erase(&taken);
            return Err(self.no_request());
        }
        let deed = Deed {
            verb: request.verb,
            role: &role,
            reason: &request.reason,
            by: &request.by,
            requested_by: Some(request.uid),
        };
        self.make(&deed, &other).inspect_err(|_| self.own.user_ledger.erase(&taken))
    }

    fn no_request(&self) -> OperationEnd {
        self.end(status::WRONG_STATE, &RoleMessage::NoSuchRequest)
    }

    /// Checks that another user has made the request, and that the caller has begun a login session other than the one
    /// in which the request was made.
    fn must_be_another(&self, request: &RoleRequest) -> Result<(), OperationEnd> {
        let refuse = |reason, message| {
            let pairs = [("user", request.user.as_str()), ("verb", "approve"), ("reason", reason)];
            Err(self.refused(Severity::Notice, &pairs, self.end(status::NOT_PERMITTED, &message)))
        };
        if request.uid == self.account().uid || request.by == self.account().name {
            return refuse("own_request", RoleMessage::OwnRequest);
        }
        let session = LoginSession::of(self.own.client.connection);
        if session.is_some_and(|session| session.may_approve(self.account(), request.session)) {
            return Ok(());
        }
        refuse("other_session", RoleMessage::OtherSession)
    }

    fn requests(&self) -> Result<Requests, OperationEnd> {
        Requests::open().ok_or_else(|| self.own.client.fault("requests"))
    }

    /// Returns the roles of which the caller is a member, at least one. `Err` holds the end of the operation if the
    /// caller has no role.
    fn own_roles(&self) -> Result<Vec<Role>, OperationEnd> {
        let roles = self.roles()?;
        let book = RoleBook { roles: &roles, memberships: &self.own.client.machine.accounts };
        let mut found: Vec<Role> = Vec::new();
        let mut refusal = None;
        for verb in RoleVerb::ALL {
            match book.roles_of(self.account(), verb) {
                Ok(roles) => {
                    for role in roles {
                        if found.iter().all(|known| known.name != role.name) {
                            found.push(role.clone());
                        }
                    }
                }
                Err(error) => refusal = Some((error, verb)),
            }
        }
        match refusal {
            Some((error, verb)) if found.is_empty() => Err(self.refuse(&error, verb, None)),
            _ => Ok(found),
        }
    }
}

fn shown(open: Open) -> OpenRequest {
    OpenRequest {
        id: open.id,
        verb: open.request.verb.word(),
        user: open.request.user,
        by: open.request.by,
        role: open.request.role,
        reason: open.request.reason,
        left: open.left,
    }
}

fn of_request(open: &OpenRequest) -> serde_json::Value {
    json!({
        "request": open.id, "verb": open.verb, "user": open.user, "by": open.by,
        "role": open.role, "reason": open.reason, "left": open.left,
    })
}
