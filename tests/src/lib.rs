//! Drives real sshd, sudo, su and login in private namespaces.
