/* Stations that send HJ 212 frames over loopback and wait for their acknowledgements.
 *
 * station_load PORT CONNECTIONS SECONDS RATE [mqtt]
 * RATE 0: every connection has one frame outstanding, always. RATE > 0: so many frames a second in
 * all, on schedule whatever comes back; latency counts from the scheduled time. With mqtt they
 * publish the same frames to a broker with QoS 1. The first fifth of the time is not counted. Prints
 * a line RESULT {json}.
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

enum { WAITING = 64, BUCKETS = 200000, RECEIVED = 16384 };

typedef struct {
    int fd;
    uint32_t frames;
    uint32_t sent, acknowledged, partial;
    double since[WAITING];
} Station;

static uint16_t table[256];
static uint64_t buckets[BUCKETS]; /* ten microseconds each */
static Station *stations;
static int is_mqtt;
static double counted_from, now_s;
static uint64_t acknowledged, counted, broken, behind;
static char qn[24];

static double clock_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void name_time(void) {
    struct timespec t;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &t);
    time_t s = t.tv_sec + 8 * 3600;
    gmtime_r(&s, &tm);
    char text[20];
    strftime(text, sizeof text, "%Y%m%d%H%M%S", &tm);
    snprintf(qn, sizeof qn, "%s%03u", text, (unsigned)(t.tv_nsec / 1000000) % 1000u);
}

static int frame(char *out, Station *s) {
    /* Each frame of a station is of the next second, from 2024 on: no key comes twice. */
    time_t moment = 1704067200 + (time_t)s->frames++;
    struct tm tm;
    gmtime_r(&moment, &tm);
    char at[16];
    strftime(at, sizeof at, "%Y%m%d%H%M%S", &tm);
    unsigned v = (unsigned)(s->frames * 7919 + (s - stations) * 31) % 1000;
    int n = sprintf(out + 6,
        "QN=%s;ST=31;CN=2011;PW=123456;MN=%024X;Flag=5;CP=&&DataTime=%s;"
        "a21026-Rtd=%u.%u,a21026-Flag=N;a21002-Rtd=%u.%u,a21002-Flag=N;"
        "a34013-Rtd=%u.%u,a34013-Flag=N&&",
        qn, (unsigned)(s - stations), at, v / 10, v % 10, v / 5, v % 7,
        v / 50, v % 9);
    char head[8];
    sprintf(head, "##%04d", n);
    memcpy(out, head, 6);
    uint16_t reg = 0xFFFF;
    for (int i = 0; i < n; i++) reg = table[(reg >> 8) ^ (uint8_t)out[6 + i]];
    sprintf(out + 6 + n, "%04X\r\n", reg);
    return n + 12;
}

static int publish(char *out, Station *s) {
    char raw[512], topic[48];
    int length = frame(raw, s) - 2, t = sprintf(topic, "hj212/%024X", (unsigned)(s - stations));
    int size = 2 + t + 2 + length, n = 0;
    out[n++] = 0x32;
    for (int left = size; ; left >>= 7) {
        out[n++] = (left & 127) | (left > 127 ? 128 : 0);
        if (left <= 127) break;
    }
    unsigned id = s->sent % 65535 + 1;
    out[n++] = 0, out[n++] = t;
    memcpy(out + n, topic, t), n += t;
    out[n++] = id >> 8, out[n++] = id & 255;
    memcpy(out + n, raw, length);
    return n + length;
}

static void join(int fd, int number) {
    unsigned char hello[64] = {0x10, 0, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0, 0};
    int n = sprintf((char *)hello + 14, "station%d", number);
    hello[13] = n, hello[1] = 12 + n;
    char welcome[4];
    if (send(fd, hello, 14 + n, 0) != 14 + n || recv(fd, welcome, 4, MSG_WAITALL) != 4) broken++;
}

static void send_one(Station *s, double since) {
    char out[512];
    if (s->sent - s->acknowledged >= WAITING) { behind++; return; }
    int n = is_mqtt ? publish(out, s) : frame(out, s);
    if (send(s->fd, out, n, MSG_NOSIGNAL) != n) { broken++; return; }
    s->since[s->sent++ % WAITING] = since;
}

