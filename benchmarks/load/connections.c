/* Sockets and the frames that come from them; only headers are looked at, and the first bytes of payloads. */
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE (256 * 1024)

struct group groups[GROUPS];
struct settings settings;
struct totals totals;

static uint8_t buffer[READ_SIZE];

static void lost(struct connection *connection) {
  totals.lost++;
  connection_close(connection, false);
  if (connection->on_lost == NULL)
    die("the server closed the connection of user %ld", connection->user);
  connection->on_lost(connection);
}

static void want_out(struct connection *connection, bool wants) {
  if (connection->wants_out != wants) {
    connection->wants_out = wants;
    loop_watch(connection, EPOLLIN | (wants ? EPOLLOUT : 0), false);
  }
}

void connection_open(struct connection *connection) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(settings.port)};
  int one = 1;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (connection->fd < 0)
    die("socket: %s; the limit of open files is too low for so many connections", strerror(errno));
  setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  connection->state = CONNECTING;
  connection->began = now_ns();
  connection->header_length = 0;
  connection->inside = false;
  connection->captured_length = 0;
  connection->out_length = connection->out_sent = 0;
  connection->sent.count = 0;
  if (connect(connection->fd, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS)
    die("connect: %s", strerror(errno));
  connection->wants_out = true;
  loop_watch(connection, EPOLLIN | EPOLLOUT, true);
}

