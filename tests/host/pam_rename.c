/* A PAM module that succeeds and makes the login one of another user, as some modules of directories do:
 *   auth required pam_rename.so USER
 */
#include <security/pam_modules.h>

int pam_sm_authenticate(pam_handle_t *handle, int flags, int count, const char **words)
{
    (void)flags;
    return count == 1 ? pam_set_item(handle, PAM_USER, words[0]) : PAM_SERVICE_ERR;
}

int pam_sm_setcred(pam_handle_t *handle, int flags, int count, const char **words)
{
    (void)handle, (void)flags, (void)count, (void)words;
    return PAM_SUCCESS;
}
