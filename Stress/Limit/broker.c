/*
 * The limit: a broker of this protocol with only what a load needs.
 *
 * One thread, epoll, no dependencies. WebSocket handshake; subscribe, publish and ping, each answered; POST and DELETE of /v1/topics.
 * The payload passes through byte for byte, an event is composed once and copied into the buffer of each subscriber, and everything
 * that one turn of the loop queues for a connection is sent in one write. There are no settings, no replay, no retained messages, no
 * bound on queues, no keep-alive, and it parses only the JSON of a well-formed request. Do not use it for anything but measurements.
 *
 * Listens on 127.0.0.1, on the port in PORT (0 for any free one), and prints its URL.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    READY_EVENTS = 512,        /* events of one turn */
    READ_BYTES = 256 * 1024,   /* most that one read takes */
    REQUEST_BYTES = 1 << 20,   /* largest request */
    TOPIC_TABLE = 1 << 17,     /* the most topics */
    TOPIC_NAME = 255,
};

typedef struct { char *at; size_t length; } text; /* a slice of bytes that it does not own */

typedef struct connection connection;

typedef struct topic {
    char name[TOPIC_NAME + 1];
    size_t name_length;
    connection **subscribers;
    size_t count, capacity;
} topic;

struct connection {
    int socket;
    int is_websocket, is_dirty, awaits_room, is_closed;
    char *in;                  /* the incomplete request at the end of what was read */
    size_t in_length, in_capacity;
    char *out;
    size_t out_start, out_end, out_capacity;
    topic **topics;            /* those it is subscribed to */
    size_t topic_count, topic_capacity;
    connection *next_dirty, *next_closed;
};

static topic *topics[TOPIC_TABLE];
static int poller;
static connection *dirty, *closed;
static char read_buffer[READ_BYTES + REQUEST_BYTES];

static void *grown(void *bytes, size_t size)
{
    bytes = realloc(bytes, size);
    if (bytes == NULL) {
        perror("realloc");
        exit(1);
    }
    return bytes;
}

/* ---- topics ---- */

static size_t slot_of(text name)
{
    uint64_t hash = 1469598103934665603u;
    for (size_t i = 0; i < name.length; i++) {
        hash = (hash ^ (unsigned char)name.at[i]) * 1099511628211u;
    }
    size_t slot = (hash ^ hash >> 32) % TOPIC_TABLE;
    for (size_t probes = 0; probes < TOPIC_TABLE; probes++, slot = (slot + 1) % TOPIC_TABLE) {
        topic *found = topics[slot];
        if (found == NULL || (found->name_length == name.length && memcmp(found->name, name.at, name.length) == 0)) {
            return slot;
        }
    }
    return TOPIC_TABLE;
}

static topic *find_topic(text name)
{
    size_t slot = slot_of(name);
    return slot == TOPIC_TABLE ? NULL : topics[slot];
}

/* A deleted topic keeps its slot and loses its name, so that a search still finds the topics after it. */
static void delete_topic(topic *one)
{
    one->name_length = 0;
    one->count = 0;
}

static void subscribe(topic *to, connection *who)
{
    for (size_t i = 0; i < who->topic_count; i++) {
        if (who->topics[i] == to) {
            return;
        }
    }
    if (who->topic_count == who->topic_capacity) {
        who->topic_capacity = who->topic_capacity ? who->topic_capacity * 2 : 1;
        who->topics = grown(who->topics, who->topic_capacity * sizeof *who->topics);
    }
    who->topics[who->topic_count++] = to;
    if (to->count == to->capacity) {
        to->capacity = to->capacity ? to->capacity * 2 : 16;
        to->subscribers = grown(to->subscribers, to->capacity * sizeof *to->subscribers);
    }
    to->subscribers[to->count++] = who;
}

