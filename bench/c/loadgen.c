/*
 * A mail load generator: one thread, epoll, TLS by OpenSSL, so that one core of it outruns the proxies it measures.
 *
 *   loadgen MODE -P PROTOCOL -p PORT [-c CONNECTIONS] [-d SECONDS] [-D LIMIT] [-s OCTETS] [-T [-R]]
 *
 * Modes, all against 127.0.0.1:
 *   login    CONNECTIONS at a time connect, log in, log out, and start again
 *   noop     CONNECTIONS logged-in sessions each play ping-pong with NOOP
 *   fetch    CONNECTIONS logged-in sessions each download OCTETS again and again (imap)
 *   deliver  CONNECTIONS sessions each deliver messages of OCTETS (lmtp)
 *   idle     hold as many logged-in sessions as asked for
 * -T is TLS from the first octet, -R resumes TLS sessions where the server allows it.
 *
 * Conversation on standard input and output, a line each:
 *   it says  {"ready":N}         logged in as far as the mode wants it, with N connections
 *   we say   go                  the clock starts; after SECONDS no new operation begins
 *   it says  {"operations":...}  when the last operation has ended, or LIMIT seconds after the start
 *   we say   open N              (idle) hold N sessions from now on
 *   it says  {"held":N,...}      when it does, or can't
 * It exits when its standard input ends.
 */
#define _GNU_SOURCE
#include "loadgen.h"

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
#include <time.h>
#include <unistd.h>

enum { READ_SIZE = 1 << 18, TEXT_SIZE = 1 << 16, OPENING = 32, EVENTS = 512 };
static const double STUCK_SECONDS = 5; /* idle: how long the next session may take */

struct options options = {.connections = 1, .seconds = 1, .limit_seconds = 10, .size = 10 << 20};

static const struct protocol *const protocols[] = {&imap, &pop3, &lmtp}, *protocol;
static int epoll;
static struct conn *conns;
static long active, ready_count, held_count, held_wanted;
static bool login_mode, idle_mode, announced, going, finished;
static double start_time, end_time, last_end, last_progress;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

/* --- results ----------------------------------------------------------------------------------------------------- */

static void count_operation(double started) {
  last_end = now();
  count_latency(last_end - started);
}

static void report(void) {
  finished = true;
  print_result((last_end > start_time ? last_end : now()) - start_time);
}

static void report_held(void) {
  announced = true;
  printf("{\"held\":%ld,\"errors\":%ld,\"first_error\":\"%s\"}\n", held_count, result.errors, result.first_error);
  fflush(stdout);
}

/* --- connections ------------------------------------------------------------------------------------------------- */

static void watch(struct conn *c, int operation, bool writing) {
  struct epoll_event event = {.events = EPOLLIN | (writing ? EPOLLOUT : 0), .data.ptr = c};
  c->writing = writing;
  if (epoll_ctl(epoll, operation, c->fd, &event)) die("epoll_ctl");
}

static void close_conn(struct conn *c) {
  if (c->phase == HELD) held_count--;
  tls_close(c);
  close(c->fd);
  c->phase = CLOSED;
  active--;
}

void fail(struct conn *c, const char *why) {
  count_error(c, why);
  close_conn(c);
}

static void start(struct conn *c) {
  static unsigned source;
  active++;
  memset(c, 0, offsetof(struct conn, line));
  errno = 0;
  c->phase = CONNECTING;
  c->session_start = now();
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (c->fd < 0) die("socket");
  int one = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  /* Several client addresses: more ports, and no per-address limit of a peer is met. */
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + source++ % 200)};
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  to.sin_port = htons((unsigned short)options.port);
  if (bind(c->fd, (struct sockaddr *)&from, sizeof from)) die("bind");
  int connected = connect(c->fd, (struct sockaddr *)&to, sizeof to);
  watch(c, EPOLL_CTL_ADD, true);
  if (connected && errno != EINPROGRESS) fail(c, "connect");
  errno = 0;
}

/* Octets written, 0 when there is no room, -1 when the connection is broken. */
static ssize_t write_some(struct conn *c, const char *bytes, size_t length) {
  if (c->ssl) return tls_write(c, bytes, (int)length);
  ssize_t sent = send(c->fd, bytes, length, MSG_NOSIGNAL);
  return sent < 0 && errno == EAGAIN ? 0 : sent;
}

void say(struct conn *c, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  /* A command never fills a socket's buffer: less than all of it means that the connection is broken. */
  if (write_some(c, text, (size_t)length) != length) fail(c, "write");
}

/* --- what a session does next ------------------------------------------------------------------------------------ */

static void next_command(struct conn *c) {
  if (now() >= end_time) {
    c->phase = WAITING;
    ready_count++;
    return;
  }
  c->phase = RUNNING;
  c->op_start = now();
  protocol->command(c, options.command);
}

void logged_in(struct conn *c) {
  if (login_mode || idle_mode) {
    c->phase = idle_mode ? RUNNING : LEAVING;
    protocol->command(c, options.command);
    return;
  }
  c->phase = WAITING;
  ready_count++;
}

