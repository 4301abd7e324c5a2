/* Whatever parses is also judged, split and answered: an answer must parse, and one that is not
 * authenticated must not be longer than the question. */
#include "server/media/stun.h"
#include <netinet/in.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char pwd[] = "VOkJxbRl1RmTxUk/WvJxBt";

static void check_reply(const uint8_t *reply, int len)
{
    MnbStun parsed;
    if (len > 0 && mnb_stun_parse(&parsed, reply, (size_t)len) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MnbStun stun;
    uint8_t reply[MNB_STUN_REPLY_MAX];
    const char *ours, *theirs;
    size_t ours_len, theirs_len;
    struct sockaddr_in source = {.sin_family = AF_INET, .sin_port = 1234};
    if (mnb_stun_parse(&stun, data, size) < 0)
        return 0;
    if (mnb_stun_split_username(&stun, &ours, &ours_len, &theirs, &theirs_len) == 0 &&
        ours_len + theirs_len + 1 != stun.username_len)
        abort();
    int code = mnb_stun_check_request(&stun, data, pwd, sizeof pwd - 1);
    if (code == MNB_STUN_BAD_REQUEST || code == MNB_STUN_UNAUTHENTICATED) {
        int len = mnb_stun_write_error(reply, sizeof reply, &stun, (MnbStunCode)code, NULL, 0);
        if (len > (int)size)
            abort();
        check_reply(reply, len);
    }
    check_reply(reply, mnb_stun_write_error(reply, sizeof reply, &stun, MNB_STUN_UNKNOWN_ATTRIBUTE,
                                            pwd, sizeof pwd - 1));
    check_reply(reply, mnb_stun_write_success(reply, sizeof reply, &stun,
                                              (struct sockaddr *)&source, pwd, sizeof pwd - 1));
    return 0;
}