static void unsubscribe_from_all(connection *who)
{
    for (size_t place = 0; place < who->topic_count; place++) {
        topic *one = who->topics[place];
        for (size_t i = 0; i < one->count; i++) {
            if (one->subscribers[i] == who) {
                one->subscribers[i] = one->subscribers[--one->count];
                break;
            }
        }
    }
}

/* ---- sending ---- */

static void hang_up(connection *who)
{
    if (!who->is_closed) {
        who->is_closed = 1;
        who->next_closed = closed;
        closed = who;
    }
}

static void queue(connection *who, const char *bytes, size_t length)
{
    if (who->out_capacity - who->out_end < length) {
        size_t pending = who->out_end - who->out_start;
        memmove(who->out, who->out + who->out_start, pending);
        who->out_start = 0;
        who->out_end = pending;
        if (who->out_capacity - pending < length) {
            who->out_capacity = (pending + length) * 2;
            who->out = grown(who->out, who->out_capacity);
        }
    }
    memcpy(who->out + who->out_end, bytes, length);
    who->out_end += length;
    if (!who->is_dirty) {
        who->is_dirty = 1;
        who->next_dirty = dirty;
        dirty = who;
    }
}

static void await_room(connection *who, int room)
{
    if (who->awaits_room != room) {
        who->awaits_room = room;
        struct epoll_event event = { .events = room ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = who };
        epoll_ctl(poller, EPOLL_CTL_MOD, who->socket, &event);
    }
}

static void flush(connection *who)
{
    while (who->out_start < who->out_end) {
        ssize_t sent = send(who->socket, who->out + who->out_start, who->out_end - who->out_start, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EAGAIN) {
                await_room(who, 1);
            } else {
                hang_up(who);
            }
            return;
        }
        who->out_start += (size_t)sent;
    }
    who->out_start = who->out_end = 0;
    await_room(who, 0);
}

/* Writes the head of an unmasked frame; returns its length. */
static size_t frame_head(char *head, unsigned char opcode, size_t length)
{
    head[0] = (char)(0x80 | opcode);
    if (length < 126) {
        head[1] = (char)length;
        return 2;
    }
    if (length < 65536) {
        head[1] = 126;
        head[2] = (char)(length >> 8);
        head[3] = (char)length;
        return 4;
    }
    head[1] = 127;
    for (int i = 0; i < 8; i++) {
        head[2 + i] = (char)(length >> (56 - 8 * i));
    }
    return 10;
}

/* 2025-08-28T10:00:00.000000Z; the part up to the seconds is formatted once per second. */
static size_t timestamp(char *into)
{
    static time_t known;
    static char words[32];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != known) {
        struct tm utc;
        gmtime_r(&now.tv_sec, &utc);
        strftime(words, sizeof words, "%Y-%m-%dT%H:%M:%S.", &utc);
        known = now.tv_sec;
    }
    memcpy(into, words, 20);
    long rest = now.tv_nsec / 1000;
    for (int i = 25; i >= 20; i--, rest /= 10) {
        into[i] = (char)('0' + rest % 10);
    }
    into[26] = 'Z';
    return 27;
}

static char *put(char *to, const char *bytes, size_t length)
{
    memcpy(to, bytes, length);
    return to + length;
}

#define PUT(to, literal) put(to, literal, sizeof(literal) - 1)

static char composed[REQUEST_BYTES + 1024]; /* room for a head before, and for the timestamp after */

/* Completes a text frame: its head, the composed text, a timestamp, and the closing brace. */
static text finish_frame(char *end)
{
    enum { ROOM = 10 };
    end = PUT(end, ",\"timestamp\":\"");
    end += timestamp(end);
    end = PUT(end, "\"}");
    size_t length = (size_t)(end - composed) - ROOM;
    char head[ROOM];
    size_t head_length = frame_head(head, 1, length);
    char *start = composed + ROOM - head_length;
    memcpy(start, head, head_length);
    return (text){ start, head_length + length };
}

