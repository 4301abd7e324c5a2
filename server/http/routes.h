/* routes.h - everything the server answers, in one table: method, path, who may, what body. */
#pragma once
#include "server/http/router.h"

/* @n_out: how many. Returns (static). */
const MnbRoute *mnb_routes(gsize *n_out);