void op_finished(struct conn *c) {
  count_operation(c->op_start);
  next_command(c);
}

void held(struct conn *c) {
  c->phase = HELD;
  held_count++;
  last_progress = now();
}

static void end_of_file(struct conn *c, bool clean) {
  if (c->phase != LEAVING || !clean) return fail(c, "connection lost");
  count_operation(c->session_start);
  close_conn(c);
}

/* --- message text ------------------------------------------------------------------------------------------------ */

static const char end_of_text[] = "\r\n.\r\n";
enum { END_LENGTH = sizeof end_of_text - 1 };

static void pump(struct conn *c) {
  static char text[TEXT_SIZE];
  if (!*text) {
    memset(text, 'y', sizeof text);
    for (size_t i = 70; i + 1 < sizeof text; i += 72) memcpy(text + i, "\r\n", 2);
  }
  while (c->body) {
    size_t left = c->body > END_LENGTH ? c->body - END_LENGTH : 0;
    const char *from = left ? text : end_of_text + END_LENGTH - c->body;
    ssize_t sent = write_some(c, from, left ? (left < sizeof text ? left : sizeof text) : c->body);
    if (sent < 0) return fail(c, "write");
    if (!sent) {
      if (!c->writing) watch(c, EPOLL_CTL_MOD, true);
      return;
    }
    c->body -= (size_t)sent;
    result.octets += (double)sent;
  }
  if (c->writing) watch(c, EPOLL_CTL_MOD, false);
}

void send_message(struct conn *c) {
  say(c, "From: alice@example.org\r\nTo: bob@example.org\r\nSubject: Load\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
         "Message-ID: <%ld.%d@example.org>\r\n\r\n", result.operations, c->fd);
  if (c->phase == CLOSED) return;
  c->body = options.size + END_LENGTH;
  pump(c);
}

/* --- events ------------------------------------------------------------------------------------------------------ */

static void feed(struct conn *c, const char *data, size_t length) {
  result.octets += (double)length;
  while (length && c->phase != CLOSED) {
    if (c->skip) {
      size_t skipped = length < c->skip ? length : c->skip;
      data += skipped, length -= skipped, c->skip -= skipped;
      continue;
    }
    const char *newline = memchr(data, '\n', length);
    size_t part = newline ? (size_t)(newline - data) + 1 : length;
    if (c->line_length + part >= sizeof c->line) return fail(c, "line too long");
    memcpy(c->line + c->line_length, data, part);
    c->line_length += part;
    data += part, length -= part;
    if (!newline) return;
    while (c->line_length && strchr("\r\n", c->line[c->line_length - 1])) c->line_length--;
    c->line[c->line_length] = 0;
    if (c->phase != HELD) protocol->line(c, c->line, c->line_length);
    c->line_length = 0;
  }
}

static void connected(struct conn *c) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  errno = error;
  if (error) return fail(c, "connect");
  if (options.tls) {
    c->phase = HANDSHAKE;
    tls_open(c);
  } else {
    c->phase = LOGIN;
    watch(c, EPOLL_CTL_MOD, false);
  }
}

static void shake_hands(struct conn *c) {
  enum tls_state state = tls_handshake(c);
  if (state == TLS_ENDED || state == TLS_BROKEN) return fail(c, "TLS handshake");
  if (state == TLS_DONE) c->phase = LOGIN;
  bool writing = state == TLS_WANTS_WRITE;
  if (c->writing != writing) watch(c, EPOLL_CTL_MOD, writing);
}

static void read_tls(struct conn *c, char *data) {
  int length;
  while (c->phase != CLOSED) {
    switch (tls_read(c, data, READ_SIZE, &length)) {
      case TLS_DONE: feed(c, data, (size_t)length); break;
      case TLS_ENDED: return end_of_file(c, true);
      case TLS_BROKEN: return end_of_file(c, false);
      default: return;
    }
  }
}

static void read_plain(struct conn *c, char *data) {
  /* Inside a literal nobody looks at the octets: let the kernel drop them without a copy. */
  bool drop = c->skip > READ_SIZE;
  ssize_t length = recv(c->fd, data, drop ? c->skip : READ_SIZE, drop ? MSG_TRUNC : 0);
  if (length > 0 && drop) {
    c->skip -= (size_t)length;
    result.octets += (double)length;
  } else if (length > 0) {
    feed(c, data, (size_t)length);
  } else if (length == 0 || errno != EAGAIN) {
    end_of_file(c, length == 0 || errno == ECONNRESET);
  }
}

static void handle(struct conn *c, unsigned events) {
  static char data[READ_SIZE];
  if (c->phase == CONNECTING) connected(c);
  if (c->phase == HANDSHAKE) shake_hands(c);
  if (c->phase == CLOSED || c->phase == HANDSHAKE) return;
  if ((events & EPOLLOUT) && c->body) pump(c);
  if (c->phase == CLOSED) return;
  if (c->ssl)
    read_tls(c, data);
  else if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
    read_plain(c, data);
  if (login_mode && going && c->phase == CLOSED && now() < end_time) start(c);
}

