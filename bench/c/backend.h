/*
 * The fake backend's inside: one connection, and what a protocol has to provide.
 * A new protocol is one file with a `struct service` and one line in the table of backend.c.
 */
#ifndef BACKEND_H
#define BACKEND_H

#include <stdbool.h>
#include <stddef.h>

struct conn;

struct service {
  const char *name;
  /* Sends the greeting; NULL where the client speaks first. */
  void (*greet)(struct conn *);
  /* One line without its CRLF, NUL-terminated; it may be changed in place. */
  void (*line)(struct conn *, char *line, size_t length);
  /* Takes raw octets while `raw` is set; returns how many it used. NULL where there is no raw mode. */
  size_t (*raw)(struct conn *, const char *data, size_t length);
};

struct conn {
  int fd;
  const struct service *service;
  bool listening; /* an accepting socket, not a session */
  bool closing;   /* close once everything is sent */
  bool writing;   /* epoll watches for room to write (and, meanwhile, for nothing to read) */

  /* The protocol's own. */
  int step;
  unsigned count;
  bool raw;
  size_t skip;      /* literal octets still to be thrown away */
  char command[64]; /* the tag, or the start of a command whose literals are being skipped */

  /* Received and not yet understood. */
  char *in;
  size_t in_length, in_size;

  /* Still to be sent: `out`, then `body` filler octets, then `tail`. */
  char *out;
  size_t out_length, out_sent, out_size;
  size_t body;
  char tail[160];
};

/* Queues text; it leaves when the lines read so far have been answered. */
void put(struct conn *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The port a service listens on, 0 when there is no such service. */
int port_of(const char *service);

extern const struct service imap_service, pop3_service, lmtp_service, auth_http_service;

#endif
