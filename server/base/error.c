#include "server/base/error.h"

#include <errno.h>
#include <gio/gio.h>

G_DEFINE_QUARK(mnb_error, mnb_error)

MnbErrorCode mnb_error_code_of_errno(int negative_errno)
{
    switch (-negative_errno) {
    case EINVAL:
    case EBADMSG:
    case EMSGSIZE:
    case ENAMETOOLONG:
    case ERANGE:
        return MNB_ERROR_INVALID;
    case ENOENT:
    case ESRCH:
    case ENOTDIR:
        return MNB_ERROR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return MNB_ERROR_DENIED;
    case EEXIST:
    case ENOTEMPTY:
        return MNB_ERROR_CONFLICT;
    case EIO:
        return MNB_ERROR_STORAGE;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return MNB_ERROR_STORAGE_FULL;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case EAGAIN:
    case ENETUNREACH:
    case EHOSTUNREACH:
        return MNB_ERROR_UNAVAILABLE;
    case ETIMEDOUT:
        return MNB_ERROR_TIMEOUT;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
        return MNB_ERROR_LIMIT;
    case EADDRINUSE:
    case EBUSY:
    case ETXTBSY:
        return MNB_ERROR_BUSY;
    default:
        return MNB_ERROR_FAILED;
    }
}

gboolean mnb_error_from_errno(GError **error, int negative_errno, const char *what, ...)
{
    if (error == NULL)
        return FALSE;
    va_list arguments;
    va_start(arguments, what);
    g_autofree char *text = g_strdup_vprintf(what, arguments);
    va_end(arguments);
    g_set_error(error, MNB_ERROR, (int)mnb_error_code_of_errno(negative_errno), "%s: %s", text,
                g_strerror(-negative_errno));
    return FALSE;
}

static MnbErrorCode code_of_gio(int code)
{
    switch (code) {
    case G_IO_ERROR_NOT_FOUND:
        return MNB_ERROR_NOT_FOUND;
    case G_IO_ERROR_EXISTS:
        return MNB_ERROR_CONFLICT;
    case G_IO_ERROR_NO_SPACE:
        return MNB_ERROR_STORAGE_FULL;
    case G_IO_ERROR_PERMISSION_DENIED:
        return MNB_ERROR_DENIED;
    case G_IO_ERROR_TIMED_OUT:
        return MNB_ERROR_TIMEOUT;
    case G_IO_ERROR_ADDRESS_IN_USE:
    case G_IO_ERROR_BUSY:
        return MNB_ERROR_BUSY;
    case G_IO_ERROR_CONNECTION_REFUSED:
    case G_IO_ERROR_CONNECTION_CLOSED:
        return MNB_ERROR_UNAVAILABLE;
    case G_IO_ERROR_TOO_MANY_OPEN_FILES:
        return MNB_ERROR_LIMIT;
    case G_IO_ERROR_INVALID_ARGUMENT:
    case G_IO_ERROR_INVALID_DATA:
        return MNB_ERROR_INVALID;
    default:
        return MNB_ERROR_FAILED;
    }
}

const char *mnb_error_name(const GError *error)
{
    static const char *const names[] = {
        [MNB_ERROR_INVALID] = "invalid",
        [MNB_ERROR_NOT_FOUND] = "not-found",
        [MNB_ERROR_DENIED] = "denied",
        [MNB_ERROR_CONFLICT] = "conflict",
        [MNB_ERROR_STORAGE] = "storage",
        [MNB_ERROR_STORAGE_FULL] = "storage-full",
        [MNB_ERROR_UNAVAILABLE] = "unavailable",
        [MNB_ERROR_TIMEOUT] = "timeout",
        [MNB_ERROR_LIMIT] = "limit",
        [MNB_ERROR_BUSY] = "busy",
        [MNB_ERROR_MISSING] = "missing",
        [MNB_ERROR_DAMAGED] = "damaged",
        [MNB_ERROR_FAILED] = "failed",
    };
    if (error == NULL)
        return "failed";
    int code = MNB_ERROR_FAILED;
    if (error->domain == MNB_ERROR)
        code = error->code;
    else if (error->domain == G_IO_ERROR)
        code = (int)code_of_gio(error->code);
    return code >= 0 && code < (int)G_N_ELEMENTS(names) ? names[code] : "failed";
}
