/*
 * Load generator: one thread, many connections, one request in flight on each, many distinct bodies.
 *
 *   load grpc|http HOST PORT PATH CONNECTIONS SECONDS BODIES REPLIES [name: value]...
 *
 * BODIES holds records of a little-endian uint32 length and that many bytes; for gRPC a record is a whole
 * message with its five bytes of frame. The bodies are sent in turn. SECONDS 0 sends each once. REPLIES is "-",
 * or a file that gets, for every reply, the body's number (uint32), the length (uint32) and the bytes. Prints
 * one line of JSON. Speaks just enough HTTP/2 (prior knowledge, no TLS, no header compression) for a gRPC server.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct { uint8_t *at; size_t size, room; } Buffer;
typedef struct {
    int fd, busy, ready;
    Buffer in, out, reply;
    uint32_t stream, body;
    size_t sent;              /* of the body */
    int64_t window, share;    /* what the server takes: on the connection, on the stream */
    uint32_t consumed;        /* received and not yet given back */
    double begun;
} Connection;

static int grpc, errors;
static uint8_t **bodies;
static uint32_t *lengths, count, next_body;
static size_t todo, done;
static int64_t initial_share = 65535;
static double until;
static Buffer head;           /* header block, or the HTTP/1 request's first lines */
static uint32_t *latencies;
static size_t latencies_room;
static FILE *replies;

static void fail(const char *what) { perror(what); exit(1); }

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void put(Buffer *b, const void *from, size_t size) {
    if (b->size + size > b->room) {
        b->room = (b->size + size) * 2;
        if (!(b->at = realloc(b->at, b->room))) fail("memory");
    }
    memcpy(b->at + b->size, from, size);
    b->size += size;
}

static void drop(Buffer *b, size_t size) {
    memmove(b->at, b->at + size, b->size - size);
    b->size -= size;
}

static void frame(Buffer *b, uint32_t size, uint8_t kind, uint8_t flags, uint32_t stream) {
    uint8_t h[9] = {size >> 16, size >> 8, size, kind, flags, stream >> 24, stream >> 16, stream >> 8, stream};
    put(b, h, 9);
}

static void window_update(Buffer *b, uint32_t stream, uint32_t size) {
    uint32_t v = htonl(size);
    frame(b, 4, 8, 0, stream);
    put(b, &v, 4);
}

static void packed_string(const char *s) {   /* HPACK, no Huffman */
    size_t n = strlen(s);
    uint8_t byte = n < 127 ? n : 127;
    put(&head, &byte, 1);
    if (n >= 127) {
        size_t rest = n - 127;
        for (; rest >= 128; rest >>= 7) { byte = (rest & 127) | 128; put(&head, &byte, 1); }
        byte = rest;
        put(&head, &byte, 1);
    }
    put(&head, s, n);
}

static void header(const char *name, const char *value) {
    if (grpc) {
        put(&head, "\0", 1);                 /* literal, not to be remembered */
        packed_string(name);
        packed_string(value);
    } else {
        put(&head, name, strlen(name));
        put(&head, ": ", 2);
        put(&head, value, strlen(value));
        put(&head, "\r\n", 2);
    }
}

static void send_body(Connection *c) {       /* as much as the server's windows allow */
    while (c->busy && c->sent < lengths[c->body]) {
        int64_t size = lengths[c->body] - c->sent;
        if (size > 16384) size = 16384;
        if (size > c->window) size = c->window;
        if (size > c->share) size = c->share;
        if (size <= 0) return;
        int last = c->sent + size == lengths[c->body];
        frame(&c->out, size, 0, last, c->stream);
        put(&c->out, bodies[c->body] + c->sent, size);
        c->sent += size;
        c->window -= size;
        c->share -= size;
    }
}

static void begin(Connection *c) {
    if (todo ? next_body >= todo : now() >= until) return;
    c->body = next_body++ % count;
    c->busy = 1;
    c->reply.size = 0;
    c->begun = now();
    if (grpc) {
        c->stream += 2;
        c->sent = 0;
        c->share = initial_share;
        frame(&c->out, head.size, 1, 4, c->stream);
        put(&c->out, head.at, head.size);
        send_body(c);
    } else {
        char line[64];
        put(&c->out, head.at, head.size);
        put(&c->out, line, snprintf(line, sizeof line, "content-length: %u\r\n\r\n", lengths[c->body]));
        put(&c->out, bodies[c->body], lengths[c->body]);
    }
}

