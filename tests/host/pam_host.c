/* Acts as sshd towards a PAM module: asks libpam for one login after the other and reports the cost of each.
 *
 * pam_host SERVICE
 *
 * Each line on stdin is a login: the user, then the answers to the module's questions, with a tab
 * before each; further questions get an empty answer.
 * The account is looked up before libpam is called, as in sshd, sudo and su: the cost of the first
 * look-up in a process is then not the module's.
 * Each line on stdout is PAM's code, the nanoseconds that pam_authenticate took, those of pam_start, pam_authenticate and
 * pam_end together, and the KiB that are resident at the end of pam_authenticate and were not before pam_start, which
 * loads the modules: all of them, and those without a file.
 *
 * The marks are SIGURG signals to itself, which have no effect but in a trace: before and after pam_authenticate.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <security/pam_appl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char *answers;

/* Like sshd, gives an empty response to each message that is no question. */
static int converse(int count, const struct pam_message **messages, struct pam_response **responses, void *data)
{
    (void)data;
    struct pam_response *all = calloc((size_t)count, sizeof *all);
    if (all == NULL)
        return PAM_CONV_ERR;
    for (int i = 0; i < count; i++) {
        int style = messages[i]->msg_style;
        if (style != PAM_PROMPT_ECHO_OFF && style != PAM_PROMPT_ECHO_ON)
            continue;
        char *answer = strsep(&answers, "\t");
        all[i].resp = strdup(answer == NULL ? "" : answer);
    }
    *responses = all;
    return PAM_SUCCESS;
}

/* Skips the delay after a failure, which is not a cost of the module; sshd waits elsewhere. */
static void no_delay(int code, unsigned microseconds, void *data)
{
    (void)code, (void)microseconds, (void)data;
}

static pid_t self;

static void mark(void)
{
    kill(self, SIGURG);
}

static long long nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

struct memory {
    long resident, anonymous;
};

/* Counted from the page tables: /proc/self/status may be off by some pages. */
static struct memory memory(void)
{
    static char text[4096];
    struct memory now = { 0, 0 };
    int fd = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    if (length <= 0)
        exit(2);
    text[length] = '\0';
    sscanf(strstr(text, "\nRss:"), "\nRss: %ld", &now.resident);
    sscanf(strstr(text, "\nAnonymous:"), "\nAnonymous: %ld", &now.anonymous);
    return now;
}

static void login(const char *service, const char *user)
{
    static const struct pam_conv conversation = { converse, NULL };
    pam_handle_t *handle = NULL;
    getpwnam(user);
    memory();
    struct memory before = memory();
    long long started = nanoseconds();
    if (pam_start(service, user, &conversation, &handle) != PAM_SUCCESS)
        exit(2);
    pam_set_item(handle, PAM_FAIL_DELAY, (const void *)no_delay);
    pam_set_item(handle, PAM_RHOST, "192.0.2.1");
    pam_set_item(handle, PAM_TTY, "ssh");
    mark();
    long long began = nanoseconds();
    int code = pam_authenticate(handle, PAM_DISALLOW_NULL_AUTHTOK);
    long long ended = nanoseconds();
    mark();
    struct memory after = memory();
    long long ending = nanoseconds();
    pam_end(handle, code);
    long long whole = nanoseconds() - ending + (ended - started);
    printf("%d %lld %lld %ld %ld\n", code, ended - began, whole, after.resident - before.resident,
           after.anonymous - before.anonymous);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    char *line = NULL;
    size_t room = 0;
    if (argc != 2)
        return 2;
    self = getpid();
    while (getline(&line, &room, stdin) > 0) {
        line[strcspn(line, "\n")] = '\0';
        answers = line;
        const char *user = strsep(&answers, "\t");
        login(argv[1], user);
    }
    return 0;
}
