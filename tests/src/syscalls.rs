//! Table of the system calls of a login and of the command, with the errors that each can return by its manual page or
//! if a disk fails.

use nix::errno::Errno::{self, *};
use nix::libc;

/// Argument by which calls of the same system call are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// No argument: all calls have the same name.
    Nothing,
    /// The path of an open file. The number is the index of the argument with the descriptor, from 0.
    File(usize),
    /// A path. The numbers are the indexes of the arguments with the folder and the path, from 0.
    Path(usize, usize),
    /// The address of a socket. The number is the index of the argument, from 0.
    Address(usize),
}

use Names::{Address, File, Nothing, Path};

/// A row of the table: number and name of a system call, the argument that tells its calls apart, and its errors.
pub(crate) type Row = (i64, &'static str, Names, &'static [Errno]);

/// Errors of calls that open a file, the most frequent first. A test run that is not thorough tries the first two.
const OPEN: &[Errno] = &[
    EACCES,
    EMFILE,
    EIO,
    ENOENT,
    ENOMEM,
    EPERM,
    EINTR,
    ENFILE,
    ELOOP,
    ENOTDIR,
    EISDIR,
    ENXIO,
    ENODEV,
    EROFS,
    EOVERFLOW,
    ETXTBSY,
    ENAMETOOLONG,
    ESTALE,
    EBUSY,
];
const OPEN_2: &[Errno] = &[
    EACCES,
    ENOENT,
    EMFILE,
    EIO,
    EPERM,
    ENOSYS,
    ENOMEM,
    EAGAIN,
    EXDEV,
    EINTR,
    ENFILE,
    ELOOP,
    ENOTDIR,
    EISDIR,
    ENXIO,
    ENODEV,
    EROFS,
    EOVERFLOW,
    ETXTBSY,
    ENAMETOOLONG,
    ESTALE,
    E2BIG,
    EINVAL,
];
const STAT: &[Errno] =
    &[EACCES, ENOENT, EIO, ENOMEM, ELOOP, ENOTDIR, EOVERFLOW, ENAMETOOLONG, ESTALE];
const MAKE: &[Errno] = &[
    ENOSPC,
    EEXIST,
    EIO,
    EACCES,
    ENOMEM,
    EPERM,
    EROFS,
    EDQUOT,
    ENOENT,
    ENOTDIR,
    ELOOP,
    EMLINK,
    ENAMETOOLONG,
];
const CHANGE: &[Errno] =
    &[EPERM, EIO, EACCES, EROFS, ENOENT, ENOMEM, ENOTDIR, ELOOP, EBUSY, EISDIR, EINVAL];
const SEND: &[Errno] = &[
    EAGAIN,
    ECONNREFUSED,
    ENOENT,
    EACCES,
    ECONNRESET,
    EINTR,
    EMSGSIZE,
    ENOBUFS,
    ENOMEM,
    ENOTCONN,
    EPIPE,
    EPERM,
    EPROTOTYPE,
    ETIMEDOUT,
];
const SOCKET: &[Errno] =
    &[EMFILE, EAFNOSUPPORT, EACCES, ENFILE, ENOBUFS, ENOMEM, EPROTONOSUPPORT, EINVAL, EPERM];
const MAP: &[Errno] = &[ENOMEM, EAGAIN, EACCES, ENFILE, ENODEV, EPERM];
const WRITE: &[Errno] =
    &[ENOSPC, EIO, EINTR, EAGAIN, EDQUOT, EFBIG, EINVAL, EPERM, EPIPE, EDESTADDRREQ];
const SYNC: &[Errno] = &[EIO, ENOSPC, EDQUOT, EINTR, EROFS, EINVAL];
const PLACE: &[Errno] = &[
    EIO,
    EEXIST,
    ENOSPC,
    ENOENT,
    EINVAL,
    ENOSYS,
    EACCES,
    EPERM,
    EROFS,
    EDQUOT,
    ENOMEM,
    EBUSY,
    EXDEV,
    EMLINK,
    ENOTDIR,
    EISDIR,
    ENOTEMPTY,
    ELOOP,
    ENAMETOOLONG,
];
/// No errors, for calls that fail only if the caller makes a mistake. Tests do not let such a call fail.
const NEVER: &[Errno] = &[];

