/* command.h - the commands of manabi-record (docs/pipelines.md), from JSON to checked structs. */
#pragma once
#include "pipelines/record/track.h"

#include <jansson.h>

typedef enum { MNB_COMMAND_ADD_TRACK, MNB_COMMAND_REMOVE_TRACK, MNB_COMMAND_STOP } MnbCommandKind;

typedef struct {
    MnbCommandKind kind;
    guint32 track;
    MnbTrackConfig config; /* ADD_TRACK; whoever takes it zeroes it here */
} MnbCommand;

/* @object: borrowed. @command_out: to be cleared when TRUE is returned.
 * Returns: FALSE with *@reason_out (static) naming the field that is wrong. */
gboolean mnb_command_parse(json_t *object, MnbCommand *command_out, const char **reason_out);
void mnb_command_clear(MnbCommand *command);
