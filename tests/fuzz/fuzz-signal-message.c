/* Whatever a socket may bring: refused with words, or a struct whose texts are within their limits.
 */
#include "server/signalling/message.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MnbMessage message;
    gint64 id;
    g_autoptr(GError) error = NULL;
    if (!mnb_message_parse((const char *)data, size, &message, &id, &error)) {
        if (error == NULL || !g_utf8_validate(error->message, -1, NULL))
            abort();
        return 0;
    }
    if (message.hello != NULL && g_utf8_strlen(message.hello->name, -1) > MNB_NAME_MAX)
        abort();
    if (message.request != NULL && message.request->kind == MNB_REQUEST_CHAT &&
        g_utf8_strlen(message.request->text, -1) > MNB_CHAT_MAX)
        abort();
    mnb_message_clear(&message);
    return 0;
}
