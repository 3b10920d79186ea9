/* What is said to the servers: the presence protocol, as it is or as events of Socket.IO. */
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mask[8] = {0x37, 0xfa, 0x21, 0x3d, 0x37, 0xfa, 0x21, 0x3d};
static long ref;

static uint8_t *frame_buffer(size_t size) {
  static uint8_t *buffer;
  static size_t capacity;
  if (size > capacity) {
    capacity = 2 * size;
    buffer = realloc(buffer, capacity);
    if (buffer == NULL)
      die("out of memory");
  }
  return buffer;
}

static void send_frame(struct connection *connection, uint8_t opcode, const char *payload, size_t length) {
  uint8_t *frame = frame_buffer(length + 14), *at = frame;
  *at++ = 0x80 | opcode;
  if (length < 126) {
    *at++ = 0x80 | (uint8_t)length;
  } else if (length < 65536) {
    *at++ = 0x80 | 126;
    *at++ = (uint8_t)(length >> 8);
    *at++ = (uint8_t)length;
  } else {
    *at++ = 0x80 | 127;
    for (int shift = 56; shift >= 0; shift -= 8)
      *at++ = (uint8_t)((uint64_t)length >> shift);
  }
  memcpy(at, mask, 4);
  at += 4;
  for (size_t i = 0; i < length; i++)
    at[i] = (uint8_t)payload[i] ^ mask[i & 3];
  connection_write(connection, frame, (size_t)(at - frame) + length);
}

void say_upgrade(struct connection *connection) {
  char request[512];
  int length = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                        "Sec-WebSocket-Version: 13\r\n%s\r\n",
                        settings.engineio ? "/socket.io/?EIO=4&transport=websocket" : "/", settings.port,
                        settings.deflate
                            ? "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
                            : "");
  connection_write(connection, request, (size_t)length);
}

/* A request; its parameters begin with a comma, or are empty. */
void say(struct connection *connection, const char *type, const char *parameters, size_t length) {
  static char *text;
  static size_t capacity;
  if (length + 128 > capacity) {
    capacity = 2 * length + 128;
    text = realloc(text, capacity);
    if (text == NULL)
      die("out of memory");
  }
  const char *form = settings.engineio ? "42[\"%s\",{\"ref\":%ld" : "{\"type\":\"%s\",\"ref\":%ld";
  const char *end = settings.engineio ? "}]" : "}";
  size_t size = (size_t)sprintf(text, form, type, ++ref);
  memcpy(text + size, parameters, length);
  size += length;
  memcpy(text + size, end, strlen(end));
  size += strlen(end);
  send_frame(connection, 1, text, size);
}

void say_hello(struct connection *connection) {
  char parameters[128];
  int length = snprintf(parameters, sizeof parameters,
                        ",\"userid\":%ld,\"accesstoken\":\"token-of-%ld\",\"broadcast\":%s",
                        connection->user, connection->user, connection->lists ? "true" : "false");
  say(connection, "HELLO", parameters, (size_t)length);
}

void send_message(struct connection *connection, long user, const char *payload, size_t length) {
  static char *parameters;
  static size_t capacity;
  if (length + 64 > capacity) {
    capacity = 2 * length + 64;
    parameters = realloc(parameters, capacity);
    if (parameters == NULL)
      die("out of memory");
  }
  size_t size = (size_t)sprintf(parameters, ",\"id\":%ld,\"message\":", user);
  memcpy(parameters + size, payload, length);
  say(connection, "sendMessageToUser", parameters, size + length);
}

/* A list of ascending ids, as an application would send and as it compresses in life. */
char *make_payload(size_t size) {
  char *payload = allocate(size + 32, 1);
  size_t length = 1;
  long id = 1000000;
  payload[0] = '[';
  while (length + 12 < size) {
    id += 1 + (long)(random_unit() * 9);
    length += (size_t)sprintf(payload + length, "%ld,", id);
  }
  payload[length++] = '"'; /* a string fills it up to the size */
  while (length + 2 < size)
    payload[length++] = 'x';
  payload[length++] = '"';
  payload[length++] = ']';
  return payload;
}

static void take_packet_of_engineio(struct connection *connection) {
  switch (connection->start[0]) {
  case '0': /* open: join the name space */
    send_frame(connection, 1, "40", 2);
    break;
  case '2': /* ping */
    send_frame(connection, 1, "3", 1);
    break;
  default: /* 40, joined */
    connection->state = GREETING;
    say_hello(connection);
  }
}

void take_frame(struct connection *connection, uint8_t opcode, bool compressed) {
  static const char error[] = "{\"type\":\"ERROR\"";
  if (opcode == 9) {
    send_frame(connection, 10, (const char *)connection->start, connection->start_length);
    return;
  }
  if (opcode == 8)
    die("the server closes the connection of user %ld with %d", connection->user,
        connection->start[0] << 8 | connection->start[1]);
  if (settings.engineio && (connection->state == OPENING || connection->start[0] == '2')) {
    take_packet_of_engineio(connection);
    return;
  }
  totals.frames++;
  totals.compressed += compressed;
  if (connection->start_length >= sizeof error - 1 && memcmp(connection->start, error, sizeof error - 1) == 0)
    die("the server answered with an error, of user %ld: %.*s", connection->user,
        (int)connection->start_length, (char *)connection->start);
  if (connection->state == GREETING) {
    connection->state = READY;
    if (connection->on_ready != NULL)
      connection->on_ready(connection);
  } else if (connection->on_frame != NULL) {
    connection->on_frame(connection);
  }
}
