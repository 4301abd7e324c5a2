/* slate.h - the picture shown while a feed has none: its name, and that the picture will come. */
#pragma once
#include <gst/gst.h>

/* One I420 frame. @name: UTF-8. Blocks some 100 ms. Returns (owned), or NULL with @error. */
GstBuffer *mnb_slate_new(int width, int height, const char *name, GError **error);
