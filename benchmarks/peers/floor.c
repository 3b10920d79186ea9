/* The floor: the presence protocol with as little as can be done for it, one epoll loop and one send per frame.
 *
 * It knows the load generator: its key of the opening handshake, its spelling of requests, its user ids below
 * MOST_USERS. It checks nothing and is no server to put on a network. Run as: floor plain PORT. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST_FILES 65536
#define MOST_USERS (1 << 20)
#define WINDOW_MS 250
#define READ_SIZE (256 * 1024)

struct buffer {
  char *bytes;
  size_t length, capacity;
};

struct connection {
  int fd;
  long user; /* 0 for none */
  bool open, lists, watches;
  struct connection *next, *previous; /* of the same user */
  struct buffer in, out;
};

static struct connection *connections[MOST_FILES];
static struct connection *users[MOST_USERS];
static bool was_online[MOST_USERS];
static long changed[MOST_USERS], changes, highest_user, version;
static int epoll, highest_fd;
static char reading[READ_SIZE];

static void append(struct buffer *buffer, const void *bytes, size_t length) {
  if (buffer->length + length + 1 > buffer->capacity) {
    buffer->capacity = 2 * (buffer->length + length) + 1;
    buffer->bytes = realloc(buffer->bytes, buffer->capacity);
    if (buffer->bytes == NULL)
      abort();
  }
  memcpy(buffer->bytes + buffer->length, bytes, length);
  buffer->length += length;
  buffer->bytes[buffer->length] = 0;
}

static void drop_first(struct buffer *buffer, size_t length) {
  buffer->length -= length;
  memmove(buffer->bytes, buffer->bytes + length, buffer->length);
  if (buffer->length == 0) {
    free(buffer->bytes);
    *buffer = (struct buffer){0};
  } else {
    buffer->bytes[buffer->length] = 0;
  }
}

static void watch(struct connection *connection, uint32_t events, int operation) {
  struct epoll_event event = {.events = events, .data.ptr = connection};
  epoll_ctl(epoll, operation, connection->fd, &event);
}

