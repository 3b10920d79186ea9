/* TLS by OpenSSL; without its headers, nothing of it. */
#include "load.h"

#include <errno.h>

#ifdef WITH_TLS

#include <openssl/err.h>
#include <openssl/ssl.h>

static SSL_CTX *context;

/* Tickets of TLS 1.3 come some time after the handshake. */
static int keep_ticket(SSL *ssl, SSL_SESSION *ticket) {
  struct connection *connection = SSL_get_app_data(ssl);
  if (connection->ticket != NULL)
    SSL_SESSION_free(connection->ticket);
  connection->ticket = ticket;
  return 1;
}

void tls_set_up(void) {
  context = SSL_CTX_new(TLS_client_method());
  if (context == NULL)
    die("OpenSSL does not begin");
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep_ticket);
}

void tls_begin(struct connection *connection) {
  SSL *ssl = SSL_new(context);
  if (ssl == NULL || SSL_set_fd(ssl, connection->fd) != 1)
    die("OpenSSL does not begin a connection");
  SSL_set_app_data(ssl, connection);
  SSL_set_connect_state(ssl);
  if (connection->ticket != NULL)
    SSL_set_session(ssl, connection->ticket);
  connection->tls = ssl;
}

static long result(struct connection *connection, int count) {
  if (count > 0)
    return count;
  int problem = SSL_get_error(connection->tls, count);
  ERR_clear_error();
  errno = problem == SSL_ERROR_WANT_READ || problem == SSL_ERROR_WANT_WRITE ? EAGAIN : EIO;
  return problem == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

int tls_handshake(struct connection *connection) {
  if (result(connection, SSL_do_handshake(connection->tls)) > 0) {
    totals.resumed += SSL_session_reused(connection->tls) == 1;
    return 1;
  }
  return errno == EAGAIN ? 0 : -1;
}

long tls_read(struct connection *connection, void *bytes, size_t size) {
  return result(connection, SSL_read(connection->tls, bytes, (int)size));
}

long tls_write(struct connection *connection, const void *bytes, size_t length) {
  return result(connection, SSL_write(connection->tls, bytes, (int)length));
}

void tls_end(struct connection *connection) {
  if (connection->tls != NULL) {
    /* Else OpenSSL takes the session for a broken one, and its ticket with it. */
    SSL_set_shutdown(connection->tls, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(connection->tls);
  }
  connection->tls = NULL;
}

#else

void tls_set_up(void) { die("this load generator was made without the headers of OpenSSL"); }

void tls_begin(struct connection *connection) { (void)connection; }

int tls_handshake(struct connection *connection) {
  (void)connection;
  return -1;
}

long tls_read(struct connection *connection, void *bytes, size_t size) {
  (void)connection, (void)bytes, (void)size;
  errno = ENOSYS;
  return -1;
}

long tls_write(struct connection *connection, const void *bytes, size_t length) {
  return tls_read(connection, (void *)(uintptr_t)bytes, length);
}

void tls_end(struct connection *connection) { (void)connection; }

#endif