static void receive(Station *s, int closed_loop) {
    char in[RECEIVED];
    ssize_t n = recv(s->fd, in, sizeof in, 0);
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN) { broken++; close(s->fd); s->fd = -1; }
        return;
    }
    now_s = clock_s();
    /* An acknowledgement of HJ 212 ends in a line feed and has no other; PUBACK has four bytes. */
    int acks = 0;
    if (is_mqtt) {
        acks = (s->partial + n) / 4;
        s->partial = (s->partial + n) % 4;
    } else {
        for (char *p = in; (p = memchr(p, '\n', in + n - p)); p++) acks++;
    }
    while (acks--) {
        double took = now_s - s->since[s->acknowledged++ % WAITING];
        acknowledged++;
        if (now_s >= counted_from) {
            uint64_t b = (uint64_t)(took * 1e5);
            buckets[b < BUCKETS ? b : BUCKETS - 1]++;
            counted++;
        }
        if (closed_loop) send_one(s, now_s);
    }
}

static double percentile(double share) {
    uint64_t wanted = (uint64_t)(counted * share), seen = 0;
    for (int b = 0; b < BUCKETS; b++)
        if ((seen += buckets[b]) > wanted) return (b + 0.5) / 100.0;
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 5) return 2;
    int port = atoi(argv[1]), count = atoi(argv[2]);
    double seconds = atof(argv[3]), rate = atof(argv[4]);
    is_mqtt = argc > 5 && !strcmp(argv[5], "mqtt");
    struct rlimit files = {200000, 200000};
    if (setrlimit(RLIMIT_NOFILE, &files)) {
        getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    for (int x = 0; x < 256; x++) {
        uint16_t r = x;
        for (int i = 0; i < 8; i++) r = (r >> 1) ^ (r & 1 ? 0xA001 : 0);
        table[x] = r;
    }
    stations = calloc(count, sizeof *stations);
    int poll = epoll_create1(0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    for (int i = 0; i < count; i++) {
        /* Many more connections than one address has ports to spare come from several. */
        struct sockaddr_in from = {.sin_family = AF_INET};
        from.sin_addr.s_addr = htonl(0x7F000002 + i / 10000);
        to.sin_addr.s_addr = htonl(0x7F000001);
        int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
        setsockopt(fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &one, sizeof one);
        bind(fd, (struct sockaddr *)&from, sizeof from);
        if (connect(fd, (struct sockaddr *)&to, sizeof to)) { perror("connect"); return 1; }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (is_mqtt) join(fd, i);
        fcntl(fd, F_SETFL, O_NONBLOCK);
        stations[i].fd = fd;
        struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e);
    }
    double start = clock_s(), end = start + seconds, named = 0;
    counted_from = start + seconds / 5;
    uint64_t scheduled = 0;
    name_time();
    if (rate <= 0)
        for (int i = 0; i < count; i++) send_one(&stations[i], clock_s());
    struct epoll_event events[1024];
    while ((now_s = clock_s()) < end) {
        if (now_s - named > 0.001) { name_time(); named = now_s; }
        if (rate > 0)
            for (; scheduled / rate < now_s - start; scheduled++) {
                Station *s = &stations[scheduled % count];
                if (s->fd >= 0) send_one(s, start + scheduled / rate);
            }
        int n = epoll_wait(poll, events, 1024, rate > 0 ? 0 : 100);
        for (int i = 0; i < n; i++) {
            Station *s = &stations[events[i].data.u32];
            if (s->fd >= 0) receive(s, rate <= 0);
        }
        if (rate > 0 && n == 0) {
            struct timespec nap = {0, 50000};
            nanosleep(&nap, NULL);
        }
    }
    printf("RESULT {\"acknowledged\": %llu, \"frames_per_s\": %.0f, \"p50_ms\": %.2f, "
           "\"p99_ms\": %.2f, \"max_ms\": %.2f, \"broken\": %llu, \"behind\": %llu}\n",
           (unsigned long long)acknowledged, counted / (seconds * 0.8), percentile(0.5),
           percentile(0.99), percentile(0.99999), (unsigned long long)broken,
           (unsigned long long)behind);
    return 0;
}
