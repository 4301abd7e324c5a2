/* leaks.h - LeakSanitizer in processes with GStreamer.
 *
 * GLib leaves its first table of quarks behind when there are more than 2,048 of them, which
 * GStreamer's plugins see to, and fontconfig its configuration. Neither has a stack that a
 * suppression could name without naming every g_malloc(). So leaks are not looked for there;
 * everything else that AddressSanitizer sees is. Empty in ordinary builds. One use in each
 * executable. */
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define MNB_LEAKS_NOT_LOOKED_FOR                                                                   \
    __attribute__((weak)) int __lsan_is_turned_off(void);                                          \
    int __lsan_is_turned_off(void)                                                                 \
    {                                                                                              \
        return 1;                                                                                  \
    }                                                                                              \
    _Static_assert(1, "")
#else
#define MNB_LEAKS_NOT_LOOKED_FOR _Static_assert(1, "")
#endif