static void send_bytes(struct connection *connection, const char *bytes, size_t length) {
  ssize_t sent = 0;
  if (connection->out.length == 0) {
    sent = send(connection->fd, bytes, length, MSG_NOSIGNAL);
    if (sent == (ssize_t)length)
      return;
    if (sent < 0 && errno != EAGAIN)
      return;
    sent = sent < 0 ? 0 : sent;
    watch(connection, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
  }
  append(&connection->out, bytes + sent, length - (size_t)sent);
}

static void send_rest(struct connection *connection) {
  ssize_t sent = send(connection->fd, connection->out.bytes, connection->out.length, MSG_NOSIGNAL);
  if (sent > 0)
    drop_first(&connection->out, (size_t)sent);
  if (connection->out.length == 0)
    watch(connection, EPOLLIN, EPOLL_CTL_MOD);
}

/* A frame is built after room for the longest header, which is then put right before the text. */
static char *frame_bytes;
static size_t frame_length;
static struct buffer text;

static void begin_text(void) {
  text.length = 0;
  append(&text, "0123456789", 10);
}

static void end_text(void) {
  size_t length = text.length - 10;
  size_t size = length < 126 ? 2 : length < 65536 ? 4 : 10;
  uint8_t *header = (uint8_t *)text.bytes + 10 - size;
  header[0] = 0x81;
  header[1] = (uint8_t)(size == 2 ? length : size == 4 ? 126 : 127);
  for (size_t i = 2; i < size; i++)
    header[i] = (uint8_t)((uint64_t)length >> 8 * (size - 1 - i));
  frame_bytes = (char *)header;
  frame_length = length + size;
}

static void add_text(const char *form, long number) {
  char part[160];
  append(&text, part, (size_t)snprintf(part, sizeof part, form, number));
}

static void answer(struct connection *connection, const char *type, const char *request, const char *form,
                   long number) {
  const char *ref = strstr(request, "\"ref\":");
  begin_text();
  add_text("{\"type\":\"OK\",\"re\":\"", 0);
  append(&text, type, strlen(type));
  add_text("\",\"ref\":%ld", ref == NULL ? 0 : atol(ref + 6));
  add_text(form, number);
  add_text("}", 0);
  end_text();
  send_bytes(connection, frame_bytes, frame_length);
}

static void note_change(long user) {
  changed[changes++ % MOST_USERS] = user;
  highest_user = user > highest_user ? user : highest_user;
}

static void enter(struct connection *connection, long user) {
  connection->user = user;
  connection->previous = NULL;
  connection->next = users[user];
  if (connection->next == NULL)
    note_change(user);
  else
    connection->next->previous = connection;
  users[user] = connection;
}

static void leave(struct connection *connection) {
  long user = connection->user;
  if (user == 0)
    return;
  if (connection->previous == NULL)
    users[user] = connection->next;
  else
    connection->previous->next = connection->next;
  if (connection->next != NULL)
    connection->next->previous = connection->previous;
  if (users[user] == NULL)
    note_change(user);
  connection->user = 0;
  connection->lists = connection->watches = false;
}

static void relay(struct connection *sender, const char *request, size_t length) {
  const char *id = strstr(request, "\"id\":"), *message = strstr(request, "\"message\":");
  struct timespec now;
  long delivered = 0, user = atol(id + 5);
  clock_gettime(CLOCK_REALTIME, &now);
  begin_text();
  add_text("{\"type\":\"message\",\"from\":%ld,\"message\":", sender->user);
  append(&text, message + 10, length - (size_t)(message + 10 - request) - 1);
  add_text(",\"ts\":%ld", now.tv_sec);
  add_text(".%03ld}", now.tv_nsec / 1000000);
  end_text();
  for (struct connection *to = users[user]; to != NULL; to = to->next, delivered++)
    send_bytes(to, frame_bytes, frame_length);
  answer(sender, "sendMessageToUser", request, ",\"delivered\":%ld", delivered);
}

static void take_request(struct connection *connection, char *request, size_t length) {
  char end = request[length];
  request[length] = 0; /* what follows is put back */
  const char *type = strstr(request, "\"type\":\"") + 8;
  if (strncmp(type, "sendM", 5) == 0) {
    relay(connection, request, length);
  } else if (strncmp(type, "HELLO", 5) == 0) {
    long user = atol(strstr(request, "\"userid\":") + 9);
    answer(connection, "HELLO", request,
           ",\"userid\":%ld,\"socket\":\"5f0c8e0f5d1c4b7c9a3e2d1f\",\"ping\":25,\"maxbytes\":65536,\"features\":[]",
           user);
    if (connection->user == 0)
      enter(connection, user);
    connection->lists = strstr(request, "\"broadcast\":false") == NULL;
  } else if (strncmp(type, "GOODBYE", 7) == 0) {
    leave(connection);
    answer(connection, "GOODBYE", request, "", 0);
  } else {
    connection->watches = true;
    answer(connection, "subscribeOnlineStatus", request, ",\"version\":%ld", version);
  }
  request[length] = end;
}

/* Returns how many bytes the first request takes, or 0 while it is not whole. */
static size_t take_frame(struct connection *connection, uint8_t *bytes, size_t have) {
  if (have < 6)
    return 0;
  size_t length = bytes[1] & 0x7f, at = 2;
  if (length == 126) {
    length = (size_t)bytes[2] << 8 | bytes[3];
    at = 4;
  } else if (length == 127) {
    length = (size_t)bytes[6] << 24 | (size_t)bytes[7] << 16 | (size_t)bytes[8] << 8 | bytes[9];
    at = 10;
  }
  if (have < at + 4 + length)
    return 0;
  uint8_t *mask = bytes + at, *payload = bytes + at + 4;
  for (size_t i = 0; i < length; i++)
    payload[i] ^= mask[i & 3];
  if ((bytes[0] & 0x0f) == 1)
    take_request(connection, (char *)payload, length);
  return at + 4 + length;
}

static size_t take_upgrade(struct connection *connection, char *bytes) {
  static const char reply[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
  char *end = strstr(bytes, "\r\n\r\n");
  if (end == NULL)
    return 0;
  connection->open = true;
  send_bytes(connection, reply, sizeof reply - 1);
  return (size_t)(end + 4 - bytes);
}

static void end(struct connection *connection) {
  leave(connection);
  connections[connection->fd] = NULL;
  close(connection->fd);
  free(connection->in.bytes);
  free(connection->out.bytes);
  free(connection);
}

static void take_bytes(struct connection *connection) {
  ssize_t count = recv(connection->fd, reading, sizeof reading - 1, 0);
  if (count < 0 && errno == EAGAIN)
    return;
  if (count <= 0) {
    end(connection);
    return;
  }
  char *bytes = reading;
  size_t have = (size_t)count, used;
  if (connection->in.length > 0) {
    append(&connection->in, reading, have);
    bytes = connection->in.bytes;
    have = connection->in.length;
  }
  bytes[have] = 0;
  size_t at = 0;
  do {
    used = connection->open ? take_frame(connection, (uint8_t *)bytes + at, have - at)
                            : take_upgrade(connection, bytes);
    at += used;
  } while (used > 0);
  if (bytes != reading)
    drop_first(&connection->in, at);
  else if (at < have)
    append(&connection->in, bytes + at, have - at);
}

static void admit(int listener) {
  int one = 1, fd;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL || fd >= MOST_FILES)
      abort();
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    connection->fd = fd;
    connections[fd] = connection;
    highest_fd = fd > highest_fd ? fd : highest_fd;
    watch(connection, EPOLLIN, EPOLL_CTL_ADD);
  }
}