static void end(Connection *c, int good) {
    if (done == latencies_room) {
        latencies_room = latencies_room ? latencies_room * 2 : 65536;
        if (!(latencies = realloc(latencies, latencies_room * sizeof *latencies))) fail("memory");
    }
    latencies[done++] = (now() - c->begun) * 1e6;
    errors += !good;
    c->busy = 0;
    if (replies && good) {
        uint32_t record[2] = {c->body, c->reply.size};
        fwrite(record, 4, 2, replies);
        fwrite(c->reply.at, 1, c->reply.size, replies);
    }
    begin(c);
}

static uint32_t number(const uint8_t *p) { return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]; }

static void settings(Connection *c, const uint8_t *p, uint32_t size) {
    for (uint32_t i = 0; i + 6 <= size; i += 6)
        if ((p[i] << 8 | p[i + 1]) == 4) {
            c->share += (int64_t)number(p + i + 2) - initial_share;
            initial_share = number(p + i + 2);
        }
    frame(&c->out, 0, 4, 1, 0);
    if (!c->ready) { c->ready = 1; begin(c); } else send_body(c);
}

static void read_http2(Connection *c) {
    size_t at = 0;
    while (c->in.size - at >= 9) {
        const uint8_t *h = c->in.at + at, *p = h + 9;
        uint32_t size = h[0] << 16 | h[1] << 8 | h[2], stream = number(h + 5) & 0x7fffffff;
        if (c->in.size - at < 9 + (size_t)size) break;
        at += 9 + size;
        int mine = c->busy && stream == c->stream;
        switch (h[3]) {
        case 0:
            if (mine) put(&c->reply, p, size);
            c->consumed += size;
            if (c->consumed > 1 << 20) { window_update(&c->out, 0, c->consumed); c->consumed = 0; }
            if (mine && h[4] & 1) end(c, 1);
            break;
        case 1:                               /* trailers; without a message before them: an error */
            if (mine && h[4] & 1) end(c, c->reply.size > 0);
            break;
        case 3: if (mine) end(c, 0); break;
        case 4: if (!(h[4] & 1)) settings(c, p, size); break;
        case 6: if (!(h[4] & 1)) { frame(&c->out, 8, 6, 1, 0); put(&c->out, p, 8); } break;
        case 7: fprintf(stderr, "the server went away\n"); exit(1);
        case 8:
            if (!stream) c->window += number(p); else if (mine) c->share += number(p);
            send_body(c);
        }
    }
    drop(&c->in, at);
}

static void read_http1(Connection *c) {
    const char *text = (const char *)c->in.at;
    const char *body = c->in.size ? memmem(text, c->in.size, "\r\n\r\n", 4) : NULL;
    if (!body) return;
    size_t start = body + 4 - text, size = 0;
    char *first = strndup(text, start);
    const char *length = strcasestr(first, "\ncontent-length:");
    int chunked = !length && strcasestr(first, "chunked"), good = !strncmp(first + 8, " 20", 3);
    if (length) size = strtoul(length + 16, NULL, 10);
    free(first);
    if (chunked) {
        const char *last = memmem(text + start, c->in.size - start, "0\r\n\r\n", 5);
        if (!last) return;
        size = last + 5 - text - start;
    }
    if (c->in.size < start + size) return;
    put(&c->reply, text + start, size);
    drop(&c->in, start + size);
    end(c, good);
}

