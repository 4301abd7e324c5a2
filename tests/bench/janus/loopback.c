/* loopback.c - preloaded into Janus, so that it can be measured on loopback: Janus 1.1.2 takes no
 * ICE candidate of an interface flagged as loopback. Here `lo` looks like any other interface, and
 * is the only one. */
#include <dlfcn.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stddef.h>
#include <string.h>

int getifaddrs(struct ifaddrs **list)
{
    int (*next)(struct ifaddrs **);
    *(void **)&next = dlsym(RTLD_NEXT, "getifaddrs");
    int result = next != NULL ? next(list) : -1;
    if (result != 0)
        return result;
    for (struct ifaddrs *entry = *list; entry != NULL; entry = entry->ifa_next) {
        if (entry->ifa_name != NULL && strcmp(entry->ifa_name, "lo") == 0)
            entry->ifa_flags &= ~(unsigned)IFF_LOOPBACK;
        else
            entry->ifa_flags &= ~(unsigned)(IFF_UP | IFF_RUNNING);
    }
    return 0;
}
