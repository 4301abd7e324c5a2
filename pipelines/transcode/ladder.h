/* ladder.h - which renditions a film gets, and how each is encoded. Pure. */
#pragma once
#include "pipelines/common/film.h"

#define MNB_RUNGS_MAX     4
#define MNB_SEGMENT_S     2
#define MNB_AUDIO_BPS     128000
#define MNB_AUDIO_LOW_BPS 32000

typedef struct {
    char name[16];     /* "720p": the shorter side */
    int width, height; /* even */
    int fps_n, fps_d;
    int key_frames;   /* frames between two key frames: MNB_SEGMENT_S of them, the same in all rungs
                       */
    int bitrate_kbps; /* at most, over a second or two */
    int quality;      /* x264's constant rate factor */
    gboolean is_low;  /* goes with the sound for slow lines */
} MnbRung;

typedef struct {
    MnbRung rungs[MNB_RUNGS_MAX]; /* best first */
    int n_rungs;                  /* 0: no picture */
    char colorimetry[8];          /* as in MnbFilmInfo */
} MnbLadder;

void mnb_ladder_make(const MnbFilmInfo *info, MnbLadder *ladder_out);
