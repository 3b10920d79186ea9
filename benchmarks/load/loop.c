/* The event loop. Connections that are near are looked at between any few of the many others, so that what
 * is measured on them is the server's delay and not that of this process. */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define AT_ONCE 16
#define QUIET_NS (20 * MILLISECOND)
#define MOST_WAITING (30 * SECOND)

uint64_t next_due = NEVER;
void (*on_time)(uint64_t now);

static int far, near, timer;
static struct connection the_near, the_timer; /* only their addresses are of use */

static void watch(int epoll, int fd, void *what, uint32_t events, int operation) {
  struct epoll_event event = {.events = events, .data.ptr = what};
  if (epoll_ctl(epoll, operation, fd, &event) != 0)
    die("epoll_ctl: %s", strerror(errno));
}

void loop_set_up(void) {
  far = epoll_create1(EPOLL_CLOEXEC);
  near = epoll_create1(EPOLL_CLOEXEC);
  timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (far < 0 || near < 0 || timer < 0)
    die("epoll: %s", strerror(errno));
  prctl(PR_SET_TIMERSLACK, 1);
  watch(far, near, &the_near, EPOLLIN, EPOLL_CTL_ADD);
  watch(far, timer, &the_timer, EPOLLIN, EPOLL_CTL_ADD);
}

void loop_watch(struct connection *connection, uint32_t events, bool add) {
  watch(connection->near ? near : far, connection->fd, connection, events, add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD);
}

static void look_at_near(void) {
  struct epoll_event events[AT_ONCE];
  int count;
  do {
    count = epoll_wait(near, events, AT_ONCE, 0);
    for (int i = 0; i < count; i++)
      connection_event(events[i].data.ptr, events[i].events);
  } while (count == AT_ONCE);
}

static void set_timer(uint64_t at) {
  static uint64_t set_to;
  if (at == set_to)
    return;
  set_to = at;
  struct itimerspec when = {{0, 0}, {(time_t)(at / SECOND), (long)(at % SECOND)}};
  if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL) != 0)
    die("timerfd_settime: %s", strerror(errno));
}

bool loop_run(bool (*done)(void), uint64_t until) {
  struct epoll_event events[AT_ONCE];
  while (!done()) {
    uint64_t now = now_ns();
    if (now >= until)
      return false;
    if (now >= next_due) {
      on_time(now);
      if (done())
        break;
    }
    uint64_t wake = next_due < until ? next_due : until;
    set_timer(wake);
    int count = epoll_wait(far, events, AT_ONCE, wake <= now ? 0 : -1);
    if (count < 0 && errno != EINTR)
      die("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
      struct connection *connection = events[i].data.ptr;
      if (connection != &the_near && connection != &the_timer)
        connection_event(connection, events[i].events);
    }
    look_at_near();
  }
  return true;
}

static bool never(void) { return false; }

void loop_until_quiet(void) {
  uint64_t give_up = now_ns() + MOST_WAITING, before = server_cpu_ns();
  for (int quiet = 0; quiet < 3 && now_ns() < give_up;) {
    loop_run(never, now_ns() + QUIET_NS);
    uint64_t after = server_cpu_ns();
    quiet = after - before < QUIET_NS / 10 ? quiet + 1 : 0;
    before = after;
  }
}
