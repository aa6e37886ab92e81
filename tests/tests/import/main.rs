//! Tests imports from pam_google_authenticator and pam_oath.

mod google;
mod hostile;
mod oath;
mod sources;
