/* qr-svg.h - a QR code (ISO/IEC 18004) as an SVG picture: one black path on white, with the quiet
 * zone of four modules, error correction M. It has no script and no style attribute, so that it can
 * be shown under a strict Content-Security-Policy. Any thread.
 */
#pragma once

/* @text: at most 1000 bytes. Returns (owned): NULL when it does not fit. */
char *mnb_qr_svg(const char *text);
