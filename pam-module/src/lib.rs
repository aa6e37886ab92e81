//! pam_twinlock.so: PAM items become a request, a verdict becomes a PAM code.