static char *begin_frame(void) { return composed + 10; }

static void answer(connection *who, const char *type, text request_id, const char *rest)
{
    char *end = begin_frame();
    end = PUT(end, "{\"type\":\"");
    end = put(end, type, strlen(type));
    end = PUT(end, "\"");
    if (request_id.length > 0) {
        end = PUT(end, ",\"request_id\":");
        end = put(end, request_id.at, request_id.length);
    }
    end = put(end, rest, strlen(rest));
    text frame = finish_frame(end);
    queue(who, frame.at, frame.length);
}

/* ---- requests: the JSON of well-formed requests ---- */

static char *skip_space(char *at, char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) {
        at++;
    }
    return at;
}

/* The end of the value that begins here; NULL if there is none. */
static char *skip_value(char *at, char *end)
{
    int depth = 0;
    while (at < end) {
        if (*at == '"') {
            for (at++; ; at++) {
                char *quote = memchr(at, '"', (size_t)(end - at));
                if (quote == NULL) {
                    return NULL;
                }
                size_t slashes = 0;
                while (quote - slashes > at && quote[-1 - (ptrdiff_t)slashes] == '\\') {
                    slashes++;
                }
                at = quote;
                if (slashes % 2 == 0) {
                    break;
                }
            }
            at++;
        } else if (*at == '{' || *at == '[') {
            depth++;
            at++;
            continue;
        } else if (*at == '}' || *at == ']') {
            if (depth-- == 0) {
                return at;
            }
            at++;
        } else if (depth == 0) {
            while (at < end && *at != ',' && *at != '}' && *at != ']') {
                at++;
            }
            return at;
        } else {
            at++;
            continue;
        }
        if (depth == 0) {
            return at;
        }
    }
    return NULL;
}

/* The next member of an object: its name without and its value with quotes. Returns where to go on; NULL at the end. */
static char *next_member(char *at, char *end, text *name, text *value)
{
    at = skip_space(at, end);
    if (at >= end || (*at != '{' && *at != ',')) {
        return NULL;
    }
    at = skip_space(at + 1, end);
    if (at >= end || *at != '"') {
        return NULL;
    }
    char *name_end = skip_value(at, end);
    if (name_end == NULL) {
        return NULL;
    }
    *name = (text){ at + 1, (size_t)(name_end - at) - 2 };
    at = skip_space(name_end, end);
    if (at >= end || *at != ':') {
        return NULL;
    }
    at = skip_space(at + 1, end);
    char *value_end = skip_value(at, end);
    if (value_end == NULL) {
        return NULL;
    }
    *value = (text){ at, (size_t)(value_end - at) };
    return value_end;
}

static int is(text one, const char *other)
{
    return one.length == strlen(other) && memcmp(one.at, other, one.length) == 0;
}

static text unquoted(text quoted)
{
    return quoted.length >= 2 && quoted.at[0] == '"' ? (text){ quoted.at + 1, quoted.length - 2 } : (text){ NULL, 0 };
}

static void publish(topic *to, text raw_topic, text message)
{
    char *end = begin_frame();
    end = PUT(end, "{\"type\":\"event\",\"topic\":");
    end = put(end, raw_topic.at, raw_topic.length);
    end = PUT(end, ",\"message\":");
    end = put(end, message.at, message.length);
    text frame = finish_frame(end);
    for (size_t i = 0; i < to->count; i++) {
        queue(to->subscribers[i], frame.at, frame.length);
    }
}

