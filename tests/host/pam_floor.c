/* The minimum of an accepted login: the account look-up, the prompt, and the system calls that the guarantees of
 * twinlock's design require. It decides nothing and accepts every login: it measures the least that a C module with
 * the same guarantees would cost.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#define RECORDS "/var/lib/twinlock"
#define LEDGER "/run/twinlock"

static int open_plain(const char *path, unsigned flags)
{
    struct open_how how = { .flags = flags | O_CLOEXEC | O_NONBLOCK, .resolve = RESOLVE_NO_SYMLINKS };
    return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

/* Checks owner and mode through the descriptor, then reads the whole file. */
static void read_file(int fd)
{
    char text[4096];
    struct stat stat;
    if (fstat(fd, &stat) == 0 && read(fd, text, sizeof text) >= 0)
        close(fd);
}

/* Reads a whole directory: used codes, attempts and known sources are recorded as file names. */
static void list(int fd)
{
    char names[8192];
    while (syscall(SYS_getdents64, fd, names, sizeof names) > 0)
        continue;
}

static int open_folder(const char *root, const char *user)
{
    char path[512];
    struct stat stat;
    snprintf(path, sizeof path, "%s/users/%s", root, user);
    if (lstat(root, &stat) != 0)
        return -1;
    int fd = open_plain(path, O_RDONLY | O_DIRECTORY);
    fstat(fd, &stat);
    return fd;
}

static void read_record(const char *user)
{
    int folder = open_folder(RECORDS, user);
    list(folder);
    read_file(openat(folder, "record.1.toml", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    close(folder);
}

/* Charges the attempt, claims the code by creating its name exclusively, re-reads the record, refunds the attempt. */
static void judge(const char *user)
{
    char text[256];
    struct statfs kind;
    struct stat stat;
    int shelf = open_folder(LEDGER, user);
    fstatfs(shelf, &kind);
    (void)!symlinkat("1795828498", shelf, "try.proven.20785.0.192.0.2.1");
    list(shelf);
    (void)!readlink(LEDGER "/epoch", text, sizeof text);
    (void)!symlinkat("1795828498", shelf, "used.00000000000000000000000000000000.59860949");
    snprintf(text, sizeof text, RECORDS "/users/%s/record.2.toml", user);
    lstat(text, &stat);
    snprintf(text, sizeof text, RECORDS "/users/%s/record.1.toml", user);
    lstat(text, &stat);
    unlinkat(shelf, "try.proven.20785.0.192.0.2.1", 0);
    close(shelf);
}

static void mark_clock(void)
{
    struct stat stat;
    if (lstat(RECORDS "/clock", &stat) == 0)
        utimensat(AT_FDCWD, RECORDS "/clock", NULL, AT_SYMLINK_NOFOLLOW);
}

static void log_line(void)
{
    char line[64];
    struct sockaddr_un address = { AF_UNIX, "/dev/log" };
    int length = snprintf(line, sizeof line, "<86>floor[%d]: event=accepted", getpid());
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sendto(fd, line, (size_t)length, MSG_NOSIGNAL, (struct sockaddr *)&address, sizeof address);
    close(fd);
}

int pam_sm_authenticate(pam_handle_t *handle, int flags, int argc, const char **argv)
{
    (void)flags, (void)argc, (void)argv;
    const char *user = NULL;
    char room[1024], *answer = NULL;
    struct passwd account, *found = NULL;
    read_file(open_plain("/etc/twinlock/twinlock.toml", O_RDONLY));
    open_plain("/etc/twinlock/rules.toml", O_RDONLY);
    if (getuid() != 0 || pam_get_user(handle, &user, NULL) != PAM_SUCCESS)
        return PAM_AUTH_ERR;
    if (getpwnam_r(user, &account, room, sizeof room, &found) != 0 || found == NULL)
        return PAM_AUTH_ERR;
    read_record(user);
    pam_prompt(handle, PAM_PROMPT_ECHO_OFF, &answer, "Verification code (? for other ways): ");
    free(answer);
    judge(user);
    mark_clock();
    log_line();
    return PAM_SUCCESS;
}

int pam_sm_setcred(pam_handle_t *handle, int flags, int argc, const char **argv)
{
    (void)handle, (void)flags, (void)argc, (void)argv;
    return PAM_SUCCESS;
}