/* --- the conversation with whoever started us -------------------------------------------------------------------- */

static void go(void) {
  going = true;
  start_time = last_end = now();
  end_time = start_time + options.seconds;
  ready_count = 0;
  for (long i = 0; i < options.connections; i++) {
    if (login_mode)
      start(conns + i);
    else if (conns[i].phase == WAITING)
      next_command(conns + i);
  }
}

static void open_more(long wanted) {
  held_wanted = wanted < options.connections ? wanted : options.connections;
  announced = false;
  result.errors = 0;
  last_progress = now();
}

/* False when standard input has ended. */
static bool listen_to_input(void) {
  static char text[256];
  static size_t length;
  ssize_t count = read(STDIN_FILENO, text + length, sizeof text - 1 - length);
  if (count <= 0) return false;
  length += (size_t)count;
  text[length] = 0;
  char *newline = strchr(text, '\n');
  if (!newline) return true;
  if (!strncmp(text, "open ", 5)) open_more(atol(text + 5));
  if (!strncmp(text, "go", 2)) go();
  length = 0;
  return true;
}

/* Keeps a few sessions under way until as many are held as asked for. */
static void keep_opening(void) {
  static long opened;
  if (announced) return;
  while (opened < held_wanted && active - held_count < OPENING && !result.errors) start(conns + opened++);
  bool stuck = now() - last_progress > STUCK_SECONDS;
  if (held_count >= held_wanted || stuck || (result.errors && active == held_count)) report_held();
}

static void check_progress(void) {
  if (idle_mode) {
    keep_opening();
  } else if (!announced) {
    if (login_mode ? active > 0 : ready_count + result.errors < options.connections) return;
    announced = true;
    reset_result(); /* what it took to get here does not count */
    printf("{\"ready\":%ld}\n", login_mode ? options.connections : ready_count);
    fflush(stdout);
  } else if (going && !finished) {
    bool late = now() > start_time + options.limit_seconds;
    if (late && active) {
      result.errors += login_mode ? active : active - ready_count;
      snprintf(result.first_error, sizeof result.first_error, "not finished after %g s", options.limit_seconds);
    }
    if (late || !active || (!login_mode && ready_count >= active)) report();
  }
}

static const struct protocol *protocol_called(const char *name) {
  for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
    if (!strcmp(protocols[i]->name, name)) return protocols[i];
  fprintf(stderr, "no protocol %s\n", name);
  exit(2);
}

static void choose_mode(const char *mode) {
  static const char *const names[] = {"noop", "fetch", "idle", "deliver", "login"};
  static const enum command commands[] = {NOOP, FETCH, HOLD, DELIVER, QUIT};
  size_t i = 0;
  while (i < sizeof names / sizeof *names && strcmp(mode, names[i])) i++;
  if (i == sizeof names / sizeof *names) {
    fprintf(stderr, "no mode %s\n", mode);
    exit(2);
  }
  options.command = commands[i];
  idle_mode = commands[i] == HOLD;
  login_mode = commands[i] == QUIT;
}

static void parse_options(int argc, char **argv) {
  choose_mode(argc > 1 ? argv[1] : "");
  protocol = &imap;
  optind = 2;
  for (int option; (option = getopt(argc, argv, "P:p:c:d:D:s:TR")) != -1;) {
    switch (option) {
      case 'P': protocol = protocol_called(optarg); break;
      case 'p': options.port = atoi(optarg); break;
      case 'c': options.connections = atol(optarg); break;
      case 'd': options.seconds = atof(optarg); break;
      case 'D': options.limit_seconds = atof(optarg); break;
      case 's': options.size = strtoull(optarg, NULL, 10); break;
      case 'T': options.tls = true; break;
      case 'R': options.resume = true; break;
      default: exit(2);
    }
  }
}

int main(int argc, char **argv) {
  parse_options(argc, argv);
  signal(SIGPIPE, SIG_IGN);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if (options.tls) tls_set_up();

  epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event input = {.events = EPOLLIN, .data.ptr = NULL}, events[EVENTS];
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &input)) die("standard input");
  conns = calloc((size_t)options.connections, sizeof *conns);
  if (!conns) die("calloc");
  /* The tickets that resumed logins need come from logins before the clock starts. */
  if (options.resume || (!login_mode && !idle_mode))
    for (long i = 0; i < options.connections; i++) start(conns + i);
  announced = idle_mode;

  for (;;) {
    check_progress();
    int count = epoll_wait(epoll, events, EVENTS, 200);
    for (int i = 0; i < count; i++) {
      struct conn *c = events[i].data.ptr;
      if (!c && !listen_to_input()) return 0;
      if (c && c->phase != CLOSED) handle(c, events[i].events);
    }
  }
}