static void flush(Connection *c, int poller) {
    while (c->out.size) {
        ssize_t n = write(c->fd, c->out.at, c->out.size);
        if (n < 0 && errno != EAGAIN) fail("write");
        if (n < 0) break;
        drop(&c->out, n);
    }
    struct epoll_event e = {.events = EPOLLIN | (c->out.size ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &e);
}

static void open_connection(Connection *c, const char *host, int port, int poller) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1;
    if (inet_pton(AF_INET, host, &to.sin_addr) != 1) fail("address");
    if ((c->fd = socket(AF_INET, SOCK_STREAM, 0)) < 0 || connect(c->fd, (void *)&to, sizeof to)) fail("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &e)) fail("epoll");
    c->window = 65535;
    c->stream = UINT32_MAX;                   /* the first is 1 */
    if (grpc) {
        const uint8_t wanted[] = {0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff};
        put(&c->out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
        frame(&c->out, sizeof wanted, 4, 0, 0);
        put(&c->out, wanted, sizeof wanted);
        window_update(&c->out, 0, 0x7fff0000 - 65535);
    } else {
        c->ready = 1;
        begin(c);
    }
    flush(c, poller);
}

static void read_bodies(const char *path) {
    FILE *f = fopen(path, "rb");
    uint32_t size;
    if (!f) fail(path);
    while (fread(&size, 4, 1, f) == 1) {
        bodies = realloc(bodies, (count + 1) * sizeof *bodies);
        lengths = realloc(lengths, (count + 1) * sizeof *lengths);
        lengths[count] = size;
        bodies[count] = malloc(size + 1);
        if (fread(bodies[count++], 1, size, f) != size) fail("bodies");
    }
    fclose(f);
}

static int ascending(const void *a, const void *b) {
    return (*(uint32_t *)a > *(uint32_t *)b) - (*(uint32_t *)a < *(uint32_t *)b);
}

int main(int argc, char **argv) {
    if (argc < 9) { fprintf(stderr, "see the head of load.c\n"); return 2; }
    grpc = !strcmp(argv[1], "grpc");
    int connections = atoi(argv[5]), poller = epoll_create1(0);
    double seconds = atof(argv[6]);
    read_bodies(argv[7]);
    if (strcmp(argv[8], "-") && !(replies = fopen(argv[8], "wb"))) fail(argv[8]);
    if (grpc) {
        header(":method", "POST");
        header(":scheme", "http");
        header(":path", argv[4]);
        header(":authority", argv[2]);
        header("te", "trailers");
        header("content-type", "application/grpc");
    } else {
        put(&head, "POST ", 5);
        put(&head, argv[4], strlen(argv[4]));
        put(&head, " HTTP/1.1\r\n", 11);
        header("host", argv[2]);
        header("content-type", "application/json");
    }
    for (int i = 9; i < argc; i++) {
        char *colon = strstr(argv[i], ": ");
        if (!colon) fail("header");
        *colon = 0;
        header(argv[i], colon + 2);
    }
    Connection *all = calloc(connections, sizeof *all);
    todo = seconds > 0 ? 0 : count;
    double start = now();
    until = start + seconds;
    for (int i = 0; i < connections; i++) open_connection(all + i, argv[2], atoi(argv[3]), poller);
    for (;;) {
        struct epoll_event events[64];
        int n = epoll_wait(poller, events, 64, 100), open = 0;
        for (int i = 0; i < n; i++) {
            Connection *c = events[i].data.ptr;
            uint8_t block[65536];
            ssize_t got;
            while ((got = read(c->fd, block, sizeof block)) > 0) put(&c->in, block, got);
            if (!got || (got < 0 && errno != EAGAIN)) { fprintf(stderr, "connection lost\n"); return 1; }
            if (grpc) read_http2(c); else read_http1(c);
            flush(c, poller);
        }
        for (int i = 0; i < connections; i++) open += all[i].busy || !all[i].ready;
        if (!open) break;
        if (now() > (todo ? start + 600 : until + 60)) { fprintf(stderr, "no answer\n"); return 1; }
    }
    double elapsed = now() - start;
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    qsort(latencies, done, sizeof *latencies, ascending);
    printf("{\"requests\": %zu, \"errors\": %d, \"seconds\": %.6f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"cpu\": %.3f}\n",
           done, errors, elapsed, done ? latencies[done / 2] / 1e3 : 0, done ? latencies[done * 99 / 100] / 1e3 : 0,
           (use.ru_utime.tv_sec + use.ru_stime.tv_sec + (use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1e-6) / elapsed);
    if (replies) fclose(replies);
    return 0;
}
