#include "server/publisher.h"

#include "recordings/publishing.h"
#include "server/base/log.h"

#define POLL_S 2

static gboolean write_due(MnbDb *db, gpointer data, GError **error)
{
    guint n = 0;
    if (!mnb_publishing_run_due(db, g_get_real_time(), &n, error))
        return FALSE;
    if (n > 0)
        MNB_LOG_INFO("films were published as ordered", "films=%u", n);
    return TRUE;
}

static void on_written(const GError *error, gpointer data, gpointer user_data)
{
    if (error != NULL)
        MNB_LOG_WARNING("what is due could not be published; it will be tried again", "reason=%s",
                        error->message);
}

static gboolean on_poll(gpointer data)
{
    MnbCatalog *catalog = data;
    if (mnb_publishing_is_due(mnb_catalog_reader(catalog), g_get_real_time()))
        mnb_catalog_write(catalog, write_due, NULL, NULL, on_written, NULL);
    return G_SOURCE_CONTINUE;
}

static gboolean write_setting(MnbDb *db, gpointer data, GError **error)
{
    return mnb_publishing_set_second_person(db, GPOINTER_TO_INT(data), error);
}

guint mnb_publisher_start(MnbCatalog *catalog, gboolean needs_second_person)
{
    mnb_catalog_write(catalog, write_setting, GINT_TO_POINTER(needs_second_person), NULL, NULL,
                      NULL);
    return g_timeout_add_seconds(POLL_S, on_poll, catalog);
}