static void obey(connection *who, char *at, size_t length)
{
    text type = { NULL, 0 }, raw_topic = type, request_id = type, message = type, name, value;
    for (char *end = at + length; (at = next_member(at, end, &name, &value)) != NULL; ) {
        if (is(name, "type")) {
            type = unquoted(value);
        } else if (is(name, "topic")) {
            raw_topic = value;
        } else if (is(name, "request_id")) {
            request_id = value;
        } else if (is(name, "message")) {
            message = value;
        }
    }
    if (is(type, "ping")) {
        answer(who, "pong", request_id, "");
        return;
    }
    topic *named = raw_topic.length > 2 ? find_topic(unquoted(raw_topic)) : NULL;
    if (named == NULL) {
        answer(who, "error", request_id, ",\"error\":{\"code\":\"TOPIC_NOT_FOUND\",\"message\":\"there is no such topic\"}");
        return;
    }
    if (is(type, "publish") && message.length > 2) {
        publish(named, raw_topic, message);
    } else if (is(type, "subscribe")) {
        subscribe(named, who);
    } else {
        answer(who, "error", request_id, ",\"error\":{\"code\":\"BAD_REQUEST\",\"message\":\"type must be subscribe, publish or ping\"}");
        return;
    }
    answer(who, "ack", request_id, ",\"status\":\"ok\"");
}

/* ---- WebSocket ---- */

static void unmask(unsigned char *bytes, size_t length, const unsigned char *key)
{
    uint64_t wide;
    unsigned char pattern[8] = { key[0], key[1], key[2], key[3], key[0], key[1], key[2], key[3] };
    memcpy(&wide, pattern, 8);
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, 8);
        word ^= wide;
        memcpy(bytes + i, &word, 8);
    }
    for (; i < length; i++) {
        bytes[i] ^= key[i & 3];
    }
}

/* Handles every complete frame; returns how many bytes they were. */
static size_t scan_frames(connection *who, unsigned char *bytes, size_t length)
{
    size_t at = 0;
    while (length - at >= 6 && !who->is_closed) {
        unsigned char *frame = bytes + at;
        size_t size = frame[1] & 0x7F, head = 6;
        if (!(frame[1] & 0x80) || !(frame[0] & 0x80)) {
            hang_up(who); /* unmasked, or a fragment */
            break;
        }
        if (size == 126) {
            head = 8;
            if (length - at < head) {
                break;
            }
            size = (size_t)frame[2] << 8 | frame[3];
        } else if (size == 127) {
            head = 14;
            if (length - at < head) {
                break;
            }
            size = 0;
            for (int i = 2; i < 10; i++) {
                size = size << 8 | frame[i];
            }
        }
        if (size > REQUEST_BYTES - head) {
            hang_up(who);
            break;
        }
        if (length - at - head < size) {
            break;
        }
        unmask(frame + head, size, frame + head - 4);
        switch (frame[0] & 0xF) {
        case 1:
            obey(who, (char *)frame + head, size);
            break;
        case 9: {
            char pong[2];
            if (size < 126) {
                frame_head(pong, 10, size);
                queue(who, pong, 2);
                queue(who, (char *)frame + head, size);
            }
            break;
        }
        case 10:
            break;
        default:
            hang_up(who);
            break;
        }
        at += head + size;
    }
    return at;
}

/* SHA-1 (RFC 3174) for messages of at most two blocks: a WebSocket key and its GUID. */
static void sha1(const unsigned char *bytes, size_t length, unsigned char digest[20])
{
    uint32_t state[5] = { 0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0 };
    unsigned char padded[128] = { 0 };
    memcpy(padded, bytes, length);
    padded[length] = 0x80;
    size_t blocks = length + 9 <= 64 ? 1 : 2;
    for (int i = 0; i < 8; i++) {
        padded[blocks * 64 - 1 - (size_t)i] = (unsigned char)((uint64_t)length * 8 >> (8 * i));
    }
    for (size_t block = 0; block < blocks; block++) {
        uint32_t w[80];
        for (int i = 0; i < 16; i++) {
            const unsigned char *p = padded + block * 64 + i * 4;
            w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
        }
        for (int i = 16; i < 80; i++) {
            uint32_t x = w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16];
            w[i] = x << 1 | x >> 31;
        }
        uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
        for (int i = 0; i < 80; i++) {
            uint32_t f = i < 20 ? (b & c) | (~b & d) : i < 40 || i >= 60 ? b ^ c ^ d : (b & c) | (b & d) | (c & d);
            uint32_t k = i < 20 ? 0x5A827999 : i < 40 ? 0x6ED9EBA1 : i < 60 ? 0x8F1BBCDC : 0xCA62C1D6;
            uint32_t next = (a << 5 | a >> 27) + f + e + k + w[i];
            e = d;
            d = c;
            c = b << 30 | b >> 2;
            b = a;
            a = next;
        }
        state[0] += a;
        state[1] += b;
        state[2] += c;
        state[3] += d;
        state[4] += e;
    }
    for (int i = 0; i < 20; i++) {
        digest[i] = (unsigned char)(state[i / 4] >> (24 - 8 * (i % 4)));
    }
}

