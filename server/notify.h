/* notify.h - tells the service manager how we are (sd_notify(3)): a datagram to $NOTIFY_SOCKET.
 * Without a service manager nothing happens. */
#pragma once
#include <glib.h>

/* @state: "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=...". */
void mnb_notify(const char *state);

/* How often the watchdog wants to hear of us, in microseconds: half of $WATCHDOG_USEC. 0: never. */
guint64 mnb_notify_watchdog_us(void);