static void add_users(bool came, const long *list, long count) {
  add_text(came ? ",\"wentOnline\":[" : ",\"wentOffline\":[", 0);
  for (long i = 0; i < count; i++)
    if ((users[list[i]] != NULL) == came)
      add_text(text.bytes[text.length - 1] == '[' ? "%ld" : ",%ld", list[i]);
  add_text("]", 0);
}

static void publish(void) {
  static long net[MOST_USERS];
  long count = 0, all = changes < MOST_USERS ? changes : MOST_USERS;
  for (long i = 0; i < all; i++) {
    long user = changed[i];
    bool online = users[user] != NULL;
    if (was_online[user] != online)
      net[count++] = user;
    was_online[user] = online;
  }
  changes = 0;
  if (count == 0)
    return;
  version++;
  begin_text();
  add_text("{\"type\":\"onlineStatus\",\"version\":%ld", version);
  add_users(true, net, count);
  add_users(false, net, count);
  add_text("}", 0);
  end_text();
  for (int fd = 0; fd <= highest_fd; fd++)
    if (connections[fd] != NULL && connections[fd]->watches)
      send_bytes(connections[fd], frame_bytes, frame_length);
  begin_text();
  add_text("{\"type\":\"onlineUsers\",\"online\":[", 0);
  for (long user = 1; user <= highest_user; user++)
    if (users[user] != NULL)
      add_text(text.bytes[text.length - 1] == '[' ? "%ld" : ",%ld", user);
  add_text("],\"version\":%ld}", version);
  end_text();
  for (int fd = 0; fd <= highest_fd; fd++)
    if (connections[fd] != NULL && connections[fd]->lists)
      send_bytes(connections[fd], frame_bytes, frame_length);
}

static long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int main(int count_of_arguments, char **arguments) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct epoll_event events[256];
  struct connection door = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  long published_at = 0;
  if (count_of_arguments != 3)
    return 2;
  address.sin_port = htons((uint16_t)atoi(arguments[2]));
  epoll = epoll_create1(EPOLL_CLOEXEC);
  if (door.fd < 0 || bind(door.fd, (struct sockaddr *)&address, sizeof address) != 0 ||
      listen(door.fd, 4096) != 0)
    return 1;
  watch(&door, EPOLLIN, EPOLL_CTL_ADD);
  for (;;) {
    int count = epoll_wait(epoll, events, 256, changes > 0 ? WINDOW_MS / 10 : -1);
    for (int i = 0; i < count; i++) {
      struct connection *connection = events[i].data.ptr;
      if (connection == &door) {
        admit(door.fd);
        continue;
      }
      if ((events[i].events & EPOLLOUT) && connection->out.length > 0)
        send_rest(connection);
      if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        take_bytes(connection);
    }
    if (changes > 0 && now_ms() - published_at >= WINDOW_MS) {
      published_at = now_ms();
      publish();
    }
  }
}