static void accept_for(text key, char accept[29])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char joined[64 + sizeof guid], digest[21] = { 0 };
    memcpy(joined, key.at, key.length);
    memcpy(joined + key.length, guid, sizeof guid - 1);
    sha1(joined, key.length + sizeof guid - 1, digest);
    for (int i = 0; i < 7; i++) {
        uint32_t three = (uint32_t)digest[i * 3] << 16 | (uint32_t)digest[i * 3 + 1] << 8 | digest[i * 3 + 2];
        for (int j = 0; j < 4; j++) {
            accept[i * 4 + j] = digits[three >> (18 - 6 * j) & 63];
        }
    }
    accept[27] = '=';
    accept[28] = 0;
}

/* ---- HTTP ---- */

static text header(text head, const char *name)
{
    for (char *line = head.at; line != NULL; line = memmem(line, (size_t)(head.at + head.length - line), "\r\n", 2)) {
        line += line == head.at ? 0 : 2;
        size_t left = (size_t)(head.at + head.length - line), length = strlen(name);
        if (left > length && strncasecmp(line, name, length) == 0 && line[length] == ':') {
            char *value = skip_space(line + length + 1, head.at + head.length);
            char *end = memmem(value, (size_t)(head.at + head.length - value), "\r\n", 2);
            return (text){ value, (size_t)((end ? end : head.at + head.length) - value) };
        }
    }
    return (text){ NULL, 0 };
}

static void reply(connection *who, const char *status)
{
    char answer[128];
    queue(who, answer, (size_t)snprintf(answer, sizeof answer, "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n", status));
}

static void create(connection *who, char *body, size_t length)
{
    text name, value;
    if (next_member(body, body + length, &name, &value) == NULL || !is(name, "name") || unquoted(value).length - 1 >= TOPIC_NAME) {
        reply(who, "400 Bad Request");
        return;
    }
    value = unquoted(value);
    size_t slot = slot_of(value);
    if (slot == TOPIC_TABLE || topics[slot] != NULL) {
        reply(who, slot == TOPIC_TABLE ? "507 Insufficient Storage" : "409 Conflict");
        return;
    }
    topic *created = calloc(1, sizeof *created);
    if (created == NULL) {
        reply(who, "507 Insufficient Storage");
        return;
    }
    memcpy(created->name, value.at, value.length);
    created->name_length = value.length;
    topics[slot] = created;
    reply(who, "201 Created");
}

