/* The account API of the benchmark. It believes every token: "token-of-7" is user 7's.
 *
 * It answers GET /users/me at once, over connections that stay open. Run as: accounts PORT. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST_FILES 4096
#define REQUEST_SIZE 16384

static struct {
  char *bytes;
  size_t length;
} requests[MOST_FILES];

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void answer(int fd, const char *request) {
  char body[64], head[256];
  const char *token = strcasestr(request, "\r\nauthorization: bearer token-of-");
  long user = token == NULL ? 0 : atol(strchr(token + 2, '-') + 4);
  int size = user > 0 ? snprintf(body, sizeof body, "{\"id\":%ld}", user) : 0;
  int length = snprintf(head, sizeof head,
                        "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%.*s",
                        user > 0 ? "200 OK" : "403 Forbidden", size, size, body);
  if (send(fd, head, (size_t)length, MSG_NOSIGNAL) != length)
    shutdown(fd, SHUT_RDWR);
}

static void take(int fd) {
  char *bytes = requests[fd].bytes, *end;
  size_t have = requests[fd].length;
  ssize_t count = recv(fd, bytes + have, REQUEST_SIZE - 1 - have, 0);
  if (count <= 0) {
    close(fd);
    requests[fd].length = 0;
    return;
  }
  have += (size_t)count;
  bytes[have] = 0;
  while ((end = strstr(bytes, "\r\n\r\n")) != NULL) {
    answer(fd, bytes);
    have -= (size_t)(end + 4 - bytes);
    memmove(bytes, end + 4, have + 1);
  }
  requests[fd].length = have;
}

static void admit(int epoll, int listener) {
  int one = 1, fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (fd < 0 || fd >= MOST_FILES) {
    close(fd);
    return;
  }
  if (requests[fd].bytes == NULL)
    requests[fd].bytes = malloc(REQUEST_SIZE);
  requests[fd].length = 0;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  if (requests[fd].bytes == NULL || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
    fail("accounts");
}

int main(int count_of_arguments, char **arguments) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[64];
  if (count_of_arguments != 2)
    return 2;
  address.sin_port = htons((uint16_t)atoi(arguments[1]));
  if (listener < 0 || epoll < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
      listen(listener, 1024) != 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0)
    fail("accounts");
  for (;;) {
    int count = epoll_wait(epoll, events, 64, -1);
    for (int i = 0; i < count; i++) {
      if (events[i].data.fd == listener)
        admit(epoll, listener);
      else
        take(events[i].data.fd);
    }
  }
}