const TABLE: &[Row] = &[
    (libc::SYS_openat2, "openat2", Path(0, 1), OPEN_2),
    (libc::SYS_openat, "openat", Path(0, 1), OPEN),
    (libc::SYS_open, "open", Path(6, 0), OPEN),
    (libc::SYS_newfstatat, "newfstatat", Path(0, 1), STAT),
    (libc::SYS_statx, "statx", Path(0, 1), STAT),
    (libc::SYS_open_tree, "open_tree", Path(0, 1), &[EPERM, ENOSYS, EINVAL, ENOMEM, EMFILE]),
    (libc::SYS_access, "access", Path(6, 0), STAT),
    (libc::SYS_faccessat, "faccessat", Path(0, 1), STAT),
    (
        libc::SYS_readlinkat,
        "readlinkat",
        Path(0, 1),
        &[EACCES, EINVAL, EIO, ENOENT, ELOOP, ENOMEM, ENOTDIR, ENAMETOOLONG],
    ),
    (
        libc::SYS_readlink,
        "readlink",
        Path(6, 0),
        &[EACCES, EINVAL, EIO, ENOENT, ELOOP, ENOMEM, ENOTDIR, ENAMETOOLONG],
    ),
    (libc::SYS_symlinkat, "symlinkat", Path(1, 2), MAKE),
    (libc::SYS_mkdirat, "mkdirat", Path(0, 1), MAKE),
    (libc::SYS_mkdir, "mkdir", Path(6, 0), MAKE),
    (libc::SYS_rmdir, "rmdir", Path(6, 0), CHANGE),
    (libc::SYS_unlinkat, "unlinkat", Path(0, 1), CHANGE),
    (libc::SYS_unlink, "unlink", Path(6, 0), CHANGE),
    (libc::SYS_utimensat, "utimensat", Path(0, 1), CHANGE),
    (libc::SYS_fchownat, "fchownat", Path(0, 1), CHANGE),
    (libc::SYS_fchmodat, "fchmodat", Path(0, 1), CHANGE),
    (libc::SYS_renameat, "renameat", Path(2, 3), PLACE),
    (libc::SYS_renameat2, "renameat2", Path(2, 3), PLACE),
    (libc::SYS_linkat, "linkat", Path(2, 3), PLACE),
    (libc::SYS_fchmod, "fchmod", File(0), CHANGE),
    (libc::SYS_fchown, "fchown", File(0), CHANGE),
    (libc::SYS_read, "read", File(0), &[EIO, EINTR, EAGAIN, EISDIR, EINVAL, ENOMEM, ESTALE]),
    (libc::SYS_pread64, "pread64", File(0), &[EIO, EINTR, EAGAIN, EISDIR, EINVAL, ENOMEM, ESTALE]),
    (libc::SYS_write, "write", File(0), WRITE),
    (libc::SYS_fstat, "fstat", File(0), &[EIO, ENOMEM, EOVERFLOW, EACCES, EBADF]),
    (libc::SYS_fstatfs, "fstatfs", File(0), &[EIO, ENOMEM, EINTR, ENOSYS, EOVERFLOW, EACCES]),
    (
        libc::SYS_statfs,
        "statfs",
        Path(6, 0),
        &[EIO, EACCES, ENOENT, ENOMEM, EINTR, ENOSYS, EOVERFLOW],
    ),
    (libc::SYS_getdents64, "getdents64", File(0), &[EIO, ENOENT, EINVAL, ENOTDIR, ENOMEM, EACCES]),
    (libc::SYS_lseek, "lseek", File(0), &[EINVAL, ESPIPE, ENXIO, EOVERFLOW]),
    (libc::SYS_fsync, "fsync", File(0), SYNC),
    (libc::SYS_fdatasync, "fdatasync", File(0), SYNC),
    (libc::SYS_flock, "flock", File(0), &[EAGAIN, EINTR, ENOLCK]),
    (libc::SYS_close, "close", File(0), &[EIO, EINTR, ENOSPC, EDQUOT]),
    (libc::SYS_socket, "socket", Nothing, SOCKET),
    (libc::SYS_connect, "connect", Address(1), SEND),
    (libc::SYS_sendto, "sendto", Address(4), SEND),
    (libc::SYS_poll, "poll", Nothing, &[EINTR, ENOMEM]),
    (libc::SYS_ppoll, "ppoll", Nothing, &[EINTR, ENOMEM]),
    (libc::SYS_ioctl, "ioctl", File(0), &[EIO, ENOTTY, EINVAL]),
    (libc::SYS_fcntl, "fcntl", File(0), &[EMFILE, EINVAL]),
    (libc::SYS_getrandom, "getrandom", Nothing, &[EINTR, EAGAIN, ENOSYS, EINVAL]),
    (libc::SYS_clock_gettime, "clock_gettime", Nothing, &[EINVAL, EPERM]),
    (libc::SYS_clock_adjtime, "clock_adjtime", Nothing, &[EPERM, EINVAL]),
    (libc::SYS_mmap, "mmap", Nothing, MAP),
    (libc::SYS_munmap, "munmap", Nothing, &[ENOMEM, EINVAL]),
    (libc::SYS_mprotect, "mprotect", Nothing, &[ENOMEM, EACCES]),
    (libc::SYS_mremap, "mremap", Nothing, &[ENOMEM, EAGAIN]),
    // Reports a failure by returning the old break: see `Blow::Fail`.
    (libc::SYS_brk, "brk", Nothing, &[ENOMEM]),
    (libc::SYS_madvise, "madvise", Nothing, &[EAGAIN, ENOMEM, EINVAL]),
    (libc::SYS_signalfd4, "signalfd4", Nothing, &[EMFILE, ENFILE, ENODEV, ENOMEM]),
    (libc::SYS_clone3, "clone3", Nothing, &[EAGAIN, ENOMEM, ENOSYS, EPERM]),
    (libc::SYS_clone, "clone", Nothing, &[EAGAIN, ENOMEM, EPERM]),
    (libc::SYS_vfork, "vfork", Nothing, &[EAGAIN, ENOMEM]),
    (libc::SYS_wait4, "wait4", Nothing, &[EINTR]),
    (libc::SYS_waitid, "waitid", Nothing, &[EINTR]),
    (libc::SYS_pipe2, "pipe2", Nothing, &[EMFILE, ENFILE]),
    (libc::SYS_socketpair, "socketpair", Nothing, &[EMFILE, ENFILE, ENOMEM]),
    (libc::SYS_recvfrom, "recvfrom", Nothing, &[EINTR, ENOMEM]),
    (libc::SYS_recvmsg, "recvmsg", Nothing, &[EINTR, ENOMEM]),
    (libc::SYS_uname, "uname", Nothing, NEVER),
    (libc::SYS_kill, "kill", Nothing, &[EPERM, ESRCH]),
    (libc::SYS_clock_nanosleep, "clock_nanosleep", Nothing, &[EINTR]),
    (libc::SYS_exit_group, "exit_group", Nothing, NEVER),
    (libc::SYS_getuid, "getuid", Nothing, NEVER),
    (libc::SYS_geteuid, "geteuid", Nothing, NEVER),
    (libc::SYS_getgid, "getgid", Nothing, NEVER),
    (libc::SYS_getegid, "getegid", Nothing, NEVER),
    (libc::SYS_getpid, "getpid", Nothing, NEVER),
    (libc::SYS_prlimit64, "prlimit64", Nothing, NEVER),
    (libc::SYS_gettid, "gettid", Nothing, NEVER),
    (libc::SYS_rt_sigaction, "rt_sigaction", Nothing, NEVER),
    (libc::SYS_rt_sigprocmask, "rt_sigprocmask", Nothing, NEVER),
    (libc::SYS_rt_sigreturn, "rt_sigreturn", Nothing, NEVER),
    (libc::SYS_sigaltstack, "sigaltstack", Nothing, NEVER),
    (libc::SYS_sched_getaffinity, "sched_getaffinity", Nothing, NEVER),
    (libc::SYS_futex, "futex", Nothing, NEVER),
];

/// Returns the row of the system call with this number; `None` if the table has none.
pub(crate) fn row(number: u64) -> Option<&'static Row> {
    TABLE.iter().find(|row| u64::try_from(row.0) == Ok(number))
}
