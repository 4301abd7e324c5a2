#include "server/access/tokens.h"

#include "server/base/error.h"

G_DEFINE_QUARK(mnb_link_error, mnb_link_error)

const char *mnb_link_error_name(const GError *error)
{
    static const char *const names[] = {"link-unknown", "link-expired", "link-revoked",
                                        "link-used"};
    if (error == NULL || error->domain != MNB_LINK_ERROR || error->code < 0 ||
        error->code >= (int)G_N_ELEMENTS(names))
        return mnb_error_name(error);
    return names[error->code];
}

gboolean mnb_token_digest(const char *token, guint8 hash_out[MNB_TOKEN_HASH_BYTES])
{
    if (!mnb_token_is_valid(token))
        return FALSE;
    mnb_token_hash(token, hash_out);
    return TRUE;
}
