/*
 * The receiver of the benchmark: answers 204 to every request, after a delay if one is asked for, and
 * remembers when each request came in. One thread, epoll, kept-alive connections; a delayed answer holds
 * up no other.
 *
 *     receiver MOST DELAY_MS [PART FILE]...
 *
 * A request whose first line holds PART gets the JSON of FILE instead, which makes it a telephony API that
 * costs nothing. It listens on a free loopback port and says `port P`. Then it reads lines on stdin:
 *
 *     report          count N FIRST LAST BYTES
 *     expect N        reached N FIRST LAST BYTES, once N requests have come
 *     dump PATH       writes the arrivals as 64-bit integers, then says `dumped N`
 *
 * Arrivals are CLOCK_MONOTONIC in nanoseconds, read when the first bytes of a request are there. At most
 * MOST of them are kept; all are counted. BYTES is the sum of the bodies. It ends with its stdin.
 */
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
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_FILES = 65536, HEAD_BYTES = 16384, EVENTS = 256, LINE_BYTES = 4096, MOST_ANSWERS = 8 };

struct bytes {
    const char *part; /* of the requests that it answers */
    char *text;
    size_t length;
};

static struct bytes plain = {"", "HTTP/1.1 204 No Content\r\n\r\n", 27};
static struct bytes prepared[MOST_ANSWERS];
static size_t prepared_count;

struct connection {
    uint32_t life;  /* counts the connections that had this file; a late answer is for one of them only */
    uint64_t began; /* when the request that is being read came in; 0: none is */
    uint64_t body;  /* bytes of its body that are still to come */
    bool in_body;
    struct bytes *answer;
    size_t used;
    char *head;
};

struct answer {
    uint64_t due;
    int file;
    uint32_t life;
};

static struct connection connections[MOST_FILES];
static struct answer late[MOST_FILES]; /* a ring: every answer waits equally long, so the first is the next */
static size_t late_first, late_count;
static uint64_t *arrivals, most, count, first, last, bytes, expected, delay;
static int poller;

static uint64_t now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void report(const char *word) {
    printf("%s %lu %lu %lu %lu\n", word, count, first, last, bytes);
    fflush(stdout);
}

static void forget(int file) {
    struct connection *one = &connections[file];
    free(one->head);
    *one = (struct connection){.life = one->life + 1};
    close(file);
}

static void answer(int file) {
    struct bytes *sent = connections[file].answer;
    if (send(file, sent->text, sent->length, MSG_NOSIGNAL) != (ssize_t)sent->length)
        forget(file);
}

static void arrived(int file) {
    struct connection *one = &connections[file];
    if (count < most)
        arrivals[count] = one->began;
    if (count == 0)
        first = one->began;
    last = one->began;
    count++;
    one->began = 0;
    one->in_body = false;
    if (expected && count >= expected) {
        expected = 0;
        report("reached");
    }
    if (!delay) {
        answer(file);
    } else if (late_count < MOST_FILES) {
        late[(late_first + late_count++) % MOST_FILES] = (struct answer){now() + delay, file, one->life};
    }
}

static uint64_t content_length(const char *head) {
    const char *found = strcasestr(head, "\r\ncontent-length:");
    return found ? strtoull(found + sizeof "\r\ncontent-length:" - 1, NULL, 10) : 0;
}

static struct bytes *answer_for(char *head) {
    head[strcspn(head, "\r")] = 0;
    for (size_t index = 0; index < prepared_count; index++)
        if (strstr(head, prepared[index].part))
            return &prepared[index];
    return &plain;
}

/* Takes what is one request's from the front of the buffer. Returns whether there may be more. */
static bool take(int file) {
    struct connection *one = &connections[file];
    if (!one->in_body) {
        char *end = memmem(one->head, one->used, "\r\n\r\n", 4);
        if (!end)
            return false;
        *end = 0;
        one->body = content_length(one->head);
        bytes += one->body;
        one->answer = answer_for(one->head);
        one->in_body = true;
        size_t length = (size_t)(end - one->head) + 4;
        memmove(one->head, one->head + length, one->used -= length);
    }
    size_t skipped = one->used < one->body ? one->used : one->body;
    memmove(one->head, one->head + skipped, one->used -= skipped);
    one->body -= skipped;
    if (one->body)
        return false;
    uint32_t life = one->life;
    arrived(file);
    return life == one->life && one->used > 0;
}