/* Handles every complete request; returns how many bytes they were. */
static size_t scan_requests(connection *who, char *bytes, size_t length)
{
    size_t at = 0;
    while (!who->is_websocket && !who->is_closed) {
        char *start = bytes + at, *end = memmem(start, length - at, "\r\n\r\n", 4);
        if (end == NULL) {
            break;
        }
        text head = { start, (size_t)(end - start) }, key = header(head, "Sec-WebSocket-Key"), size = header(head, "Content-Length");
        size_t body = size.length > 0 ? strtoul(size.at, NULL, 10) : 0;
        if (body > length - at - head.length - 4) {
            break;
        }
        static const char topic_path[] = "DELETE /v1/topics/";
        if (key.length > 0 && key.length <= 64 && memcmp(start, "GET /v1/ws ", 11) == 0) {
            char accept[29], upgrade[256];
            accept_for(key, accept);
            queue(who, upgrade, (size_t)snprintf(upgrade, sizeof upgrade,
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Accept: %s\r\n\r\n", accept));
            who->is_websocket = 1;
        } else if (memcmp(start, "POST /v1/topics ", 16) == 0) {
            create(who, end + 4, body);
        } else if (head.length > sizeof topic_path && memcmp(start, topic_path, sizeof topic_path - 1) == 0) {
            char *name = start + sizeof topic_path - 1, *name_end = memchr(name, ' ', (size_t)(end - name));
            topic *named = name_end == NULL ? NULL : find_topic((text){ name, (size_t)(name_end - name) });
            if (named != NULL) {
                delete_topic(named);
            }
            reply(who, named != NULL ? "200 OK" : "404 Not Found");
        } else {
            reply(who, "404 Not Found");
        }
        at += head.length + 4 + body;
    }
    return at;
}

/* ---- the loop ---- */

static void receive(connection *who)
{
    memcpy(read_buffer, who->in, who->in_length);
    ssize_t count = recv(who->socket, read_buffer + who->in_length, READ_BYTES, 0);
    if (count <= 0) {
        if (count == 0 || errno != EAGAIN) {
            hang_up(who);
        }
        return;
    }
    size_t length = who->in_length + (size_t)count, used = 0;
    if (!who->is_websocket) {
        used = scan_requests(who, read_buffer, length);
    }
    if (who->is_websocket) {
        used += scan_frames(who, (unsigned char *)read_buffer + used, length - used);
    }
    who->in_length = length - used;
    if (who->in_length > REQUEST_BYTES) {
        hang_up(who);
        return;
    }
    if (who->in_length > who->in_capacity) {
        who->in_capacity = who->in_length * 2;
        who->in = grown(who->in, who->in_capacity);
    }
    memcpy(who->in, read_buffer + used, who->in_length);
}

static void admit(int listener)
{
    int socket;
    while ((socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        int on = 1;
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        connection *who = calloc(1, sizeof *who);
        if (who == NULL) {
            close(socket);
            continue;
        }
        who->socket = socket;
        who->in = grown(NULL, who->in_capacity = 64);
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = who };
        epoll_ctl(poller, EPOLL_CTL_ADD, socket, &event);
    }
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const char *port = getenv("PORT");
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)(port ? atoi(port) : 0)) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    socklen_t size = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 4096) < 0
        || getsockname(listener, (struct sockaddr *)&address, &size) < 0 || (poller = epoll_create1(EPOLL_CLOEXEC)) < 0) {
        perror("broker");
        return 1;
    }
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    printf("Now listening on: http://127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);

    static struct epoll_event ready[READY_EVENTS];
    for (;;) {
        int count = epoll_wait(poller, ready, READY_EVENTS, -1);
        for (int i = 0; i < count; i++) {
            connection *who = ready[i].data.ptr;
            if (who == NULL) {
                admit(listener);
                continue;
            }
            if (ready[i].events & EPOLLOUT) {
                flush(who);
            }
            if (ready[i].events & ~(uint32_t)EPOLLOUT && !who->is_closed) {
                receive(who);
            }
        }
        while (dirty != NULL) {
            connection *who = dirty;
            dirty = who->next_dirty;
            who->is_dirty = 0;
            if (!who->is_closed && !who->awaits_room) {
                flush(who);
            }
        }
        while (closed != NULL) {
            connection *who = closed;
            closed = who->next_closed;
            unsubscribe_from_all(who);
            close(who->socket);
            free(who->topics);
            free(who->in);
            free(who->out);
            free(who);
        }
    }
}
