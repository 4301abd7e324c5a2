/* language-names.h - what a language is called in a player's menu, in itself or in both of ours.
 * Pure. */
#pragma once

/* @tag: BCP 47; "" is what was spoken in the room. Returns: "日本語 / Japanese"; the tag for a
 * language that is not listed, "Language" when it cannot stand in a playlist. */
const char *mnb_language_names(const char *tag);
