#include "server/rooms/ice-local.h"

#include "server/base/ids.h"

void mnb_ice_make_credentials(const MnbMediaWorker *worker, char ufrag[MNB_ICE_UFRAG_MAX],
                              char pwd[MNB_ICE_PWD_MAX])
{
    char id[MNB_ID_SIZE];
    char more[MNB_ID_SIZE];
    mnb_id_make(id);
    g_strlcpy(ufrag, id, 17);
    mnb_media_worker_tag(worker, ufrag);
    mnb_id_make(id);
    mnb_id_make(more);
    g_snprintf(pwd, MNB_ICE_PWD_MAX, "%s%.6s", id, more);
}

void mnb_ice_fill_local(const MnbMediaWorker *worker, const char *ufrag, const char *pwd,
                        MnbSdpCandidate candidates[MNB_MEDIA_ADDRESSES_MAX], MnbSdpLocal *local)
{
    guint count = 0;
    const MnbMediaAddress *addresses = mnb_media_worker_addresses(worker, &count);
    count = MIN(count, MNB_MEDIA_ADDRESSES_MAX);
    for (guint i = 0; i < count; i++) {
        g_strlcpy(candidates[i].address, addresses[i].address, sizeof candidates[i].address);
        candidates[i].port = addresses[i].port;
        candidates[i].is_tcp = addresses[i].is_tcp;
    }
    *local = (MnbSdpLocal){
        .ufrag = ufrag,
        .pwd = pwd,
        .fingerprint = mnb_media_worker_fingerprint(worker),
        .candidates = candidates,
        .candidate_count = count,
    };
}