static void hear(int file) {
    struct connection *one = &connections[file];
    ssize_t got = recv(file, one->head + one->used, HEAD_BYTES - one->used, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        forget(file);
        return;
    }
    uint64_t at = now();
    one->used += (size_t)got;
    do {
        if (!one->began)
            one->began = at;
    } while (take(file));
    if (one->head && one->used == HEAD_BYTES)
        forget(file); /* a head that does not end */
}

static void greet(int listener) {
    int file;
    while ((file = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        int yes = 1;
        struct epoll_event event = {.events = EPOLLIN, .data.fd = file};
        if (file >= MOST_FILES || !(connections[file].head = malloc(HEAD_BYTES + 1))) {
            close(file);
            continue;
        }
        setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        if (prepared_count)
            setsockopt(file, SOL_SOCKET, SO_SNDBUF, &(int){1 << 20}, sizeof(int));
        epoll_ctl(poller, EPOLL_CTL_ADD, file, &event);
    }
}

static void dump(const char *path) {
    FILE *file = fopen(path, "wb");
    uint64_t kept = count < most ? count : most;
    if (!file || fwrite(arrivals, sizeof *arrivals, kept, file) != kept || fclose(file))
        fail(path);
    printf("dumped %lu\n", kept);
    fflush(stdout);
}

static void obey(char *line) {
    if (!strcmp(line, "report"))
        report("count");
    else if (!strncmp(line, "dump ", 5))
        dump(line + 5);
    else if (!strncmp(line, "expect ", 7)) {
        expected = strtoull(line + 7, NULL, 10);
        if (count >= expected) {
            expected = 0;
            report("reached");
        }
    }
}

static void listen_to_stdin(void) {
    static char line[LINE_BYTES];
    static size_t used;
    ssize_t got = read(STDIN_FILENO, line + used, sizeof line - 1 - used);
    if (got <= 0)
        exit(0);
    used += (size_t)got;
    char *end;
    while ((end = memchr(line, '\n', used))) {
        *end = 0;
        obey(line);
        size_t length = (size_t)(end - line) + 1;
        memmove(line, end + 1, used -= length);
    }
}

/* Sends the answers that are due. Returns how long to sleep until the next one; NULL: until something comes. */
static struct timespec *answer_late(void) {
    static struct timespec left;
    while (late_count) {
        struct answer *next = &late[late_first];
        uint64_t at = now();
        if (next->due > at) {
            left.tv_sec = (time_t)((next->due - at) / 1000000000u);
            left.tv_nsec = (long)((next->due - at) % 1000000000u);
            return &left;
        }
        if (connections[next->file].life == next->life)
            answer(next->file);
        late_first = (late_first + 1) % MOST_FILES;
        late_count--;
    }
    return NULL;
}

static void prepare(const char *part, const char *path) {
    struct bytes *one = &prepared[prepared_count++];
    char *body = NULL;
    size_t length = 0;
    FILE *file = fopen(path, "rb");
    ssize_t got = file ? getdelim(&body, &length, EOF, file) : -1;
    if (got < 0)
        fail(path);
    fclose(file);
    int head = asprintf(
        &one->text,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zd\r\n\r\n%s", got, body);
    if (head < 0)
        fail(path);
    one->part = part;
    one->length = (size_t)head;
    free(body);
}

static int open_listener(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) || listen(listener, SOMAXCONN) ||
        getsockname(listener, (struct sockaddr *)&address, &size))
        fail("listen");
    printf("port %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

static void watch(int file) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = file};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, file, &event))
        fail("epoll_ctl");
}

int main(int words, char **word) {
    if (words < 3 || words % 2 == 0 || words > 3 + 2 * MOST_ANSWERS) {
        fprintf(stderr, "usage: receiver MOST DELAY_MS [PART FILE]...\n");
        return 2;
    }
    most = strtoull(word[1], NULL, 10);
    delay = strtoull(word[2], NULL, 10) * 1000000u;
    arrivals = calloc(most ? most : 1, sizeof *arrivals);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (!arrivals || poller < 0)
        fail("start");
    for (int index = 3; index < words; index += 2)
        prepare(word[index], word[index + 1]);
    int listener = open_listener();
    watch(listener);
    watch(STDIN_FILENO);
    for (;;) {
        struct epoll_event events[EVENTS];
        int ready = epoll_pwait2(poller, events, EVENTS, answer_late(), NULL);
        for (int index = 0; index < ready; index++) {
            int file = events[index].data.fd;
            if (file == listener)
                greet(listener);
            else if (file == STDIN_FILENO)
                listen_to_stdin();
            else if (connections[file].head)
                hear(file);
        }
    }
}
