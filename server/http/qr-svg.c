#include "server/http/qr-svg.h"
#include <glib.h>
#include <qrencode.h>
#include <string.h>

#define QUIET_ZONE 4
#define TEXT_MAX   1000

char *mnb_qr_svg(const char *text)
{
    if (strlen(text) > TEXT_MAX)
        return NULL;
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
    if (code == NULL)
        return NULL;
    int size = code->width + 2 * QUIET_ZONE;
    GString *svg = g_string_new(NULL);
    g_string_printf(svg,
                    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
                    "shape-rendering=\"crispEdges\"><rect width=\"%d\" height=\"%d\" "
                    "fill=\"#fff\"/><path fill=\"#000\" d=\"",
                    size, size, size, size);
    for (int y = 0; y < code->width; y++) {
        for (int x = 0; x < code->width;) {
            int run = 0;
            while (x + run < code->width && (code->data[y * code->width + x + run] & 1) != 0)
                run++;
            if (run > 0)
                g_string_append_printf(svg, "M%d %dh%dv1h-%dz", x + QUIET_ZONE, y + QUIET_ZONE, run,
                                       run);
            x += run + 1;
        }
    }
    g_string_append(svg, "\"/></svg>");
    QRcode_free(code);
    return g_string_free(svg, FALSE);
}
