/*
 * The load generator's inside: one connection, what a protocol has to provide, and what it may call.
 * A new protocol is one file with a `struct protocol` and one line in the table of loadgen.c.
 */
#ifndef LOADGEN_H
#define LOADGEN_H

#include <stdbool.h>
#include <stddef.h>

/* What a logged-in connection is asked to do. */
enum command { NOOP, FETCH, HOLD, DELIVER, QUIT };

enum phase {
  CLOSED,
  CONNECTING,
  HANDSHAKE,
  LOGIN,   /* the protocol's dialogue from the greeting until it calls logged_in() */
  WAITING, /* logged in, nothing to do yet */
  RUNNING, /* a command is under way until op_finished() or held() */
  HELD,    /* an idle session */
  LEAVING  /* QUIT was sent; a polite end of file may follow */
};

struct conn {
  int fd;
  enum phase phase;
  bool writing; /* epoll watches for room to write */
  struct ssl_st *ssl; /* NULL without TLS */
  double session_start, op_start; /* seconds */

  /* The protocol's own. */
  int step;
  unsigned tag;
  size_t skip; /* literal octets still to be thrown away */

  size_t body; /* octets of message text still to be sent */
  size_t line_length;
  char line[2048];
};

struct protocol {
  const char *name;
  /* One line without its CRLF, NUL-terminated, in phase LOGIN, RUNNING or LEAVING. */
  void (*line)(struct conn *, const char *line, size_t length);
  /* Sends a command. */
  void (*command)(struct conn *, enum command);
};

/* What the command line asked for. */
struct options {
  enum command command;
  int port;
  bool tls, resume;
  long connections;
  double seconds, limit_seconds;
  size_t size; /* octets of a message */
};
extern struct options options;

/* Sends a short text at once. */
void say(struct conn *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Sends a message text of `options.size` octets and the line with the dot that ends it. */
void send_message(struct conn *);
void logged_in(struct conn *);
void op_finished(struct conn *);
void held(struct conn *);
/* Counts an error and closes. `why` and the line at hand are reported for the first one. */
void fail(struct conn *, const char *why);

/* loadgen-result.c */
struct result {
  long operations, errors, tls_full, tls_resumed;
  double octets;
  char first_error[256];
};
extern struct result result;

void count_latency(double seconds);
void count_error(const struct conn *, const char *why);
/* Forgets everything but that there were errors. */
void reset_result(void);
/* Prints the line of a finished run that took so many seconds. */
void print_result(double seconds);

/* loadgen-tls.c */
enum tls_state { TLS_DONE, TLS_WANTS_READ, TLS_WANTS_WRITE, TLS_ENDED, TLS_BROKEN };

void tls_set_up(void);
void tls_open(struct conn *);
enum tls_state tls_handshake(struct conn *);
enum tls_state tls_read(struct conn *, char *data, int size, int *length);
/* Octets written, 0 when there is no room, -1 when the connection is broken. */
long tls_write(struct conn *, const char *bytes, int length);
void tls_close(struct conn *);

extern const struct protocol imap, pop3, lmtp;

#endif
