/*
 * A mail backend that does as little as possible, so that the proxy in front of it is what gets measured: it accepts
 * every login and makes up every message. One thread, epoll, ports on 127.0.0.1 chosen by the kernel.
 *
 *   backend     prints {"imap":PORT,"pop3":PORT,"lmtp":PORT,"auth_http":PORT} and serves until standard input ends
 */
#define _GNU_SOURCE
#include "backend.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_SIZE = 1 << 18, FILLER_SIZE = 1 << 20, KEPT_BUFFER = 8192, BACKLOG = 4096 };

static const struct service *const services[] = {&imap_service, &pop3_service, &lmtp_service, &auth_http_service};
enum { SERVICES = sizeof services / sizeof *services };

static int epoll, ports[SERVICES];
static char filler[FILLER_SIZE];

int port_of(const char *service) {
  for (int i = 0; i < SERVICES; i++)
    if (!strcmp(services[i]->name, service)) return ports[i];
  return 0;
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void *grow(void *buffer, size_t size) {
  void *grown = realloc(buffer, size);
  if (!grown) die("realloc");
  return grown;
}

static void watch(struct conn *c, int operation, unsigned events) {
  struct epoll_event event = {.events = events, .data.ptr = c};
  if (epoll_ctl(epoll, operation, c->fd, &event)) die("epoll_ctl");
}

static void destroy(struct conn *c) {
  close(c->fd);
  free(c->in);
  free(c->out);
  free(c);
}

static void put_bytes(struct conn *c, const char *bytes, size_t length) {
  if (c->out_length + length > c->out_size) {
    c->out_size = (c->out_length + length) * 2;
    c->out = grow(c->out, c->out_size);
  }
  memcpy(c->out + c->out_length, bytes, length);
  c->out_length += length;
}

void put(struct conn *c, const char *format, ...) {
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  put_bytes(c, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
}

/* Writes what is queued. False when the connection is gone. */
static bool flush(struct conn *c) {
  for (;;) {
    const char *from = c->out + c->out_sent;
    size_t length = c->out_length - c->out_sent;
    bool text = length > 0;
    if (!text) {
      c->out_length = c->out_sent = 0;
      if (!c->body) break;
      from = filler;
      length = c->body < FILLER_SIZE ? c->body : FILLER_SIZE;
    }
    ssize_t sent = send(c->fd, from, length, MSG_NOSIGNAL | (text && c->body ? MSG_MORE : 0));
    if (sent < 0 && errno == EAGAIN) {
      if (!c->writing) watch(c, EPOLL_CTL_MOD, EPOLLOUT);
      c->writing = true;
      return true;
    }
    if (sent < 0) return destroy(c), false;
    if (text) {
      c->out_sent += (size_t)sent;
    } else {
      c->body -= (size_t)sent;
      if (!c->body) put_bytes(c, c->tail, strlen(c->tail));
    }
  }
  if (c->closing) return destroy(c), false;
  if (c->writing) watch(c, EPOLL_CTL_MOD, EPOLLIN);
  c->writing = false;
  if (c->out_size > KEPT_BUFFER) {
    free(c->out);
    c->out = NULL;
    c->out_size = 0;
  }
  return true;
}

/* Answers the complete lines in `data`; returns how many octets were understood. */
static size_t consume(struct conn *c, char *data, size_t length) {
  size_t used = 0;
  while (used < length && !c->body && !c->closing) {
    char *from = data + used;
    size_t left = length - used;
    if (c->skip) {
      size_t skipped = left < c->skip ? left : c->skip;
      c->skip -= skipped;
      used += skipped;
      continue;
    }
    if (c->raw) {
      used += c->service->raw(c, from, left);
      continue;
    }
    char *newline = memchr(from, '\n', left);
    if (!newline) break;
    size_t line_length = (size_t)(newline - from);
    used += line_length + 1;
    if (line_length && from[line_length - 1] == '\r') line_length--;
    from[line_length] = 0;
    c->service->line(c, from, line_length);
  }
  return used;
}

static void keep(struct conn *c, const char *data, size_t length) {
  if (c->in_length + length > c->in_size) {
    c->in_size = c->in_length + length + 512;
    c->in = grow(c->in, c->in_size);
  }
  memcpy(c->in + c->in_length, data, length);
  c->in_length += length;
}

/* Understands new octets behind those that were kept. False when the connection is gone. */
static bool received(struct conn *c, char *data, size_t length) {
  if (c->in_length) {
    keep(c, data, length);
    size_t used = consume(c, c->in, c->in_length);
    c->in_length -= used;
    memmove(c->in, c->in + used, c->in_length);
  } else {
    size_t used = consume(c, data, length);
    if (used < length) keep(c, data + used, length - used);
  }
  if (!c->in_length && c->in) {
    free(c->in);
    c->in = NULL;
    c->in_size = 0;
  }
  return flush(c);
}

static void accept_all(struct conn *listener) {
  for (;;) {
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct conn *c = grow(NULL, sizeof *c);
    *c = (struct conn){.fd = fd, .service = listener->service};
    watch(c, EPOLL_CTL_ADD, EPOLLIN);
    if (c->service->greet) c->service->greet(c);
    flush(c);
  }
}

static void readable(struct conn *c) {
  static char data[READ_SIZE];
  ssize_t length = recv(c->fd, data, sizeof data, 0);
  if (length < 0 && errno == EAGAIN) return;
  if (length <= 0)
    destroy(c);
  else
    received(c, data, (size_t)length);
}

static void handle(struct conn *c, unsigned events) {
  if (c->listening) return accept_all(c);
  if (!c->writing) return readable(c);
  if (events & EPOLLERR) return destroy(c);
  /* Lines that came while a body was being sent were kept: they are next. */
  if (flush(c) && !c->writing && c->in_length) received(c, NULL, 0);
}

static int open_listener(const struct service *service) {
  struct conn *c = grow(NULL, sizeof *c);
  *c = (struct conn){.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), .service = service};
  c->listening = true;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  if (bind(c->fd, (struct sockaddr *)&address, size) || listen(c->fd, BACKLOG)) die("listen");
  if (getsockname(c->fd, (struct sockaddr *)&address, &size)) die("getsockname");
  watch(c, EPOLL_CTL_ADD, EPOLLIN);
  return ntohs(address.sin_port);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);

  memset(filler, 'x', sizeof filler);
  for (size_t i = 76; i + 1 < sizeof filler; i += 78) memcpy(filler + i, "\r\n", 2);

  epoll = epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < SERVICES; i++) {
    ports[i] = open_listener(services[i]);
    printf("%c\"%s\":%d", i ? ',' : '{', services[i]->name, ports[i]);
  }
  printf("}\n");
  fflush(stdout);

  /* Standard input ends when whoever started us is gone, however it went. */
  struct epoll_event input = {.events = EPOLLIN, .data.ptr = NULL}, events[256];
  epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &input);
  for (;;) {
    int count = epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < count; i++) {
      if (!events[i].data.ptr) return 0;
      handle(events[i].data.ptr, events[i].events);
    }
  }
}
