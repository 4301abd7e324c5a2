/* publisher.h - carries out orders to publish at a time (recordings/publishing.h). Main thread. */
#pragma once
#include "recordings/catalog.h"

/* Tells the catalogue whether a second person is needed, and looks every few seconds for what is
 * due: the order is in the catalogue, so what fell due while the server was down is published at
 * once. @catalog: must live as long as the source. Returns: the source's id, for g_source_remove().
 */
guint mnb_publisher_start(MnbCatalog *catalog, gboolean needs_second_person);
