#include "server/base/error.h"
#include "server/rooms/rooms.h"

static const struct {
    MnbRoomsError code;
    const char *name;
    unsigned status;
} codes[] = {
    {MNB_ROOMS_ERROR_BAD_MESSAGE, "bad-message", 400},
    {MNB_ROOMS_ERROR_NOT_ALLOWED, "not-allowed", 403},
    {MNB_ROOMS_ERROR_NOT_FOUND, "not-found", 404},
    {MNB_ROOMS_ERROR_NOT_LIVE, "not-live", 409},
    {MNB_ROOMS_ERROR_SESSION_OVER, "session-over", 410},
    {MNB_ROOMS_ERROR_UNKNOWN_PEER, "unknown-peer", 404},
    {MNB_ROOMS_ERROR_TOO_MANY, "too-many", 429},
    {MNB_ROOMS_ERROR_ROOM_FULL, "room-full", 503},
    {MNB_ROOMS_ERROR_BAD_SDP, "bad-sdp", 400},
    {MNB_ROOMS_ERROR_NO_COMMON_CODEC, "no-common-codec", 406},
    {MNB_ROOMS_ERROR_MEDIA_UNAVAILABLE, "media-unavailable", 503},
    {MNB_ROOMS_ERROR_STORAGE_FULL, "storage-full", 507},
    {MNB_ROOMS_ERROR_STORAGE, "storage-failed", 500},
    {MNB_ROOMS_ERROR_RECORDER_FAILED, "recorder-failed", 503},
    {MNB_ROOMS_ERROR_NAME_REQUIRED, "name-required", 422},
    {MNB_ROOMS_ERROR_LINK_UNKNOWN, "link-unknown", 401},
    {MNB_ROOMS_ERROR_LINK_EXPIRED, "link-expired", 401},
    {MNB_ROOMS_ERROR_LINK_REVOKED, "link-revoked", 401},
    {MNB_ROOMS_ERROR_REMOVED, "removed", 403},
    {MNB_ROOMS_ERROR_BAD_PRECONDITION, "precondition-failed", 412},
    {MNB_ROOMS_ERROR_WAITING, "waiting", 403},
    {MNB_ROOMS_ERROR_LOCKED, "locked", 403},
    {MNB_ROOMS_ERROR_ON_AIR_TAKEN, "on-air-taken", 409},
};

G_DEFINE_QUARK(mnb_rooms_error, mnb_rooms_error)

const char *mnb_rooms_error_code(const GError *error)
{
    if (error->domain == MNB_ROOMS_ERROR)
        for (guint i = 0; i < G_N_ELEMENTS(codes); i++)
            if ((int)codes[i].code == error->code)
                return codes[i].name;
    if (g_error_matches(error, MNB_ERROR, MNB_ERROR_STORAGE_FULL))
        return "storage-full";
    if (g_error_matches(error, MNB_ERROR, MNB_ERROR_STORAGE))
        return "storage-failed";
    return "server-error";
}

unsigned mnb_rooms_error_status(const GError *error)
{
    const char *name = mnb_rooms_error_code(error);
    for (guint i = 0; i < G_N_ELEMENTS(codes); i++)
        if (g_str_equal(codes[i].name, name))
            return codes[i].status;
    return 500;
}
