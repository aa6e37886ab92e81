/* Makes many logins through libpam at the same instant, each in a process of its own.
 *
 * pam_rush SERVICE
 *
 * Lines on stdin are logins: the user, the address of the source, and the answers to the module's questions, with a tab
 * before each; further questions get an empty answer. An empty line starts the logins that were listed. When each of
 * them waits at its first question, or has ended, the program prints "ready". At the next line, all logins go on
 * at once. For each of them the program then prints PAM's code and the nanoseconds from that instant to the end of
 * pam_authenticate, one login a line, in the order of the list.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 4096 };

struct end {
    int code;
    long long at;
};

static const char *service;
static char *answers;
static int waits, is_ready, ready_end, go_end;

static void tell_ready(void)
{
    if (!is_ready && write(ready_end, "", 1) != 1)
        _exit(2);
    is_ready = 1;
}

/* The first question is answered when the program says so. */
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
        tell_ready();
        char nothing;
        if (waits && read(go_end, &nothing, 1) != 0)
            return PAM_CONV_ERR;
        waits = 0;
        char *answer = strsep(&answers, "\t");
        all[i].resp = strdup(answer == NULL ? "" : answer);
    }
    *responses = all;
    return PAM_SUCCESS;
}

static void no_delay(int code, unsigned microseconds, void *data)
{
    (void)code, (void)microseconds, (void)data;
}

static long long nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void login(char *line, struct end *end)
{
    static const struct pam_conv conversation = { converse, NULL };
    pam_handle_t *handle = NULL;
    answers = line;
    const char *user = strsep(&answers, "\t");
    const char *source = strsep(&answers, "\t");
    waits = 1;
    if (pam_start(service, user, &conversation, &handle) != PAM_SUCCESS)
        _exit(2);
    pam_set_item(handle, PAM_FAIL_DELAY, (const void *)no_delay);
    pam_set_item(handle, PAM_RHOST, source);
    pam_set_item(handle, PAM_TTY, "ssh");
    end->code = pam_authenticate(handle, PAM_DISALLOW_NULL_AUTHTOK);
    end->at = nanoseconds();
    tell_ready();
    pam_end(handle, end->code);
    _exit(0);
}

static void rush(char **lines, int count, struct end *ends)
{
    int ready[2], go[2];
    if (pipe2(ready, O_CLOEXEC) != 0 || pipe2(go, O_CLOEXEC) != 0)
        exit(2);
    fflush(stdout);
    for (int i = 0; i < count; i++) {
        ends[i].code = -1;
        pid_t child = fork();
        if (child < 0)
            exit(3);
        if (child == 0) {
            close(go[1]);
            close(ready[0]);
            ready_end = ready[1];
            go_end = go[0];
            login(lines[i], &ends[i]);
        }
    }
    close(ready[1]);
    char nothing;
    for (int i = 0; i < count && read(ready[0], &nothing, 1) == 1; i++)
        ;
    puts("ready");
    fflush(stdout);
    char *line = NULL;
    size_t room = 0;
    if (getline(&line, &room, stdin) <= 0)
        exit(0);
    free(line);
    long long begun = nanoseconds();
    close(go[1]);
    while (wait(NULL) > 0)
        ;
    close(go[0]);
    close(ready[0]);
    for (int i = 0; i < count; i++)
        printf("%d %lld\n", ends[i].code, ends[i].at > begun ? ends[i].at - begun : 0);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static char *lines[MOST];
    int count = 0;
    char *line = NULL;
    size_t room = 0;
    if (argc != 2)
        return 2;
    service = argv[1];
    int shared = MAP_SHARED | MAP_ANONYMOUS;
    struct end *ends = mmap(NULL, MOST * sizeof *ends, PROT_READ | PROT_WRITE, shared, -1, 0);
    if (ends == MAP_FAILED)
        return 2;
    while (getline(&line, &room, stdin) > 0) {
        line[strcspn(line, "\n")] = '\0';
        if (*line != '\0' && count < MOST) {
            lines[count++] = strdup(line);
            continue;
        }
        rush(lines, count, ends);
        while (count > 0)
            free(lines[--count]);
    }
    return 0;
}
