/* Acts as sshd towards a PAM module: asks libpam for one login after the other and reports the time of each.
 *
 * pam_host SERVICE [NAME=VALUE...]   each NAME=VALUE goes into PAM's environment, as sshd puts SSH_CONNECTION there
 *
 * Each line on stdin is a login: the user, then the answers to the module's questions, with a tab
 * before each; further questions get an empty answer. With the service "-", libpam is not called, so
 * that the cost of the marks themselves can be subtracted.
 * The account is looked up before libpam is called, as in sshd, sudo and su: the cost of the first
 * look-up in a process is then not the module's.
 * Each line on stdout is PAM's code and the nanoseconds that pam_authenticate took.
 *
 * The marks are SIGURG signals to itself, which have no effect on an untraced process:
 * before pam_start, before pam_authenticate, after pam_authenticate, after pam_end.
 */
#define _GNU_SOURCE
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

static void mark(void)
{
    kill(getpid(), SIGURG);
}

static long long nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int login(const char *service, const char *user, char **variables, long long *took)
{
    static const struct pam_conv conversation = { converse, NULL };
    pam_handle_t *handle = NULL;
    int nothing = strcmp(service, "-") == 0, code = PAM_SUCCESS;
    getpwnam(user);
    mark();
    if (!nothing && pam_start(service, user, &conversation, &handle) != PAM_SUCCESS)
        exit(2);
    if (!nothing) {
        pam_set_item(handle, PAM_FAIL_DELAY, (const void *)no_delay);
        pam_set_item(handle, PAM_RHOST, "192.0.2.1");
        pam_set_item(handle, PAM_TTY, "ssh");
        for (; *variables != NULL; variables++)
            pam_putenv(handle, *variables);
    }
    mark();
    long long began = nanoseconds();
    if (!nothing)
        code = pam_authenticate(handle, PAM_DISALLOW_NULL_AUTHTOK);
    *took = nanoseconds() - began;
    mark();
    if (!nothing)
        pam_end(handle, code);
    mark();
    return code;
}

int main(int argc, char **argv)
{
    char *line = NULL;
    size_t room = 0;
    if (argc < 2)
        return 2;
    while (getline(&line, &room, stdin) > 0) {
        long long took = 0;
        line[strcspn(line, "\n")] = '\0';
        answers = line;
        const char *user = strsep(&answers, "\t");
        int code = login(argv[1], user, argv + 2, &took);
        printf("%d %lld\n", code, took);
        fflush(stdout);
    }
    return 0;
}