void connection_close(struct connection *connection, bool reset) {
  if (connection->state == CLOSED)
    return;
  if (settings.tls)
    tls_end(connection);
  if (reset) {
    struct linger now = {1, 0};
    setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  close(connection->fd);
  connection->fd = -1;
  connection->state = CLOSED;
}

static long send_some(struct connection *connection, const void *bytes, size_t length) {
  if (settings.tls)
    return tls_write(connection, bytes, length);
  return send(connection->fd, bytes, length, MSG_NOSIGNAL);
}

void connection_write(struct connection *connection, const void *bytes, size_t length) {
  size_t sent = 0;
  if (connection->out_length == 0) {
    long count = send_some(connection, bytes, length);
    if (count == (long)length)
      return;
    if (count > 0)
      sent = (size_t)count;
    else if (errno != EAGAIN)
      return; /* reading tells that the connection was lost */
  }
  size_t rest = length - sent;
  if (connection->out_length + rest > connection->out_capacity) {
    connection->out_capacity = connection->out_length + rest;
    connection->out = realloc(connection->out, connection->out_capacity);
    if (connection->out == NULL)
      die("out of memory");
  }
  memcpy(connection->out + connection->out_length, (const uint8_t *)bytes + sent, rest);
  connection->out_length += rest;
  want_out(connection, true);
}

static void write_rest(struct connection *connection) {
  while (connection->out_sent < connection->out_length) {
    long count = send_some(connection, connection->out + connection->out_sent,
                           connection->out_length - connection->out_sent);
    if (count <= 0)
      return;
    connection->out_sent += (size_t)count;
  }
  connection->out_length = connection->out_sent = 0;
  want_out(connection, false);
}

static void connected(struct connection *connection) {
  connection->state = UPGRADING;
  want_out(connection, false);
  say_upgrade(connection);
}

static void shake_hands(struct connection *connection) {
  int done = tls_handshake(connection);
  if (done < 0)
    lost(connection);
  else if (done > 0)
    connected(connection);
  else
    want_out(connection, false);
}

static void read_some(struct connection *connection) {
  for (;;) {
    long count = settings.tls ? tls_read(connection, buffer, sizeof buffer)
                              : recv(connection->fd, buffer, sizeof buffer, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
      return;
    if (count <= 0) {
      lost(connection);
      return;
    }
    if (connection->state == UPGRADING)
      received_upgrade(connection, buffer, (size_t)count);
    else
      received_frames(connection, buffer, (size_t)count);
    if (connection->state == CLOSED || (!settings.tls && count < (long)sizeof buffer))
      return;
  }
}

void connection_event(struct connection *connection, uint32_t events) {
  if (connection->state == CLOSED)
    return; /* by what came before it in the same turn */
  if (connection->state == CONNECTING && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
    int problem = 0;
    socklen_t size = sizeof problem;
    getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &problem, &size);
    if (problem != 0) {
      lost(connection);
      return;
    }
    if (!settings.tls) {
      connected(connection);
      return;
    }
    tls_begin(connection);
    connection->state = SECURING;
  }
  if (connection->state == SECURING) {
    shake_hands(connection);
    return;
  }
  if (events & EPOLLOUT)
    write_rest(connection);
  if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
    read_some(connection);
}

static void capture(struct connection *connection, const uint8_t *bytes, size_t length) {
  size_t needed = connection->captured_length + length;
  if (needed + 1 > connection->captured_capacity) {
    connection->captured_capacity = 2 * needed + 1;
    connection->captured = realloc(connection->captured, connection->captured_capacity);
    if (connection->captured == NULL)
      die("out of memory");
  }
  memcpy(connection->captured + connection->captured_length, bytes, length);
  connection->captured_length = needed;
  connection->captured[needed] = 0;
}

/* Returns how many bytes the header of the frame has, as far as that is known. */
static uint8_t header_size(const struct connection *connection) {
  if (connection->header_length < 2)
    return 2;
  switch (connection->header[1]) { /* a server's frames are not masked */
  case 126:
    return 4;
  case 127:
    return 10;
  default:
    return 2;
  }
}

static void begin_frame(struct connection *connection) {
  uint64_t length = connection->header[1];
  if (length & 0x80)
    die("the server sent a masked frame");
  if (length >= 126) {
    int size = length == 126 ? 2 : 8;
    length = 0;
    for (int i = 0; i < size; i++)
      length = length << 8 | connection->header[2 + i];
  }
  connection->length = connection->left = length;
  connection->inside = true;
  connection->start_length = 0;
  connection->captured_length = 0;
}

void received_frames(struct connection *connection, const uint8_t *bytes, size_t length) {
  totals.bytes += length;
  for (;;) {
    if (!connection->inside) {
      uint8_t size = header_size(connection);
      while (length > 0 && connection->header_length < size) {
        connection->header[connection->header_length++] = *bytes++;
        length--;
        size = header_size(connection);
      }
      if (connection->header_length < size)
        return;
      begin_frame(connection);
    }
    size_t part = length < connection->left ? length : (size_t)connection->left;
    size_t kept = START - connection->start_length;
    kept = kept < part ? kept : part;
    memcpy(connection->start + connection->start_length, bytes, kept);
    connection->start_length += (uint8_t)kept;
    if (connection->captures)
      capture(connection, bytes, part);
    bytes += part;
    length -= part;
    connection->left -= part;
    if (connection->left > 0)
      return;
    connection->inside = false;
    connection->header_length = 0;
    take_frame(connection, connection->header[0] & 0x0f, connection->header[0] & 0x40);
    if (connection->state == CLOSED)
      return;
  }
}

void received_upgrade(struct connection *connection, const uint8_t *bytes, size_t length) {
  static const char accept[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="; /* for the key of RFC 6455, 1.3 */
  capture(connection, bytes, length);
  char *end = strstr(connection->captured, "\r\n\r\n");
  if (end == NULL)
    return;
  end += 4;
  if (strncmp(connection->captured, "HTTP/1.1 101", 12) != 0 || strstr(connection->captured, accept) == NULL)
    die("the server refused the upgrade: %.80s", connection->captured);
  size_t rest = connection->captured_length - (size_t)(end - connection->captured);
  connection->captured_length = 0;
  connection->state = settings.engineio ? OPENING : GREETING;
  bytes += length - rest; /* the frames after it all came with the last bytes */
  end[-1] = 0;
  if (strcasestr(connection->captured, "permessage-deflate") != NULL)
    totals.negotiated++;
  if (!settings.engineio)
    say_hello(connection);
  received_frames(connection, bytes, rest);
}
