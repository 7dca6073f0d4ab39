/* TLS from the first octet, and the tickets to resume it. */
#include "loadgen.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

enum { TICKETS = 4096 };

static SSL_CTX *context;

/* Tickets of earlier connections; TLS 1.3 wants each used once (RFC 8446, appendix C.4). */
static SSL_SESSION *tickets[TICKETS];
static int ticket_count;

static int new_ticket(SSL *ssl, SSL_SESSION *session) {
  (void)ssl;
  if (!options.resume || ticket_count == TICKETS) return 0;
  tickets[ticket_count++] = session;
  return 1;
}

void tls_set_up(void) {
  context = SSL_CTX_new(TLS_client_method());
  if (!context) abort();
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, new_ticket);
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE);
}

void tls_open(struct conn *c) {
  c->ssl = SSL_new(context);
  SSL_set_fd(c->ssl, c->fd);
  SSL_set_connect_state(c->ssl);
  if (!ticket_count) return;
  SSL_SESSION *session = tickets[--ticket_count];
  SSL_set_session(c->ssl, session);
  SSL_SESSION_free(session);
}

static enum tls_state state_after(const struct conn *c, int returned) {
  switch (SSL_get_error(c->ssl, returned)) {
    case SSL_ERROR_WANT_READ: return TLS_WANTS_READ;
    case SSL_ERROR_WANT_WRITE: return TLS_WANTS_WRITE;
    case SSL_ERROR_ZERO_RETURN:
    case SSL_ERROR_SYSCALL: return TLS_ENDED;
    default: return TLS_BROKEN;
  }
}

enum tls_state tls_handshake(struct conn *c) {
  ERR_clear_error();
  int done = SSL_do_handshake(c->ssl);
  if (done != 1) return state_after(c, done);
  *(SSL_session_reused(c->ssl) ? &result.tls_resumed : &result.tls_full) += 1;
  return TLS_DONE;
}

enum tls_state tls_read(struct conn *c, char *data, int size, int *length) {
  ERR_clear_error();
  *length = SSL_read(c->ssl, data, size);
  return *length > 0 ? TLS_DONE : state_after(c, *length);
}

long tls_write(struct conn *c, const char *bytes, int length) {
  ERR_clear_error();
  int sent = SSL_write(c->ssl, bytes, length);
  if (sent > 0) return sent;
  enum tls_state state = state_after(c, sent);
  return state == TLS_WANTS_WRITE || state == TLS_WANTS_READ ? 0 : -1;
}

void tls_close(struct conn *c) {
  if (!c->ssl) return;
  SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(c->ssl);
  c->ssl = NULL;
}
