/* sandbox.h - takes from the process what a media worker does not need once it runs.
 *
 * After mnb_sandbox_enter() the process can send and receive on the sockets it has, map memory and
 * read the time. It cannot open a file, make a socket, start a program, or look at another process;
 * a call outside the list ends it (SIGSYS), and its manager starts a new one. */
#pragma once

/* Limits, no new privileges, no core file, death with the parent. Call first.
 * Returns 0 or a negative errno. */
int mnb_sandbox_prepare(void);

/* The seccomp filter. Call when every descriptor is open and OpenSSL is warm.
 * Returns 0, or a negative errno when the kernel has no seccomp. */
int mnb_sandbox_enter(void);
